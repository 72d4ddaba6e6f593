"""Posts out of saved platform bytes, offline: HTML, JSON, JSON lines, gzip of these, HAR, WARC, WACZ."""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from archiver.checks.foreign import ForeignReport
from archiver.checks.packages import check_path, unpackable
from archiver.errors import NotFound, UsageError
from archiver.recorder.content_coding import decode_body
from spiders import platforms
from spiders.json_access import at, load, shape
from spiders.links import safe_split
from spiders.platform import Named, ParserUse, PlatformAnswers, Trust, imported
from spiders.posts import Outcome, Parsed
from storage.errors import FormatError, disk_error
from storage.warc import read_warc

LIMIT = 256 << 20
_TEXTS = {
    "application/xhtml+xml", "application/json", "text/json", "application/json+protobuf", "text/vtt", "text/xml",
    "application/atom+xml", "application/xml", "application/rss+xml",
}  # fmt: skip


@dataclass(frozen=True)
class BodyReading:
    """One body that was read, and where in the file it stood."""

    source: str
    url: str | None
    parsed: Parsed

    @property
    def damaged(self) -> bool:
        """Whether nothing could be read because the file is damaged, or not what its signature covers."""
        return not self.parsed.posts and (self.parsed.reason or "").startswith(("damage:", "signature:"))


def read_file(path: Path, url: str | None = None) -> Iterator[BodyReading]:
    """Yield everything that can be read in the file. Raises `NotFound`, `UsageError`, `FormatError`."""
    try:
        with open(path, "rb") as stream:
            start = stream.read(16)
            size = path.stat().st_size
    except FileNotFoundError as error:
        raise NotFound(f"a file {path}", "none", "Check the name.") from error
    except OSError as error:
        raise disk_error(error, f"reading {path.name}") from error
    report = check_path(path)
    if report is not None and report.form in ("warc", "arc"):
        with open(path, "rb") as stream:
            yield from _warc(_regular(stream, report), path.name)
        yield from _findings(report, path.name)
        return
    if report is not None:
        if report.form == "wacz":
            yield from _wacz(path)
        yield from _findings(report, path.name)
        return
    if size > LIMIT:
        raise UsageError(
            f"a file below {LIMIT >> 20} MiB", f"{size >> 20} MiB", "Give the pages one by one, or as WARC."
        )
    data = path.read_bytes()
    if start.startswith(b"\x1f\x8b"):
        plain = decode_body(data, "gzip", LIMIT)
        if plain is None:
            raise FormatError("whole gzip data of reasonable size", "damaged or enormous data", "Try another copy.")
        if plain.startswith(b"WARC/"):
            yield from _warc(io.BytesIO(data), path.name)
            return
        data = plain
    yield from read_bytes(data, url, path.name)


def _regular(stream: Any, report: ForeignReport) -> Any:
    """Open a WARC that is one gzip member as a whole as what is inside it."""
    whole = report.facts.get("gzip_members") == 1 and report.facts.get("records", 0) > 1
    return gzip.GzipFile(fileobj=stream) if whole else stream


def _findings(report: ForeignReport, source: str) -> Iterator[BodyReading]:
    """Give what the check of a package found, as typed reasons: damage is never an empty success."""
    for finding in report.findings:
        if finding.kind != "form":
            parsed = Parsed(
                platform="unknown", layout=report.form, outcome=Outcome.PARTIAL, reason=f"{finding.kind}: {finding}"
            )
            yield BodyReading(source, None, parsed)


def _wacz(path: Path) -> Iterator[BodyReading]:
    """Read the WARC files inside a WACZ. What the check refuses to unpack is not opened."""
    try:
        with zipfile.ZipFile(path) as archive:
            if unpackable(archive) is not None:
                return
            for name in sorted(archive.namelist()):
                if name.startswith("archive/") and re.search(r"\.w?arc(\.gz)?$", name):
                    with archive.open(name) as stream:
                        yield from _warc(stream, f"{path.name}/{name}")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError):
        return  # said by the check


def read_bytes(data: bytes, url: str | None, source: str) -> Iterator[BodyReading]:
    """Read a body of any known kind. Never raises: what is not recognised is reported as such."""
    kind, value = sniff(data)
    if kind == "har":
        yield from _har(value, source)
    elif kind == "recording":
        yield from _recording(value, source)
    elif kind == "json lines":
        for number, line in enumerate(data.splitlines(), 1):
            if line.strip():
                yield BodyReading(f"{source}:{number}", url, parse_body(line, url))
    else:
        yield BodyReading(source, url, parse_body(data, url))


