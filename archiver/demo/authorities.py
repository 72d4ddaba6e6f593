"""Miniature outsiders on this machine: a time-stamping authority (by `openssl ts`) and an OpenTimestamps calendar."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from archiver.children import environment, program
from archiver.demo.server import Answer, Asked
from storage.digest import sha256
from storage.times import system_clock

CONFIG = """\
[tsa]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class MiniAuthority:
    """An RFC 3161 authority: an answer is made by `openssl ts -reply`, under a root of its own.

    `days`: how long its certificate lasts. `began`: when that time began, now unless said.
    `uses`: the extended uses in its certificate. `with_root`: send the root too, which makes a set that is not in DER order.
    """

    def __init__(
        self,
        folder: Path,
        days: float = 3650,
        began: datetime | None = None,
        uses: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,),
        with_root: bool = False,
    ) -> None:
        self.folder = folder
        self.asked = 0
        folder.mkdir(parents=True, exist_ok=True)
        start = began or system_clock() - timedelta(hours=1)
        root_key, key = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
        authority = (
            x509.CertificateBuilder()
            .subject_name(_named(f"Root of {folder.name}"))
            .issuer_name(_named(f"Root of {folder.name}"))
            .public_key(root_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(start, system_clock()) - timedelta(days=1))
            .not_valid_after(system_clock() + timedelta(days=7300))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(root_key, hashes.SHA256())
        )
        signer = (
            x509.CertificateBuilder()
            .subject_name(_named(f"Stamps of {folder.name}"))
            .issuer_name(authority.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(list(uses)), critical=True)
            .sign(root_key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        self.root = authority.public_bytes(pem)
        self.fingerprint = authority.fingerprint(hashes.SHA256()).hex()
        (folder / "root.pem").write_bytes(self.root)
        (folder / "signer.pem").write_bytes(signer.public_bytes(pem))
        (folder / "key.pem").write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
        self._with_root = with_root

    def reply(self, query: bytes) -> bytes:
        """The whole answer to a request."""
        (self.folder / "in.tsq").write_bytes(query)
        out = self.folder / "out.tsr"
        command = [
            program("openssl") or "openssl", "ts", "-reply", "-config", str(self.folder / "tsa.cnf"), "-section", "tsa",
            "-queryfile", str(self.folder / "in.tsq"), "-signer", str(self.folder / "signer.pem"),
            "-inkey", str(self.folder / "key.pem"), "-out", str(out),
        ]  # fmt: skip
        if self._with_root:
            command += ["-chain", str(self.folder / "root.pem")]
        subprocess.run(command, check=True, capture_output=True, env=environment())
        return out.read_bytes()

    def site(self, asked: Asked) -> Answer:
        self.asked += 1
        if asked.method != "POST" or asked.headers.get("content-type") != "application/timestamp-query":
            return Answer(status=400, body=b"not a request for a time stamp")
        return Answer(content_type="application/timestamp-reply", body=self.reply(asked.body))


def allow(home: Path, scheme: str, authorities: list[tuple[str, MiniAuthority]], calendar: str) -> None:
    """Writes into a home's settings that these stamp its checkpoints, and pins their roots.

    Each answers at `<name>.example`, the calendar at the host `calendar`.
    """
    roots = home / "keys" / "roots"
    roots.mkdir(exist_ok=True)
    tables = ""
    for name, authority in authorities:
        (roots / f"{name}.pem").write_bytes(authority.root)
        url = f"{scheme}://{name}.example/tsr"
        tables += f'[[timestamps.authority]]\nname = "{name}"\nurl = "{url}"\nroot = "{authority.fingerprint}"\n'
    path = home / "archiver.toml"
    text = path.read_text("utf-8").partition("[timestamps]")[0]
    path.write_text(f'{text}[timestamps]\nwanted = true\ncalendars = ["{scheme}://{calendar}"]\n{tables}', "utf-8")


def _varint(number: int) -> bytes:
    out = b""
    while True:
        number, low = number >> 7, number & 0x7F
        if not number:
            return out + bytes([low])
        out += bytes([low | 0x80])


def _attestation(tag: str, inner: bytes) -> bytes:
    return b"\x00" + bytes.fromhex(tag) + _varint(len(inner)) + inner


@dataclass
class MiniCalendar:
    """An OpenTimestamps calendar: a promise at once; after `mine`, the block that commits to it."""

    url: str
    block: int | None = None
    promised: set[bytes] = field(default_factory=set)

    def mine(self, height: int) -> None:
        self.block = height

    def site(self, asked: Asked) -> Answer:
        kind = "application/vnd.opentimestamps.v1"
        if asked.method == "POST" and asked.path == "/digest":
            nonce = sha256(asked.body)[:8]
            self.promised.add(sha256(asked.body + nonce))
            uri = self.url.encode()
            pending = _attestation("83dfe30d2ef90c8e", _varint(len(uri)) + uri)
            return Answer(content_type=kind, body=b"\xf0" + _varint(8) + nonce + b"\x08" + pending)
        name = asked.path.removeprefix("/timestamp/")
        if self.block is None or len(name) != 64 or bytes.fromhex(name) not in self.promised:
            return Answer(status=404, body=b"not yet")
        attested = _attestation("0588960d73d71901", _varint(self.block))
        return Answer(content_type=kind, body=b"\xf1" + _varint(4) + b"tree" + b"\x08" + attested)
