"""Links as strangers write them: join, split and judge them without raising. Pure and total.

Python's own functions raise `ValueError` on what cannot be a link, such as an open bracket in its host. What a page
says wrongly is no fault of ours: it is listed like any other link, and never asked for.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

_REMOVED = str.maketrans("", "", "\t\r\n")
_TRIMMED = "".join(map(chr, range(0x21)))
"""What the URL Standard (4.4, basic URL parser) takes off a link's ends: C0 controls and blanks."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_BEFORE_QUERY = re.compile(r"[^?#]*")
_DOTS = re.compile(r"[/\\](?:\.|%2e){1,2}(?:[/\\]|$)", re.IGNORECASE)
_WEB = ("http", "https")
_LINK = re.compile(r"(https?)://([^/\\?#]*)([^#]*)(#.*)?", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]{0,5}))?", re.DOTALL)
_HOST = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")
_HOST_LENGTH = 253
_FOREIGN = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~:/?@!$&'()*+,;=%-]")
"""What has no place in the path or query of a URI (RFC 3986, 3.3 and 3.4), and a `%` that begins no percent-encoding.
Brackets stand in no URI but around an address of IPv6 (3.2.2)."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ODD_AT = "%40|[＠﹫]"
"""An `@` before a host in other letters: encoded (RFC 3986, 2.1), or as IDNA maps to it. No host holds one."""
_AT = f"(?:@|{_ODD_AT})"
_SPECIAL = "https?|ftp|wss?"
"""Schemes after which any number of slashes leads to a host (URL Standard, 4.4)."""
_BEFORE = r"(?<![^\s'\"(<\[«=])"
_START = rf"(?:{_SPECIAL}):[/\\]*|[a-z][a-z0-9+.-]*:[/\\]{{2}}(?![/\\])|[/\\]{{2,}}"
_START_IN_TEXT = rf"(?<![\w:])(?:{_SPECIAL}):[/\\]*|(?<=[a-z0-9+.-]):[/\\]{{2}}(?![/\\])|{_BEFORE}[/\\]{{2,}}"
_USERINFO = (
    # A password that holds what ends a host, such as `/` or a blank, is one all the same. A port before a path is none.
    rf"(?!\[)[^/\\?#\s:]*:(?![0-9]{{0,5}}(?:[/\\?#]|$))(?:(?!{_AT})[^\r\n]){{1,200}}(?<=\S){_AT}"
    rf"(?:[^\s@]*@)*(?:[^/\\?#\s]*{_AT})?(?=[\w\[])"
    rf"|[^/\\?#\s]*{_AT}"
)
_OF_LINK = (
    re.compile(rf"(?P<start>{_START})(?P<user>[^/\\?#]*{_AT})", re.IGNORECASE),
    re.compile(rf"(?P<start>{_START})(?P<user>{_USERINFO})", re.IGNORECASE),
)
_IN_TEXT = (
    re.compile(
        rf"(?P<start>(?P<quote>['\"<])(?:{_START}))(?P<user>(?:(?!(?P=quote))[^/\\?#\r\n>]|\\[^/\\])*{_AT})",
        re.IGNORECASE,
    ),
    re.compile(rf"(?P<start>{_START_IN_TEXT})(?P<user>{_USERINFO})", re.IGNORECASE),
)
"""In quotes, where it is known which words belong to the link, even those of Python's `repr`; elsewhere in a text."""
_BARE = re.compile(
    rf"(?P<start>{_BEFORE})(?P<user>(?!['\"(<\[«=]|(?:mailto|tag|acct|xmpp|sips?|cid|mid):|\d\d?:\d\d(?::\d\d)?{_AT})"
    rf"[^\s/:]{{1,200}}:[^\s/]{{1,500}}{_AT})(?=\[|localhost\b|[^\s@/]*\.\w|[a-z0-9-]+[:/])",
    re.IGNORECASE,
)
"""Without a scheme, before what may be a host. A time before an `@` is none, nor are schemes that have an `@` of their own."""
MASK = "withheld"


class LinkProblem(StrEnum):
    """Why a link cannot be asked for. The value is the reason that reaches the inventory."""

    SCHEME = "only http and https are fetched"
    CONTROL = "a control character in it"
    HOST = "its host is neither a name nor an address"
    PORT = "its port is no number from 1 to 65535"
    USERINFO = "a name or password in it"
    FIELD = "a control character in a header field that goes with it"


@dataclass(frozen=True)
class HttpLink:
    """An absolute http(s) link that can be asked for.

    `scheme`, `written_host` and `written_port` (with its colon) stand as they were written; `host` is in ASCII and
    lower case. `tail`: path and query. `fragment`: with its `#`.
    """

    scheme: str
    written_host: str
    host: str
    written_port: str
    port: int
    tail: str
    fragment: str


def cleaned(link: str) -> str:
    """Remove from a link what browsers remove: line ends and tabs, and blanks around it."""
    return link.translate(_REMOVED).strip(_TRIMMED)


def scheme_of(link: str) -> str | None:
    """Return the scheme of a link in lower case, or None where the link is relative."""
    match = _SCHEME.match(link)
    return match[1].lower() if match else None


def safe_join(base: str, link: str) -> str | None:
    """Resolve a link against the page it stands on, as browsers do. Return None where it cannot be read."""
    try:
        return urljoin(base, _slashed(cleaned(link), scheme_of(base)))
    except ValueError:
        return None


