from __future__ import annotations

import pytest
from django.http import QueryDict

from provisioning import lifecycle
from provisioning.config import the_catalog
from provisioning.forms import RequestForm, option_field
from provisioning.forms.asking import data_of
from provisioning.models import Membership
from provisioning.spec import Subject, validate

pytestmark = pytest.mark.django_db

ME = Subject("User", "alice@example.com")


def good(**changes):
    data = {
        "team": "payments",
        "name": "payments-api",
        "tier": "medium",
        "features": ["logging", "monitoring"],
        "editors": "bob@example.com\ngroup:payments-devs",
        "purpose": "Card payments",
        "lease_days": "180",
    }
    return {**data, **changes}


def test_a_plain_dict_becomes_a_spec_with_the_requester_among_its_admins(alice):
    form = RequestForm(good(), user=alice)
    assert form.is_valid(), form.errors
    assert form.spec.to_json() == {
        "name": "payments-api",
        "team": "payments",
        "tier": "medium",
        "features": ["logging", "monitoring"],
        "admins": [{"kind": "User", "name": "alice@example.com"}],
        "editors": [
            {"kind": "Group", "name": "payments-devs"},
            {"kind": "User", "name": "bob@example.com"},
        ],
        "viewers": [],
        "purpose": "Card payments",
        "lease_days": 180,
        "options": {},
    }


def test_what_a_browser_sends_gives_the_same_spec_as_a_dict(alice):
    sent = QueryDict(mutable=True)
    for name, value in good().items():
        sent.setlist(name, value if isinstance(value, list) else [value])
    browser, machine = RequestForm(sent, user=alice), RequestForm(good(), user=alice)
    assert browser.is_valid()
    assert machine.is_valid()
    assert browser.spec == machine.spec


def test_subjects_may_come_as_subjects(alice):
    form = RequestForm(good(viewers=[Subject("Group", "cn=audit,ou=groups")]), user=alice)
    assert form.is_valid()
    assert form.spec.viewers == (Subject("Group", "cn=audit,ou=groups"),)


def test_a_lease_that_is_left_out_is_the_catalogues(alice):
    data = good()
    del data["lease_days"]
    form = RequestForm(data, user=alice)
    assert form.is_valid()
    assert form.spec.lease_days == the_catalog().lease.default_days


def test_every_error_stands_at_its_field_and_all_of_them_at_once(alice):
    data = good(
        team="search",
        name="kube-x",
        tier="huge",
        features=["nope"],
        admins="system:masters",
        editors="group:",
        purpose="bell \x07",
        lease_days="4000",
    )
    form = RequestForm(data, user=alice)
    assert not form.is_valid()
    assert {field: list(texts) for field, texts in form.errors.items()} == {
        "team": ["Choose a team that you lead."],
        "name": ["This name is reserved: names of Kubernetes."],
        "tier": ["Choose one of the tiers."],
        "features": ["There is no feature “nope”."],
        "admins": [
            (
                "“system:masters” cannot get access: names that start with “system:” belong to Kubernetes. "
                "Use a group of your directory."
            )
        ],
        "editors": ["“group:” has no name after the colon."],
        "purpose": form.errors["purpose"],
        "lease_days": ["A lease runs from 1 to 365 days."],
    }
    assert len(form.errors["purpose"]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Payments_API"},
        {"name": "x" * 64},
        {"name": "argo-x"},
        {"tier": "huge"},
        {"features": ["nope"]},
        {"admins": "system:masters"},
        {"purpose": "\ufffe"},
        {"lease_days": "0"},
        {"features": ["gpu"], "option_gpu_count": "99"},
    ],
)
def test_the_form_says_what_the_spec_says(alice, changes):
    form = RequestForm(good(**changes), user=alice)
    assert not form.is_valid()
    said = {text for texts in form.errors.values() for text in texts}
    assert said == {text for texts in validate(form.spec, the_catalog()).values() for text in texts}


