"""RFC 3161 authorities: the request, the answer, and the check of it before it is believed.

A token is accepted only if the status is granted, imprint and nonce are those of our request, exactly one signer signed,
the signer's certificate has time stamping as its only extended use, critically, and its chain ends in the root that the
settings pin for this authority. Whatever the answer was, what is refused is not kept as a proof.
"""

from __future__ import annotations

import base64
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from archiver.children import program, run
from archiver.errors import ConfigError
from archiver.home.config import Authority
from archiver.recorder.client import NoAnswer, ServiceClient
from storage.digest import sha256_hex

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----")


class InvalidProof(Exception):
    """An answer of an authority that is no proof. The text tells why."""


@dataclass(frozen=True)
class TimestampToken:
    """An answer that was checked, with everything that a later check needs."""

    request: bytes
    response: bytes
    chain: bytes
    """PEM: the certificates that came with it, signer first where that can be told."""
    root: bytes
    """PEM"""
    gen_time: datetime
    serial: str
    policy: str
    expires: datetime
    """When the first certificate of the chain ends; the proof must be renewed before."""


def find_root(authority: Authority, folder: Path) -> x509.Certificate:
    """Find the pinned root among certifi's, or in a PEM file in `folder`. Raises `ConfigError`."""
    for path in (Path(certifi.where()), *sorted(folder.glob("*.pem"))):
        for block in _PEM.findall(path.read_text("latin-1")):
            if sha256_hex(base64.b64decode(block)) == authority.root.lower():
                return x509.load_der_x509_certificate(base64.b64decode(block))
    raise ConfigError(
        f"the root certificate {authority.root[:16]}… of the authority {authority.name}",
        f"none with this fingerprint among Mozilla's roots or in {folder}",
        f"Put its PEM file into {folder}, from a source you trust, or correct [[timestamps.authority]] root.",
    )


