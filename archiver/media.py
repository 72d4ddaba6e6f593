"""Media of posts and pages: yt-dlp says where the files are, the streaming fetcher brings them into the WARC.

yt-dlp runs in processes of its own and reaches the network through the recorder, so what it asks and hears is part of
the record. It does not download: each format, fragment and caption track is fetched straight into the WARC, once.
Each served file becomes an assembly of the answers it arrived in. Only where a format has no links that can be
fetched (a protocol of its own) does yt-dlp download it, through the recorder; the file is then kept as a `resource`.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from archiver import convert
from archiver.decoding import decode_body
from archiver.extractor import ExtractorDied
from archiver.files import Begun, FileGot, begun_in
from archiver.fragments import Fragments, Stream, dash, decrypted, joined
from spiders.posts import Attachment, Outcome
from spiders.shapes import at, count, dicts, text_of
from spiders.youtube.player import state_of
from storage.assembly import URI, Assembly, Piece, digest_of, payload, safe_name
from storage.digest import Sha256, sha256_hex
from storage.errors import DiskError, EvidenceError
from storage.lines import read_lines

if TYPE_CHECKING:
    from archiver.capture import Act

INFO_TYPE = "application/vnd.youtube-dl_formats+json;charset=utf-8"
"""brozzler's media type for a description by yt-dlp (standards.md 3)."""
TEXT_LIMIT = 32 << 20
ENTRIES = 50
RESUMABLE = 4 << 20
"""Files below this size are not worth a note on where they stand, bytes."""
_KINDS = {
    "GeoRestrictedError": (Outcome.REFUSED, "geo-blocked"),
    "UserNotLive": (Outcome.UNAVAILABLE, "not live now"),
    "UnsupportedError": (Outcome.SKIPPED, "no extractor reads this page"),
}
_WORDS = [
    ("http error 404", Outcome.UNAVAILABLE, "not found"),
    ("http error 410", Outcome.UNAVAILABLE, "gone"),
    ("http error 429", Outcome.BLOCKED, "rate limit"),
    ("http error 403", Outcome.REFUSED, "forbidden"),
    ("http error 401", Outcome.REFUSED, "login required"),
    ("login required", Outcome.REFUSED, "login required"),
    ("log in", Outcome.REFUSED, "login required"),
    ("cookies", Outcome.REFUSED, "login required"),
    ("drm", Outcome.REFUSED, "encrypted for paying players (DRM)"),
    ("this live event will begin", Outcome.PARTIAL, "upcoming"),
    ("premieres in", Outcome.PARTIAL, "upcoming"),
    ("no video formats", Outcome.PARTIAL, "no file is offered"),
    ("unsupported url", Outcome.SKIPPED, "no extractor reads this page"),
    ("unable to download", Outcome.FAILED, "an answer that the extractor needs did not come"),
]


@dataclass(frozen=True)
class Job:
    """One page whose media are wanted. `key`: its attachment in the inventory, under which its files are listed."""

    key: str
    url: str
    page_record: str | None = None
    extras: bool = True
    """Captions too."""
    files: bool = True
    """The media themselves."""


def outcome_of(error: dict[str, Any]) -> tuple[Outcome, str]:
    """What an extractor's error says of the media. What does not fit is our failure, never the platform's word."""
    kind, said = str(error.get("kind")), str(error.get("said", ""))
    said = re.sub(r"\x1b\[[0-9;]*m", "", said).removeprefix("ERROR: ").strip()
    short = re.split(r"[.;] (?:Use --|See |Please report|Confirm you are)", said)[0][:300]
    if kind in _KINDS:
        outcome, state = _KINDS[kind]
        return outcome, f"{state}: {short}"
    known = state_of(said)
    if known is not None:
        return known[0], f"{known[1]}: {short}"
    lower = said.lower()
    for words, outcome, state in _WORDS:
        if words in lower:
            return outcome, f"{state}: {short}"
    return Outcome.FAILED, f"the extractor failed: {kind}: {short}"


