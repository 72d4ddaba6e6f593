"""Working off the backlog: sealed captures × destinations − `replicated` events. Nothing of that is stored anywhere.

For each destination: the ledger's copy first, so that a capture which lies there can be found; then the captures; then an
event that says where; then the ledger again. A kill anywhere leaves objects that the next round finds to be the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.copies.destinations import Place
from archiver.copies.dispose import destroy_there
from archiver.copies.ledger_copy import compare, push
from archiver.copies.locks import Policies, lock_line, lock_of, policies
from archiver.copies.packing import MANIFEST, planned
from archiver.copies.vault import Recipients
from archiver.home.age import recipients_of
from storage import canonical
from storage.digest import sha256_hex
from storage.errors import EvidenceError, FormatError, Refused, Unreachable, disk_error
from storage.events import Event
from storage.files import locked
from storage.objects import Content, Lock, at_least
from storage.packs import pack

if TYPE_CHECKING:
    from archiver.home.home import Home
    from archiver.home.ports import Signer

TOGETHER = 200
"""Captures to an event."""
AT_ONCE = 4


@dataclass
class SyncReport:
    """Result of one round at one place."""

    destination: str
    copied: int = 0
    bytes: int = 0
    read_back: int = 0
    locked: int = 0
    erased: int = 0
    """Objects of disposed captures that were removed."""
    events: int = 0
    waiting: int = 0
    """Captures that have no copy there yet."""
    withheld: int = 0
    """Quarantined: these are not copied."""
    troubles: list[tuple[str, EvidenceError]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing went wrong and no capture still waits to be copied."""
        return not self.troubles and not self.waiting


def sync(
    home: Home, signer: Signer, place: Place, shown: Callable[[SyncReport], None] = lambda report: None
) -> SyncReport:
    """Make one round at one place; one process at a time.

    Raises `LedgerError`; other trouble is in the report.
    """
    report = SyncReport(place.destination.name)
    folder = home.path / "outgoing"
    folder.mkdir(mode=0o700, exist_ok=True)
    with locked(folder / f".{place.destination.name}.lock"):
        home.project()
        rules = policies(home)
        try:
            report.notes += compare(home, place.vault).strange
            push(home, place.vault, ledger_lock(home, place))
            _captures(home, signer, place, rules, report, shown)
            _locks(home, signer, place, rules, report)
            report.erased = sum(one.objects for one in destroy_there(home, signer, place))
            report.events = push(home, place.vault, ledger_lock(home, place))
        except (Unreachable, Refused) as error:  # no use in going on
            report.troubles.append(("", error))
        left = home.catalog.not_copied_to(place.destination.name)
        report.withheld = sum(not rules.may_leave(row["id"]) for row in left)
        report.waiting = len(left) - report.withheld
    return report


def ledger_lock(home: Home, place: Place) -> Lock | None:
    """Return the lock of the ledger's copy, until the end of the year in which the configured days are over.

    So one object that is put twice has one lock. The ledger is always locked where the place can: it holds no
    unlawful content, and everything depends on it. None where the place knows no locks.
    """
    if not place.locks:
        return None
    last = home.clock() + timedelta(days=home.config.copies.days)
    return Lock("governance", datetime(last.year + 1, 1, 1, tzinfo=UTC))


def _captures(
    home: Home, signer: Signer, place: Place, rules: Policies, report: SyncReport, shown: Callable[[SyncReport], None]
) -> None:
    backlog = [row for row in home.catalog.not_copied_to(place.destination.name) if rules.may_leave(row["id"])]
    report.waiting = len(backlog)
    cases = {row["id"]: home.catalog.cases_of(row["id"]) for row in backlog}
    recipients = home.case_recipients()

    def one(row: dict[str, Any]) -> tuple[str, list[dict[str, Any]], EvidenceError | None]:
        lock = rules.lock(row["id"], cases[row["id"]]) if place.locks else None
        readers = sorted({key for case in cases[row["id"]] for key in recipients[case]})
        try:
            return row["id"], replicate(home, place, row, readers, lock), None
        except EvidenceError as error:
            return row["id"], [], error

    with ThreadPoolExecutor(AT_ONCE, "copies") as several:
        for batch in _batches(backlog, TOGETHER):
            done, fatal = [], None
            for capture, objects, error in several.map(one, batch):
                if error is None:
                    done.append({"capture": capture, "objects": objects})
                    report.copied += 1
                    report.waiting -= 1
                    report.bytes += sum(item["size"] for item in objects)
                    report.read_back += any(item["how"] == "read back" for item in objects)
                    shown(report)
                elif isinstance(error, Unreachable | Refused):
                    fatal = error
                else:
                    report.troubles.append((capture, error))
            tell(home, signer, place.destination.name, done)
            if fatal is not None:
                raise fatal


