"""The PDF of the report, printed by Chromium where it is installed: without scripts, without a network."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from archiver.home.scratch import scratch
from archiver.tools.chromium import environment, program
from archiver.version import SOFTWARE

SECONDS = 300


def print_pdf(report: Path, made: str, foot: str, home: Path) -> bytes | None:
    """Print the report as PDF; None where nothing can print.

    `made` is its date, so that the same report gives the same bytes; `foot` stands on each page beside its number. It is
    printed inside the `home`: nothing of a report lies in a folder that others read.
    """
    chromium = program()
    if chromium is None:
        return None
    with scratch(home, "printing") as folder:
        out, page = folder / "report.pdf", folder / "report.html"
        # A PDF can only hold whole links: one to a file beside it would carry the path of this machine.
        page.write_text(_printed(report.read_text("utf-8"), foot), "utf-8")
        command = [
            chromium, "--headless", "--disable-gpu", "--disable-extensions", "--no-first-run", "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}/profile", "--no-pdf-header-footer",
            "--generate-pdf-document-outline", f"--user-agent={SOFTWARE}",
            f"--print-to-pdf={out}", *(["--no-sandbox"] if os.geteuid() == 0 else []), page.as_uri(),
        ]  # fmt: skip
        try:
            subprocess.run(
                command, capture_output=True, timeout=SECONDS, check=False, env=environment(chromium, str(folder))
            )
            data = out.read_bytes()
        except (OSError, subprocess.TimeoutExpired):
            return None
    stamp = "".join(c for c in made[:19] if c.isdigit())
    return re.sub(rb"(/(?:Creation|Mod)Date \(D:)\d{14}", lambda match: match[1] + stamp.encode(), data)


def _printed(text: str, foot: str) -> str:
    """The report as it goes to the printer: its own foot on each page, each item on a page that names it, no links to files."""
    numbers = re.findall(r'<article class="card" id="(I[0-9]+)">', text)
    said = foot.replace("\\", "").replace('"', "")
    rules = [f'@page {{ @bottom-left {{ content: "{said}"; }} }}']
    for number in numbers:
        rules.append(
            f'@page {number} {{ @bottom-right {{ content: "{number} · page " counter(page) " of " counter(pages); }} }}'
        )
        rules.append(f"#{number} {{ page: {number}; }}")
    text = re.sub(r'<a href="(?:media|view|\.\.)/[^"]*">', "<a>", text)
    return re.sub(r"style-src 'sha256-[^']*'", "style-src 'unsafe-inline'", text).replace(
        "</style>", "\n".join(rules) + "</style>", 1
    )
