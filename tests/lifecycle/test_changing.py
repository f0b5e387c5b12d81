from __future__ import annotations

import json

import pytest

from provisioning import audit, headroom, lifecycle, manifests
from provisioning.config import the_catalog
from provisioning.models import (
    AuditEvent,
    Check,
    CheckState,
    Kind,
    Namespace,
    NamespaceRevision,
    NamespaceStatus,
    Phase,
    Request,
    RunState,
    Team,
)
from provisioning.spec import Subject
from tests.lifecycle import life
from tests.lifecycle.life import approved, changed, end, submit

pytestmark = pytest.mark.django_db


def metadata(rendered: dict[str, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(rendered["namespaceManifest"])["metadata"]
    return found


def test_a_change_goes_the_way_of_every_request(namespace, alice, dana):
    request = lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=alice)
    assert (request.kind, request.phase, request.name, request.namespace) == (
        Kind.CHANGE, Phase.PENDING, "payments-dev", namespace,
    )  # fmt: skip
    assert request.verdict["reasons"] == ["large tier"]
    lifecycle.approve(request, by=dana, digest=request.digest)
    run = request.current_run
    assert run is not None
    assert (run.state, run.workflow_name) == (RunState.QUEUED, f"update-namespace-{request.short_id}-1")
    assert run.steps.filter(name="update-namespace").exists()
    end(request)
    namespace.refresh_from_db()
    assert (namespace.status, namespace.revision, namespace.tier, namespace.spec.tier) == (
        NamespaceStatus.READY, 2, "large", "large",
    )  # fmt: skip
    revision = namespace.current_revision
    assert (revision.number, revision.request, revision.granted_by, revision.digest) == (
        2,
        request,
        dana,
        request.digest,
    )
    assert audit.verify().ok


def test_every_revision_stays_with_who_granted_it(namespace, alice, dana):
    changed(namespace, alice, dana, tier="large")
    changed(namespace, alice, dana, tier="small")
    rows = list(namespace.revisions.values_list("number", "spec_json__tier", "granted_by__username", "granted_rule"))
    assert rows == [(1, "small", None, "small-in-dev"), (2, "large", "dana", ""), (3, "small", None, "change-in-dev")]


def test_a_change_inside_policy_is_approved_by_its_rule(namespace, alice):
    request = lifecycle.open_change(
        namespace, namespace.spec.replace(features=("ingress", "logging", "monitoring")), by=alice
    )
    assert (request.phase, request.verdict["rule"]) == (Phase.APPROVED, "change-in-dev")


def test_only_what_a_change_adds_is_judged(prod, alice):
    request = lifecycle.open_change(prod, prod.spec.replace(features=("external-egress",)), by=alice)
    assert request.verdict["reasons"] == ["large tier", "external egress", "production"]
    assert request.facts["current"] == prod.spec_json


def test_it_stays_the_namespace_of_the_first_request(namespace, alice, dana):
    first = NamespaceRevision.objects.get(namespace=namespace).rendered
    request = lifecycle.open_change(namespace, namespace.spec.replace(tier="medium"), by=dana)
    then, now = metadata(first), metadata(request.rendered)
    for part, key in (
        ("labels", "platform.io/request-id"),
        ("annotations", "platform.io/created-at"),
        ("annotations", "platform.io/requested-by"),
    ):
        assert now[part][key] == then[part][key]
    assert now["labels"]["platform.io/request-id"] == str(namespace.owner_request_id) == request.owner_request_id
    assert request.owner_request_id != str(request.pk)
    assert manifests.digest_of(request.rendered) == request.digest


def test_whoever_asks_for_a_change_gets_no_access_by_it(namespace, dana):
    request = lifecycle.open_change(namespace, namespace.spec.replace(tier="medium"), by=dana)
    assert request.spec.admins == namespace.spec.admins


def test_access_can_be_changed(namespace, alice, dana):
    bob = Subject("User", "bob@example.com")
    request = changed(namespace, alice, dana, editors=(bob,))
    assert namespace.spec.editors == (bob,)
    assert manifests.meanings(lifecycle.difference(request), the_catalog()) == ["bob@example.com becomes editor"]


def test_the_difference_is_told_object_by_object_and_in_words(namespace, alice):
    spec = namespace.spec.replace(tier="medium", features=("external-egress", "logging", "monitoring"))
    made = lifecycle.draft_change(namespace, spec, by=alice)
    assert {"pods 10 → 20", "internet egress opened", "tier small → medium"} <= set(made.meanings)
    request = lifecycle.open_change(namespace, spec, by=alice)
    assert lifecycle.difference(request) == list(made.changes)
    added = [(change.kind, change.name) for change in made.changes if change.change == "added"]
    assert added == [("NetworkPolicy", "allow-external-egress")]
    event = AuditEvent.objects.get(request=request, action="request.opened")
    assert "pods 10 → 20" in event.note


def test_the_difference_stays_when_the_change_is_in_force(namespace, alice, dana):
    request = changed(namespace, alice, dana, tier="medium")
    changed(namespace, alice, dana, tier="large")
    assert "pods 10 → 20" in manifests.meanings(lifecycle.difference(request), the_catalog())
    assert lifecycle.base_spec(request).tier == "small"


def test_a_change_of_nothing_is_refused(namespace, alice):
    assert lifecycle.draft_change(namespace, namespace.spec, by=alice).is_same
    with pytest.raises(lifecycle.Invalid, match="nothing would change"):
        lifecycle.open_change(namespace, namespace.spec, by=alice)
    assert Request.objects.count() == 1


def test_a_repair_applies_what_is_in_force_byte_for_byte_and_makes_no_revision(namespace, alice, dana):
    request = lifecycle.open_change(namespace, by=dana, repair=True)
    assert request.is_repair
    assert request.rendered == namespace.current_revision.rendered
    assert request.digest == namespace.current_revision.digest
    assert lifecycle.difference(request) == []
    end(approved(request, dana))
    namespace.refresh_from_db()
    assert (namespace.status, namespace.revision) == (NamespaceStatus.READY, 1)


def test_name_and_team_cannot_be_changed_nor_the_lease_on_the_side(namespace, alice, search):
    for changes, field in (
        ({"name": "other-dev"}, "name"),
        ({"team": "search"}, "name"),
        ({"lease_days": 30}, "lease_days"),
    ):
        with pytest.raises(lifecycle.Invalid) as caught:
            lifecycle.open_change(namespace, namespace.spec.replace(**changes), by=alice)
        assert field in caught.value.errors
    with pytest.raises(lifecycle.Invalid, match="Say what"):
        lifecycle.open_change(namespace, by=alice)
    with pytest.raises(lifecycle.Invalid) as caught:
        lifecycle.open_change(namespace, namespace.spec.replace(tier="huge"), by=alice)
    assert list(caught.value.errors) == ["tier"]


@pytest.mark.parametrize("who", ["bob", "carol", "frank"])
def test_members_strangers_and_auditors_cannot_ask_for_a_change(namespace, who, request):
    with pytest.raises(lifecycle.Forbidden):
        lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=request.getfixturevalue(who))


