"""What a sealed capture holds that its verdict rests on: its lines, and the answers about its target, parsed again."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archiver.capture.inventory import Ending
from archiver.capture.outcomes import of_whole
from archiver.capture.support import platform_of
from archiver.copies.stubs import is_stub
from archiver.recorder.content_coding import PartlyDecoded, decode_counted
from archiver.recorder.exchange import ExchangeDone
from spiders.json_access import load
from spiders.link_forms import Form, Target
from spiders.page.landing import landed
from spiders.platform import Platform, imported
from spiders.platforms import PAGE, platform_named
from spiders.posts import Outcome, Parsed
from spiders.targets import page, parse_target
from storage import canonical
from storage.capture import LINE_FILES
from storage.digest import file_sha256, sha256_label
from storage.errors import FormatError
from storage.lines import read_lines
from storage.times import utc_parse
from storage.warc import read_warc

LIMIT = 256 << 20
"""Bytes of the longest answer that is read again."""
NOT_READ = "file"
"""Layout of an answer that is no text: it was not parsed when it was captured either."""
_FIELDS = ("content-encoding", "content-type", "content-range")
FolderOf = Callable[[str], Path | None]
"""The folder of another capture, which can hold bytes that this one only refers to."""


class CannotJudge(Exception):
    """Nothing can be said today: what would have to be read is not here, or is not what was sealed."""


@dataclass(frozen=True)
class Answer:
    """An answer about the target, read again. `key`: of its page in the inventory."""

    key: str
    record: str
    ending: Ending
    parsed: Parsed


class SealedAnswers:
    """The lines of a sealed capture, and its recorded answers."""

    def __init__(self, folder: Path, folder_of: FolderOf) -> None:
        """Read the lines. Raises `OSError`, `FormatError`, `KeyError`, `ValueError` where they are damaged.

        `CannotJudge` where they are not those that were sealed.
        """
        self._folder, self._folder_of = folder, folder_of
        self.manifest: dict[str, Any] = canonical.loads((folder / "manifest.json").read_bytes())
        for listed in self.manifest["files"]:
            name = listed["name"]
            if name in LINE_FILES and file_sha256(folder / name).hexdigest() != listed["sha256"]:
                raise CannotJudge(f"{name} is not the one that was sealed: archiver check")
        self.inventory = list(read_lines(folder / "inventory.jsonl"))
        self.posts = list(read_lines(folder / "posts.jsonl"))
        self.records = {str(line["id"]): line for line in read_lines(folder / "records.jsonl")}
        self.was: Ending = (Outcome(self.manifest["outcome"]), self.manifest["reason"])
        self.found = {line["key"]: line for line in self.inventory if line.get("state") == "discovered"}
        self.ended = {line["key"]: line for line in self.inventory if line.get("outcome")}
        self._target_line = next((line for line in self.inventory if "target_salt" in line), {})

    @property
    def about(self) -> tuple[str | None, str | None]:
        """Platform and link, as they were written down."""
        return self._target_line.get("platform"), self._target_line.get("url")

    @property
    def pages(self) -> dict[str, dict[str, Any]]:
        """Pages that were read, by their keys: how each ended."""
        return {
            key: line
            for key, line in self.ended.items()
            if line["kind"] == "page" and line.get("record") in self.records
        }

    @property
    def leads_to_file(self) -> bool:
        """Whether what answered was a file itself, which no parser reads."""
        return any(self.found.get(key, {}).get("layout") == NOT_READ for key in self.pages)

    def target(self) -> Target | None:
        """Return what the capture was about in the end, by today's table of links; None where no link names it."""
        if "mirror" in self.pages:
            link = str(self._target_line.get("mirror") or self._target_line["url"])
            return replace(page(link), form=Form.MIRROR, mirror=link)
        led = [line for line in self.ended.values() if line["kind"] == "redirect"]
        link = str(led[-1]["reason"]).removeprefix("leads to ") if led else str(self._target_line.get("url"))
        found = parse_target(link)
        return found if isinstance(found, Target) else None

    def posts_in(self, record: str) -> dict[str, dict[str, Any]]:
        """Return the posts that were the target, by their ids, as they were read from an answer."""
        of_target = (line for line in self.posts if line.get("role") == "target" and line.get("record") == record)
        return {str(line["id"]): line for line in of_target if line.get("id") is not None}

    def keys(self, target: Target) -> list[str]:
        """List the pages that speak about the target, the most telling first.

        A page that held the target's posts does. Where none did, it is the page of the target's own request that ended
        as the capture did.
        """
        by_record = {line["record"]: key for key, line in self.pages.items()}
        held = [line.get("record") for line in self.posts if line.get("role") == "target"]
        if found := list(dict.fromkeys(by_record[record] for record in held if record in by_record)):
            return found
        tags = (*platform_of(target).promise.first_tags, "mirror", *PAGE.promise.first_tags)
        tagged = [tag for tag in dict.fromkeys(tags) if tag in self.pages]
        fitting = [key for key in tagged if self.pages[key]["outcome"] == str(self.was[0])]
        return (fitting or tagged)[:1]

    def read(self, key: str, target: Target) -> Answer | None:
        """Parse a page again; None where it was never parsed. Raises `CannotJudge`."""
        line, found = self.pages[key], self.found.get(key, {})
        if found.get("layout") == NOT_READ:
            return None
        record = self.records[line["record"]]
        body, fields, partly = self._body(record)
        url = str(found.get("url") or record["uri"])
        told = {
            "content_type": fields.get("content-type") or record.get("content_type"),
            "observed": utc_parse(record["date"]),
        }
        use = self._platform(line["record"], str(found.get("layout")), target).answers.parse
        parsed: Parsed = imported(use.parser)(body, url, **{name: told[name] for name in use.takes})
        if parsed.platform == PAGE.name:
            parsed = landed(parsed, target, url)
        done = ExchangeDone(
            record.get("tag"), record["uri"], record.get("status"), list(fields.items()), truncated=record.get("truncated"),
            problem=record.get("problem"), partly=partly,
        )  # fmt: skip
        outcome, reason = of_whole(done)
        if outcome is Outcome.CAPTURED:
            outcome, reason = parsed.outcome or Outcome.CAPTURED, parsed.reason
        return Answer(key, line["record"], (outcome, reason), parsed)

    def objects(self) -> Parsed | None:
        """Parse again what an account read, which has no pages; None where nothing of that kind is there.

        Raises `CannotJudge`.
        """
        name, _ = self.about
        platform = platform_named(name or "")
        urn, parser = platform.answers.objects_urn, platform.answers.parse_objects
        if urn is None or parser is None:
            return None
        values = []
        for record in self.records.values():
            # A file of a message has an address of the same kind, and a media type of its own.
            if str(record.get("uri")).startswith(urn) and record.get("content_type") == "application/json":
                value = load(self._body(record)[0])
                values += [value] if isinstance(value, dict) else []
        parsed: Parsed | None = imported(parser)(values, linked=True) if values else None
        return parsed

    def _platform(self, record: str, layout: str, target: Target) -> Platform:
        """By whose parser the page was read: what it held says so, else its layout, else the target."""
        names = [line["platform"] for line in self.posts if line.get("record") == record]
        named = names[0] if names else layout.partition("/")[0]
        known = platform_named(named)
        return known if known.name == named else platform_of(target)

    def _body(self, record: dict[str, Any]) -> tuple[bytes, dict[str, str], PartlyDecoded | None]:
        """The payload without its content coding, what its header says of it, and how much of it that is.

        Raises `CannotJudge`.
        """
        folder, held = self._folder, record
        if "refers" in record:
            lender = self._folder_of(record["refers"]["capture"])
            if lender is None:
                raise CannotJudge(f"the bytes lie in {record['refers']['capture']}, which is not here")
            folder = lender
            lines = read_lines(folder / "records.jsonl")
            held = next((line for line in lines if line["id"] == record["refers"]["record"]), record)
        if is_stub(folder, held["file"]):
            raise CannotJudge(f"its bytes were freed here and lie at copies ({held['file']})")
        if not (folder / held["file"]).is_file():
            raise CannotJudge(f"its bytes are not here ({held['file']})")
        payload, fields = _payload(folder / held["file"], held["offset"])
        digest = held.get("payload_digest")
        if digest is not None and sha256_label(payload) != digest:
            raise CannotJudge("the bytes are not those that were sealed: archiver check")
        body, coded = decode_counted(payload, fields.get("content-encoding"), LIMIT)
        if body is None:
            raise CannotJudge("the body cannot be decoded")
        return body, fields, coded.partly() if record.get("status") != 206 else None


def _payload(path: Path, at: int) -> tuple[bytes, dict[str, str]]:
    """The payload of the record at a place, and the fields that say what it is.

    Raises `CannotJudge`, `FormatError`, `OSError`.
    """
    with open(path, "rb") as stream:
        stream.seek(at)
        record = next(read_warc(stream), None)
        if record is None:
            raise FormatError(f"a record at {at} in {path.name}", "none", "Run `archiver check`.")
        try:
            data = record.stream.read(LIMIT + 1)
        except (ValueError, zlib.error) as error:
            raise CannotJudge("the record is damaged: archiver check") from error
    if len(data) > LIMIT:
        raise CannotJudge(f"an answer of more than {LIMIT >> 20} MiB is not read again")
    fields = {name: value for name in _FIELDS if (value := record.http(name)) is not None}
    return data, {**fields, "content-type": record.http("content-type") or record.get("content-type") or ""}
