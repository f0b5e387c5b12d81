"""Every recorded exchange with Argo 4.1.2 is replayed, or a table says why not."""

from __future__ import annotations

import re

from . import (
    departures,
    test_outage,
    test_replay_calls,
    test_replay_lists,
    test_replay_logs,
    test_replay_objects,
    test_replay_watches,
    test_transport,
)
from .replaying import names

REPLAYED = {
    *test_replay_calls.EMPTY,
    *test_replay_calls.WITH_TEMPLATE,
    *test_replay_calls.WITH_FIXED_ONE,
    *test_replay_objects.READ,
    *test_replay_objects.SUBMITTED,
    *test_replay_objects.BEFORE,
    *test_replay_objects.UNDONE,
    *test_replay_objects.BY_PHASE,
    *test_replay_objects.RESUBMITTED,
    *test_replay_lists.OF_SIX,
    *test_replay_lists.OF_THEMSELVES,
    *test_replay_watches.LIVES,
    *test_replay_watches.REPLAYS,
    *test_replay_watches.IDLE,
    *test_replay_watches.SILENT,
    *test_replay_logs.OF_LOG_MIX,
    *test_replay_logs.OF_THEMSELVES,
    *test_replay_logs.WITHOUT_LINES,
    *test_replay_logs.FOLLOWED,
    *test_outage.WATCHES,
    *test_outage.LOGS,
    *test_outage.IDLE,
    *test_outage.DOWN,
    *test_outage.BACK,
    *test_transport.RAW,
    *(f"900-ratelimit-{number}" for number in range(1, 10)),
    # each in a test of its own
    "001-version",
    "004-root-static",
    "005-static-unknown-path",
    "014-double-slash-put-followed",
    "026-gzip-asked",
    "052-auth-garbage-version",
    "144-submit-huge",
    "145-submit-huge-spec",
    "409-nocontroller-resume",
    "417-nocontroller-get-deleted",
    "406-nocontroller-log-follow",
    "600-list-read-your-writes",
    "651-get-uid-right",
    "657-get-latest-empty-ns",
    "702-watch-sse-rv",
    "704-watch-sse-idle",
    "712-watch-timeout-after-keepalive-sse",
    "714-watch-rv-1",
    "720-watch-bookmarks",
    "809-log-timestamps",
    "842-log-dag-tail2",
    "844-log-by-node-id",
    "845-log-over-1mib",
    "846-log-20000-lines",
}


def reasons(name: str) -> list[str]:
    """Why this one is not replayed."""
    return [reason for pattern, reason in departures.NOT_REPLAYED.items() if re.fullmatch(pattern, name)]


def test_each_recording_is_replayed_or_has_one_reason_why_not() -> None:
    expected = {name: 1 if name not in REPLAYED else 0 for name in names()}
    assert {name: len(reasons(name)) for name in names()} == expected


def test_each_reason_is_needed_and_each_replayed_name_exists() -> None:
    assert [
        pattern for pattern in departures.NOT_REPLAYED if not any(re.fullmatch(pattern, name) for name in names())
    ] == []
    assert {*names()} >= REPLAYED
    assert {*names()} >= {*departures.REFUSED_BY_THE_ENGINE}
