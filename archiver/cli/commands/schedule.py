"""`archiver schedule`: add, list and remove what is captured or crawled again and again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from archiver.capture.support import unsupported, walked
from archiver.cli.arguments import add_capture, add_comments, add_post_limit
from archiver.cli.capture_options import capture_options, telegram_account
from archiver.cli.entries import remove, warn_without_worker
from archiver.cli.logs import mask_secrets
from archiver.errors import UsageError
from archiver.jobs.due_schedules import entry_of
from archiver.jobs.entries import new_entry_id
from archiver.jobs.job import packed
from archiver.jobs.queue import Queue, opened
from archiver.jobs.schedule import Rule, Schedule, interval_words, span_of
from archiver.text.plain import harmless
from spiders.links import without_userinfo
from spiders.targets import NoTarget, parse_target
from storage.times import from_epoch, utc_text

if TYPE_CHECKING:
    import argparse

    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

SHOWN = 3
"""How many of the next runs are listed."""

EXAMPLE = "archiver schedule add 'crawl https://t.me/s/durov every 10m' --case almaty"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver schedule` takes."""
    _add_add(parser)
    parser.add_action("list", "List schedules with their next runs.", "archiver schedule list")
    gone = parser.add_action("remove", "Stop a schedule.", "archiver schedule remove 7k2mv9qd")
    gone.add_argument("id", metavar="ID", help="Id of the schedule, or its beginning or end.")


def _add_add(parser: Parser) -> None:
    examples = (EXAMPLE, "archiver schedule add 'crawl @durov every day at 06:00 Asia/Almaty'")
    add = parser.add_action("add", "Capture or crawl a link at regular times.", examples)
    rule = "What to do (capture or crawl), the link, and when: every 10m, every day at 06:00 Asia/Almaty, cron 0 6 * * 1-5."
    add.add_argument("words", nargs="+", metavar="RULE", help=rule)
    add_capture(add)
    add_comments(add)
    since = "Go back to this day in the first crawl; later crawls capture what is new."
    add.add_argument("--since", metavar="DATE", help=since)
    add_post_limit(add, "posts of each crawl")
    add.add_argument("--jitter", metavar="SPAN", help="Delay each start by a random time up to SPAN.")
    busy = "Shortest interval, used while new posts appear (with `every`)."
    add.add_argument("--busy", metavar="SPAN", help=busy)
    quiet = "Longest interval, used while no new posts appear (with `every`)."
    add.add_argument("--quiet", metavar="SPAN", help=quiet)
    missed = "Skip runs that no worker was available for (default: do the last of them)."
    add.add_argument("--no-catch-up", action="store_true", help=missed)


def run(context: Context) -> int:
    """Run `archiver schedule`. Raises `UsageError`, `NotFound`, `Unreachable`."""
    home = context.home()
    mask_secrets(context)
    actions: dict[str, Callable[[Context, Home, Queue], int]] = {"add": _add, "list": _list, "remove": _remove}
    with opened(home, looks=context.arguments.action in ("list", "show")) as queue:
        return actions[context.arguments.action](context, home, queue)


def _add(context: Context, home: Home, queue: Queue) -> int:
    """Add a schedule, given in words: what, which link, and when."""
    arguments, console = context.arguments, context.console
    found = re.fullmatch(r"\s*(capture|crawl)\s+(\S+)\s+((?:every|cron)\s.+)", " ".join(arguments.words))
    if found is None:
        raise UsageError(
            "capture or crawl, LINK, WHEN", repr(without_userinfo(" ".join(arguments.words))),
            "For example: archiver schedule add 'crawl https://t.me/s/durov every 10m'",
        )  # fmt: skip
    kind, link, rule = found[1], found[2], Rule.read(found[3].strip())
    target = parse_target(link)
    if isinstance(target, NoTarget):
        raise UsageError("a supported link", f"{without_userinfo(link)!r}: {target.reason}", target.next_step)
    account = telegram_account(home, arguments, [target])
    refused = unsupported(target, kind == "crawl", account is not None)
    if refused is not None or (kind == "crawl" and walked(target, account is not None) is None):
        raise UsageError(
            f"a link for `{kind}`",
            refused[1] if refused else f"a {target.kind}",
            "Write `crawl` for channels and lists, `capture` for single posts and pages.",
        )
    busy, quiet = _pace(arguments, rule)
    options = capture_options(home, arguments, account)
    now = from_epoch(queue.shared.now())
    begins = now if rule.every else next(rule.moments(now))
    made = Schedule(
        new_entry_id(), kind, target.link, packed(options), rule, begins.replace(microsecond=0),
        span_of(arguments.jitter, "--jitter") if arguments.jitter else 0.0, busy, quiet, rule.every, not arguments.no_catch_up,
    )  # fmt: skip
    queue.shared.entries.add("schedule", [entry_of(made)])
    console.say(f"{made.id}  {kind} {harmless(target.url)} {rule}")
    console.say(f"  next  {_when(made)}")
    console.say("Start a worker: archiver work")
    console.data({"schedule": made.id, **made.value()})
    return 0


