"""Argo's version, as `/api/v1/version` and the header `Grpc-Metadata-Argo-Version` tell it."""

from __future__ import annotations

import re
from dataclasses import dataclass

FIRST_SUPPORTED = (3, 5, 0)
# Fixes of the restriction to approved templates (`templateReferencing`) and of other holes came with these two.
SAFE_SINCE_3 = (3, 7, 15)
SAFE_SINCE_4 = (4, 0, 6)
NEWEST = (999, 0, 0)

_VERSION = re.compile(r"v?(\d{1,4})\.(\d{1,4})\.(\d{1,6})(?:[-+](.*))?\Z")


@dataclass(frozen=True, slots=True)
class Version:
    """A version by its numbers; a text that is not vX.Y.Z (`latest+abc`) counts as the newest of all."""

    text: str
    numbers: tuple[int, int, int]
    build: str = ""

    @property
    def known(self) -> bool:
        return self.numbers != NEWEST

    @property
    def trial(self) -> bool:
        """Is it the embedded server?"""
        return "trial" in self.build

    @property
    def supported(self) -> bool:
        return self.numbers >= FIRST_SUPPORTED

    @property
    def safe(self) -> bool:
        """3.7.15 and later 3.x, 4.0.6 and later. A safe version is also a supported one."""
        return self.numbers >= SAFE_SINCE_4 or SAFE_SINCE_3 <= self.numbers < (4, 0, 0)

    @property
    def advice(self) -> str:
        """What an admin should do about it; empty when nothing."""
        if not self.known:
            return f"{self.text or 'An unnamed version'} is not a released version; it is taken for the newest."
        if not self.supported:
            return f"Argo {self.text} is older than 3.5, the first supported version: upgrade to 3.7.15 or 4.0.6."
        if not self.safe:
            return f"Argo {self.text} has known security holes: upgrade to 3.7.15 or later, or 4.0.6 or later."
        return ""

    @property
    def counts_remaining(self) -> bool:
        """Does a list need `ext.showRemainingItemCount=true` to get its `continue`? Older versions may refuse it."""
        return self.numbers >= (4, 0, 0)

    def __str__(self) -> str:
        return self.text


def parse(text: str) -> Version:
    """`v4.1.2+trial` -> Version. Never fails: unknown is the newest."""
    text = text.strip()[:80]
    match = _VERSION.match(text)
    if not match:
        return Version(text, NEWEST)
    major, minor, patch, build = match.groups()
    return Version(text, (int(major), int(minor), int(patch)), build or "")