def ask(
    authority: Authority, message: bytes, root: x509.Certificate, extra_chain: bytes, service: ServiceClient
) -> TimestampToken:
    """Have `message` stamped (RFC 3161). Raises `NoAnswer`, `InvalidProof`."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    # With a fresh nonce, and asking for the certificates: the builder's own defaults, but SHA-512.
    request = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256).build()
    data = request.as_bytes()
    status, response = service.ask(authority.url, data, {"Content-Type": "application/timestamp-query"})
    if status != 200:
        raise NoAnswer(f"HTTP status {status}")
    return examine(data, response, message, root, extra_chain)


def examine(
    request: bytes, response: bytes, message: bytes, root: x509.Certificate, extra_chain: bytes
) -> TimestampToken:
    """Check an answer against its request (RFC 3161). Raises `InvalidProof`."""
    facts = _printed(response)
    asked = _text("-query", request)
    nonce = re.search(r"^Nonce: (0x[0-9A-Fa-f]+)", asked, re.MULTILINE)
    if nonce is None or facts.get("nonce", "").lower() != nonce[1].lower():
        raise InvalidProof("its nonce is not that of our request: the answer to another one, or an old one")
    certificates = _certificates(response)
    chain = b"".join(item.public_bytes(Encoding.PEM) for item in certificates) + extra_chain
    _by_library(response, message, root, x509.load_pem_x509_certificates(extra_chain) if extra_chain else [])
    _by_openssl(request, response, root, chain)
    every = [*certificates, root]
    return TimestampToken(
        request,
        response,
        chain,
        root.public_bytes(Encoding.PEM),
        _moment(facts["time stamp"]),
        facts.get("serial number", ""),
        facts.get("policy oid", ""),
        min(item.not_valid_after_utc for item in every),
    )


def _printed(response: bytes) -> dict[str, str]:
    """What `openssl ts -reply -text` says of an answer, by its labels in small letters. Raises `InvalidProof`."""
    text = _text("-reply", response)
    facts = {
        name.strip().lower(): value.strip()
        for name, value in (line.split(":", 1) for line in text.splitlines() if ":" in line)
    }
    if facts.get("status") not in ("Granted.", "Granted with modifications."):
        raise InvalidProof(f"its status is {facts.get('status', 'unreadable')!r}, not granted")
    if facts.get("hash algorithm") != "sha256" or "time stamp" not in facts:
        raise InvalidProof("it is not a token over a SHA-256 digest")
    return facts


def _text(kind: str, data: bytes) -> str:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        done = _openssl("ts", kind, "-in", file.name, "-text", place=file.name)
    if done.returncode:
        raise InvalidProof("it cannot be read as a time-stamp answer")
    return done.stdout


def _openssl(*words: str, place: str) -> subprocess.CompletedProcess[str]:
    """Run openssl, which may read and write `place` alone."""
    try:
        command = [program("openssl") or "openssl", *words]
        return run(command, reads=[], writes=[Path(place)], text=True, errors="replace")
    except OSError as error:
        raise ConfigError("the program openssl", str(error), "Install it: apt install openssl") from error


def _moment(text: str) -> datetime:
    """`Nov 22 19:47:21.5 2026 GMT`, as OpenSSL prints it."""
    plain = re.sub(r"(:\d\d)(\.\d+)? ", lambda match: f"{match[1]}{(match[2] or '.0')[:7]} ", text)
    return datetime.strptime(plain, "%b %d %H:%M:%S.%f %Y GMT").replace(tzinfo=UTC)


def _certificates(response: bytes) -> list[x509.Certificate]:
    """The certificates of an answer, as OpenSSL takes them out: also from sets that are not in DER order."""
    with tempfile.TemporaryDirectory() as folder:
        answer, token = Path(folder) / "a.tsr", Path(folder) / "token"
        answer.write_bytes(response)
        first = _openssl("ts", "-reply", "-in", str(answer), "-token_out", "-out", str(token), place=folder)
        if first.returncode:
            raise InvalidProof("there is no token in it")
        done = _openssl("pkcs7", "-inform", "DER", "-in", str(token), "-print_certs", place=folder)
    return x509.load_pem_x509_certificates(done.stdout.encode()) if "BEGIN CERT" in done.stdout else []


def _by_library(response: bytes, message: bytes, root: x509.Certificate, extra: list[x509.Certificate]) -> None:
    """rfc3161-client's word. It cannot read certificate sets that are not in DER order; OpenSSL alone decides there."""
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        decoded = decode_timestamp_response(_plainly_granted(response))
        signed: Any = decoded.signed_data
        if len(signed.signer_infos) != 1:
            raise InvalidProof(f"{len(signed.signer_infos)} signers where there must be one")
        builder = VerifierBuilder().add_root_certificate(root)
        for certificate in extra:
            builder = builder.add_intermediate_certificate(certificate)
        builder.build().verify_message(decoded, message)
    except VerificationError as error:
        raise InvalidProof(str(error)) from error
    except ValueError as error:
        if "InvalidSetOrdering" not in str(error):
            raise InvalidProof(f"it cannot be read: {error}") from error


def _plainly_granted(response: bytes) -> bytes:
    """Give a grant with modifications (RFC 3161 2.4.2, status 1) as a plain one (0): rfc3161-client knows no other.

    The status stands outside of what is signed; what was modified is in the token, and is checked there.
    """
    at = 0
    for _ in range(2):  # TimeStampResp, PKIStatusInfo: two sequences, the length of each in one form or the other
        long = response[at + 1] & 0x80 if len(response) > at + 1 else 0
        at += 2 + (response[at + 1] & 0x7F if long else 0)
    return response[: at + 2] + b"\0" + response[at + 3 :] if response[at : at + 3] == b"\x02\x01\x01" else response


def _by_openssl(request: bytes, response: bytes, root: x509.Certificate, chain: bytes) -> None:
    """OpenSSL's word: imprint, nonce, signature, that stamping is the only use, and the chain to the pinned root."""
    with tempfile.TemporaryDirectory() as folder:
        files: Mapping[str, bytes] = {
            "q": request,
            "r": response,
            "root": root.public_bytes(Encoding.PEM),
            "chain": chain or root.public_bytes(Encoding.PEM),
        }
        paths = {name: str(Path(folder) / name) for name in files}
        for name, data in files.items():
            Path(paths[name]).write_bytes(data)
        done = _openssl(
            "ts", "-verify", "-queryfile", paths["q"], "-in", paths["r"], "-CAfile", paths["root"],
            "-untrusted", paths["chain"], place=folder,
        )  # fmt: skip
    if done.returncode or "Verification: OK" not in done.stdout:
        reason = re.findall(r"error:[^:]*:[^:]*:[^:]*:([^:\n]+)", done.stderr)
        raise InvalidProof("; ".join(dict.fromkeys(reason)) or "OpenSSL does not accept it")
