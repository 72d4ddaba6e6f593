"""`archiver team`: whose captures lie where, and bringing those of a case here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from archiver.copies.destinations import destinations
from archiver.copies.team import teammates
from archiver.errors import ExitCode
from archiver.home.cases import DEFAULT_CASE
from archiver.home.people import home_label
from archiver.text.plain import harmless, many
from storage.errors import Unreachable

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

EXAMPLE = "archiver team bring almaty"
LOOKED_AT = 1000
"""How many jobs of the queue are looked at, the newest first."""


def add_arguments(parser: Parser) -> None:
    """Add what `archiver team` takes."""
    parser.add_action("list", "List whose captures lie where.", "archiver team list")
    bring = parser.add_action("bring", "Fetch teammates' captures of a case, to be read here.", EXAMPLE)
    bring.add_argument("case", metavar="CASE", help="Case whose key is in this home.")
    source = "Only from this destination; repeatable (default: all)."
    bring.add_argument("--from", dest="source", action="append", default=[], metavar="NAME", help=source)


def run(context: Context) -> int:
    """Run `archiver team`. Raises `NotFound`, `ConfigError`, `LedgerError`, `StoreError`, `DiskError`."""
    arguments, home = context.arguments, context.recovered_home()
    if arguments.action == "list":
        return _list(context, home)
    from archiver.cli.teamwork import bring_from

    return bring_from(context, home, destinations(home, arguments.source), arguments.case)


def _list(context: Context, home: Home) -> int:
    """Say what lies here, what was brought, and what the queue knows of other homes. Exit code 4 where it does not answer."""
    console = context.console
    console.say(f"this home    {harmless(home_label(home.path, home.ledger_key.name))}")
    for case in home.catalog.cases():
        count = len(home.catalog.captures(case["name"]))
        console.say(f"             {harmless(case['name'])}: {many(count, 'capture')}")
        console.data({"where": "here", "home": None, "machine": None, "case": case["name"], "captures": count})
    for one in teammates(home):
        console.say(f"brought      {one.mark}, to read: archiver --home {one.folder} find TEXT")
        for name, count in one.captures.items():
            console.say(f"             {harmless(name)}: {many(count, 'capture')}, of {many(one.seen, 'event')} in all")
            console.data({"where": str(one.folder), "home": one.mark, "machine": None, "case": name, "captures": count})
    return _elsewhere(context, home)


def _elsewhere(context: Context, home: Home) -> int:
    from archiver.jobs.queue import opened

    console, own = context.console, home_label(home.path, home.ledger_key.name)
    found: Counter[tuple[str, str, str]] = Counter()
    try:
        with opened(home, looks=True) as queue:
            for job in queue.jobs("done", LOOKED_AT):
                if job.home is not None and job.home != own:
                    for case in job.job.options.get("cases", (DEFAULT_CASE,)):
                        found[job.home, job.machine or "?", str(case)] += len(job.captures)
    except Unreachable as error:
        console.warn(f"NOT SHOWN: what the queue knows of other homes. {error.summary}")
        console.data({"where": "queue", "error": error.found})
        return ExitCode.FAILED
    for (label, machine, case), count in sorted(found.items()):
        if count:
            console.say(f"elsewhere    {harmless(label)} on {harmless(machine)}")
            console.say(
                f"             {harmless(case)}: {many(count, 'capture')}, by the newest {LOOKED_AT:,} jobs of the queue"
            )
            console.data({"where": "queue", "home": label, "machine": machine, "case": case, "captures": count})
    if not found:
        console.say("elsewhere    the queue knows of no captures in other homes")
    return ExitCode.OK
