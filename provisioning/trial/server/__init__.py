"""The trial's Argo Server: Argo 4.1.2's HTTP gateway on a loopback address."""

from __future__ import annotations

from .accounts import RIGHTS, Account, Accounts
from .calls import Trial, Validation
from .service import NotLoopback, PortTaken, Server

__all__ = ["RIGHTS", "Account", "Accounts", "NotLoopback", "PortTaken", "Server", "Trial", "Validation"]
