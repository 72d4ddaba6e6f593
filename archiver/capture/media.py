"""Media of posts and pages: yt-dlp says where the files are, the streaming fetcher brings them into the WARC.

yt-dlp runs in processes of its own and reaches the network through the recorder, so what it asks and hears is part of
the record. It does not download: each format, fragment and caption track is fetched straight into the WARC, once.
Each served file becomes an assembly of the answers it arrived in. Only where a format has no links that can be
fetched (a protocol of its own) does yt-dlp download it, through the recorder; the file is then kept as a `resource`.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from archiver.capture.assemblies import AssemblyBuilder, RunningDigest
from archiver.capture.context import CaptureContext
from archiver.capture.fetcher import FetchedFile, Fetcher, FetchRequest
from archiver.capture.media_proof import MediaProof
from archiver.capture.posts import CaptionTrack, PostIntake
from archiver.capture.resume import PartialFile, begun_in
from archiver.capture.segments import SegmentedDownload, SegmentedStream, dash, dash_seconds, decrypted, joined
from archiver.home.scratch import scratch
from archiver.recorder.content_coding import decode_body
from archiver.tools import ffmpeg
from archiver.tools.media.judgement import Stated
from archiver.tools.media.kinds import MANIFESTS
from archiver.tools.ytdlp_info import SPOKEN, about_format, filtered, is_header, kind_of, outcome_of, tracks
from archiver.tools.ytdlp_pool import ExtractorDied, ExtractorPool
from archiver.tools.ytdlp_worker import stated_options
from spiders.json_access import at, count, dicts, length_of, text_of
from spiders.links import safe_split
from spiders.posts import Attachment, Outcome
from spiders.targets import Target, parse_target
from storage.assembly import Assembly, Piece
from storage.digest import Sha256, sha256_hex
from storage.errors import DiskError, EvidenceError
from storage.lines import read_lines

INFO_TYPE = "application/vnd.youtube-dl_formats+json;charset=utf-8"
"""brozzler's media type for a description by yt-dlp."""
TEXT_LIMIT = 32 << 20
ENTRIES = 50
BEGINNING = 4096
"""Bytes by which a page is told that came in place of a file, and what a manifest says of a stream."""
RESUMABLE = 4 << 20
"""Files below this size are not worth a note on where they stand, bytes."""


@dataclass(frozen=True)
class MediaJob:
    """One page whose media are wanted. `key`: its attachment in the inventory, under which its files are listed."""

    key: str
    url: str
    page_record: str | None = None
    extras: bool = True
    """Captions too."""
    files: bool = True
    """The media themselves."""
    stated: Stated | None = None
    """What the post says of them, where it does."""
    most: int = ENTRIES
    """Videos that are taken of a page with several."""


@dataclass
class _Brought:
    """One served file as it was fetched, and what its assembly is to say of it."""

    got: FetchedFile
    name: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    digest: Sha256 | None = None
    seconds: float | None = None
    """Its length by the manifest."""
    judged: bool = True
    """Whether its bytes are the medium: not where they are encrypted, or lie in a resource."""


