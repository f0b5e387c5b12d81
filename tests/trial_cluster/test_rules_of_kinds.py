"""Pod Security and validation for shapes that no recording has."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.trial.cluster import admission, names, podsecurity, validation
from provisioning.trial.cluster.errors import Invalid
from provisioning.trial.cluster.kinds import BY_KIND

Object = dict[str, Any]
SAFE: Object = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(name: str = "p", spec: Object | None = None, **context: Any) -> Object:
    containers = [{"name": "c", "securityContext": context}]
    return {"metadata": {"name": name}, "spec": {"containers": containers} | (spec or {})}


@pytest.mark.parametrize(
    ("found", "level", "violations"),
    [
        (pod(**SAFE), "restricted", []),
        (pod(), "privileged", []),
        (pod(privileged=True), "baseline", ["privileged"]),
        (pod(spec={"hostNetwork": True}), "baseline", ["host namespaces"]),
        (pod(**SAFE | {"runAsNonRoot": False}), "restricted", ["runAsNonRoot != true"]),
        (
            pod(
                spec={"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}},
                allowPrivilegeEscalation=False,
            ),
            "restricted",
            ["unrestricted capabilities"],
        ),
    ],
)
def test_a_pod_violates_a_level(found: Object, level: str, violations: list[str]) -> None:
    assert list(podsecurity.violations(found, level)) == violations


def namespace(level: str, version: str = "latest") -> Object:
    labels = {podsecurity.ENFORCE: level, f"{podsecurity.ENFORCE}-version": version}
    return {"metadata": {"name": "n", "labels": labels}}


def test_pods_with_the_same_faults_share_a_line() -> None:
    pods = [pod("a", **SAFE), pod("b"), pod("c"), pod("d"), pod("e", **SAFE | {"capabilities": {}})]
    assert podsecurity.warnings(namespace("restricted"), namespace("baseline"), pods)[1:] == [
        (
            "b (and 2 other pods): allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true,"
            " seccompProfile"
        ),
        "e: unrestricted capabilities",
    ]
    two = podsecurity.warnings(namespace("restricted"), namespace("baseline"), pods[1:3])
    assert two[1].startswith("b (and 1 other pod): ")


def test_a_level_that_does_not_rise_warns_of_nothing() -> None:
    assert podsecurity.warnings(namespace("baseline"), namespace("restricted"), [pod(privileged=True)]) == []
    assert podsecurity.warnings(namespace("restricted"), namespace("restricted"), [pod()]) == []
    assert podsecurity.warnings(namespace("restricted"), namespace("baseline"), [pod(**SAFE)]) == []


def causes(kind: str, new: Object, old: Object | None = None) -> list[str]:
    new = {"metadata": {"name": "x", "uid": "1"}} | new
    try:
        validation.check(BY_KIND[kind], new, old)
    except Invalid as error:
        return [str(cause) for cause in error.causes]
    return []


def block(cidr: str, *holes: str) -> Object:
    peer = {"ipBlock": {"cidr": cidr, "except": list(holes)}}
    return {"spec": {"podSelector": {}, "egress": [{"to": [peer]}]}}


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (block("::/0", "fc00::/7"), []),
        (block("0.0.0.0/0", "10.0.0.0/8"), []),
        (block("10.0.0.0/8", "10.0.0.0/8"), ["must be a strict subset"]),
        (block("10.0.0.0/8", "fc00::/7"), ["must be a strict subset"]),
        (block("fc00::/7", "::/0"), ["must be a strict subset"]),
        (block("10.0.0.0", "x"), ["must be a valid CIDR value", "must be a valid CIDR value"]),
        ({"spec": {"ingress": [{"from": [{}]}]}}, ["must specify a peer"]),
        ({"spec": {"ingress": [{"ports": [{"port": "http"}]}]}}, []),
    ],
)
def test_a_network_policy_is_checked(new: Object, said: list[str]) -> None:
    found = causes("NetworkPolicy", new)
    assert len(found) == len(said)
    assert all(text in cause for text, cause in zip(said, found, strict=True))


@pytest.mark.parametrize(
    ("hard", "said"),
    [
        ({"count/deployments.apps": "1", "requests.nvidia.com/gpu": "0", "limits.memory": "1Gi"}, 0),
        ({"count/deployments.apps": "500m"}, 1),
        ({"services.loadbalancers": "-1"}, 1),
    ],
)
def test_a_quota_is_checked(hard: dict[str, str], said: int) -> None:
    assert len(causes("ResourceQuota", {"spec": {"hard": hard}})) == said


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("a", []),
        ("example.com/a_B.c", []),
        ("/a", ["prefix part must be non-empty"]),
        ("a/", ["name part must be non-empty", "name part must consist of"]),
        ("a/" + "b" * 64, ["name part must be no more than 63 bytes"]),
        ("a b/c", ["prefix part a lowercase RFC 1123 subdomain"]),
    ],
)
def test_a_key_is_checked(key: str, said: list[str]) -> None:
    found = names.qualified(key)
    assert len(found) == len(said)
    assert all(problem.startswith(text) for text, problem in zip(said, found, strict=True))


def test_names_of_bindings_only_have_to_fit_into_a_path() -> None:
    assert names.path_segment("Team:Admin") == []
    assert names.path_segment("a/b%c") == ["may not contain '/'", "may not contain '%'"]
    assert names.path_segment("..") == ["may not be '..'"]


def test_values_in_messages_are_quoted() -> None:
    assert names.quoted('a"b\\') == '"a\\"b\\\\"'
    assert names.quoted(70000) == "70000"


def test_every_policy_names_itself_once() -> None:
    assert len({name for name, _, _ in admission.POLICIES}) == len(admission.POLICIES)
