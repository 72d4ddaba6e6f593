"""Machines of a test's own: network namespaces with one wire each to this machine, which can be cut."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.conftest import CI, need

NET = f"10.203.{os.getpid() % 256}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL, capture_output=True)


class Wire:
    """What leads to one machine. Cut, it is silent: what is sent is swallowed, and no connection is closed by that."""

    def __init__(self, number: int) -> None:
        self.name = f"archiver{os.getpid()}-{number}"
        here, there = f"a{os.getpid()}x{number}", f"b{os.getpid()}x{number}"
        base = number * 4
        self.address = f"{NET}.{base + 2}"
        self.words = ("ip", "netns", "exec", self.name)
        """What a command begins with that is to run on that machine."""
        _ip("netns", "add", self.name)
        _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", self.name)
        _ip("addr", "add", f"{NET}.{base + 1}/30", "dev", here)
        _ip("link", "set", here, "up")
        for words in (
            ("addr", "add", f"{self.address}/30", "dev", there), ("link", "set", "lo", "up"), ("link", "set", there, "up"),
            ("route", "add", "default", "via", f"{NET}.{base + 1}"),
        ):  # fmt: skip
            _ip("-n", self.name, *words)

    def cut(self, address: str = "0.0.0.0/0") -> None:
        """From now on what comes from `address` is swallowed on its way. (A wire set down would be noticed by the kernel.)"""
        _ip("rule", "add", "from", address, "to", self.address, "blackhole")

    def mend(self, address: str = "0.0.0.0/0") -> None:
        _ip("rule", "del", "from", address, "to", self.address, "blackhole")

    def close(self) -> None:
        with suppress(subprocess.CalledProcessError):
            while True:
                _ip("rule", "del", "to", self.address, "blackhole")
        _ip("netns", "del", self.name)


@contextmanager
def wired(count: int) -> Iterator[tuple[list[Wire], str, str]]:
    """(wires, two addresses of this machine that they reach). Skips where that is not allowed; in CI that fails."""
    need("ip")
    if os.geteuid() != 0:
        text = "network namespaces are made by root only"
        pytest.fail(text) if CI else pytest.skip(text)
    addresses = (f"{NET}.254", f"{NET}.253")
    for address in addresses:
        _ip("addr", "add", f"{address}/32", "dev", "lo")
    wires: list[Wire] = []
    try:
        wires += [Wire(number) for number in range(count)]
        yield wires, *addresses
    finally:
        for wire in wires:
            wire.close()
        for address in addresses:
            _ip("addr", "del", f"{address}/32", "dev", "lo")
