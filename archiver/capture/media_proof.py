"""What media tools say of a file that was kept, as a record about it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from archiver.capture.assemblies import AssemblyBuilder
from archiver.capture.context import CaptureContext
from archiver.capture.fetcher import FetchedFile
from archiver.home.scratch import scratch
from archiver.tools.probe import MediaProbe
from spiders.posts import Attachment, Outcome

END = 16 << 20
"""How much of each end of a large file the tools are given, bytes."""


class MediaProof:
    """Records what tools read from the media files of one capture."""

    def __init__(self, context: CaptureContext, assemblies: AssemblyBuilder, probe: MediaProbe) -> None:
        self._context, self._assemblies, self._probe = context, assemblies, probe

    async def of_attachment(self, key: str, attachment: Attachment, got: FetchedFile) -> dict[str, str]:
        """Examine an attachment that is media and was kept.

        Returns what its line in the inventory says of that; empty where nothing was recorded.
        """
        wanted = attachment.kind in ("video", "audio", "gif") and got.outcome is Outcome.CAPTURED
        record = await self.record(key, got) if wanted else None
        return {"probe": record} if record else {}

    async def record(self, key: str, got: FetchedFile) -> str | None:
        """Write what the tools say of a file; return the record's id.

        None where that is not wanted, or not possible.
        """
        if not got.pieces or not self._context.config.probe or self._context.options.quick:
            return None
        return await asyncio.to_thread(self._looked_into, key, got)

    def _looked_into(self, key: str, got: FetchedFile) -> str | None:
        """None where no tool is installed, or there is no room for a copy."""
        context = self._context
        if not self._probe.available() or context.room_for(min(got.size, 2 * END)) is not None:
            return None
        # What a container says of itself stands at its beginning or its end; between them a hole takes no room.
        ends = [(0, got.size)] if got.size <= 2 * END else [(0, END), (got.size - END, END)]
        with scratch(context.home.path, "probe") as folder, open(folder / "copy", "wb") as copy:
            marked = False
            for start, length in ends:
                copy.seek(start)
                for part in self._assemblies.glimpse(got.pieces, start, length):
                    marked = marked or b"c2pa" in part
                    copy.write(part)
            copy.flush()
            facts = self._probe.facts(Path(copy.name), marked)
        if len(ends) > 1:
            facts["looked_at"] = f"the first and last {END >> 20} MiB of {got.size} bytes"
        about = got.pieces[0].record
        block = json.dumps({"format": "archiver-probe/1", "about": about, **facts}, indent=1).encode()
        ref = context.writer.resource(
            f"urn:archiver:probe:{about.strip('<>')}", "application/json", block,
            record_type="metadata", fields=[("WARC-Refers-To", about)], extra=context.secrets.clean({"about": key}),
        )  # fmt: skip
        return ref.record_id
