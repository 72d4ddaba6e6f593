"""Whether a translator (NAT64) stands in this machine's network, and below which prefix it puts IPv4 addresses.

Behind such a prefix an address of IPv6 leads to one of IPv4, perhaps to a private one. Operators choose prefixes of their
own. RFC 7050 says how to learn them: `ipv4only.arpa` has two addresses, both of IPv4; a resolver that serves a translator
answers with addresses of IPv6 that hold these. The question tells the resolver nothing but that somebody asks it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from archiver.recorder.addresses import NAT64_LENGTHS, translated

NAME = "ipv4only.arpa"
WELL_KNOWN = frozenset({ipaddress.IPv4Address("192.0.0.170"), ipaddress.IPv4Address("192.0.0.171")})
PATIENCE = 3.0
"""How long a connection waits for the answer, in seconds. It then goes on without; later ones have it."""

Prefixes = tuple[ipaddress.IPv6Network, ...]


def learnt(answers: Iterable[str]) -> Prefixes:
    """Return the prefixes that a resolver's answers about `ipv4only.arpa` (addresses of IPv6, as text) stand for."""
    found: dict[ipaddress.IPv6Network, None] = {}
    for text in answers:
        ip = ipaddress.IPv6Address(text.partition("%")[0])
        for length in NAT64_LENGTHS:
            if translated(ip, length) in WELL_KNOWN:
                found[ipaddress.IPv6Network((int(ip), length), strict=False)] = None
    return tuple(found)


def _system_lookup() -> list[str]:
    return [str(item[4][0]) for item in socket.getaddrinfo(NAME, None, socket.AF_INET6, socket.SOCK_STREAM)]


class Translators:
    """Asks this machine's resolver once, when somebody first wants to know, in a thread of its own."""

    def __init__(self, lookup: Callable[[], list[str]] = _system_lookup, patience: float = PATIENCE) -> None:
        self._lookup, self._patience = lookup, patience
        self._lock = threading.Lock()
        self._asked: Future[Prefixes] | None = None

    async def prefixes(self) -> Prefixes:
        """Return the prefixes of translators here; none where the resolver knows of none, or does not answer in time."""
        with self._lock:
            if self._asked is None:
                self._asked = Future()
                threading.Thread(target=self._ask, args=(self._asked,), name="NAT64", daemon=True).start()
            asked = self._asked
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(asyncio.wrap_future(asked))
        except TimeoutError:
            return ()

    def _ask(self, asked: Future[Prefixes]) -> None:
        try:
            asked.set_result(learnt(self._lookup()))
        except (OSError, ValueError):  # no such name, no such family, no resolver: nobody translates
            asked.set_result(())


SYSTEM = Translators()
