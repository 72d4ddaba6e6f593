"""Timestamps: RFC 3161 by `openssl`, OpenTimestamps."""

from __future__ import annotations

import base64
import calendar
import functools
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from .bag import digest_file, read_small
from .ledger import Ledger
from .words import CannotTell, Report, Tampered, cannot_tell_if, first, tampered_if

MOST = 16  # certificates beside a token: openssl is asked about each
APART = 300  # seconds by which clocks that are right can differ
INSTALL = "install OpenSSL (macOS: brew install openssl; Windows: Git for Windows brings it) and put it first in PATH"
OTS = bytes.fromhex(
    "004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e892940108"
)  # a proof over a SHA-256 digest
PENDING, BITCOIN = bytes.fromhex("83dfe30d2ef90c8e"), bytes.fromhex("0588960d73d71901")


@functools.lru_cache(1)
def openssl_path() -> str:
    """The program in PATH, by its whole path. Windows would look in the current folder first, which may be a package's."""
    name = "openssl.exe" if os.name == "nt" else "openssl"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isabs(folder) and os.path.isfile(path) and os.access(path, os.X_OK) and not inside_package(path):
            return path
    raise CannotTell(f"openssl is not installed: {INSTALL}")


FOLDERS: list[str] = []  # the package that is checked


def inside_package(path: str) -> bool:
    real = os.path.realpath(path)
    return any(
        os.path.commonpath([real, folder]) == folder
        for folder in map(os.path.realpath, FOLDERS)
        if os.path.splitdrive(folder)[0] == os.path.splitdrive(real)[0]
    )


