from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from provisioning import lifecycle, manifests
from provisioning.models import AuditEvent, Check, CheckState, ClusterListing, Namespace, NamespaceStatus, Phase, User
from tests.lifecycle import life
from tests.lifecycle.life import approved, changed, end

pytestmark = pytest.mark.django_db
INVENTORY = "Pod\tweb-1\t2026-11-24T10:00:00Z\t\t\t\tRunning\t\t\nend\t1\n"
HOUR = timedelta(hours=1)


def live(namespace: Namespace, **hard: str) -> str:
    """What an audit run reads when the cluster has just what was granted, but for `hard` of the quota."""
    objects = manifests.objects_of(namespace.current_revision.rendered)
    for item in objects:
        if item["kind"] == "ResourceQuota":
            item["spec"]["hard"] |= hard
    single = {item["kind"]: item for item in objects}
    return json.dumps(
        {
            "namespace": objects[0],
            "objects": {"items": [item for item in objects[1:] if item["kind"] not in {"ConfigMap", "ServiceAccount"}]},
            "monitoringConfig": single["ConfigMap"],
            "platformUser": single["ServiceAccount"],
        }
    )


def outputs(namespace: Namespace, **hard: str) -> dict[str, str]:
    return {"live": live(namespace, **hard), "inventory": INVENTORY}


def asked(name: str, by: User | None = None) -> Check:
    """A check that Argo has."""
    check = lifecycle.ask_check(name, by=by)
    assert lifecycle.claim_check(check, "worker-1")
    assert lifecycle.check_submitted(check, uid="u-1")
    return check


def test_a_check_is_asked_once_while_it_is_open(namespace, alice, dana):
    check = lifecycle.ask_check("payments-dev", by=alice)
    assert lifecycle.ask_check("payments-dev", by=dana) == check
    assert (check.state, check.namespace, check.revision) == (CheckState.QUEUED, namespace, 1)
    assert check.workflow_name == f"audit-namespace-{str(check.pk)[:8]}-1"
    lifecycle.fail_check(check, "no")
    assert lifecycle.ask_check("payments-dev", by=alice) != check


def test_the_database_itself_allows_one_open_check_per_name():
    Check.objects.create(name="x", why="drift", workflow_name="a")
    with pytest.raises(IntegrityError), transaction.atomic():
        Check.objects.create(name="x", why="drift", workflow_name="b")


@pytest.mark.parametrize("name", ["-A", "x y", "Ä", "a" * 64, "$(id)", "x\n"])
def test_what_is_no_name_is_not_looked_for(dana, name):
    with pytest.raises(lifecycle.Invalid):
        lifecycle.ask_check(name, by=dana)


def test_who_may_look_at_what(namespace, alice, bob, carol, dana, frank):
    for person in (bob, carol, frank):
        with pytest.raises(lifecycle.Forbidden):
            lifecycle.ask_check("payments-dev", by=person)
    for name in ("kube-system", ""):
        with pytest.raises(lifecycle.Forbidden):
            lifecycle.ask_check(name, by=alice)
        assert lifecycle.ask_check(name, by=dana).asked_by == dana


def test_submitting_is_recorded_once(namespace):
    check = asked("payments-dev")
    assert check.state == CheckState.SUBMITTED
    assert lifecycle.check_submitted(check, uid="u-1") is False
    assert lifecycle.claim_check(check, "worker-2") is False


def test_what_people_wait_for_goes_first_and_what_is_held_waits(namespace, alice, dana, prod):
    now = timezone.now()
    nightly = lifecycle.ask_check("payments-prod", why="nightly")
    person = lifecycle.ask_check("payments-dev", by=alice)
    assert lifecycle.checks_due(timezone.now(), 10) == [person, nightly]
    assert lifecycle.checks_due(timezone.now(), 1) == [person]
    lifecycle.hold_check(person, "Argo is away.", until=now + HOUR)
    assert (person.trouble, person.failures) == ("Argo is away.", 1)
    assert lifecycle.checks_due(timezone.now(), 10) == [nightly]


def test_nothing_found_is_a_result(namespace):
    check = asked("payments-dev")
    assert lifecycle.finish_check(check, outputs(namespace)) is True
    assert lifecycle.finish_check(check, outputs(namespace)) is False
    namespace.refresh_from_db()
    assert (check.state, check.exists, check.findings, check.live) == (CheckState.FINISHED, True, [], None)
    assert check.inventory["items"][0]["name"] == "web-1"
    assert (namespace.drift, namespace.checked_at is not None) == (0, True)


