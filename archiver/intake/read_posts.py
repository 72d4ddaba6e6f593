"""`archiver parse`: platform bytes from a file → posts, offline. HTML, JSON, JSON lines, gzip of these, HAR, WARC, WACZ."""

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

from archiver.checks.foreign import Report
from archiver.checks.packages import check_path, unpackable
from archiver.errors import NotFound, UsageError
from archiver.recorder.content_coding import decode_body
from spiders.facebook.parse import parse as parse_facebook
from spiders.links import safe_split
from spiders.page.parse import parse as parse_page
from spiders.posts import Outcome, Parsed
from spiders.shapes import at, load, shape
from spiders.targets import FACEBOOK_HOSTS, TELEGRAM_HOSTS, X_HOSTS, YOUTUBE_HOSTS
from spiders.telegram.messages import is_messages, parse_objects
from spiders.telegram.messages import parse as parse_messages
from spiders.telegram.parse import parse as parse_telegram
from spiders.x.parse import is_x
from spiders.x.parse import parse as parse_x
from spiders.youtube.parse import is_youtube
from spiders.youtube.parse import parse as parse_youtube
from storage.errors import FormatError, disk_error
from storage.warc import read_warc

LIMIT = 256 << 20
X_ANSWERS = X_HOSTS | {"cdn.syndication.twimg.com", "syndication.twitter.com", "api.x.com", "api.twitter.com"}
YOUTUBE_ANSWERS = YOUTUBE_HOSTS | {"youtu.be", "youtubei.googleapis.com"}
_YOUTUBE_MARKS = (
    b"ytInitialPlayerResponse", b"ytInitialData", b"xmlns:yt=", b"captcha-page", b"<timedtext", b"<transcript",
)  # fmt: skip
_FACEBOOK_MARK = re.compile(rb"<html[^>]*\bid=\"facebook\"")
_X_MARKS = (b"abs.twimg.com/", b"twitter://status?id=")
_TEXTS = {
    "application/xhtml+xml", "application/json", "text/json", "application/json+protobuf", "text/vtt", "text/xml",
    "application/atom+xml", "application/xml", "application/rss+xml",
}  # fmt: skip
_TELEGRAM_MARKS = (b"tgme_widget_message", b"tgme_page", b"tgme_channel_history", b"tme_no_messages_found")


@dataclass(frozen=True)
class Reading:
    """One body that was read, and where in the file it stood."""

    source: str
    url: str | None
    parsed: Parsed


def read_file(path: Path, url: str | None = None) -> Iterator[Reading]:
    """Readings of everything in the file. Raises `NotFound`, `UsageError`, `FormatError`."""
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


def _regular(stream: Any, report: Report) -> Any:
    """A WARC that is one gzip member as a whole is read as what is inside it."""
    whole = report.facts.get("gzip_members") == 1 and report.facts.get("records", 0) > 1
    return gzip.GzipFile(fileobj=stream) if whole else stream


def _findings(report: Report, source: str) -> Iterator[Reading]:
    """What the check of a package found, as typed reasons: damage is never an empty success."""
    for finding in report.findings:
        if finding.kind != "form":
            parsed = Parsed("unknown", report.form, outcome=Outcome.PARTIAL, reason=f"{finding.kind}: {finding}")
            yield Reading(source, None, parsed)


def _wacz(path: Path) -> Iterator[Reading]:
    """Readings of the WARC files inside a WACZ. What the check refuses to unpack is not opened."""
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


def read_bytes(data: bytes, url: str | None, source: str) -> Iterator[Reading]:
    """Readings of a body of any known kind. Total: what is not recognised is said to be so."""
    kind, value = sniff(data)
    if kind == "har":
        yield from _har(value, source)
    elif kind == "recording":
        yield from _recording(value, source)
    elif kind == "json lines":
        for number, line in enumerate(data.splitlines(), 1):
            if line.strip():
                yield Reading(f"{source}:{number}", url, parse_body(line, url))
    else:
        yield Reading(source, url, parse_body(data, url))


