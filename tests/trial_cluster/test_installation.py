"""The trial's rights and policies are those of the YAML that a real cluster gets."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning import catalog
from provisioning.trial.cluster import Installation, admission, rbac
from provisioning.workflows import templates

OBJECTS = templates.cluster_objects(catalog.load())


def named(kind: str, name: str) -> dict[str, Any]:
    return next(item for item in OBJECTS if item["kind"] == kind and item["metadata"]["name"] == name)


def rights(rules: list[dict[str, Any]]) -> set[tuple[str, str, str, tuple[str, ...]]]:
    return {
        (group, resource, verb, tuple(rule.get("resourceNames", ())))
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize("account", ["namespace-provisioner", "namespace-decommissioner", "namespace-auditor"])
def test_an_account_has_the_rights_of_its_cluster_role(account: str) -> None:
    ours = {
        (rule.group, resource, verb, rule.names)
        for rule in rbac.rules(account, Installation())
        for resource in rule.resources
        for verb in rule.verbs
    }
    assert ours == rights(named("ClusterRole", account)["rules"])


@pytest.mark.parametrize(("policy", "rules"), [(name, rules) for name, _, rules in admission.POLICIES])
def test_a_policy_has_the_rules_of_the_yaml_in_their_order(policy: str, rules: Any) -> None:
    theirs = [item["message"] for item in named("ValidatingAdmissionPolicy", policy)["spec"]["validations"]]
    assert [message.format(*Installation().roles) for _, message in rules] == theirs


def test_the_defaults_are_those_of_the_catalogue() -> None:
    loaded = catalog.load()
    cluster = loaded.cluster
    assert Installation() == Installation(
        namespace=cluster.namespace,
        provisioner=cluster.provisioner_account,
        decommissioner=cluster.decommissioner_account,
        auditor=cluster.auditor_account,
        roles=(cluster.admin_role, cluster.editor_role, cluster.viewer_role),
        reserved=tuple(name.pattern for name in cluster.reserved),
        labels=tuple(loaded.label_keys()),
        admin_groups=tuple(cluster.admin_groups),
    )
