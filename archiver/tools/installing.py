"""What is missing on this machine, and the commands that install it: pure, but for finding out what is there.

Packages are installed by their own names, read from what this program's wheel asks for: never by a name that an index
may know as another program's.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec

from archiver.children import program
from archiver.tools import chromium
from archiver.version import DISTRIBUTION

EXTRAS = {
    "browser": (("playwright",), "pages as a browser shows them"),
    "media": (("deno", "c2pa"), "more formats of YouTube, content credentials"),
    "scenes": (("cv2", "numpy"), "redact --follow"),
}
"""By extra: the modules that it brings, and what for."""
PINNED = {
    "browser": ["playwright>=1.60"],
    "media": ["deno>=2.9", "c2pa-python>=0.38"],
    "scenes": ["opencv-contrib-python-headless>=4.10", "numpy>=2"],
}
"""What the extras ask for, where the wheel does not say it: a test compares this with pyproject.toml."""
PROGRAMS = {
    "ffmpeg": ("ffmpeg", "ffmpeg", "small pictures, copies to play, redaction"),
    "exiftool": ("libimage-exiftool-perl", "exiftool", "metadata of files"),
    "openssl": ("openssl", "openssl", "timestamps"),
    "Chromium": ("chromium", "chromium", "pages as a browser shows them"),
}
"""By program: its package in Debian and Ubuntu, its formula in Homebrew, what for."""


@dataclass(frozen=True)
class Step:
    """One thing to install. `command` is None where nobody knows here how; `says` then tells what to do."""

    what: str
    use: str
    command: tuple[str, ...] | None
    says: str
    alters_system: bool = False
    """Whether it changes the system, rather than this program's own environment."""


def hint(extra: str) -> str:
    """Return how a person gets an extra, as it stands in messages."""
    return f"run: archiver doctor --fix (it is the extra {extra!r} of {DISTRIBUTION})"


def missing_extras() -> list[str]:
    """List the extras of which a module is not installed."""
    return [name for name, (modules, _) in EXTRAS.items() if any(find_spec(one) is None for one in modules)]


def missing_programs() -> list[str]:
    """List the programs that are not installed."""
    found = [name for name in PROGRAMS if name != "Chromium" and program(name) is None]
    return found + (["Chromium"] if chromium.program() is None else [])


def requirements(extra: str) -> list[str]:
    """List what an extra asks for, as the installed wheel says."""
    try:
        lines = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        lines = []
    pattern = re.compile(rf"(.+?)\s*;\s*extra\s*==\s*['\"]{extra}['\"]")
    return [found[1] for line in lines if (found := pattern.fullmatch(line))] or PINNED[extra]


def plan(extras: Iterable[str], programs: Iterable[str], installers: Sequence[str], root: bool) -> list[Step]:
    """Return the steps that install what is missing.

    `installers`: which of `pip`, `uv`, `apt-get` and `brew` there are. `root`: whether the system may be changed.
    """
    return [*(_extra(one, installers) for one in extras), *_programs(list(programs), installers, root)]


def _extra(name: str, installers: Sequence[str]) -> Step:
    wanted, use = requirements(name), EXTRAS[name][1]
    by_hand = f"Install into the environment of archiver: {' '.join(wanted)}"
    if "pip" in installers:
        return Step(f"extra {name}", use, (sys.executable, "-m", "pip", "install", *wanted), "")
    if "uv" in installers:
        return Step(f"extra {name}", use, ("uv", "pip", "install", "--python", sys.executable, *wanted), "")
    return Step(f"extra {name}", use, None, by_hand)


def _programs(names: list[str], installers: Sequence[str], root: bool) -> list[Step]:
    if not names:
        return []
    what, use = ", ".join(names), "; ".join(dict.fromkeys(PROGRAMS[name][2] for name in names))
    debian = [PROGRAMS[name][0] for name in names]
    if "apt-get" in installers:
        command = ("apt-get", "install", "-y", "--no-install-recommends", *debian)
        return [Step(what, use, command if root else None, f"As root: {' '.join(command)}", alters_system=True)]
    if "brew" in installers:
        formulas = [PROGRAMS[name][1] for name in names]
        return [Step(what, use, ("brew", "install", *formulas), "", alters_system=True)]
    return [Step(what, use, None, f"Install with your system's package manager: {', '.join(debian)}")]


def installers_here() -> list[str]:
    """List which programs that install something there are."""
    found = ["pip"] if find_spec("pip") is not None else []
    return found + [name for name in ("uv", "apt-get", "brew") if program(name) is not None]
