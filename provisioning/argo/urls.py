"""The address of Argo Server as people write it, brought into one form."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_BRACKETS = "An IPv6 address has to stand in brackets: http://[::1]:2746."
_API = re.compile(r"(/api(/v1)?)\Z")


def base_url(text: str) -> str:
    """`http://host/prefix//` -> `http://host/prefix`. Raises ValueError with a sentence for an admin.

    A double slash must not reach Argo: 3.5 answers it with a 301, which turns a POST into a GET.
    """
    text = text.strip()
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        raise ValueError("The address of Argo Server contains a space or a control character.")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ValueError(_BRACKETS) from error
    if parts.scheme not in {"http", "https"}:
        raise ValueError("The address of Argo Server has to begin with http:// or https://.")
    if "@" in parts.netloc:
        raise ValueError("The address of Argo Server must not hold a user or password; use ARGO_TOKEN.")
    if parts.query or parts.fragment:
        raise ValueError("The address of Argo Server must not hold a '?' or '#'.")
    return f"{parts.scheme}://{_host(parts.netloc, parts.hostname)}{_prefix(parts.path)}"


def _host(netloc: str, hostname: str | None) -> str:
    if netloc.count(":") > 1 and not netloc.startswith("["):
        raise ValueError(_BRACKETS)
    if not hostname:
        raise ValueError("The address of Argo Server names no host.")
    try:
        port = urlsplit(f"//{netloc}").port
    except ValueError as error:
        raise ValueError("The port of Argo Server's address is not a number from 1 to 65535.") from error
    shown = f"[{hostname}]" if ":" in hostname else hostname
    return shown if port is None else f"{shown}:{port}"


def _prefix(path: str) -> str:
    parts = [part for part in path.split("/") if part]
    if ".." in parts or "." in parts:
        raise ValueError("The path of Argo Server's address must not hold '.' or '..'.")
    path = "".join(f"/{part}" for part in parts)
    # `http://host/api/v1` is what people copy from a browser; the paths below add it themselves
    return _API.sub("", path)


def is_loopback(url: str) -> bool:
    """Is the host this machine? Then a proxy from the environment is of no use."""
    host = (urlsplit(url).hostname or "").lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.split("%", 1)[0]).is_loopback
    except ValueError:
        return False
