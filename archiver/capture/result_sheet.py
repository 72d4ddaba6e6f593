"""The result sheet of a list: for each row what became of it, why, and what to do next, in plain words."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from archiver.text.cells import csv_bytes, spreadsheet_cell
from spiders.posts import Outcome
from storage.errors import disk_error
from storage.files import write_synced

STATUS = {
    Outcome.CAPTURED: "kept whole",
    Outcome.PARTIAL: "kept in part",
    Outcome.UNAVAILABLE: "not available",
    Outcome.REFUSED: "not shown to us",
    Outcome.BLOCKED: "stopped by the site",
    Outcome.FAILED: "failed on our side",
    Outcome.SKIPPED: "left out",
}
_NO_XML = re.compile("[^\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
WAITING, NO_LINK, SAME = "not yet tried", "not a link", "same as another row"
ORDER = (*STATUS.values(), SAME, NO_LINK, WAITING)
"""The order in which the statuses are counted."""


@dataclass(frozen=True)
class Row:
    """One row of the sheet. Every field is text, as a person reads it."""

    where: str
    link: str
    platform: str = ""
    kind: str = ""
    status: str = WAITING
    reason: str = ""
    next: str = ""
    title: str = ""
    words: str = ""
    author: str = ""
    published: str = ""
    """When it was published, as the platform states it."""
    capture: str = ""
    extras: str = ""
    """The capture of the second pass: captions, comments, files of the page."""
    posts: str = ""
    files: str = ""
    missing: str = ""
    file: str = ""
    sha256: str = ""
    captured_at: str = ""


NUMBERS = ("posts", "files", "missing")
"""Fields that are numbers: a spreadsheet sorts and adds them."""
BESIDE = (
    "status", "reason", "next", "title", "words", "author", "published", "capture", "extras", *NUMBERS, "file", "sha256",
    "captured_at",
)  # fmt: skip
"""Fields that stand beside the columns of a person's own table."""
COLOURS = {STATUS[Outcome.CAPTURED]: "D9EAD3", STATUS[Outcome.PARTIAL]: "FFF2CC", SAME: "EFEFEF", WAITING: "EFEFEF"}
ANY_OTHER = "F4CCCC"
HEADINGS = {
    "where": "row",
    "next": "what to do next",
    "extras": "second pass",
    "files": "files kept",
    "missing": "files missing",
    "published": "stated time",
    "file": "file names",
    "sha256": "SHA-256",
    "captured_at": "time (UTC)",
}

WIDTHS = {
    "where": 12, "link": 52, "platform": 10, "kind": 9, "reason": 44, "next": 44, "capture": 26, "extras": 26, "posts": 7,
    "files": 10, "missing": 12, "captured_at": 22, "title": 36, "words": 44, "published": 22, "file": 24, "sha256": 66,
}  # fmt: skip
"""Widths of the columns of an XLSX sheet, in characters; 18 where none is named."""