def test_a_platform_admin_who_asks_does_not_decide(namespace, dana, erin):
    request = lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=dana)
    with pytest.raises(lifecycle.Forbidden):
        lifecycle.approve(request, by=dana, digest=request.digest)
    assert lifecycle.approve(request, by=erin, digest=request.digest).phase == Phase.APPROVED


def test_one_open_request_about_a_namespace_is_all_there_is(namespace, alice):
    first = lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=alice)
    with pytest.raises(lifecycle.Conflict) as caught:
        lifecycle.open_change(namespace, namespace.spec.replace(tier="medium"), by=alice)
    assert caught.value.request == first


def test_what_is_deleted_cannot_be_changed(namespace, alice):
    Namespace.objects.filter(pk=namespace.pk).update(status=NamespaceStatus.DELETED)
    with pytest.raises(lifecycle.Conflict, match="was deleted"):
        lifecycle.open_change(namespace, namespace.spec.replace(tier="medium"), by=alice)


# ── room ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_takes_only_the_difference_of_the_room(namespace, alice, payments):
    Team.objects.filter(pk=payments.pk).update(max_cpu=4, max_namespaces=1)
    namespace.refresh_from_db()
    made = lifecycle.draft_change(namespace, namespace.spec.replace(tier="medium"), by=alice)
    assert "outside" not in made.verdict.sentence
    Team.objects.filter(pk=payments.pk).update(max_cpu=3)
    namespace = Namespace.objects.get(pk=namespace.pk)
    made = lifecycle.draft_change(namespace, namespace.spec.replace(tier="medium"), by=alice)
    assert "outside the team's headroom: CPU 4 of 3" in made.verdict.reasons


