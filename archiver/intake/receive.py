"""Files that a person handed over: hashed before anything else, kept untouched, checked on arrival.

What a file says of its maker (its name, its times, what exiftool and ffprobe read) goes to the private record only. The
source is a pseudonym; how it came and what the source agreed to are annotations, signed by whoever received it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import stat
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.capture.result import CaptureResult
from archiver.checks.foreign import ForeignReport
from archiver.checks.packages import check_path
from archiver.errors import NotFound, UsageError
from archiver.home.home import Home
from archiver.home.log import keep_fault, noted
from archiver.home.ports import Inspector, Signer
from archiver.home.scratch import scratch
from archiver.intake.damage import by_tools, kind_of, looked_at
from archiver.intake.hand_over import HandOver
from archiver.intake.read_posts import read_file
from archiver.recorder.redact import cleaned
from archiver.seal.sealing import seal
from archiver.text.spellings import all_spellings
from archiver.tools.media.kinds import OCTETS, plain_word
from archiver.version import software
from spiders.posts import Outcome
from spiders.targets import Target
from storage.assembly import payload
from storage.capture import CaptureWriter, Identity
from storage.digest import Sha256
from storage.errors import DiskError, EvidenceError, disk_error
from storage.events import Event
from storage.records import RecordRef
from storage.times import utc_text

READ = 1 << 20
COPIES = 256 << 20
"""So many bytes of copies wait in the scratch folder until they are looked into; others are read out of their records."""
POSTS = 20_000
"""Posts that are read out of one received package, so that they can be searched for."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Handed:
    """One thing in what was handed over. `reason`: why it is not a file that can be taken."""

    path: Path
    name: bytes
    """Its name below what was given, as the file system spells it."""
    reason: str | None = None


@dataclass
class Taken:
    """Result of taking one file. `size` and `sha256` are of what could be read."""

    outcome: Outcome
    reason: str | None = None
    sha256: str | None = None
    size: int = 0
    record: str | None = None
    kind: str = "file"
    found: str | None = None
    """Its media type, by its bytes."""
    damage: str | None = None
    """What is wrong with it as its source handed it over."""


@dataclass(frozen=True)
class Received:
    """A hand-over that was sealed.

    `reports`: (which file, what the check on arrival found) of each package among the files. `damaged`: (which file, its
    name, what is wrong with it) of each that its source has to be asked for again.
    """

    result: CaptureResult
    reports: list[tuple[str, ForeignReport]]
    damaged: list[tuple[str, str, str]]

    @property
    def intact(self) -> bool | None:
        """Whether every package is what it states of itself; None where that cannot be told of all."""
        states = {report.intact for _, report in self.reports}
        return False if False in states else None if None in states else True


def receive(
    home: Home,
    signer: Signer,
    inspector: Inspector,
    given: Sequence[Path],
    hand_over: HandOver,
    *,
    test_routes: bool = False,
) -> Received:
    """Take in files and folders, all in one capture, and sign who handed them over.

    Raises `StorageError`, `UsageError`.
    """
    recipients = home.recipients(list(hand_over.cases))
    handed = [item for path in given for item in listed(path)]
    if not handed:
        raise UsageError("files to receive", "an empty folder", "Give the files, or the folder that holds them.")
    capture_id = home.new_capture_id(home.clock())
    folder, cases = home.capture_folder(capture_id), list(hand_over.cases)
    kind = "file" if len(handed) == 1 else "files"
    target = Target("received", kind, capture_id, f"urn:archiver:received:{capture_id}")
    salt = os.urandom(32)
    home.state.capture_opened(capture_id, str(folder), capture_id[:15], cases)
    identity = Identity(capture_id, capture_id, 1, target.url, salt, software(), test_routes=test_routes)
    writer = CaptureWriter(home.path / folder, identity, recipients, home.clock, time.monotonic)
    receiver = _Receiver(home, writer, inspector, hand_over)
    try:
        writer.inventory(
            {"kind": "target", "url": target.url, "platform": "received", "target_kind": target.kind, "id": capture_id,
             "target_salt": salt.hex()}
        )  # fmt: skip
        outcome, reason = receiver.take(handed, given)
        facts = {"received": {"files": len(handed), "received_at": utc_text(home.clock())}}
        writer.close(str(outcome), reason, facts)
        seq = seal(home, signer, folder, cases).seq
    finally:
        writer.release()
    # Who handed it over is signed apart: it is no part of the capture.
    signer.append([Event("annotated", home.clock(), detail) for detail in hand_over.details(capture_id)])
    home.project()
    result = CaptureResult(
        capture_id, capture_id, 1, target, outcome, reason, folder, receiver.posts, dict(receiver.kept),
        receiver.not_kept, writer.bytes_stored, seq, test_routes,
    )  # fmt: skip
    return Received(result, receiver.reports, receiver.damaged)


