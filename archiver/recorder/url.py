"""Links as they go over the wire: what a request may name, and how it is written. Pure.

A request line is one line of visible ASCII with two blanks. Links are written by strangers; here everything outside of
RFC 3986 is percent-encoded, and what could be no request, or two, is refused with a reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from spiders.links import LinkProblem, read_http, with_slashes

_FOREIGN = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]")
"""What RFC 3986 section 2 has no place for: neither reserved nor unreserved, and no percent-encoding."""
_INVISIBLE = re.compile(r"[^!-~]")


@dataclass(frozen=True)
class WireLink:
    """A link in the form that goes over the wire; every part is visible ASCII.

    `target`: the request target in origin form. `host`: in small letters, an IPv6 address in brackets.
    """

    uri: str
    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Value of the `Host` field."""
        default = 443 if self.scheme == "https" else 80
        return self.host if self.port == default else f"{self.host}:{self.port}"


def split_url(link: str, *, as_sent: bool = False) -> WireLink | LinkProblem:
    """Split an absolute http(s) link for the wire, or return why it cannot be requested. Never raises.

    `as_sent`: a client of ours wrote the request: what is visible ASCII stays as the client sent it.
    """
    read = read_http(link if as_sent else with_slashes(link))
    if isinstance(read, LinkProblem):
        return read
    escape = _visible if as_sent else iri_to_uri
    tail = escape(read.tail)
    shown = read.written_host if read.written_host.lower() == read.host else read.host
    uri = f"{read.scheme}://{shown}{read.written_port}{tail}"
    if uri + read.fragment == link and not _INVISIBLE.search(read.fragment):
        uri = link  # as it stood; the fragment of a link that was written anew is left out
    return WireLink(uri, read.scheme.lower(), read.host, read.port, tail if tail.startswith("/") else f"/{tail}")


def iri_to_uri(text: str) -> str:
    """Percent-encode, as UTF-8, what may not stand in a link; what is encoded already stays as it is."""
    return _FOREIGN.sub(lambda found: quote(found[0], safe=""), text)


def ascii_of(data: bytes) -> str:
    """Decode a link given as bytes. Those beyond ASCII are percent-encoded one by one, whatever charset they are."""
    return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in data)


def _visible(text: str) -> str:
    return _INVISIBLE.sub(lambda found: quote(found[0], safe=""), text)
