"""A small HTTPS server for the miniature platforms: one listener, hosts told apart by the `Host` field."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from archiver.recorder.network import TestNetwork
from archiver.recorder.tls import Roots
from storage.times import system_clock

PIECE = 256 * 1024


@dataclass
class Asked:
    host: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    method: str = "GET"
    body: bytes = b""


@dataclass
class Answer:
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    raw: bytes | None = None
    """Sent instead of everything else, then the connection is closed."""
    repeat: int = 1
    """The body is sent this many times: large files without large memory."""
    wait: float = 0.0
    gate: threading.Event | None = None
    """The second half of the body waits for it, so that a test can stop in the middle."""


Site = Callable[[Asked], Answer]


class Platforms:
    """Serves `sites` by host name until `stop`. `network` is what a recorder needs to reach them."""

    def __init__(self, folder: Path, sites: dict[str, Site]) -> None:
        """`folder`: where the certificates are written."""
        self.sites = sites
        self.log: list[Asked] = []
        folder.mkdir(parents=True, exist_ok=True)
        authority, context = certificates(folder, sorted(sites))
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="platforms", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        routes = {f"{host}:443": ("127.0.0.1", self.port) for host in sites}
        routes |= {f"{host}:80": ("127.0.0.1", self.plain_port) for host in sites}
        self.network = TestNetwork(routes, Roots(authority, "demo authority"))

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._client, "127.0.0.1", 0, ssl=self._context, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        self._plain = await asyncio.start_server(self._client, "127.0.0.1", 0, limit=1 << 20)
        self.plain_port = self._plain.sockets[0].getsockname()[1]

    def stop(self) -> None:
        async def end() -> None:
            self._server.close()
            self._plain.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        body = b""
        if length := int(headers.get("content-length", "0")):
            body = await reader.readexactly(length)
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        asked = Asked(headers.get("host", "").split(":")[0], parts.path, query, headers, method, body)
        self.log.append(asked)
        site = self.sites.get(asked.host)
        answer = site(asked) if site else Answer(421, "text/plain", b"no such site here\n")
        if answer.wait:
            await asyncio.sleep(answer.wait)
        if answer.raw is not None:
            writer.write(answer.raw)
            await writer.drain()
            return False
        size = len(answer.body) * answer.repeat
        fields = [("Content-Type", answer.content_type), ("Content-Length", str(size)), *answer.headers]
        text = f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, 'Status')}\r\n"
        text += "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
        writer.write(text.encode("utf-8"))
        if method != "HEAD":
            for number in range(answer.repeat):
                for at in range(0, len(answer.body), PIECE):
                    if answer.gate is not None and (number or at * 2 >= len(answer.body)):
                        await writer.drain()
                        await asyncio.to_thread(answer.gate.wait)
                    writer.write(answer.body[at : at + PIECE])
                    await writer.drain()
        await writer.drain()
        return headers.get("connection", "").lower() != "close"


_PHRASES = {
    200: "OK",
    206: "Partial Content",
    301: "Moved Permanently",
    302: "Found",
    403: "Forbidden",
    404: "Not Found",
    416: "Range Not Satisfiable",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


def certificates(folder: Path, hosts: list[str]) -> tuple[Path, ssl.SSLContext]:
    """A fresh authority and one certificate for all `hosts`. Returns (its PEM file, a server context)."""
    key = ec.generate_private_key(ec.SECP256R1())
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    start = system_clock() - timedelta(days=1)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "archiver demo authority")])

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        blank = x509.CertificateBuilder().subject_name(subject).issuer_name(name).public_key(public)
        dated = blank.serial_number(x509.random_serial_number()).not_valid_before(start)
        return dated.not_valid_after(start + timedelta(days=30))

    authority = (
        builder(name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
    names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64] if hosts else "demo")])
    leaf = (
        builder(subject, leaf_key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    roots = folder / "demo-roots.pem"
    roots.write_bytes(authority.public_bytes(pem))
    chain = folder / "demo-chain.pem"
    chain.write_bytes(leaf.public_bytes(pem) + authority.public_bytes(pem))
    secret = folder / "demo-key.pem"
    secret.write_bytes(leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    return roots, context