def test_drift_is_recorded_and_told_when_it_is_news(namespace):
    lifecycle.finish_check(asked("payments-dev"), outputs(namespace, pods="99"))
    namespace.refresh_from_db()
    assert namespace.drift == 1
    event = AuditEvent.objects.get(action="namespace.checked")
    assert (event.actor_name, event.after["findings"], event.request) == (
        "worker", 1, namespace.current_revision.request,
    )  # fmt: skip
    assert event.note == "ResourceQuota/compute-resources: spec.hard.pods is “99”, granted is “10”."
    lifecycle.finish_check(asked("payments-dev"), outputs(namespace, pods="98"))
    assert AuditEvent.objects.filter(action="namespace.checked").count() == 1
    lifecycle.finish_check(asked("payments-dev"), outputs(namespace))
    assert AuditEvent.objects.filter(action="namespace.checked").count() == 2


def test_a_check_that_somebody_asked_for_is_always_told(namespace, alice):
    for _ in range(2):
        lifecycle.finish_check(asked("payments-dev", alice), outputs(namespace))
    assert AuditEvent.objects.filter(action="namespace.checked", actor=alice).count() == 2


def test_a_namespace_that_is_gone_is_a_finding(namespace):
    check = asked("payments-dev")
    lifecycle.finish_check(check, {"live": "", "inventory": ""})
    namespace.refresh_from_db()
    assert (check.exists, check.inventory, namespace.drift) == (False, None, 1)
    assert check.findings[0]["kind"] == "missing"


@pytest.mark.parametrize(
    "told",
    [
        {"live": "{", "inventory": INVENTORY},
        {"live": "[]", "inventory": INVENTORY},
        {"live": '{"namespace": {"metadata": {}}, "objects": {}}', "inventory": "Pod\tcut off"},
    ],
)
def test_what_cannot_be_read_is_no_result(namespace, told):
    check = asked("payments-dev")
    lifecycle.finish_check(check, told)
    namespace.refresh_from_db()
    assert check.state == CheckState.FAILED
    assert "could not be read" in check.error
    assert (namespace.drift, namespace.checked_at) == (None, None)


def test_a_template_of_an_earlier_portal_gives_no_inventory(namespace):
    check = asked("payments-dev")
    lifecycle.finish_check(check, {"live": live(namespace)})
    assert (check.state, check.inventory) == (CheckState.FINISHED, None)
    assert lifecycle.fresh_inventory(namespace) is None


def test_a_namespace_that_was_changed_meanwhile_is_not_judged_by_what_was_before(namespace, alice, dana):
    check = asked("payments-dev")
    before = outputs(namespace)
    changed(namespace, alice, dana, tier="medium")
    lifecycle.finish_check(check, before)
    assert (check.state, check.findings) == (CheckState.FAILED, [])
    assert "was changed while" in check.error
    check = asked("payments-dev")
    Namespace.objects.update(status=NamespaceStatus.UPDATING)
    lifecycle.finish_check(check, outputs(namespace))
    assert check.state == CheckState.FAILED


def test_of_a_namespace_that_is_not_known_here_all_is_kept_for_adopting_it(dana, namespace):
    told = live(namespace)
    Namespace.objects.update(status=NamespaceStatus.DELETED)
    check = asked("payments-dev", dana)
    assert check.namespace is None
    lifecycle.finish_check(check, {"live": told, "inventory": INVENTORY})
    assert check.live == json.loads(told)


def test_a_fresh_inventory_is_of_the_last_hour(namespace):
    check = asked("payments-dev")
    lifecycle.finish_check(check, outputs(namespace))
    found = lifecycle.fresh_inventory(namespace)
    assert found is not None
    assert found.words == "1 pod"
    assert found.taken_at
    Check.objects.update(finished_at=timezone.now() - 2 * HOUR)
    assert lifecycle.fresh_inventory(namespace) is None


def test_old_checks_are_forgotten(namespace):
    for _ in range(22):
        check = asked("payments-dev")
        lifecycle.finish_check(check, outputs(namespace))
    assert Check.objects.count() == 20
    assert Check.objects.first() == check


# ── the nightly round ────────────────────────────────────────────────────────────────────────────────────────


