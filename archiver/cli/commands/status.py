"""`archiver status`: what waits, who works, what is owed, what failed last."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from archiver.cli.console import Console
from archiver.errors import ExitCode
from archiver.home.paths import given_output
from archiver.text.plain import harmless, many
from storage.errors import Unreachable

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

EXAMPLE = ("archiver status --json", "archiver status --metrics /var/lib/node_exporter/archiver.prom")


def add_arguments(parser: Parser) -> None:
    """Add what `archiver status` takes."""
    metrics = "Also write numbers for Prometheus to this file, whole or not at all; no links, no names of cases."
    parser.add_argument("--metrics", type=given_output, metavar="FILE", help=metrics)


def run(context: Context) -> int:
    """Print how things stand, also while a part of it is down.

    Exit code 2 where something needs a person: nobody works although something waits, something failed for good, or a disk
    for copies is not there; 4 where the queue does not answer.
    """
    from archiver.jobs.status import kept

    console, home = context.console, context.home()
    if context.settings_error is not None:  # they say where the queue and the copies are
        found = kept(home)
        console.data(found)
        console.say(
            f"captures    {found['captures']}\nNOT SHOWN: jobs, copies and timestamps, until the settings are corrected"
        )
        return ExitCode.PARTIAL
    found = _found(home)
    if context.arguments.metrics is not None:
        _write_metrics(context.arguments.metrics, metrics(found))
    console.data(found)
    if (away := found["queue_unreachable"]) is None:
        _print_work(console, found)
    else:
        console.say(f"NOT SHOWN   jobs, workers, watches: the queue does not answer. {harmless(away)}")
    _print_keeping(console, found)
    for one in found["failed"] or ():
        console.say(f"✗ {one['job']}  {harmless(one['link'])}  {harmless(str(one['reason']))}")
    return exit_code_of(found)


def _write_metrics(path: Path, text: str) -> None:
    """Write the numbers whole or not at all, for a monitor of another user too. Raises `DiskError`."""
    from storage.errors import disk_refusals
    from storage.files import write_synced

    working = path.with_name(f".{path.name}.new-numbers")
    write_synced(working, text.encode())
    with disk_refusals(f"writing {path.name}"):
        working.chmod(0o644)  # the umask of every command closes what it writes
        working.replace(path)


def exit_code_of(found: dict[str, Any]) -> int:
    """Return the exit code that says how things stand."""
    if found["queue_unreachable"] is not None:
        return ExitCode.FAILED
    alive = any(one["alive"] for one in found["workers"])
    waits = found["jobs"].get("waiting", 0) + found["jobs"].get("running", 0)
    return ExitCode.PARTIAL if (waits and not alive) or found["failed"] or found["not_there"] else ExitCode.OK


UNKNOWN = (
    "paused",
    "jobs",
    "workers",
    "hosts",
    "schedules",
    "watches",
    "feeds",
    "watches_that_could_not_tell",
    "next",
    "failed",
)
"""What only the queue knows: None while it does not answer."""


def _found(home: Home) -> dict[str, Any]:
    from archiver.jobs.queue import opened
    from archiver.jobs.status import keeping, working

    kept = {**keeping(home), "key_copies": _keys(home), "free_bytes": shutil.disk_usage(home.path).free}
    try:
        with opened(home, looks=True) as queue:
            return {**working(home, queue), **kept, "queue_unreachable": None}
    except Unreachable as error:
        return {**dict.fromkeys(UNKNOWN), **kept, "queue_unreachable": error.found}


def _keys(home: Home) -> dict[str, Any]:
    """Whether the keys lie anywhere else: on paper, or in the keyring at copies, for a recovery key."""
    from archiver.home.people import recovery_keys
    from archiver.signer.sheet import sheet_state

    sheet = sheet_state(home.path)
    copied = any(home.catalog.copies(one.name) for one in home.config.copies.destinations)
    by_recovery = bool(recovery_keys(home.path)) and copied
    elsewhere = by_recovery or (sheet.made is not None and not sheet.newer)
    return {"elsewhere": elsewhere, "sheet": sheet.made, "newer_than_sheet": sheet.newer}


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
    """Print what is owed to what was captured: timestamps, copies, and the keys elsewhere."""
    owed = found["timestamps"]
    if owed["wanted"]:
        pending = f", {owed['pending']} of OpenTimestamps not yet in a block" if owed["pending"] else ""
        console.say(f"timestamps  {many(owed['owed'], 'event')} not covered{pending}")
        if owed["owed"]:
            console.say("            archiver work and sync ask at random moments, archiver seal at once")
    else:
        console.say("timestamps  not wanted ([timestamps] wanted)")
    for name, count in found["not_copied"].items():
        said = f"{many(count, 'capture')} not there yet" if count else "all there"
        gone = "; ITS FOLDER IS NOT THERE: connect the disk" if name in found["not_there"] else ""
        console.say(f"copies      {name}: {said}{gone}")
    if not found["not_copied"]:
        console.say("copies      NO second place: this disk has the only copy ([copies] second)")
    console.say(f"captures    {found['captures']}")
    keys = found["key_copies"]
    if keys["elsewhere"]:
        return
    if keys["sheet"] is not None:
        newer = many(keys["newer_than_sheet"], "key")
        console.say(
            f"keys        the recovery sheet of {keys['sheet'][:10]} lacks {newer}: archiver keys sheet --to FILE.html"
        )
    else:
        console.say(
            "keys        ONLY HERE: if this disk is lost, nothing opens the copies. archiver keys sheet --to FILE.html"
        )


def metrics(found: dict[str, Any]) -> str:
    """Return how things stand in the text format of Prometheus (exposition format 0.0.4).

    What is not known, as while the queue does not answer, is left out: it is never 0.
    """
    lines: list[str] = []

    def gauge(name: str, means: str, values: dict[str, float | None], label: str = "") -> None:
        known = {key: value for key, value in values.items() if value is not None}
        if known:
            lines.extend((f"# HELP archiver_{name} {means}", f"# TYPE archiver_{name} gauge"))
        for key, value in known.items():
            told = key.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            lines.append(f'archiver_{name}{{{label}="{told}"}} {value}' if label else f"archiver_{name} {value}")

    away = found["queue_unreachable"] is not None
    workers, failed = found["workers"], found["failed"]
    gauge("queue_up", "Whether the queue answers.", {"": int(not away)})
    gauge("jobs", "Jobs by state.", {} if away else found["jobs"], "state")
    gauge(
        "workers_alive", "Workers that reported lately.", {"": None if away else sum(one["alive"] for one in workers)}
    )
    gauge("paused", "Whether no job may begin.", {"": None if away else int(found["paused"])})
    gauge("jobs_failed_shown", "Jobs among the last few that were given up.", {"": None if away else len(failed)})
    gauge("watches_inconclusive", "Watches whose last check told nothing.", {"": found["watches_that_could_not_tell"]})
    gauge("captures", "Captures in the home.", {"": found["captures"]})
    gauge("captures_not_copied", "Captures that a destination lacks.", found["not_copied"], "destination")
    there: dict[str, float | None] = {name: int(name not in found["not_there"]) for name in found["not_copied"]}
    gauge(
        "destination_up", "Whether the folder of a destination is there; a bucket is not asked.", there, "destination"
    )
    stamps = found["timestamps"]
    owed = stamps["owed"] if stamps["wanted"] else None
    gauge("events_not_timestamped", "Events that no timestamp covers.", {"": owed})
    gauge("keys_elsewhere", "Whether the keys lie anywhere else.", {"": int(found["key_copies"]["elsewhere"])})
    gauge("free_bytes", "Free room on the disk of the home.", {"": found["free_bytes"]})
    return "\n".join(lines) + "\n"
