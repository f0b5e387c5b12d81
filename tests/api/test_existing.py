"""Namespaces, the catalogue, the version."""

from __future__ import annotations

import tomllib
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.config import the_catalog
from provisioning.models import ArgoStatus, Namespace, NamespaceStatus, Team
from tests.conftest import make_spec

pytestmark = pytest.mark.django_db


def exists(team: Team, name: str = "payments-prod", **columns: Any) -> Namespace:
    now = timezone.now().replace(microsecond=0)
    values = {
        "spec_json": make_spec(name=name, team=team.name).to_json(), "tier": "large", "owner_request_id": uuid.uuid4(),
        "ready_at": now, "lease_ends_at": now + timedelta(days=90), "uid": "u-1", **columns,
    }  # fmt: skip
    return Namespace.objects.create(name=name, team=team, **values)


def test_a_namespace(caller: Any, bob: Any, payments: Any) -> None:
    row = exists(payments)
    data = caller(bob).get("/namespaces/payments-prod").json()["data"]
    assert data == {
        "name": "payments-prod",
        "team": "payments",
        "status": "ready",
        "resourceTier": "large",
        "features": ["logging", "monitoring"],
        "revision": 1,
        "requestId": str(row.owner_request_id),
        "readyAt": row.ready_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "leaseEndsAt": row.lease_ends_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "leaseIsOver": False,
        "rbac": {"admins": [], "editors": [], "viewers": []},
        "purpose": "Card payments",
        "options": {},
        "quota": dict(the_catalog().tiers["large"].hard),
        "uid": "u-1",
        "digest": None,
        "protected": False,
    }


def test_namespaces_are_paged_by_name(caller: Any, alice: Any, carol: Any, payments: Any, search: Any) -> None:
    for name in ("payments-c", "payments-a", "payments-b"):
        exists(payments, name)
    exists(search, "search-a")
    exists(payments, "payments-d", status=NamespaceStatus.DELETED, deleted_at=timezone.now())
    call = caller(alice)
    first = call.get("/namespaces?limit=2").json()["data"]
    assert [item["name"] for item in first["items"]] == ["payments-a", "payments-b"]
    rest = call.get(f"/namespaces?limit=2&cursor={first['nextCursor']}").json()["data"]
    assert ([item["name"] for item in rest["items"]], rest["nextCursor"]) == (["payments-c"], None)
    assert [item["name"] for item in call.get("/namespaces?q=-B").json()["data"]["items"]] == ["payments-b"]
    assert call.get("/namespaces?team=search").json()["data"]["items"] == []


def test_a_deleted_namespace_is_gone(caller: Any, alice: Any, payments: Any) -> None:
    exists(payments, status=NamespaceStatus.DELETED, deleted_at=timezone.now())
    assert caller(alice).get("/namespaces/payments-prod").status_code == 404


@pytest.mark.parametrize("name", ["%00", "nosuch", "a%0A", "%F0%9F%9A%80"])
def test_a_name_that_is_none_is_404(caller: Any, alice: Any, name: Any) -> None:
    assert caller(alice).get(f"/namespaces/{name}").status_code == 404


def test_a_list_of_three_costs_as_many_queries_as_one_of_one(caller: Any, alice: Any, payments: Any) -> None:
    call = caller(alice)
    call.get("/namespaces")

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert call.get("/namespaces").status_code == 200
        return len(queries)

    exists(payments)
    one = cost()
    exists(payments, "payments-a")
    exists(payments, "payments-b")
    assert cost() == one == 2


def test_the_catalogue_says_what_may_be_asked_for(caller: Any, alice: Any) -> None:
    data = caller(alice).get("/catalog").json()["data"]
    catalog = the_catalog()
    assert [tier["key"] for tier in data["tiers"]] == list(catalog.tiers)
    assert data["tiers"][0]["quota"] == dict(catalog.tiers["small"].hard)
    assert [feature["key"] for feature in data["features"]] == list(catalog.features)
    gpu = next(feature for feature in data["features"] if feature["key"] == "gpu")
    assert gpu["gated"] is True
    assert [(item["key"], item["kind"], item["required"]) for item in gpu["options"]] == [
        ("gpu_count", "integer", True)
    ]
    assert data["lease"]["most"] == catalog.lease.max_days
    rules = {rule["key"]: (rule["result"], rule["when"]) for rule in data["policy"]}
    assert rules["small-in-dev"] == (
        "auto", "a request to create, tier small, environment dev or sandbox, inside the team's headroom",
    )  # fmt: skip
    result, when = rules["long-lease"]
    assert (result, when.split(", ")[-1]) == ("approve", "a lease of more than 180 days")
    assert data["policy"][-1]["when"] == "no other rule applies"


def test_the_version_is_the_projects(caller: Any, alice: Any) -> None:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    ArgoStatus.objects.create(pk=1, version="v4.1.2+trial")
    assert caller(alice).get("/version").json() == {
        "success": True,
        "message": f"Namespace portal {project['version']}.",
        "data": {
            "portal": project["version"],
            "api": "v1",
            "catalog": the_catalog().version,
            "argo": "v4.1.2+trial",
            "trial": False,
        },
    }