def test_those_not_looked_at_for_longest_are_asked_for_first(alice, dana, namespace, prod):
    third = life.made(alice, dana, name="payments-x-dev", tier="small")
    now = timezone.now()
    Namespace.objects.update(ready_at=now - 50 * HOUR)
    Namespace.objects.filter(pk=namespace.pk).update(checked_at=now - 30 * HOUR)
    Namespace.objects.filter(pk=prod.pk).update(checked_at=now - 40 * HOUR)
    assert lifecycle.plan_checks(now, every=24 * HOUR, limit=1) == 1
    assert lifecycle.plan_checks(now, every=24 * HOUR, limit=1) == 1
    names = list(Check.objects.order_by("asked_at").values_list("name", "why"))
    assert names == [(third.name, "nightly"), ("payments-prod", "nightly")]
    assert lifecycle.plan_checks(now, every=24 * HOUR, limit=5) == 1
    assert lifecycle.plan_checks(now, every=24 * HOUR, limit=5) == 0


def test_a_check_that_failed_is_not_asked_for_at_once_again(namespace):
    now = timezone.now()
    Namespace.objects.update(ready_at=now - 50 * HOUR)
    lifecycle.plan_checks(now, every=24 * HOUR, limit=5)
    lifecycle.fail_check(Check.objects.get(), "no")
    assert lifecycle.plan_checks(now, every=24 * HOUR, limit=5) == 0
    assert lifecycle.plan_checks(now + 25 * HOUR, every=24 * HOUR, limit=5) == 1


def test_what_was_made_since_then_is_what_was_granted(namespace):
    assert lifecycle.plan_checks(timezone.now(), every=HOUR, limit=5) == 0


def test_what_is_changing_or_gone_is_not_looked_at(namespace):
    Namespace.objects.update(ready_at=timezone.now() - 50 * HOUR)
    for status in ("updating", "deleting", "deleted"):
        Namespace.objects.update(status=status)
        assert lifecycle.plan_checks(timezone.now(), every=HOUR, limit=5) == 0


# ── the list of all ──────────────────────────────────────────────────────────────────────────────────────────


def listed(by: User | None, *lines: str) -> ClusterListing:
    check = lifecycle.ask_listing(by=by)
    lifecycle.claim_check(check, "worker-1")
    lifecycle.check_submitted(check, uid="u")
    assert lifecycle.finish_check(check, {"live": "".join(f"{line}\n" for line in lines)})
    latest = ClusterListing.latest()
    assert latest is not None
    return latest


def test_ghosts_and_orphans_are_told_apart_from_what_is_well(namespace, prod, dana, frank):
    listing = listed(
        dana,
        f"payments-dev {namespace.owner_request_id} ready",
        "old-orphan 11111111-1111-4111-8111-111111111111 provisioning",
        "by-hand",
    )
    assert listing.ghosts == [{"name": "payments-prod", "team": "payments", "status": "ready"}]
    assert listing.orphans == [
        {"name": "old-orphan", "request_id": "11111111-1111-4111-8111-111111111111", "status": "provisioning"},
        {"name": "by-hand", "request_id": "", "status": ""},
    ]
    assert len(listing.entries) == 3
    assert AuditEvent.objects.get(action="cluster.listed").after == {"namespaces": 3}


def test_a_namespace_under_another_request_is_both(namespace, dana):
    listing = listed(None, "payments-dev 11111111-1111-4111-8111-111111111111 ready")
    assert [entry["name"] for entry in listing.ghosts] == ["payments-dev"]
    assert [entry["name"] for entry in listing.orphans] == ["payments-dev"]


def test_what_an_open_request_is_about_is_no_orphan(open_request, dana, alice):
    request = end(approved(open_request(), dana), Phase.FAILED)
    line = f"payments-prod {request.pk} provisioning"
    assert listed(None, line).orphans == []
    lifecycle.give_up(request, by=alice)
    assert len(listed(None, line).orphans) == 1


def test_what_came_after_the_look_began_is_no_ghost(alice, dana):
    check = lifecycle.ask_listing()
    life.made(alice, dana, name="payments-dev", tier="small")
    lifecycle.finish_check(check, {"live": ""})
    assert ClusterListing.latest().ghosts == []


def test_what_is_being_deleted_is_no_ghost(namespace):
    Namespace.objects.update(status=NamespaceStatus.DELETING)
    assert listed(None).ghosts == []


def test_a_listing_takes_the_same_queries_for_many(alice, dana, django_assert_max_num_queries):
    for number in range(3):
        life.made(alice, dana, name=f"payments-{number}-dev", tier="small", purpose=str(number))
    check = lifecycle.ask_listing()
    with django_assert_max_num_queries(14):
        lifecycle.finish_check(check, {"live": "x y z\n" * 50})
