"""The store: what the API server's book-keeping is in the trial."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.trial.store import AlreadyExists, NotFound, Store, TooOld
from provisioning.trial.store.objects import HISTORY

NS = "argo"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "store.db", lambda: 1_800_000_000.25)
    yield store
    store.close()


def create(store: Store, name: str, kind: str = "workflows", **more: Any) -> dict[str, Any]:
    return store.create(kind, {"metadata": {"name": name, "namespace": NS}, **more})


def label(key: str, value: str) -> Any:
    def mutate(obj: dict[str, Any]) -> dict[str, Any]:
        obj["metadata"].setdefault("labels", {})[key] = value
        return obj

    return mutate


def test_an_object_gets_what_the_api_server_gives_it(store: Store) -> None:
    made = create(store, "a", spec={"x": 1})
    meta = made["metadata"]
    assert (meta["generation"], meta["creationTimestamp"]) == (1, "2027-01-15T08:00:00Z")
    assert len(meta["uid"]) == 36
    assert store.get("workflows", NS, "a") == made


def test_names_are_made_and_are_unique(store: Store) -> None:
    made = store.create("workflows", {"metadata": {"generateName": "x-", "namespace": NS}})
    name = made["metadata"]["name"]
    assert name.startswith("x-")
    assert set(name[2:]) <= set("bcdfghjklmnpqrstvwxz2456789")
    with pytest.raises(AlreadyExists, match=f'workflows.argoproj.io "{name}" already exists'):
        create(store, name)


def test_the_absent_is_not_found(store: Store) -> None:
    calls = (
        lambda: store.get("workflows", NS, "x"),
        lambda: store.delete("workflows", NS, "x"),
        lambda: store.update("workflows", NS, "x", lambda obj: obj),
    )
    for call in calls:
        with pytest.raises(NotFound, match=r'workflows\.argoproj\.io "x" not found'):
            call()


def test_versions_rise_over_both_kinds(store: Store) -> None:
    versions = [
        int(create(store, "a")["metadata"]["resourceVersion"]),
        int(create(store, "t", "workflowtemplates")["metadata"]["resourceVersion"]),
        int(store.update("workflows", NS, "a", label("k", "v"))["metadata"]["resourceVersion"]),
        int(create(store, "b")["metadata"]["resourceVersion"]),
    ]
    assert versions == sorted(set(versions))
    assert store.snapshot("workflows", NS).version == versions[-1]


def test_only_more_than_metadata_counts_the_generation_up(store: Store) -> None:
    create(store, "a", spec={"x": 1})
    assert store.update("workflows", NS, "a", label("k", "v"))["metadata"]["generation"] == 1
    assert store.update("workflows", NS, "a", lambda obj: obj | {"spec": {}})["metadata"]["generation"] == 2


def test_an_update_without_a_difference_is_none(store: Store) -> None:
    made = create(store, "a")
    assert store.update("workflows", NS, "a", lambda obj: obj) == made
    assert store.update("workflows", NS, "a", lambda obj: None) == made


def test_an_update_cannot_change_who_an_object_is(store: Store) -> None:
    made = create(store, "a")["metadata"]
    changed = store.update("workflows", NS, "a", lambda obj: {"metadata": {"uid": "x", "name": "b"}, "spec": {}})
    assert {key: changed["metadata"][key] for key in ("uid", "name")} == {key: made[key] for key in ("uid", "name")}


def test_a_failed_update_changes_nothing(store: Store) -> None:
    made = create(store, "a")

    def mutate(obj: dict[str, Any]) -> dict[str, Any]:
        obj["spec"] = {}
        raise ValueError

    with pytest.raises(ValueError):
        store.update("workflows", NS, "a", mutate)
    assert store.get("workflows", NS, "a") == made
    assert create(store, "b")["metadata"]["resourceVersion"] == str(int(made["metadata"]["resourceVersion"]) + 1)


def test_threads_lose_no_update(store: Store) -> None:
    create(store, "a", count=0)

    def work() -> None:
        for _ in range(25):
            store.update("workflows", NS, "a", lambda obj: obj | {"count": obj["count"] + 1})

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("workflows", NS, "a")["count"] == 200


def test_a_watch_begins_with_what_exists_and_goes_on_with_what_happens(store: Store) -> None:
    create(store, "a")
    create(store, "elsewhere", "workflowtemplates")
    events = store.watch("workflows", NS, timeout=30)
    assert next(events).object["metadata"]["name"] == "a"
    store.update("workflows", NS, "a", label("k", "v"))
    store.delete("workflows", NS, "a")
    modified, deleted = next(events), next(events)
    assert (modified.type, modified.previous_labels, deleted.type) == ("MODIFIED", {}, "DELETED")
    assert deleted.object["metadata"]["labels"] == {"k": "v"}
    assert deleted.version > modified.version


def test_a_watch_from_a_version_tells_what_came_after_it(store: Store) -> None:
    create(store, "a")
    since = store.version()
    create(store, "b")
    [event] = store.watch("workflows", NS, since, timeout=0.01)
    assert (event.type, event.object["metadata"]["name"]) == ("ADDED", "b")
    assert list(store.watch("workflows", NS, since + 100, timeout=0.01)) == []


def test_a_waiting_watch_is_woken(store: Store) -> None:
    since = store.version()
    thread = threading.Thread(target=create, args=(store, "late"))
    thread.start()
    [event] = store.events("workflows", NS, since, timeout=30)
    thread.join()
    assert event.object["metadata"]["name"] == "late"


def test_a_version_out_of_the_history_is_too_old(store: Store) -> None:
    with pytest.raises(TooOld, match=r"too old resource version: 1 \(1000\)"):
        store.events("workflows", NS, 1, 0)
    create(store, "a", count=0)
    since = store.version()
    for _ in range(HISTORY + 1):
        store.update("workflows", NS, "a", lambda obj: obj | {"count": obj["count"] + 1})
    with pytest.raises(TooOld, match=rf"too old resource version: {since} \({since + 1}\)"):
        next(store.watch("workflows", NS, since))


def test_logs_are_numbered_lines_that_can_be_waited_for(store: Store) -> None:
    store.append_log(NS, "p", "one\n\nthree\n")
    store.append_log(NS, "p", "other", container="wait")
    assert [(line.number, line.content) for line in store.read_log(NS, "p")] == [(1, "one"), (2, ""), (3, "three")]
    assert [line.content for line in store.read_log(NS, "p", after=1, limit=1)] == [""]
    assert store.read_log(NS, "p")[0].timestamp == "2027-01-15T08:00:00.250000000Z"
    assert [line.content for line in store.wait_log(NS, "p", after=2, timeout=0)] == ["three"]
    assert store.wait_log(NS, "p", after=3, timeout=0.01) == []
    store.end_log(NS, "p")
    assert store.wait_log(NS, "p", after=3, timeout=600) == []


def test_pods_and_their_logs_go_with_their_workflow(store: Store) -> None:
    create(store, "a")
    for pod in ("p2", "p1"):
        store.put_pod(NS, pod, "a", {"n": 1})
        store.append_log(NS, pod, "line")
    store.put_pod(NS, "p2", "a", {"n": 2})
    store.put_pod(NS, "other", "b")
    assert [(pod.name, pod.data) for pod in store.pods(NS, "a")] == [("p2", {"n": 2}), ("p1", {"n": 1})]
    store.delete_pod(NS, "p1")
    assert store.read_log(NS, "p1") == []
    store.delete("workflows", NS, "a")
    assert store.pods(NS, "a") == []
    assert store.read_log(NS, "p2") == []
    assert store.pods(NS, "b") != []


def test_everything_is_there_after_a_restart(store: Store, tmp_path: Path) -> None:
    made = create(store, "a")
    store.append_log(NS, "p", "one")
    store.put_pod(NS, "p", "a")
    store.set_condition("image_pull_fails", ["x"])
    store.set_condition("gone", 1)
    store.set_condition("gone", None)
    store.close()
    again = Store(tmp_path / "store.db")
    assert again.get("workflows", NS, "a") == made
    assert [line.content for line in again.read_log(NS, "p")] == ["one"]
    assert again.conditions() == {"image_pull_fails": ["x"]}
    [event] = again.watch("workflows", NS, 1000, timeout=0.01)
    assert event.object == made
    again.close()


def test_text_that_is_no_text_is_kept_as_far_as_it_goes(store: Store) -> None:
    store.append_log(NS, "p", "a\udc80b")
    assert [line.content for line in store.read_log(NS, "p")] == ["a?b"]
    create(store, "a", text="é 😀 \x00")
    assert store.get("workflows", NS, "a")["text"] == "é 😀 \x00"
