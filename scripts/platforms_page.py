"""Writes the table of promises in docs/reference/platforms.md from the platforms' own data, which the verdict reads too.

Run it by `make man` after a change of either; a test compares.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from spiders.platform import NEEDED_MEANS, Kind, Needed  # noqa: E402
from spiders.platforms import PLATFORMS  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "platforms.md"
BEGIN, END = "<!-- made by scripts/platforms_page.py: promises -->\n", "<!-- end -->"


def made() -> str:
    """Return the page with today's table."""
    text = PAGE.read_text("utf-8")
    return re.sub(f"{re.escape(BEGIN)}.*?{END}", lambda _: f"{BEGIN}{_table()}{END}", text, flags=re.DOTALL)


def _table() -> str:
    head = f"| link to | {' | '.join(Needed)} |\n|---|{'---|' * len(Needed)}\n"
    rows = [
        row
        for platform in PLATFORMS
        for name, kind in platform.kinds.items()
        for row in _rows(platform.title, name, kind)
    ]
    rows = list(dict.fromkeys(rows))
    means = "".join(f"| {need} | {NEEDED_MEANS[need]} |\n" for need in Needed)
    return f"{head}{''.join(rows)}\n| | must be there |\n|---|---|\n{means}"


def _rows(title: str, name: str, kind: Kind) -> list[str]:
    """A row for one of a kind, and a row for a walk of it, as far as the kind has these."""
    of = f"{name} of {title}" if title != f"a {name}" else title
    found = [_row(of, kind.needs)] if kind.capture is not None or kind.account else []
    called = kind.walk.called if kind.walk is not None else kind.account_walk
    if called is not None:
        found.append(_row(f"whole {called} of {title}" if found else of, kind.walk_needs))
    return found


def _row(of: str, needs: tuple[Needed, ...]) -> str:
    return f"| {of} | {' | '.join('yes' if need in needs else '' for need in Needed)} |\n".replace(
        "|  |", "| |"
    ).replace("|  |", "| |")


if __name__ == "__main__":
    PAGE.write_text(made(), "utf-8")
    print(PAGE.relative_to(ROOT))
