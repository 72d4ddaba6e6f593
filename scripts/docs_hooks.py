"""Lets mkdocs show CHANGELOG.md and CONTRIBUTING.md, which lie beside `docs/`, with links that lead somewhere in the site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
BESIDE = ("CHANGELOG.md", "CONTRIBUTING.md")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that lie beside `docs/`."""
    for name in BESIDE:
        files.append(File.generated(config, name, content=(ROOT / name).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the page as the site shows it.

    In the repository links lead from file to file, and a word behind a block's language tells the tests when to run it;
    mkdocs takes such a block for text.
    """
    if page.file.src_uri in BESIDE:
        markdown = markdown.replace("](docs/", "](")
    else:
        markdown = re.sub(rf"\]\(\.\./\.\./({'|'.join(map(re.escape, BESIDE))})", r"](../\1", markdown)
    markdown = re.sub(r"\]\(((?:\.\./)*)adr/\)", r"](\1adr/index.md)", markdown)
    return re.sub(r"^```(\w+) \w+$", r"```\1", markdown, flags=re.MULTILINE)
