"""Recordings that the trial cluster does not answer as the real one did, each with its reason."""

from __future__ import annotations

CALLS: dict[str, str] = {}
SCRIPTS: dict[str, str] = {}
