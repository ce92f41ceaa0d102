"""A mail server on this machine that takes mails, or fails in a given way."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.http import free_port

ADDRESS = "127.0.0.1"


class MailServer:
    """The mails that it took, in `mails`. The other attributes tell how it fails.

    `refused`: recipients that it does not know. `hangs_up`: it takes a mail, and ends without an
    answer. `silent`: it does not answer to the first word of a client. A mail that has arrived
    waits for `goes_on` before the server answers; `arrived` tells of it.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[Message] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.refused: set[str] = set()
        self.hangs_up = self.silent = False
        self.arrived, self.goes_on = threading.Event(), threading.Event()
        self.goes_on.set()

    def recipients(self) -> list[str]:
        return [str(mail["To"]) for mail in self.mails]

    # What aiosmtpd calls -------------------------------------------------------------------------

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        if self.silent:
            await asyncio.sleep(3600)
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return f"550 {address} is unknown here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        self.arrived.set()
        while not self.goes_on.is_set():
            await asyncio.sleep(0.01)
        if self.hangs_up:
            server.transport.abort()
        return "250 OK"

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _how: str, data: Any
    ) -> Any:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"pass:w%rd", handled=False)


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    """Runs a server for the block, in a thread. With `tls` it asks for STARTTLS and a login."""
    server = MailServer(free_port())
    options: dict[str, Any] = {}
    if tls is not None:
        options = {
            "tls_context": tls,
            "require_starttls": True,
            "auth_required": True,
            "authenticator": server.authenticate,
        }
    controller = Controller(server, hostname=ADDRESS, port=server.port, **options)
    controller.start()
    try:
        yield server
    finally:
        server.goes_on.set()
        controller.stop()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate of localhost and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files
