from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from provisioning import audit, headroom, lifecycle
from provisioning.models import Check, CheckState, Kind, Namespace, NamespaceStatus, Phase, Request
from provisioning.workflows import workflow
from tests.drift.live import found
from tests.lifecycle import life
from tests.lifecycle.life import approved, end

pytestmark = pytest.mark.django_db
OWNER = "3f2c8f1e-0d4b-4a7e-9a51-6f0f5a1c2b3d"
NAME = "team-red-dev"


def orphan() -> dict[str, Any]:
    """Managed in the cluster, unknown here."""
    live = found()
    live["namespace"]["metadata"]["labels"] |= {"platform.io/request-id": OWNER, "platform.io/team": "payments"}
    return live


def unmanaged() -> dict[str, Any]:
    namespace = {
        "kind": "Namespace",
        "metadata": {"name": NAME, "uid": "u-7", "labels": {"team": "payments"}},
        "status": {"phase": "Active"},
    }
    policy = {"kind": "NetworkPolicy", "metadata": {"name": "allow-all"}, "spec": {"podSelector": {}, "ingress": [{}]}}
    return {"namespace": namespace, "objects": {"items": [policy]}, "monitoringConfig": None, "platformUser": None}


def looked_at(live: dict[str, Any] | None, **columns: Any) -> Check:
    name = live["namespace"]["metadata"]["name"] if live else NAME
    return Check.objects.create(
        **{"name": name, "why": "adopt", "workflow_name": f"audit-{Check.objects.count()}", "state": CheckState.FINISHED,
           "exists": live is not None, "live": live, **columns}
    )  # fmt: skip


@pytest.fixture
def opened(dana, payments):
    def make(live: dict[str, Any], **changes: Any) -> Request:
        check = looked_at(live)
        spec = lifecycle.proposal(check).spec.replace(**changes)
        return lifecycle.open_adoption(check, spec, by=dana)

    return make


def labels(request: Request) -> dict[str, str]:
    found: dict[str, str] = json.loads(request.rendered["namespaceManifest"])["metadata"]["labels"]
    return found


def test_an_orphan_is_taken_over_under_the_request_id_it_bears(opened, erin, payments):
    request = opened(orphan())
    assert (request.kind, request.phase, request.name, request.team) == (Kind.ADOPT, Phase.PENDING, NAME, payments)
    assert "a namespace that exists is taken over" in request.verdict["reasons"]
    assert request.owner_request_id == labels(request)["platform.io/request-id"] == OWNER
    assert lifecycle.consent_command(request) == ""
    end(approved(request, erin))
    namespace = Namespace.objects.get()
    assert (str(namespace.owner_request_id), namespace.status, namespace.revision) == (OWNER, NamespaceStatus.READY, 1)
    assert namespace.tier == "medium"
    assert request.namespace == namespace
    assert namespace.current_revision.granted_by == erin
    assert audit.verify().ok


def test_its_first_words_stay(opened):
    request = opened(orphan())
    told = found()["namespace"]["metadata"]["annotations"]
    annotations = json.loads(request.rendered["namespaceManifest"])["metadata"]["annotations"]
    for key in ("platform.io/created-at", "platform.io/requested-by"):
        assert annotations[key] == told[key]


def test_an_unmanaged_one_becomes_this_request_s_and_the_cluster_has_to_agree(opened, erin):
    request = opened(unmanaged())
    assert request.owner_request_id == labels(request)["platform.io/request-id"] == str(request.pk)
    assert lifecycle.needs_consent(request)
    assert lifecycle.consent_command(request) == f"kubectl label namespace {NAME} platform.io/adopt={request.pk}"
    end(approved(request, erin))
    namespace = Namespace.objects.get()
    assert (str(namespace.owner_request_id), namespace.uid) == (str(request.pk), "ns-uid")


def test_its_run_is_an_update_that_may_take_over(opened, erin):
    request = approved(opened(orphan()), erin)
    run = request.current_run
    assert run is not None
    assert run.workflow_name == f"adopt-namespace-{request.short_id}-1"
    assert [step.name for step in run.steps.all()] == [step.name for step in workflow.PLAN["change"]]


def test_what_would_change_is_told_and_what_is_foreign_stays(opened):
    request = opened(unmanaged())
    told = [(finding.kind, finding.object) for finding in lifecycle.findings_of(request)]
    assert ("missing", "ResourceQuota/compute-resources") in told
    assert ("missing", "NetworkPolicy/default-deny-all") in told
    assert told[-1] == ("foreign", "NetworkPolicy/allow-all")
    assert ("wrong owner", f"Namespace/{NAME}") not in told
    orphans = lifecycle.findings_of(opened(orphan() | {"namespace": renamed(orphan())}))
    assert all(finding.kind == "changed" for finding in orphans)


def renamed(live: dict[str, Any]) -> dict[str, Any]:
    namespace: dict[str, Any] = copy.deepcopy(live["namespace"])
    namespace["metadata"]["name"] = "other"
    return namespace


def test_whoever_asks_gets_no_access_unless_they_lead_the_team(opened, dana):
    assert dana.email not in [subject.name for subject in opened(unmanaged()).spec.admins]