class Following:
    """The digest of a file's pieces, computed while the next ones still arrive."""

    def __init__(self, parts: Callable[[list[Piece]], Iterator[bytes]]) -> None:
        self._parts = parts
        self._whole = Sha256()
        self._taken: list[Piece] = []
        self._last: asyncio.Task[None] | None = None
        self._broken = False

    def see(self, pieces: list[Piece]) -> None:
        """The pieces so far, in order. A file that is begun anew is digested at the end instead."""
        if pieces[: len(self._taken)] != self._taken:
            self._broken = True
        if not self._broken and (fresh := pieces[len(self._taken) :]):
            self._taken += fresh
            self._last = asyncio.ensure_future(self._digest(self._last, fresh))

    async def _digest(self, before: asyncio.Task[None] | None, pieces: list[Piece]) -> None:
        if before is not None:
            await before
        await asyncio.to_thread(self._update, pieces)

    def _update(self, pieces: list[Piece]) -> None:
        for part in self._parts(pieces):
            self._whole.update(part)

    async def digest_of(self, pieces: list[Piece]) -> Sha256 | None:
        """The digest of exactly these pieces, or None where it was not computed on the way."""
        if self._last is not None:
            try:
                await self._last
            except (EvidenceError, OSError, KeyError):
                return None
        return self._whole if not self._broken and self._taken == pieces else None


