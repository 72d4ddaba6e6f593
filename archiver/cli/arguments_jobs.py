"""Arguments of the commands about work that waits: jobs, work."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

Command = Callable[..., argparse.ArgumentParser]


def account_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--account", metavar="NAME", help="ask Telegram by this account (default: the one logged in)")
    parser.add_argument("--no-account", action="store_true", help="ask Telegram's public pages, not by an account")


def add_commands(
    command: Command, common: argparse.ArgumentParser, capture_options: Callable[[argparse.ArgumentParser], None]
) -> None:
    """`command`: makes a parser of a name, a summary and an example."""
    jobs = command("jobs", "what waits to be captured, and what became of it", "archiver jobs list --state dead")
    deeds = jobs.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = deeds.add_parser("add", help="queue links; a channel, profile or playlist is walked", parents=[common])
    add.add_argument("links", nargs="+", metavar="LINK")
    capture_options(add)
    add.add_argument("--comments", action="store_true", help="comments with their replies")
    add.add_argument("--since", metavar="DATE", help="of a walk: posts from this day or time on")
    add.add_argument("--until", metavar="DATE", help="of a walk: posts before this day or time")
    add.add_argument("--limit", type=int, metavar="N", help="of a walk: stop after N posts")
    add.add_argument("--priority", choices=("urgent", "normal", "low"), default="normal", help="what comes first")
    shown = deeds.add_parser("list", help="the newest first", parents=[common])
    states = ("waiting", "later", "running", "done", "dead", "cancelled")
    shown.add_argument("--state", choices=states, help="only these")
    shown.add_argument("--limit", type=int, default=50, metavar="N")
    for name, summary in (
        ("show", "everything that was tried of a job"),
        ("cancel", "do not begin it, or not again"),
        ("retry", "once more, at once"),
    ):
        deed = deeds.add_parser(name, help=summary, parents=[common])
        deed.add_argument("id", metavar="ID", help="a job's id, or its beginning or end")

    for name, summary in (
        ("pause", "begin nothing any more; what is under way goes on"),
        ("resume", "go on after a pause or a drain"),
        ("drain", "pause, and let all workers end once what is under way has ended"),
    ):
        deeds.add_parser(name, help=summary, parents=[common])

    work = command("work", "do what waits in the queue, until it is stopped", "archiver work --at-once 4")
    work.add_argument("--at-once", type=int, default=2, metavar="N", help="how many jobs run at once (default 2)")
    work.add_argument("--drain", action="store_true", help="end when nothing is left that could be begun now")

    work.add_argument("--health", type=int, metavar="PORT", help="answer GET /health on this port of 127.0.0.1")

    feed = command(
        "feed",
        "lists that grow: a file, a folder, RSS, a Google Sheet",
        "archiver feed add links.csv --every 5m --case almaty",
    )
    deeds = feed.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = deeds.add_parser("add", help="queue each link of it once, now and as it grows", parents=[common])
    add.add_argument("source", metavar="FILE|FOLDER|LINK")
    add.add_argument("--column", metavar="C", help="the column with the links: heading, letter or number")
    add.add_argument("--every", default="5m", metavar="SPAN", help="how often it is looked at (default 5m)")
    account_options(add)
    add.add_argument(
        "--case", action="append", default=[], metavar="CASE", help="put it into this case (default: inbox)"
    )
    add.add_argument("--no-media", action="store_true", help="leave photos and videos out; they are listed as skipped")
    for what, text in (
        ("status", "what became of the link"),
        ("link", "the capture's id"),
        ("hash", "its manifest's SHA-256"),
    ):
        add.add_argument(f"--{what}-column", metavar="HEADING", help=f"of a Google Sheet: write {text} there")
    add.add_argument(
        "--link-prefix", default="", metavar="TEXT", help="what stands before the id, such as https://archive.example/"
    )
    deeds.add_parser("list", help="all feeds, and what the last look came to", parents=[common])
    shown = deeds.add_parser("show", help="every row, and what became of it", parents=[common])
    shown.add_argument("id", metavar="ID")
    shown.add_argument("--limit", type=int, default=50, metavar="N")
    deeds.add_parser("remove", help="look at it no more", parents=[common]).add_argument("id", metavar="ID")

    command("status", "what waits, who works, what is owed, what failed last", "archiver status --json")
    notify = command("notify", "send a test message by the [[notify]] rules of archiver.toml", "archiver notify team")
    notify.add_argument("name", nargs="?", metavar="NAME", help="one rule (default: all)")
    serve = command(
        "serve", "an HTTP interface that takes links, and a bookmarklet for it", "archiver serve --api --port 8686"
    )
    serve.add_argument("--api", action="store_true", help="serve it (its description is at /openapi.json)")
    account_options(serve)
    serve.add_argument("--port", type=int, default=8686, metavar="N", help="default 8686")
    serve.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="default 127.0.0.1: this machine only")
    serve.add_argument(
        "--name", action="append", default=[], metavar="NAME", help="a name by which others reach it; repeatable"
    )
    schedule = command(
        "schedule",
        "capture or crawl again and again",
        "archiver schedule add 'crawl https://t.me/s/durov every 10m' --case almaty",
    )
    deeds = schedule.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = deeds.add_parser(
        "add",
        parents=[common],
        help="what, which link, when: every 10m, every day at 06:00 Asia/Almaty, cron 0 6 * * 1-5",
    )
    add.add_argument("words", nargs="+", metavar="'crawl LINK every 10m'")
    capture_options(add)
    add.add_argument("--comments", action="store_true", help="comments with their replies")
    add.add_argument(
        "--since", metavar="DATE", help="the first crawl: posts from this day on (later ones go on from there)"
    )
    add.add_argument("--limit", type=int, metavar="N", help="of each crawl: stop after N posts")
    add.add_argument("--jitter", metavar="SPAN", help="begin up to so much later, so that not all ask at once")
    add.add_argument("--busy", metavar="SPAN", help="with `every`: as often as this while there is something new")
    add.add_argument("--quiet", metavar="SPAN", help="with `every`: as rarely as this while there is nothing new")
    add.add_argument(
        "--no-catch-up",
        action="store_true",
        help="leave out what no worker was there for (default: the last of it is done)",
    )
    deeds.add_parser("list", help="with the next runs", parents=[common])
    deeds.add_parser("remove", help="no more runs", parents=[common]).add_argument("id", metavar="ID")


def add_watches(
    watched: Any, common: argparse.ArgumentParser, capture_options: Callable[[argparse.ArgumentParser], None]
) -> None:
    """The actions of `watch` that workers carry out."""
    add = watched.add_parser(
        "add", help="look at posts, all posts of a case, or a channel, again and again", parents=[common]
    )
    add.add_argument("links", nargs="+", metavar="LINK|CASE")
    capture_options(add)
    add.add_argument("--every", default="1d", metavar="SPAN", help="how often, while it is new (default 1d)")
    add.add_argument("--steady", action="store_true", help="always as often (default: more rarely with age)")
    second = "how long after a look that misses a post the one that may confirm it follows (default 1h)"
    add.add_argument("--second-look", default="1h", metavar="SPAN", help=second)
    add.add_argument(
        "--media", action="store_true", help="take photos and videos in each look, not only after a change"
    )
    shown = watched.add_parser("list", help="what is watched, what comes next first", parents=[common])
    states = ("new", "present", "missing", "unavailable", "refused")
    shown.add_argument("--state", choices=states, help="only these")
    shown.add_argument("--unsure", action="store_true", help="only those whose last look could not tell")
    shown.add_argument("--limit", type=int, default=50, metavar="N")
    for name, summary in (("show", "the last look, and what was found"), ("remove", "look no more")):
        watched.add_parser(name, help=summary, parents=[common]).add_argument("id", metavar="ID")
    now = watched.add_parser("now", help="do not wait for the next look (all, or one)", parents=[common])
    now.add_argument("id", nargs="?", metavar="ID")
