"""Checking timestamps again, with the `openssl` program: each token over its checkpoint, as of the time it states."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from archiver.checks.lines import Line, damaged, intact, note, unknown
from archiver.checks.ots import Said, Uncomputed, read_ots
from archiver.checks.proofs import Bad
from archiver.children import run
from storage.digest import sha256, sha256_hex

CERTIFICATES = 16
"""How many are remembered: the tokens of an authority all carry the same ones, and each question is a process."""


INSTALL = "install OpenSSL (macOS: brew install openssl; Windows: Git for Windows brings it) and put it first in PATH"


class NoOpenssl(Exception):
    """The program `openssl` is not installed, or is one that cannot check tokens. The text says what to do."""


@dataclass(frozen=True)
class CheckedToken:
    """Statement of a token that was checked."""

    time: datetime
    expires: datetime
    sha256: str


def openssl(*words: str, **files: bytes) -> subprocess.CompletedProcess[str]:
    """Run it; each `{name}` in `words` stands for a temporary file with those bytes. Raises `NoOpenssl`."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: str(Path(folder) / name) for name in files}
        for name, data in files.items():
            Path(paths[name]).write_bytes(data)
        try:
            command = [_program(), *(word.format(**paths) for word in words)]
            return run(command, reads=[Path(folder)], text=True, errors="replace")
        except OSError as error:
            raise NoOpenssl(f"openssl cannot be started: {INSTALL}") from error


def _program() -> str:
    """Return where `openssl` lies. Raises `NoOpenssl`.

    Only whole paths in PATH count: a relative one, and on Windows the current folder, may be inside what is checked.
    """
    name = "openssl.exe" if os.name == "nt" else "openssl"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = Path(folder) / name
        if path.is_absolute() and path.is_file() and os.access(path, os.X_OK):
            return str(path)
    raise NoOpenssl(f"openssl is not installed: {INSTALL}")


def usable_openssl() -> None:
    """Raise `NoOpenssl` where the program of that name does not check tokens, as the LibreSSL of macOS does not."""
    said = openssl("version").stdout.strip()
    if not said.startswith("OpenSSL "):
        raise NoOpenssl(f"{said[:40] or 'this openssl'} does not check tokens: {INSTALL}")


def check_token(message: bytes, request: bytes, response: bytes, chain: bytes, root: bytes) -> CheckedToken:
    """Check one RFC 3161 token over `message`. Raises `Bad` with what is wrong, `NoOpenssl`.

    The request must carry a nonce and a SHA-256 imprint of `message`; OpenSSL holds the answer against both, checks the
    signature, that stamping is the signer's only use, and the chain to `root`, at the time that the token states.
    """
    for data, what in ((request, "its request"), (response, "the answer")):
        if _der_length(data) != len(data):
            raise Bad(f"{what} is cut, or bytes stand behind it")
    root = only_certificate(root)
    asked = _said_before(openssl("ts", "-query", "-in", "{q}", "-text", q=request).stdout, "Extensions:")
    imprint = "".join(re.findall(r"^    [0-9a-f]{4} - ([0-9a-f -]{47})", asked, re.MULTILINE))
    if "Hash Algorithm: sha256" not in asked.splitlines() or re.sub(r"[ -]", "", imprint) != sha256_hex(message):
        raise Bad("the request is over something else")
    if not re.search(r"^Nonce: 0x[0-9A-Fa-f]{8,}", asked, re.MULTILINE):
        raise Bad("the request has no nonce, an old answer could have been given")
    # Only what the authority signed: the status that stands before it is under no signature, and may hold any words.
    said = openssl("ts", "-reply", "-in", "{r}", "-token_out", "-text", r=response).stdout
    found = re.search(r"^Time stamp: (.+)$", said, re.MULTILINE)
    if found is None:
        raise Bad("no granted token")
    time = _moment(found[1])
    done = openssl(
        "ts", "-verify", "-queryfile", "{q}", "-in", "{r}", "-CAfile", "{root}", "-untrusted", "{chain}",
        "-attime", str(int(time.timestamp())), q=request, r=response, root=root, chain=chain or root,
    )  # fmt: skip
    if done.returncode or "Verification: OK" not in done.stdout:
        if re.search("(?i)usage|unknown option|unrecognized|invalid command", done.stderr):
            raise NoOpenssl(f"this openssl cannot check tokens as of a time: {INSTALL}")
        reasons = re.findall(r"error:[^:]*:[^:]*:[^:]*:([^:\n]+)", done.stderr)
        raise Bad("; ".join(dict.fromkeys(reasons)) or "the token is not accepted")
    return CheckedToken(time, _first_end(chain + root), sha256_hex(response))