@functools.lru_cache(64)  # the tokens of an authority carry the same certificates
def openssl(command: str, **files: bytes) -> subprocess.CompletedProcess[str]:
    """Runs openssl; `{name}` in the command stands for a temporary file with those bytes."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: os.path.join(folder, name) for name in files}
        for name, data in files.items():
            with open(paths[name], "wb") as stream:
                stream.write(data)
        words = [word.format(**paths) for word in command.split()]
        try:
            return subprocess.run(
                [openssl_path(), *words],
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                cwd=folder,
                check=False,
            )
        except OSError as error:
            raise CannotTell(f"openssl cannot be started: {INSTALL}") from error


def usable_openssl() -> None:
    """Raises `CannotTell` for a program of that name that cannot check tokens, such as the LibreSSL of macOS."""
    said = openssl("version").stdout
    cannot_tell_if(
        not said.startswith("OpenSSL "), f"{said.strip()[:40] or 'this openssl'} does not check tokens: {INSTALL}"
    )


def refuses(said: str) -> bool:
    """Whether a program of that name says that it does not know what it was asked for."""
    return bool(re.search("(?i)usage|unknown option|unrecognized|invalid command", said))


def moment(text: str) -> int:
    """Seconds since 1970 of `Nov 22 19:47:21 2026 GMT`."""
    months = [
        "Jan",
        "Feb",
        "Mar",
        "Apr",
        "May",
        "Jun",
        "Jul",
        "Aug",
        "Sep",
        "Oct",
        "Nov",
        "Dec",
    ]  # whatever the language of this machine
    match = re.fullmatch(r"(\w{3}) +(\d+) (\d\d):(\d\d):(\d\d)(?:\.\d+)? (\d{4}) GMT", text.strip())
    tampered_if(not match or match[1] not in months, f"an unreadable time: {text[:40]}")
    assert match
    return calendar.timegm(
        (int(match[6]), months.index(match[1]) + 1, int(match[2]), int(match[3]), int(match[4]), int(match[5]))
    )


def iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def leaf_seconds(leaf: dict[str, Any]) -> int:
    return calendar.timegm(time.strptime(leaf["time"][:19], "%Y-%m-%dT%H:%M:%S"))


def der_end(data: bytes) -> int:
    """Where the first value of a DER file ends."""
    tampered_if(len(data) < 2 or data[0] != 0x30, "no DER value")
    if data[1] < 0x80:
        return 2 + data[1]
    count = data[1] & 0x7F
    tampered_if(not 0 < count < 5 or len(data) < 2 + count, "no DER value")
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big")


def one_root(pem: bytes, name: str, stem: str) -> bytes:
    """The certificate that was fingerprinted, written anew: nothing else that stands in the file reaches openssl."""
    block = re.fullmatch(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*", pem)
    data = base64.b64decode(re.sub(rb"\s", b"", block[1]), validate=True) if block else b""
    tampered_if(
        not block or hashlib.sha256(data).hexdigest() != name,
        f"{stem}: the root certificate is another one, or not the only one in its file",
    )
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(data) + b"-----END CERTIFICATE-----\n"


def only_certificates(pem: bytes, stem: str) -> None:
    """The chain beside a token: a few certificates, and no words before, between or behind them."""
    left, count = re.subn(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----", b"", pem)
    tampered_if(left.strip() or count > MOST, f"{stem}.pem holds something else than at most {MOST} certificates")


def token_time(folder: str, names: set[str], stem: str, note: bytes) -> tuple[int, str]:
    """(seconds, root) of one token over `note`: request with nonce, imprint, signature, chain to the root in the package."""
    usable_openssl()
    query, reply, chain = (read_small(folder, f"{stem}.{kind}") for kind in ("tsq", "tsr", "pem"))
    for data, kind in ((query, "tsq"), (reply, "tsr")):
        tampered_if(der_end(data) != len(data), f"{stem}.{kind} is cut, or bytes stand behind it")
    root_name = read_small(folder, f"{stem}.root").decode("ascii").strip()
    tampered_if(not re.fullmatch("[0-9a-f]{64}", root_name), f"{stem}.root names no certificate")
    root = one_root(read_small(folder, f"proofs/roots/{root_name}.pem"), root_name, stem)
    only_certificates(chain, stem)
    head, _, rest = openssl("ts -query -in {q} -text", q=query).stdout.partition("\nPolicy OID:")
    imprint = re.sub(r"[ -]", "", "".join(re.findall(r"^    [0-9a-f]{4} - ([0-9a-f -]{47})", head, re.MULTILINE)))
    tampered_if(
        "\nHash Algorithm: sha256\n" not in head or imprint != hashlib.sha256(note).hexdigest(),
        f"{stem}: the request is over something else",
    )
    tampered_if(
        not re.match(r"[^\n]*\nNonce: 0x[0-9A-Fa-f]{8,}\n", rest),
        f"{stem}: the request has no nonce, an old answer could have been given",
    )
    # What the authority signed, and nothing else: before it an answer has words under no signature, which anybody can change.
    said = openssl("ts -reply -in {r} -token_out -text", r=reply).stdout
    stated = re.search(r"^Time stamp: (.+)$", said, re.MULTILINE)
    tampered_if(not stated, f"{stem}: no granted token")
    assert stated
    seconds = moment(stated[1])
    # As of the time that it states: certificates end, and a token outlives them. Who checks later should see it renewed.
    command = f"ts -verify -queryfile {{q}} -in {{r}} -CAfile {{root}} -untrusted {{chain}} -attime {seconds}"
    done = openssl(command, q=query, r=reply, root=root, chain=chain or root)
    if done.returncode or "Verification: OK" not in done.stdout:
        cannot_tell_if(refuses(done.stderr), f"this openssl cannot check tokens as of a time: {INSTALL}")
        reasons = re.findall(r"error:[^:]*:[^:]*:[^:]*:([^:\n]+)", done.stderr)
        raise Tampered(f"{stem}: {'; '.join(dict.fromkeys(reasons)) or 'the token is not accepted'}")
    return seconds, root_name


def first_end(pem: bytes) -> int:
    """When the first of these certificates ends, in seconds since 1970."""
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", pem, re.DOTALL)
    return min(moment(openssl("x509 -in {c} -noout -enddate", c=block).stdout.partition("=")[2]) for block in blocks)


class Token(NamedTuple):
    """A token that was accepted: over which checkpoint, the time that it states, when its certificates end."""

    name: str
    size: int
    seconds: int
    ends: int
    sha256: str


def possible(seconds: int, size: int, leaves: dict[int, dict[str, Any]], now: float) -> None:
    """Raises where a time cannot be: before what it covers, or still to come. Which clock is wrong, nobody can tell here."""
    covered = [(leaf_seconds(leaf), seq) for seq, leaf in leaves.items() if seq < size]
    last = max(covered, default=(seconds, 0))
    cannot_tell_if(
        last[0] > seconds + APART,
        f"it states {iso(seconds)}, before event {last[1]}, which it covers and which is dated {iso(last[0])}: "
        "the makers' clock or the authority is wrong",
    )
    cannot_tell_if(
        seconds > now + APART,
        f"it states {iso(seconds)}, which is still to come: the authority's clock or this machine's is wrong",
    )


class Stamped(NamedTuple):
    """What stamps are checked against: files, ledger, known leaves, the day, and the roots that count."""

    folder: str
    names: set[str]
    ledger: Ledger
    leaves: dict[int, dict[str, Any]]
    on: float
    today: float  # no stamp can be later, also where `on` is a day long ago
    roots: list[str]


class Counted:
    """How many stamps a package holds, and what became of them."""

    def __init__(self) -> None:
        self.held = 0  # tokens of authorities
        self.unchecked = 0  # of these: openssl was not there to check them
        self.named = 0  # of these: hold, and lead to a root that counts
        self.calendars = 0  # proofs of OpenTimestamps


def check_stamps(
    about: Stamped,
    report: Report,
    event: Callable[[int], dict[str, Any]],
    times: dict[int, tuple[int, str]],
    counted: Counted,
) -> None:
    """A line for each proof, as of the day `on`; `times`: {size: (seconds, by)} of the earliest stamp of each checkpoint."""
    folder, names, ledger, leaves, on, today, roots = about
    tokens: list[Token] = []
    led_to: set[str] = set()
    found = [match for name in names if (match := re.fullmatch(r"proofs/timestamps/([0-9]+)/(.+)", name))]
    for size in sorted({int(match[1]) for match in found}):
        where = f"proofs/timestamps/{size}"
        note = read_small(folder, f"{where}/checkpoint.txt")
        tampered_if(
            ledger.prefix(note, f"{where}/checkpoint.txt") != size, f"{where} holds a checkpoint of another size"
        )
        stems = sorted(
            {
                name.rpartition(".")[0]
                for name in names
                if re.fullmatch(re.escape(where) + r"/.+\.(tsq|tsr|pem|root)", name)
            }
        )
        for stem in stems:
            if f"{stem}.root" in names:
                led_to.add(read_small(folder, f"{stem}.root").decode("ascii", "replace").strip())

            def one(stem: str = stem, size: int = size, note: bytes = note) -> str:
                counted.held += 1
                try:
                    seconds, root = token_time(folder, names, stem, note)
                    ends = first_end(read_small(folder, f"{stem}.pem") + read_small(folder, f"proofs/roots/{root}.pem"))
                except CannotTell:
                    counted.unchecked += 1
                    raise
                cannot_tell_if(roots and root not in roots, f"leads to a root that you did not name: {root}")
                counted.named += 1
                possible(seconds, size, leaves, max(on, today))
                by = stem.rpartition("/")[2]
                times[size] = min(times.get(size, (seconds, by)), (seconds, by))
                tokens.append(
                    Token(
                        f"{size} {by}",
                        size,
                        seconds,
                        ends,
                        digest_file(os.path.join(folder, *f"{stem}.tsr".split("/")), "sha256"),
                    )
                )
                compare = "" if roots else ": compare it with the authority's own"
                return f"checkpoint {size} existed at {iso(seconds)}; root {root[:16]}\u2026{compare}"

            report.check(f"timestamp {size} {stem.rpartition('/')[2]}", one)
        if f"{where}/opentimestamps.ots" in names:
            proof = read_small(folder, f"{where}/opentimestamps.ots")
            counted.calendars += 1
            report.check(
                f"timestamp {size} Bitcoin",
                lambda proof=proof, note=note, size=size: report.say(
                    "note", f"timestamp {size} Bitcoin", ots_state(proof, hashlib.sha256(note).digest())
                ),
            )
    stray = sorted(name for name in names if name.startswith("proofs/roots/") and name[13:77] not in led_to)
    tampered_if(stray, f"{first(stray)} is the root of no stamp")
    _tell_ended(report, tokens, on, _renewals(names, leaves, event))


def _renewals(
    names: set[str], leaves: dict[int, dict[str, Any]], event: Callable[[int], dict[str, Any]]
) -> dict[str, int]:
    """{SHA-256 of a token: the event that renewed it}, by the events of the package."""
    seqs = [seq for seq, leaf in leaves.items() if leaf["type"] == "renewed" and f"data/events/{seq}.json" in names]
    return {item["token"]["sha256"]: seq for seq in seqs for item in event(seq)["detail"]["tokens"]}


def _tell_ended(report: Report, tokens: list[Token], on: float, renewed: dict[str, int]) -> None:
    for token in tokens:
        if token.ends < on:
            seq = renewed.get(token.sha256)
            later = [other for other in tokens if seq is not None and other.size > seq and other.seconds <= token.ends]
            text = (
                f"and was renewed before, by {later[0].name}"
                if later
                else "and nothing here shows that it was renewed before"
            )
            report.say("note", f"timestamp {token.name}", f"its certificates ended on {iso(token.ends)[:10]}, {text}")


# An OpenTimestamps proof is a tree of operations from the digest to those who attest the result.


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        tampered_if(len(piece) != count, "a cut OpenTimestamps proof")
        self.at += count
        return piece

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value
            tampered_if(shift > 63, "a number without an end in an OpenTimestamps proof")

    def sized(self) -> bytes:
        length = self.number()
        tampered_if(length > 4096, "an oversized value in an OpenTimestamps proof")
        return self.take(length)


def ots_state(proof: bytes, digest: bytes) -> str:
    """What a proof says of a digest. The way to a Bitcoin block needs a copy of the chain: `ots verify` follows it."""
    tampered_if(not proof.startswith(OTS + digest), "the OpenTimestamps proof is of something else")
    reader = _Reader(proof[len(OTS) + 32 :])
    found: list[tuple[bytes, int | None]] = []
    _ots_tree(reader, digest, found, 0)
    tampered_if(reader.at != len(reader.data), "bytes behind the OpenTimestamps proof")
    blocks = sorted(height for tag, height in found if tag == BITCOIN and height is not None)
    if blocks:
        return f"OpenTimestamps, names Bitcoin block {blocks[0]}: follow it with `ots verify`"
    cannot_tell_if(all(tag != PENDING for tag, _ in found), "OpenTimestamps: attested by nobody that is known here")
    return "OpenTimestamps, pending: proves nothing yet"


def _ots_tree(reader: _Reader, message: bytes, found: list[tuple[bytes, int | None]], depth: int) -> None:
    tampered_if(depth > 256, "an OpenTimestamps proof that is too deep")
    while True:
        tag = reader.take(1)[0]
        more = tag == 0xFF
        tag = reader.take(1)[0] if more else tag
        if tag == 0:
            who, inner = reader.take(8), _Reader(reader.sized())
            found.append((who, inner.number() if who == BITCOIN else None))
        else:
            _ots_tree(reader, _applied(tag, reader, message), found, depth + 1)
        if not more:
            return


def _applied(tag: int, reader: _Reader, message: bytes) -> bytes:
    if tag == 0xF0:
        message = message + reader.sized()
    elif tag == 0xF1:
        message = reader.sized() + message
    elif tag in (0x08, 0x02):
        message = hashlib.new("sha256" if tag == 8 else "sha1", message).digest()
    elif tag in (0xF2, 0xF3):
        message = message[::-1] if tag == 0xF2 else message.hex().encode()
    elif tag in (0x03, 0x67):
        raise CannotTell(f"OpenTimestamps: {'RIPEMD-160' if tag == 3 else 'Keccak-256'} is not computed here")
    else:
        raise Tampered(f"an operation {tag:#04x} that OpenTimestamps does not have")
    tampered_if(len(message) > 4096, "an OpenTimestamps proof that grows too long")
    return message


if sys.version_info < (3, 9):
    raise SystemExit("cannot tell: this needs Python 3.9 or newer")
