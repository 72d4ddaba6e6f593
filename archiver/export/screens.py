"""Pictures of pages for `partner`, out of the recordings, which stay in the house."""

from __future__ import annotations

from collections.abc import Iterator

from archiver.export.profiles import PackageView
from storage.assembly import payload


def screens(shown: PackageView) -> Iterator[tuple[str, bytes]]:
    """Yield (name in the package, PNG) of each page as a browser showed it, without a login.

    Pages of which something is withheld are left out.
    """
    for number, capture in enumerate(shown.material.captures, 1):
        record = capture.screenshot
        if record is not None and capture.id not in shown.unfit:
            size = record["payload_size"] or 0
            yield (
                f"data/screens/{number:04d}.png",
                b"".join(payload(capture.folder / record["file"], record["offset"], 0, size)),
            )
