"""The PDF of the report, printed by Chromium where it is installed: without scripts, without a network."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from archiver.home.scratch import scratch
from archiver.tools.chromium import environment, program

SECONDS = 300


def print_pdf(report: Path, made: str, home: Path) -> bytes | None:
    """Print the report as PDF; None where nothing can print.

    `made` is its date, so that the same report gives the same bytes. It is printed inside the `home`: nothing of
    a report lies in a folder that others read.
    """
    chromium = program()
    if chromium is None:
        return None
    with scratch(home, "printing") as folder:
        out, page = folder / "report.pdf", folder / "report.html"
        # A PDF can only hold whole links: one to a file beside it would carry the path of this machine.
        page.write_text(re.sub(r'<a href="media/[^"]*">', "<a>", report.read_text("utf-8")), "utf-8")
        command = [
            chromium, "--headless", "--disable-gpu", "--disable-extensions", "--no-first-run", "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}/profile", "--no-pdf-header-footer",
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
