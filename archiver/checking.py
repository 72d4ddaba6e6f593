"""`archiver check`: which lines a person asked for, printed, and the exit code."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.checks import Finding, check_home, worst
from archiver.errors import ArchiverError, NotFound
from storage.times import system_clock

if TYPE_CHECKING:
    from archiver.cli import Context


def check(context: Context) -> int:
    """Needs no key but the public one, opens nothing for writing, and works on a damaged home."""
    arguments, console, home = context.arguments, context.console, context.home_path
    if not (home / "ledger").is_dir():
        raise NotFound(f"a home at {home}", "none", "Name it with --home.")
    named = 0
    what: str | None = arguments.what

    def wanted(detail: dict[str, Any]) -> bool:
        nonlocal named
        capture = str(detail["capture"])
        chosen = what is None or what in detail.get("cases", []) or capture.startswith(what) or capture.endswith(what)
        named += chosen
        return chosen

    lines = check_home(home, wanted, what is None, pinned_roots(home), _given(arguments.checkpoint), system_clock())
    if what is not None and not named and worst(lines) == 0:
        raise NotFound(f"a capture or case {what!r}", "none in the ledger", "List them with `archiver case list`.")
    for line in lines:
        if not (arguments.quiet and line.finding in (Finding.INTACT, Finding.NOTE)):
            console.say(line.text())
        console.data(
            {
                "finding": str(line.finding),
                "subject": line.subject,
                "check": line.check,
                "detail": line.detail,
            }
        )
    code = worst(lines)
    verdict = {0: "intact", 5: "DAMAGED: see the lines above", 6: "cannot tell: see the lines above"}[code]
    stamped = sum(line.check == "time" and line.finding is Finding.INTACT for line in lines)
    times = (
        "NOT TIMESTAMPED"
        if not stamped
        else "all timestamped"
        if stamped == named
        else f"{stamped} timestamped, the rest NOT TIMESTAMPED"
    )
    console.say(f"\n{verdict} · {named} capture{'s' if named != 1 else ''} looked at · {times}")
    console.data({"verdict": verdict, "captures": named, "timestamped": stamped, "exit": code})
    return code


def pinned_roots(home: Path) -> frozenset[str]:
    """Fingerprints of the roots whose timestamps count: those of the settings, of keys/roots/, and the program's own."""
    from archiver.home import Home, TimestampConfig

    pinned = {authority.root.lower() for authority in TimestampConfig().authorities}
    with suppress(ArchiverError):  # a damaged home is checked all the same, by the program's own roots
        pinned |= {authority.root.lower() for authority in Home(home).config.timestamps.authorities}
    return frozenset(pinned)


def _given(path: Path | None) -> bytes | None:
    """The checkpoint that somebody outside kept. Raises `NotFound`."""
    if path is None:
        return None
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise NotFound(
            f"a checkpoint at {path}", error.strerror or "none", "Name the file that was handed out."
        ) from error