class MediaDownload:
    """Fetches the media of one capture."""

    def __init__(
        self,
        context: CaptureContext,
        fetcher: Fetcher,
        assemblies: AssemblyBuilder,
        posts: PostIntake,
        proof: MediaProof,
        extractors: ExtractorPool,
    ) -> None:
        self._context, self._config, self._inventory = context, context.config, context.inventory
        self._fetcher, self._assemblies = fetcher, assemblies
        self._posts, self._proof, self._extractors = posts, proof, extractors
        self.facts: dict[str, Any] | None = None

    async def take(self, job: MediaJob) -> tuple[Outcome, str | None, str | None]:
        """Fetch everything of one page, and end its files in the inventory; the caller ends `job.key` itself."""
        proxy = self._context.port.proxy_for(f"media {job.key}")
        request = {
            "do": "extract",
            "url": job.url,
            "proxy": proxy,
            "user_agent": self._config.user_agent,
            "cookies": str(path) if (path := self._cookies(job.url)) else None,
            "extractor_args": self._config.extractor_args or None,
            "most": job.most + 1,
        }
        try:
            answer = await self._extractors.run(request, self._config.extract_seconds)
        except TimeoutError:
            return Outcome.FAILED, f"the extractor took longer than {self._config.extract_seconds:.0f} s", None
        except ExtractorDied as error:
            return Outcome.FAILED, f"the extractor failed: {error}", None
        self._remember()
        if "error" in answer:
            outcome, reason = outcome_of(answer["error"])
            if (stopped := self._context.port.stopped) and outcome is Outcome.FAILED:
                reason = stopped
            return outcome, reason, None
        info = answer["info"]
        record = self._keep_info(job, answer)
        self._posts.take_description(answer["whole"], record)
        if not isinstance(info, dict):
            return Outcome.PARTIAL, "the extractor found nothing", record
        entries = dicts(info.get("entries")) if info.get("_type") in ("playlist", "multi_video") else [info]
        ends = [end for entry in entries[: job.most] for end in await self._entry(job, entry)]
        if len(entries) > job.most:
            ends.append((Outcome.PARTIAL, f"more than {job.most} videos on the page, the first {job.most} taken"))
        if not ends and job.files:
            return Outcome.PARTIAL, "the extractor names no file", record
        bad = [(outcome, reason) for outcome, reason in ends if outcome is not Outcome.CAPTURED]
        if not bad:
            return Outcome.CAPTURED, None, record
        if len(bad) == len(ends) and len({outcome for outcome, _ in bad}) == 1:
            return bad[0][0], bad[0][1], record
        return Outcome.PARTIAL, f"{len(bad)} of {len(ends)} files incomplete: {bad[0][1]}", record

    def _cookies(self, url: str) -> Path | None:
        """The account's cookies.txt that counts for a page."""
        found = parse_target(url)
        return self._config.cookies_file(found.platform if isinstance(found, Target) else "")

    def _remember(self) -> None:
        """What the manifest says of the program that looked for the media."""
        pool = self._extractors
        self.facts = {
            "extractor": f"yt-dlp {pool.version}",
            "js_runtime": pool.runtime,
            "fences": pool.fences,
            "options": stated_options(),
            "captions": "all that people wrote, automatic ones in the original language",
            "logged_in": bool(self._config.cookies),
        }

    def _keep_info(self, job: MediaJob, answer: dict[str, Any]) -> str | None:
        """The whole description goes to the private record, since it holds signed links and our address."""
        writer = self._context.writer
        whole = json.dumps(answer["whole"], ensure_ascii=False, sort_keys=True, default=str).encode(
            "utf-8", "backslashreplace"
        )
        held = writer.withhold([("media", "info.json", whole)])
        shown = filtered(answer["whole"])
        shown["withheld"] = {"name": "info.json", "commitment": held[0].commitment}
        shown["extractor_version"] = self._extractors.version
        fields = [("WARC-Refers-To", job.page_record)] if job.page_record else []
        block = json.dumps(self._context.secrets.clean(shown), ensure_ascii=False, indent=1).encode(
            "utf-8", "backslashreplace"
        )
        ref = writer.resource(f"youtube-dl:{job.url}", INFO_TYPE, block, record_type="metadata", fields=fields)
        return ref.record_id

    # -- one video -------------------------------------------------------------------------------------------------

    async def _entry(self, job: MediaJob, info: dict[str, Any]) -> list[tuple[Outcome, str | None]]:
        formats = dicts(info.get("requested_formats")) or [info]
        formats = [item for item in formats if job.files and (text_of(item.get("url")) or item.get("fragments"))]
        work = [self._format(job, info, item) for item in formats]
        if job.extras:
            work += [self._captions(job, info, *track) for track in tracks(info)]
        ends = list(await asyncio.gather(*work))
        files = [assembly for _, _, assembly in ends if assembly is not None]
        if self._context.options.merge and len(files) > 1:
            ends.append(await self._merge(job, info, files))
        return [(outcome, reason) for outcome, reason, _ in ends]

    async def _format(
        self, job: MediaJob, info: dict[str, Any], item: dict[str, Any]
    ) -> tuple[Outcome, str | None, Assembly | None]:
        """One served file, entered in the inventory under its page's attachment."""
        inventory = self._inventory
        name = text_of(item.get("format_id")) or "file"
        kind = kind_of(item)
        key = f"{job.key} {text_of(info.get('id')) or ''} {kind} {name}".replace("  ", " ")
        url = text_of(item.get("url"))
        if not inventory.discover(key, kind, url, job.key, format=about_format(item)):
            return Outcome.CAPTURED, None, None
        async with self._context.slots:
            room = self._context.room_for(count(item.get("filesize")))
            brought = (
                await self._bring(job, info, item, key) if room is None else _Brought(FetchedFile(Outcome.FAILED, room))
            )
        facts: dict[str, Any] = {}
        if brought.judged:
            brought, facts = await self._judged(job, info, item, key, brought)
        got, assembly = brought.got, None
        if got.pieces:
            assembly = await asyncio.to_thread(
                self._assemblies.assemble, brought.name, got, brought.about, brought.digest
            )
        digest = assembly.sha256 if assembly else None
        inventory.end(key, got.outcome, got.reason, got.record, assembly=digest, **got.facts, **facts)
        return got.outcome, got.reason, assembly

    async def _judged(
        self, job: MediaJob, info: dict[str, Any], item: dict[str, Any], key: str, brought: _Brought
    ) -> tuple[_Brought, dict[str, Any]]:
        """Judge a served file against what the post, the description or the manifest states; ask once more if need be."""
        length = job.stated.duration if job.stated else None
        if length is None and not info.get("is_live"):
            length = length_of(info.get("duration")) or brought.seconds
        stated = Stated(kind_of(item), length, count(item.get("width")), count(item.get("height")))
        latest = [brought]

        async def again() -> FetchedFile:
            async with self._context.slots:
                latest.append(await self._bring(job, info, item, key, fresh=True))
            return latest[-1].got

        got, facts = await self._proof.settled(key, stated, brought.got, again)
        if facts.get("found") in MANIFESTS and got.outcome is Outcome.CAPTURED:
            got = replace(got, outcome=Outcome.PARTIAL, reason="the manifest of a stream came in place of the media")
        chosen = next(one for one in reversed(latest) if one.got.record == got.record)
        return replace(chosen, got=got), facts

    async def _bring(
        self, job: MediaJob, info: dict[str, Any], item: dict[str, Any], key: str, fresh: bool = False
    ) -> _Brought:
        """Fetch one served file. `fresh`: a second time, from its beginning."""
        protocol, url = str(item.get("protocol") or ""), text_of(item.get("url"))
        headers = [(name, value) for name, value in (item.get("http_headers") or {}).items() if is_header(name, value)]
        ending = text_of(item.get("ext")) or "bin"
        name = f"{text_of(info.get('id')) or 'media'}.f{text_of(item.get('format_id')) or '0'}.{ending}"
        about = {
            "page": job.url,
            "extractor": text_of(info.get("extractor_key")),
            "id": text_of(info.get("id")),
            "part_of": key,
            **about_format(item),
        }
        tag = f"{key} again" if fresh else key
        manifest = text_of(item.get("manifest_url"))
        if protocol in ("http", "https") and url is not None:
            brought = await self._served_whole(tag, url, item, headers, fresh)
        elif (protocol.startswith("m3u8") and url is not None) or dicts(item.get("fragments")):
            brought = await self._stream(job, tag, protocol, item, headers)
            manifest = url if protocol.startswith("m3u8") else manifest
            if "mp2t" in (brought.got.media_type or "").lower():
                name = f"{name.rpartition('.')[0]}.ts"
        elif protocol in SPOKEN:
            return _Brought(await self._by_extractor(job, item, key, about), judged=False)
        else:
            said = f"{protocol or 'no protocol'}: not one that can be recorded; nothing was asked"
            return _Brought(FetchedFile(Outcome.FAILED, said), judged=False)
        if record := self._context.exchanges.record_of(manifest or ""):
            about["manifest"] = record
        if brought.got.outcome is Outcome.CAPTURED:
            self._context.home.state.file_done(self._state_key(key))
        return replace(brought, name=name, about=about)

    async def _served_whole(
        self, tag: str, url: str, item: dict[str, Any], headers: list[tuple[str, str]], fresh: bool
    ) -> _Brought:
        begun = None if fresh else self._begun(tag, url)
        self._note(tag, count(item.get("filesize")))
        chunk = count(at(item, "downloader_options", "http_chunk_size"))
        following = RunningDigest(self._assemblies.parts)
        request = FetchRequest(tag, url, headers=headers, chunk=chunk, partial=begun, see=following.see)
        got = await self._fetcher.fetch(request)
        return _Brought(got, digest=await following.digest_of(got.pieces))

    async def direct(self, key: str, url: str, attachment: Attachment) -> FetchedFile:
        """Fetch a file with a link of its own, from where an earlier capture stopped."""
        begun = self._begun(key, url)
        self._note(key, attachment.size)
        got = await self._fetcher.fetch(FetchRequest(key, url, partial=begun))
        if got.outcome is Outcome.CAPTURED:
            self._context.home.state.file_done(self._state_key(key))
        return got

    async def assembled(self, key: str, url: str, file_name: str | None, got: FetchedFile) -> None:
        """Write how a file is put together, where it arrived in more than one answer."""
        if len(got.pieces) > 1 or (got.pieces and got.pieces[0].capture):
            name = file_name or safe_split(url).path.rpartition("/")[2] or "file"
            made = await asyncio.to_thread(self._assemblies.assemble, name, got, {"url": url, "part_of": key})
            got.assembly = made.sha256 if made else None

    # -- what is already there ---------------------------------------------------------------------------------------

    def _state_key(self, key: str) -> str:
        """Names the file without naming it: links can hold secrets, and the state is not encrypted."""
        return sha256_hex(f"{self._context.target.key}\n{key}".encode())

    def _note(self, key: str, size: int | None) -> None:
        """Remembers which captures hold parts of the file, so that a later one can go on."""
        if size is None or size >= RESUMABLE:
            self._context.home.state.file_begun(self._state_key(key), self._context.capture_id)

    def _begun(self, key: str, url: str) -> PartialFile | None:
        earlier = self._earlier(key)
        return begun_in(self._context.home, earlier, key) if earlier else None

    def _earlier(self, key: str) -> list[str]:
        captures = self._context.home.state.file_captures(self._state_key(key))
        return [capture for capture in captures if capture != self._context.capture_id]

    def _fragments_held(self, key: str) -> dict[tuple[str, str], Piece]:
        """Whole fragments in earlier captures, by tag and path of the link (its signature changes)."""
        held = {}
        for capture in self._earlier(key):
            folder = self._context.home.path / self._context.home.capture_folder(capture)
            try:
                lines = list(read_lines(folder / "records.jsonl"))
            except (OSError, EvidenceError):
                continue
            for line in lines:
                tag, size = line.get("tag") or "", line.get("payload_size")
                whole = (
                    line.get("status") in (200, 206) and not line.get("truncated") and isinstance(size, int) and size
                )
                if tag.startswith(f"{key} fragment ") and line.get("type") in ("response", "revisit") and whole:
                    where = line.get("refers") or {"capture": capture, "record": line["id"]}
                    link = (tag, safe_split(line.get("uri") or "").path)
                    held[link] = Piece(where["record"], 0, whole, where["capture"])
        return held

    # -- fragments -----------------------------------------------------------------------------------------------------

    async def _stream(
        self, job: MediaJob, key: str, protocol: str, item: dict[str, Any], headers: list[tuple[str, str]]
    ) -> _Brought:
        """A file in fragments. Where these are encrypted, what is played is kept again, since they do not reproduce it."""
        self._note(key, None)
        fragments = SegmentedDownload(
            self._context, self._fetcher, key, headers, self._fragments_held(key), self.beginning
        )
        if not protocol.startswith("m3u8"):
            named = dash(item)
            got = joined([*await fragments.fetch(named), *fragments.left_out(len(named))])
            return _Brought(got, seconds=dash_seconds(item))
        got, stream = await fragments.hls(str(item["url"]))
        if stream.encrypted and got.pieces:
            await asyncio.to_thread(self._keep_decrypted, job, key, got, stream)
        return _Brought(got, seconds=stream.seconds, judged=not stream.encrypted and not stream.sealed)

    async def beginning(self, pieces: list[Piece]) -> bytes:
        """Return the first bytes of what was fetched; none where it cannot be read back, which `check` will say."""

        def read() -> bytes:
            return b"".join(self._assemblies.glimpse(pieces, 0, BEGINNING))

        try:
            return await asyncio.to_thread(read)
        except (EvidenceError, OSError, KeyError):
            return b""

    def _keep_decrypted(self, job: MediaJob, key: str, got: FetchedFile, stream: SegmentedStream) -> None:
        with scratch(self._context.home.path, "media") as folder:
            out = folder / "decrypted"
            try:
                decrypted(stream, self._assemblies.parts, out)
            except (ValueError, EvidenceError, OSError) as error:
                got.outcome, got.reason = Outcome.PARTIAL, f"kept encrypted: {error}"
                return
            ref = self._context.writer.resource_file(
                f"urn:archiver:decrypted:{job.url}", "video/mp2t", out, {"part_of": key, "method": "AES-128"}
            )
            got.reason = f"the fragments are encrypted; decrypted copy: {ref.record_id}"

    async def _by_extractor(self, job: MediaJob, item: dict[str, Any], key: str, about: dict[str, Any]) -> FetchedFile:
        """A protocol of its own: yt-dlp downloads through the recorder, and the file is kept again as a resource."""
        with scratch(self._context.home.path, "media") as folder:
            request = {
                "do": "download",
                "url": job.url,
                "proxy": self._context.port.proxy_for(f"{key} download"),
                "user_agent": self._config.user_agent,
                "cookies": str(path) if (path := self._cookies(job.url)) else None,
                "extractor_args": self._config.extractor_args or None,
                "format": text_of(item.get("format_id")),
                "folder": str(folder),
            }
            try:
                answer = await self._extractors.run(request, self._config.live_seconds + 600)
            except (TimeoutError, ExtractorDied) as error:
                return FetchedFile(Outcome.FAILED, f"the download failed: {error}")
            if "error" in answer:
                outcome, reason = outcome_of(answer["error"])
                return FetchedFile(outcome, reason)
            files = sorted(path for path in folder.glob("media.*") if path.suffix not in (".part", ".ytdl"))
            if not files:
                return FetchedFile(Outcome.PARTIAL, "the download left no file")
            ref = await asyncio.to_thread(
                self._context.writer.resource_file,
                f"youtube-dl:00001:{job.url}",
                (text_of(item.get("ext")) and f"video/{item['ext']}") or "application/octet-stream",
                files[0],
                {"part_of": key, "about": about},
            )
            return FetchedFile(Outcome.CAPTURED, "kept as a resource: its pieces do not reproduce it", ref.record_id)

    # -- assemblies ------------------------------------------------------------------------------------------------------

    async def _merge(
        self, job: MediaJob, info: dict[str, Any], assemblies: list[Assembly]
    ) -> tuple[Outcome, str | None, Assembly | None]:
        """A `conversion` of the separate video and audio into one file, on request."""
        inventory = self._inventory
        key = f"{job.key} {text_of(info.get('id')) or ''} merged"
        if not inventory.discover(key, "conversion", None, job.key):
            return Outcome.CAPTURED, None, None
        try:
            with scratch(self._context.home.path, "merge") as folder:
                ref = await asyncio.to_thread(self._merged, folder, job, assemblies)
        except (ffmpeg.ConversionError, DiskError, OSError) as error:
            inventory.end(key, Outcome.FAILED, f"the merge failed: {error}")
            return Outcome.FAILED, f"the merge failed: {error}", None
        inventory.end(key, Outcome.CAPTURED, None, ref)
        return Outcome.CAPTURED, None, None

    def _merged(self, folder: Path, job: MediaJob, assemblies: list[Assembly]) -> str:
        paths = []
        for number_, assembly in enumerate(assemblies):
            path = folder / f"{number_}-{assembly.name}"
            with open(path, "wb") as stream:
                for part in self._assemblies.parts(list(assembly.pieces)):
                    stream.write(part)
            paths.append(path)
        out, facts = ffmpeg.merge(paths, folder)
        facts["inputs"] = [{"name": item.name, "sha256": item.sha256} for item in assemblies]
        refers = [("WARC-Refers-To", assemblies[0].pieces[0].record)]
        ref = self._context.writer.resource_file(
            f"urn:archiver:merged:{job.url}",
            ffmpeg.media_type(out),
            out,
            facts,
            record_type="conversion",
            fields=refers,
        )
        block = json.dumps({"format": "archiver-conversion/1", "record": ref.record_id, **facts}, indent=1).encode()
        about = [("WARC-Refers-To", ref.record_id)]
        self._context.writer.resource(
            f"urn:archiver:conversion:{ref.record_id}", "application/json", block, record_type="metadata", fields=about
        )
        return ref.record_id

    # -- captions ----------------------------------------------------------------------------------------------------------

    async def _captions(
        self, job: MediaJob, info: dict[str, Any], lang: str, automatic: bool, track: dict[str, Any]
    ) -> tuple[Outcome, str | None, None]:
        """One caption track: fetched, and read into posts."""
        inventory = self._inventory
        key = f"{job.key} {text_of(info.get('id')) or ''} captions {lang}{' automatic' if automatic else ''}"
        url = str(track["url"])
        if not inventory.discover(key, "captions", url, job.key, automatic=automatic, lang=lang):
            return Outcome.CAPTURED, None, None
        async with self._context.slots:
            got = await self._fetcher.fetch(FetchRequest(key, url, text=True, keep_body=TEXT_LIMIT))
        if got.outcome is Outcome.CAPTURED and got.done is not None and got.done.body is not None:
            body = decode_body(got.done.body, got.done.header("content-encoding"), TEXT_LIMIT)
            self._posts.take_captions(key, CaptionTrack(got.done.uri, body or b"", lang, automatic), got.record)
        inventory.end(key, got.outcome, got.reason, got.record, **got.facts)
        return got.outcome, got.reason, None
