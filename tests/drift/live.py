"""What real clusters answered to an audit run, and what had been granted there."""

from __future__ import annotations

import copy
import functools
from typing import Any

from provisioning import drift, manifests
from tests import recordings


def output(run: str) -> str:
    """The audit step's `live`, of a recorded run."""
    nodes = recordings.load("runs")[f"runs/{run}.json"]["status"]["nodes"].values()
    told = [p["value"] for node in nodes for p in node.get("outputs", {}).get("parameters", []) if p["name"] == "live"]
    return str(told[0])


def granted(run: str = "update-succeeded") -> list[dict[str, Any]]:
    """The objects that a recorded run applied."""
    given = recordings.load("runs")[f"runs/{run}.json"]["spec"]["arguments"]["parameters"]
    return manifests.objects_of({entry["name"]: entry["value"] for entry in given})


@functools.cache
def _found() -> dict[str, Any]:
    found = drift.parse(output("audit-succeeded"))
    assert found is not None
    return found


def found() -> dict[str, Any]:
    """A copy to change."""
    return copy.deepcopy(_found())


def item(live: dict[str, Any], kind: str, name: str = "") -> dict[str, Any]:
    """An object in it, to change."""
    return next(
        each for each in drift.objects(live) if each["kind"] == kind and (not name or each["metadata"]["name"] == name)
    )
