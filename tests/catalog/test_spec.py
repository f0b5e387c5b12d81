from __future__ import annotations

import dataclasses

import pytest

from provisioning import catalog
from provisioning.spec import (
    NamespaceSpec,
    Subject,
    format_subjects,
    name_errors,
    option_errors,
    parse_subjects,
    validate,
)

SHIPPED = catalog.load()
ALICE = Subject("User", "alice@example.com")
GOOD = NamespaceSpec("payments-dev", "payments", "small", ("monitoring", "logging"), admins=(ALICE,), lease_days=90)


def errors(**changes: object) -> dict[str, list[str]]:
    return validate(GOOD.replace(**changes), SHIPPED)


def test_an_ordinary_request_is_valid() -> None:
    assert errors() == {}


def test_two_specs_that_ask_the_same_are_equal() -> None:
    bob = Subject("User", "bob")
    one = GOOD.replace(features=("logging", "monitoring", "logging"), editors=(bob, ALICE, bob))
    assert one == GOOD.replace(editors=(ALICE, bob))
    assert one.features == ("logging", "monitoring")
    assert hash(one) == hash(GOOD.replace(editors=(ALICE, bob)))


@pytest.mark.parametrize("name", ["a", "1", "payments-dev", "a--b", "x" * 63])
def test_names_that_kubernetes_takes(name: str) -> None:
    assert name_errors(name, "payments", SHIPPED) == []


@pytest.mark.parametrize(
    "name",
    ["", "-a", "a-", "A", "a_b", "a.b", "a b", "ä", "x" * 64, "payments-dev\n", "a\nb", "{{x}}", "$(id)", "kube-x",
     "default", "argo", "argo-x", "openshift", "monitoring", "ingress-nginx", "platform-provisioning", "a\x00"],
)  # fmt: skip
def test_other_names_are_refused_in_words(name: str) -> None:
    assert errors(name=name).keys() == {"name"}


def test_names_may_be_bound_to_their_team() -> None:
    bound = dataclasses.replace(SHIPPED, name_pattern="{team}-*")
    assert name_errors("payments-dev", "payments", bound) == []
    assert name_errors("paymentsdev", "payments", bound) == ["Names of team payments look like “payments-*”."]
    assert name_errors("payments-", "payments", bound) == ["Only lower-case letters, digits and inner dashes."]
    assert name_errors("search-dev", "payments", bound)
    assert name_errors("xpayments-dev", "payments", bound)


@pytest.mark.parametrize("team", ["", "pay ments", "-x", "x" * 64, "payments\n", "{{x}}"])
def test_a_team_is_a_label_value(team: str) -> None:
    assert "team" in errors(team=team)


def test_tier_and_features_are_of_the_catalogue() -> None:
    assert errors(tier="huge") == {"tier": ["Choose one of the tiers."]}
    assert errors(features=("teleport",)) == {"features": ["There is no feature “teleport”."]}
    assert errors(features=("x\x00\u202e" + "y" * 99,)) == {
        "features": ["There is no feature “x\ufffd\ufffd" + "y" * 60 + "…”."]
    }


@pytest.mark.parametrize(
    "name", ["system:masters", "system:", "System:masters", "", " bob", "bob ", "b\x7fb", "b\nb", "\ud800", "x" * 254]
)
@pytest.mark.parametrize("level", ["admins", "editors", "viewers"])
def test_some_names_get_no_access(level: str, name: str) -> None:
    assert errors(**{level: (Subject("Group", name),)}).keys() == {level}


@pytest.mark.parametrize(
    "name", ["o'brien {{x}} $(id)@example.com", "ümit@example.com", "😀", "oidc:alice", "a system: b"]
)
def test_odd_names_are_only_names(name: str) -> None:
    assert errors(viewers=(Subject("User", name),)) == {}


def test_a_service_account_gets_no_access() -> None:
    account = Subject("ServiceAccount", "default")  # type: ignore[arg-type]
    assert errors(editors=(account,)) == {"editors": ["Access is given to people and groups only."]}


def test_fifty_people_in_all_and_no_more() -> None:
    crowd = tuple(Subject("User", f"user{number}") for number in range(49))
    assert errors(viewers=crowd) == {}
    assert errors(viewers=(*crowd, Subject("User", "one-more"))).keys() == {"viewers"}


def test_names_that_would_not_fit_into_an_environment_variable_are_refused() -> None:
    crowd = tuple(Subject("User", chr(0x1F600 + number) * 253) for number in range(40))
    assert errors(editors=crowd) == {"editors": ["These names are too long together: use a group instead."]}


