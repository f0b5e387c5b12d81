from __future__ import annotations

import pytest

from provisioning import lifecycle, manifests
from provisioning.forms import DecisionForm, granted_data
from provisioning.models import Decision, Phase

pytestmark = pytest.mark.django_db


def answer(row, decision, **more):
    return DecisionForm({"decision": decision, "digest": row.digest, **more}, request=row)


def errors(form):
    assert not form.is_valid()
    return {field: list(texts) for field, texts in form.errors.items()}


@pytest.mark.parametrize("decision", ["deny", "request_changes"])
@pytest.mark.parametrize("comment", ["", "   \n "])
def test_saying_no_needs_a_reason_at_the_comment(open_request, decision, comment):
    form = answer(open_request(), decision, comment=comment)
    assert errors(form) == {"comment": ["Say why: the requester reads this."]}


def test_a_gate_has_to_be_opened_by_name(open_request, dana):
    gated = ("external-egress", "gpu", "logging")
    row = open_request(name="payments-ml", features=gated, options={"gpu_count": "1"})
    said = errors(answer(row, "approve", allow=["gpu"]))
    assert said == {"allow": ["Tick External egress to allow it, or grant the request without it."]}
    form = answer(row, "approve", allow=["gpu", "external-egress"])
    assert form.is_valid()
    form.carry_out(by=dana)
    assert row.phase == Phase.APPROVED


def test_a_gate_that_is_not_granted_needs_no_opening(open_request):
    row = open_request(features=("external-egress", "logging"))
    form = answer(row, "approve_with_changes", **granted_data(row.spec) | {"features": ["logging"]})
    assert form.is_valid(), form.errors
    assert form.granted is not None
    assert form.granted.features == ("logging",)


def test_saying_no_asks_for_no_gate(open_request):
    row = open_request(features=("external-egress",))
    assert answer(row, "deny", comment="Not this way").is_valid()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tier": "large"}, "tier"),
        ({"tier": "huge"}, "tier"),
        ({"tier": ""}, "tier"),
        ({"features": ["logging", "gpu"]}, "features"),
        ({"lease_days": 365}, "lease_days"),
    ],
)
def test_an_approval_takes_away_and_never_adds(open_request, change, field):
    row = open_request(tier="medium")
    form = answer(row, "approve_with_changes", **granted_data(row.spec) | change)
    assert list(errors(form)) == [field]
    assert form.granted is None
    assert form.rendered() is None


def test_changes_that_change_nothing_are_told(open_request):
    row = open_request()
    said = errors(answer(row, "approve_with_changes", **granted_data(row.spec)))
    assert said == {
        "__all__": ["Nothing is changed: lower the tier, drop a feature or shorten the lease, or use “Approve”."]
    }


def test_what_is_granted_is_rendered_and_then_made(open_request, dana):
    row = open_request(features=("cost-tracking", "logging"), options={"cost_center": "CC-1"}, lease_days=90)
    changes = {"tier": "small", "features": ["logging"], "lease_days": 30}
    shown = answer(row, "approve_with_changes", **changes)
    assert shown.is_valid(), shown.errors
    digest = shown.rendered().digest
    assert digest != row.digest
    form = answer(row, "approve_with_changes", **changes, granted_digest=digest)
    assert form.is_valid()
    form.carry_out(by=dana)
    assert (row.phase, row.digest, row.tier) == (Phase.APPROVED, digest, "small")
    assert manifests.digest_of(row.rendered) == digest
    assert row.spec.options == {}
    assert row.asked_spec.options == {"cost_center": "CC-1"}
    assert row.spec.lease_days == 30


def test_plain_approval_ignores_what_stands_in_the_fields_of_changes(open_request, dana):
    row = open_request()
    form = answer(row, "approve", tier="small", features=[], lease_days=1)
    assert form.is_valid(), form.errors
    form.carry_out(by=dana)
    assert row.spec == row.asked_spec
    assert Decision.objects.get().answer == "approve"


def test_an_answer_that_there_is_not_is_refused(open_request):
    row = open_request()
    assert list(errors(answer(row, "maybe"))) == ["decision"]
    assert list(errors(DecisionForm({"decision": "approve"}, request=row))) == ["digest"]


def test_a_decision_on_other_objects_is_a_conflict(open_request, dana):
    row = open_request()
    form = DecisionForm({"decision": "approve", "digest": "0" * 64}, request=row)
    assert form.is_valid()
    with pytest.raises(lifecycle.Conflict):
        form.carry_out(by=dana)
    assert not Decision.objects.exists()
