"""Links as they go over the wire: what a request may name, and how it is written. Pure.

A request line is one line of visible ASCII with two blanks. Links are written by strangers; here they are written as
URIs (RFC 3986), and what could be no request, or two, is refused with a reason.

What a browser or another client of ours asks for is its own request and goes out as it was sent, with signs that stand
in no URI, such as `|`. Its record holds the request as it went out; only the record's address is written as a URI.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from spiders.links import LinkProblem, iri_to_uri, read_http, with_slashes, without_dot_segments

_INVISIBLE = re.compile(r"[^!-~]")


@dataclass(frozen=True)
class WireLink:
    """A link in the form that goes over the wire; every part is visible ASCII.

    `uri`: a URI without fragment, which is never sent. `target`: the request target in origin form. `host`: in small
    letters, an IPv6 address in brackets.
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

    As browsers do, `.` and `..` are resolved and backslashes are slashes. A `%` that begins no percent-encoding is
    written `%25`; browsers send it as it is, and servers read both alike.

    `as_sent`: a client of ours wrote the request: what is visible ASCII stays as the client sent it.
    """
    read = read_http(link if as_sent else with_slashes(link))
    if isinstance(read, LinkProblem):
        return read
    uri_tail = iri_to_uri(read.tail if as_sent else without_dot_segments(read.tail))
    tail = _INVISIBLE.sub(lambda found: quote(found[0], safe=""), read.tail) if as_sent else uri_tail
    shown = read.written_host if read.written_host.lower() == read.host else read.host
    uri = f"{read.scheme}://{shown}{read.written_port}{uri_tail}"
    return WireLink(uri, read.scheme.lower(), read.host, read.port, tail if tail.startswith("/") else f"/{tail}")


def ascii_of(data: bytes) -> str:
    """Decode a link given as bytes. Those beyond ASCII are percent-encoded one by one, whatever charset they are."""
    return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in data)
