from __future__ import annotations

from provisioning.manifests import FieldChange, diff, meaning, meanings, render
from provisioning.spec import NamespaceSpec, Subject
from tests.manifests.golden import FEATURES, IDENTITY, PLAIN, SHIPPED


def changes(old: NamespaceSpec, new: NamespaceSpec) -> list[str]:
    pair = [render(spec, IDENTITY, SHIPPED).objects for spec in (old, new)]
    return meanings(diff(*pair), SHIPPED)


def test_nothing_changed_means_nothing_said() -> None:
    assert changes(FEATURES["all"], FEATURES["all"]) == []


def test_another_tier_is_told_in_amounts() -> None:
    assert changes(PLAIN, PLAIN.replace(tier="medium")) == [
        "tier small → medium",
        "CPU requests 2 → 4",
        "memory requests 4 Gi → 8 Gi",
        "CPU 2 → 4",
        "memory 4 Gi → 8 Gi",
        "pods 10 → 20",
        "storage 20 Gi → 50 Gi",
        "ephemeral storage requests 5 Gi → 10 Gi",
        "ephemeral storage 10 Gi → 20 Gi",
        "services 5 → 10",
        "secrets 50 → 75",
        "config maps 50 → 75",
        "largest volume 10 Gi → 25 Gi",
    ]


def test_container_defaults_are_told_apart() -> None:
    said = changes(PLAIN.replace(tier="medium"), PLAIN.replace(tier="large"))
    assert "container limit by default, cpu 200m → 150m" in said
    assert "container limit by default, memory 384 Mi → 320 Mi" in said


def test_the_ways_in_and_out_are_named() -> None:
    opened = PLAIN.replace(features=("external-egress", "ingress"))
    assert changes(PLAIN, opened) == [
        "feature External egress added",
        "feature Ingress added",
        "the way in for the ingress controller opened",
        "internet egress opened",
    ]
    assert changes(opened, PLAIN)[-2:] == ["the way in for the ingress controller closed", "internet egress closed"]


def test_people_come_and_go() -> None:
    old = PLAIN.replace(editors=(Subject("Group", "devs"), Subject("User", "bob")))
    new = PLAIN.replace(
        admins=(*PLAIN.admins, Subject("User", "bob")),
        editors=(Subject("Group", "devs"),),
        viewers=(Subject("Group", "ops"),),
    )
    assert changes(old, new) == ["bob becomes admin", "bob is no longer editor", "group ops becomes viewer"]
    assert changes(old, PLAIN) == ["group devs is no longer editor", "bob is no longer editor"]


def test_switches_gpus_and_labels() -> None:
    new = PLAIN.replace(features=("gpu", "logging", "backup"), options={"gpu_count": "2"})
    assert changes(PLAIN, new) == [
        "platform.io/logging none → enabled",
        "backup none → daily",
        "platform.io/gpu none → enabled",
        "feature Backup added",
        "feature GPU added",
        "feature Logging added",
        "days of log retention none → 30",
        "GPUs 0 → 2",
        "logging.enabled false → true",
    ]


def test_objects_are_told_one_by_one_and_field_by_field() -> None:
    old, new = (
        render(spec, IDENTITY, SHIPPED).objects for spec in (PLAIN, PLAIN.replace(tier="medium", features=("ingress",)))
    )
    found = diff(old, new)
    assert [(c.kind, c.name, c.change) for c in found] == [
        ("Namespace", "payments-dev", "changed"),
        ("ResourceQuota", "compute-resources", "changed"),
        ("LimitRange", "compute-limit-range", "changed"),
        ("NetworkPolicy", "allow-ingress-controller", "added"),
        ("ConfigMap", "monitoring-config", "changed"),
    ]
    assert found[1].fields[0] == FieldChange("spec.hard[requests.cpu]", "2", "4")
    assert found[1].fields[0].key == "requests.cpu"
    assert FieldChange("data.tier", "small", "medium").key == "tier"
    assert meaning(found[4], SHIPPED) == "tier small → medium"


def test_lines_show_what_goes_and_what_comes() -> None:
    old, new = (render(spec, IDENTITY, SHIPPED).objects for spec in (PLAIN, PLAIN.replace(features=("ingress",))))
    namespace, policy = diff(old, new)
    marked = [line for line in namespace.lines() if line.mark != " "]
    assert [(line.mark, line.text.strip()) for line in marked] == [
        ("-", "platform.io/features: '[]'"),
        ("+", "platform.io/features: '[\"ingress\"]'"),
    ]
    assert {line.mark for line in policy.lines()} == {"+"}
    assert policy.lines()[0].text == "apiVersion: networking.k8s.io/v1"
    (gone,) = [change for change in diff(new, old) if change.change == "removed"]
    assert {line.mark for line in gone.lines()} == {"-"}


def test_an_object_of_somebody_else_is_only_named() -> None:
    policy = {"kind": "NetworkPolicy", "metadata": {"name": "allow-all-temp"}}
    (change,) = diff([policy], [])
    assert meaning(change, SHIPPED) == "NetworkPolicy allow-all-temp removed"


def test_a_field_that_has_no_words_is_told_by_its_path() -> None:
    old, new = ({"kind": "NetworkPolicy", "metadata": {"name": "x"}, "spec": {"podSelector": v}} for v in ("a", None))
    (change,) = diff([old], [new])
    assert meaning(change, SHIPPED) == "NetworkPolicy x: spec.podSelector a → none"
