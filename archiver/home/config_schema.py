"""The keys of archiver.toml: each table as a typed structure, with its ranges and defaults.

`Meta.description` says in words what a value must be, where its type and range do not. `extra["holds"]` tests what a
type cannot express. `extra["secret"]` keeps a value out of messages and out of `archiver config`: all of it, or only the
user name and password of a proxy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import urlsplit

from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import fields

from archiver.home.variables import DIRECT

FORMAT = 1
"""The form of the file that this program reads."""

SUCCESSORS: dict[str, str | None] = {}
"""Keys of earlier releases, as `table.key`, and what they are called today; None where there is nothing in their place."""

DEFAULT_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"


# -- what a type cannot express ----------------------------------------------------------------------------------------


def _port_holds(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:  # a port or an address that is none
        return False


def is_proxy(text: str) -> bool:
    """Return whether the text has the form of a proxy, or says that there is none.

    Whether a proxy answers there is not asked.
    """
    return text in ("", DIRECT) or (
        bool(re.fullmatch(r"(http|socks5h?)://[^/\s]+/?", text)) and _port_holds(text) and bool(urlsplit(text).hostname)
    )


def _is_second_proxy(text: str) -> bool:
    return text != DIRECT and is_proxy(text)


def _is_copies_proxy(text: str) -> bool:
    return not text or (bool(re.fullmatch(r"https?://[^/\s]+", text)) and _port_holds(text))


def _is_database(text: str) -> bool:
    return not text or (bool(re.fullmatch(r"postgres(ql)?://\S+/\S+", text)) and _port_holds(text))


def is_agent(text: str) -> bool:
    """Return whether the text can be sent as a User-Agent."""
    return bool(re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", text))


def _is_name(text: str) -> bool:
    return text == text.strip() and bool(re.fullmatch(r"[^\x00-\x1f\x7f]{1,200}", text))


def _is_variable(text: str) -> bool:
    return not text or bool(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text))


def _is_authority(text: str) -> bool:
    return text != "opentimestamps" and _is_short_name(text)


def _is_short_name(text: str) -> bool:
    return bool(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", text))


BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,62})(?:/([A-Za-z0-9_][A-Za-z0-9._/=-]*?))?/?")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _is_path(text: str) -> bool:
    """Return whether a path can be asked for: no zero byte in it, and no home folder of a user that there is not."""
    try:
        Path(text).expanduser()
    except RuntimeError:
        return False
    return "\0" not in text


def _is_place(text: str) -> bool:
    return bool(text) and _is_path(text) and (not text.startswith("s3:") or BUCKET.fullmatch(text) is not None)


def _is_second_place(text: str) -> bool:
    return not text or _is_place(text)


def _is_endpoint(text: str) -> bool:
    if not text or re.fullmatch(r"https://[^/\s]\S*", text):
        return not text or _port_holds(text)
    return bool(re.fullmatch(r"http://\S+", text)) and _port_holds(text) and urlsplit(text).hostname in LOOPBACK


def _is_rule_name(text: str) -> bool:
    return bool(re.fullmatch(r"[a-z0-9-]{1,40}", text))


def _is_web_link(text: str) -> bool:
    return bool(re.fullmatch(r"https?://\S+", text))


def _is_fingerprint(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9A-Fa-f]{64}", text))


def _is_recipient(text: str) -> bool:
    from archiver.errors import UsageError
    from archiver.home.age import recipients_of  # late: hardly any home names one

    try:
        return bool(recipients_of([text]))
    except UsageError:
        return False


ALL, USER = "all", "user"


def _text(description: str, holds: Any, secret: str = "") -> Meta:
    return Meta(description=description, extra={"holds": holds, "secret": secret})


_PROXY = 'a proxy like socks5h://host:port or http://host:port; ""'
Proxy = Annotated[str, _text(f'{_PROXY} or "{DIRECT}" for none', is_proxy, secret=USER)]
SecondProxy = Annotated[str, _text(f"{_PROXY} for none", _is_second_proxy, secret=USER)]
CopiesProxy = Annotated[
    str, _text("an http proxy like http://host:port (S3 supports no other kind)", _is_copies_proxy, secret=USER)
]
Database = Annotated[
    str, _text('a database like postgresql://user@host/name; "" for the queue of this home', _is_database, secret=ALL)
]
Recipient = Annotated[str, _text("an age public key (age1…)", _is_recipient)]
Agent = Annotated[str, _text("a User-Agent in printable ASCII, with no space at either end", is_agent)]
Name = Annotated[str, _text("a name with no space at either end", _is_name)]
# Not a name of one: most likely the secret itself, which belongs into that variable.
VariableName = Annotated[str, _text("the name of an environment variable", _is_variable, secret=USER)]
AuthorityName = Annotated[str, _text("a short name for an authority, like digicert", _is_authority)]
DestinationName = Annotated[str, _text("a short name for a destination, like archive", _is_short_name)]
RuleName = Annotated[str, _text("a name of lowercase letters, digits and dashes", _is_rule_name)]
Place = Annotated[str, _text("a folder, or s3://bucket/prefix", _is_place)]
SecondPlace = Annotated[str, _text('a folder or s3://bucket/prefix; "" for none', _is_second_place)]
Endpoint = Annotated[str, _text("an https address (http only for this machine)", _is_endpoint)]
WebLink = Annotated[str, _text("a link with http or https", _is_web_link)]
Fingerprint = Annotated[str, _text("the SHA-256 of a root certificate, 64 hex digits", _is_fingerprint)]
Target = Annotated[str, Meta(description="an apprise address", extra={"secret": ALL})]
MtProxy = Annotated[str, Meta(description="a link like tg://proxy?server=…&port=443&secret=…", extra={"secret": ALL})]
CookiesFile = Annotated[str, _text("the path of a cookies.txt", _is_path)]
PostLink = Annotated[str, Meta(description="the link of a post")]
ExtractorArgs = Annotated[
    dict[str, dict[str, list[str]]],
    Meta(description="one table per extractor, each value a list of texts", extra={"secret": ALL}),
]

_MOST = 2**63 - 1
_YEAR = 366 * 86400
Bytes = Annotated[int, Meta(ge=0, le=_MOST)]
SomeBytes = Annotated[int, Meta(ge=1, le=_MOST)]
Seconds = Annotated[float, Meta(ge=0, le=_YEAR)]
SomeSeconds = Annotated[float, Meta(gt=0, le=_YEAR)]
Pause = Annotated[float, Meta(ge=0, le=3600)]


# -- the tables --------------------------------------------------------------------------------------------------------


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file. Its fields are the keys that are known."""


