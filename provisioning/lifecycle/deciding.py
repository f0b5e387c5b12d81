"""Decisions: approve, deny, request changes; by a person or by a rule of the policy."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from provisioning import access, audit
from provisioning.lifecycle import narrowing, running
from provisioning.lifecycle.errors import Conflict, Forbidden, Invalid
from provisioning.lifecycle.transition import move, sentence
from provisioning.models import Decision, Phase, Request, User
from provisioning.policy import Verdict
from provisioning.spec import NamespaceSpec

Answer = Decision.Answer


def approve(
    request: Request,
    *,
    by: User,
    digest: str,
    comment: str = "",
    granted: NamespaceSpec | None = None,
    granted_digest: str = "",
) -> Request:
    """Approve exactly the objects with this digest.

    `granted` takes something away from what was asked (lower tier, fewer features, shorter lease); the objects are
    rendered anew from it, and must then have `granted_digest` if that is given. Raises Forbidden, Invalid, or Conflict
    when it was decided meanwhile or is no longer what was shown. With a verdict of two approvers the first approval is
    recorded and the request stays Pending.
    """
    _check_decider(request, by, digest)
    columns = narrowing.columns(request, granted, granted_digest) if granted is not None else {}
    with transaction.atomic():
        running.refuse_if_protected(request)
        if _is_first_of_two(request, by, columns.get("digest", digest)):
            _lock(request, digest)
            _write_decision(request, Answer.APPROVE, by=by, comment=comment, columns=columns)
            request.touch(message=f"Approved by {by.display_name}; one more approver is needed.", **columns)
            request.refresh_from_db()
            audit.record(
                "request.approved-first",
                by=by,
                request=request,
                note=comment,
                after={"digest": request.digest},
            )
            return request
        # The row first: whoever comes second must find the winner's decision, not their own.
        _approved(request, digest, columns)
        _write_decision(request, Answer.APPROVE, by=by, comment=comment, columns={})
        _record(request, "request.approved", by, comment)
    return request


def deny(request: Request, *, by: User, digest: str, comment: str) -> Request:
    """Say no, for good. A comment is required. Raises as `approve`."""
    return _answer(request, Answer.DENY, Phase.DENIED, by=by, digest=digest, comment=comment)


def request_changes(request: Request, *, by: User, digest: str, comment: str) -> Request:
    """Send it back to the requester, who can edit and resubmit. A comment is required. Raises as `approve`."""
    return _answer(request, Answer.REQUEST_CHANGES, Phase.CHANGES_REQUESTED, by=by, digest=digest, comment=comment)


def apply_policy(request: Request) -> None:
    """Approve by rule if the verdict says so; inside the transaction that stored the verdict."""
    verdict = Verdict.from_json(request.verdict)
    if verdict.result != "auto":
        return
    Decision.objects.create(
        request=request,
        revision=request.revision,
        answer=Answer.APPROVE,
        rule=verdict.rule,
        comment=verdict.sentence,
        digest=request.digest,
        granted=request.granted,
    )
    _approved(request, request.digest, {})
    rule = audit.Machine(verdict.rule, "policy")
    audit.record("request.approved", by=rule, request=request, note=verdict.sentence, after=_facts(request))


def _check_decider(request: Request, by: User, digest: str) -> None:
    if request.phase != Phase.PENDING and by.is_platform_admin and request.requester_id != by.pk:
        raise Conflict(sentence(request), request)
    if not access.may_decide(by, request):
        raise Forbidden(access.why_not_decide(by, request))
    if digest != request.digest:
        raise Conflict("The request changed after you opened it: look at it again.", request)


def _write_decision(request: Request, answer: Answer, *, by: User, comment: str, columns: dict[str, Any]) -> Decision:
    try:
        with transaction.atomic():
            return Decision.objects.create(
                request=request,
                revision=request.revision,
                answer=answer,
                by=by,
                comment=comment,
                digest=columns.get("digest", request.digest),
                granted=columns.get("granted", request.granted),
            )
    except IntegrityError as error:
        request.refresh_from_db()
        raise Conflict("You have already answered this revision.", request) from error


def _is_first_of_two(request: Request, by: User, digest: str) -> bool:
    """With two approvers: whether nobody else has approved exactly these objects yet."""
    if Verdict.from_json(request.verdict).result != "two":
        return False
    others = Decision.objects.filter(
        request=request, revision=request.revision, answer=Answer.APPROVE, digest=digest
    ).exclude(by=by)
    return not others.exists()


def _lock(request: Request, digest: str) -> None:
    """The first of two approvals changes no phase, so it holds the row instead of comparing and setting."""
    row = Request.objects.select_for_update().filter(pk=request.pk, phase=Phase.PENDING, digest=digest).first()
    if row is None:
        request.refresh_from_db()
        raise Conflict(sentence(request), request)


def _approved(request: Request, digest: str, columns: dict[str, Any]) -> None:
    """Pending -> Approved, and a run for the worker to submit."""
    move(
        request,
        Phase.APPROVED,
        expected=[Phase.PENDING],
        where={"digest": digest, "revision": request.revision},
        decided_at=timezone.now(),
        attempt=request.attempt + 1,
        message="",
        **columns,
    )
    running.queue(request)


def _answer(request: Request, answer: Answer, phase: Phase, *, by: User, digest: str, comment: str) -> Request:
    _check_decider(request, by, digest)
    if not comment.strip():
        raise Invalid({"comment": ["Say why: the requester reads this."]})
    with transaction.atomic():
        move(
            request,
            phase,
            expected=[Phase.PENDING],
            where={"digest": digest, "revision": request.revision},
            decided_at=timezone.now(),
        )
        _write_decision(request, answer, by=by, comment=comment, columns={})
        _record(request, f"request.{'denied' if phase == Phase.DENIED else 'changes-requested'}", by, comment)
    return request


def _record(request: Request, action: str, by: User, comment: str) -> None:
    audit.record(
        action,
        by=by,
        request=request,
        note=comment,
        before={"phase": Phase.PENDING.value},
        after=_facts(request),
    )


def _facts(request: Request) -> dict[str, Any]:
    facts = {"phase": request.phase, "revision": request.revision, "digest": request.digest}
    return {**facts, "granted": request.granted} if request.was_narrowed else facts
