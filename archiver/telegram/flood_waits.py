"""The pauses that Telegram asks of an account, kept by all that ask by it: captures side by side, workers, other machines.

What Telegram limits is the account and the method, whoever asks. Each pair of them is a "host" of the shared limiter, which
remembers until when it is to be left alone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from storage.digest import sha256_hex

if TYPE_CHECKING:
    from archiver.recorder.proxy import Recorder
    from spiders.telegram.api.client import Reader


class AccountPauses:
    """Pauses of one account; see `spiders.telegram.api.account_api.Pauses`."""

    def __init__(self, recorder: Recorder, client: Reader, account: str) -> None:
        self._recorder = recorder
        # The limits may lie in a database of many: it need not say whose account it is. A pseudonym counts in one home only.
        self._name = sha256_hex(f"telegram account {client.own_id or account}".encode())[:12]

    async def left(self, method: str) -> float:
        """Return the seconds that are left of a pause. Raises `EvidenceError` where it cannot be known."""
        return await asyncio.wrap_future(self._recorder.call(self._recorder.limiter.quiet(self._host(method))))

    def asked(self, method: str, seconds: float) -> None:
        """Record a pause that Telegram asked for."""
        self._recorder.soon(self._recorder.limiter.penalise, self._host(method), seconds)

    def _host(self, method: str) -> str:
        return f"telegram account {self._name} {method}"
