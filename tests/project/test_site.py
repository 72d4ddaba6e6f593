"""The documents as a site: whole, with no dead link, and opened from a folder on a machine without a network."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import CI

ROOT = Path(__file__).parents[2]
MKDOCS = ROOT / ".venv-docs" / "bin" / "mkdocs"
LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|embed)\b[^>]*\bsrc=[\"']?([^\"' >]+)|<link\b[^>]*\bhref=[\"']?([^\"' >]+)"
)
"""What a page loads by itself. A link that a person clicks may lead anywhere."""


def built(*words: str) -> subprocess.CompletedProcess[str]:
    if not MKDOCS.exists():
        (pytest.fail if CI else pytest.skip)("mkdocs-material is not in .venv-docs; scripts/setup.sh docs installs it")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [str(MKDOCS), "build", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("site")
    ran = built("--site-dir", str(to))
    assert ran.returncode == 0, ran.stderr
    return to


def test_every_document_has_a_page(site: Path) -> None:
    wanted = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    pages = {path.relative_to(site) for path in site.rglob("*.html")}
    assert pages == wanted | {Path("CHANGELOG.html"), Path("CONTRIBUTING.html"), Path("404.html")}


def test_every_block_is_shown_as_one(site: Path) -> None:
    """The tests' own words behind a language are not taken for text, and a link to a page says its title."""
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert "```" not in text, page
        assert not re.search(r">[\w./-]+\.md</a>", text), page


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        found = [one or other for one, other in LOADED.findall(page.read_text("utf-8"))]
        assert found
        for target in found:
            path = target.partition("?")[0]
            if page.name == "404.html":  # only a server shows it
                path = path.removeprefix("/")
            assert not re.match(r"\w+:|//", target), (page, target)
            assert (page.parent / path).exists(), (page, target)
    for sheet in site.rglob("*.css"):
        text = sheet.read_text("utf-8")
        assert not re.search(r"@import|url\([\"']?(?!data:)\w*:?//", text), sheet


def test_a_dead_link_or_anchor_fails_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text("# One\n\n[two](index.md#two) and [three](three.md)\n")
    (tmp_path / "mkdocs.yml").write_text(
        f"INHERIT: {ROOT / 'mkdocs.yml'}\ndocs_dir: docs\nsite_dir: site\nhooks: []\nnav: [index.md]\ntheme: mkdocs\n"
        "plugins: []\n"
    )
    ran = built("--config-file", str(tmp_path / "mkdocs.yml"))
    assert ran.returncode != 0
    assert "no such anchor" in ran.stderr
    assert "'three.md'" in ran.stderr


def test_the_search_works_without_a_server(site: Path) -> None:
    from archiver.tools.chromium import program
    from tests.support.packages import lacking

    if program() is None:
        lacking("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / "index.html").as_uri() + "?q=fingerprint")
        page.wait_for_selector(".md-search-result__link", state="attached")
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
