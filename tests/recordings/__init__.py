"""Recorded answers of a real Argo Server, controller, cluster and kubectl, kept as packed archives.

`kubectl`: one call of the real kubectl per file, `kubectl/scripts`: whole scripts; `runs`: workflow objects in every state with the
logs of their steps; `transcripts`: HTTP exchanges with Argo 4.1.2 and 3.5.5; `swagger`: Argo's own API descriptions.
"""

from __future__ import annotations

import functools
import json
import tarfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@functools.cache
def texts(archive: str) -> dict[str, str]:
    """Every file of `archive` by its path inside it, e.g. `runs/create-succeeded.json`."""
    with tarfile.open(HERE / f"{archive}.tar.xz") as packed:
        return {
            member.name: packed.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in packed.getmembers()
            if member.isfile()
        }


@functools.cache
def load(archive: str) -> dict[str, Any]:
    """As `texts`, with `.json` files parsed. Callers must not change what they get: it is shared."""
    return {name: json.loads(text) if name.endswith(".json") else text for name, text in texts(archive).items()}
