"""How a namespace stands, as its requests run: the only writer of its row's status and of its revisions."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from provisioning.lifecycle.options import Options, lease_end
from provisioning.models import (
    Decision,
    Kind,
    Namespace,
    NamespaceRevision,
    NamespaceStatus,
    Request,
    Run,
    Step,
)

EXPIRES_AT = "platform.io/expires-at"
_RUNNING = {Kind.CHANGE: NamespaceStatus.UPDATING, Kind.DELETE: NamespaceStatus.DELETING}
_FAILED = {Kind.CHANGE: NamespaceStatus.UPDATE_FAILED, Kind.DELETE: NamespaceStatus.DELETE_FAILED}
# The step with which a run begins to change the namespace; what comes before only looks.
_FIRST_ACT = {Kind.CHANGE: "update-namespace", Kind.DELETE: "delete-namespace"}
_ENDED = frozenset({"Succeeded", "Failed", "Error"})


def begin(request: Request) -> None:
    """A run of it is with Argo: the namespace says so, and how it stood before is remembered."""
    running = _RUNNING.get(Kind(request.kind))
    if running is None or request.namespace is None:
        return
    options = Options.of(request)
    if not options.status_before:
        _remember(request, options.replace(status_before=request.namespace.status))
    _set(request.namespace, status=running)


def succeeded(request: Request, uid: str) -> dict[str, Any]:
    """What a run that went well makes of the namespace. Facts for the trail."""
    if request.kind in {Kind.CREATE, Kind.ADOPT}:
        return _made(request, uid or Options.of(request).uid)
    if request.namespace is None:
        return {}
    if request.kind == Kind.DELETE:
        _set(request.namespace, status=NamespaceStatus.DELETED, deleted_at=timezone.now())
        return {"namespace": NamespaceStatus.DELETED.value}
    return _changed(request, request.namespace)


def stopped(request: Request, run: Run) -> None:
    """A run ended without doing what it should. One that Argo never had changed nothing."""
    if request.namespace is None or request.namespace.status not in _RUNNING.values():
        return
    if _has_acted(request, run):
        _remember(request, Options.of(request).replace(touched=True))
    _set(request.namespace, status=_FAILED[Kind(request.kind)])


def over(request: Request) -> None:
    """The request is ended without success: what no run of it had touched stands as before, the rest stays marked."""
    if request.namespace is None or request.namespace.status not in _FAILED.values():
        return
    options = Options.of(request)
    if options.status_before and not options.touched:
        _set(request.namespace, status=options.status_before)


def _has_acted(request: Request, run: Run) -> bool:
    """Whether any attempt may have written: its step began, or nobody saw how the workflow ended."""
    first = _FIRST_ACT[Kind(request.kind)]
    began = Step.objects.filter(run__request=request, name=first, attempts__gt=0).exists()
    return began or not Run.objects.filter(pk=run.pk, workflow_phase__in=_ENDED).exists()


def _remember(request: Request, options: Options) -> None:
    request.options = options.to_json()
    Request.objects.filter(pk=request.pk).update(options=request.options)


def _set(namespace: Namespace, **columns: Any) -> None:
    Namespace.objects.filter(pk=namespace.pk).update(version=F("version") + 1, **columns)
    namespace.refresh_from_db()


# ── revisions ────────────────────────────────────────────────────────────────────────────────────────────────


def _made(request: Request, uid: str) -> dict[str, Any]:
    now = timezone.now()
    namespace = Namespace.objects.create(
        name=request.name,
        team=request.team,
        tier=request.tier,
        spec_json=request.granted,
        owner_request_id=request.owner_request_id,
        uid=uid,
        ready_at=now,
        lease_ends_at=_written_end(request) or now + timedelta(days=request.spec.lease_days),
    )
    _revise(namespace, request, now)
    Request.objects.filter(pk=request.pk).update(namespace=namespace)
    return {"namespace": namespace.status, "namespace_revision": 1}


def _changed(request: Request, namespace: Namespace) -> dict[str, Any]:
    """A repair puts what is in force once more, so there is no new revision of it."""
    if request.is_repair:
        _set(namespace, status=NamespaceStatus.READY)
        return {"namespace": namespace.status, "namespace_revision": namespace.revision}
    columns: dict[str, Any] = {
        "status": NamespaceStatus.READY,
        "revision": namespace.revision + 1,
        "spec_json": request.granted,
        "tier": request.tier,
    }
    end = lease_end(Options.of(request))
    if end is not None:
        columns |= {"lease_ends_at": max(end, namespace.lease_ends_at), "renewals": _renewals(request, namespace)}
    _set(namespace, **columns)
    _revise(namespace, request, timezone.now())
    return {"namespace": namespace.status, "namespace_revision": namespace.revision}


def _renewals(request: Request, namespace: Namespace) -> int:
    """How often a rule has renewed the lease since a person last decided on it."""
    last = request.decisions.filter(answer=Decision.Answer.APPROVE).last()
    return 0 if last and last.by_id else namespace.renewals + 1


def _revise(namespace: Namespace, request: Request, at: datetime) -> None:
    last = request.decisions.filter(answer=Decision.Answer.APPROVE).last()
    NamespaceRevision.objects.create(
        namespace=namespace,
        number=namespace.revision,
        request=request,
        spec_json=request.granted,
        rendered=request.rendered,
        digest=request.digest,
        granted_by=last.by if last else None,
        granted_rule=last.rule if last else "",
        at=at,
    )


def _written_end(request: Request) -> datetime | None:
    """The end of the lease where it stands on the namespace in the cluster: there it has to be the same."""
    metadata = json.loads(request.rendered["namespaceManifest"])["metadata"]
    end = metadata["annotations"].get(EXPIRES_AT)
    return datetime.fromisoformat(end) if end else None
