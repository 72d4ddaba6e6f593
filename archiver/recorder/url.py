"""Links as they go over the wire: what a request may name, and how it is written. Pure.

A request line is one line of visible ASCII with two blanks. Links are written by strangers; here everything outside of
RFC 3986 is percent-encoded, and what could be no request, or two, is refused with a reason.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote

_LINK = re.compile(r"(https?)://([^/?#]*)([^#]*)(#.*)?", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]+)(?::([0-9]{0,5}))?", re.DOTALL)
_HOST = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_FOREIGN = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]")
"""What RFC 3986 section 2 has no place for: neither reserved nor unreserved, and no percent-encoding."""
_INVISIBLE = re.compile(r"[^!-~]")
_HOST_LENGTH = 253


class LinkProblem(StrEnum):
    """Why a link cannot be asked for. The value is the reason that reaches the inventory."""

    SCHEME = "only http and https are fetched"
    CONTROL = "a control character in it"
    HOST = "its host is neither a name nor an address"
    PORT = "its port is no number from 1 to 65535"
    FIELD = "a control character in a header field that goes with it"


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
    """Split an absolute http(s) link for the wire, or say why it cannot be asked for. Total.

    `as_sent`: a client of ours wrote the request: what is visible ASCII stays as the client sent it.
    """
    if _CONTROL.search(link):
        return LinkProblem.CONTROL
    match = _LINK.fullmatch(_SURROGATE.sub("\ufffd", link))
    if match is None:
        return LinkProblem.SCHEME
    user, at, place = match[2].rpartition("@")
    authority = _AUTHORITY.fullmatch(place)
    if authority is None:
        return LinkProblem.PORT if re.fullmatch(r"[^\[\]:]+:[^\[\]]*|\[[^\[\]]*\]:.*", place) else LinkProblem.HOST
    host = _host(authority[1])
    if host is None:
        return LinkProblem.HOST
    scheme = match[1].lower()
    port = int(authority[2]) if authority[2] else (443 if scheme == "https" else 80)
    if not 0 < port < 65536:
        return LinkProblem.PORT
    escape = _visible if as_sent else iri_to_uri
    tail, fragment = escape(match[3]), match[4] or ""
    shown = authority[1] if authority[1].lower() == host else host
    uri = f"{match[1]}://{escape(user)}{at}{shown}{place[authority.end(1) :]}{tail}"
    if uri + fragment == link and not _INVISIBLE.search(fragment):
        uri = link  # as it stood; the fragment of a link that was written anew is left out
    return WireLink(uri, scheme, host, port, tail if tail.startswith("/") else f"/{tail}")


def iri_to_uri(text: str) -> str:
    """Percent-encode, as UTF-8, what may not stand in a link; what is encoded already stays as it is."""
    return _FOREIGN.sub(lambda found: quote(found[0], safe=""), text)


def has_control(text: str) -> bool:
    """Whether a text holds a control character, which would end or break the line that it is sent in."""
    return bool(_CONTROL.search(text))


def ascii_of(data: bytes) -> str:
    """Decode a link that came as bytes; those beyond ASCII are percent-encoded one by one, whatever charset they are."""
    return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in data)


def _visible(text: str) -> str:
    return _INVISIBLE.sub(lambda found: quote(found[0], safe=""), text)


def _host(text: str) -> str | None:
    """The host in ASCII and small letters (IDNA, UTS 46), or None where it is neither a name nor an address."""
    if text.startswith("["):
        try:
            ipaddress.IPv6Address(text[1:-1])
        except ValueError:
            return None
        return text.lower()
    host = unquote(text)
    if not host.isascii():
        import idna

        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except UnicodeError:  # IDNAError is one
            return None
    host = host.lower()
    return host if _HOST.fullmatch(host) and len(host.rstrip(".")) <= _HOST_LENGTH else None
