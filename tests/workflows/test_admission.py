"""The four admission policies on what must pass and what must be refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from provisioning.manifests import Identity, render
from provisioning.workflows.templates import cluster_objects
from provisioning.workflows.workflow import build
from tests.conftest import make_spec
from tests.manifests.golden import SHIPPED
from tests.workflows.cel import Attempt, refusals

ID, OTHER = "3f2c8f1e-0d4b-4a7e-9a51-6f0f5a1c2b3d", "11111111-2222-4333-8444-555555555555"
WHERE = SHIPPED.cluster.namespace
PROVISIONER, DECOMMISSIONER, PORTAL, AUDITOR = (
    f"system:serviceaccount:{WHERE}:{account}"
    for account in (
        SHIPPED.cluster.provisioner_account,
        SHIPPED.cluster.decommissioner_account,
        SHIPPED.cluster.portal_account,
        SHIPPED.cluster.auditor_account,
    )
)
POLICIES = {
    item["metadata"]["name"]: item for item in cluster_objects(SHIPPED) if item["kind"] == "ValidatingAdmissionPolicy"
}
RENDERED = render(make_spec(name="payments-dev"), Identity(ID, "2026-11-23T10:00:00Z", "alice"), SHIPPED)


def denied(attempt: Attempt) -> list[str]:
    """What all four say, as the API server asks them all."""
    return [message for policy in POLICIES.values() for message in refusals(policy, attempt)]


def with_(item: dict[str, Any], *, labels: Any = None, annotations: Any = None, name: str = "") -> dict[str, Any]:
    """A copy with these labels and annotations; a value of None takes one away."""
    made = copy.deepcopy(item)
    for key, changes in (("labels", labels or {}), ("annotations", annotations or {})):
        kept = {**made["metadata"].get(key, {}), **changes}
        made["metadata"][key] = {one: value for one, value in kept.items() if value is not None}
    made["metadata"]["name"] = name or made["metadata"]["name"]
    return made


NEW = RENDERED.namespace
READY = with_(NEW, annotations={"platform.io/provisioned-at": "2026-11-23T10:01:00Z", "platform.io/status": "ready"})
FOREIGN = {"metadata": {"name": "legacy", "labels": {"kubernetes.io/metadata.name": "legacy"}}}
TAKEN = with_(NEW, name="legacy", labels={"kubernetes.io/metadata.name": "legacy"})
CONSENTED = with_(FOREIGN, labels={"platform.io/adopt": ID})


def namespaces(user: str, operation: str, before: Any = None, after: Any = None, **more: Any) -> Attempt:
    return Attempt(user, operation, "namespaces", before, after, **more)


PASS = {
    "create": namespaces(PROVISIONER, "CREATE", None, NEW),
    "mark it provisioning": namespaces(
        PROVISIONER, "UPDATE", NEW, with_(NEW, annotations={"platform.io/status": "provisioning"})
    ),
    "mark it ready": namespaces(PROVISIONER, "UPDATE", NEW, READY),
    "change its tier": namespaces(
        PROVISIONER, "UPDATE", READY, with_(READY, labels={"platform.io/resource-tier": "small"})
    ),
    "make it stricter": namespaces(
        PROVISIONER, "UPDATE", READY, with_(READY, labels={"pod-security.kubernetes.io/enforce": "restricted"})
    ),
    "keep what another tool labelled": namespaces(
        PROVISIONER, "UPDATE", with_(READY, labels={"cost": "x"}), with_(READY, labels={"cost": "x"})
    ),
    "roll back one that never was ready": namespaces(PROVISIONER, "DELETE", NEW),
    "mark it deleting": namespaces(
        DECOMMISSIONER, "UPDATE", READY, with_(READY, annotations={"platform.io/status": "deleting"})
    ),
    "delete what is marked": namespaces(
        DECOMMISSIONER, "DELETE", with_(READY, annotations={"platform.io/status": "deleting"})
    ),
    "take over with consent": namespaces(
        PROVISIONER, "UPDATE", CONSENTED, with_(TAKEN, labels={"platform.io/adopt": ID})
    ),
    "another tool annotates": namespaces("someone", "UPDATE", READY, with_(READY, annotations={"other/tool": "x"})),
    "an administrator breaks the glass": namespaces("admin", "DELETE", READY, groups=("system:masters",)),
    "the control plane cleans up": namespaces(
        "system:serviceaccount:kube-system:namespace-controller", "DELETE", READY
    ),
    "a namespace of nobody": namespaces("someone", "DELETE", FOREIGN),
}

REFUSE = {
    "a reserved name": (namespaces(PROVISIONER, "CREATE", None, with_(NEW, name="kube-evil")), "reserved"),
    "our own namespace": (namespaces(PROVISIONER, "CREATE", None, with_(NEW, name=WHERE)), "reserved"),
    "openshift": (namespaces(PROVISIONER, "CREATE", None, with_(NEW, name="openshift-x")), "reserved"),
    "no mark": (namespaces(PROVISIONER, "CREATE", None, with_(NEW, labels={"platform.io/managed": None})), "must stay"),
    "no owner": (
        namespaces(PROVISIONER, "CREATE", None, with_(NEW, labels={"platform.io/request-id": None})),
        "need the platform.io",
    ),
    "privileged": (
        namespaces(
            PROVISIONER, "CREATE", None, with_(NEW, labels={"pod-security.kubernetes.io/enforce": "privileged"})
        ),
        "baseline or restricted",
    ),
    "an old version of the checks": (
        namespaces(
            PROVISIONER, "CREATE", None, with_(NEW, labels={"pod-security.kubernetes.io/enforce-version": "v1.0"})
        ),
        "must be latest",
    ),
    "a label outside the catalogue": (
        namespaces(PROVISIONER, "CREATE", None, with_(NEW, labels={"admission/skip": "true"})),
        "feature catalogue",
    ),
    "a foreign namespace": (namespaces(PROVISIONER, "UPDATE", FOREIGN, TAKEN), "not managed by the platform"),
    "deleting a foreign one": (namespaces(PROVISIONER, "DELETE", FOREIGN), "not managed by the platform"),
    "another's consent": (
        namespaces(
            PROVISIONER,
            "UPDATE",
            with_(FOREIGN, labels={"platform.io/adopt": OTHER}),
            with_(TAKEN, labels={"platform.io/adopt": OTHER}),
        ),
        "not managed by the platform",
    ),
    "consent given by itself": (
        namespaces(PROVISIONER, "CREATE", None, with_(NEW, labels={"platform.io/adopt": ID})),
        "for cluster administrators",
    ),
    "rolling back what was taken over": (
        namespaces(PROVISIONER, "DELETE", with_(NEW, labels={"platform.io/adopt": ID})),
        "never rolled back",
    ),
    "another request's namespace": (
        namespaces(PROVISIONER, "UPDATE", READY, with_(READY, labels={"platform.io/request-id": OTHER})),
        "belongs to another request",
    ),
    "forgetting that it was ready": (
        namespaces(PROVISIONER, "UPDATE", READY, with_(READY, annotations={"platform.io/provisioned-at": None})),
        "provisioned-at is immutable",
    ),
    "deleting what was ready": (namespaces(PROVISIONER, "DELETE", READY), "never became ready"),
    "deleting unmarked": (namespaces(DECOMMISSIONER, "DELETE", READY), "marked platform.io/status=deleting"),
    "relabelling by the decommissioner": (
        namespaces(DECOMMISSIONER, "UPDATE", READY, with_(READY, labels={"platform.io/team": "search"})),
        "nothing but platform.io/status",
    ),
    "somebody deletes a managed one": (namespaces("someone", "DELETE", READY), "managed by the platform portal"),
    "somebody takes the mark away": (
        namespaces("someone", "UPDATE", READY, with_(READY, labels={"platform.io/managed": None})),
        "managed by the platform portal",
    ),
    "somebody loosens Pod Security": (
        namespaces(
            "someone", "UPDATE", READY, with_(READY, labels={"pod-security.kubernetes.io/enforce": "privileged"})
        ),
        "managed by the platform portal",
    ),
    "the auditor writes": (
        namespaces(AUDITOR, "UPDATE", READY, with_(READY, annotations={"platform.io/status": "x"})),
        "managed by the platform portal",
    ),
}


@pytest.mark.parametrize("case", PASS)
def test_what_the_design_needs_passes(case: str) -> None:
    assert denied(PASS[case]) == []


@pytest.mark.parametrize("case", REFUSE)
def test_what_nobody_may_do_is_refused_with_its_reason(case: str) -> None:
    attempt, words = REFUSE[case]
    assert [message for message in denied(attempt) if words in message] != []


# ── objects inside ───────────────────────────────────────────────────────────────────────────────────────────────

RESOURCES = {
    "ServiceAccount": ("", "serviceaccounts"),
    "RoleBinding": ("rbac.authorization.k8s.io", "rolebindings"),
    "ResourceQuota": ("", "resourcequotas"),
    "LimitRange": ("", "limitranges"),
    "NetworkPolicy": ("networking.k8s.io", "networkpolicies"),
    "ConfigMap": ("", "configmaps"),
}
OBJECTS = {(item["kind"], item["metadata"]["name"]): item for item in RENDERED.objects[1:]}
BINDING = OBJECTS["RoleBinding", "team-admin-binding"]
ACCOUNT = OBJECTS["ServiceAccount", "platform-user"]


def inside(item: dict[str, Any], user: str = PROVISIONER, operation: str = "CREATE", **more: Any) -> Attempt:
    group, resource = RESOURCES[item["kind"]]
    before = item if operation == "DELETE" else None
    return Attempt(user, operation, resource, before, None if before else item, group, **{"namespace": READY, **more})


@pytest.mark.parametrize("key", OBJECTS, ids="/".join)
@pytest.mark.parametrize("operation", ["CREATE", "DELETE"])
def test_the_objects_of_a_request_pass_in_managed_namespaces_and_nowhere_else(key: Any, operation: str) -> None:
    assert denied(inside(OBJECTS[key], operation=operation)) == []
    outside = denied(inside(OBJECTS[key], operation=operation, namespace=FOREIGN))
    assert outside == ["the provisioner may only write inside namespaces labelled platform.io/managed=true"]


@pytest.mark.parametrize("key", OBJECTS, ids="/".join)
def test_a_team_cannot_take_its_guard_rails_down(key: Any) -> None:
    assert denied(inside(OBJECTS[key], user="alice@example.com", operation="DELETE")) != []


def changed(item: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**copy.deepcopy(item), **fields}


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (with_(ACCOUNT, name="default"), "only the service account platform-user"),
        (with_(ACCOUNT, annotations={"eks.amazonaws.com/role-arn": "admin"}), "no annotations on platform-user"),
        (with_(OBJECTS["ConfigMap", "monitoring-config"], name="kube-root-ca.crt"), "only the config map"),
        (changed(BINDING, roleRef={"kind": "ClusterRole", "name": "cluster-admin"}), "may be bound"),
        (changed(BINDING, roleRef={"kind": "Role", "name": "namespace-admin"}), "may be bound"),
        (changed(BINDING, subjects=[{"kind": "Group", "name": "system:authenticated"}]), "subjects must be"),
        (
            changed(BINDING, subjects=[{"kind": "ServiceAccount", "name": "platform-user", "namespace": "other"}]),
            "subjects must be",
        ),
    ],
    ids=["account", "cloud role", "config map", "cluster-admin", "a Role", "everybody", "another's account"],
)
def test_the_provisioner_writes_only_known_shapes(item: dict[str, Any], words: str) -> None:
    assert [message for message in denied(inside(item)) if words in message] != []


# ── workflows ────────────────────────────────────────────────────────────────────────────────────────────────────

RUN = build("create", make_spec(name="payments-dev"), ID, 1, RENDERED.parameters, RENDERED.digest, catalog=SHIPPED)


def workflows(operation: str, before: Any, after: Any, user: str = PORTAL) -> Attempt:
    return Attempt(user, operation, "workflows", before, after, "argoproj.io")


def test_the_portal_may_submit_what_it_builds_and_stop_it() -> None:
    assert denied(workflows("CREATE", None, RUN)) == []
    stored = {**RUN, "status": {"startedAt": None, "finishedAt": None}}
    assert denied(workflows("UPDATE", stored, {**stored, "spec": {**RUN["spec"], "shutdown": "Stop"}})) == []
    assert denied(workflows("CREATE", None, {"metadata": {}, "spec": {"templates": []}}, user="someone")) == []


@pytest.mark.parametrize(
    "spec",
    [
        {"entrypoint": "main", "templates": [{"name": "main"}]},
        {**RUN["spec"], "workflowTemplateRef": {"name": "another"}},
        {**RUN["spec"], "workflowTemplateRef": {"name": "namespace-provisioning", "clusterScope": True}},
        *(
            {**RUN["spec"], key: "x"}
            for key in ("serviceAccountName", "podSpecPatch", "nodeSelector", "hostAliases", "entrypoint", "onExit")
        ),
        {**RUN["spec"], "arguments": {"artifacts": [{"name": "a"}]}},
        {**RUN["spec"], "arguments": {"parameters": [{"name": "a", "valueFrom": {"default": "x"}}]}},
    ],
)
def test_the_portal_may_submit_nothing_else(spec: dict[str, Any]) -> None:
    assert denied(workflows("CREATE", None, {**RUN, "spec": spec})) != []


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {**RUN["spec"], "workflowTemplateRef": {"name": "namespace-deletion"}}},
        {"spec": {**RUN["spec"], "serviceAccountName": "x"}},
        {"status": {"phase": "Succeeded"}},
        {"metadata": {**RUN["metadata"], "labels": {**RUN["metadata"]["labels"], "platform.io/team": "search"}}},
        {"metadata": {**RUN["metadata"], "finalizers": ["x"]}},
    ],
    ids=["another template", "another account", "a forged status", "another team", "a finalizer"],
)
def test_the_portal_may_not_rewrite_a_workflow(change: dict[str, Any]) -> None:
    assert denied(workflows("UPDATE", RUN, {**RUN, **change})) != []


def test_a_label_that_hides_a_workflow_from_the_controller_is_refused() -> None:
    hidden = with_(RUN, labels={"workflows.argoproj.io/completed": "true"})
    assert denied(workflows("CREATE", None, hidden)) == ["the portal may only set labels of its own"]
