"""`archiver status`: what waits, who works, what is owed, what failed last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.cli.console import Console
from archiver.errors import ExitCode
from archiver.text.plain import harmless, many

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver status --json"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver status` takes."""
    # only what every command takes


def run(context: Context) -> int:
    """Print how things stand. Exit code 2 where nobody works although something waits, or something failed for good."""
    from archiver.jobs.queue import opened
    from archiver.jobs.status import kept, status

    console, home = context.console, context.home()
    if context.settings_error is not None:  # they say where the queue and the copies are
        found = kept(home)
        console.data(found)
        console.say(
            f"captures    {found['captures']}\nNOT SHOWN: jobs, copies and timestamps, until the settings are corrected"
        )
        return ExitCode.PARTIAL
    with opened(home, looks=True) as queue:
        found = status(home, queue)
    console.data(found)
    _print_work(console, found)
    _print_keeping(console, found)
    for one in found["failed"]:
        console.say(f"✗ {one['job']}  {harmless(one['link'])}  {harmless(str(one['reason']))}")
    alive = any(one["alive"] for one in found["workers"])
    waits = found["jobs"].get("waiting", 0) + found["jobs"].get("running", 0)
    return ExitCode.PARTIAL if (waits and not alive) or found["failed"] else ExitCode.OK


def _print_work(console: Console, found: dict[str, Any]) -> None:
    """Print jobs, workers, hosts, and what is done again and again."""
    jobs = ", ".join(f"{count} {state}" for state, count in sorted(found["jobs"].items())) or "none"
    alive = sum(one["alive"] for one in found["workers"])
    console.say(f"jobs        {jobs}{' · PAUSED: archiver jobs resume' if found['paused'] else ''}")
    console.say(f"workers     {alive or 'NONE: archiver work'}")
    for one in found["workers"]:
        said = f"{one['busy']} of {one['at_once']} at once" if one["alive"] else f"SILENT since {one['seen'][:19]}Z"
        console.say(f"            {one['worker']} on {one['machine']}, {one['version']}: {said}")
    for one in found["hosts"]:
        quiet = f", paused for {one['quiet']:.0f} s more" if one["quiet"] else ""
        console.say(f"host        {one['host']}: {one['running']} running{quiet}")
    for kind, word in (("schedule", "schedules"), ("watch", "watches"), ("feed", "feeds")):
        if found[word]:
            console.say(f"{word:<11} {found[word]}, next {found['next'].get(kind, 'never')[:19]}Z")
    if blind := found["watches_that_could_not_tell"]:
        console.say(f"            the last check of {blind} WAS INCONCLUSIVE: archiver watch list --unsure")


def _print_keeping(console: Console, found: dict[str, Any]) -> None:
    """Print what is owed to what was captured: timestamps and copies."""
    owed = found["timestamps"]
    if owed["wanted"]:
        pending = f", {owed['pending']} of OpenTimestamps not yet in a block" if owed["pending"] else ""
        console.say(f"timestamps  {many(owed['owed'], 'event')} not covered{pending}")
    else:
        console.say("timestamps  not wanted ([timestamps] wanted)")
    for name, count in found["not_copied"].items():
        console.say(
            f"copies      {name}: {many(count, 'capture')} not there yet" if count else f"copies      {name}: all there"
        )
    if not found["not_copied"]:
        console.say("copies      NO second place: this disk has the only copy ([copies] second)")
    console.say(f"captures    {found['captures']}")
