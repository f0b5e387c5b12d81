"""Version, settings for a user interface, and who the caller is."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from .accounts import userinfo

if TYPE_CHECKING:
    from .calls import Call, Object


def version(call: Call) -> Object:
    """All eight keys of Argo; the version ends in `+trial`."""
    named = call.trial.version
    return {
        "version": named,
        "buildDate": "1970-01-01T00:00:00Z",
        "gitCommit": "trial",
        "gitTag": named.partition("+")[0],
        "gitTreeState": "clean",
        "goVersion": f"python{platform.python_version()}",
        "compiler": "trial",
        "platform": f"{platform.system().lower()}/{platform.machine()}",
    }


def info(_call: Call) -> Object:
    return {"modals": {"feedback": True, "firstTimeUser": True, "newVersion": True}}


def user(call: Call) -> dict[str, Any]:
    return userinfo(call.caller.claims)


def collect(_call: Call) -> Object:
    """Argo's user interface counts its events here; nobody counts in the trial."""
    return {}
