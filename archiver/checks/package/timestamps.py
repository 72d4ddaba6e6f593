"""Time: the stamps of outsiders over checkpoints, and the captures that they cover."""

from __future__ import annotations

import re

from archiver.checks.clocks import clock_set_back, servers_apart
from archiver.checks.lines import Line, intact, note, unknown
from archiver.checks.ots import Uncomputed, read_ots
from archiver.checks.package.captures import read_event
from archiver.checks.package.files import PackageFiles
from archiver.checks.package.ledger import prefix
from archiver.checks.proofs import Bad
from archiver.checks.stamps import CheckedToken, check_token, fingerprint, unknown_notary
from storage.digest import sha256


def timestamps(files: PackageFiles) -> str:
    """Check each stamp; its line tells the time it states, and under which root."""
    tokens: list[tuple[int, str, CheckedToken]] = []
    for name in sorted(files.names):
        match = re.fullmatch(r"proofs/timestamps/(\d+)/([\w-]+)\.(tsr|ots)", name)
        if match is None:
            continue
        size, by = int(match[1]), match[2]
        message = files.read(f"proofs/timestamps/{size}/checkpoint.txt")
        if prefix(files, message, f"the stamped checkpoint {size}")[0] != size:
            raise Bad(f"proofs/timestamps/{size} holds a checkpoint of another size")
        if match[3] == "ots":
            files.lines.append(_calendar(f"stamp {size}", files.read(name), message))
        elif (token := _token(files, name, size, by, message)) is not None:
            tokens.append((size, by, token))
    _ended(files, tokens)
    return ""


def _calendar(check: str, proof: bytes, message: bytes) -> Line:
    """Tell how far a proof of OpenTimestamps has come."""
    try:
        said = read_ots(proof, sha256(message))
    except Uncomputed as error:
        return unknown("package", check, str(error))
    blocks = sorted({item.where for item in said if item.kind == "bitcoin"})
    if blocks:
        return note("package", check, f"OpenTimestamps leads to Bitcoin block {blocks[0]}: follow it with `ots verify`")
    if all(item.kind == "other" for item in said):
        return unknown("package", check, f"OpenTimestamps: {unknown_notary(said)}")
    return note("package", check, "OpenTimestamps pending: proves nothing")


def _token(files: PackageFiles, name: str, size: int, by: str, message: bytes) -> CheckedToken | None:
    """Check the token of an authority (RFC 3161); None where its root is not one that was named."""
    stem = f"proofs/timestamps/{size}/{by}"
    root = files.read(f"{stem}.root").decode().strip()
    pem = files.read(f"proofs/roots/{root}.pem")
    if fingerprint(pem) != root:
        raise Bad(f"{stem}: the root certificate is another one")
    try:
        token = check_token(message, files.read(f"{stem}.tsq"), files.read(name), files.read(f"{stem}.pem"), pem)
    except Bad as error:
        raise Bad(f"{by} over checkpoint {size}: {error}") from error
    if files.trusted and root not in files.trusted:
        text = f"{by}: leads to a root that was not named: {root}"
        files.lines.append(unknown("package", f"stamp {size}", text))
        return None
    files.times[size] = min(files.times.get(size, token.time), token.time)
    text = f"{by}: checkpoint {size} existed at {token.time:%Y-%m-%dT%H:%M:%SZ}; root {root[:16]}…"
    files.lines.append(intact("package", f"stamp {size}", text))
    return token


def _ended(files: PackageFiles, tokens: list[tuple[int, str, CheckedToken]]) -> None:
    """Tell of tokens whose certificates have ended whether a later one vouches for them."""
    renewed: dict[str, int] = {}
    for seq, said in files.leaves.items():
        if said["type"] == "renewed" and f"data/events/{seq}.json" in files.names:
            renewed |= {item["token"]["sha256"]: seq for item in read_event(files, seq)["detail"]["tokens"]}
    for size, by, token in tokens:
        if files.now is None or token.expires >= files.now:
            continue
        after = renewed.get(token.sha256)
        later = [s for s, _, other in tokens if after is not None and s > after and other.time <= token.expires]
        text = f"renewed before, at checkpoint {later[0]}" if later else "nothing here shows that it was renewed before"
        ended = f"{by}: its certificates ended on {token.expires:%Y-%m-%d}; {text}"
        files.lines.append(note("package", f"stamp {size}", ended))


def time(files: PackageFiles) -> None:
    """Report how many captures are covered by a stamp, and whether the package was made with test routes."""
    seqs = [item["event"] for item in files.package["captures"]]
    covered = sum(any(size > seq for size in files.times) for seq in seqs)
    text = f"{covered} of {len(seqs)} captures are covered by an outsider's stamp"
    if covered == len(seqs) and seqs:
        files.lines.append(intact("package", "time", text))
    else:
        plain = "NOT TIMESTAMPED: no outsider vouches for any time"
        files.lines.append(note("package", "time", f"{text}, the rest NOT TIMESTAMPED" if covered else plain))
    if files.package.get("test_routes"):
        files.lines.append(
            note("package", "routes", "NOT EVIDENCE: made with test routes, as the demo and the tests do")
        )


def clock(files: PackageFiles) -> str:
    """Note where a clock was set back between two events, and captures far from the servers' own dates."""
    if said := clock_set_back((seq, str(leaf["time"])) for seq, leaf in sorted(files.leaves.items())):
        files.lines.append(note("package", "clock", said))
    for capture in files.captures:
        if said := servers_apart(capture.manifest["clock"]):
            files.lines.append(note("package", "clock", f"{capture.id}: {said}"))
    return ""
