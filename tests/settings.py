"""The portal's settings for tests: nothing from the environment of whoever runs them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

for _name in (
    "DATABASE_URL",
    "ARGO_WORKFLOWS_URL",
    "ARGO_TOKEN",
    "ARGO_TOKEN_FILE",
    "TRIAL",
    "DEBUG",
    "CATALOG",
):
    os.environ.pop(_name, None)
os.environ["SECRET_KEY"] = "only-for-tests-only-for-tests-only-for-tests"
os.environ["HTTPS"] = "false"
os.environ["LOG_LEVEL"] = "ERROR"
if _url := os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = _url

from portal.settings import *  # noqa: E402, F403

# Tests count workflows; those that are about the nightly checks set a time.
CHECK_NAMESPACES_AT = ""
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# Static files are not collected for tests, and WhiteNoise warns of a folder that is not there.
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("whitenoise")]  # noqa: F405
# Static files are looked up where they lie: nothing is collected for tests.
WHITENOISE_AUTOREFRESH = True
# The real hash is slow on purpose; tests sign in hundreds of times.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A file rather than memory: threads and processes of the race tests share it as they do in production. In RAM where
# there is such a place, one per checkout; pytest-xdist adds the worker's name.
_ram = Path("/dev/shm")
_here = hashlib.sha256(str(Path(__file__).resolve()).encode()).hexdigest()[:8]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    _folder = _ram if _ram.is_dir() else Path(tempfile.gettempdir())
    _name = f"portal-test-{_here}-{os.getuid()}{os.environ.get('PORTAL_TEST_DB', '')}"
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / _name)}  # noqa: F405
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=OFF;"  # noqa: F405