def _pace(arguments: argparse.Namespace, rule: Rule) -> tuple[float | None, float | None]:
    """Read the shortest and the longest interval, given together or not at all. Raises `UsageError`."""
    busy, quiet = (
        span_of(given, f"--{name}") if (given := getattr(arguments, name)) else None for name in ("busy", "quiet")
    )
    if (busy or quiet) and not (rule.every and busy and quiet and busy <= rule.every <= quiet):
        raise UsageError(
            "--busy and --quiet together, around `every …`", f"{rule}, {arguments.busy}, {arguments.quiet}",
            "For example: every 1h --busy 10m --quiet 1d",
        )  # fmt: skip
    return busy, quiet


def _when(one: Schedule, count: int = SHOWN) -> str:
    """List the next runs in the schedule's zone, the first in UTC too; each is up to the jitter later."""
    zone = ZoneInfo(one.rule.zone)
    bases = one.nexts(count)
    said = ", ".join(base.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") for base in bases)
    if one.rule.zone == "UTC":
        return f"{said} UTC" + _jitter(one)
    return f"{said} {one.rule.zone} (the first is {bases[0]:%Y-%m-%d %H:%M} UTC){_jitter(one)}"


def _jitter(one: Schedule) -> str:
    return f", each up to {interval_words(one.jitter)} later" if one.jitter else ""


def _list(context: Context, home: Home, queue: Queue) -> int:
    console = context.console
    found = [Schedule.of(entry.id, entry.value) for entry in queue.shared.entries.all("schedule")]
    for one in sorted(found, key=lambda one: one.due):
        attempts = queue.attempts(one.last) if one.last else []
        last = attempts[-1] if attempts else None
        pace = f", now each {interval_words(round(one.interval))}" if one.busy and one.interval else ""
        console.say(f"{one.id}  {one.kind} {harmless(one.link)} {one.rule}{pace}")
        console.say(f"  next  {_when(one)}")
        if last is not None:
            outcome = f"{last.outcome}: {harmless(last.reason)}" if last.reason else str(last.outcome or "")
            console.say(f"  last  {last.job.id}  {last.state}  {outcome}".rstrip())
        left_out = [f"{one.skipped} skipped because the previous run had not ended"] if one.skipped else []
        left_out += [f"{one.missed} while no worker was running"] if one.missed else []
        console.say(f"  runs  {one.runs}" + (f"; {', '.join(left_out)}" if left_out else ""))
        data: dict[str, Any] = {"schedule": one.id, **one.value(), "due": utc_text(one.due)}
        console.data(
            {**data, "next": [utc_text(base) for base in one.nexts(SHOWN)], "state": last.state if last else None}
        )
    if not found:
        console.say("no schedules. For example: archiver schedule add 'crawl https://t.me/s/durov every 10m'")
    else:
        warn_without_worker(console, queue, "no scheduled run starts")
    return 0


def _remove(context: Context, home: Home, queue: Queue) -> int:
    name = context.arguments.id
    said = "removed {id}. Jobs already queued still run; captures stay."
    return remove(context.console, queue, "schedule", name, said)
