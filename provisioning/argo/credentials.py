"""The portal's token: where it comes from, and that nobody sees it."""

from __future__ import annotations

import re
from pathlib import Path

import requests
from requests.auth import AuthBase

from provisioning.argo.errors import Unauthorized

_PREFIX = re.compile(r"bearer\s+", re.IGNORECASE)
_SHORTEST_SECRET = 8
HIDDEN = "•••"


class Bearer(AuthBase):
    """Puts the token on the request itself, so that no variable of a traceback holds the header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return f"Bearer({HIDDEN})"

    def same_as(self, other: Bearer | None) -> bool:
        return other is not None and other._token == self._token  # noqa: SLF001


class Credentials:
    """A fixed token, or a file that is read on every use, as mounted tokens rotate. The file wins."""

    def __init__(self, token: str | None = None, token_file: str | Path | None = None) -> None:
        self._token = token or ""
        self._file = Path(token_file) if token_file else None

    def __repr__(self) -> str:
        return f"Credentials({self._file or (HIDDEN if self._token else 'none')})"

    def bearer(self) -> Bearer | None:
        """The token as it is now; None when none is configured. Raises Unauthorized when the file cannot be used."""
        token = self._read()
        return Bearer(token) if token else None

    def hide(self, text: str) -> str:
        """`text` without the token, should a server or a library have repeated it."""
        try:
            token = self._read()
        except Unauthorized:
            return text
        return text.replace(token, HIDDEN) if len(token) >= _SHORTEST_SECRET else text

    def _read(self) -> str:
        if self._file is None:
            return _clean(self._token, "ARGO_TOKEN")
        try:
            text = self._file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise Unauthorized(
                f"The token file {self._file} cannot be read: {reason}.",
                "Check ARGO_TOKEN_FILE, that the file is mounted, and that the portal's user may read it.",
            ) from None
        token = _clean(text, f"The token file {self._file}")
        if not token:
            raise Unauthorized(f"The token file {self._file} is empty.", "Write the token into it.")
        return token


def _clean(text: str, source: str) -> str:
    """`argo auth token` prints the prefix, mounted files end in a newline; HTTP allows neither here."""
    token = _PREFIX.sub("", text.strip(), count=1) if _PREFIX.match(text.strip()) else text.strip()
    if not token.isascii() or re.search(r"[\s\x00-\x1f\x7f]", token):
        raise Unauthorized(f"{source} is not a token: it holds a space, a line break or a character outside ASCII.")
    return token
