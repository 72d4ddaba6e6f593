"""Keeps a process to one proxy: what libraries open beside it is refused before anything is sent or asked of a name server.

Some of apprise's targets know of no proxy: e-mail, for one, connects from this machine's own address.
"""

from __future__ import annotations

import socket
import sys
from typing import Any
from urllib.parse import urlsplit


class PastProxy(OSError):
    """A connection that would have gone past the proxy."""


def keep_to_proxy(proxy: str) -> list[str]:
    """Let this process connect to the proxy alone, for the rest of its life.

    Returns the list in which each refused step will stand. Raises `OSError` where the proxy's name is not known.
    """
    parts = urlsplit(proxy)
    host = parts.hostname or ""
    hosts = {host, *(str(found[4][0]) for found in socket.getaddrinfo(host, None))}
    refused: list[str] = []

    def look(event: str, given: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            address = given[1]
            if not isinstance(address, tuple):  # a socket of this machine, or one that is connected
                return
            good = address[0] in hosts and parts.port in (None, address[1])
        elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            good = _text(given[0]) in hosts
        else:
            return
        if not good:
            refused.append(event)
            raise PastProxy(f"{event}: past the proxy")

    sys.addaudithook(look)
    return refused


def _text(host: object) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
