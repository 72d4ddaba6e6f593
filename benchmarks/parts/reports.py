"""The report of a package: how soon it is open in a browser, and what it takes to make and to print it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.homes import plain_home
from benchmarks.processes import ARCHIVER, Words, measured, timed
from benchmarks.registry import Part, Row, Series, at_most, measures

ITEMS = 500
"""As many as the report tells in full."""
REPORTS = Part(
    "reports",
    "Reports",
    f"Packages for partners of {ITEMS} photos that were handed over, each with its picture in the report, and of a fifth of them. Chromium "
    "opens the report from the disk.",
    """ffmpeg draws the pictures, one process a photo, on two cores. Chromium prints the report until its page numbers
hold: two to four times.""",
)


def _case(bench: Bench, count: int) -> Path:
    """Make a home with a case of photos, all different."""
    from archiver.demo.media import picture

    home, given = plain_home(bench), bench.new_folder() / "given"
    given.mkdir()
    for number in range(count):
        (given / f"{number:04}.png").write_bytes(picture(320, 200 + number // 200, number % 200))
    timed([*ARCHIVER, "case", "new", "photos", "--home", home])
    timed([*ARCHIVER, "receive", given, "--from", "S-1", "--via", "usb", "--case", "photos", "--home", home])
    return home


@measures(
    REPORTS,
    Row(name="ready", what=f"report of {ITEMS} items in Chromium: to DOMContentLoaded", unit="ms", ours="ready",
        goal=at_most(2000, "value"), reason="Whoever opens a report in court does not wait for it."),
    Row(name="loaded", what="… to load, with every picture", unit="ms", ours="loaded", goal=at_most(2000, "value"),
        reason="As above."),
    Row(name="printed", what="… printed as PDF, by itself", unit="s", ours="printed",
        reason="No goal: the time is Chromium's."),
    Row(name="export", what="… the whole export", unit="s", ours="export", reason="No goal: the time is ffmpeg's, and Chromium's."),
    Row(name="memory", what="… peak memory of the export", unit="MB", ours="memory", peer="few",
        against="a fifth of the items", goal=at_most(1.3), reason="A package may be larger than memory."),
)  # fmt: skip
def reports(bench: Bench) -> Iterator[Series]:
    """Export two cases; open and print the report of the larger one."""
    many, few = (_case(bench, bench.size(count)) for count in (ITEMS, ITEMS // 5))
    for _ in bench.rounds(most=3):
        (_, small), (took, memory) = (_export(home) for home in (few, many))
        [report] = many.parent.glob("out/*/data/report.html")
        ready, loaded = _opened(report)
        yield {
            "export": took, "memory": memory, "few": small, "ready": ready, "loaded": loaded, "printed": _printed(report, many),
        }  # fmt: skip


def _export(home: Path) -> tuple[float, float]:
    to = home.parent / "out"
    shutil.rmtree(to, ignore_errors=True)
    words: Words = ["export", "photos", "--profile", "partner", "--yes", "--to", to, "--home", home]
    return measured([*ARCHIVER, *words])


def _opened(report: Path) -> tuple[float, float]:
    """Milliseconds to DOMContentLoaded and to load, as the browser took them itself."""
    from playwright.sync_api import sync_playwright

    from archiver.tools.chromium import program

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(report.as_uri())
        times = page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
        assert page.locator("article").count() > 0
        browser.close()
    return float(times["domContentLoadedEventEnd"]), float(times["loadEventEnd"])


def _printed(report: Path, home: Path) -> float:
    from archiver.export.printing import print_pdf

    start = time.perf_counter()
    assert print_pdf(report, "2026-11-30", "bench", home)
    return time.perf_counter() - start
