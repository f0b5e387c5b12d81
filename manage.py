#!/usr/bin/env python
"""Django's command line. Without settings in the environment it speaks to the portal that `make run` started last."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

RUN_ENV = Path(os.environ.get("VAR_DIR", Path(__file__).resolve().parent / "var")) / "run.env"

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if not (os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE")) and RUN_ENV.exists():
        # One NAME='value' a line, as portal/run.py writes it.
        for name, value in (line.split("=", 1) for line in RUN_ENV.read_text().splitlines()):
            os.environ.setdefault(name, shlex.split(value)[0])
    execute_from_command_line(sys.argv)
