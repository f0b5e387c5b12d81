"""Recorded lists: selectors, pages, fields, and the few ways to get one of the listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .replaying import assert_same, exchange, listed, put, send

if TYPE_CHECKING:
    from provisioning.trial.store import Store

    from .client import Client
    from .conftest import Clock

OF_SIX = listed("""
601-list-all-fields-cli 602-list-full 605-list-selector-eq 606-list-selector-eqeq 607-list-selector-neq
609-list-selector-notin 610-list-selector-exists 611-list-selector-notexists 612-list-selector-phase
614-list-selector-completed 615-list-selector-notcompleted 616-list-selector-gt 622-list-limit2
624-list-remaining-page2 625-list-remaining-page3 631-list-continue-offset 632-list-continue-beyond
635-list-fieldselector-name 636-list-fieldselector-name-prefix 637-list-fieldselector-name-contains
640-list-finishedbefore 641-list-startedafter 642-list-resourceversion 644-list-fields-only-items
646-get-fields-phase 647-get-fields-exclude-nodes 650-get-latest 652-get-uid-wrong 655-get-resourceversion-0
""")
OF_THEMSELVES = ["017-unknown-query", "027-method-override", "064-auth-good-list", "402-nocontroller-list", "404-nocontroller-list-phase-label"]  # fmt: skip


def six() -> list[dict[str, Any]]:
    """The six workflows that these lists were asked about, those with nodes of which the nodes were seen."""
    items = {item["metadata"]["name"]: item for item in exchange("601-list-all-fields-cli").body["items"]}
    items |= {item["metadata"]["name"]: item for item in exchange("602-list-full").body["items"]}
    return list(items.values())


@pytest.mark.parametrize("name", OF_SIX)
def test_a_list_of_six_workflows_is_as_recorded(name: str, client: Client, clock: Clock, store: Store) -> None:
    for item in six():
        put(store, clock, item)
    recorded = exchange(name)
    assert_same(recorded, send(client, recorded))


@pytest.mark.parametrize("name", OF_THEMSELVES)
def test_a_list_of_what_was_listed_is_as_recorded(name: str, client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange(name)
    for item in recorded.body["items"] or ():
        put(store, clock, whole(item))
    assert_same(recorded, send(client, recorded))


def whole(item: dict[str, Any]) -> dict[str, Any]:
    """What `fields` left out, from a workflow that any list may have."""
    if "creationTimestamp" in item["metadata"]:
        return item
    other = exchange("101-submit-fixed-name").body
    return {**other, **item, "metadata": {**other["metadata"], **item["metadata"]}}


def test_the_right_uid_finds_the_live_workflow(client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange("651-get-uid-right")
    [lst3] = [item for item in six() if item["metadata"]["name"] == "lst-3"]
    uid = put(store, clock, lst3)["metadata"]["uid"]
    answer = client.call("GET", recorded.request["path"], query={**recorded.request["query"], "uid": uid})
    assert_same(recorded, answer)


def test_latest_is_found_in_its_own_namespace(client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange("657-get-latest-empty-ns")
    put(store, clock, recorded.body)
    for item in six():
        put(store, clock, item)
    assert_same(recorded, send(client, recorded))


def test_latest_of_none_is_not_found(client: Client) -> None:
    answer = client.get("/api/v1/workflows/argo/@latest")
    assert (answer.status, answer.json) == (404, {"code": 5, "message": "no workflows found"})


def test_ten_workflows_are_each_listed_right_after_their_submission(client: Client) -> None:
    """As recording 600-list-read-your-writes: none was late."""
    workflow = exchange("100-submit-generatename").request["body"]
    for _ in range(10):
        name = client.call("POST", "/api/v1/workflows/argo", workflow).json["metadata"]["name"]
        listed = client.get("/api/v1/workflows/argo", fields="items.metadata.name").json["items"]
        assert name in [item["metadata"]["name"] for item in listed]


def test_pages_with_a_count_show_each_item_once_and_the_last_has_no_continue(
    client: Client, clock: Clock, store: Store
) -> None:
    for item in six():
        put(store, clock, item)
    query = {"listOptions.limit": 4, "listOptions.fieldSelector": "ext.showRemainingItemCount=true"}
    first = client.call("GET", "/api/v1/workflows/argo", query=query).json
    assert first["metadata"]["continue"] == "4"
    assert first["metadata"]["remainingItemCount"] == 2
    last = client.call("GET", "/api/v1/workflows/argo", query={**query, "listOptions.continue": "4"}).json
    assert "continue" not in last["metadata"]
    shown = [item["metadata"]["name"] for page in (first, last) for item in page["items"]]
    assert sorted(shown) == sorted(item["metadata"]["name"] for item in six())
