"""The small pure parts: versions, addresses, errors, waiting times, log lines."""

from __future__ import annotations

import datetime as dt

import pytest

from provisioning.argo import errors
from provisioning.argo.answers import missing_right, retry_after
from provisioning.argo.logs import LogLine, is_executor_line, mask_secrets, tell_apart
from provisioning.argo.urls import base_url, is_loopback
from provisioning.argo.version import parse


@pytest.mark.parametrize(
    ("text", "supported", "safe", "known"),
    [
        ("v4.1.2", True, True, True),
        ("v4.1.2+trial", True, True, True),
        ("v4.0.6", True, True, True),
        ("v4.0.5", True, False, True),
        ("v4.0.0", True, False, True),
        ("v3.7.15", True, True, True),
        ("3.7.18", True, True, True),
        ("v3.7.14", True, False, True),
        ("v3.6.19", True, False, True),
        ("v3.5.5", True, False, True),
        ("v3.4.17", False, False, True),
        ("v10.0.0", True, True, True),
        ("latest+3cf1b1e.dirty", True, True, False),
        ("", True, True, False),
        ("v4.1", True, True, False),
    ],
)
def test_a_version_is_judged(text: str, supported: bool, safe: bool, known: bool) -> None:
    version = parse(text)
    assert (version.supported, version.safe, version.known) == (supported, safe, known)
    assert bool(version.advice) == (not (supported and safe and known))
    assert version.counts_remaining == (not text.lstrip("v").startswith("3."))


def test_the_trial_is_known_by_its_version() -> None:
    assert parse("v4.1.2+trial").trial
    assert not parse("v4.1.2").trial


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://localhost:2746", "http://localhost:2746"),
        (" https://argo.example.com/ \n", "https://argo.example.com"),
        ("https://argo.example.com//", "https://argo.example.com"),
        ("https://example.com//argo//", "https://example.com/argo"),
        ("https://example.com/argo/api/v1/", "https://example.com/argo"),
        ("https://example.com/api", "https://example.com"),
        ("http://[::1]:2746/", "http://[::1]:2746"),
        ("http://[fd00::7]", "http://[fd00::7]"),
        ("HTTPS://Argo.Example.COM:443", "https://argo.example.com:443"),
    ],
)
def test_an_address_is_brought_into_one_form(text: str, url: str) -> None:
    assert base_url(text) == url


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("localhost:2746", "http:// or https://"),
        ("", "http:// or https://"),
        ("ftp://argo", "http:// or https://"),
        ("http://", "names no host"),
        ("http://::1:2746", "in brackets"),
        ("http://[::1:2746", "in brackets"),
        ("http://argo:port", "not a number"),
        ("http://argo:99999", "not a number"),
        ("http://alice:secret@argo", "ARGO_TOKEN"),
        ("http://argo/?x=1", "'?' or '#'"),
        ("http://argo/a b", "space"),
        ("http://argo/../x", "'.' or '..'"),
    ],
)
def test_an_impossible_address_is_explained(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"Argo Server|IPv6") as caught:
        base_url(text)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


def test_loopback_is_known_in_all_its_forms() -> None:
    for url in ("http://localhost", "http://127.0.0.1:1", "http://127.8.8.8", "http://[::1]:2", "http://x.localhost"):
        assert is_loopback(url)
    for url in ("http://argo", "http://10.0.0.1", "http://localhost.example.com", "http://[fd00::1]"):
        assert not is_loopback(url)


NOW = dt.datetime(2026, 11, 23, 16, 17, 25, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Mon, 23 Nov 2026 16:17:27 UTC", 2.0),
        ("Mon, 23 Nov 2026 16:17:27 GMT", 2.0),
        ("Mon, 23 Nov 2026 17:17:27 +0100", 2.0),
        ("Mon, 23 Nov 2026 16:17:27 -0000", 2.0),
        ("Mon, 23 Nov 2026 16:17:27", 2.0),
        ("Mon, 23 Nov 2026 16:00:00 UTC", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
    ],
)
def test_a_waiting_time_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds


def test_a_missing_right_is_named_from_the_text_of_any_version() -> None:
    new = 'Permission denied, you are not allowed to list workflows in namespace "argo". Maybe you want …'
    old = 'workflows.argoproj.io is forbidden: User "u" cannot watch resource "workflows" in API group "x" in the namespace "argo"'
    assert missing_right(new, "argo") == "list workflows in namespace argo"
    assert missing_right(old, "argo") == "watch workflows in namespace argo"
    assert missing_right("unknown (get workflows.argoproj.io)", "n") == (
        "get, list and watch workflows.argoproj.io in namespace n"
    )
    assert missing_right("permission denied", "n") == ""


def test_every_error_has_a_cause_a_remedy_and_a_kind() -> None:
    kinds = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.ArgoError)
    ]
    for kind in kinds:
        error = kind("It went wrong.")
        assert error.cause == "It went wrong."
        assert error.remedy or kind is errors.ArgoError
        assert str(error).startswith("It went wrong.")
    assert {kind.__name__ for kind in kinds if kind.retryable} == {
        "Unreachable",
        "Timeout",
        "TooManyRequests",
        "ServerError",
        "ResourceVersionTooOld",
        "StreamEnded",
    }


def test_a_cause_of_any_size_is_cut() -> None:
    assert len(errors.Refused("x" * 1_000_000).cause) == errors.LONGEST_TEXT


@pytest.mark.parametrize(
    ("line", "executor"),
    [
        ('time=2026-11-23T16:48:21.993Z level=INFO msg="sub-process exited" argo=true error="exit status 64"', True),
        ('time=2026-11-23T16:48:21Z level=INFO msg="x" error=<nil> argo=true', True),
        ('time="2026-11-23T17:10:07.530Z" level=info msg="sub-process exited" argo=true error="<nil>"', True),
        ("time=2026 level=INFO msg=mine", False),
        ("argo=true", False),
        (" time=1 level=INFO argo=true", False),
        ("time=1 level=INFO argo=trueish", False),
        ("", False),
    ],
)
def test_a_line_of_the_executor_is_known_by_its_form(line: str, executor: bool) -> None:
    assert is_executor_line(line) is executor


def _told_apart(*contents: str) -> list[str]:
    lines = (LogLine(content, "p", is_executor_line(content)) for content in contents)
    return [line.content for line in tell_apart(lines) if not line.executor]


EXITED = 'time=2026-11-23T16:48:21Z level=INFO msg="sub-process exited" argo=true'


def test_the_last_exit_line_is_the_executors() -> None:
    assert _told_apart("a", EXITED, "Error: exit status 64") == ["a"]
    assert _told_apart("a", "Error: exit status 64", EXITED) == ["a"]
    assert _told_apart("a", "Error: exit status 64", "b", EXITED) == ["a", "b"]
    assert _told_apart("Error: exit status 1", "a", "Error: exit status 1") == ["Error: exit status 1", "a"]


def test_an_exit_line_far_before_the_end_is_the_steps_own() -> None:
    lines = ["Error: exit status 3", "a", "b", "c", "d"]
    assert _told_apart(*lines) == lines


def test_no_more_than_some_lines_are_held_back() -> None:
    source = iter([LogLine("Error: exit status 3", "p"), *(LogLine(str(number), "p") for number in range(10))])
    told = tell_apart(source)
    next(told)
    assert next(source).content in {"3", "4"}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abcdefghijklmnopqrst", "Authorization: Bearer •••"),
        ("token eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJl.c2lnbmF0dXJl end", "token ••• end"),
        ("https://alice:hunter22@git.example.com/x", "https://•••@git.example.com/x"),
        ("password=hunter2222 next", "password=••• next"),
        ('"api_key": "0123456789abcdef"', '"api_key": "•••"'),
        ("DB_PASSWORD: hunter2222", "DB_PASSWORD: •••"),
        ("ghp_0123456789012345678901234567890123456789", "•••"),
        ("secrets: 75 limits", "secrets: 75 limits"),
        ('{"secrets":"75","pods":"999"}', '{"secrets":"75","pods":"999"}'),
        ("automountServiceAccountToken: false", "automountServiceAccountToken: false"),
        ("serviceaccount/platform-user", "serviceaccount/platform-user"),
        ("see https://example.com:8080/path@x", "see https://example.com:8080/path@x"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked
