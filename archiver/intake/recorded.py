"""Posts out of recorded exchanges: WARC and ARC records, HAR entries, single recordings. Each answer counts by its status."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterator
from typing import Any

from archiver.intake.bodies import (
    LIMIT,
    Answers,
    BodyReading,
    answered,
    is_text,
    moment,
    plain_body,
    worth_reading,
)
from spiders import platforms
from spiders.http_values import http_date
from spiders.json_access import at, load
from spiders.platform import Named, imported
from spiders.reading import nothing, parse_body, sniff, unguarded
from storage.errors import FormatError
from storage.warc import WarcRecord

_PEEK = 1024
Objects = dict[Named, dict[bytes, dict[str, Any]]]


def recording(value: dict[str, Any], source: str) -> Iterator[BodyReading]:
    """Read one exchange as NewPipe's tests keep it: `request.url`, `response.responseBody`, header lists."""
    request, response = value["request"], value["response"]
    url, body = request.get("url"), response.get("responseBody")
    if not isinstance(body, str):
        return
    dates = at(response, "responseHeaders", "date")
    observed = http_date(dates[0]) if isinstance(dates, list) and dates and isinstance(dates[0], str) else None
    url = url if isinstance(url, str) else None
    parsed = parse_body(body.encode("utf-8", "replace"), url, None, observed)
    yield BodyReading(source, url, answered(parsed, _status(response.get("responseCode"))))


def _status(value: Any) -> int | None:
    """A status as JSON or a status line gives it; None where it is none (HAR has 0 for what was never answered)."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
        value = int(value)
    return value if type(value) is int and 100 <= value <= 999 else None


# -- HAR -------------------------------------------------------------------------------------------------------------


def har(value: dict[str, Any], source: str) -> Iterator[BodyReading]:
    """Read HAR 1.2: `log.entries[].response.content`, text or base64."""
    answers = Answers()
    for number, entry in enumerate(value["log"]["entries"]):
        reading = _entry(entry, f"{source}#{number}", answers)
        if reading is not None:
            yield reading
    yield from answers.redirects()


def _entry(entry: Any, place: str, answers: Answers) -> BodyReading | None:
    url, response, content = at(entry, "request", "url"), at(entry, "response"), at(entry, "response", "content")
    if not isinstance(response, dict):
        return None
    url = url if isinstance(url, str) else None
    status = _status(response.get("status"))
    kind = str(at(content, "mimeType") or "")
    if answers.note(place, url, status, _location(response)):
        return None
    text = at(content, "text")
    if not isinstance(text, str):
        # Nothing of the body was kept; that an error was answered is told all the same.
        if status is None or status < 300 or not is_text(kind):
            return None
        text = ""
    try:
        coded = at(content, "encoding") == "base64"
        data = base64.b64decode(text) if coded else text.encode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return BodyReading(place, url, nothing("a body that is no base64")) if is_text(kind) else None
    if not worth_reading(data[:_PEEK], kind, False) or not (is_text(kind) or _holds(data, kind)):
        return None
    parsed = parse_body(data, url, kind if "charset" in kind else None, moment(at(entry, "startedDateTime")))
    return BodyReading(place, url, answered(parsed, status))


def _location(response: dict[str, Any]) -> str | None:
    if isinstance(response.get("redirectURL"), str) and response["redirectURL"]:
        return str(response["redirectURL"])
    headers = response.get("headers")
    for header in headers if isinstance(headers, list) else ():
        name, value = at(header, "name"), at(header, "value")
        if isinstance(name, str) and name.lower() == "location" and isinstance(value, str):
            return value
    return None


def _holds(data: bytes, kind: str) -> bool:
    """Whether a body of a type that is not read by itself is JSON as a whole, or a page without a type."""
    return (not kind.strip() and data.lstrip()[:1] == b"<") or sniff(unguarded(data))[0] in ("json", "json lines")


# -- WARC and ARC ----------------------------------------------------------------------------------------------------


def records(found: Iterator[WarcRecord], source: str, form: str = "warc") -> Iterator[BodyReading]:
    """Read the answers among the records of a file, up to the first that cannot be read."""
    answers = Answers()
    objects: Objects = {}
    numbered = enumerate(found)
    place, uri = source, None
    while True:
        try:
            number, record = next(numbered)
            place, uri = f"{source}#{number}", record.uri
            readings = _record(record, place, answers, objects)
        except StopIteration:
            break
        except FormatError as error:
            yield BodyReading(source, None, nothing(f"damage: {error.found}", form))
            break
        except (OSError, ValueError, EOFError, zlib.error) as error:
            yield BodyReading(place, uri, nothing(f"damage: {error}", form))
            break
        yield from readings
    for parser, kept in objects.items():
        yield BodyReading(source, None, imported(parser)(kept.values(), linked=True))
    yield from answers.redirects()


def _record(record: WarcRecord, place: str, answers: Answers, objects: Objects) -> list[BodyReading]:
    """Read one record; nothing comes of what is no answer, or no text. Raises what a damaged stream raises."""
    if record.type not in ("response", "resource") or (record.type == "response" and record.http_status is None):
        return []
    if record.type == "resource" and (record.uri or "").startswith(_ABOUT_THE_RECORDING):
        return []
    status = _status(record.http_status)
    kind = record.http("content-type") or record.get("content-type") or ""
    if answers.note(place, record.uri, status, record.http("location")):
        return []
    coding = record.http("content-encoding")
    start = record.stream.read(_PEEK)
    if not worth_reading(start, kind, bool(coding)):
        return []
    data = start + record.stream.read(LIMIT + 1 - len(start))
    body, whole = plain_body(data, coding)
    if (reader := _objects_of(record.uri or "")) is not None:
        value = load(body or b"")
        if isinstance(value, dict) and body is not None:
            objects.setdefault(reader, {})[body] = value
        return []
    if not is_text(kind) and (body is None or not _holds(body, kind)):
        return []
    if body is None:
        why = f"a body of more than {LIMIT >> 20} MiB: not read" if len(data) > LIMIT else "body cannot be decoded"
        return [BodyReading(place, record.uri, nothing(why))]
    parsed = parse_body(body, record.uri, kind, moment(record.get("warc-date")))
    cut = record.get("WARC-Truncated") or (None if whole else "its compressed bytes have no end")
    told = [BodyReading(place, record.uri, answered(parsed, status))]
    if cut is not None:
        told.append(BodyReading(place, record.uri, nothing(f"cut short when it was recorded: {cut}")))
    return told


_ABOUT_THE_RECORDING = ("urn:archiver:tls:", "urn:pageinfo:")
"""Addresses of what the recorder notes about a connection, and a browser about a page: no platform said that."""


def _objects_of(uri: str) -> Named | None:
    """The parser of what was kept as objects of its own, by its address."""
    for answers in (platform.answers for platform in platforms.PLATFORMS):
        if answers.objects_urn is not None and uri.startswith(answers.objects_urn):
            return answers.parse_objects
    return None