def test_a_name_that_somebody_has_is_said_at_the_name(alice, open_request):
    open_request(name="payments-api")
    form = RequestForm(good(), user=alice)
    assert not form.is_valid()
    assert form.errors == {"name": ["There is an open request for this name."]}


def test_what_a_feature_asks_for_is_asked_at_its_own_field_and_only_when_it_is_chosen(alice):
    without = RequestForm(good(option_cost_center="CC-1"), user=alice)
    assert without.is_valid()
    assert without.spec.options == {}
    missing = RequestForm(good(features=["cost-tracking"]), user=alice)
    assert not missing.is_valid()
    assert missing.errors == {option_field("cost_center"): ["Cost centre is needed."]}
    given = RequestForm(good(features=["cost-tracking"], option_cost_center="CC-1042"), user=alice)
    assert given.is_valid()
    assert given.spec.options == {"cost_center": "CC-1042"}


def test_nobody_can_slip_an_option_of_another_name_or_a_foreign_field_in(alice):
    form = RequestForm(good(option_team="search", requester="dana", options="{}"), user=alice)
    assert form.is_valid()
    assert (form.spec.team, form.spec.options) == ("payments", {})


@pytest.mark.parametrize("days", ["9" * 30, "9" * 5000, "-1", "ninety"])
def test_a_lease_that_is_no_number_of_days_is_an_error_and_no_crash(alice, days):
    form = RequestForm(good(lease_days=days), user=alice)
    assert not form.is_valid()
    assert list(form.errors) == ["lease_days"]


def test_line_ends_of_a_browser_are_one_character_each(alice):
    form = RequestForm(good(purpose="a\r\nb"), user=alice)
    assert form.is_valid()
    assert form.spec.purpose == "a\nb"


def test_a_trailing_line_feed_is_no_way_around_the_rule_of_names(alice):
    form = RequestForm(good(name="payments-api\n", team="payments\n"), user=alice)
    assert not form.is_valid()
    assert list(form.errors) == ["team"]
    assert form.spec.name == "payments-api"


def test_only_teams_that_one_leads_can_be_chosen(alice, bob, dana, search):
    Membership.objects.create(user=alice, team=search, role=Membership.Role.MEMBER)
    assert list(RequestForm(user=alice).teams) == ["payments"]
    assert list(RequestForm(user=bob).teams) == list(RequestForm(user=dana).teams) == []


def test_an_edited_request_keeps_its_name_and_team_whatever_is_sent(alice, open_request):
    row = open_request()
    form = RequestForm(good(name="other", team="search", tier="small"), user=alice, request=row)
    assert form.is_valid(), form.errors
    assert (form.spec.name, form.spec.team, form.spec.tier) == ("payments-prod", "payments", "small")


def test_a_request_survives_its_way_through_the_form_unchanged(alice, open_request):
    row = open_request(
        features=("cost-tracking", "gpu"),
        options={"cost_center": "CC-7", "gpu_count": "2"},
        editors=(Subject("Group", "devs"), Subject("User", "group:odd")),
        lease_days=45,
        purpose="Two\nlines",
    )
    form = RequestForm(user=alice, request=row).as_sent()
    assert form.is_valid(), form.errors
    assert form.spec == row.asked_spec


def test_the_requester_is_not_written_into_the_field_of_admins(open_request, alice):
    row = open_request(admins=(Subject("User", "zoe@example.com"),))
    assert row.asked_spec.admins == (ME, Subject("User", "zoe@example.com"))
    assert data_of(row.asked_spec, without=alice)["admins"] == [Subject("User", "zoe@example.com")]
    assert "alice" not in str(RequestForm(user=alice, request=row)["admins"])


def test_what_the_lifecycle_refuses_stands_at_its_field_too(alice):
    form = RequestForm(good(), user=alice)
    assert form.is_valid()
    form.take(lifecycle.Invalid({"name": ["Somebody else asked for it."], "__all__": ["Not now."], "zzz": ["?"]}))
    assert form.errors["name"] == ["Somebody else asked for it."]
    assert form.non_field_errors() == ["Not now.", "?"]
