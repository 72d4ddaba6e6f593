"""The driver that captures Telegram by an account of the person's."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from archiver.capture.options import CaptureOptions
from archiver.capture.session import CaptureSession
from archiver.capture.support import unsupported
from archiver.errors import ArchiverError
from archiver.recorder.proxy import Recorder
from archiver.telegram.accounts import Telegrams
from spiders.items import Verdict
from spiders.link_forms import Form
from spiders.posts import Absence, Availability, Outcome
from spiders.targets import Target
from spiders.telegram.api.errors import TelegramError
from spiders.telegram.platform import TELEGRAM


class TelegramDriver:
    """Captures what an account may see, with the clients of one run of the program."""

    def __init__(self, telegrams: Telegrams, recorder: Recorder) -> None:
        self._telegrams, self._recorder = telegrams, recorder

    def takes(self, target: Target, options: CaptureOptions) -> bool:
        """Return whether the target is Telegram's and an account was named."""
        return options.account is not None and target.platform == TELEGRAM.name and target.form is Form.KNOWN

    def refusal(self, target: Target, walk: bool) -> tuple[Outcome, str] | None:
        """Return why an account cannot capture or walk it, or None."""
        return unsupported(target, walk, account=True)

    async def run(self, session: CaptureSession) -> None:
        """Run the capture to its end. Raises `EvidenceError` for trouble that is not Telegram's."""
        # Late: Telethon takes longer to load than most commands to run.
        from archiver.telegram.capture import TelegramCapture
        from archiver.telegram.flood_waits import AccountPauses
        from archiver.telegram.records import CaptureKeep
        from spiders.telegram.api.collector import Collector

        context = session.context
        name, config = context.options.account, context.config
        assert name is not None
        try:
            client, account = await self._telegrams.client(name, context.home.proxy_for(context.options.cases))
        except TelegramError as trouble:
            end_with(session, trouble)
            return
        except ArchiverError as error:  # the account's file, key or passphrase
            reason = f"{error.expected}: {error.found}. {error.next_step}"
            end_with(session, TelegramError(Outcome.FAILED, reason, Absence(Availability.UNKNOWN)))
            return
        context.secrets.add(account.api_hash)
        context.writer.hosts.add(str(client.session.server_address))
        interval = 0.0 if context.test_routes else config.telegram.interval
        collector = Collector(
            client, CaptureKeep(context), name, config.telegram.patience, interval, lambda: context.interrupted,
            AccountPauses(self._recorder, client, name),
        )  # fmt: skip
        await _until_stopped(session, TelegramCapture(session, collector).run())

    async def close(self) -> None:
        """Disconnect the clients, and keep the chats that the accounts have met."""
        await self._telegrams.close()


async def _until_stopped(session: CaptureSession, run: Coroutine[Any, Any, None]) -> None:
    """Run the navigation until its end or the person's stop."""
    work = asyncio.ensure_future(run)
    stop = asyncio.ensure_future(session.context.stopped())
    try:
        await asyncio.wait([work, stop], return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            await work
    except TelegramError as trouble:
        end_with(session, trouble)
    finally:
        for task in (work, stop):
            task.cancel()
        await asyncio.gather(work, stop, return_exceptions=True)


def end_with(session: CaptureSession, trouble: TelegramError) -> None:
    """End a capture that trouble broke off.

    It is partial where posts were kept; else the trouble decides.
    """
    context, inventory = session.context, session.inventory
    reason = trouble.reason
    if trouble.logged_out:
        reason += f"; archiver telegram login --account {context.options.account}"
    outcome = trouble.outcome
    if session.posts.count:
        outcome = Outcome.PARTIAL
        reason = f"{session.posts.count} posts kept, then: {reason}"
    if inventory.discover("target", context.target.kind, context.target.url, None):
        inventory.end("target", outcome, reason, trouble.record, absence=trouble.absence.line())
    session.answered(outcome, reason)
    session.seen(Verdict(outcome, reason))
