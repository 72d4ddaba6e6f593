"""`archiver watch telegram`: what is new, edited or removed, by an account."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from archiver.cli.arguments import add_account_name, add_case, add_links, add_media, count_from_zero
from archiver.errors import UsageError
from spiders.links import without_userinfo
from spiders.targets import Target, parse_target
from spiders.telegram.api.errors import TelegramError
from storage.times import system_clock

if TYPE_CHECKING:
    from argparse import Namespace

    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

EXAMPLE = "archiver watch telegram https://t.me/durov --case almaty"


def add_arguments(parser: Parser) -> None:
    """Add `telegram` to the actions of `archiver watch`."""
    live = parser.add_action("telegram", "Watch channels and groups live, with an account.", EXAMPLE)
    add_links(live, what="Link of a channel or group.")
    add_account_name(live)
    add_case(live)
    add_media(live)
    seconds = (
        ("--every", 30.0, "Polling interval, in addition to pushed updates"),
        ("--reread-every", 900.0, "Interval of re-reading recent messages, to find unannounced removals"),
        ("--seal-after", 60.0, "Seal a capture this long after its first message"),
    )
    for flag, default, text in seconds:
        said = f"{text} (default {default:g})."
        live.add_argument(flag, type=float, default=default, metavar="SECONDS", help=said)
    live.add_argument(
        "--reread",
        type=count_from_zero,
        default=200,
        metavar="N",
        help="Number of recent messages to re-read (default 200).",
    )
    live.add_argument("--for", dest="duration", type=float, metavar="SECONDS", help="Stop after this time.")


def run(context: Context) -> int:
    """Watch until Ctrl-C. What is open is then closed and sealed."""
    from archiver.capture.outcomes import EXIT_BY_OUTCOME
    from archiver.capture.services import open_recorder
    from archiver.cli.capture_options import capture_options
    from archiver.cli.runtime import Interruptible, capture_engine
    from archiver.telegram.accounts import Telegrams
    from archiver.telegram.live_watch import LiveWatch, LiveWatches, Pace

    arguments, console, home = context.arguments, context.console, context.recovered_home()
    chosen = _chats(arguments.links)
    account = _account(home, arguments, chosen)
    options = capture_options(home, arguments, account)
    pace = Pace(arguments.every, arguments.reread_every, arguments.reread, arguments.seal_after, arguments.duration)
    recorder = open_recorder(home, context.network)
    telegrams = Telegrams(home, context.network)
    engine = capture_engine(context, home, recorder, telegrams, lambda progress: None)
    made: list[LiveWatch] = []
    results: list[Any] = []

    async def work() -> None:
        stop = asyncio.Event()
        engine.on_interrupt.append(stop.set)
        client, _ = await telegrams.client(account, home.proxy_for(options.cases), updates=True)
        made.extend(
            LiveWatch(engine, target, options, client, pace, partial(_said, context, target.url), done)
            for target in chosen
        )
        console.say(f"watching {', '.join(target.url for target in chosen)} as {account}; Ctrl-C stops it")
        await LiveWatches(client, made).run(stop)

    def done(result: Any) -> None:
        results.append(result)
        console.sealed(result)

    try:
        Interruptible(engine, context, options.cases).run(work())
    except TelegramError as trouble:
        console.warn(f"{trouble.outcome}: {trouble.reason}")
        return EXIT_BY_OUTCOME[trouble.outcome]
    finally:
        recorder.close()
    codes = [EXIT_BY_OUTCOME[one.ended[0]] for one in made if one.ended]
    return max([*codes, *(EXIT_BY_OUTCOME[result.outcome] for result in results)], default=0)


def _chats(links: list[str]) -> list[Target]:
    """Read the links. Raises `UsageError` for one that is no channel or group."""
    chosen: list[Target] = []
    for link in links:
        found = parse_target(link)
        if not isinstance(found, Target) or found.kind not in ("channel", "private channel", "private group", "invite"):
            what = f"a {found.kind}" if isinstance(found, Target) else found.reason
            raise UsageError(
                "Telegram channels or groups to watch",
                f"{without_userinfo(link)!r}: {what}",
                "Give t.me/NAME or t.me/c/ID.",
            )
        chosen.append(found)
    return chosen


def _account(home: Home, arguments: Namespace, chosen: list[Target]) -> str:
    from archiver.cli.capture_options import telegram_account

    account = telegram_account(home, arguments, chosen)
    if account is None:
        raise UsageError("a Telegram account", "none is logged in", "Log in: archiver telegram login")
    return account


def _said(context: Context, link: str, told: Any) -> None:
    stamp = system_clock().strftime("%H:%M:%S")
    words = " ".join(told.text.split())[:100]
    mark = {"removed": "REMOVED", "edited": "edited", "new": "new"}.get(told.what, told.what)
    context.console.say(f"{stamp}Z {mark:<8} {told.post or ''}  {words}".rstrip())
    context.console.data({"watch": link, "what": told.what, "post": told.post, "text": told.text, **told.facts})