class Sites(Table, frozen=True):
    """How sites see us, and how often we contact them."""

    user_agent: Agent = DEFAULT_AGENT
    proxy: Proxy = ""
    second_proxy: SecondProxy = ""
    interval: Pause = 0.5
    concurrency: Annotated[int, Meta(ge=1, le=1000)] = 4
    retries: Annotated[int, Meta(ge=0, le=100)] = 2


class Case(Table, frozen=True):
    """Settings of a single case."""

    proxy: Proxy


class Limits(Table, frozen=True):
    """Limits beyond which a response is cut, and a capture sends no more requests."""

    response_bytes: SomeBytes = 64 << 30
    response_seconds: SomeSeconds = 21600.0
    capture_bytes: Bytes = 0
    capture_seconds: Seconds = 0.0


class Recorder(Table, frozen=True):
    """What the recorder requests beside what a capture asks for."""

    fetch_missing_certificates: bool = False


class Secrets(Table, frozen=True):
    """Where to find the values that must never reach a record."""

    from_environment: VariableName = "ARCHIVER_SECRETS"


class Media(Table, frozen=True):
    """How media are found and fetched."""

    extractors: Annotated[int, Meta(ge=1, le=64)] = 2
    extract_seconds: SomeSeconds = 180.0
    live_minutes: Annotated[float, Meta(gt=0, le=_YEAR / 60)] = 60.0
    probe: bool = True
    reserve_bytes: Bytes = 256 << 20
    extractor_args: ExtractorArgs = {}


