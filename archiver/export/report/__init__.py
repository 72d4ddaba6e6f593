"""The report: one HTML file that needs nothing else, opens without a network, and can be printed.

Page one answers five questions in a few lines each. What strangers wrote is text, never markup; the file forbids itself
scripts and every request (a Content-Security-Policy in its head). It says what was recorded and what people concluded, and
keeps the two apart. The modules here put together what is told; the templates beside them make pages of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from archiver.export.bag import Bag
from archiver.export.printing import print_pdf
from archiver.export.report.contents import ReportContents
from archiver.export.report.page import html
from archiver.export.stills import Drawn
from archiver.home.people import fingerprint

__all__ = ["write_report"]


def write_report(bag: Bag, contents: ReportContents, drawings: Mapping[str, Drawn]) -> None:
    """Write `data/report.html`, and `data/report.pdf` where Chromium is installed.

    Raises `DiskError`, `FormatError`.
    """
    if bag.has("data/report.html") is None:
        bag.write("data/report.html", html(contents, drawings))
    pdf = None
    if bag.has("data/report.pdf") is None:
        key = fingerprint(contents.home.ledger_key_text())
        plan = contents.plan
        pdf = print_pdf(
            bag.partial / "data" / "report.html", plan.moment, f"{plan.name} · key {key[:16]}…", contents.home.path
        )
    if pdf is not None:
        bag.write("data/report.pdf", pdf)
