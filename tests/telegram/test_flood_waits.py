"""What the shared limiter is told of an account that is to be left alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from archiver.telegram.flood_waits import AccountPauses


def test_an_account_is_named_by_a_digest_of_its_number() -> None:
    """The limiter may lie in a database of many. Whoever has a number in mind can see whether it is that one."""
    told: list[str] = []
    recorder: Any = SimpleNamespace(
        limiter=SimpleNamespace(penalise=None), soon=lambda call, host, seconds: told.append(host)
    )
    for number in (777000123, 777000123, 777000124):
        client: Any = SimpleNamespace(own_id=number)
        AccountPauses(recorder, client, "name").asked("messages.getHistory", 30.0)
    assert told[0] == told[1] != told[2]
    assert not any("777000" in host or "name" in host for host in told)
