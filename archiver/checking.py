"""`archiver check`: which lines a person asked for, printed, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.checks import Finding, check_home, worst
from archiver.errors import NotFound

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

    lines = check_home(home, wanted, whole=what is None)
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
    console.say(f"\n{verdict} · {named} capture{'s' if named != 1 else ''} looked at · NOT TIMESTAMPED")
    console.data({"verdict": verdict, "captures": named, "exit": code})
    return code