@dataclass
class _Stored:
    """A file whose bytes lie in the capture.

    `before`: what the medium says of it. `whole`: whether all could be read. `broken`: what it did to readers.
    """

    key: str
    item: Handed
    before: os.stat_result
    copy: Path
    ref: RecordRef
    taken: Taken
    whole: bool
    broken: list[str]


class _Receiver:
    """Writes what was handed over into one capture, and counts what was kept.

    All is listed, then all bytes are stored, and only then is any file looked into: whatever a file does to the programs
    that read it, the others are kept.
    """

    def __init__(self, home: Home, writer: CaptureWriter, inspector: Inspector, hand_over: HandOver) -> None:
        self._home, self._writer, self._inspector, self._hand_over = home, writer, inspector, hand_over
        self._secrets = all_spellings(value.decode("utf-8", "replace") for value in home.config.secret_values)
        self.posts = 0
        self.kept: Counter[str] = Counter()
        self.not_kept: list[dict[str, Any]] = []
        self.reports: list[tuple[str, ForeignReport]] = []
        self.damaged: list[tuple[str, str, str]] = []

    def take(self, handed: list[Handed], given: Sequence[Path]) -> tuple[Outcome, str | None]:
        """Write each file, and check the folders that are packages as a whole."""
        for number, item in enumerate(handed, 1):
            self._entered(f"file {number}", item)
        with scratch(self._home.path, "received") as folder:
            stored = self._store(handed, folder)
            ended = [self._ended(f"file {number}", item, one) for number, (item, one) in enumerate(stored, 1)]
        for path in given:
            self._checked_folder(path)
        return _whole(ended)

    def _clean(self, value: Any) -> Any:
        return cleaned(value, self._secrets) if self._secrets else value

    # -- one file ------------------------------------------------------------------------------------------------

    def _entered(self, key: str, item: Handed) -> None:
        held = self._writer.withhold([("received", "file name", item.name)])[0]
        self._writer.inventory(
            {"state": "discovered", "key": key, "kind": "file", "parent": "target", "name": held.commitment}
        )

    def _store(self, handed: list[Handed], folder: Path) -> list[tuple[Handed, _Stored | Taken]]:
        """Store the bytes of each file. The first copies stay in `folder`, up to a limit, to be looked into."""
        stored: list[tuple[Handed, _Stored | Taken]] = []
        held = 0
        for number, item in enumerate(handed, 1):
            one = self._bytes(f"file {number}", item, folder / f"{number}{safe_suffix(item.name)}")
            stored.append((item, one))
            if isinstance(one, _Stored):
                held += one.taken.size
                if held > COPIES and number < len(handed):
                    one.copy.unlink()
        return stored

    def _bytes(self, key: str, item: Handed, copy: Path) -> _Stored | Taken:
        """Hash it first, then store the same bytes. Return what became of it, where nothing is there to be looked into."""
        if item.reason is not None:
            return Taken(Outcome.SKIPPED, item.reason)
        try:
            before = item.path.lstat()
            first = Sha256()
            unread = _copied(item.path, copy, first)
            after = item.path.lstat()
        except OSError as error:
            return Taken(Outcome.FAILED, f"it cannot be opened: {error.strerror or error}")
        kind = OCTETS
        broken: list[str] = []
        with _Surviving(broken):
            kind = kind_of(copy)
        ref = self._writer.resource_file(
            f"urn:archiver:received:{self._writer.identity.capture_id}:{key.replace(' ', '-')}", kind, copy,
            {"received": key, **({"truncated": "unspecified"} if unread else {})},
            fields=[("WARC-Truncated", "unspecified")] if unread else [],
        )  # fmt: skip
        if ref.payload_digest != first.label():
            return Taken(Outcome.FAILED, "the copy differs from the original: check this machine's disk and memory")
        taken = Taken(Outcome.CAPTURED, None, first.hexdigest(), first.size, ref.record_id, plain_word(kind), kind)
        if unread is not None:
            taken.outcome, taken.reason = Outcome.PARTIAL, unread
        elif (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            taken.outcome, taken.reason = Outcome.PARTIAL, "the file changed while it was read"
        return _Stored(key, item, before, copy, ref, taken, unread is None, broken)

    def _ended(self, key: str, item: Handed, one: _Stored | Taken) -> Taken:
        """Look into a file that is stored, and give it its outcome."""
        if isinstance(one, _Stored):
            self._looked_into(one)
        taken = one.taken if isinstance(one, _Stored) else one
        entry: dict[str, Any] = {
            "key": key, "kind": taken.kind, "outcome": str(taken.outcome), "reason": taken.reason, "record": taken.record,
            "sha256": taken.sha256, "size": taken.size if taken.sha256 else None, "found": taken.found, "damage": taken.damage,
        }  # fmt: skip
        self._writer.inventory({name: value for name, value in entry.items() if value is not None or name == "reason"})
        if taken.damage is not None:
            self.damaged.append((key, os.fsdecode(item.name), taken.damage))
        if taken.outcome is Outcome.CAPTURED:
            self.kept[taken.kind] += 1
        elif taken.outcome is not Outcome.SKIPPED:
            self.not_kept.append({"key": key, "outcome": str(taken.outcome), "reason": taken.reason})
        return taken

    def _looked_into(self, one: _Stored) -> None:
        """Say what a file is, whether it is whole, and what lies in it. A file that breaks a reader is said to."""
        taken, damage = one.taken, None
        self._brought_back(one)
        with _Surviving(one.broken):
            taken.found, damage = looked_at(one.copy, safe_suffix(one.item.name))
        facts = self._private_facts(one)
        if one.whole:
            with _Surviving(one.broken):
                taken.damage = damage or by_tools(taken.found or OCTETS, facts)
        report = self._checked(one) if one.whole else None
        self._keep_report(one.key, report, one.broken, one.ref.record_id)
        one.copy.unlink()

    def _brought_back(self, one: _Stored) -> None:
        """Copy it once more, out of its record, where the first copy had to go."""
        if one.copy.exists():
            return
        try:
            with open(one.copy, "xb") as out:
                place = self._writer.path_of(one.ref.file)
                for data in payload(place, one.ref.offset, 0, one.taken.size):
                    out.write(data)
        except OSError as error:
            raise disk_error(error, "looking into what was received") from error

    def _private_facts(self, one: _Stored) -> dict[str, Any]:
        """Withhold what the file says of its maker, and its times on the medium: for the case's recipients only.

        Returns what is withheld.
        """
        facts: dict[str, Any] = {
            "format": "archiver-received/1",
            "file": one.key,
            "name": os.fsdecode(one.item.name).encode("utf-8", "backslashreplace").decode(),
            "modified_ns": one.before.st_mtime_ns,
            "source": self._hand_over.source,
            "via": self._hand_over.via,
        }
        if self._inspector.available():
            with _Surviving(one.broken):
                facts |= self._inspector.facts(one.copy, c2pa_marked=_mentions(one.copy, b"c2pa"))
        block = json.dumps(facts, ensure_ascii=False, sort_keys=True).encode("utf-8", "backslashreplace")
        held = self._writer.withhold([("received", "metadata", block)])[0]
        about = json.dumps({"format": "archiver-received/1", "file": one.key, "metadata": held.commitment}).encode()
        self._writer.resource(
            f"urn:archiver:received-metadata:{one.key.replace(' ', '-')}", "application/json", about, record_type="metadata",
            fields=[("WARC-Refers-To", one.ref.record_id)], extra={"about": one.key},
        )  # fmt: skip
        return facts

    def _checked(self, one: _Stored) -> ForeignReport | None:
        """Check a WARC, WACZ or bag by its own digests, and keep the posts in it."""
        report: ForeignReport | None = None
        with _Surviving(one.broken):
            report = check_path(one.copy)
        if report is not None and report.form in ("warc", "arc", "wacz"):
            with _Surviving(one.broken):
                self._posts_in(one)
        return report

    def _posts_in(self, one: _Stored) -> None:
        for reading in read_file(one.copy):
            for post in reading.parsed.posts:
                if self.posts >= POSTS:
                    return
                self.posts += 1
                place = reading.source.replace(one.copy.name, one.key)
                line = {
                    **post.line(),
                    "record": one.ref.record_id,
                    "parser": reading.parsed.parser,
                    "layout": reading.parsed.layout,
                }
                self._writer.post(self._clean({**line, "role": "in a received file", "place": place}))

    def _checked_folder(self, path: Path) -> None:
        report: ForeignReport | None = None
        broken: list[str] = []
        with _Surviving(broken):
            report = check_path(path) if path.is_dir() else None
        self._keep_report("folder", report, broken, None)

    def _keep_report(self, key: str, report: ForeignReport | None, broken: list[str], record: str | None) -> None:
        """Keep what a check found, and that something broke readers, which says nothing against it."""
        if broken and report is None:
            report = ForeignReport("file" if record else "folder")
        if report is None:
            return
        for what in broken:
            report.unread("", what)
        self.reports.append((key, report))
        value = {"format": "archiver-arrival-check/1", "about": key, **report.line()}
        block = json.dumps(self._clean(value), ensure_ascii=False, sort_keys=True).encode("utf-8", "backslashreplace")
        fields = [("WARC-Refers-To", record)] if record else []
        self._writer.resource(
            f"urn:archiver:arrival-check:{key.replace(' ', '-')}", "application/json", block, record_type="metadata",
            fields=fields, extra={"about": key, "intact": report.intact},
        )  # fmt: skip
        line = {"kind": "arrival check", "about": key, "form": report.form, "intact": report.intact}
        self._writer.inventory(self._clean({**line, "said": report.verdict}))


class _Surviving:
    """Entered around a reader of what a stranger wrote: whatever it raises is added to `said` in words, and logged.

    What keeps the capture from being written rises on.
    """

    def __init__(self, said: list[str]) -> None:
        self._said = said

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, place: object) -> bool:
        if not isinstance(error, Exception) or isinstance(error, EvidenceError):
            return False
        where = keep_fault(_log, error, "a received file broke a reader")
        said = f"it broke a reader of this program ({type(error).__name__}), and is kept as it is"
        self._said.append(noted(said, where))
        return True


