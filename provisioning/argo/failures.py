"""Which error it is when no answer came: the network, TLS, DNS, a proxy, a clock."""

from __future__ import annotations

import re
import ssl
from urllib.parse import urlsplit

import requests
from urllib3 import exceptions as urllib3

from provisioning.argo.errors import ArgoError, BadAnswer, Timeout, TlsFailed, Unreachable

# what reading a body may raise beside what `requests` raises itself
NETWORK = (requests.RequestException, urllib3.HTTPError, OSError)


def failure_of(error: Exception, url: str, purpose: str) -> ArgoError:
    """The error for an exception out of NETWORK, raised on the way to `url`."""
    host = urlsplit(url).netloc
    text = _whole_text(error)
    if isinstance(error, requests.exceptions.ProxyError) or "ProxyError" in text:
        return Unreachable(
            f"The proxy on the way to {host} failed: {_reason(error)}.",
            "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the portal.",
        )
    if _is_tls(error):
        return _tls(error, text, host)
    if _is_timeout(error):
        return Timeout(f"{host} gave no whole answer in time to the call to {purpose}.")
    if isinstance(error, (requests.exceptions.ContentDecodingError, urllib3.DecodeError)):
        return BadAnswer(f"The answer of {host} cannot be unpacked: {_reason(error)}.")
    if isinstance(error, (requests.exceptions.InvalidURL, urllib3.LocationParseError)):
        return BadAnswer("The address of Argo Server cannot be used.", "Correct ARGO_WORKFLOWS_URL.")
    return _unreachable(error, text, url, host)


def _unreachable(error: Exception, text: str, url: str, host: str) -> ArgoError:
    if "NameResolutionError" in text or "Failed to resolve" in text:
        return Unreachable(f"The name {urlsplit(url).hostname} cannot be resolved.")
    if "Connection refused" in text:
        return Unreachable(f"Nothing listens at {host}: connection refused.")
    if isinstance(error, OSError) and "TLS CA certificate bundle" in text:
        return TlsFailed(f"{_reason(error)}.", "Check ARGO_CA_FILE: the file has to exist in the portal's container.")
    remedy = ""
    if url.startswith("http://"):
        # an Argo Server with TLS, as it is by default, closes a plain connection without a word before 4.x
        remedy = f"{Unreachable.default_remedy} If Argo Server runs with TLS (its default), write https://."
    return Unreachable(f"The connection to {host} broke: {_reason(error)}.", remedy)


def _tls(error: Exception, text: str, host: str) -> ArgoError:
    if "WRONG_VERSION_NUMBER" in text or "wrong version number" in text or "record layer failure" in text.lower():
        return TlsFailed(f"{host} does not speak TLS.", "Write http:// in ARGO_WORKFLOWS_URL.")
    if re.search(r"hostname mismatch|IP address mismatch|doesn't match", text, re.IGNORECASE):
        return TlsFailed(
            f"The certificate of {host} is for another name: {_reason(error)}.",
            "Argo Server's own certificate is for localhost only: give it a real one (--tls-certificate-secret-name).",
        )
    if "expired" in text:
        return TlsFailed(f"The certificate of {host} has expired.", "Renew it; a restart renews Argo Server's own.")
    return TlsFailed(
        f"The certificate of {host} is not trusted: {_reason(error)}.",
        "Give the CA that signed it in ARGO_CA_FILE; Argo Server's own certificate changes with each restart.",
    )


def _chain(error: BaseException | None) -> list[BaseException]:
    """The exception and what it wraps: `requests` and urllib3 keep the cause in `args` or `reason`."""
    found: list[BaseException] = []
    todo = [error]
    while todo:
        one = todo.pop()
        if one is None or one in found:
            continue
        found.append(one)
        inner = [getattr(one, "reason", None), one.__cause__, one.__context__, *one.args]
        todo += [each for each in inner if isinstance(each, BaseException)]
    return found


def _is_tls(error: Exception) -> bool:
    kinds = (requests.exceptions.SSLError, urllib3.SSLError, ssl.SSLError)
    return any(isinstance(one, kinds) for one in _chain(error))


def _is_timeout(error: Exception) -> bool:
    kinds = (requests.exceptions.Timeout, urllib3.TimeoutError, TimeoutError)
    # urllib3 derives "connection refused" from its ConnectTimeoutError
    return any(isinstance(one, kinds) and not isinstance(one, urllib3.NewConnectionError) for one in _chain(error))


def _whole_text(error: Exception) -> str:
    return " | ".join(f"{type(one).__name__}: {one}" for one in _chain(error))


def _reason(error: Exception) -> str:
    """The innermost reason: the layers around it only repeat it, with addresses of Python objects."""
    inner = _chain(error)[-1]
    text = str(inner)
    if isinstance(inner, ssl.SSLCertVerificationError):
        text = inner.verify_message
    elif isinstance(inner, OSError) and inner.strerror:
        text = inner.strerror
    text = re.sub(r"<[^>]*object at 0x[0-9a-f]+>:? *|\(_?ssl\.c:\d+\)|\[SSL: \w+\] *", "", text)
    return text.strip().rstrip(".") or type(inner).__name__
