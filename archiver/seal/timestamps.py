"""Timestamps of the ledger's checkpoints: asking for them, keeping them, renewing them, and what they cover.

    proofs/<size>/checkpoint.txt       the signed checkpoint that was stamped
    proofs/<size>/<authority>.tsq .tsr the request and the whole answer (RFC 3161)
    proofs/<size>/<authority>.pem      the certificates that came with it
    proofs/<size>/<authority>.json     what was found when it was checked; written last
    proofs/<size>/opentimestamps.ots, opentimestamps.json
    proofs/roots/<sha256>.pem          the pinned roots

Only checkpoints go out, never the digest of anything captured. A `timestamped` event then binds each token into the
ledger; it needs no stamp of its own. A token whose certificates will end is named in a `renewed` event, with SHA-256 and
SHA-512, and the next checkpoint, stamped again, vouches for it: the renewal of RFC 4998, without its ASN.1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from archiver.errors import ConfigError
from archiver.home.config import Authority
from archiver.home.home import Home
from archiver.home.ports import Signer
from archiver.recorder.client import NoAnswer, ServiceClient
from archiver.recorder.network import TestNetwork
from archiver.seal.kept_stamps import OTS, Stamp, needed, stamps
from archiver.seal.opentimestamps import attested, submit, upgrade
from archiver.seal.rfc3161 import InvalidProof, TimestampToken, ask, find_root
from storage.digest import Digests
from storage.events import Event
from storage.files import locked, write_synced
from storage.times import utc_text

RENEW_BEFORE = timedelta(days=365)
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass
class TimestampReport:
    """Result of one round of stamping."""

    size: int
    new: list[Stamp] = field(default_factory=list)
    troubles: dict[str, str] = field(default_factory=dict)
    """Authority or calendar → why it gave nothing."""
    notes: list[str] = field(default_factory=list)
    renewed: int = 0


def stamp_latest(home: Home, signer: Signer, service: ServiceClient) -> TimestampReport:
    """Make one round of stamping.

    Renew stamps that end soon, complete what is owed, have the latest checkpoint stamped where it is not.
    One process at a time. Raises `LedgerError`, `DiskError`; what an authority does wrong is in the report, and
    nothing of it is kept.
    """
    with locked(home.path / "proofs" / ".lock"):
        home.project()
        kept = stamps(home)
        renewed = _renew(home, signer, kept)
        checkpoint = home.ledger.checkpoint()
        report = TimestampReport(checkpoint.size, renewed=renewed)
        _complete(home, kept, service, report)
        least = needed(home)
        note = (home.path / "ledger" / "checkpoints" / str(checkpoint.size)).read_bytes()
        wanted = home.config.timestamps
        for authority in wanted.authorities if least else ():
            if not any(stamp.name == authority.name and stamp.size >= least for stamp in kept):
                _stamp(home, authority, checkpoint.size, note, service, report)
        if least and wanted.calendars and not any(stamp.name == OTS and stamp.size >= least for stamp in kept):
            file, troubles = submit(note, wanted.calendars, service)
            report.troubles |= troubles
            if file is not None:
                report.new.append(_keep_ots(home, checkpoint.size, note, file))
        _tell_ledger(home, signer)
        return report


def _stamp(
    home: Home, authority: Authority, size: int, note: bytes, service: ServiceClient, report: TimestampReport
) -> None:
    folder = home.path / "keys" / "roots"
    try:
        root = find_root(authority, folder)
        extra = (home.path / authority.chain).read_bytes() if authority.chain else b""
        token = ask(authority, note, root, extra, service)
    except (NoAnswer, InvalidProof) as error:
        report.troubles[authority.name] = str(error)
        return
    except (ConfigError, OSError, ValueError) as error:
        report.troubles[authority.name] = f"its settings: {error}"
        return
    report.new.append(_keep_token(home, authority, size, note, token))
    off = token.gen_time - home.clock()
    if abs(off) > CLOCKS_DIFFER:
        report.notes.append(
            f"{authority.name} states {utc_text(token.gen_time)[:19]}Z, {abs(off.total_seconds()):.0f} s "
            f"{'after' if off > timedelta(0) else 'before'} this machine's clock: one of the two is wrong"
        )


def _keep_token(home: Home, authority: Authority, size: int, note: bytes, token: TimestampToken) -> Stamp:
    folder = home.path / "proofs" / str(size)
    root = Digests("sha256")
    root.update(token.root)
    write_synced(home.path / "proofs" / "roots" / f"{authority.root.lower()}.pem", token.root)
    write_synced(folder / "checkpoint.txt", note)
    for suffix, data in ((".tsq", token.request), (".tsr", token.response), (".pem", token.chain)):
        write_synced(folder / f"{authority.name}{suffix}", data)
    facts = {
        "authority": authority.name,
        "url": authority.url,
        "root": authority.root.lower(),
        "asked": utc_text(home.clock()),
        "gen_time": utc_text(token.gen_time),
        "serial": token.serial,
        "policy": token.policy,
        "expires": utc_text(token.expires),
    }
    write_synced(folder / f"{authority.name}.json", json.dumps(facts, indent=1).encode())
    return Stamp(size, authority.name, token.gen_time, token.expires)


def _keep_ots(home: Home, size: int, note: bytes, file: bytes) -> Stamp:
    folder = home.path / "proofs" / str(size)
    state = attested(file, note)
    write_synced(folder / "checkpoint.txt", note)
    write_synced(folder / f"{OTS}.ots", file)
    facts = {"asked": utc_text(home.clock()), "pending": state.pending, "blocks": state.blocks}
    write_synced(folder / f"{OTS}.json", json.dumps(facts, indent=1).encode())
    return Stamp(size, OTS, None, None, state.pending, state.blocks)


def _complete(home: Home, kept: list[Stamp], service: ServiceClient, report: TimestampReport) -> None:
    """Asks the calendars for the blocks that they owe."""
    for stamp in kept:
        if not stamp.pending:
            continue
        folder = home.path / "proofs" / str(stamp.size)
        try:
            note = (folder / "checkpoint.txt").read_bytes()
            file, troubles = upgrade((folder / f"{OTS}.ots").read_bytes(), service)
            done = attested(file, note)
        except (OSError, InvalidProof) as error:
            report.notes.append(f"the OpenTimestamps proof of checkpoint {stamp.size}: {error}")
            continue
        report.troubles |= {name: why for name, why in troubles.items() if why != "not yet in a block"}
        if done.blocks != stamp.blocks:
            report.new.append(_keep_ots(home, stamp.size, note, file))


def _digests(path: Path) -> dict[str, str]:
    running = Digests("sha256", "sha512")
    running.update(path.read_bytes())
    return running.hexdigests()


def _token_facts(home: Home, stamp: Stamp) -> dict[str, Any]:
    folder = home.path / "proofs" / str(stamp.size)
    name = f"{OTS}.ots" if stamp.name == OTS else f"{stamp.name}.tsr"
    facts: dict[str, Any] = {"checkpoint": stamp.size, "by": stamp.name, "token": _digests(folder / name)}
    if stamp.name != OTS:
        facts["chain"] = _digests(folder / f"{stamp.name}.pem")
        facts["states"] = utc_text(stamp.time) if stamp.time else None
    else:
        facts["blocks"] = list(stamp.blocks)
    return facts


def _tell_ledger(home: Home, signer: Signer) -> None:
    """An event for each proof that the ledger does not name yet; one that a crash left behind is named now."""
    known = {body["detail"]["token"]["sha256"] for body in home.catalog.event_bodies(("timestamped",))}
    events = []
    for stamp in stamps(home):
        if stamp.owed:
            continue  # proves nothing yet
        facts = _token_facts(home, stamp)
        if facts["token"]["sha256"] not in known:
            events.append(Event("timestamped", home.clock(), facts))
    if events:
        signer.append(events)
        home.project()


def due(stamp: Stamp, now: datetime) -> bool:
    """Return whether a token must be renewed.

    That is a year before its certificates end, or a third of their time where that is less.
    """
    if stamp.expires is None or stamp.time is None:
        return False
    return now > stamp.expires - min(RENEW_BEFORE, (stamp.expires - stamp.time) / 3)


def _renew(home: Home, signer: Signer, kept: list[Stamp]) -> int:
    """A `renewed` event over the tokens that end soon; the checkpoint after it is then stamped like any other."""
    known = {
        item["token"]["sha256"] for body in home.catalog.event_bodies(("renewed",)) for item in body["detail"]["tokens"]
    }
    facts = [_token_facts(home, stamp) for stamp in kept if due(stamp, home.clock())]
    tokens = [item for item in facts if item["token"]["sha256"] not in known]
    if tokens:
        signer.append([Event("renewed", home.clock(), {"tokens": tokens})])
        home.project()
    return len(tokens)


def service_client(home: Home, cases: Iterable[str], network: TestNetwork | None) -> ServiceClient:
    """Return a client for one round of requests; it connects through the proxy of the cases."""
    return ServiceClient(home.proxy_for(list(cases)), network)
