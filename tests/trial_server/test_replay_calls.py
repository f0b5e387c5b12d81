"""Recorded calls that need no more than an empty namespace, or one with a template in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .replaying import assert_same, exchange, listed, moment, put, send

if TYPE_CHECKING:
    from provisioning.trial.store import Store

    from .client import Client
    from .conftest import Clock

EMPTY = listed("""
006-unknown-api-path 007-options 009-patch 010-workflows-no-ns 011-workflows-empty-ns 012-double-slash-post
015-percent-slash 016-limit-abc 019-empty-body-post 020-bool-as-string 021-label-number 022-no-content-type
024-key-case-trailing-bytes 025-yaml-body 029-oauth-redirect 030-oauth-callback 032-metrics-client-mode-no-token
002-info
050-auth-none-version 051-auth-none-list 054-auth-garbage-userinfo 055-auth-garbage-list
056-auth-garbage-get 057-auth-garbage-submit 059-auth-garbage-delete 060-auth-basic-list 061-auth-lowercase-bearer
062-auth-token-without-prefix 065-auth-good-submit-creator-labels 066-auth-norights-list
067-auth-norights-get 069-auth-norights-serverdryrun 070-auth-norights-terminate 071-auth-norights-delete
072-auth-norights-lint 074-auth-norights-submit-from 075-auth-norights-archived 076-auth-portal-other-namespace
077-auth-portal-all-namespaces 079-auth-readonly-submit 080-auth-none-watch 081-auth-none-watch-sse 082-auth-none-log
084-auth-garbage-log 085-auth-norights-watch 086-auth-norights-log 089-auth-cookie-quoted
090-auth-cookies-3 091-auth-header-beats-cookie 092-servermode-garbage-token 094-auth-token-of-deleted-sa
095-auth-token-of-deleted-sa-userinfo 096-auth-garbage-artifact 097-auth-none-artifact
099-servermode-artifact-files-missing-wf
100-submit-generatename 101-submit-fixed-name 104-submit-serverdryrun-not-stored 105-submit-createoptions-dryrun
107-submit-null-workflow 109-submit-no-entrypoint 110-submit-missing-template 111-submit-no-templates
112-submit-template-no-type 114-submit-dag-unknown-dependency 115-submit-dag-cycle 116-submit-unresolved-tag
117-submit-param-without-value 119-submit-unknown-field 120-submit-name-64 121-submit-name-63
122-submit-generatename-long 124-submit-no-name 125-submit-name-and-generatename 126-submit-label-template
127-submit-label-long 129-submit-missing-namespace 130-submit-wrong-namespace 131-submit-wrong-namespace-dryrun
132-submit-body-namespace-differs 134-submit-param-null 135-submit-param-duplicate 136-submit-type-error
137-submit-type-error-entrypoint 139-submit-no-command 140-submit-no-image 141-submit-html-chars
142-submit-with-apiversion-wrong-kind 146-submit-mutex-singular 147-submit-mutexes 149-submit-templateref-missing
150-submit-templateref-and-templates
160-lint-ok 161-lint-invalid 162-lint-null 164-lint-bad-label 165-lint-missing-ns 166-lint-templateref-missing
170-template-create 175-template-missing 176-template-lint-invalid 177-template-create-invalid
184-submit-from-missing-template 186-submit-from-bad-kind 187-submit-from-no-kind
319-terminate-missing 320-resubmit-missing 320-resume-missing 320-retry-missing 320-set-missing 320-stop-missing
320-suspend-missing 354-delete-again 355-delete-missing 356-delete-force-missing 400-nocontroller-submit
500-seed-test-submit 501-seed-namespace-literal
604-list-unknown-namespace 617-list-selector-dotslash 620-list-selector-bad 621-list-selector-bad2 630-list-continue-x
634-list-fieldselector-phase 639-list-createdafter-bad 649-get-missing 654-get-other-namespace
660-archived-list 661-archived-get 662-archived-delete 664-archived-label-values 665-archived-label-values-two
666-archived-retry 667-archived-resubmit 669-artifact-files 670-artifact-wrong-segments 671-artifact-by-uid-unknown
706-watch-unknown-name 707-watch-unknown-name-sse 719-watch-bad-fieldselector
819-log-unknown-workflow 820-log-unknown-workflow-sse
""")
WITH_TEMPLATE = listed("""
171-submit-from-right-after-create 172-template-create-duplicate 174-template-list 180-submit-from-ok
181-submit-from-missing-param 182-submit-from-enum-wrong 185-submit-from-kind-lower 189-submit-from-param-two-equals
190-submit-from-dryrun 191-submit-from-serverdryrun 192-submit-from-name 194-submit-from-bad-label
195-submit-from-bad-entrypoint 196-submit-from-no-options 197-submit-ref-in-workflow 199-submit-ref-enum-wrong
""")
WITH_FIXED_ONE = ["102-submit-duplicate", "106-submit-serverdryrun-existing-name"]


def at_its_time(clock: Clock, name: str) -> None:
    body = exchange(name).body
    if isinstance(body, dict) and (made := body.get("metadata", {}).get("creationTimestamp")):
        clock.set(moment(made))


@pytest.mark.parametrize("name", EMPTY)
def test_a_call_on_an_empty_namespace_is_answered_as_recorded(name: str, client: Client, clock: Clock) -> None:
    at_its_time(clock, name)
    recorded = exchange(name)
    assert_same(recorded, send(client, recorded))


@pytest.mark.parametrize("name", WITH_TEMPLATE)
def test_a_call_about_a_template_is_answered_as_recorded(name: str, client: Client, clock: Clock, store: Store) -> None:
    put(store, clock, exchange("170-template-create").body, "workflowtemplates")
    at_its_time(clock, name)
    recorded = exchange(name)
    assert_same(recorded, send(client, recorded))


@pytest.mark.parametrize("name", WITH_FIXED_ONE)
def test_a_taken_name_is_refused_as_recorded(name: str, client: Client, clock: Clock, store: Store) -> None:
    put(store, clock, exchange("101-submit-fixed-name").body)
    recorded = exchange(name)
    assert_same(recorded, send(client, recorded))


def test_a_double_slash_is_followed_to_the_same_answer(client: Client) -> None:
    recorded = exchange("014-double-slash-put-followed")
    [[status, location]] = recorded.response["history"]
    redirect = send(client, recorded)
    assert (redirect.status, redirect.header("Location")) == (status, location)
    assert_same(recorded, send(client, recorded, path=location))


def test_annotations_above_the_limit_are_refused_as_recorded(client: Client) -> None:
    recorded = exchange("144-submit-huge")
    text = json.dumps(recorded.request["body"]).replace("<300000 x>", "x" * 300_000)
    assert_same(recorded, client.call("POST", "/api/v1/workflows/argo", json.loads(text)))


def test_a_spec_above_etcds_limit_is_refused_as_recorded(client: Client) -> None:
    recorded = exchange("145-submit-huge-spec")
    text = json.dumps(recorded.request["body"]).replace("<2000000 x>", "x" * 2_000_000)
    answer = client.call("POST", "/api/v1/workflows/argo", json.loads(text))
    assert_same(recorded, answer)