def test_a_change_on_its_way_holds_the_larger_of_both_tiers(namespace, alice, dana, payments):
    assert headroom.of_team(payments).cpu_used == 2
    request = lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=alice)
    room = headroom.of_team(payments)
    assert (room.namespaces_used, room.cpu_used, room.pods_used) == (1, 8, 50)
    assert headroom.of_teams([payments])[payments.pk] == room
    assert headroom.of_team(payments, without=request).cpu_used == 2
    end(approved(request, dana))
    namespace.refresh_from_db()
    lifecycle.open_change(namespace, namespace.spec.replace(tier="small"), by=alice)
    assert headroom.of_team(payments).cpu_used == 8


# ── shrinking ────────────────────────────────────────────────────────────────────────────────────────────────


def checked(namespace: Namespace, used: dict[str, str], *volumes: str) -> None:
    items = [
        {"kind": "PersistentVolumeClaim", "name": f"v{n}", "created": "2026-11-24T10:00:00Z", "storage": size}
        for n, size in enumerate(volumes)
    ]
    quota = [{"resource": key, "used": value, "hard": "9"} for key, value in used.items()]
    Check.objects.create(
        name=namespace.name, namespace=namespace, why="drift", workflow_name="audit-namespace-x-1",
        state=CheckState.FINISHED, inventory={"items": items, "quota": quota, "taken_at": "", "more": 0},
    )  # fmt: skip


def test_shrinking_below_what_is_in_use_warns_with_the_numbers_and_blocks_nothing(prod, alice):
    small = prod.spec.replace(tier="small")
    checked(prod, {"pods": "12", "limits.memory": "6144Mi", "limits.cpu": "2"}, "20Gi", "1Gi")
    assert lifecycle.warnings(prod, small) == [
        "limits.memory: 6 Gi in use, 4 Gi allowed from then on. What runs goes on running; nothing new is admitted.",
        "pods: 12 in use, 10 allowed from then on. What runs goes on running; nothing new is admitted.",
        "Volume v0 has 20 Gi, more than the 10 Gi of a new one: it stays as it is.",
    ]
    assert lifecycle.draft_change(prod, small, by=alice).warnings == tuple(lifecycle.warnings(prod, small))
    assert lifecycle.open_change(prod, small, by=alice).phase == Phase.PENDING


def test_shrinking_without_a_check_says_that_nobody_knows(prod):
    (warning,) = lifecycle.warnings(prod, prod.spec.replace(tier="medium"))
    assert "pods" in warning
    assert "not known" in warning


def test_growing_warns_of_nothing(namespace):
    checked(namespace, {"pods": "99"})
    assert lifecycle.warnings(namespace, namespace.spec.replace(tier="large")) == []
    assert lifecycle.warnings(namespace, namespace.spec.replace(features=())) == []


# ── editing and approving with changes ───────────────────────────────────────────────────────────────────────


def test_a_change_can_be_edited_and_is_judged_anew(prod, alice, dana):
    request = lifecycle.open_change(prod, prod.spec.replace(tier="medium"), by=alice)
    lifecycle.request_changes(request, by=dana, digest=request.digest, comment="Even smaller?")
    lifecycle.resubmit(request, prod.spec.replace(tier="small"), by=alice, revision=1)
    assert (request.phase, request.revision, request.tier) == (Phase.PENDING, 2, "small")
    assert metadata(request.rendered)["labels"]["platform.io/request-id"] == str(prod.owner_request_id)
    with pytest.raises(lifecycle.Invalid, match="nothing would change"):
        lifecycle.resubmit(request, prod.spec, by=alice, revision=2)


def test_a_repair_holds_nothing_to_edit(prod, alice):
    request = lifecycle.open_change(prod, by=alice, repair=True)
    with pytest.raises(lifecycle.Conflict):
        lifecycle.resubmit(request, prod.spec.replace(tier="small"), by=alice, revision=1)


