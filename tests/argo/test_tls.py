"""TLS as Argo Server has it: a certificate it signed itself, for localhost only."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from provisioning.argo import ArgoWorkflowsClient, TlsFailed, Unreachable
from tests.argo.wire import http

Connect = Callable[..., ArgoWorkflowsClient]


def _certificate(folder: Path, days: int) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ArgoProj")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=30))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"argo-{days}.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


@dataclass
class TlsServer:
    """Answers every request with an empty object."""

    port: int
    ca_file: str

    def url(self, host: str = "localhost", scheme: str = "https") -> str:
        return f"{scheme}://{host}:{self.port}"


@contextlib.contextmanager
def _running(certificate: Path) -> Iterator[TlsServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection, context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(65536)
                for piece in http(200, {}).pieces:
                    secure.sendall(piece)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield TlsServer(listener.getsockname()[1], str(certificate))
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[TlsServer]:
    with _running(_certificate(tmp_path, days=365)) as server:
        yield server


def test_a_certificate_given_as_ca_file_is_trusted(tls: TlsServer, connect: Connect) -> None:
    assert connect(tls.url(), ca_file=tls.ca_file).userinfo() == {}


def test_a_certificate_that_is_not_trusted_names_the_setting(tls: TlsServer, connect: Connect) -> None:
    with pytest.raises(TlsFailed, match="not trusted: self-signed certificate") as caught:
        connect(tls.url()).userinfo()
    assert "ARGO_CA_FILE" in caught.value.remedy
    assert not caught.value.retryable


def test_a_certificate_for_another_name_says_so(tls: TlsServer, connect: Connect) -> None:
    with pytest.raises(TlsFailed, match="for another name"):
        connect(tls.url("127.0.0.1"), ca_file=tls.ca_file).userinfo()


def test_verification_can_be_switched_off(tls: TlsServer, connect: Connect) -> None:
    assert connect(tls.url("127.0.0.1"), verify_tls=False).userinfo() == {}


def test_an_expired_certificate_says_so(tmp_path: Path, connect: Connect) -> None:
    with _running(_certificate(tmp_path, days=-1)) as server, pytest.raises(TlsFailed, match="has expired"):
        connect(server.url(), ca_file=server.ca_file).userinfo()


def test_a_ca_file_that_is_not_there_says_so(tls: TlsServer, connect: Connect) -> None:
    with pytest.raises(TlsFailed, match="no-such-file") as caught:
        connect(tls.url(), ca_file="/no-such-file.pem").userinfo()
    assert "ARGO_CA_FILE" in caught.value.remedy


def test_a_ca_file_without_certificate_says_so(tls: TlsServer, connect: Connect, tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    with pytest.raises(TlsFailed) as caught:
        connect(tls.url(), ca_file=str(empty)).userinfo()
    assert "ARGO_CA_FILE" in caught.value.remedy


def test_plain_http_to_a_tls_server_hints_at_https(tls: TlsServer, connect: Connect) -> None:
    with pytest.raises(Unreachable) as caught:
        connect(tls.url(scheme="http")).userinfo()
    assert "https://" in caught.value.remedy


def test_the_ca_bundle_of_the_environment_is_honoured(
    tls: TlsServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tls.ca_file)
    assert connect(tls.url()).userinfo() == {}
