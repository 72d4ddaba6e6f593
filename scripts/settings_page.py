"""Writes the tables of docs/reference/settings.md from the table of variables and the schema of archiver.toml.

Run it by `make man` after a change of either; a test compares.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from archiver.home.config_file import shown  # noqa: E402
from archiver.home.config_schema import in_words, known_keys  # noqa: E402
from archiver.home.variables import VARIABLES  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "settings.md"
LONGEST = 40
"""Defaults that are longer stand in the template."""


def made() -> str:
    """Return the page with today's tables."""
    text = PAGE.read_text("utf-8")
    for name, table in (("variables", _variables()), ("keys", _keys())):
        begin = f"<!-- made by scripts/settings_page.py: {name} -->\n"
        text = re.sub(
            f"{re.escape(begin)}.*?<!-- end -->",
            lambda _, b=begin, t=table: f"{b}{t}<!-- end -->",
            text,
            flags=re.DOTALL,
        )
    return text


def _variables() -> str:
    rows = [f"| `{one.name}` | {one.means} | {f'`{shown(one.key)}`' if one.key else ''} |\n" for one in VARIABLES]
    return "| variable | meaning | overrides |\n|---|---|---|\n" + "".join(rows)


def _keys() -> str:
    rows = [f"| `{shown(key)}` | {in_words(kind)} | {_default(default)} |\n" for key, kind, default in known_keys()]
    return "| key | takes | default |\n|---|---|---|\n" + "".join(rows)


def _default(value: Any) -> str:
    said = "" if value is None else json.dumps(value, ensure_ascii=False)
    return "in the template" if len(said) > LONGEST else f"`{said}`" if said else ""


if __name__ == "__main__":
    PAGE.write_text(made(), "utf-8")
    print(PAGE.relative_to(ROOT))