def listed(path: Path) -> Iterator[Handed]:
    """List everything below `path`, ordered by name.

    Links are not followed: what they name was not handed over.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError as error:
        raise NotFound(f"a file or folder {path}", "none", "Check the name.") from error
    except OSError as error:
        raise UsageError(f"a readable {path.name!r}", str(error.strerror), "Check the medium and the name.") from error
    if not stat.S_ISDIR(mode):
        yield _handed(path, os.fsencode(path.name), mode)
        return

    broken: list[OSError] = []
    for folder, folders, names in os.walk(path, onerror=broken.append, followlinks=False):
        folders.sort()
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in sorted([*names, *links]):
            inside = Path(folder) / name
            relative = os.fsencode(os.path.relpath(inside, path))
            try:
                yield _handed(inside, relative, inside.lstat().st_mode)
            except OSError as error:
                yield Handed(inside, relative, f"it cannot be read: {error.strerror}")
    for failure in broken:
        where = Path(str(failure.filename))
        inner = os.fsencode(os.path.relpath(where, path))
        yield Handed(where, inner, f"an unreadable folder: {failure.strerror}")


def _handed(path: Path, name: bytes, mode: int) -> Handed:
    if stat.S_ISLNK(mode):
        return Handed(path, name, "a symbolic link: not followed")
    if not stat.S_ISREG(mode):
        return Handed(path, name, "no ordinary file")
    return Handed(path, name)


def _copied(path: Path, copy: Path, running: Sha256) -> str | None:
    """Copy and hash in one reading. Return why it ends early, or None. Raises `OSError`, `DiskError`."""
    source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        with open(copy, "xb", buffering=0) as out:
            while True:
                try:
                    data = os.read(source, READ)
                except OSError as error:
                    return f"the medium cannot be read beyond byte {running.size}: {error.strerror or error}"
                if not data:
                    return None
                running.update(data)
                try:
                    out.write(data)
                except OSError as error:
                    free = shutil.disk_usage(copy.parent).free
                    raise DiskError(
                        "room for a copy", f"{error.strerror}, {free} bytes free", "Free some space, and receive again."
                    ) from error
    finally:
        os.close(source)


def safe_suffix(name: bytes) -> str:
    """Return the ending of a file's name, where it tells what the file is; else nothing."""
    match = re.search(rb"(?i)\.(w?arc\.(?:gz|zst|lz4|xz|lzma|bz2|br)|[A-Za-z0-9]{1,8})$", name)
    return f".{match[1].decode().lower()}" if match else ""


def _mentions(path: Path, mark: bytes) -> bool:
    tail = b""
    with open(path, "rb") as stream:
        while data := stream.read(READ):
            if mark in tail + data:
                return True
            tail = data[-len(mark) :]
    return False


def _whole(ended: list[Taken]) -> tuple[Outcome, str | None]:
    bad = [item for item in ended if item.outcome not in (Outcome.CAPTURED, Outcome.SKIPPED)]
    if bad:
        outcome = bad[0].outcome if len(ended) == 1 else Outcome.PARTIAL
        return outcome, f"{len(bad)} of {len(ended)} files incomplete: {bad[0].reason}" if len(ended) > 1 else bad[
            0
        ].reason
    skipped = [item for item in ended if item.outcome is Outcome.SKIPPED]
    if len(skipped) == len(ended):
        return Outcome.SKIPPED, skipped[0].reason
    return Outcome.CAPTURED, None
