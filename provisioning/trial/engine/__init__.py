"""The workflow controller of the trial: it executes workflows as Argo's would, on this machine."""

from __future__ import annotations

from .controller import Engine
from .errors import Invalid

__all__ = ["Engine", "Invalid"]
