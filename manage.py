#!/usr/bin/env python
"""Django's command line. Without settings in the environment it speaks to the portal that `make run` started last."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line
from environs import Env

RUN_ENV = Path(__file__).resolve().parent / "var" / "run.env"

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if not (os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE")) and RUN_ENV.exists():
        Env.read_env(str(RUN_ENV), recurse=False)
    execute_from_command_line(sys.argv)
