"""What must be true of a home after a kill or a fault of the disk: nothing lost, nothing stuck, nothing found by `check`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from archiver.checks.home import check_home
from archiver.checks.lines import Finding
from archiver.home.home import Home
from storage.digest import file_sha256
from tests.support.commands import Commands

SEALED = re.compile(r"captures/\d{4}/\d\d/\d\d/[\w-]+")


def sealed_files(home: Path) -> dict[str, str]:
    """Return the digest of every file of a closed capture, by its path in the home."""
    found = {}
    for manifest in home.glob("captures/*/*/*/*/manifest.json"):
        for path in manifest.parent.iterdir():
            if path.name != ".lock" and not path.name.endswith(".evicted"):
                found[str(path.relative_to(home))] = file_sha256(path).hexdigest()
    return found


def wrong_with(home: Path, run: Commands, before: Mapping[str, str], said: str, look: bool = True) -> Iterator[str]:
    """Say what is wrong with a home. `before`: what was sealed; `said`: what the command printed; `look`: check it all."""
    captures = sorted(path.parent.name for path in home.glob("captures/*/*/*/*/manifest.json"))
    writes = ["note", captures[0], "afterwards"] if captures else ["case", "new", f"case-{secrets.token_hex(4)}"]
    for words, ends in ((writes, (0,)), (["status"], (0, 2))):
        code, out, err = run(*words)
        if code not in ends:
            yield f"stuck: {words[0]} ends with {code}: {(out + err)[-600:]}"
    for folder in set(SEALED.findall(said)):
        if not (home / folder / "manifest.json").exists():
            yield f"lost: {folder} was said to be sealed"
    yield from _lost(home, before)
    for line in check_home(home) if look else ():
        if line.finding is Finding.DAMAGED:
            yield f"found: {line.text()}"
    for path in (home / "keys").rglob(".*.new"):
        yield f"left: {path.name} in keys/, of a command that has ended"


def _lost(home: Path, before: Mapping[str, str]) -> Iterator[str]:
    now = sealed_files(home)
    changed = [path for path, digest in before.items() if now.get(path) != digest]
    if not changed:
        return
    opened = Home(home)
    opened.project()
    gone = {body["detail"]["capture"] for body in opened.catalog.event_bodies(("disposed",))}
    opened.catalog.close()
    for path in changed:
        evicted = (home / f"{path}.evicted").exists() and path not in now
        if not evicted and Path(path).parent.name not in gone:
            yield f"lost: {path} {'has changed' if path in now else 'is gone'}"


def events_of(home: Path) -> int:
    """Return how many events a home has."""
    return sum(1 for _ in (home / "events").rglob("*.json"))
