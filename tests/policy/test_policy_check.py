"""Another catalogue on past requests: `manage.py policy_check`."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from provisioning import catalog, lifecycle
from provisioning.lifecycle.simulating import simulate
from provisioning.models import AuditEvent, Request, Team
from tests.lifecycle import life

pytestmark = pytest.mark.django_db
SHIPPED = catalog.DEFAULT_PATH.read_text()


@pytest.fixture
def write(tmp_path: Path):
    def make(*pairs: tuple[str, str]) -> str:
        text = SHIPPED
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / f"catalog-{len(list(tmp_path.iterdir()))}.yaml"
        path.write_text(text)
        return str(path)

    return make


def told(file: str, *more: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("policy_check", file, *more, stdout=out)
    except SystemExit as end:
        return int(end.code), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def past(alice, dana, payments):
    """A small one in dev, a large one in production, a change, a renewal and a deletion."""
    namespace = life.made(alice, dana, name="payments-dev", tier="small")
    life.made(alice, dana)
    life.changed(namespace, alice, dana, features=("external-egress",))
    lifecycle.renew(namespace, 365, by=alice)
    return namespace


def test_the_catalogue_in_use_changes_nothing(past, write):
    assert told(write()) == (0, "4 requests, 0 with another result.\n")


def test_verdicts_that_would_be_others_are_told_with_counts_and_reasons(past, write):
    file = write(
        ("      result: approve\n      reason: large tier", "      result: two\n      reason: large tier"),
        ("features: gated}\n      result: approve", "features: gated}\n      result: refuse"),
    )
    code, text = told(file)
    assert code == 1
    assert "4 requests, 2 with another result." in text
    assert "  one approver → two approvers: 1" in text
    assert "  one approver → refused: 1" in text
    day = f"{timezone.now():%Y-%m-%d}"
    assert f"{day} New namespace payments-prod, team payments, by alice" in text
    assert "  was:      needs a platform admin, because: large tier; production [large-tier]" in text
    assert "  would be: needs two platform admins, because: large tier; production [large-tier]" in text
    assert "  would be: cannot be asked for, because: external egress [gated-feature]" in text


def test_a_change_is_judged_against_what_was_in_force_then(past, write, alice, dana):
    life.end(life.approved(Request.objects.live().get(), dana))
    past.refresh_from_db()
    life.changed(past, alice, dana, features=("external-egress", "ingress"))
    found = simulate(
        catalog.load(write(("features: gated}\n      result: approve", "features: gated}\n      result: two")))
    )
    assert [(item.request.kind, item.request.asked_spec.features) for item in found.differing] == [
        ("change", ("external-egress",))
    ]


def test_the_room_is_that_of_then(past, write, payments):
    Team.objects.filter(pk=payments.pk).update(max_cpu=1)
    assert told(write())[0] == 0


def test_renewals_are_judged_as_such(past, write):
    found = simulate(catalog.load(write(("adopt, renew], lease_over: 180}", "adopt], lease_over: 180}"))))
    assert found.differing == []
    (judged,) = found.other_reasons
    assert judged.after is not None
    assert judged.after.rule == "otherwise"


def test_other_reasons_alone_are_counted_and_listed_on_demand(past, write):
    file = write(("      reason: large tier", "      reason: a large tier"))
    code, text = told(file)
    assert (code, "1 with the same result for other reasons." in text) == (0, True)
    assert "a large tier" not in text
    assert "because: a large tier; production" in told(file, "--reasons")[1]


def test_what_the_other_catalogue_does_not_know_is_not_judged(past, write):
    text = SHIPPED
    start, end = text.index("  large:\n"), text.index("# ----", text.index("  large:\n"))
    file = write(
        (text[start:end], ""),
        ("when: {kind: [create, change, adopt], tier: large}", "when: {kind: create, lease_over: 1000}"),
    )
    code, told_text = told(file)
    assert code == 0
    assert "1 could not be judged." in told_text
    assert "team payments, by alice: there is no tier large in it" in told_text


def test_a_request_of_before_the_room_was_kept_is_judged_as_if_there_was_enough(past, write):
    Request.objects.update(facts={})
    _, text = told(write())
    assert "4 of before the room was kept" in text
    assert "4 requests" in text


def test_a_mistake_in_the_file_is_told_with_its_line(write):
    file = write(("result: approve\n      reason: large tier", "result: maybe\n      reason: large tier"))
    with pytest.raises(CommandError, match=r"line \d+.*maybe") as caught:
        told(file)
    assert caught.value.returncode == 2


def test_long_lists_are_cut_and_nothing_is_written(past, write):
    events = AuditEvent.objects.count()
    file = write(
        (
            "  rules:\n",
            "  rules:\n    - {key: closed, when: {kind: [create, change, delete, adopt, renew]}, result: refuse, reason: closed}\n",
        )
    )
    code, text = told(file, "--limit", "1")
    assert code == 1
    assert "4 requests, 4 with another result." in text
    assert "… and 3 more (--limit)" in text
    assert AuditEvent.objects.count() == events
