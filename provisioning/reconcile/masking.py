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
        return _OURS.sub(MASK, mask_secrets(self._without_keys(text)))

    def _without_keys(self, text: str) -> str:
        """Without the keys that begin on this line; the last of them may go on."""
        begin = _BEGIN.search(text)
        if begin is None:
            return text
        shown, rest = text[: begin.end()], text[begin.end() :]
        end = _END.search(rest)
        if end is None:
            self._key_lines = 1
            return shown + (MASK if rest.strip() else "")
        return shown + MASK + end.group() + self._without_keys(rest[end.end() :])

    def _inside(self, text: str) -> str:
        end = _END.search(text)
        if end is not None:
            self._key_lines = 0
            return (MASK if text[: end.start()].strip() else "") + text[end.start() :]
        self._key_lines += 1
        if self._key_lines > LONGEST_KEY_LINES:
            self._key_lines = 0
        return MASK
