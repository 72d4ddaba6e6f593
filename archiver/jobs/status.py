"""`archiver status`: what waits, who works, which hosts are being asked, what is owed, what failed last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from archiver import __version__
from archiver.jobs.engine import Queue
from archiver.jobs.watches import CANNOT_TELL
from archiver.running import turns_of
from archiver.seal.stamping import needed, stamps
from archiver.text.plain import harmless, many
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli import Context
    from archiver.home import Home

LAST_FAILURES = 5


def status(home: Home, queue: Queue) -> dict[str, Any]:
    """Everything as one value. Raises `EvidenceError`."""
    home.project()
    config, board = home.config, queue.board
    kept = stamps(home)
    turns = turns_of(home)
    try:
        hosts = turns.standing()
    finally:
        turns.leave()
    dead = queue.jobs("dead", LAST_FAILURES)
    covered = max((stamp.size for stamp in kept if stamp.time is not None), default=0)
    due = {kind: board.next_due(kind) for kind in ("schedule", "watch", "feed")}
    return {
        "paused": queue.paused,
        "jobs": queue.counts(),
        "workers": [worker.line() for worker in board.workers()],
        "hosts": hosts,
        "schedules": board.count("schedule"), "watches": board.count("watch"), "feeds": board.count("feed"),
        "watches_that_could_not_tell": board.count("watch", f'"said": "{CANNOT_TELL}'),
        "next": {kind: utc_text(datetime.fromtimestamp(when, UTC)) for kind, when in due.items() if when is not None},
        "captures": len(home.catalog.captures()),
        "not_copied": {one.name: len(home.catalog.not_copied_to(one.name)) for one in config.copies.destinations},
        "timestamps": {
            "wanted": config.timestamps.wanted,
            "owed": max(0, needed(home) - covered) if config.timestamps.wanted else 0,
            "pending": sum(stamp.owed for stamp in kept),
        },
        "failed": [one.line() for one in dead],
    }  # fmt: skip


def health(queue: Queue) -> tuple[bool, dict[str, Any]]:
    """For a program that looks whether all is well: no links, no names. Raises `Unreachable`."""
    alive = sum(worker.alive for worker in queue.board.workers())
    good = alive > 0
    value = {"status": "ok" if good else "no worker is alive", "workers": alive, "paused": queue.paused}
    return good, {**value, "jobs": queue.counts(), "version": __version__}


def status_command(context: Context, home: Home) -> int:
    """The command. 0: all is well; 2: nobody works although something waits, or something failed for good."""
    from archiver.jobs.commands import opened

    console = context.console
    with opened(home) as queue:
        found = status(home, queue)
    console.data(found)
    jobs = ", ".join(f"{count} {state}" for state, count in sorted(found["jobs"].items())) or "none"
    alive = [one for one in found["workers"] if one["alive"]]
    console.say(f"jobs        {jobs}{' · PAUSED: archiver jobs resume' if found['paused'] else ''}")
    console.say(f"workers     {len(alive) or 'NONE: archiver work'}")
    for one in found["workers"]:
        said = f"{one['busy']} of {one['at_once']} at once" if one["alive"] else f"SILENT since {one['seen'][:19]}Z"
        console.say(f"            {one['worker']} on {one['machine']}, {one['version']}: {said}")
    for one in found["hosts"]:
        quiet = f", left alone for {one['quiet']:.0f} s more" if one["quiet"] else ""
        console.say(f"host        {one['host']}: {one['running']} under way{quiet}")
    for kind, word in (("schedule", "schedules"), ("watch", "watches"), ("feed", "feeds")):
        if found[word]:
            console.say(f"{word:<11} {found[word]}, next {found['next'].get(kind, 'never')[:19]}Z")
    if blind := found["watches_that_could_not_tell"]:
        console.say(f"            the last look of {blind} COULD NOT TELL: archiver watch list --unsure")
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
    for one in found["failed"]:
        console.say(f"✗ {one['job']}  {harmless(one['link'])}  {harmless(str(one['reason']))}")
    waits = found["jobs"].get("waiting", 0) + found["jobs"].get("running", 0)
    return 2 if (waits and not alive) or found["failed"] else 0
