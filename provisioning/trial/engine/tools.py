"""Programs that the scripts take for granted and some systems (macOS) lack."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from .sandbox import DEFAULT_PATH

SHA256SUM = f"""#!/bin/sh
exec {sys.executable} -c 'import hashlib, sys
print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest() + "  -")'
"""


def write_missing_tools(bin_dir: Path) -> None:
    if shutil.which("sha256sum", path=DEFAULT_PATH) is None:
        path = bin_dir / "sha256sum"
        path.write_text(SHA256SUM)
        path.chmod(0o755)