class Pages(Table, frozen=True):
    """What is kept of a page besides its bytes."""

    rendered: bool = True


class Accounts(Table, frozen=True):
    """The cookies.txt of accounts: for all platforms, and for each that has its own."""

    cookies: CookiesFile = ""
    telegram: CookiesFile = ""
    x: CookiesFile = ""
    youtube: CookiesFile = ""
    facebook: CookiesFile = ""
    page: CookiesFile = ""


class Telegram(Table, frozen=True):
    """How Telegram accounts are used."""

    account: str = ""
    device: str = "Desktop"
    system: str = "Linux"
    app: str = "1.0"
    patience: Seconds = 300.0
    interval: Pause = 0.5
    mtproxy: MtProxy = ""
    retries: Annotated[int, Meta(ge=1, le=100)] = 5


class Doctor(Table, frozen=True):
    """A live post of each platform, instead of the built-in one; an empty text leaves the platform out."""

    telegram: PostLink | None = None
    x: PostLink | None = None
    youtube: PostLink | None = None
    facebook: PostLink | None = None
    page: PostLink | None = None


class Jobs(Table, frozen=True):
    """Where the queue is kept."""

    database: Database = ""
    recipients: tuple[Recipient, ...] = ()


NotifyKind = Literal["unavailable", "changed", "seen-again", "dead"]


class Notify(Table, frozen=True):
    """One notification rule: who is told about what."""

    name: RuleName
    target: Target = ""
    from_environment: VariableName = ""
    events: tuple[NotifyKind, ...] = ("unavailable", "dead")
    case: str = ""
    content: bool = False


class CopiesDestination(Table, frozen=True):
    """One place for copies."""

    name: DestinationName
    where: Place
    own: bool = False
    endpoint: Endpoint = ""
    region: str = ""
    profile: str = ""
    sse: Literal["", "AES256", "aws:kms"] = ""
    kms_key: str = ""
    proxy: CopiesProxy = ""
    direct: bool = False


class Copies(Table, frozen=True):
    """Where copies go, and how."""

    second: SecondPlace = ""
    after_captures: bool = True
    bandwidth: Bytes = 0
    lock_days: Annotated[int, Meta(ge=1, le=36500)] = 3650
    destination: tuple[CopiesDestination, ...] = ()


class Authority(Table, frozen=True):
    """A timestamping authority, and the root certificate that its answers must lead to."""

    name: AuthorityName
    url: WebLink
    root: Fingerprint
    chain: str = ""


class Timestamps(Table, frozen=True):
    """Whether outside authorities timestamp the ledger, and which ones.

    The defaults are two operators in two countries.
    """

    wanted: bool = False
    calendars: tuple[WebLink, ...] = (
        "https://alice.btc.calendar.opentimestamps.org",
        "https://bob.btc.calendar.opentimestamps.org",
        "https://finney.calendar.eternitywall.com",
    )
    authority: tuple[Authority, ...] = (
        Authority(
            name="digicert",
            url="http://timestamp.digicert.com",
            root="552f7bdcf1a7af9e6ce672017f4f12abf77240c78e761ac203d1d9d20ac89988",
        ),
        Authority(
            name="dfn",
            url="http://zeitstempel.dfn.de",
            root="91e2f5788d5810eba7ba58737de1548a8ecacd014598bc0b143e041b17052552",
        ),
    )


class X(Table, frozen=True):
    """Query ids and features of X's GraphQL, where those in the site's script do not answer."""

    queries: dict[str, str] = {}
    features: dict[str, bool] = {}


class Settings(Table, frozen=True):
    """All of archiver.toml."""

    format: Annotated[int, Meta(ge=1, le=FORMAT, description=f"the number {FORMAT}")] = FORMAT
    pseudonym: Name = "investigator"
    role: Literal["collector", "analyst", "reviewer"] = "collector"
    sites: Sites = Sites()
    cases: dict[str, Case] = {}
    limits: Limits = Limits()
    recorder: Recorder = Recorder()
    secrets: Secrets = Secrets()
    media: Media = Media()
    pages: Pages = Pages()
    accounts: Accounts = Accounts()
    telegram: Telegram = Telegram()
    doctor: Doctor = Doctor()
    jobs: Jobs = Jobs()
    notify: tuple[Notify, ...] = ()
    copies: Copies = Copies()
    timestamps: Timestamps = Timestamps()
    x: X = X()


