"""`archiver crawl`: a channel, profile, playlist, thread or search to its end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archiver.capture.support import walked
from archiver.cli.arguments import add_at_once, add_capture, add_comments, add_merge, add_range
from archiver.cli.capture_options import capture_options, telegram_account
from archiver.cli.copying import copied
from archiver.errors import ExitCode, UsageError
from archiver.home.home import Home
from archiver.text.plain import many
from spiders.link_forms import Form
from spiders.links import without_userinfo
from spiders.platforms import platform_named
from spiders.targets import NoTarget, Target, parse_target

if TYPE_CHECKING:
    from archiver.capture.options import CaptureOptions
    from archiver.capture.walk import Walk
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver crawl https://t.me/s/durov --since 2022-01-02"
DESCRIPTION = """\
Capture a channel, profile, playlist, thread or search to its end, newest first. Run the same command again to continue
after a stop. A short link is captured first, and then what it leads to is crawled."""


def add_arguments(parser: Parser) -> None:
    """Add what `archiver crawl` takes."""
    parser.add_argument("link", metavar="TARGET", help="Link of a channel, profile, playlist, thread or search.")
    add_capture(parser)
    add_range(parser)
    restart = "Start over at the newest post instead of continuing an unfinished crawl."
    parser.add_argument("--restart", action="store_true", help=restart)
    oldest = "Begin with the oldest post (Telegram with an account)."
    parser.add_argument("--oldest-first", action="store_true", help=oldest)
    add_comments(parser, "Capture comments with their replies, where they are public.")
    holes = "Request each post number that the channel's pages skip (Telegram)."
    parser.add_argument("--holes", action="store_true", help=holes)
    add_merge(parser)
    add_at_once(parser, 2, "video captures")


def run(context: Context) -> int:
    """Crawl in parts, continued where an unfinished crawl stands, then capture what it found."""
    home = context.recovered_home()
    return copied(context, home, _crawl(context, home))


def _crawl(context: Context, home: Home) -> int:
    from archiver.capture.outcomes import EXIT_BY_OUTCOME
    from archiver.capture.services import open_recorder
    from archiver.capture.walk import Walk
    from archiver.cli.runtime import Interruptible, capture_engine

    arguments, console = context.arguments, context.console
    target = parse_target(arguments.link)
    if isinstance(target, NoTarget):
        raise UsageError(
            "a link that can be crawled", f"{without_userinfo(arguments.link)!r}: {target.reason}", target.next_step
        )
    account = telegram_account(home, arguments, [target])
    if target.form is not Form.SHORT and walked(target, account is not None) is None:
        raise UsageError(
            "a channel, profile, playlist, thread or search",
            f"a {target.platform} {target.kind}" if target.platform != target.kind else f"a {target.kind}",
            f"Use: archiver capture {target.url}"
            if not platform_named(target.platform).by_account
            else f"Log in first: archiver {target.platform} login; or capture single posts.",
        )
    options = capture_options(home, arguments, account)
    recorder = open_recorder(home, context.network)
    engine = capture_engine(context, home, recorder)
    walk = Walk(engine, target, options, console.result, arguments.at_once)
    codes: list[int] = []

    async def to_its_end() -> None:
        if target.form is Form.SHORT:
            result = await engine.capture(target, _of_one(options), home.new_capture_id(home.clock()))
            console.result(result)
            code: int = EXIT_BY_OUTCOME[result.outcome]
            if (led := result.led_to) is None or engine.stopping:
                codes.append(code)
                return
            account = telegram_account(home, arguments, [led])
            if walked(led, account is not None) is None:
                console.say(f"nothing to crawl: the short link leads to {_named(led)}")
                codes.append(max(code, ExitCode.USAGE))
                return
            walk.target, walk.options = led, replace(options, account=account)
        _say_going_on(console, home, walk, arguments.restart)
        await walk.run(arguments.restart)

    try:
        Interruptible(engine, context, options.cases).run(to_its_end())
    finally:
        recorder.close()
    for link, error in walk.failed:
        console.not_captured(link, error)
    codes += [EXIT_BY_OUTCOME[result.outcome] for result in walk.results] + [ExitCode.FAILED for _ in walk.failed]
    if walk.results:
        run, posts = walk.results[0].run, sum(result.posts for result in walk.results)
        found = home.state.frontier_size(run)
        what = f"{many(posts, 'post')} in {many(len(walk.results), 'capture')}" + (
            f", {found} found by the walk" if found else ""
        )
        console.say(f"{what}, run {run}")
    elif not codes and not engine.stopping:  # it had been to its end, and its process died before it could note that
        console.say("nothing is left of this walk: an earlier one kept all of it")
        codes.append(ExitCode.OK)
    return max(codes, default=ExitCode.FAILED)


def _of_one(options: CaptureOptions) -> CaptureOptions:
    """The options of a capture of the short link itself: the bounds are those of what it leads to."""
    return replace(options, since=None, until=None, limit=None)


def _named(target: Target) -> str:
    what = target.kind if target.platform == target.kind else f"{platform_named(target.platform).title} {target.kind}"
    return f"{target.url} ({what})"


def _say_going_on(console: Console, home: Home, walk: Walk, restart: bool) -> None:
    from archiver.capture.walk import unfinished

    going_on = None if restart else unfinished(home, walk.target, walk.options)
    if going_on is not None and going_on.parts:
        left = len(home.state.frontier(going_on.run))
        where = f", {left} items found earlier still to capture" if left else ""
        console.say(f"continuing run {going_on.run} where it stands{where} (--restart starts over)")
