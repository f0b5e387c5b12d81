from __future__ import annotations

import json
from decimal import Decimal

import pytest

from provisioning.inventory import KINDS, Inventory, Item, Quota, parse

CREATED = "2026-11-24T10:00:00Z"


def text(*rows: str) -> str:
    return "".join(f"{row}\n" for row in [*rows, f"end\t{len(rows)}"])


def row(kind: str, name: str, created: str = CREATED, **facts: str) -> str:
    names = ("replicas", "service_type", "storage", "phase", "addresses", "hosts")
    return "\t".join([kind, name, created, *(facts.get(key, "") for key in names)])


FULL = text(
    row("Deployment", "web", replicas="2"),
    row("StatefulSet", "db", replicas="1"),
    row("CronJob", "nightly"),
    row("Pod", "web-1", phase="Running"),
    row("Pod", "web-2", "2026-11-25T08:30:00Z", phase="Pending"),
    row("PersistentVolumeClaim", "data", storage="5Gi", phase="Bound"),
    row("PersistentVolumeClaim", "logs", storage="512Mi", phase="Bound"),
    row("Service", "web", service_type="ClusterIP"),
    row("Service", "edge", service_type="LoadBalancer", addresses="192.0.2.7 "),
    row("Ingress", "web", hosts="a.example.com b.example.com"),
    'used\t{"pods":"2","limits.cpu":"200m"}',
    'hard\t{"pods":"10","limits.cpu":"2"}',
)


def parsed(told: str = FULL) -> Inventory:
    found = parse(told, CREATED)
    assert found is not None
    return found


def test_an_inventory_is_told_in_words_with_totals_and_sizes() -> None:
    found = parsed()
    assert found.words == (
        "1 deployment, 1 stateful set, 1 cron job, 2 pods, 2 volumes (5.5Gi), 2 services (1 load balancer), 1 ingress"
    )
    assert found.totals["Pod"] == 2
    assert list(found.totals) == [kind for kind in KINDS if kind in found.totals]
    assert found.storage_bytes == 5 * 2**30 + 2**29
    assert [item.name for item in found.load_balancers] == ["edge"]
    assert found.newest == "2026-11-25T08:30:00Z"
    assert not found.is_empty


def test_facts_stay_with_their_object() -> None:
    assert parsed().of("Service") == (
        Item("Service", "edge", CREATED, service_type="LoadBalancer", addresses="192.0.2.7 "),
        Item("Service", "web", CREATED, service_type="ClusterIP"),
    )
    assert parsed().of("Ingress")[0].hosts == "a.example.com b.example.com"


def test_what_the_quota_counts_is_told_with_its_share() -> None:
    found = parsed()
    assert found.quota == (Quota("limits.cpu", "200m", "2"), Quota("pods", "2", "10"))
    assert [line.share for line in found.quota] == [0.1, 0.2]
    assert Quota("services.loadbalancers", "0", "0").share is None
    assert (found.used("pods"), found.used("limits.cpu"), found.used("secrets")) == (Decimal(2), Decimal("0.2"), None)


def test_an_empty_namespace_and_none_at_all_are_told_apart() -> None:
    found = parsed(text("used\t", "hard\t"))
    assert (found.words, found.is_empty, found.newest, found.quota) == ("nothing", True, "", ())
    assert parse("") is None


def test_more_than_a_thousand_objects_are_counted() -> None:
    found = parsed(text(row("Job", "a"), "more\t412"))
    assert (found.words, found.more) == ("1 job, 412 more", 412)


@pytest.mark.parametrize(
    "wrong",
    [
        FULL.rpartition("end")[0],
        FULL.replace("end\t12", "end\t13"),
        FULL.replace("\tRunning", "Running"),
        text(row("Secret", "token")),
        text(row("PersistentVolumeClaim", "data", storage="much")),
        "nonsense",
    ],
)
def test_what_was_cut_off_or_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError):
        parse(wrong)


def test_an_inventory_survives_json() -> None:
    assert Inventory.from_json(json.loads(json.dumps(parsed().to_json()))) == parsed()