def _said_before(text: str, line: str) -> str:
    """Return what stands before the first line of that text: extensions may say anything, in the words of what precedes them."""
    lines = text.splitlines(keepends=True)
    return "".join(lines[: next((n for n, one in enumerate(lines) if one.strip() == line), len(lines))])


def _der_length(data: bytes) -> int:
    """Return how long the SEQUENCE is that DER begins with, head included (X.690 8.1.3). Raises `Bad`."""
    if data[:1] != b"\x30" or len(data) < 2:
        raise Bad("no DER value")
    if data[1] < 0x80:
        return 2 + data[1]
    octets = data[2 : 2 + (data[1] & 0x7F)]
    if not octets or len(octets) > 4:
        raise Bad("no DER value")
    return 2 + len(octets) + int.from_bytes(octets, "big")


def only_certificate(pem: bytes) -> bytes:
    """Return the one certificate in a PEM file, written anew. Raises `Bad` where anything else stands in it.

    OpenSSL trusts every block of a file that it is given, also those of other names: `X509 CERTIFICATE`.
    """
    _der(pem)
    [block] = re.findall(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", pem, re.DOTALL)
    return bytes(block) + b"\n"


def _der(pem: bytes) -> bytes:
    """Return the bytes of the one certificate in a PEM file. Raises `Bad`."""
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----", pem)
    if len(blocks) != 1 or pem.count(b"-----BEGIN") != 1:
        raise Bad("the root certificate is not the only one in its file, or none")
    try:
        return base64.b64decode(re.sub(rb"\s", b"", blocks[0]), validate=True)
    except binascii.Error as error:
        raise Bad("the root certificate is not the only one in its file, or none") from error


def _moment(text: str) -> datetime:
    plain = re.sub(r"\.\d+", "", text)
    try:
        return datetime.strptime(plain.strip(), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    except ValueError as error:
        raise Bad(f"an unreadable time: {text[:40]}") from error


def _first_end(pem: bytes) -> datetime:
    """When the first of these certificates ends."""
    return min(map(_end, re.findall(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", pem, re.DOTALL)))


@lru_cache(CERTIFICATES)
def _end(certificate: bytes) -> datetime:
    shown = openssl("x509", "-in", "{c}", "-noout", "-enddate", c=certificate).stdout
    return _moment(shown.partition("=")[2])


def check_stamps(
    home: Path,
    checkpoints: Mapping[int, bytes],
    pinned: frozenset[str],
    bodies: list[dict[str, Any]],
    now: datetime | None,
) -> tuple[list[Line], dict[int, datetime]]:
    """Return (lines, checkpoint size → earliest time that a pinned authority states).

    `checkpoints`: size → note, checked.
    """
    lines: list[Line] = []
    times: dict[int, datetime] = {}
    tokens: list[tuple[int, str, CheckedToken]] = []
    for folder in sorted((home / "proofs").glob("[0-9]*"), key=lambda path: int(path.name)):
        size = int(folder.name)
        message = _read(folder / "checkpoint.txt")
        if message != checkpoints.get(size):
            lines.append(damaged("proofs", str(size), "its checkpoint is none of this ledger's"))
            continue
        for path in sorted(folder.glob("*.tsr")):
            try:
                token, root = _one(home, path, message)
            except Bad as error:
                lines.append(damaged("proofs", f"{size} {path.stem}", str(error)))
                continue
            except NoOpenssl as error:
                lines.append(unknown("proofs", f"{size} {path.stem}", str(error)))
                continue
            if root not in pinned:
                lines.append(note("proofs", f"{size} {path.stem}", f"leads to a root that is not pinned: {root}"))
                continue
            tokens.append((size, path.stem, token))
            times[size] = min(times.get(size, token.time), token.time)
        if (folder / "opentimestamps.ots").exists():
            lines.append(_ots(size, folder / "opentimestamps.ots", message))
    lines += _told(tokens, bodies)
    for size, name, token in tokens:
        lines.append(_shown(size, name, token, tokens, bodies, now))
    return lines, times


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _one(home: Path, path: Path, message: bytes) -> tuple[CheckedToken, str]:
    try:
        root = str(json.loads(path.with_suffix(".json").read_bytes())["root"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Bad(f"the findings on its arrival cannot be read: {error}") from error
    pem = _read(home / "proofs" / "roots" / f"{root}.pem")
    if fingerprint(pem) != root:
        raise Bad("the root beside it is another one")
    chain, request = _read(path.with_suffix(".pem")), _read(path.with_suffix(".tsq"))
    return check_token(message, request, path.read_bytes(), chain, pem), root


def fingerprint(pem: bytes) -> str:
    """Return the SHA-256 of the one certificate in `pem`, hex; empty where there is none, or more than one."""
    try:
        return sha256_hex(_der(pem))
    except Bad:
        return ""


def _ots(size: int, path: Path, message: bytes) -> Line:
    try:
        said = read_ots(path.read_bytes(), sha256(message))
    except Uncomputed as error:
        return unknown("proofs", f"{size} opentimestamps", str(error))
    except (Bad, OSError) as error:
        return damaged("proofs", f"{size} opentimestamps", str(error))
    blocks = sorted({item.where for item in said if item.kind == "bitcoin"}, key=int)
    if blocks:
        text = f"leads to Bitcoin block {', '.join(blocks)}, as a calendar says; the block's header is not checked here"
        return note("proofs", f"{size} opentimestamps", text)
    calendars = {item.where for item in said if item.kind == "pending"}
    if not calendars:
        return unknown("proofs", f"{size} opentimestamps", unknown_notary(said))
    return note("proofs", f"{size} opentimestamps", f"pending at {len(calendars)} calendars: proves nothing yet")


def unknown_notary(said: list[Said]) -> str:
    """Say of a proof without an attestation by Bitcoin or a calendar who attests it."""
    return f"attested by {', '.join(sorted({item.where for item in said})) or 'nobody'}, which is not known here"


def _told(tokens: list[tuple[int, str, CheckedToken]], bodies: list[dict[str, Any]]) -> list[Line]:
    """Tokens that the ledger names and that are gone."""
    there = {token.sha256 for _, _, token in tokens}
    lines = []
    for body in bodies:
        if body["type"] == "timestamped" and body["detail"].get("by") != "opentimestamps":
            detail = body["detail"]
            if detail["token"]["sha256"] not in there:
                text = f"the token of {detail['by']} over checkpoint {detail['checkpoint']} is missing or not accepted"
                lines.append(note("proofs", f"event {body['seq']}", text))
    return lines


def _shown(
    size: int,
    name: str,
    token: CheckedToken,
    tokens: list[tuple[int, str, CheckedToken]],
    bodies: list[dict[str, Any]],
    now: datetime | None,
) -> Line:
    where = f"checkpoint {size} existed at {token.time:%Y-%m-%dT%H:%M:%SZ}"
    if now is None or now <= token.expires:
        return intact("proofs", f"{size} {name}", where)
    ended = f"its certificates ended on {token.expires:%Y-%m-%d}"
    for body in bodies:
        if body["type"] != "renewed":
            continue
        if any(item["token"]["sha256"] == token.sha256 for item in body["detail"]["tokens"]):
            later = [other for over, _, other in tokens if over > body["seq"] and other.time <= token.expires]
            if later:
                return intact("proofs", f"{size} {name}", f"{where}; {ended}, and it was renewed before")
    return note("proofs", f"{size} {name}", f"{where}; {ended} and it was not renewed in time")
