"""`archiver evict`: frees the disk of large files that lie elsewhere, and fetches them back.

Only objects of their own go (WARC files above 1 MB); the small files of a capture stay, so that it can be searched, shown
and proven. A file goes only after it was read back, whole, from as many places as are asked for, in the same breath.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.copies.destinations import Place, destinations, open_place
from archiver.copies.packing import MANIFEST, planned
from archiver.copies.restore import fetch_file
from archiver.copies.stubs import FORMAT, stub_path, stubs
from archiver.copies.vault import CannotOpen
from archiver.errors import CannotTell
from archiver.home.scratch import scratch
from storage import canonical
from storage.errors import EvidenceError, FormatError, StoreError, disk_error
from storage.events import Event
from storage.files import locked, sync_folder, write_synced
from storage.manifest import listed_files
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.home.home import Home
    from archiver.home.ports import Signer


@dataclass
class EvictReport:
    """Result of freeing space: how many captures, files and bytes, and what stayed."""

    captures: int = 0
    files: int = 0
    bytes: int = 0
    kept: list[tuple[str, str]] = field(default_factory=list)
    """(capture, why its files stay)"""


def evict(home: Home, signer: Signer, places: list[Place], captures: Iterable[str], copies: int) -> EvictReport:
    """Free the large files that lie safely at `copies` places.

    The event comes before the files go. Raises `LedgerError`, `DiskError`.
    """
    report = EvictReport()
    with locked(home.path / "outgoing" / ".evict.lock"):
        for capture in captures:
            row = home.catalog.capture(capture)
            if row is None:
                continue
            folder = home.path / row["folder"]
            _sweep(folder)
            large = [entry for entry in planned(_manifest(folder))[1] if (folder / entry["name"]).exists()]
            if not large:
                continue
            safe = {entry["name"]: _safe_at(home, places, row, entry) for entry in large}
            short = [name for name, where in safe.items() if len(where) < copies]
            if short:
                report.kept.append(
                    (capture, f"{short[0]} was read back from {len(safe[short[0]])} places, not {copies}")
                )
                continue
            _free(home, signer, row, folder, large, safe)
            report.captures += 1
            report.files += len(large)
            report.bytes += sum(int(entry["size"]) for entry in large)
    return report


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = canonical.loads((folder / MANIFEST).read_bytes())
    except OSError as error:
        raise disk_error(error, f"reading {folder.name}") from error
    return value


def _safe_at(home: Home, places: list[Place], row: dict[str, Any], entry: dict[str, Any]) -> list[str]:
    """Return where this file was read back just now, opened, and found to be what was sealed."""
    found = []
    for place in places:
        for copy in home.catalog.copies(place.destination.name, row["id"]):
            for item in copy["objects"]:
                if item.get("name") != entry["name"]:
                    continue
                try:
                    opens = place.vault.opens_capture(row["manifest_sha256"])
                    _, inside = place.vault.measure(item["key"], opens, item.get("version"))
                except (KeyError, CannotOpen, StoreError):
                    continue
                if (inside.size, inside.hexdigest()) == (entry["size"], entry["sha256"]):
                    found.append(place.destination.name)
    return found


def _free(
    home: Home,
    signer: Signer,
    row: dict[str, Any],
    folder: Path,
    large: list[dict[str, Any]],
    safe: dict[str, list[str]],
) -> None:
    now = home.clock()
    files = [{"name": e["name"], "sha256": e["sha256"], "size": e["size"], "places": safe[e["name"]]} for e in large]
    signer.append([Event("evicted", now, {"capture": row["id"], "files": files})])
    home.project()
    with scratch(home.path, "evict") as working:  # nothing half written ever lies in a capture's folder
        for item in files:
            stub = {"format": FORMAT, "evicted": utc_text(now), **item}
            write_synced(working / "stub", canonical.dumps(stub))
            (working / "stub").rename(stub_path(folder, item["name"]))
            sync_folder(folder)
            (folder / item["name"]).unlink()
    sync_folder(folder)


def _sweep(folder: Path) -> None:
    """Remove stubs that lie beside their file: the process died in between, or the file was fetched back."""
    for path in folder.glob("*.evicted"):
        if path.with_name(path.name.removesuffix(".evicted")).exists():
            path.unlink()


class CopiesFetch:
    """Brings evicted files back from the copies of a home. Implements `archiver.home.ports.Fetch`."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def bring_back(self, captures: Iterable[str], names: Sequence[str] | None = None) -> int:
        """Fetch evicted files back, each checked; return their size in bytes, 0 where nothing is missing.

        Raises `CannotTell` where no place gives one back, `DiskError`.
        """
        home, fetched = self._home, 0
        places: list[Place] | None = None
        for capture in captures:
            folder = home.path / home.capture_folder(capture)
            missing = [name for name in stubs(folder) if names is None or name in names]
            if not missing:
                continue
            if places is None:
                places = list(_places(home))
            row = home.catalog.capture(capture) or {}
            entries = {entry["name"]: entry for entry in listed_files(_manifest(folder))}
            with scratch(home.path, "fetch") as working:
                for name in missing:
                    _fetch_one(places, row, entries[name], working)
                    (working / name).rename(folder / name)
                    sync_folder(folder)
                    stub_path(folder, name).unlink(missing_ok=True)
                    fetched += int(entries[name]["size"])
        return fetched


def _places(home: Home) -> Iterator[Place]:
    for one in destinations(home, []):
        try:
            yield open_place(home, one, writing=False)
        except EvidenceError:
            continue


def _fetch_one(places: list[Place], row: dict[str, Any], entry: dict[str, Any], folder: Path) -> None:
    why = "no destination answers"
    for place in places:
        try:
            fetch_file(place.vault, entry, place.vault.opens_capture(row["manifest_sha256"]), folder / entry["name"])
            return
        except (KeyError, StoreError, FormatError) as error:
            why = f"{place.destination.name}: {getattr(error, 'found', error)}"
    raise CannotTell(
        f"{entry['name']} of {row['id']}, which was evicted, at one of the copies",
        why,
        "Connect the place that holds it (archiver show says which), and run the command again.",
    )