def test_an_approver_grants_part_of_a_change_never_less_than_there_is(namespace, alice, dana):
    asked = namespace.spec.replace(tier="large", features=("external-egress", "gpu", "logging", "monitoring"))
    request = lifecycle.open_change(namespace, asked, by=alice)
    for less in ({"features": ("external-egress",)}, {"tier": "small", "features": namespace.spec.features}):
        with pytest.raises(lifecycle.Invalid):
            lifecycle.approve(request, by=dana, digest=request.digest, granted=asked.replace(**less))
    granted = asked.replace(tier="medium", features=("external-egress", "logging", "monitoring"))
    shown = lifecycle.render_granted(request, granted).digest
    lifecycle.approve(request, by=dana, digest=request.digest, granted=granted, granted_digest=shown)
    end(request)
    namespace.refresh_from_db()
    assert (namespace.spec, namespace.current_revision.digest) == (granted, shown)


def test_a_shrinking_change_cannot_be_shrunk_further(prod, alice, dana):
    request = lifecycle.open_change(prod, prod.spec.replace(tier="medium"), by=alice)
    with pytest.raises(lifecycle.Invalid) as caught:
        lifecycle.approve(request, by=dana, digest=request.digest, granted=request.spec.replace(tier="small"))
    assert list(caught.value.errors) == ["tier"]


# ── going back ───────────────────────────────────────────────────────────────────────────────────────────────


def test_back_to_an_earlier_revision(prod, alice, dana):
    changed(prod, alice, dana, tier="medium")
    changed(prod, alice, dana, tier="small")
    request = lifecycle.open_change(prod, by=alice, to_revision=1)
    assert (request.spec.tier, request.is_repair, request.options["to_revision"]) == ("large", False, 1)
    end(approved(request, dana))
    prod.refresh_from_db()
    assert (prod.revision, prod.tier) == (4, "large")
    assert prod.current_revision.digest == prod.revisions.get(number=1).digest
    with pytest.raises(lifecycle.Invalid, match="no revision 9"):
        lifecycle.open_change(prod, by=alice, to_revision=9)


def test_back_to_what_is_in_force_is_a_repair(prod, alice):
    assert lifecycle.open_change(prod, by=alice, to_revision=1).is_repair


def test_a_failed_change_gives_way_to_the_previous_revision(prod, alice, dana):
    failed = end(approved(lifecycle.open_change(prod, prod.spec.replace(tier="small"), by=alice), dana), Phase.FAILED)
    prod.refresh_from_db()
    assert (prod.status, prod.revision, prod.tier) == (NamespaceStatus.UPDATE_FAILED, 1, "large")
    with pytest.raises(lifecycle.Conflict):
        lifecycle.open_change(prod, by=alice, to_revision=1)
    request = lifecycle.open_change(prod, by=alice, to_revision=1, instead_of=failed)
    failed.refresh_from_db()
    assert (failed.phase, request.is_repair) == (Phase.CANCELLED, True)
    assert life.events("payments-prod")[-2:] == ["request.given-up", "request.opened"]
    end(approved(request, dana))
    prod.refresh_from_db()
    assert prod.status == NamespaceStatus.READY


def test_what_has_not_failed_does_not_give_way(prod, alice):
    pending = lifecycle.open_change(prod, prod.spec.replace(tier="small"), by=alice)
    with pytest.raises(lifecycle.Conflict):
        lifecycle.open_change(prod, by=alice, repair=True, instead_of=pending)
    pending.refresh_from_db()
    assert pending.phase == Phase.PENDING
    assert Request.objects.filter(kind=Kind.CHANGE).count() == 1


def test_a_failed_request_gives_way_only_about_its_own_namespace(prod, namespace, alice, dana):
    failed = end(approved(lifecycle.open_change(prod, prod.spec.replace(tier="small"), by=alice), dana), Phase.FAILED)
    with pytest.raises(lifecycle.Invalid, match="another namespace"):
        lifecycle.open_change(namespace, by=alice, repair=True, instead_of=failed)


def test_the_namespace_says_that_it_is_being_changed_while_it_is(prod, alice, dana):
    request = approved(lifecycle.open_change(prod, prod.spec.replace(tier="small"), by=alice), dana)
    prod.refresh_from_db()
    assert prod.status == NamespaceStatus.READY
    submit(request)
    version = prod.version
    prod.refresh_from_db()
    assert prod.status == NamespaceStatus.UPDATING
    assert prod.version > version
