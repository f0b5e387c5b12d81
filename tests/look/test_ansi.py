from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.ansi import ansi_to_html, plain


class Reader(HTMLParser):
    """What a browser would make of it: tags with attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_colours_become_classes() -> None:
    assert ansi_to_html("\x1b[32mdone\x1b[0m ok") == '<span class="ansi-green">done</span> ok'


def test_styles_are_kept_together_and_taken_back_one_by_one() -> None:
    html = ansi_to_html("\x1b[1;31mA\x1b[39mB\x1b[22mC")
    assert html == '<span class="ansi-red ansi-bold">A</span><span class="ansi-bold">B</span>C'


def test_an_empty_sequence_is_a_reset() -> None:
    assert ansi_to_html("\x1b[4mA\x1b[mB") == '<span class="ansi-underline">A</span>B'


@pytest.mark.parametrize(
    ("sequence", "css"),
    [
        ("\x1b[91m", "ansi-red"),
        ("\x1b[44m", "ansi-bg-blue"),
        ("\x1b[104m", "ansi-bg-blue"),
        ("\x1b[38;5;2m", "ansi-green"),
        ("\x1b[38;5;10m", "ansi-green"),
        ("\x1b[48;5;1m", "ansi-bg-red"),
    ],
)
def test_bright_and_numbered_colours_have_the_class_of_their_colour(sequence: str, css: str) -> None:
    assert ansi_to_html(f"{sequence}x") == f'<span class="{css}">x</span>'


@pytest.mark.parametrize("sequence", ["\x1b[38;5;200m", "\x1b[38;2;1;4;31m", "\x1b[38m", "\x1b[38;5m", "\x1b[999m"])
def test_colours_without_a_name_are_dropped_with_their_arguments(sequence: str) -> None:
    assert ansi_to_html(f"{sequence}x") == "x"


@pytest.mark.parametrize(
    "sequence",
    [
        "\x1b[2J",
        "\x1b[1;1H",
        "\x1b[?25l",
        "\x1b]0;title\x07",
        "\x1b]8;;https://evil.example\x1b\\",
        "\x1bPq\x1b\\",
        "\x1bc",
        "\x1b(B",
        "\x9b31m",
    ],
)
def test_other_control_sequences_leave_nothing(sequence: str) -> None:
    assert ansi_to_html(f"a{sequence}b") == "ab"


@pytest.mark.parametrize("cut", ["\x1b", "\x1b[", "\x1b[31", "\x1b]0;title"])
def test_a_sequence_that_was_cut_off_does_not_swallow_the_next_line(cut: str) -> None:
    assert ansi_to_html(f"a{cut}\nnext") == "a\nnext"


def test_markup_in_a_log_is_text() -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;\"'"
    reader = Reader(ansi_to_html(hostile))
    assert reader.tags == []
    assert reader.text == hostile


def test_markup_cannot_be_put_together_from_pieces_around_sequences() -> None:
    reader = Reader(ansi_to_html("<\x1b[31mscript\x1b[0m>alert(1)</\x1b[1mscript>"))
    assert {tag for tag, _ in reader.tags} == {"span"}
    assert reader.text == "<script>alert(1)</script>"


def test_a_sequence_cannot_bring_a_class_or_attribute_of_its_own() -> None:
    assert Reader(ansi_to_html('\x1b["><b>31mx')).tags == []


def test_what_reorders_or_hides_text_is_shown() -> None:
    assert Reader(ansi_to_html("a\u202eb\u2066c\u200bd\x00e\x08f")).text == (
        "a⟨U+202E⟩b⟨U+2066⟩c⟨U+200B⟩d⟨U+0000⟩e⟨U+0008⟩f"
    )


def test_a_carriage_return_starts_its_line_again() -> None:
    assert ansi_to_html("10%\r50%\r100%\r\nnext") == "100%\nnext"


def test_plain_keeps_the_words_alone() -> None:
    assert plain("\x1b[1;31mError\x1b[0m: <b>") == "Error: <b>"


PIECES = st.sampled_from(
    [
        "\x1b",
        "\x1b[",
        "\x1b[31m",
        "m",
        ";",
        "31",
        "<",
        ">",
        '"',
        "'",
        "&",
        "script",
        "\x9b",
        "\x1b]",
        "\x07",
        "\r",
        "\n",
        "\u202e",
        "a",
    ]
)


@given(st.lists(PIECES | st.text(max_size=4), max_size=40).map("".join))
def test_nothing_but_our_spans_ever_comes_out(text: str) -> None:
    reader = Reader(ansi_to_html(text))
    for tag, attrs in reader.tags:
        assert tag == "span"
        assert [name for name, _ in attrs] == ["class"]
        assert re.fullmatch(r"ansi-[a-z-]+( ansi-[a-z-]+)*", attrs[0][1] or "")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", reader.text)


@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=60))
def test_plain_words_come_through_unchanged(text: str) -> None:
    assert Reader(ansi_to_html(text)).text == text
