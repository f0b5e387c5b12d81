"""Server-side apply of lists with keys and sets, which the platform's own manifests hardly use."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.trial.cluster import ownership
from provisioning.trial.cluster.errors import Conflict
from provisioning.trial.cluster.ownership import Writer
from provisioning.trial.cluster.schemas import SCHEMAS

ACCOUNT = SCHEMAS["ServiceAccount"]
Object = dict[str, Any]


def apply(live: Object, manager: str, *, force: bool = False, **fields: Any) -> Object:
    config = {"metadata": {"name": "x", **fields.pop("metadata", {})}, **fields}
    return ownership.apply(ACCOUNT, live, config, Writer(manager, "Apply", "v1"), force=force, reset=())


def owners(obj: Object) -> dict[str, Object]:
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"].get("managedFields", [])}


NEW: Object = {"metadata": {}}


def test_items_of_a_keyed_list_have_owners_of_their_own() -> None:
    both = apply(apply(NEW, "a", imagePullSecrets=[{"name": "one"}]), "b", imagePullSecrets=[{"name": "two"}])
    assert both["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
    assert owners(both)["b"] == {"f:imagePullSecrets": {'k:{"name":"two"}': {".": {}, "f:name": {}}}}
    left = apply(both, "a", imagePullSecrets=[])
    assert left["imagePullSecrets"] == [{"name": "two"}]
    again = apply(both, "a", imagePullSecrets=[{"name": "one"}])
    assert again == both


def test_an_item_that_two_own_stays_until_both_drop_it() -> None:
    both = apply(apply(NEW, "a", imagePullSecrets=[{"name": "one"}]), "b", imagePullSecrets=[{"name": "one"}])
    one = apply(both, "a")
    assert one["imagePullSecrets"] == [{"name": "one"}]
    assert list(owners(one)) == ["b"]
    assert apply(one, "b")["imagePullSecrets"] == []


def test_a_set_takes_the_values_of_everybody() -> None:
    held = apply(NEW, "a", metadata={"finalizers": ["example.com/one"]})
    held = apply(held, "b", metadata={"finalizers": ["example.com/two"]})
    assert held["metadata"]["finalizers"] == ["example.com/one", "example.com/two"]
    assert owners(held)["a"] == {"f:metadata": {"f:finalizers": {'v:"example.com/one"': {}}}}
    assert apply(held, "a")["metadata"]["finalizers"] == ["example.com/two"]


def test_items_that_one_value_owns_conflict_as_a_whole() -> None:
    secret = {"name": "one", "uid": "1"}
    live = apply(NEW, "a", secrets=[secret])
    with pytest.raises(Conflict, match=r'conflict with "a": \.secrets\[name="one"\]'):
        apply(live, "b", secrets=[secret | {"uid": "2"}])
    forced = apply(live, "b", force=True, secrets=[secret | {"uid": "2"}])
    assert forced["secrets"] == [secret | {"uid": "2"}]


def test_an_update_takes_what_it_changes_from_everybody() -> None:
    live = apply(NEW, "a", metadata={"labels": {"x": "1", "y": "1"}})
    new: Object = {"metadata": live["metadata"] | {"labels": {"x": "2", "z": "1"}}}
    updated = ownership.update(ACCOUNT, live, new, Writer("hand", "Update", "v1"))
    assert owners(updated) == {"hand": {"f:metadata": {"f:labels": {"f:x": {}, "f:z": {}}}}}


def test_a_new_map_belongs_to_whoever_updates_it_in() -> None:
    updated = ownership.update(ACCOUNT, NEW, {"metadata": {"labels": {"x": "1"}}}, Writer("hand", "Update", "v1"))
    assert owners(updated) == {"hand": {"f:metadata": {"f:labels": {".": {}, "f:x": {}}}}}
