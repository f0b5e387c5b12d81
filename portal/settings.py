"""Every setting comes from the environment; all bad ones are reported together, at start.

README has the table of what each does. SECRET_KEY, DATABASE_URL and METRICS_TOKEN may also come from a file:
`SECRET_KEY_FILE=/run/secrets/key`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import dj_database_url
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError, FileAwareEnv, validate

BASE_DIR = Path(__file__).resolve().parent.parent

secrets = FileAwareEnv(eager=False, strip_whitespace=True)
SECRET_KEY = secrets.str(
    "SECRET_KEY",
    validate=validate.Length(min=32, error="must have 32 characters at least; `make run` makes one in var/"),
)
DATABASE_URL = secrets.str("DATABASE_URL", f"sqlite:///{BASE_DIR / 'var' / 'portal.sqlite3'}")
METRICS_TOKEN = secrets.str("METRICS_TOKEN", "")

env = Env(eager=False)
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
SQLITE_WAL = env.bool("SQLITE_WAL", False)
HTTPS = env.bool("HTTPS", True)
BEHIND_PROXY = env.bool("BEHIND_PROXY", False)
BIND = env.str("BIND", "127.0.0.1")
PORT = env.int("PORT", 8000, validate=validate.Range(min=1, max=65535))
TIME_ZONE = env.str("TIME_ZONE", "UTC")
LOG_FORMAT = env.str("LOG_FORMAT", "text", validate=validate.OneOf(["text", "json"]))
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))

# The Argo Server. ARGO_TOKEN_FILE is kept as a path and read by the client, as mounted tokens rotate.
ARGO_WORKFLOWS_URL = env.str("ARGO_WORKFLOWS_URL", "http://localhost:2746")
ARGO_NAMESPACE = env.str("ARGO_NAMESPACE", "argo")
ARGO_TOKEN = env.str("ARGO_TOKEN", "")
ARGO_TOKEN_FILE = env.str("ARGO_TOKEN_FILE", "")
ARGO_TIMEOUT = env.int("ARGO_TIMEOUT", 30_000, validate=validate.Range(min=100))
ARGO_CA_FILE = env.str("ARGO_CA_FILE", "")
ARGO_VERIFY_TLS = env.bool("ARGO_VERIFY_TLS", True)

TRIAL = env.bool("TRIAL", False)
TRIAL_STATE = env.str("TRIAL_STATE", str(BASE_DIR / "var" / "trial"))

CATALOG = env.str("CATALOG", "")
KUBERNETES_USERNAME = env.str("KUBERNETES_USERNAME", "email", validate=validate.OneOf(["email", "username"]))
PENDING_DAYS = env.int("PENDING_DAYS", 14, validate=validate.Range(min=1))
LOG_CAP_KIB = env.int("LOG_CAP_KIB", 256, validate=validate.Range(min=8))
RESYNC_SECONDS = env.float("RESYNC_SECONDS", 30.0, validate=validate.Range(min=1))
CHECK_NAMESPACES_AT = env.str(
    "CHECK_NAMESPACES_AT",
    "02:00",
    validate=validate.Regexp(r"(([01]\d|2[0-3]):[0-5]\d)?\Z", error="must be a time such as 02:00, or empty for never"),
)
WORKER_LEASE_SECONDS = env.float("WORKER_LEASE_SECONDS", 15.0, validate=validate.Range(min=2))


def _bad_variables() -> list[str]:
    """Every complaint of both readers, as `NAME: what is wrong`."""
    found: list[str] = []
    for reader in (secrets, env):
        try:
            reader.seal()
        except EnvValidationError as error:
            complaints = cast("Mapping[str, list[str]]", error.error_messages)
            found += [f"{name}: {' '.join(texts)}" for name, texts in complaints.items()]
    if not str(ARGO_WORKFLOWS_URL).startswith(("http://", "https://")):
        found.append("ARGO_WORKFLOWS_URL: must begin with http:// or https://")
    if DEBUG and TRIAL is False and BIND not in {"127.0.0.1", "::1", "localhost"}:
        found.append("DEBUG: shows settings and source to everybody; turn it off, or BIND to 127.0.0.1")
    return found


if _bad := _bad_variables():
    raise ImproperlyConfigured("These settings are wrong:\n  " + "\n  ".join(_bad))


def wal_is_safe(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """SQLite's WAL-reset bug is fixed in 3.51.3 and in 3.50.7 and 3.44.6; 3.52.0 was withdrawn."""
    return (
        (version >= (3, 51, 3) and version[:2] != (3, 52))
        or (version[:2] == (3, 50) and version >= (3, 50, 7))
        or (version[:2] == (3, 44) and version >= (3, 44, 6))
    )


def _database(url: str) -> dict[str, Any]:
    """SQLite with IMMEDIATE transactions (readers that turn writers would fail otherwise), PostgreSQL with a pool."""
    config: dict[str, Any] = dict(dj_database_url.parse(url))
    if config["ENGINE"].endswith("sqlite3"):
        wal = SQLITE_WAL and wal_is_safe()
        journal = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        rollback = "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=FULL;"
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": journal if wal else rollback,
        }
        config["CONN_MAX_AGE"] = 600
    else:
        config.setdefault("OPTIONS", {})["pool"] = {"min_size": 2, "max_size": 6, "timeout": 5}
        config["CONN_MAX_AGE"] = 0
    return config


DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "provisioning",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "csp",
    "django_filters",
    "django_htmx",
    "heroicons",
    "ninja",
    "template_partials",
]

MIDDLEWARE = [
    "portal.middleware.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.FragmentLoginMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "provisioning.pages.context.portal",
            ],
            "builtins": ["template_partials.templatetags.partials"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

AUTH_USER_MODEL = "provisioning.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "portal.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_LOGOUT_ON_GET = False

# Throttling of sign-in counts over all processes, so the cache has to be shared.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "portal_cache"}}

LANGUAGE_CODE = "en-gb"
USE_TZ = True
USE_I18N = False

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.errors.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz\Z", r"^readyz\Z", r"^metrics\Z"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
NINJA_DEFAULT_THROTTLE_RATES: dict[str, str] = {}

_shared_processors: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_renderer: Any = (
    structlog.processors.JSONRenderer() if LOG_FORMAT == "json" else structlog.dev.ConsoleRenderer(colors=False)
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "portal": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _renderer,
            ],
            "foreign_pre_chain": _shared_processors,
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "portal"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {"django.server": {"handlers": ["stderr"], "propagate": False}},
}
structlog.configure(
    processors=[*_shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
