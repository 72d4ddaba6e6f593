"""`archiver watch telegram`: what is new, edited or removed, by an account."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from archiver.capture.outcomes import EXIT_BY_OUTCOME
from archiver.errors import UsageError
from archiver.home.cases import DEFAULT_CASE
from spiders.targets import Target, parse_target
from spiders.telegram.api.errors import Trouble
from storage.times import system_clock

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.home.home import Home


def watch(context: Context, home: Home) -> int:
    """`archiver watch telegram LINK…`: until Ctrl-C. What is open is then closed and sealed."""
    from archiver.capture.engine import Archive
    from archiver.capture.options import Options
    from archiver.capture.services import open_recorder
    from archiver.cli.arguments import telegram_account
    from archiver.cli.runtime import run_interruptible
    from archiver.telegram.live_watch import Pace, Watch, Watches

    arguments, console = context.arguments, context.console
    targets = [parse_target(link) for link in arguments.links]
    for link, found in zip(arguments.links, targets, strict=True):
        if not isinstance(found, Target) or found.kind not in ("channel", "private channel", "private group", "invite"):
            what = f"a {found.kind}" if isinstance(found, Target) else found.reason
            raise UsageError(
                "channels or groups of Telegram to watch", f"{link!r}: {what}", "Give t.me/NAME or t.me/c/ID."
            )
    chosen = [found for found in targets if isinstance(found, Target)]
    account = telegram_account(home, arguments, chosen)
    if account is None:
        raise UsageError(
            "an account of Telegram", "none is logged in, or --no-account was given", "archiver telegram login"
        )
    options = Options(cases=tuple(arguments.case or [DEFAULT_CASE]), media=not arguments.no_media, account=account)
    home.recipients(list(options.cases))
    pace = Pace(arguments.every, arguments.reread_every, arguments.reread, arguments.seal_after, arguments.duration)
    recorder = open_recorder(context, home)
    archive = Archive(home, recorder, lambda act: None, signer=context.signer(home))
    made: list[Watch] = []
    results: list[Any] = []

    async def work() -> None:
        stop = asyncio.Event()
        archive.on_interrupt.append(stop.set)
        client, _ = await archive.telegram.client(account, home.config.exit_for(options.cases), updates=True)
        made.extend(
            Watch(archive, target, options, client, pace, partial(_said, context, target.url), done)
            for target in chosen
        )
        console.say(f"watching {', '.join(target.url for target in chosen)} as {account}; Ctrl-C ends it")
        await Watches(client, made).run(stop)

    def done(result: Any) -> None:
        results.append(result)
        console.sealed(result)

    try:
        run_interruptible(work(), archive, context, options.cases)
    except Trouble as trouble:
        console.warn(f"{trouble.outcome}: {trouble.reason}")
        return EXIT_BY_OUTCOME[trouble.outcome]
    finally:
        recorder.close()
    codes = [EXIT_BY_OUTCOME[one.ended[0]] for one in made if one.ended]
    return max([*codes, *(EXIT_BY_OUTCOME[result.outcome] for result in results)], default=0)


def _said(context: Context, link: str, told: Any) -> None:
    stamp = system_clock().strftime("%H:%M:%S")
    words = " ".join(told.text.split())[:100]
    mark = {"removed": "REMOVED", "edited": "edited", "new": "new"}.get(told.what, told.what)
    context.console.say(f"{stamp}Z {mark:<8} {told.post or ''}  {words}".rstrip())
    context.console.data({"watch": link, "what": told.what, "post": told.post, "text": told.text, **told.facts})
