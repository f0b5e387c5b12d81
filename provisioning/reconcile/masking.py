"""What looks like a secret is masked before a log is stored: a log is read by more people than a cluster is."""

from __future__ import annotations

import re

from provisioning.argo.logs import MASK, mask_secrets

# More than any key has; a BEGIN without an END must not hide the rest of a log.
LONGEST_KEY_LINES = 200
_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
# The portal's own tokens, and bearer tokens however they are written.
_OURS = re.compile(r"\bnpt_[\w-]{8,}|(?<=bearer )[\w.~+/=-]{16,}", re.IGNORECASE)
# The patterns look back and forth a lot; a line without any of these needs none of them.
_HINTS = (
    "eyj",
    "npt_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xox",
    "akia",
    "://",
    "bearer",
    "private key",
    "passw",
    "secret",
    "token",
    "api",
    "key",
)


class Masker:
    """Masks the lines of one log, in order: a private key runs over several lines."""

    def __init__(self) -> None:
        self._key_lines = 0

    def line(self, text: str) -> str:
        """`text` as it may be stored."""
        if self._key_lines:
            return self._inside(text)
        folded = text.lower()
        if not any(hint in folded for hint in _HINTS):
            return text
        masked = _OURS.sub(MASK, mask_secrets(text))
        return self._begin(text, masked) if _BEGIN.search(text) else masked

    def _begin(self, text: str, masked: str) -> str:
        """A key that begins on this line, and may end on it."""
        begin = _BEGIN.search(masked) or _BEGIN.search(text)
        source = masked if _BEGIN.search(masked) else text
        if begin is None:
            return masked
        end = _END.search(source, begin.end())
        if end is None:
            self._key_lines = 1
            rest = MASK if source[begin.end() :].strip() else ""
            return source[: begin.end()] + rest
        return source[: begin.end()] + MASK + source[end.start() :]

    def _inside(self, text: str) -> str:
        end = _END.search(text)
        if end is not None:
            self._key_lines = 0
            return (MASK if text[: end.start()].strip() else "") + text[end.start() :]
        self._key_lines += 1
        if self._key_lines > LONGEST_KEY_LINES:
            self._key_lines = 0
        return MASK
