"""Time: the stamps of outsiders over checkpoints, and the captures that they cover."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from archiver.checks.clocks import clock_set_back, servers_apart
from archiver.checks.lines import Finding
from archiver.checks.ots import Uncomputed, read_ots
from archiver.checks.package.captures import read_event
from archiver.checks.package.files import PackageFiles, Unknown
from archiver.checks.package.ledger import prefix
from archiver.checks.package.run import run
from archiver.checks.proofs import Bad
from archiver.checks.stamps import CheckedToken, NoOpenssl, check_token, fingerprint, usable_openssl
from storage.digest import sha256
from storage.times import system_clock

APART = timedelta(seconds=300)
"""How far clocks that are right can be from each other."""


_ONLY = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*")
"""A file that holds a certificate, and no words around it."""
_CHAIN = re.compile(rb"\s*(?:-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*){0,16}")
"""The certificates that came with a token. openssl is asked about each, so there are not many."""


@dataclass
class _Stamp:
    """The token of one authority over one checkpoint."""

    size: int
    by: str
    message: bytes
    token: CheckedToken | None = field(default=None)

    @property
    def stem(self) -> str:
        return f"proofs/timestamps/{self.size}/{self.by}"

    @property
    def name(self) -> str:
        return f"{self.size} {self.by}"


def timestamps(files: PackageFiles) -> str:
    """Check each stamp, in a line of its own that tells the time it states, and under which root; return an empty text."""
    found: dict[int, set[str]] = {}
    for name in files.names:
        if match := re.fullmatch(r"proofs/timestamps/([0-9]+)/(.+)", name):
            found.setdefault(int(match[1]), set()).add(match[2])
    accepted: list[_Stamp] = []
    for size, inside in sorted(found.items()):
        where = f"proofs/timestamps/{size}/checkpoint.txt"
        message = files.read(where)
        if prefix(files, message, where) != size:
            raise Bad(f"proofs/timestamps/{size} holds a checkpoint of another size")
        for by in sorted({one.rpartition(".")[0] for one in inside if re.fullmatch(r".+\.(tsq|tsr|pem|root)", one)}):
            stamp = _Stamp(size, by, message)
            files.stamps += 1
            if run(files, f"timestamp {stamp.name}", _checked, stamp):
                accepted.append(stamp)
        if "opentimestamps.ots" in inside:
            files.calendars += 1
            run(files, f"timestamp {size} Bitcoin", _calendar, size, message)
    _roots(files)
    _ended(files, accepted)
    if files.trusted and not files.named and not files.unchecked:
        raise Unknown("no stamp leads to a root that you named")
    return ""


def _checked(files: PackageFiles, stamp: _Stamp) -> str:
    """Check the token of an authority (RFC 3161), and note the time that it states."""
    try:
        usable_openssl()
        token, root = _token(files, stamp)
    except NoOpenssl:
        files.unchecked += 1
        raise
    if files.trusted and root not in files.trusted:
        raise Unknown(f"leads to a root that you did not name: {root}")
    files.named += 1
    _possible(files, token.time, stamp.size)
    stamp.token = token
    files.times[stamp.size] = min(files.times.get(stamp.size, token.time), token.time)
    compare = "" if files.trusted else ": compare it with the authority's own"
    return f"checkpoint {stamp.size} existed at {token.time:%Y-%m-%dT%H:%M:%SZ}; root {root[:16]}…{compare}"


def _token(files: PackageFiles, stamp: _Stamp) -> tuple[CheckedToken, str]:
    """Check a token with what lies beside it; return it, and the fingerprint of its root. Raises `Bad`, `NoOpenssl`."""
    request, response, chain = (files.read(f"{stamp.stem}.{ending}") for ending in ("tsq", "tsr", "pem"))
    root = files.read(f"{stamp.stem}.root").decode("ascii").strip()
    if not re.fullmatch("[0-9a-f]{64}", root):
        raise Bad(f"{stamp.stem}.root names no certificate")
    pem = files.read(f"proofs/roots/{root}.pem")
    if fingerprint(pem) != root or not _ONLY.fullmatch(pem):
        raise Bad(f"{stamp.stem}: the root certificate is another one, or not the only one in its file")
    if not _CHAIN.fullmatch(chain):
        raise Bad(f"{stamp.stem}.pem holds something else than at most 16 certificates")
    try:
        return check_token(stamp.message, request, response, chain, pem), root
    except Bad as error:
        raise Bad(f"{stamp.stem}: {error}") from error


def _roots(files: PackageFiles) -> None:
    """Raise `Bad` for a file beside the roots that no stamp leads to: nothing else looks into it."""
    stamps = [name for name in files.names if re.fullmatch(r"proofs/timestamps/.+\.root", name)]
    named = {files.read(name).decode("ascii", "replace").strip() for name in stamps}
    roots = {
        name.removeprefix("proofs/roots/").removesuffix(".pem"): name
        for name in files.names
        if name.startswith("proofs/roots/")
    }
    if stray := sorted(roots.keys() - named):
        raise Bad(f"{roots[stray[0]]} is the root of no stamp")


def _possible(files: PackageFiles, time: datetime, size: int) -> None:
    """Raise `Unknown` for a time that cannot be: before what it covers, or still to come. Which clock is wrong is not known."""
    covered = [(datetime.fromisoformat(leaf["time"]), seq) for seq, leaf in files.leaves.items() if seq < size]
    last, seq = max(covered, default=(time, 0))
    if last > time + APART:
        raise Unknown(
            f"it states {time:%Y-%m-%dT%H:%M:%SZ}, before event {seq}, which it covers and which is dated "
            f"{last:%Y-%m-%dT%H:%M:%SZ}: the makers' clock or the authority is wrong"
        )
    now = system_clock()
    if time > max(now, files.now or now) + APART:
        raise Unknown(
            f"it states {time:%Y-%m-%dT%H:%M:%SZ}, which is still to come: the authority's clock or this machine's is wrong"
        )


def _calendar(files: PackageFiles, size: int, message: bytes) -> str:
    """Note how far a proof of OpenTimestamps has come; return an empty text."""
    about = f"timestamp {size} Bitcoin"
    try:
        said = read_ots(files.read(f"proofs/timestamps/{size}/opentimestamps.ots"), sha256(message))
    except Uncomputed as error:
        raise Unknown(str(error)) from error
    if blocks := [int(item.where) for item in said if item.kind == "bitcoin"]:
        files.note(about, f"OpenTimestamps, names Bitcoin block {min(blocks)}: follow it with `ots verify`")
    elif any(item.kind == "pending" for item in said):
        files.note(about, "OpenTimestamps, pending: proves nothing yet")
    else:
        raise Unknown("OpenTimestamps: attested by nobody that is known here")
    return ""


def _ended(files: PackageFiles, stamps: list[_Stamp]) -> None:
    """Tell of tokens whose certificates have ended whether a later one vouches for them."""
    renewed: dict[str, int] = {}
    for seq, said in files.leaves.items():
        if said["type"] == "renewed" and f"data/events/{seq}.json" in files.names:
            renewed |= {item["token"]["sha256"]: seq for item in read_event(files, seq)["detail"]["tokens"]}
    tokens = [(stamp, stamp.token) for stamp in stamps if stamp.token is not None]
    for stamp, token in tokens:
        if files.now is None or token.expires >= files.now:
            continue
        after = renewed.get(token.sha256)
        later = [
            other.name
            for other, its in tokens
            if after is not None and other.size > after and its.time <= token.expires
        ]
        text = f"was renewed before, by {later[0]}" if later else "nothing here shows that it was renewed before"
        files.note(f"timestamp {stamp.name}", f"its certificates ended on {token.expires:%Y-%m-%d}, and {text}")


def time(files: PackageFiles) -> str:
    """Report how many captures are covered by a stamp; return an empty text."""
    if files.times and not files.trusted:
        files.report.add("time by roots that came with the package")
    if files.profile == "public" and files.version > 1:
        whole, some = bool(files.times), bool(files.times)
        first = min(files.times.values(), default=system_clock())
        text = f"the ledger that it was made from existed at {first:%Y-%m-%dT%H:%M:%SZ}; which captures that covers is not shown"
    else:
        seqs = [item["event"] for item in files.package["captures"]]
        covered = sum(any(size > seq for size in files.times) for seq in seqs)
        whole, some = covered == len(seqs), covered > 0
        under = (
            " under a root that you named" if files.trusted else ", under roots that came with the package: give --root"
        )
        text = f"{covered} of {len(seqs)} captures are covered by a stamp{under}"
        if some and not whole:
            perhaps = "perhaps " if files.unchecked else ""
            files.report.add(f"{len(seqs) - covered} of {len(seqs)} captures {perhaps}NOT TIMESTAMPED")
    if not some:
        beside, why = _not_stamped(files)
        files.report.add(beside)
        text = f"{beside}{why}"
    files.report.say(Finding.INTACT if whole and some and files.trusted else Finding.NOTE, "time", text)
    return ""


def _not_stamped(files: PackageFiles) -> tuple[str, str]:
    """Return (what the verdict says where no time is shown, and why): what was not checked is not said to be absent."""
    if files.unchecked:
        return "its timestamps were NOT CHECKED", ", so nothing is known here of any time: see the lines above"
    if files.times:
        return "NOT TIMESTAMPED", ": its stamps are older than each of its captures"
    if files.stamps:
        which = "under a root that you named" if files.trusted else "by any stamp that counts"
        return f"NOT TIMESTAMPED {which}", ": see the lines above"
    more = "; its OpenTimestamps proofs are not followed here" if files.calendars else ""
    return "NOT TIMESTAMPED", f": no authority vouches for any time{more}"


def clock(files: PackageFiles) -> str:
    """Note where a clock was set back between two events, and captures far from the servers' own dates."""
    if said := clock_set_back((seq, str(leaf["time"])) for seq, leaf in sorted(files.leaves.items())):
        files.note("clock", said)
    for capture in files.captures:
        if said := servers_apart(capture.manifest["clock"]):
            files.note("clock", f"{capture.id}: {said}")
    return ""