@pytest.mark.parametrize(
    "text", ["", "a\tb\r\nc", 'it\'s {{=1+1}} $(HOME) `id` "q" \\', "\u200b é 😀 \u2028", "x" * 500]
)
def test_a_purpose_may_hold_what_annotations_may(text: str) -> None:
    assert errors(purpose=text) == {}


@pytest.mark.parametrize(
    "text", ["\x00", "\x1b[31m", "\x7f", "\x80", "\x85", "\x9f", "\ufffe", "\uffff", "\ud800", "x" * 501]
)
def test_a_purpose_without_what_the_api_server_refuses(text: str) -> None:
    assert errors(purpose=text).keys() == {"purpose"}


@pytest.mark.parametrize(("days", "is_good"), [(0, False), (-1, False), (1, True), (365, True), (366, False)])
def test_a_lease_has_bounds(days: int, is_good: bool) -> None:
    assert ("lease_days" not in errors(lease_days=days)) is is_good


def test_cost_tracking_makes_the_cost_centre_mandatory() -> None:
    tracked = {"features": ("cost-tracking",)}
    assert errors(**tracked) == {"options": ["Cost centre is needed."]}
    assert errors(**tracked, options={"cost_center": "CC-1042"}) == {}
    assert errors(**tracked, options={"cost_center": "CC 1042"}).keys() == {"options"}
    assert errors(**tracked, options={"cost_center": "CC-1042\n"}).keys() == {"options"}
    assert errors(**tracked, options={"cost_center": "CC-1", "owner_email": "no"}).keys() == {"options"}
    assert errors(**tracked, options={"cost_center": "CC-1", "owner_email": "o'neil@example.com"}) == {}


@pytest.mark.parametrize(
    ("count", "is_good"),
    [
        ("1", True),
        ("16", True),
        ("17", False),
        ("0", False),
        ("-1", False),
        ("1.5", False),
        ("01", False),
        ("٣", False),
        ("", True),
    ],
)
def test_gpus_are_counted(count: str, is_good: bool) -> None:
    assert (errors(features=("gpu",), options={"gpu_count": count}) == {}) is is_good


def test_options_belong_to_chosen_features() -> None:
    assert errors(options={"gpu_count": "1"}) == {"options": ["“gpu_count” belongs to none of the chosen features."]}
    spec = GOOD.replace(features=("gpu", "cost-tracking"), options={"gpu_count": "x"})
    assert option_errors(spec, SHIPPED) == {
        "gpu_count": "Number of GPUs: a whole number, please.",
        "cost_center": "Cost centre is needed.",
    }


def test_subjects_are_read_as_people_type_them() -> None:
    text = "alice@x, group:payments-devs\r\n\n  GROUP: ops \nuser:group:odd\noidc:bob,alice@x"
    subjects = parse_subjects(text)
    assert subjects == (
        Subject("User", "alice@x"),
        Subject("Group", "payments-devs"),
        Subject("Group", "ops"),
        Subject("User", "group:odd"),
        Subject("User", "oidc:bob"),
    )
    assert parse_subjects(format_subjects(subjects)) == subjects


@pytest.mark.parametrize("text", ["group:", "alice, user: ", "group:\nbob"])
def test_a_subject_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has no name"):
        parse_subjects(text)


def test_a_spec_survives_json() -> None:
    spec = GOOD.replace(
        editors=(Subject("Group", "devs"),), features=("gpu",), options={"gpu_count": "2"}, purpose="é\n"
    )
    assert NamespaceSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize(
    "change",
    [{"name": None}, {"name": 3}, {"lease_days": "90"}, {"lease_days": True}, {"admins": ["alice"]}, {"features": 3},
     {"admins": [{"kind": "ServiceAccount", "name": "x"}]}, {"admins": [{"kind": "User", "name": 1}]},
     {"options": []}, {"options": {"gpu_count": 1}}, {"viewers": [{"name": "x"}]}],
)  # fmt: skip
def test_json_of_another_shape_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no namespace specification"):
        NamespaceSpec.from_json(GOOD.to_json() | change)


def test_access_as_json_leaves_out_empty_levels() -> None:
    assert GOOD.replace(admins=()).rbac() == {"admins": []}
    assert GOOD.replace(viewers=(Subject("Group", "g"),)).rbac() == {
        "admins": [{"kind": "User", "name": "alice@example.com"}],
        "viewers": [{"kind": "Group", "name": "g"}],
    }
