"""What ffprobe, exiftool and a C2PA reader say of a file that was kept, as a record about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.capture.fetcher import FileGot
from archiver.home.scratch import scratch
from archiver.tools import ffmpeg

if TYPE_CHECKING:
    from archiver.capture.attachments import Fetching

END = 16 << 20
"""How much of each end of a large file the probes are given, bytes."""


def probed(act: Fetching, key: str, got: FileGot) -> str | None:
    """Runs the probes on a copy, and keeps what they say. None where none is installed, or there is no room for a copy."""
    if not ffmpeg.probes() or act.room_for(min(got.size, 2 * END)) is not None:
        return None
    with scratch(act.home.path, "probe") as folder, open(folder / "copy", "wb") as copy:
        marked = False
        # What a container says of itself stands at its beginning or its end; between them a hole takes no room.
        ends = [(0, got.size)] if got.size <= 2 * END else [(0, END), (got.size - END, END)]
        for start, length in ends:
            copy.seek(start)
            for part in act.pieces.glimpse(got.pieces, start, length):
                marked = marked or b"c2pa" in part
                copy.write(part)
        copy.flush()
        facts = ffmpeg.probe(Path(copy.name), marked)
    if len(ends) > 1:
        facts["looked_at"] = f"the first and last {END >> 20} MiB of {got.size} bytes"
    about = got.pieces[0].record
    block = json.dumps({"format": "archiver-probe/1", "about": about, **facts}, indent=1).encode()
    ref = act.writer.resource(
        f"urn:archiver:probe:{about.strip('<>')}", "application/json", block,
        record_type="metadata", fields=[("WARC-Refers-To", about)], extra=act.clean({"about": key}),
    )  # fmt: skip
    return ref.record_id