def sniff(data: bytes) -> tuple[str, Any]:
    """Return the kind: html, json, json lines, har, recording or unknown.

    With it comes the JSON value, where the body is one.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    start = data.lstrip()[:1]
    if start in (b"{", b"[", b'"'):
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            lines = data.strip().splitlines()
            if len(lines) > 1 and _is_json(lines[0]) and any(_is_json(line) for line in lines[1:4]):
                return "json lines", None
            return "unknown", None
        if (
            isinstance(value, dict)
            and isinstance(value.get("log"), dict)
            and isinstance(value["log"].get("entries"), list)
        ):
            return "har", value
        if (
            isinstance(value, dict)
            and isinstance(value.get("request"), dict)
            and isinstance(value.get("response"), dict)
        ):
            return "recording", value
        return "json", value
    return ("html" if start == b"<" else "unknown"), None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def parse_body(
    data: bytes, url: str | None, content_type: str | None = None, observed: datetime | None = None
) -> Parsed:
    """Parse a body by the parser that its link or its marks name. `observed`: when it was received."""

    def read(use: ParserUse) -> Parsed:
        told = {"content_type": content_type, "observed": observed}
        parsed: Parsed = imported(use.parser)(data, url, **{name: told[name] for name in use.takes})
        return parsed

    table = platforms.PLATFORMS
    host = (safe_split(url or "").hostname or "").lower()
    for answers in (platform.answers for platform in table):
        if host in answers.hosts or _marked(answers, data, Trust.OVER_HOST):
            return read(answers.parse)
        if not host and _marked(answers, data, Trust.WITHOUT_HOST):
            return read(answers.parse)
    kind, value = sniff(data)
    last = [platform.answers for platform in reversed(table)]  # X's shapes are loose: they are tried late
    if kind == "json":
        for answers in last:
            if answers.is_json is not None and imported(answers.is_json)(value):
                return read(answers.parse_json or answers.parse)
        return Parsed(
            platform="unknown", layout="unknown", outcome=Outcome.PARTIAL, reason=f"unknown layout: {shape(value)}"
        )
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return Parsed(platform="unknown", layout="unknown", outcome=Outcome.FAILED, reason="malformed JSON")
    for answers in last:
        if _marked(answers, data, Trust.LAST):
            return read(answers.parse)
    return read(platforms.PAGE.answers.parse)


def _marked(answers: PlatformAnswers, data: bytes, trust: Trust) -> bool:
    return answers.marks is not None and answers.marks.trust is trust and answers.marks.are_in(data)


def _recording(value: dict[str, Any], source: str) -> Iterator[BodyReading]:
    """Read one exchange as NewPipe's tests keep it: `request.url`, `response.responseBody`, header lists."""
    request, response = value["request"], value["response"]
    url, body = request.get("url"), response.get("responseBody")
    if not isinstance(body, str):
        return
    dates = at(response, "responseHeaders", "date")
    observed = http_date(dates[0]) if isinstance(dates, list) and dates and isinstance(dates[0], str) else None
    url = url if isinstance(url, str) else None
    yield BodyReading(source, url, parse_body(body.encode("utf-8", "replace"), url, None, observed))


def http_date(text: str) -> datetime | None:
    """Parse a date of an HTTP header (RFC 9110 5.6.7); None where it is none, or has no zone."""
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None


def _har(value: dict[str, Any], source: str) -> Iterator[BodyReading]:
    """Read HAR 1.2: `log.entries[].response.content`, text or base64."""
    for number, entry in enumerate(value["log"]["entries"]):
        if not isinstance(entry, dict):
            continue
        request, response = entry.get("request"), entry.get("response")
        content = response.get("content") if isinstance(response, dict) else None
        url = request.get("url") if isinstance(request, dict) else None
        if not isinstance(content, dict) or not isinstance(content.get("text"), str):
            continue
        kind = str(content.get("mimeType") or "")
        if not _is_text(kind):
            continue
        text: str = content["text"]
        try:
            data = base64.b64decode(text) if content.get("encoding") == "base64" else text.encode("utf-8", "replace")
        except (binascii.Error, ValueError):
            continue
        url = url if isinstance(url, str) else None
        observed = _moment(entry.get("startedDateTime"))
        yield BodyReading(
            f"{source}#{number}", url, parse_body(data, url, kind if "charset" in kind else None, observed)
        )


def _warc(stream: Any, source: str) -> Iterator[BodyReading]:
    records = enumerate(read_warc(stream))
    objects: dict[Named, dict[bytes, dict[str, Any]]] = {}
    while True:
        try:
            number, record = next(records)
        except StopIteration:
            for parser, kept in objects.items():
                yield BodyReading(source, None, imported(parser)(kept.values(), linked=True))
            return
        except FormatError as error:
            parsed = Parsed(platform="unknown", layout="warc", outcome=Outcome.PARTIAL, reason=f"damage: {error.found}")
            yield BodyReading(source, None, parsed)
            return
        if record.type not in ("response", "resource"):
            continue
        kind = record.http("content-type") or record.get("content-type") or ""
        if (record.type == "response" and record.http_status is None) or not _is_text(kind):
            continue
        try:
            data = record.stream.read(LIMIT + 1)
        except (OSError, ValueError, zlib.error) as error:
            parsed = Parsed(platform="unknown", layout="warc", outcome=Outcome.PARTIAL, reason=f"damage: {error}")
            yield BodyReading(f"{source}#{number}", record.uri, parsed)
            return
        body = decode_body(data, record.http("content-encoding"), LIMIT)
        if (reader := _objects_of(record.uri or "")) is not None:
            value = load(body or b"")
            if isinstance(value, dict) and body is not None:
                objects.setdefault(reader, {})[body] = value
            continue
        if body is None:
            yield BodyReading(
                f"{source}#{number}",
                record.uri,
                Parsed(platform="unknown", layout="unknown", outcome=Outcome.PARTIAL, reason="body cannot be decoded"),
            )
            continue
        yield BodyReading(
            f"{source}#{number}", record.uri, parse_body(body, record.uri, kind, _moment(record.get("warc-date")))
        )


def _objects_of(uri: str) -> Named | None:
    """The parser of what was kept as objects of its own, by its address."""
    for answers in (platform.answers for platform in platforms.PLATFORMS):
        if answers.objects_urn is not None and uri.startswith(answers.objects_urn):
            return answers.parse_objects
    return None


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None


def _is_text(kind: str) -> bool:
    base = kind.split(";")[0].strip().lower()
    return base in _TEXTS or base.startswith("text/html")
