"""Pictures of pages, out of the recordings: for `partner`, which has no recordings, and for the viewer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from archiver.export.profiles import PackageView
from storage.assembly import payload


def screens(shown: PackageView) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """Yield (capture, name in the package, PNG when called) of each page as a browser showed it, without a login.

    Pages of which something is withheld are left out.
    """
    for number, capture in enumerate(shown.material.captures, 1):
        record = capture.screenshot
        if record is not None and capture.id not in shown.unfit:
            path, offset, size = capture.folder / record["file"], record["offset"], record["payload_size"] or 0
            yield (
                capture.id,
                f"data/screens/{number:04d}.png",
                lambda path=path, offset=offset, size=size: b"".join(payload(path, offset, 0, size)),  # type: ignore[misc]
            )
