"""The portal's settings for tests: nothing from the environment of whoever runs them."""

from __future__ import annotations

import os

for _name in ("DATABASE_URL", "ARGO_WORKFLOWS_URL", "ARGO_TOKEN", "ARGO_TOKEN_FILE", "TRIAL", "DEBUG", "CATALOG"):
    os.environ.pop(_name, None)
os.environ["SECRET_KEY"] = "only-for-tests-only-for-tests-only-for-tests"
os.environ["HTTPS"] = "false"
os.environ["LOG_LEVEL"] = "ERROR"
if _url := os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = _url

from portal.settings import *  # noqa: E402, F403

ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# The real hash is slow on purpose; tests sign in hundreds of times.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
