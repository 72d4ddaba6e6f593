"""The report: one HTML file that needs nothing else, opens without a network, and can be printed.

Page one answers five questions in five lines each. What strangers wrote is text, never markup; the file forbids itself
scripts and every request (a Content-Security-Policy in its head). It says what was recorded and what people concluded, and
keeps the two apart.
"""

from __future__ import annotations

from archiver.export.bag import Bag
from archiver.export.packing import PackagePlan
from archiver.export.printing import print_pdf
from archiver.export.report.contents import contents_of
from archiver.export.report.page import html
from archiver.home.home import Home

__all__ = ["write_report"]


def write_report(home: Home, bag: Bag, plan: PackagePlan) -> None:
    """Write `data/report.html`, and `data/report.pdf` where Chromium is installed.

    Raises `DiskError`, `FormatError`.
    """
    contents = contents_of(home, bag, plan)
    if bag.has("data/report.html") is None:
        bag.write("data/report.html", html(contents))
    pdf = None
    if bag.has("data/report.pdf") is None:
        pdf = print_pdf(bag.partial / "data" / "report.html", plan.made, home.path)
    if pdf is not None:
        bag.write("data/report.pdf", pdf)
