"""What a file that was kept is by its own bytes, and what media tools say of it, as a record about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archiver.capture.assemblies import AssemblyBuilder
from archiver.capture.context import CaptureContext
from archiver.capture.fetcher import FetchedFile
from archiver.home.scratch import scratch
from archiver.recorder.content_coding import decode_body
from archiver.tools.media.containers import Read, reader
from archiver.tools.media.judgement import FILES, MEDIA, Judgement, Stated, Verdict, at_a_glance, judged, probe_facts
from archiver.tools.media.kinds import HEAD, MANIFESTS, OCTETS, Ends
from archiver.tools.probe import MediaProbe
from spiders.posts import Attachment, Outcome
from storage.errors import EvidenceError

END = 16 << 20
"""How much of each end of a large file the tools are given, bytes."""
IN_MEMORY = 4 << 20
"""Bytes up to which a file is read at once: most photos and short clips."""
CODED_LIMIT = 64 << 20
"""Bytes up to which a file that the server compressed is unpacked to look at it."""
AGAIN_SECONDS = 1.0
"""Seconds before a file that is not what was promised is asked for once more."""
Again = Callable[[], Awaitable[FetchedFile]]


@dataclass(frozen=True)
class Proof:
    """What was found of one file. `record`: id of the record with what the tools say."""

    judgement: Judgement
    record: str | None = None

    def line(self) -> dict[str, str]:
        """Return what the line of the inventory says of it."""
        return {**self.judgement.line(), **({"probe": self.record} if self.record else {})}


def stated_of(attachment: Attachment) -> Stated | None:
    """Return what a post says of an attachment; None where it is of no kind that is judged."""
    if attachment.kind not in (*MEDIA, *FILES):
        return None
    kind = next(
        (value for name in ("media_type", "mime") if isinstance(value := attachment.extra.get(name), str)), None
    )
    return Stated(
        attachment.kind, attachment.duration, attachment.width, attachment.height, kind, attachment.file_name
    )  # fmt: skip


class MediaProof:
    """Judges the media files of one capture, and records what tools read from them."""

    def __init__(self, context: CaptureContext, assemblies: AssemblyBuilder, probe: MediaProbe) -> None:
        self._context, self._assemblies, self._probe = context, assemblies, probe
        self.used = False
        """Whether a tool was asked about any file."""

    async def settled(
        self, key: str, stated: Stated, got: FetchedFile, again: Again
    ) -> tuple[FetchedFile, dict[str, Any]]:
        """Return a file as it ends, and what its line in the inventory says of it.

        Where it is not what was promised, it is asked for once more, and the better answer counts: failed where nothing
        of use came, else partial. The manifest of a stream is left to who can follow it. `again`: fetches it anew.
        """
        if got.outcome is not Outcome.CAPTURED or (proof := await self.of(key, stated, got)) is None:
            return got, {}
        if not proof.judgement.bad or proof.judgement.found in MANIFESTS:
            return got, proof.line()
        await self._context.pause(AGAIN_SECONDS)
        if self._context.interrupted or self._context.port.stopped:
            return _lessened(got, proof, str(proof.judgement.reason)), proof.line()
        second = await again()
        both = {"asked": 2, "other_answer": second.record}
        proof_again = await self.of(f"{key} again", stated, second) if second.outcome is Outcome.CAPTURED else None
        if proof_again is None:
            why = f"{proof.judgement.reason}; asked again: {second.reason or 'it cannot be read back'}"
            return _lessened(got, proof, why), {**proof.line(), **both}
        both["other_answer"] = got.record
        if not proof_again.judgement.bad:
            said = f"asked twice: at first {proof.judgement.reason}"
            return replace(second, reason=said), {**proof_again.line(), **both}
        if (proof_again.judgement.usable, second.size) > (proof.judgement.usable, got.size):
            return _lessened(second, proof_again, f"{proof_again.judgement.reason} (asked twice)"), {
                **proof_again.line(),
                **both,
            }
        both["other_answer"] = second.record
        return _lessened(got, proof, f"{proof.judgement.reason} (asked twice)"), {**proof.line(), **both}

    async def of(self, key: str, stated: Stated, got: FetchedFile) -> Proof | None:
        """Judge a file whose bytes are all there; None where they cannot be read back, which `check` will say."""
        try:
            return await asyncio.to_thread(self._looked_into, key, stated, got)
        except (EvidenceError, KeyError):
            return None

    def _looked_into(self, key: str, stated: Stated, got: FetchedFile) -> Proof:
        coding = got.done.header("content-encoding") if got.done is not None else None
        if coding and coding.strip().lower() != "identity":
            return self._of_coded(stated, got, coding)
        film = stated.family in ("video", "audio")
        why = self._not_probed(got) if film else None
        if got.size <= IN_MEMORY:
            data = self._glimpse(got, 0, got.size)
            glance = at_a_glance(stated, Ends.of(data), reader(data))
            if not film or why is not None or glance.verdict is Verdict.WRONG:
                return Proof(_because(glance, why))
            with scratch(self._context.home.path, "probe") as folder:
                (folder / "copy").write_bytes(data)
                return self._opened(key, stated, got, (folder / "copy", b"c2pa" in data), lambda: glance)
        if not film or why is not None:
            ends = Ends(self._glimpse(got, 0, HEAD), self._glimpse(got, got.size - HEAD, HEAD), got.size)
            return Proof(_because(at_a_glance(stated, ends, _of_ends(ends)), why))
        with scratch(self._context.home.path, "probe") as folder:
            copy = folder / "copy"
            marked = self._copied(got, copy)
            return self._opened(key, stated, got, (copy, marked), lambda: _glanced(stated, copy, got.size))

    def _opened(
        self, key: str, stated: Stated, got: FetchedFile, copy: tuple[Path, bool], look: Callable[[], Judgement]
    ) -> Proof:
        """Judge a film by what the tools say of a copy. `copy`: its path, and whether it seems to hold credentials."""
        glance = look()
        if glance.verdict is Verdict.WRONG:
            return Proof(glance)
        facts, record = self._probed(key, got, *copy)
        probe = probe_facts(facts.get("ffprobe"))
        if probe is not None and probe.problem is not None and got.size > 2 * END:
            probe = None  # an index longer than what the tool was given is no damage
        judgement = judged(stated, glance, probe)
        if probe is None:
            judgement = _because(
                judgement, "ffprobe is not installed" if "ffprobe" not in facts else "ffprobe could not tell"
            )
        return Proof(judgement, record)

    def _glimpse(self, got: FetchedFile, start: int, length: int) -> bytes:
        return b"".join(self._assemblies.glimpse(got.pieces, start, length)) if got.pieces else b""

    def _of_coded(self, stated: Stated, got: FetchedFile, coding: str) -> Proof:
        """A server that compresses although it was asked not to: mostly a page in place of the file."""
        data = None
        if got.size <= CODED_LIMIT:
            data = decode_body(self._glimpse(got, 0, got.size), coding, CODED_LIMIT)
        why = f"the server compressed it ({coding[:20]})"
        if data is None:
            return Proof(Judgement(Verdict.UNKNOWN, OCTETS, why))
        return Proof(
            _because(at_a_glance(stated, Ends.of(data), reader(data)), why if stated.family != "image" else None)
        )

    # -- tools ---------------------------------------------------------------------------------------------------

    def _not_probed(self, got: FetchedFile) -> str | None:
        """Why the tools are not asked, or None."""
        context = self._context
        if context.options.quick:
            return "not opened in a quick capture"
        if not context.config.probe:
            return "not opened: the settings say so (probe)"
        if not self._probe.available():
            return "ffprobe is not installed"
        if context.room_for(min(got.size, 2 * END)) is not None:
            return "no room for a copy that a tool can open"
        return None

    def _copied(self, got: FetchedFile, to: Path) -> bool:
        """Copy a file as far as the tools need it; return whether it seems to hold content credentials.

        What a container says of itself stands at its beginning or its end; between them a hole takes no room.
        """
        marked = False
        with open(to, "wb") as copy:
            for start, length in _spans(got.size):
                copy.seek(start)
                for part in self._assemblies.glimpse(got.pieces, start, length):
                    marked = marked or b"c2pa" in part
                    copy.write(part)
        return marked

    def _probed(self, key: str, got: FetchedFile, copy: Path, marked: bool) -> tuple[dict[str, Any], str]:
        """Ask the tools about a copy; return what they say, and the id of the record that keeps it."""
        context = self._context
        facts = self._probe.facts(copy, marked)
        self.used = True
        if len(_spans(got.size)) > 1:
            facts["looked_at"] = f"the first and last {END >> 20} MiB of {got.size} bytes"
        about = got.pieces[0].record
        block = json.dumps({"format": "archiver-probe/1", "about": about, **facts}, indent=1).encode()
        ref = context.writer.resource(
            f"urn:archiver:probe:{about.strip('<>')}", "application/json", block,
            record_type="metadata", fields=[("WARC-Refers-To", about)], extra=context.secrets.clean({"about": key}),
        )  # fmt: skip
        return facts, ref.record_id


def _spans(size: int) -> list[tuple[int, int]]:
    """(offset, length) of the parts of a file that the tools are given."""
    return [(0, size)] if size <= 2 * END else [(0, END), (size - END, END)]


def _glanced(stated: Stated, copy: Path, size: int) -> Judgement:
    """Judge a large file by its copy, in which there may be a hole."""
    spans = _spans(size)
    with open(copy, "rb") as stream:

        def read(start: int, length: int) -> bytes | None:
            length = min(length, size - start)
            if not any(first <= start and start + length <= first + many for first, many in spans):
                return None
            stream.seek(start)
            return stream.read(length)

        return at_a_glance(stated, Ends(read(0, HEAD) or b"", read(size - HEAD, HEAD) or b"", size), read)


def _of_ends(ends: Ends) -> Read:
    """Read from the two ends of a file alone."""

    def read(start: int, length: int) -> bytes | None:
        length = min(length, ends.size - start)
        behind = start - (ends.size - len(ends.tail))
        if start + length <= len(ends.head):
            return ends.head[start : start + length]
        return ends.tail[behind : behind + length] if behind >= 0 else None

    return read


def _because(judgement: Judgement, why: str | None) -> Judgement:
    """Say why a file was not proved, where it was not."""
    return replace(judgement, reason=why) if why and judgement.verdict is Verdict.UNKNOWN else judgement


def _lessened(got: FetchedFile, proof: Proof, why: str) -> FetchedFile:
    outcome = Outcome.PARTIAL if proof.judgement.usable else Outcome.FAILED
    return replace(got, outcome=outcome, reason=why)
