"""Lets mkdocs show the documents as they lie in the repository, and CHANGELOG.md and CONTRIBUTING.md, which lie beside `docs/`."""

from __future__ import annotations

import posixpath
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


def on_page_markdown(markdown: str, page: Any, files: Any, **_: Any) -> str:
    """Return the page as the site shows it.

    In the repository links lead from file to file and are called as the files are; and a word behind a block's language
    tells the tests when to run it, while mkdocs takes such a block for text.
    """
    if page.file.src_uri in BESIDE:
        markdown = markdown.replace("](docs/", "](")
    else:
        markdown = re.sub(rf"\]\(\.\./\.\./({'|'.join(map(re.escape, BESIDE))})", r"](../\1", markdown)
    markdown = re.sub(r"\]\(((?:\.\./)*)adr/\)", r"](\1adr/index.md)", markdown)

    def titled(found: re.Match[str]) -> str:
        target = files.get_file_from_path(
            posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), found[1]))
        )
        return f"[{_title(target.content_string)}]({found[1]}" if target else found[0]

    markdown = re.sub(r"\[[\w./-]+(?:\.md|/)\]\(([^)#]+\.md)", titled, markdown)
    return re.sub(r"^```(\w+) \w+$", r"```\1", markdown, flags=re.MULTILINE)


def _title(text: str) -> str:
    """Return the first heading of a page."""
    return text.partition("\n")[0].removeprefix("# ")
