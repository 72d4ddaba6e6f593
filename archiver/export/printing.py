"""The PDF of the report, printed by Chromium where it is installed: without scripts, without a network.

What stands on which page is known only when it was printed. It is therefore printed until the page numbers in it are those
of its pages: once as it flows, to learn which items share a page, and then with a foot that names them.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from archiver.home.scratch import scratch
from archiver.tools.chromium import environment, program
from archiver.version import SOFTWARE

SECONDS = 300
"""For one print."""
MOST_PRINTS = 5
"""After the first, until the page numbers hold."""
Pages = Mapping[str, int]
"""Name of a place in the report → the page it is on, from 1."""
_ITEM = re.compile(r'<article class="card" id="(I[0-9]+)">')
_CONTENTS = re.compile(r'(<(?:li|th scope="row")>)<a href="#([^"]+)">(.*?)</a>')


def print_pdf(report: Path, made: str, foot: str, home: Path) -> bytes | None:
    """Print the report as PDF; None where nothing can print.

    `made` is its date, so that the same report gives the same bytes; `foot` stands on each page beside its number. It is
    printed inside the `home`: nothing of a report lies in a folder that others read.
    """
    chromium = program()
    if chromium is None:
        return None
    text = report.read_text("utf-8")
    items = _ITEM.findall(text)
    with scratch(home, "printing") as folder:

        def printed(pages: Pages | None, sheets: Sequence[Sequence[str]]) -> bytes | None:
            return _print(chromium, folder, _for_paper(text, foot, pages, sheets))

        pages: dict[str, int] = {}
        sheets: list[list[str]] = []
        data = printed(pages, sheets)
        found = _pages(data)
        for _ in range(MOST_PRINTS):
            if found is None or found == pages:
                break
            pages, sheets = found, _sheets(sheets or [items], found)
            data = printed(pages, sheets)
            found = _pages(data)
        if data is not None and found != pages:  # a page number that is not right is worse than none
            data = printed(None, sheets)
    if data is None:
        return None
    stamp = "".join(c for c in made[:19] if c.isdigit())
    return re.sub(rb"(/(?:Creation|Mod)Date \(D:)\d{14}", lambda match: match[1] + stamp.encode(), data)


def _print(chromium: str, folder: Path, page: str) -> bytes | None:
    out, source = folder / "report.pdf", folder / "report.html"
    out.unlink(missing_ok=True)
    source.write_text(page, "utf-8")
    command = [
        chromium, "--headless", "--disable-gpu", "--disable-extensions", "--no-first-run", "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}/profile", "--no-pdf-header-footer",
        "--generate-pdf-document-outline", f"--user-agent={SOFTWARE}",
        f"--print-to-pdf={out}", *(["--no-sandbox"] if os.geteuid() == 0 else []), source.as_uri(),
    ]  # fmt: skip
    try:
        subprocess.run(
            command, capture_output=True, timeout=SECONDS, check=False, env=environment(chromium, str(folder))
        )
        return out.read_bytes()
    except (OSError, subprocess.TimeoutExpired):
        return None


def _pages(data: bytes | None) -> dict[str, int] | None:
    """The page of each place that the report links to; None where it cannot be read."""
    if data is None:
        return None
    try:
        reader = PdfReader(io.BytesIO(data))
        found = {
            name.removeprefix("/"): reader.get_destination_page_number(place)
            for name, place in reader.named_destinations.items()
        }
    except PyPdfError:
        return None
    return {name: page + 1 for name, page in found.items() if page is not None}


def _sheets(earlier: Sequence[Sequence[str]], pages: Pages) -> list[list[str]]:
    """Items that begin on one page, together; one of which that is not known, alone. What was apart stays apart."""
    return [list(group) for items in earlier for _, group in groupby(items, lambda number: pages.get(number, number))]


def _for_paper(text: str, foot: str, pages: Pages | None, sheets: Sequence[Sequence[str]]) -> str:
    """The report as it goes to the printer: its own foot on each page, which names the items there, page numbers, no links to files.

    A PDF can only hold whole links: one to a file beside it would carry the path of this machine.
    """
    text = re.sub(r'<a href="(?:media|view|\.\.)/[^"]*">', "<a>", text)
    text = text.replace('<details class="paper">', '<details class="paper" open>')
    if pages is not None:
        text = _CONTENTS.sub(lambda found: _numbered(found, pages.get(found[2], 0)), text)
    text = re.sub(r"style-src 'sha256-[^']*'", "style-src 'unsafe-inline'", text)
    return text.replace("</style>", "\n".join(_rules(foot, sheets)) + "</style>", 1)


def _numbered(found: re.Match[str], page: int) -> str:
    said = (f"p. {page}" if found[1].startswith("<th") else str(page)) if page else "–"
    return f'{found[1]}<a href="#{found[2]}">{found[3]}<span class="folio">{said}</span></a>'


def _rules(foot: str, sheets: Sequence[Sequence[str]]) -> Iterator[str]:
    said = foot.replace("\\", "").replace('"', "")
    yield f'@page {{ @bottom-left {{ content: "{said}"; }} }}'
    for number, items in enumerate(sheets):
        named = items[0] if len(items) == 1 else f"{items[0]} to {items[-1]}"
        page = f'"{named} · page " counter(page) " of " counter(pages)'
        yield f"@page sheet{number} {{ @bottom-right {{ content: {page}; }} }}"
        heading = "#items, #items-told, " if number == 0 else ""
        yield f"{heading}{', '.join(f'#{item}' for item in items)} {{ page: sheet{number}; }}"
