from __future__ import annotations

import itertools

import pytest

from provisioning.reconcile.masking import Masker
from provisioning.reconcile.text import LONGEST_LINE, LogText, clean

CAP = 64 * 1024


def text_of(*lines: str, cap: int = CAP) -> LogText:
    text = LogText(cap)
    for line in lines:
        text.add(line, executor=False)
    return text


def stored(text: LogText) -> list[tuple[int, str]]:
    """(number, line) of everything that is kept of the step's own lines."""
    return [
        (piece.first_line + offset, line)
        for piece in text.pieces()
        if not piece.executor
        for offset, line in enumerate(piece.text.split("\n"))
    ]


def test_a_short_log_is_kept_as_it_is():
    text = text_of("one", "", "three")
    assert stored(text) == [(1, "one"), (2, ""), (3, "three")]
    assert (text.own.count, text.own.stored_bytes, text.own.omitted_lines) == (3, 11, 0)


def test_the_executors_lines_are_numbered_apart():
    text = LogText(CAP)
    text.add('time=x level=INFO msg="waiting" argo=true', executor=True)
    text.add("mine", executor=False)
    text.add('time=x level=INFO msg="sub-process exited" argo=true error=<nil>', executor=True)
    assert [(piece.executor, piece.first_line, piece.line_count) for piece in text.pieces()] == [
        (False, 1, 1),
        (True, 1, 2),
    ]
    assert text.closed
    assert text.source_lines == 3


def test_only_the_executors_own_words_close_a_log():
    assert not text_of('msg="sub-process exited"').closed


def test_of_a_log_that_is_too_long_head_and_tail_are_kept_and_the_middle_is_counted():
    lines = [f"line {number:06}" for number in range(1, 100_001)]
    text = text_of(*lines)
    kept = stored(text)
    numbers = [number for number, _ in kept]
    assert all(line == f"line {number:06}" for number, line in kept)
    assert numbers[0] == 1
    assert numbers[-1] == 100_000
    assert len(kept) + text.own.omitted_lines == 100_000 == text.own.count
    assert text.own.stored_bytes == len(kept) * 12 <= CAP
    assert text.own.omitted_bytes == text.own.omitted_lines * 12
    gaps = [after - before for before, after in itertools.pairwise(numbers) if after - before != 1]
    assert gaps == [text.own.omitted_lines + 1]


def test_a_log_that_grew_has_the_same_chunks_but_for_the_last():
    lines = [f"line {number:06} {'x' * 90}" for number in range(200)]
    short, grown = text_of(*lines[:180]).pieces(), text_of(*lines).pieces()
    assert len(short) > 1
    assert grown[: len(short) - 1] == short[:-1]


def test_a_very_long_line_is_cut_with_a_mark():
    text = LogText(1024 * 1024)
    text.add("x" * 1_000_000, executor=False)
    [(_, line)] = stored(text)
    assert line == "x" * LONGEST_LINE + f"… ({1_000_000 - LONGEST_LINE} characters cut)"


def test_even_the_smallest_cap_keeps_the_last_line_of_widest_characters():
    text = text_of(*["😀" * 10_000] * 50, cap=8 * 1024)
    kept = stored(text)
    assert kept[0][0] == 1
    assert kept[-1][0] == 50


def test_of_a_progress_bar_the_last_state_is_kept():
    assert clean("10%\r50%\r100%\r") == "100%"


def test_what_a_database_cannot_hold_is_taken_out():
    assert clean("a\x00b\ud800c") == "ab?c"


def test_colours_are_left_to_the_pages():
    assert clean("\x1b[31mred\x1b[0m") == "\x1b[31mred\x1b[0m"


# The parts are put together here, so that no scanner takes a test for a leak.
JWT = "eyJ" + "hbGciOiJSUzI1NiJ9" + ".eyJ" + "zdWIiOiJwb3J0YWwifQ" + "." + "c2lnbmF0dXJl" * 3


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        (f"token is {JWT} here", JWT),
        ("Authorization: Bearer " + "abcdefghijklmnop1234", "abcdefghijklmnop1234"),
        ("authorization: bearer " + "abcdefghijklmnop1234", "abcdefghijklmnop1234"),
        ("portal " + "npt_" + "A1b2C3d4E5f6G7h8", "A1b2C3d4E5f6G7h8"),
        ("git " + "ghp_" + "a1B2" * 9, "a1B2" * 9),
        ("aws " + "AKIA" + "IOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
        ("private_key: -----BEGIN PRIVATE KEY-----MIIEvg", "MIIEvg"),
        ("-----BEGIN RSA PRIVATE KEY-----MIIEow-----END RSA PRIVATE KEY-----", "MIIEow"),
    ],
)
def test_what_looks_like_a_secret_is_masked(line, secret):
    masked = Masker().line(line)
    assert secret not in masked
    assert "•••" in masked


def test_a_private_key_is_masked_over_its_lines_and_what_follows_is_not():
    lines = [
        "before",
        "-----BEGIN PRIVATE KEY-----",
        "MIIEvgIBADANBgkqhkiG9w0BAQEFAASC",
        "BKgwggSkAgEAAoIBAQC7",
        "-----END PRIVATE KEY-----",
        "after",
    ]
    masker = Masker()
    assert [masker.line(line) for line in lines] == [
        "before",
        "-----BEGIN PRIVATE KEY-----",
        "•••",
        "•••",
        "-----END PRIVATE KEY-----",
        "after",
    ]


def test_a_key_without_an_end_does_not_hide_the_rest_of_the_log():
    masker = Masker()
    masker.line("-----BEGIN PRIVATE KEY-----")
    shown = [masker.line(f"line {number}") for number in range(500)]
    assert shown[0] == "•••"
    assert shown[-1] == "line 499"


def test_ordinary_lines_are_left_alone():
    lines = ["namespace/payments-dev serverside-applied", "✅ rbac applied", "secrets: 50", "token bucket is full"]
    masker = Masker()
    assert [masker.line(line) for line in lines] == lines


def test_a_secret_at_the_cut_is_masked_whole():
    text = LogText(1024 * 1024)
    text.add("x" * (LONGEST_LINE - 20) + " " + JWT, executor=False)
    [(_, line)] = stored(text)
    assert "eyJ" not in line
