from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.drift import Finding, compare, objects, parse
from tests.drift.live import found, granted, item, output

NAME = "team-red-dev"
Live = dict[str, Any]


def after(change: Callable[[Live], object]) -> list[tuple[str, str, str, Any, Any]]:
    live = found()
    change(live)
    return [(each.kind, each.object, each.path, each.want, each.have) for each in compare(granted(), live)]


@pytest.mark.parametrize(
    ("audit", "made"), [("audit-succeeded", "update-succeeded"), ("v3.5.5/audit-succeeded", "v3.5.5/update-succeeded")]
)
def test_what_a_real_cluster_reads_back_is_what_was_applied(audit: str, made: str) -> None:
    assert compare(granted(made), parse(output(audit))) == []


def test_a_namespace_that_is_gone_is_one_finding() -> None:
    assert compare(granted(), parse(output("audit-missing"))) == [Finding("missing", f"Namespace/{NAME}")]


def test_what_is_no_output_of_an_audit_is_refused() -> None:
    for text in ("not JSON", "[]", '{"namespace": {}}'):
        with pytest.raises(ValueError):
            parse(text)


def test_a_namespace_of_another_request_is_told_once() -> None:
    def change(live: Live) -> None:
        live["namespace"]["metadata"]["labels"]["platform.io/request-id"] = "other"
        live["objects"]["items"] = []

    (finding,) = after(change)
    assert finding[:2] == ("wrong owner", f"Namespace/{NAME}")
    assert finding[4] == "other"


def test_a_namespace_without_labels_belongs_to_nobody() -> None:
    (finding,) = after(lambda live: live["namespace"]["metadata"].pop("labels"))
    assert (finding[0], finding[4]) == ("wrong owner", "")


@pytest.mark.parametrize("number", range(1, len(granted())))
def test_each_object_that_is_missing_is_told(number: int) -> None:
    wanted = granted()[number]
    name = f"{wanted['kind']}/{wanted['metadata']['name']}"
    single = {"ConfigMap": "monitoringConfig", "ServiceAccount": "platformUser"}.get(wanted["kind"])

    def change(live: Live) -> None:
        if single:
            live[single] = None
        else:
            live["objects"]["items"].remove(item(live, wanted["kind"], wanted["metadata"]["name"]))

    assert after(change) == [("missing", name, "", None, None)]


@pytest.mark.parametrize(
    ("wrote", "reads"), [("4", "4000m"), ("8Gi", "8192Mi"), ("8Gi", "8589934592"), ("20", "2e1"), ("0", "0.0")]
)
def test_a_quantity_is_what_it_is_worth(wrote: str, reads: str) -> None:
    def change(live: Live) -> None:
        hard = item(live, "ResourceQuota")["spec"]["hard"]
        for key, value in hard.items():
            hard[key] = reads if value == wrote else value

    assert after(change) == []


def test_quantities_in_a_limit_range_count_as_numbers_too_and_its_list_as_a_whole() -> None:
    def same(live: Live) -> None:
        for limit in item(live, "LimitRange")["spec"]["limits"]:
            limit.get("default", {})["cpu"] = "0.2" if "default" in limit else None
        item(live, "LimitRange")["spec"]["limits"][1].pop("default", None)

    assert after(same) == []

    def other(live: Live) -> None:
        item(live, "LimitRange")["spec"]["limits"][0]["default"]["cpu"] = "2"

    (finding,) = after(other)
    assert finding[:3] == ("changed", "LimitRange/compute-limit-range", "spec.limits")
    assert finding[3][0]["default"]["cpu"] == "200m"
    assert finding[4][0]["default"]["cpu"] == "2"


def test_text_that_looks_like_a_number_is_text_elsewhere() -> None:
    wanted = granted()
    live = found()
    next(each for each in wanted if each["kind"] == "ConfigMap")["data"]["tier"] = "100"
    live["monitoringConfig"]["data"]["tier"] = "1e2"
    (finding,) = compare(wanted, live)
    assert (finding.path, finding.want, finding.have) == ("data.tier", "100", "1e2")


def test_a_changed_value_is_told_with_want_and_have() -> None:
    def change(live: Live) -> None:
        item(live, "ResourceQuota")["spec"]["hard"]["limits.cpu"] = "64"

    assert after(change) == [("changed", "ResourceQuota/compute-resources", "spec.hard[limits.cpu]", "4", "64")]


def test_a_key_added_to_a_quota_or_to_data_survives_applies_so_its_removal_is_a_command() -> None:
    live = found()
    item(live, "ResourceQuota")["spec"]["hard"]["count/jobs.batch"] = "3"
    live["monitoringConfig"]["data"]["it's"] = "more"
    quota, config = compare(granted(), live)
    assert (quota.kind, quota.path, quota.want, quota.have) == ("changed", "spec.hard[count/jobs.batch]", None, "3")
    assert quota.command == (
        f"kubectl patch resourcequota compute-resources -n {NAME} --type=json "
        """-p '[{"op":"remove","path":"/spec/hard/count~1jobs.batch"}]'"""
    )
    assert patch_of(config.command) == [{"op": "remove", "path": "/data/it's"}]


def patch_of(command: str) -> Any:
    """What kubectl would get for -p, after the shell."""
    show = command.replace("kubectl ", "printf '%s\\n' ", 1)
    words = subprocess.run(["sh", "-c", show], capture_output=True, text=True, check=True).stdout.splitlines()
    return json.loads(words[words.index("-p") + 1])


def test_an_empty_list_reads_back_as_absent() -> None:
    wanted, live = granted(), found()
    next(each for each in wanted if each["metadata"]["name"] == "default-deny-all")["spec"]["ingress"] = []
    spec = item(live, "NetworkPolicy", "default-deny-all")["spec"]
    assert "ingress" not in spec
    assert compare(wanted, live) == []
    spec["ingress"] = [{}]
    (finding,) = compare(wanted, live)
    assert (finding.object, finding.path, finding.want, finding.have) == (
        "NetworkPolicy/default-deny-all", "spec.ingress", [], [{}],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("RoleBinding", "team-admin-binding", lambda spec: spec["subjects"].append({"kind": "User", "name": "eve"})),
        ("RoleBinding", "team-admin-binding", lambda spec: spec["subjects"].reverse()),
        ("NetworkPolicy", "allow-dns", lambda spec: spec["spec"]["egress"].append({})),
        ("NetworkPolicy", "allow-same-namespace", lambda spec: spec["spec"].pop("ingress")),
    ],
)
def test_lists_count_as_a_whole(kind: str, name: str, change: Callable[[Any], object]) -> None:
    live = found()
    change(item(live, kind, name))
    (finding,) = compare(granted(), live)
    assert (finding.kind, finding.object) == ("changed", f"{kind}/{name}")


@pytest.mark.parametrize("kind", ["RoleBinding", "NetworkPolicy", "ResourceQuota", "LimitRange"])
def test_what_the_portal_does_not_know_is_foreign(kind: str) -> None:
    live = found()
    extra = copy.deepcopy(item(live, kind))
    extra["metadata"]["name"] = "allow:all"
    live["objects"]["items"].append(extra)
    assert compare(granted(), live) == [
        Finding("foreign", f"{kind}/allow:all", command=f"kubectl delete {kind.lower()} 'allow:all' -n {NAME}")
    ]


def test_what_the_server_and_the_workflows_write_is_no_drift() -> None:
    def change(live: Live) -> None:
        metadata = live["namespace"]["metadata"]
        metadata["labels"] |= {"kubernetes.io/metadata.name": NAME, "field.cattle.io/projectId": "p-1"}
        metadata["labels"]["platform.io/adopt"] = "some request"
        metadata["annotations"] |= {
            "platform.io/status": "updating",
            "platform.io/updated-at": "x",
            "platform.io/last-change-request": "x",
            "platform.io/provisioned-at": "x",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
        }
        for each in objects(live):
            each["metadata"] |= {"uid": "other", "resourceVersion": "9", "managedFields": []}
            each["status"] = {"used": {}}

    assert after(change) == []


@pytest.mark.parametrize(
    ("part", "key", "verb"),
    [
        ("labels", "platform.io/gpu", "label"),
        ("labels", "pod-security.kubernetes.io/enforce-extra", "label"),
        ("annotations", "platform.io/owner-email", "annotate"),
    ],
)
def test_a_mark_of_the_platform_that_nobody_granted_is_told_with_its_removal(part: str, key: str, verb: str) -> None:
    live = found()
    live["namespace"]["metadata"][part][key] = "x"
    (finding,) = compare(granted(), live)
    assert (finding.kind, finding.want, finding.have) == ("changed", None, "x")
    assert finding.command == f"kubectl {verb} namespace {NAME} {key}-"


def test_a_label_that_was_granted_and_taken_away_is_told() -> None:
    (finding,) = after(lambda live: live["namespace"]["metadata"]["labels"].pop("monitoring"))
    assert finding == ("changed", f"Namespace/{NAME}", "metadata.labels.monitoring", "enabled", None)


def test_an_object_on_its_way_out_is_told() -> None:
    def change(live: Live) -> None:
        live["namespace"]["metadata"]["deletionTimestamp"] = "2026-11-24T10:00:00Z"

    (finding,) = after(change)
    assert finding[2:] == ("metadata.deletionTimestamp", None, "2026-11-24T10:00:00Z")


def test_findings_read_as_sentences_and_survive_json() -> None:
    live = found()
    live["namespace"]["metadata"]["labels"]["monitoring"] = "off"
    live["monitoringConfig"] = None
    live["objects"]["items"][0]["metadata"]["name"] = "renamed"
    findings = compare(granted(), live)
    assert {finding.kind for finding in findings} == {"changed", "missing", "foreign"}
    for finding in findings:
        assert Finding.from_json(json.loads(json.dumps(finding.to_json()))) == finding
        assert finding.sentence.endswith(".")
    assert findings[0].sentence == f"Namespace/{NAME}: metadata.labels.monitoring is “off”, granted is “enabled”."
    with pytest.raises(ValueError, match="no kind"):
        Finding.from_json({"kind": "odd"})


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict) and value:
        return [leaf for key, child in value.items() for leaf in leaves(child, (*path, key))]
    return [path]


@settings(max_examples=150, deadline=None, database=None)
@given(st.data())
def test_no_granted_field_can_be_changed_unseen(data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from(granted()))
    paths = [p for p in leaves(wanted) if p not in {("kind",), ("apiVersion",), ("metadata", "name")}]
    path = data.draw(st.sampled_from(paths))
    live = found()
    here: Any = item(live, wanted["kind"], wanted["metadata"]["name"])
    for key in path[:-1]:
        here = here.setdefault(key, {})
    here[path[-1]] = ["somebody", "was", "here"]
    findings = compare(granted(), live)
    assert len(findings) == 1
    assert findings[0].object == f"{wanted['kind']}/{wanted['metadata']['name']}"