def test_it_counts_as_one_more_namespace_of_its_team(opened, payments):
    opened(orphan(), tier="large")
    room = headroom.of_team(payments)
    assert (room.namespaces_used, room.cpu_used) == (1, 8)


@pytest.mark.parametrize("who", ["alice", "bob", "carol", "frank"])
def test_only_platform_admins_ask_for_it(payments, who, request):
    check = looked_at(orphan())
    with pytest.raises(lifecycle.Forbidden):
        lifecycle.open_adoption(check, lifecycle.proposal(check).spec, by=request.getfixturevalue(who))


def test_and_somebody_else_decides(opened, dana):
    request = opened(orphan())
    with pytest.raises(lifecycle.Forbidden):
        lifecycle.approve(request, by=dana, digest=request.digest)


def test_an_approver_may_grant_less(opened, erin):
    request = opened(orphan(), tier="large")
    lifecycle.approve(request, by=erin, digest=request.digest, granted=request.spec.replace(tier="medium"))
    assert (request.tier, labels(request)["platform.io/request-id"]) == ("medium", OWNER)


def test_it_can_be_edited(opened, erin, dana):
    request = opened(orphan())
    lifecycle.request_changes(request, by=erin, digest=request.digest, comment="Larger, please")
    lifecycle.resubmit(request, request.asked_spec.replace(tier="large"), by=dana, revision=1)
    assert (request.phase, request.tier, request.owner_request_id) == (Phase.PENDING, "large", OWNER)


def terminating(live: dict[str, Any]) -> dict[str, Any]:
    live["namespace"]["status"]["phase"] = "Terminating"
    return live


def reserved(live: dict[str, Any]) -> dict[str, Any]:
    live["namespace"]["metadata"]["name"] = "kube-system"
    return live


def strange(live: dict[str, Any]) -> dict[str, Any]:
    live["namespace"]["metadata"]["labels"]["platform.io/request-id"] = "req-1"
    return live


@pytest.mark.parametrize(
    ("live", "says"),
    [
        (None, "no namespace of this name"),
        (terminating(orphan()), "being deleted"),
        (reserved(unmanaged()), "reserved"),
        (strange(orphan()), "req-1"),
    ],
)
def test_what_cannot_be_taken_over_is_said(payments, live, says):
    with pytest.raises(lifecycle.Invalid, match=says):
        lifecycle.proposal(looked_at(live))


def test_a_check_that_has_not_ended_is_waited_for(payments):
    with pytest.raises(lifecycle.Invalid, match="not ended"):
        lifecycle.proposal(looked_at(orphan(), state=CheckState.SUBMITTED))


def test_what_is_known_here_is_not_taken_over(alice, dana, payments, erin):
    life.made(alice, dana, name=NAME, tier="small")
    with pytest.raises(lifecycle.Invalid, match="known here already"):
        lifecycle.proposal(looked_at(orphan()))


def test_nor_is_what_bears_the_id_of_another_namespace(dana, payments, alice):
    other = life.made(alice, dana, name="payments-dev", tier="small")
    live = orphan()
    live["namespace"]["metadata"]["labels"]["platform.io/request-id"] = str(other.owner_request_id)
    check = looked_at(live)
    with pytest.raises(lifecycle.Invalid, match="another namespace that is known"):
        lifecycle.draft_adoption(check, lifecycle.proposal(check).spec, by=dana)


def test_an_open_request_about_the_name_comes_first(opened, dana):
    first = opened(orphan())
    check = looked_at(orphan())
    with pytest.raises(lifecycle.Conflict) as caught:
        lifecycle.open_adoption(check, first.spec, by=dana)
    assert caught.value.request == first


def test_name_and_team_have_to_be_right(dana, payments):
    check = looked_at(orphan())
    spec = lifecycle.proposal(check).spec
    for wrong, field in (
        (spec.replace(team=""), "team"),
        (spec.replace(name="x"), "name"),
        (spec.replace(tier="y"), "tier"),
    ):
        with pytest.raises(lifecycle.Invalid) as caught:
            lifecycle.open_adoption(check, wrong, by=dana)
        assert list(caught.value.errors) == [field]


def test_what_is_left_of_a_create_that_was_given_up_can_be_taken_over(open_request, opened, dana, erin, alice):
    request = end(approved(open_request(name=NAME), dana), Phase.FAILED)
    lifecycle.give_up(request, by=alice)
    live = orphan()
    live["namespace"]["metadata"]["labels"]["platform.io/request-id"] = str(request.pk)
    adoption = end(approved(opened(live), erin))
    assert Namespace.objects.get().owner_request_id == request.pk
    assert adoption.namespace.current_revision.request == adoption


def test_a_failed_adoption_is_retried_or_given_up_like_any_request(opened, erin, dana):
    request = end(approved(opened(unmanaged()), erin), Phase.FAILED, message="the cluster has not agreed")
    assert not Namespace.objects.exists()
    lifecycle.retry(request, by=dana)
    end(request)
    assert Namespace.objects.count() == 1