def tell(home: Home, signer: Signer, destination: str, done: list[dict[str, Any]]) -> None:
    """Append the `replicated` event to the ledger, if anything was copied."""
    if done:
        detail = {"destination": destination, "captures": done}
        signer.append([Event("replicated", home.clock(), detail)])
        home.project()


def replicate(
    home: Home, place: Place, row: dict[str, Any], readers: list[str], lock: Lock | None
) -> list[dict[str, Any]]:
    """Copy one capture; return the objects that make it.

    Raises `FormatError` where it is damaged here, `StoreError`, `DiskError`.
    """
    vault, folder = place.vault, home.path / row["folder"]
    manifest_bytes = _read(folder / MANIFEST)
    if sha256_hex(manifest_bytes) != row["manifest_sha256"]:
        raise _damaged(row["id"], MANIFEST)
    manifest = canonical.loads(manifest_bytes)
    small, large = planned(manifest)
    own = [str(one.to_public()) for one in vault.opens]
    identity, envelope = vault.capture_key(
        row["manifest_sha256"], recipients_of([*own, *readers]), _at_most_governance(lock)
    )
    opens = (identity,) if identity is not None else ()
    to: Recipients = [one.to_public() for one in opens]
    objects = [{"kind": "key", **envelope.line()}] if envelope is not None else []
    files = [(MANIFEST, manifest_bytes)]
    for entry in small:
        data = _read(folder / entry["name"])
        if sha256_hex(data) != entry["sha256"]:
            raise _damaged(row["id"], entry["name"])
        files.append((entry["name"], data))
    key = vault.named("capture", row["manifest_sha256"])
    objects.append({"kind": "capture", **vault.keep(key, Content.of(pack(files)), lock, to, opens).line()})
    for entry in large:
        content = Content.of(folder / entry["name"])
        if content.sha256 != entry["sha256"]:
            raise _damaged(row["id"], entry["name"])
        kept = vault.keep(vault.named("file", entry["sha256"]), content, lock, to, opens)
        objects.append({"kind": "file", "name": entry["name"], **kept.line()})
    return objects


def _at_most_governance(lock: Lock | None) -> Lock | None:
    """The key of a capture can always be destroyed by who may: then a copy under compliance is unreadable at least."""
    return Lock("governance", lock.until, lock.hold) if lock is not None and lock.mode else lock


def _locks(home: Home, signer: Signer, place: Place, rules: Policies, report: SyncReport) -> None:
    """Locks that came after the copy: by triage, by policy, by hold; and holds that were lifted."""
    if not place.locks or not (rules.triaged or rules.by_case):
        return
    changed = []
    for row in home.catalog.copies(place.destination.name):
        cases = home.catalog.cases_of(row["capture"])
        wanted = rules.lock(row["capture"], cases) if rules.may_leave(row["capture"]) else None
        objects = [_relocked(place, item, wanted) for item in row["objects"]]
        if objects != row["objects"]:
            changed.append({"capture": row["capture"], "objects": objects})
            report.locked += 1
    for batch in _batches(changed, TOGETHER):
        tell(home, signer, place.destination.name, batch)


def _relocked(place: Place, item: dict[str, Any], wanted: Lock | None) -> dict[str, Any]:
    has = lock_of(item.get("lock"))
    asked = _never_less(has, _at_most_governance(wanted) if item["kind"] == "key" else wanted)
    lifts = bool(has and has.hold and not (asked and asked.hold))
    if (asked is None or at_least(has, asked)) and not lifts:
        return item
    now: Lock | None = place.vault.store.lock(item["key"], item.get("version"), asked or Lock())  # type: ignore[attr-defined]
    if asked is not None and not at_least(now, asked):
        raise Refused(f"{item['key']} locked as asked", f"{lock_line(now)}", "See the bucket's Object Lock.")
    line = {key: value for key, value in item.items() if key != "lock"}
    return line | ({"lock": lock_line(now)} if now is not None else {})


def _never_less(has: Lock | None, asked: Lock | None) -> Lock | None:
    """A shorter policy is for what comes later; what is locked stays locked as long as it was."""
    if has is None or has.mode is None or has.until is None or asked is None:
        return asked
    if asked.mode is None or asked.until is None:
        return Lock(has.mode, has.until, asked.hold)
    mode = "compliance" if "compliance" in (has.mode, asked.mode) else asked.mode
    return Lock(mode, max(has.until, asked.until), asked.hold)


def _batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise disk_error(error, f"reading {path.name}") from error


def _damaged(capture: str, name: str) -> FormatError:
    return FormatError(
        f"{name} of {capture} as it was sealed",
        "other bytes: it is damaged here, and was not copied",
        f"See `archiver check {capture}`; restore the file from another copy with: archiver fixity --repair {capture}",
    )


def total_backlog(home: Home, names: Iterable[str]) -> dict[str, int]:
    """Return destination → number of captures that wait to be copied there."""
    rules = policies(home)
    return {name: sum(rules.may_leave(row["id"]) for row in home.catalog.not_copied_to(name)) for name in names}
