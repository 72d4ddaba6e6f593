"""`archiver lock`: how the copies of a case are locked."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from archiver.cli.arguments import count
from archiver.copies.locks import checked_mode, policies
from archiver.errors import UsageError
from storage.events import Event

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

EXAMPLE = "archiver lock almaty --hold --because 'proceedings opened'"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver lock` takes."""
    parser.add_argument("case", metavar="CASE", help="Case whose copies to lock.")
    mode = "governance: only a special right unlocks before the end; compliance: nobody can."
    parser.add_argument("mode", nargs="?", choices=("governance", "compliance"), help=mode)
    days = "Length of the lock in days, from triage (default: lock_days in the settings)."
    parser.add_argument("--days", type=count, metavar="N", help=days)
    parser.add_argument(
        "--hold",
        action=argparse.BooleanOptionalAction,
        help="Set or lift a legal hold: a lock that stays until somebody lifts it.",
    )
    parser.add_argument("--because", required=True, metavar="TEXT", help="Reason; it stays in the ledger.")
    sure = "Confirm compliance: nobody can unlock early."
    parser.add_argument("--yes", action="store_true", help=sure)


def run(context: Context) -> int:
    """Set the lock policy of a case, and its legal hold: a signed event that `archiver sync` carries out."""
    arguments, console, home = context.arguments, context.console, context.recovered_home()
    home.require_case(arguments.case)
    wanted = checked_mode(arguments.mode, arguments.days)
    if arguments.hold is not None:
        wanted["hold"] = arguments.hold
    if not wanted:
        raise UsageError("a mode, --days, --hold or --no-hold", "none", "Give at least one of them.")
    if wanted.get("mode") == "compliance" and not arguments.yes:
        raise UsageError(
            "--yes together with compliance",
            "none",
            "Nobody can remove these copies before the lock ends, whatever they contain. Add --yes to confirm.",
        )
    detail = {"case": arguments.case, **wanted, "text": arguments.because}
    sealed = context.signer(home).append([Event("lock-policy", home.clock(), detail)])[0]
    home.project()
    console.say(f"lock policy of {arguments.case} set by event {sealed.seq}: {_policy_words(home, arguments.case)}")
    console.say("`archiver sync` applies it; captures not yet looked at stay unlocked (archiver triage).")
    console.data({"event": sealed.seq, **detail})
    return 0


def _policy_words(home: Home, case: str) -> str:
    rule = policies(home).by_case.get(case, {})
    days = rule.get("days") or home.config.copies.days
    return f"{rule.get('mode') or 'governance'} for {days} days{', legal hold' if rule.get('hold') else ''}"