class Media:
    """Takes the media of one capture."""

    def __init__(self, act: Act) -> None:
        self._act = act
        self._config = act.home.config
        self._held: dict[str, tuple[Path, int]] | None = None
        self.facts: dict[str, Any] | None = None

    async def take(self, job: Job) -> tuple[Outcome, str | None, str | None]:
        """Everything of one page. Ends `job.key`'s files in the inventory; the caller ends `job.key` itself."""
        act = self._act
        proxy = act.port.proxy_for(f"media {job.key}")
        request = {
            "do": "extract",
            "url": job.url,
            "proxy": proxy,
            "user_agent": self._config.user_agent,
            "cookies": str(self._config.cookies) if self._config.cookies else None,
            "extractor_args": self._config.extractor_args or None,
        }
        try:
            answer = await act.archive.extractors.run(request, self._config.extract_seconds)
        except TimeoutError:
            return Outcome.FAILED, f"the extractor took longer than {self._config.extract_seconds:.0f} s", None
        except ExtractorDied as error:
            return Outcome.FAILED, f"the extractor broke down: {error}", None
        self._remember()
        if "error" in answer:
            outcome, reason = outcome_of(answer["error"])
            if act.port.stopped and outcome is Outcome.FAILED:
                reason = act.port.stopped
            return outcome, reason, None
        info = answer["info"]
        record = self._keep_info(job, answer)
        act.described(answer["whole"], record)
        if not isinstance(info, dict):
            return Outcome.PARTIAL, "the extractor found nothing", record
        entries = dicts(info.get("entries")) if info.get("_type") in ("playlist", "multi_video") else [info]
        ends = [end for entry in entries[:ENTRIES] for end in await self._entry(job, entry)]
        if len(entries) > ENTRIES:
            ends.append((Outcome.PARTIAL, f"{len(entries)} videos on the page, the first {ENTRIES} taken"))
        if not ends and job.files:
            return Outcome.PARTIAL, "the extractor names no file", record
        bad = [(outcome, reason) for outcome, reason in ends if outcome is not Outcome.CAPTURED]
        if not bad:
            return Outcome.CAPTURED, None, record
        if len(bad) == len(ends) and len({outcome for outcome, _ in bad}) == 1:
            return bad[0][0], bad[0][1], record
        return Outcome.PARTIAL, f"{len(bad)} of {len(ends)} files not whole: {bad[0][1]}", record

    def _remember(self) -> None:
        """What the manifest says of the program that looked for the media."""
        pool = self._act.archive.extractors
        self.facts = {
            "extractor": f"yt-dlp {pool.version}",
            "js_runtime": pool.runtime,
            "format": "bv*+ba/b",
            "subtitles": "all, automatic ones in the original language",
        }

    def _keep_info(self, job: Job, answer: dict[str, Any]) -> str | None:
        """The whole description goes to the private record, since it holds signed links and our address."""
        writer = self._act.writer
        whole = json.dumps(answer["whole"], ensure_ascii=False, sort_keys=True, default=str).encode(
            "utf-8", "backslashreplace"
        )
        held = writer.withhold([("media", "info.json", whole)])
        shown = filtered(answer["whole"])
        shown["withheld"] = {"name": "info.json", "commitment": held[0].commitment}
        shown["extractor_version"] = self._act.archive.extractors.version
        fields = [("WARC-Refers-To", job.page_record)] if job.page_record else []
        block = json.dumps(self._act._clean(shown), ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")
        ref = writer.resource(f"youtube-dl:{job.url}", INFO_TYPE, block, record_type="metadata", fields=fields)
        return ref.record_id

    # -- one video -------------------------------------------------------------------------------------------------

    async def _entry(self, job: Job, info: dict[str, Any]) -> list[tuple[Outcome, str | None]]:
        formats = dicts(info.get("requested_formats")) or [info]
        formats = [item for item in formats if job.files and (text_of(item.get("url")) or item.get("fragments"))]
        work = [self._format(job, info, item) for item in formats]
        if job.extras:
            work += [self._captions(job, info, *track) for track in tracks(info)]
        ends = list(await asyncio.gather(*work))
        files = [
            (assembly, item) for (_, _, assembly), item in zip(ends, formats, strict=False) if assembly is not None
        ]
        if self._act.options.merge and len(files) > 1:
            ends.append(await self._merge(job, info, [assembly for assembly, _ in files]))
        return [(outcome, reason) for outcome, reason, _ in ends]

    async def _format(
        self, job: Job, info: dict[str, Any], item: dict[str, Any]
    ) -> tuple[Outcome, str | None, Assembly | None]:
        """One served file, entered in the inventory under its page's attachment."""
        act = self._act
        name = text_of(item.get("format_id")) or "file"
        kind = _kind(item)
        key = f"{job.key} {text_of(info.get('id')) or ''} {kind} {name}".replace("  ", " ")
        url = text_of(item.get("url"))
        if not act.discover(key, kind, url, job.key, format=_about(item)):
            return Outcome.CAPTURED, None, None
        protocol = str(item.get("protocol") or "")
        async with act.slots:
            room = act.room_for(count(item.get("filesize")))
            if room is not None:
                got, assembly = FileGot(Outcome.FAILED, room), None
            else:
                got, assembly = await self._bring(job, info, item, key, protocol, url)
        probe = None
        if assembly is not None and got.outcome is Outcome.CAPTURED and self._config.probe and not act.options.quick:
            probe = await asyncio.to_thread(act.probed, key, got)
        act.end(key, got.outcome, got.reason, got.record, assembly=assembly.sha256 if assembly else None, probe=probe)
        return got.outcome, got.reason, assembly

    async def _bring(
        self, job: Job, info: dict[str, Any], item: dict[str, Any], key: str, protocol: str, url: str | None
    ) -> tuple[FileGot, Assembly | None]:
        headers = [(name, value) for name, value in (item.get("http_headers") or {}).items() if _header(name, value)]
        name = f"{text_of(info.get('id')) or 'media'}.f{text_of(item.get('format_id')) or '0'}.{text_of(item.get('ext')) or 'bin'}"
        about = {
            "page": job.url,
            "url": url,
            "extractor": text_of(info.get("extractor_key")),
            "id": text_of(info.get("id")),
            "part_of": key,
            **_about(item),
        }
        manifest = text_of(item.get("manifest_url"))
        known: Sha256 | None = None
        if protocol in ("http", "https") and url is not None:
            begun = self._begun(key, url)
            self._note(key, count(item.get("filesize")))
            chunk = count(at(item, "downloader_options", "http_chunk_size"))
            following = Following(self.parts)
            got = await self._act.files.get(key, url, headers=headers, chunk=chunk, begun=begun, see=following.see)
            known = await following.digest_of(got.pieces)
        elif (protocol.startswith("m3u8") and url is not None) or dicts(item.get("fragments")):
            got = await self._stream(job, key, protocol, item, headers)
            manifest = url if protocol.startswith("m3u8") else manifest
            if "mp2t" in (got.media_type or "").lower():
                name = f"{name.rpartition('.')[0]}.ts"
        else:
            return await self._by_extractor(job, item, key, about), None
        if record := self._act.by_uri.get(manifest or ""):
            about["manifest"] = record
        if not got.pieces:
            return got, None
        assembly = await asyncio.to_thread(self._assemble, name, got, about, known)
        if got.outcome is Outcome.CAPTURED:
            self._act.home.state.file_done(self._state_key(key))
        return got, assembly

    async def direct(self, key: str, url: str, attachment: Attachment) -> FileGot:
        """A file with a link of its own. It becomes an assembly only where it arrived in more than one answer."""
        begun = self._begun(key, url)
        self._note(key, attachment.size)
        got = await self._act.files.get(key, url, begun=begun)
        if len(got.pieces) > 1 or (got.pieces and got.pieces[0].capture):
            name = attachment.file_name or urlsplit(url).path.rpartition("/")[2] or "file"
            await asyncio.to_thread(self._assemble, name, got, {"url": url, "part_of": key})
        if got.outcome is Outcome.CAPTURED:
            self._act.home.state.file_done(self._state_key(key))
        return got

    # -- what is already there ---------------------------------------------------------------------------------------

    def _state_key(self, key: str) -> str:
        """Names the file without naming it: links can hold secrets, and the state is not encrypted."""
        return sha256_hex(f"{self._act.target.key}\n{key}".encode())

    def _note(self, key: str, size: int | None) -> None:
        """Remembers which captures hold parts of the file, so that a later one can go on."""
        if size is None or size >= RESUMABLE:
            self._act.home.state.file_begun(self._state_key(key), self._act.capture_id)

    def _begun(self, key: str, url: str) -> Begun | None:
        earlier = self._earlier(key)
        return begun_in(self._act.home, earlier, key) if earlier else None

    def _earlier(self, key: str) -> list[str]:
        captures = self._act.home.state.file_captures(self._state_key(key))
        return [capture for capture in captures if capture != self._act.capture_id]

    def _fragments_held(self, key: str) -> dict[tuple[str, str], Piece]:
        """Whole fragments in earlier captures, by tag and path of the link (its signature changes)."""
        held = {}
        for capture in self._earlier(key):
            folder = self._act.home.path / self._act.home.capture_folder(capture)
            try:
                lines = list(read_lines(folder / "records.jsonl"))
            except (OSError, EvidenceError):
                continue
            for line in lines:
                tag, size = line.get("tag") or "", line.get("payload_size")
                whole = (
                    line.get("status") in (200, 206) and not line.get("truncated") and isinstance(size, int) and size
                )
                if tag.startswith(f"{key} fragment ") and line.get("type") == "response" and whole:
                    held[(tag, urlsplit(line.get("uri") or "").path)] = Piece(line["id"], 0, whole, capture)
        return held

    # -- fragments -----------------------------------------------------------------------------------------------------

    async def _stream(
        self, job: Job, key: str, protocol: str, item: dict[str, Any], headers: list[tuple[str, str]]
    ) -> FileGot:
        """A file in fragments. Where these are encrypted, what is played is kept again, since they do not reproduce it."""
        self._note(key, None)
        fragments = Fragments(self._act, key, headers, self._fragments_held(key), self._config.live_seconds)
        if not protocol.startswith("m3u8"):
            return joined(await fragments.fetch(dash(item)))
        got, stream = await fragments.hls(str(item["url"]))
        if stream.encrypted and got.pieces:
            await asyncio.to_thread(self._keep_decrypted, job, key, got, stream)
        return got

    def _keep_decrypted(self, job: Job, key: str, got: FileGot, stream: Stream) -> None:
        with tempfile.TemporaryDirectory(prefix="archiver-media-", dir=self._act.home.path) as scratch:
            out = Path(scratch) / "decrypted"
            try:
                decrypted(stream, self.parts, out)
            except (ValueError, EvidenceError, OSError) as error:
                got.outcome, got.reason = Outcome.PARTIAL, f"kept encrypted: {error}"
                return
            ref = self._act.writer.resource_file(
                f"urn:archiver:decrypted:{job.url}", "video/mp2t", out, {"part_of": key, "method": "AES-128"}
            )
            got.reason = f"the fragments are encrypted; as it is played: {ref.record_id}"

    async def _by_extractor(self, job: Job, item: dict[str, Any], key: str, about: dict[str, Any]) -> FileGot:
        """A protocol of its own: yt-dlp downloads through the recorder, and the file is kept again as a resource."""
        with tempfile.TemporaryDirectory(prefix="archiver-media-", dir=self._act.home.path) as scratch:
            request = {
                "do": "download",
                "url": job.url,
                "proxy": self._act.port.proxy_for(f"{key} download"),
                "user_agent": self._config.user_agent,
                "cookies": str(self._config.cookies) if self._config.cookies else None,
                "extractor_args": self._config.extractor_args or None,
                "format": text_of(item.get("format_id")),
                "folder": scratch,
            }
            try:
                answer = await self._act.archive.extractors.run(request, self._config.live_seconds + 600)
            except (TimeoutError, ExtractorDied) as error:
                return FileGot(Outcome.FAILED, f"the download broke down: {error}")
            if "error" in answer:
                outcome, reason = outcome_of(answer["error"])
                return FileGot(outcome, reason)
            files = sorted(path for path in Path(scratch).glob("media.*") if path.suffix not in (".part", ".ytdl"))
            if not files:
                return FileGot(Outcome.PARTIAL, "the download left no file")
            ref = await asyncio.to_thread(
                self._act.writer.resource_file,
                f"youtube-dl:00001:{job.url}",
                (text_of(item.get("ext")) and f"video/{item['ext']}") or "application/octet-stream",
                files[0],
                {"part_of": key, "about": about},
            )
            return FileGot(Outcome.CAPTURED, "kept as a resource: its pieces do not reproduce it", ref.record_id)

    # -- assemblies ------------------------------------------------------------------------------------------------------

    def parts(self, pieces: list[Piece]) -> Iterator[bytes]:
        """The bytes of pieces, read back from where they lie. Raises `EvidenceError`."""
        for piece in pieces:
            path, offset = self._place(piece)
            yield from payload(path, offset, piece.offset, piece.length)

    def glimpse(self, pieces: list[Piece], start: int, length: int) -> Iterator[bytes]:
        """`length` bytes of the file from `start`."""
        for piece in pieces:
            if start >= piece.length:
                start -= piece.length
                continue
            taken = min(length, piece.length - start)
            yield from self.parts([Piece(piece.record, piece.offset + start, taken, piece.capture)])
            start, length = 0, length - taken
            if not length:
                return

    def _place(self, piece: Piece) -> tuple[Path, int]:
        act = self._act
        if piece.capture is None:
            ref = act.refs[piece.record]
            return act.writer.path_of(ref.file), ref.offset
        folder = act.home.path / act.home.capture_folder(piece.capture)
        if self._held is None or piece.record not in self._held:
            found = {
                line["id"]: (folder / line["file"], line["offset"]) for line in read_lines(folder / "records.jsonl")
            }
            self._held = {**(self._held or {}), **found}
        return self._held[piece.record]

    def _assemble(self, name: str, got: FileGot, about: dict[str, Any], known: Sha256 | None = None) -> Assembly | None:
        """Writes the assembly record. The digest is of the pieces as they lie in the WARC, not of what we remember."""
        act = self._act
        first = got.pieces[0]
        ref = act.refs.get(first.record)
        alone = len(got.pieces) == 1 and first.capture is None and first.offset == 0 and ref is not None
        if alone and ref is not None and ref.payload_digest and ref.payload_size == first.length:
            digest, size = ref.payload_digest.removeprefix("sha256:"), first.length
        else:
            try:
                whole = known or digest_of(self.parts(got.pieces))
            except (EvidenceError, OSError, KeyError) as error:
                got.outcome, got.reason = Outcome.PARTIAL, f"the pieces cannot be read back: {error}"
                return None
            digest, size = whole.hexdigest(), whole.size
            if size != got.size:
                got.outcome, got.reason = (
                    Outcome.PARTIAL,
                    f"the pieces hold {size} bytes where {got.size} were received",
                )
                return None
        if got.outcome is not Outcome.CAPTURED:
            about = {**about, "outcome": str(got.outcome), "reason": got.reason}
        name = act._clean(name)
        kind = got.media_type or (ref.line.get("content_type") if ref else None)
        about = {key: value for key, value in act._clean(about).items() if value is not None}
        assembly = Assembly(safe_name(name), kind, size, digest, tuple(got.pieces), about)
        fields = [("WARC-Refers-To", first.record)]
        extra = act._clean({"assembly": digest, "size": size, "pieces": len(got.pieces), "name": assembly.name})
        act.writer.resource(
            URI + digest, "application/json", assembly.block(), record_type="metadata", fields=fields, extra=extra
        )
        return assembly

    async def _merge(
        self, job: Job, info: dict[str, Any], assemblies: list[Assembly]
    ) -> tuple[Outcome, str | None, Assembly | None]:
        """A `conversion` of the separate video and audio into one file, on request."""
        act = self._act
        key = f"{job.key} {text_of(info.get('id')) or ''} merged"
        if not act.discover(key, "conversion", None, job.key):
            return Outcome.CAPTURED, None, None
        try:
            with tempfile.TemporaryDirectory(prefix="archiver-merge-", dir=act.home.path) as scratch:
                ref = await asyncio.to_thread(self._merged, Path(scratch), job, assemblies)
        except (convert.ConversionError, DiskError, OSError) as error:
            act.end(key, Outcome.FAILED, f"the merge failed: {error}")
            return Outcome.FAILED, f"the merge failed: {error}", None
        act.end(key, Outcome.CAPTURED, None, ref)
        return Outcome.CAPTURED, None, None

    def _merged(self, scratch: Path, job: Job, assemblies: list[Assembly]) -> str:
        paths = []
        for number_, assembly in enumerate(assemblies):
            path = scratch / f"{number_}-{assembly.name}"
            with open(path, "wb") as stream:
                for part in self.parts(list(assembly.pieces)):
                    stream.write(part)
            paths.append(path)
        out, facts = convert.merge(paths, scratch)
        facts["inputs"] = [{"name": item.name, "sha256": item.sha256} for item in assemblies]
        refers = [("WARC-Refers-To", assemblies[0].pieces[0].record)]
        ref = self._act.writer.resource_file(
            f"urn:archiver:merged:{job.url}",
            convert.media_type(out),
            out,
            facts,
            record_type="conversion",
            fields=refers,
        )
        block = json.dumps({"format": "archiver-conversion/1", "record": ref.record_id, **facts}, indent=1).encode()
        about = [("WARC-Refers-To", ref.record_id)]
        self._act.writer.resource(
            f"urn:archiver:conversion:{ref.record_id}", "application/json", block, record_type="metadata", fields=about
        )
        return ref.record_id

    # -- captions ----------------------------------------------------------------------------------------------------------

    async def _captions(
        self, job: Job, info: dict[str, Any], lang: str, automatic: bool, track: dict[str, Any]
    ) -> tuple[Outcome, str | None, None]:
        """One caption track: fetched, and read into posts."""
        act = self._act
        key = f"{job.key} {text_of(info.get('id')) or ''} captions {lang}{' automatic' if automatic else ''}"
        url = str(track["url"])
        if not act.discover(key, "captions", url, job.key, automatic=automatic, lang=lang):
            return Outcome.CAPTURED, None, None
        async with act.slots:
            got = await act.files.get(key, url, text=True, keep_body=TEXT_LIMIT)
        if got.outcome is Outcome.CAPTURED and got.done is not None and got.done.body is not None:
            body = decode_body(got.done.body, got.done.header("content-encoding"), TEXT_LIMIT)
            act.captions_read(key, got.done.uri, body or b"", got.record, lang, automatic)
        act.end(key, got.outcome, got.reason, got.record)
        return got.outcome, got.reason, None


def tracks(info: dict[str, Any]) -> list[tuple[str, bool, dict[str, Any]]]:
    """(language, automatic, track) of all captions that people wrote, and of the automatic ones in the original
    language. Machine translations into other languages are the platform's, on demand, and not part of the post."""
    found = []
    for lang, offered in (info.get("subtitles") or {}).items():
        if lang != "live_chat" and (track := _best_track(offered)):
            found.append((str(lang), False, track))
    automatic = info.get("automatic_captions") or {}
    spoken = text_of(info.get("language"))
    original = [lang for lang in automatic if lang.endswith("-orig")] or [lang for lang in automatic if lang == spoken]
    if not original and len(automatic) == 1:
        original = list(automatic)
    for lang in original:
        if track := _best_track(automatic[lang]):
            found.append((lang.removesuffix("-orig"), True, track))
    return found


def _best_track(offered: Any) -> dict[str, Any] | None:
    listed = [track for track in dicts(offered) if str(track.get("url", "")).startswith(("http://", "https://"))]
    by_form = {track.get("ext"): track for track in listed if "m3u8" not in str(track.get("protocol"))}
    return next((by_form[form] for form in ("vtt", "json3", "srv3", "srv1", "ttml", "srt") if form in by_form), None)


def _kind(item: dict[str, Any]) -> str:
    if item.get("vcodec") in (None, "none") and item.get("acodec") not in (None, "none"):
        return "audio"
    return "video"


def _header(name: Any, value: Any) -> bool:
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and name.lower() not in ("accept-encoding", "host", "connection")
    )