def next_action(outcome: Outcome, reason: str | None, capture: str, cookies: str = "") -> str:
    """Return what a person can do about an outcome. Empty where there is nothing to do.

    `cookies`: the name in [accounts] of the cookies that are sent for such a link; "" where none are.
    """
    said = (reason or "").lower()
    if outcome is Outcome.CAPTURED:
        return ""
    if "never contacted" in said and outcome in (Outcome.SKIPPED, Outcome.REFUSED):  # the latter by earlier versions
        return "check the link: it leads to an address inside a network, which the program does not ask"
    if outcome is Outcome.PARTIAL:
        if "room on the disk" in said:
            return "free space on the disk, then run the same list again"
        if "upcoming" in said:
            return "capture it again after it has begun"
        if "interrupted" in said:
            return "run the same list again"
        if "for subscribers" in said:
            return f"it needs an account that may see it: {_logged_in(cookies)}"
        if "long post" in said:
            return "put your account's cookies.txt into archiver.toml ([accounts]) and capture it again"
        if "form of link is not known" in said:
            return "check that the link is complete: open it in a browser, and copy it again from there"
        if "wording not known" in said:
            return "open the link in a browser: it may want a login or a subscription, or say that the page is gone"
        if "decoded only in part" in said:
            return "the site sent it broken: run the same list again later; open the link in a browser to compare"
        if "empty body" in said:
            return "open the link in a browser; if it shows something there, run the same list again"
        return f"see what is missing: archiver show {capture} --inventory"
    if outcome is Outcome.UNAVAILABLE:
        elsewhere = (
            "look for copies elsewhere; check the link for typing errors; this capture keeps what the site answered"
        )
        if cookies and ("not shared with" in said or "protected" in said):  # it may be there, for others
            return (
                f'an account may be shown it: {cookies} = "cookies.txt" in archiver.toml ([accounts]); else {elsewhere}'
            )
        return elsewhere
    if outcome is Outcome.REFUSED:
        if "geo" in said or "country" in said:
            return "capture it again through a proxy in another country ([sites] proxy in archiver.toml)"
        if "forbidden" in said:
            seen = "open it in a browser: if it shows there, capture it through another proxy ([sites] proxy)"
            return f"{seen}; if it asks for a login, {_logged_in(cookies)}"
        if "telegram" in said:
            return "it needs a Telegram account that is a member: archiver telegram login, archiver telegram join LINK"
        return f"it needs an account that may see it: {_logged_in(cookies)}"
    if outcome is Outcome.BLOCKED:
        if "consent wall" in said:
            return "answer its form in a browser, save the page there, then take the file in: archiver receive FILE"
        return "wait a few hours or change the proxy ([sites] proxy), then run the same list again"
    if outcome is Outcome.FAILED:
        if "room on the disk" in said:
            return "free space on the disk, then run the same list again"
        if "fetch_missing_certificates = true" in said:
            return "set fetch_missing_certificates = true in archiver.toml ([recorder]), then run the same list again"
        if "no site was found" in said:
            return "check the name of the site for typing errors, and your connection; then run the same list again"
        return "run the same list again; if it fails again, check the network and the link"
    _, crawl, link = (reason or "").partition("archiver crawl ")
    return f"run: {crawl}{link}" if link else "capture it by other means"


def _logged_in(cookies: str) -> str:
    """How a person with an account gets it: by cookies where they are sent, else by a browser."""
    if cookies:
        return f'{cookies} = "cookies.txt" in archiver.toml ([accounts])'
    return "save it with a browser that is logged in, then take the file in: archiver receive FILE"


def write_sheet(rows: Sequence[Row], paths: Sequence[Path]) -> None:
    """Write the rows to each path, as CSV or XLSX by its ending.

    Each file is replaced as a whole or not at all. Raises `DiskError`.
    """
    names = [field.name for field in fields(Row)]
    table = [[HEADINGS.get(name, name) for name in names]]
    table += [[printable(str(asdict(row)[name])) for name in names] for row in rows]
    for path in paths:
        working = path.with_name(path.name + ".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_synced(working, _xlsx(table) if path.suffix.lower() == ".xlsx" else csv_bytes(table[0], table[1:]))
            working.replace(path)
        except OSError as error:
            raise disk_error(error, f"writing {path.name}") from error


def printable(text: str) -> str:
    """Drop what XLSX cannot hold (XML 1.0, 2.2 "Characters"): control characters, and halves of a character.

    Longer texts than its cells take (32,767 characters) are cut.
    """
    return _NO_XML.sub("", text)[:32000]


def _xlsx(table: list[list[str]]) -> bytes:
    import openpyxl
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook(write_only=True)
    sheet: Any = book.create_sheet("results")
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(fields(Row)))}{len(table)}"
    numbers = {at for at, field in enumerate(fields(Row)) if field.name in NUMBERS}
    for number, field in enumerate(fields(Row), 1):
        sheet.column_dimensions[get_column_letter(number)].width = WIDTHS.get(field.name, 18)
    status = [field.name for field in fields(Row)].index("status")
    for number, row in enumerate(table):
        cells = []
        for index, text in enumerate(row):
            cell: Any
            if number and index in numbers and text.isdecimal():
                cells.append(openpyxl.cell.WriteOnlyCell(sheet, value=int(text)))
                continue
            cell = openpyxl.cell.WriteOnlyCell(sheet, value=spreadsheet_cell(text))
            cell.data_type = "s"  # text, whatever it looks like
            if number == 0:
                cell.font = Font(bold=True)
            elif index == status:
                cell.fill = PatternFill("solid", fgColor=COLOURS.get(text, ANY_OTHER))
            cells.append(cell)
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
