"""Pages that nobody made for this program: none of them may be taken for a wall.

They come from test data of article extractors (source distributions on PyPI) and from translated manuals (Debian
packages), are kept in `.soak/pages`, and are not part of this project. Where neither can be downloaded, what is there
already is read. What was found is printed with its number and sources.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from spiders.page.parse import parse
from spiders.walls.structure import EMPTY, EMPTY_SHELL
from tests.support.soak import ROOT, seeded

CACHE = ROOT / ".soak" / "pages"
PACKAGES = ("newspaper4k", "trafilatura", "html-text")
MANUALS = (
    "debian-reference-de", "debian-reference-fr", "debian-reference-it", "debian-reference-ja", "debian-reference-zh-cn",
    "aptitude-doc-ru", "maint-guide-ru", "developers-reference-ru", "gimp-help-ru", "gimp-help-uk", "gimp-help-fa", "gimp-help-el",
    "gimp-help-ko", "gimp-help-hu", "libreoffice-help-tr", "installation-guide-amd64",
)  # fmt: skip
OF_EACH = 40
"""Pages of each source that are read, drawn by the seed."""
SITE = "https://site.example/a/deep/page.html"


def _distribution(name: str) -> Path:
    folder = CACHE / "pypi" / name
    if not folder.exists():
        kept = CACHE / "archives" / name
        kept.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-binary", name, "--no-deps", "-d", str(kept), name]
        subprocess.run(pip, check=False, capture_output=True, timeout=300)
        for archive in kept.glob("*.tar.gz"):
            with tarfile.open(archive) as files:
                files.extractall(folder, filter="data")
    return folder


def _manual(name: str) -> Path:
    folder = CACHE / "debian" / name
    if not folder.exists():
        kept = CACHE / "archives" / name
        kept.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-q", name], cwd=kept, check=False, capture_output=True, timeout=600)
        folder.parent.mkdir(parents=True, exist_ok=True)
        for archive in kept.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(archive), str(folder)], check=True, capture_output=True)
            archive.unlink()
    return folder


def _drawn(folder: Path, chosen: random.Random) -> list[Path]:
    found = sorted(path for path in folder.rglob("*.htm*") if path.is_file() and path.suffix in (".html", ".htm"))
    return chosen.sample(found, min(OF_EACH, len(found)))


@pytest.mark.soak("walls")
def test_pages_of_others_are_no_walls() -> None:
    chosen = random.Random(seeded(31))
    read, shells, walls = 0, [], []
    sources: dict[str, int] = {}
    for name, folder in [*((n, _distribution(n)) for n in PACKAGES), *((n, _manual(n)) for n in MANUALS)]:
        pages = _drawn(folder, chosen)
        sources[name] = len(pages)
        for path in pages:
            parsed = parse(path.read_bytes(), SITE)
            read += 1
            if parsed.reason in (EMPTY, EMPTY_SHELL):
                shells.append(path)
            elif parsed.outcome is not None:
                walls.append((path, parsed.reason))
    if read < 200:
        pytest.skip(f"only {read} pages could be had: PyPI and Debian are not reached")
    print(f"{read} pages, {len(walls)} taken for walls, {len(shells)} without anything in them: {sources}")
    assert walls == []
    assert len(shells) <= read // 100, shells
