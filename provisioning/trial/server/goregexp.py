"""Go's regular expressions, as far as Python's are the same, with Go's words for what is wrong with one."""

from __future__ import annotations

import re

UNSUPPORTED = re.compile(r"\(\?(?:[=!>#(]|<[=!]|P[=>])|\\[1-9]")
REASONS = {
    "missing ), unterminated subpattern": "missing closing ): `{pattern}`",
    "unterminated character set": "missing closing ]: `{tail}`",
    "unbalanced parenthesis": "unexpected ): `{pattern}`",
    "nothing to repeat": "missing argument to repetition operator: `{char}`",
    "bad escape (end of pattern)": "trailing backslash at end of expression: ``",
}


class RegexpFault(ValueError):
    """A pattern that Go can't compile; its words are Go's."""


def compile_re2(pattern: str) -> re.Pattern[str]:
    """Raises RegexpFault, also for what Python knows and RE2 doesn't (look-around, back references)."""
    if match := UNSUPPORTED.search(pattern):
        what = "invalid escape sequence" if match[0].startswith("\\") else "invalid or unsupported Perl syntax"
        raise RegexpFault(f"{what}: `{match[0]}`")
    try:
        return re.compile(pattern)
    except re.error as error:
        at = error.pos or 0
        text = REASONS.get(error.msg, "invalid or unsupported Perl syntax: `{tail}`")
        raise RegexpFault(text.format(pattern=pattern, tail=pattern[at:], char=pattern[at : at + 1])) from None