def sniff(data: bytes) -> tuple[str, Any]:
    """(html | json | json lines | har | recording | unknown, the JSON value where it is one)."""
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
    """Gives the body to the parser that its link or its marks name. `observed`: when it was received."""
    host = (safe_split(url or "").hostname or "").lower()
    if host in TELEGRAM_HOSTS or any(mark in data for mark in _TELEGRAM_MARKS):
        return parse_telegram(data, url)
    if host in YOUTUBE_ANSWERS:
        return parse_youtube(data, url, observed)
    if host in X_ANSWERS:
        return parse_x(data, url)
    if host in FACEBOOK_HOSTS or (not host and _FACEBOOK_MARK.search(data[: 64 << 10])):
        return parse_facebook(data, url)
    kind, value = sniff(data)
    if kind == "json":
        if is_youtube(value):
            return parse_youtube(data, url, observed)
        if is_x(value):
            return parse_x(data, url)
        if is_messages(value):
            return parse_messages(data, url)
        return Parsed("unknown", "unknown", outcome=Outcome.PARTIAL, reason=f"unknown layout: {shape(value)}")
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in (b"{", b"["):
        return Parsed("unknown", "unknown", outcome=Outcome.FAILED, reason="malformed JSON")
    if start.startswith(b"WEBVTT") or any(mark in data for mark in _YOUTUBE_MARKS):
        return parse_youtube(data, url, observed)
    if any(mark in data[: 64 << 10] for mark in _X_MARKS):
        return parse_x(data, url)
    return parse_page(data, url, content_type)


def _recording(value: dict[str, Any], source: str) -> Iterator[Reading]:
    """One exchange as NewPipe's tests keep it: `request.url`, `response.responseBody`, header lists."""
    request, response = value["request"], value["response"]
    url, body = request.get("url"), response.get("responseBody")
    if not isinstance(body, str):
        return
    dates = at(response, "responseHeaders", "date")
    observed = http_date(dates[0]) if isinstance(dates, list) and dates and isinstance(dates[0], str) else None
    url = url if isinstance(url, str) else None
    yield Reading(source, url, parse_body(body.encode("utf-8", "replace"), url, None, observed))


def http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None


def _har(value: dict[str, Any], source: str) -> Iterator[Reading]:
    """HAR 1.2: `log.entries[].response.content`, text or base64."""
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
        yield Reading(f"{source}#{number}", url, parse_body(data, url, kind if "charset" in kind else None, observed))


def _warc(stream: Any, source: str) -> Iterator[Reading]:
    records = enumerate(read_warc(stream))
    objects: dict[bytes, dict[str, Any]] = {}
    while True:
        try:
            number, record = next(records)
        except StopIteration:
            if (
                objects
            ):  # Telegram's objects: one each, read together, since who is who and what is an album stands apart
                yield Reading(source, None, parse_objects(objects.values(), linked=True))
            return
        except FormatError as error:
            parsed = Parsed("unknown", "warc", outcome=Outcome.PARTIAL, reason=f"damage: {error.found}")
            yield Reading(source, None, parsed)
            return
        if record.type not in ("response", "resource"):
            continue
        kind = record.http("content-type") or record.get("content-type") or ""
        if (record.type == "response" and record.http_status is None) or not _is_text(kind):
            continue
        try:
            data = record.stream.read(LIMIT + 1)
        except (OSError, ValueError, zlib.error) as error:
            parsed = Parsed("unknown", "warc", outcome=Outcome.PARTIAL, reason=f"damage: {error}")
            yield Reading(f"{source}#{number}", record.uri, parsed)
            return
        body = decode_body(data, record.http("content-encoding"), LIMIT)
        if (record.uri or "").startswith("urn:evc:telegram:"):
            value = load(body or b"")
            if isinstance(value, dict) and body is not None:
                objects[body] = value
            continue
        if body is None:
            yield Reading(
                f"{source}#{number}",
                record.uri,
                Parsed("unknown", "unknown", outcome=Outcome.PARTIAL, reason="body cannot be decoded"),
            )
            continue
        yield Reading(
            f"{source}#{number}", record.uri, parse_body(body, record.uri, kind, _moment(record.get("warc-date")))
        )


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None


def _is_text(kind: str) -> bool:
    base = kind.split(";")[0].strip().lower()
    return base in _TEXTS or base.startswith("text/html")