def safe_split(link: str) -> SplitResult:
    """Split a link into its parts; all of them are empty where it cannot be read."""
    try:
        return urlsplit(link)
    except ValueError:
        return SplitResult("", "", "", "", "")


def with_slashes(link: str) -> str:
    """Write the backslashes of an absolute http(s) link as slashes, as the URL Standard reads them (4.4, "special").

    Else two programs would take it to two hosts: `//one.example\\@two.example/`. Those of a query stay.
    """
    if scheme_of(link) not in _WEB:
        return link
    head = _BEFORE_QUERY.match(link)
    assert head is not None
    return head[0].replace("\\", "/") + link[head.end() :]


def _slashed(link: str, base_scheme: str | None) -> str:
    """A link in the form in which Python's `urljoin` reads it as browsers do, where it leads to the web."""
    own = scheme_of(link)
    if (own or base_scheme) not in _WEB:
        return link
    start = f"{link[: len(own)]}:" if own else ""
    head = _BEFORE_QUERY.match(link, len(start))
    assert head is not None
    path = head[0].replace("\\", "/")
    # Any number of slashes leads to a host (4.4, "special authority ignore slashes state"), after a new scheme even none.
    if path.startswith("//") or (own and own != base_scheme):
        path = "//" + path.lstrip("/")
    return start + path + link[head.end() :]


def has_dot_segments(link: str) -> bool:
    """Return whether a link has `.` or `..` between slashes before its query, encoded or not."""
    head = _BEFORE_QUERY.match(link)
    return head is not None and bool(_DOTS.search(head[0]))


def without_dot_segments(tail: str) -> str:
    """Return a path, and what follows it, without `.` and `..`, as browsers ask for it (URL Standard, 4.4, path state)."""
    if not has_dot_segments(tail):
        return tail
    head = _BEFORE_QUERY.match(tail)
    assert head is not None
    kept: list[str] = []
    _, *segments = head[0].split("/")
    for place, segment in enumerate(segments, 1):
        dots = segment.lower().replace("%2e", ".")
        if dots == "..":
            del kept[-1:]
        elif dots != ".":
            kept.append(segment)
        if dots in (".", "..") and place == len(segments):
            kept.append("")
    return "/" + "/".join(kept) + tail[head.end() :]


def iri_to_uri(text: str) -> str:
    """Percent-encode, as UTF-8, what may not stand in a path or query; what is encoded already stays as it is."""
    return _FOREIGN.sub(lambda found: quote(found[0], safe=""), text)


def as_uri(link: str) -> str:
    """Write an absolute http(s) link as a URI without fragment; what cannot be asked for stays as it is."""
    read = read_http(link)
    if isinstance(read, LinkProblem):
        return link
    return f"{read.scheme}://{read.written_host}{read.written_port}{iri_to_uri(read.tail)}"


def has_control(text: str) -> bool:
    """Return whether a text holds a control character, which would end or break the line it is sent in."""
    return bool(_CONTROL.search(text))


def read_http(link: str) -> HttpLink | LinkProblem:
    """Split an absolute http(s) link into its parts, or say why it cannot be asked for. Total."""
    if has_control(link):
        return LinkProblem.CONTROL
    match = _LINK.fullmatch(_SURROGATE.sub("\ufffd", link))
    if match is None:
        return LinkProblem.SCHEME
    user, _, place = match[2].rpartition("@")
    if user not in ("", ":") or re.search(_ODD_AT, match[2]):
        return LinkProblem.USERINFO
    authority = _AUTHORITY.fullmatch(place)
    if authority is None:
        return LinkProblem.PORT if re.fullmatch(r"[^\[\]:]+:[^\[\]]*|\[[^\[\]]*\]:.*", place) else LinkProblem.HOST
    host = ascii_host(authority[1])
    if host is None:
        return LinkProblem.HOST
    port = int(authority[2]) if authority[2] else (443 if match[1].lower() == "https" else 80)
    if not 0 < port < 65536:
        return LinkProblem.PORT
    return HttpLink(match[1], authority[1], host, place[authority.end(1) :], port, match[3], match[4] or "")


def ascii_host(text: str) -> str | None:
    """Return the host in ASCII and small letters (IDNA, UTS 46), or None where it is neither a name nor an address.

    An address of IPv6 stands in brackets. Total.
    """
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


def mask_userinfo(link: str) -> str:
    """Mask the name and password before the host of a link (RFC 3986, 3.2.1). An empty one does not count."""
    if not re.search(_AT, link):
        return link
    plain = cleaned(link)
    found = [match for pattern in _OF_LINK if (match := pattern.match(plain))]
    longest = max(found, key=re.Match.end, default=None)
    if longest is None or (masked := _masked(longest)) == longest[0]:
        return link
    return masked + plain[longest.end() :]


def mask_links(text: str) -> str:
    """Mask names and passwords in all links of a text."""
    if not re.search(_AT, text):
        return text
    if not has_control(text) and read_http(with_slashes(cleaned(text))) is LinkProblem.USERINFO:
        text = mask_userinfo(text)
    for pattern in _IN_TEXT:
        text = pattern.sub(_masked, text)
    return text


def without_userinfo(text: str) -> str:
    """Mask names and passwords in a text that should have been a link, those before a host without a scheme too."""
    return _BARE.sub(_masked, mask_links(text))


def _masked(match: re.Match[str]) -> str:
    return match[0] if match["user"] in ("@", ":@") else f"{match['start']}{MASK}@"
