"""`manage.py check --deploy` with a production's settings: nothing it says may be left standing."""

from __future__ import annotations

import os
import subprocess
import sys

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "SECRET_KEY": "x7Qm" * 16 + "deployment-check-only",
    "ALLOWED_HOSTS": "portal.example.com",
    "ARGO_WORKFLOWS_URL": "https://argo-server.platform-provisioning:2746",
    "ARGO_TOKEN_FILE": "/var/run/secrets/token",
    "DATABASE_URL": "sqlite:///:memory:",
}

if __name__ == "__main__":
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    sys.exit(subprocess.run(command, env=ENVIRONMENT, check=False).returncode)