def _about(item: dict[str, Any]) -> dict[str, Any]:
    """What tells one format from another. Links stay out: they are in the records."""
    names = (
        "format_id",
        "ext",
        "protocol",
        "vcodec",
        "acodec",
        "width",
        "height",
        "fps",
        "tbr",
        "filesize",
        "language",
        "container",
    )
    return {name: _exact(item[name]) for name in names if item.get(name) not in (None, "none")}


def _exact(value: Any) -> Any:
    """Canonical JSON has no floats: one that is whole becomes an integer, another its text."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else str(value)
    return value if isinstance(value, str | int) else str(value)


_SHOWN = (
    "id", "title", "fulltitle", "description", "uploader", "uploader_id", "uploader_url", "channel", "channel_id", "channel_url",
    "duration", "view_count", "like_count", "comment_count", "average_rating", "age_limit", "categories", "tags", "chapters",
    "upload_date", "timestamp", "release_date", "release_timestamp", "modified_date", "live_status", "is_live", "was_live",
    "availability", "language", "webpage_url", "extractor", "extractor_key", "format_id", "format", "ext", "width", "height",
    "fps", "vcodec", "acodec", "playlist_count", "location", "license", "media_type",
)  # fmt: skip


def filtered(whole: Any) -> dict[str, Any]:
    """A description by what is allowed in it: no links but the page's, no cookies, no headers, nothing unknown."""
    if not isinstance(whole, dict):
        return {}
    shown = {name: whole[name] for name in _SHOWN if whole.get(name) is not None}
    for name in ("formats", "requested_formats"):
        if dicts(whole.get(name)):
            shown[name] = [{**_about(item), "note": item.get("format_note")} for item in dicts(whole[name])]
    for name in ("subtitles", "automatic_captions"):
        if isinstance(whole.get(name), dict):
            shown[name] = sorted(whole[name])
    if dicts(whole.get("entries")):
        shown["entries"] = [filtered(entry) for entry in dicts(whole["entries"])]
    return shown


def free_room(path: Path, size: int | None, reserve: int) -> str | None:
    """Why a file of `size` bytes should not be started, or None."""
    free = shutil.disk_usage(path).free - reserve
    if size is not None and size > free:
        return f"no room on the disk: the file has {size} bytes and {max(0, free)} are free; free some space and capture the link again"
    return f"no room on the disk: fewer than {reserve} bytes are left" if free <= 0 else None