# -- the schema, as others read it -------------------------------------------------------------------------------------


class Shape(Enum):
    """Shape of a key's value: a plain value, a table, or several tables."""

    VALUE = "a value"
    TABLE = "a table"
    NAMED = "tables by name"
    LIST = "a list of tables"


@cache
def keys_of(table: type[Table]) -> dict[str, Any]:
    """Return the keys that a table knows, with the type of each."""
    return {field.name: field.type for field in fields(table)}


@cache
def defaults_of(table: type[Table]) -> dict[str, Any]:
    """Return the values of keys that a table does not give; keys without a default are left out."""
    made = {field.name: field.default for field in fields(table) if field.default is not NODEFAULT}
    empty = {field.name: field.default_factory() for field in fields(table) if field.default_factory is not NODEFAULT}
    return made | empty


def shape_of(kind: Any) -> tuple[Shape, type[Table] | None]:
    """Return whether a key of this type holds a value or tables, and which tables."""
    if isinstance(kind, type) and issubclass(kind, Table):
        return Shape.TABLE, kind
    inner = [one for one in get_args(kind) if isinstance(one, type) and issubclass(one, Table)]
    if not inner:
        return Shape.VALUE, None
    return (Shape.NAMED if get_origin(kind) is dict else Shape.LIST), inner[0]


def _meta(kind: Any) -> tuple[Any, list[Meta]]:
    """Return a type without what is noted at it, and the notes."""
    if get_origin(kind) in (Union, UnionType):  # with None: the key may be missing, TOML has no null
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is Annotated:
        base, *notes = get_args(kind)
        return base, notes
    return kind, []


def secret_part(kind: Any) -> str:
    """Return how much of a value of this type is secret: `ALL`, `USER`, or nothing."""
    return next((note.extra["secret"] for note in _meta(kind)[1] if note.extra and "secret" in note.extra), "")


def holds(kind: Any, value: Any) -> bool:
    """Return whether a value of the right type is also of the right form."""
    base, notes = _meta(kind)
    items = value if get_origin(base) is tuple else ()
    return all(note.extra["holds"](value) for note in notes if note.extra and "holds" in note.extra) and all(
        holds(get_args(base)[0], item) for item in items
    )


def in_words(kind: Any) -> str:
    """Return in words what a value of this type must be."""
    base, notes = _meta(kind)
    if described := [note.description for note in notes if note.description]:
        return described[0]
    if get_origin(base) is Literal:
        return "one of " + ", ".join(f'"{one}"' for one in get_args(base))
    if get_origin(base) is tuple:
        return f"a list, each item {in_words(get_args(base)[0])}"
    if get_origin(base) is dict:
        return f"a table, each value {in_words(get_args(base)[1])}"
    word = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}[base]
    return word + "".join(_range(note) for note in notes)


def _range(note: Meta) -> str:
    most = note.le if note.le != _MOST else None
    if note.gt is not None:
        return f" above {note.gt}" + (f", at most {most}" if most is not None else "")
    if note.ge is None:
        return ""
    return f" from {note.ge} to {most}" if most is not None else f", {note.ge} or more"


def known_keys(table: type[Table] = Settings, start: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield every key that has a value, as `table.key`, with its type and default.

    NAME stands for the name of a case, N for the number of an entry.
    """
    above = {Shape.TABLE: "", Shape.NAMED: "NAME.", Shape.LIST: "N."}
    for name, kind in keys_of(table).items():
        shape, inner = shape_of(kind)
        if inner is None:
            yield f"{start}{name}", kind, defaults_of(table).get(name)
        else:
            yield from known_keys(inner, f"{start}{name}.{above[shape]}")
