"""Every night: namespaces looked at, the cluster listed. And what pages tell of ghosts, orphans and leftovers."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from provisioning import lifecycle
from provisioning.cluster_view import cluster_view, ghosts, orphans
from provisioning.models import Check, CheckState, ClusterListing, Namespace, Phase, Request
from provisioning.reconcile import nightly, timers
from tests.lifecycle.life import approved, end, made, submit

pytestmark = pytest.mark.django_db
QUERIES = 8
NIGHT = "02:00"
DAY = timedelta(days=1)


# ── when ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("now", "at", "night"),
    [
        ("2026-03-10T14:00", "02:00", "2026-03-10T02:00"),
        ("2026-03-10T02:00", "02:00", "2026-03-10T02:00"),
        ("2026-03-10T01:59", "02:00", "2026-03-09T02:00"),
        ("2026-01-01T00:30", "23:15", "2025-12-31T23:15"),
    ],
)
def test_the_last_night_is_the_last_time_of_that_hour(now, at, night):
    found = nightly.last_night(datetime.fromisoformat(now).replace(tzinfo=UTC), at)
    assert found == datetime.fromisoformat(night).replace(tzinfo=UTC)


def test_the_hour_is_that_of_the_portals_time_zone(settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    found = nightly.last_night(datetime(2026, 3, 10, 16, 59, tzinfo=UTC), NIGHT)
    assert found == datetime(2026, 3, 9, 17, tzinfo=UTC)


def test_without_an_hour_there_is_no_night(desk, settings, old):
    settings.CHECK_NAMESPACES_AT = ""
    assert nightly.last_night(timezone.now(), "") is None
    assert nightly.plan(desk) is False
    assert not Check.objects.exists()


# ── what ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def night(settings) -> datetime:
    """An hour ago."""
    at = timezone.now() - timedelta(hours=1)
    settings.CHECK_NAMESPACES_AT = f"{at:%H:%M}"
    return at.replace(second=0, microsecond=0)


@pytest.fixture
def old(alice, dana) -> Namespace:
    """payments-prod, ready since last week."""
    namespace = made(alice, dana)
    Namespace.objects.filter(pk=namespace.pk).update(ready_at=timezone.now() - 7 * DAY)
    return namespace


def names() -> list[str]:
    return sorted(Check.objects.open().values_list("name", flat=True))


def test_each_namespace_and_the_list_are_asked_for_once_a_night(desk, night, old, clock):
    ClusterListing.objects.create(check_run=over(lifecycle.ask_listing(), -DAY), at=timezone.now() - DAY)
    assert nightly.plan(desk)
    assert names() == ["", old.name]
    assert set(Check.objects.open().values_list("why", flat=True)) == {"nightly", "listing"}
    assert nightly.plan(desk) is False
    for check in Check.objects.open():
        lifecycle.fail_check(check, "Argo was away")
    assert nightly.plan(desk) is False
    clock.pass_by(days=1)
    assert timers.run(desk)
    assert names() == ["", old.name]


def over(check: Check, shift: timedelta) -> Check:
    lifecycle.fail_check(check, "")
    Check.objects.filter(pk=check.pk).update(state=CheckState.FINISHED, asked_at=timezone.now() + shift)
    check.refresh_from_db()
    return check


def test_a_portal_that_was_set_up_today_has_nothing_to_compare(desk, night, alice, dana):
    made(alice, dana)
    assert nightly.plan(desk) is False
    assert names() == []


def test_a_portal_in_use_since_before_lists_for_the_first_time(desk, night, alice, dana, clock):
    made(alice, dana)
    clock.pass_by(days=1)
    assert nightly.plan(desk)
    assert names() == ["", "payments-prod"]


def test_a_whole_night_waits_outside_of_the_queue(desk, night, alice, dana, payments):
    made(alice, dana)
    Namespace.objects.bulk_create(
        Namespace(
            name=f"payments-{number:02}", team=payments, tier="small", owner_request_id=uuid.uuid4(),
            spec_json=Namespace.objects.get(name="payments-prod").spec_json,
            ready_at=timezone.now() - 7 * DAY, lease_ends_at=timezone.now() + 90 * DAY,
            checked_at=timezone.now() - (2 + number) * DAY,
        )
        for number in range(30)
    )  # fmt: skip
    nightly.plan(desk)
    assert Check.objects.open().count() == nightly.WAITING
    assert "payments-29" in names()
    assert "payments-00" not in names()
    assert nightly.plan(desk) is False
    lifecycle.fail_check(Check.objects.open().get(name="payments-29"), "x")
    nightly.plan(desk)
    assert "payments-09" in names()


# ── what pages tell ──────────────────────────────────────────────────────────────────────────────────────────


def listed(*entries: tuple[str, Any, str]) -> ClusterListing:
    """The cluster is listed, and has these: name, request id, status."""
    check = lifecycle.ask_listing()
    text = "".join(f"{name} {owner} {status}\n" for name, owner, status in entries)
    assert lifecycle.finish_check(check, {"live": text})
    found = ClusterListing.latest()
    assert found is not None
    return found


def test_before_the_first_list_nothing_is_known():
    view = cluster_view()
    assert (view.as_of, view.ghosts, view.orphans, view.is_clean, view.is_looking) == (None, [], [], False, False)
    lifecycle.ask_listing()
    assert cluster_view().is_looking


def test_what_is_well_is_not_told(old):
    listing = listed((old.name, old.owner_request_id, "ready"))
    view = cluster_view()
    assert (view.as_of, view.count, view.is_clean, view.is_looking) == (listing.at, 1, True, False)


def test_a_ghost_is_told_until_a_later_look_finds_it(old, alice):
    listing = listed()
    [ghost] = ghosts()
    assert (ghost.namespace, ghost.seen_at, ghost.request) == (old, listing.at, None)
    request = lifecycle.open_change(old, by=alice, repair=True)
    assert [each.request for each in ghosts()] == [request]
    looked(old, exists=True)
    assert ghosts() == []


def looked(namespace: Namespace, *, exists: bool) -> Check:
    check = lifecycle.ask_check(namespace.name)
    Check.objects.filter(pk=check.pk).update(
        state=CheckState.FINISHED, exists=exists, finished_at=timezone.now(), namespace=namespace
    )
    return check


def test_a_look_at_one_namespace_finds_a_ghost_before_the_next_list(old):
    listed((old.name, old.owner_request_id, "ready"))
    assert ghosts() == []
    looked(old, exists=False)
    assert [each.namespace for each in ghosts()] == [old]
    listed((old.name, old.owner_request_id, "ready"))
    assert ghosts() == []


def test_what_is_being_deleted_or_was_made_since_is_no_ghost(old, alice, dana):
    listed()
    Namespace.objects.filter(pk=old.pk).update(status="deleting")
    assert ghosts() == []
    Namespace.objects.filter(pk=old.pk).update(status="ready", ready_at=timezone.now())
    assert ghosts() == []


def test_an_orphan_is_told_until_it_is_taken_over(old):
    bears = uuid.uuid4()
    listing = listed((old.name, old.owner_request_id, "ready"), ("search-old", bears, "ready"))
    [orphan] = orphans()
    assert (orphan.name, orphan.request_id, orphan.status, orphan.seen_at) == (
        "search-old", str(bears), "ready", listing.at,
    )  # fmt: skip
    assert (orphan.owner, orphan.request, orphan.half_made, orphan.may_adopt) == (None, None, False, True)
    Namespace.objects.filter(pk=old.pk).update(name="search-old", owner_request_id=bears)
    assert [each.name for each in orphans()] == ["payments-prod"]


@pytest.mark.parametrize("owner", ["", "not-an-id"])
def test_a_label_that_is_no_request_id_is_no_trouble(owner):
    listed(("search-old", owner, "ready"))
    assert [(each.name, each.request_id) for each in orphans()] == [("search-old", owner)]


def test_what_was_deleted_after_the_list_is_no_orphan(old):
    listed((old.name, old.owner_request_id, "ready"))
    Namespace.objects.filter(pk=old.pk).update(status="deleted", deleted_at=timezone.now())
    assert orphans() == []
    listed((old.name, old.owner_request_id, "ready"))
    assert [each.name for each in orphans()] == [old.name]


@pytest.fixture
def halfway(alice, dana, open_request) -> Request:
    """A creation that goes on."""
    request = approved(open_request(), dana)
    submit(request)
    return request


def test_what_a_terminated_creation_left_can_be_retried(halfway):
    end(halfway, Phase.FAILED)
    listed((halfway.name, halfway.pk, "provisioning"))
    [left] = cluster_view().leftovers
    assert (left.owner, left.may_retry, left.may_adopt, left.request) == (halfway, True, False, halfway)


def test_when_it_is_given_up_what_is_left_can_be_taken_over(halfway, alice):
    end(halfway, Phase.FAILED)
    lifecycle.give_up(halfway, by=alice)
    listed((halfway.name, halfway.pk, "provisioning"))
    [left] = cluster_view().leftovers
    assert (left.owner, left.may_retry, left.may_adopt, left.request) == (halfway, False, True, None)


def test_a_creation_that_goes_on_or_ended_since_is_nothing_to_tell(halfway):
    listed((halfway.name, halfway.pk, "provisioning"))
    assert orphans() == []
    end(halfway, Phase.FAILED)
    assert orphans() == []


def test_the_view_takes_the_same_queries_for_one_and_for_three(alice, dana, django_assert_num_queries, old):
    listed(("search-one", uuid.uuid4(), "ready"))
    with django_assert_num_queries(QUERIES):
        view = cluster_view()
        assert [len(view.ghosts), len(view.orphans)] == [1, 1]
    for number in range(2):
        namespace = made(alice, dana, name=f"payments-n{number}")
        Namespace.objects.filter(pk=namespace.pk).update(ready_at=timezone.now() - DAY)
    listed(*((f"search-n{number}", uuid.uuid4(), "provisioning") for number in range(3)))
    with django_assert_num_queries(QUERIES):
        view = cluster_view()
        assert [len(view.ghosts), len(view.orphans), len(view.leftovers)] == [3, 3, 3]
        assert [ghost.namespace.team.name for ghost in view.ghosts] == ["payments"] * 3
