"""Single captures in the tools of others: their WARC files, and one WACZ file of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import UsageError
from archiver.export.packing import pages_of
from archiver.export.wacz import WarcSource, wacz
from archiver.home.home import Home
from archiver.home.ports import Fetch, PackageSigner
from archiver.lookup.capture_files import CaptureFiles
from archiver.lookup.material import SealedCapture
from archiver.version import SOFTWARE


@dataclass(frozen=True)
class Recordings:
    """Captures, and those in which pieces of their files or repeated answers lie."""

    named: tuple[SealedCapture, ...]
    lenders: tuple[SealedCapture, ...]

    @property
    def every(self) -> tuple[SealedCapture, ...]:
        """All of them, in the order in which they were sealed."""
        return tuple(sorted((*self.named, *self.lenders), key=lambda one: one.seq))

    def paths(self) -> Iterator[Path]:
        """Yield the WARC files, those of an earlier capture first."""
        for capture in self.every:
            for entry in capture.manifest["files"]:
                if entry["name"].endswith(".warc.gz"):
                    yield capture.folder / entry["name"]


def recordings_of(home: Home, named: list[str], fetch: Fetch) -> Recordings:
    """Find captures, by id or case. Raises `NotFound`, `UsageError` where one is quarantined, `CannotTell`."""
    ids = list(dict.fromkeys(one for what in named for one in home.captures_named(what)))
    lenders = [one for what in ids for one in home.catalog.lenders_of(what)]
    lenders = [one for one in dict.fromkeys(lenders) if one not in ids]
    hidden = home.catalog.quarantined_captures() & {*ids, *lenders}
    if hidden:
        raise UsageError("captures that are not quarantined", f"{sorted(hidden)[0]}, which is", "See `archiver show`.")
    fetch.bring_back([*ids, *lenders])
    files = CaptureFiles()
    return Recordings(tuple(_sealed(home, ids, files)), tuple(_sealed(home, lenders, files)))


def _sealed(home: Home, ids: list[str], files: CaptureFiles) -> Iterator[SealedCapture]:
    for one in ids:
        row = home.catalog.capture(one)
        if row is not None:
            yield SealedCapture(one, row["seq"], home.path / row["folder"], row, files)


def wacz_of(found: Recordings, title: str, signer: PackageSigner) -> Iterator[bytes]:
    """Yield one WACZ file of all of them; the same captures give the same bytes.

    Raises `FormatError` where a WARC file is not as it was sealed, `DiskError`.
    """
    sources = [
        WarcSource(
            capture.folder / entry["name"], entry["sha256"], entry["size"],
            [line for line in capture.records if line["file"] == entry["name"]],
        )
        for capture in found.every
        for entry in capture.manifest["files"]
        if entry["name"].endswith(".warc.gz")
    ]  # fmt: skip
    made = max(str(capture.manifest["closed"]) for capture in found.every)
    return wacz(sources, list(pages_of(found.named)), title, made, SOFTWARE, signer.sign_wacz)
