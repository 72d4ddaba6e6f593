"""Spellings of secrets, and a search for them through every kind of file: written here, not with the program's own.

A spelling is `CLAIMED` where the program says that it withholds it, `NOT_CLAIMED` where docs/explanation/threat-model.md says that it does not.
"""

from __future__ import annotations

import base64
import codecs
import gzip
import html
import io
import json
import quopri
import sqlite3
import tarfile
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

import hyperscan

Spell = Callable[[str], str]


def _middle(secret: str, shift: int, coder: Callable[[bytes], bytes] = base64.b64encode) -> str:
    data = secret.encode()
    coded = coder(bytes(shift) + data).decode()
    return coded[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]


def _small(text: str) -> str:
    """`%2F` as `%2f`."""
    parts = text.split("%")
    return parts[0] + "".join(f"%{part[:2].lower()}{part[2:]}" for part in parts[1:])


CLAIMED: dict[str, Spell] = {
    "plain": str,
    "percent": lambda text: quote(text, safe=""),
    "percent, small": lambda text: _small(quote(text, safe="")),
    "percent, slashes kept": quote,
    "form": quote_plus,
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "percent twice, small": lambda text: _small(quote(_small(quote(text, safe="")), safe="")),
    "every byte percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "every byte percent, small": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "json": lambda text: json.dumps(text)[1:-1],
    "json, slashes escaped": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json, every letter": lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text),
    "json, every letter, capital": lambda text: "".join(f"\\u{ord(letter):04X}" for letter in text),
    "repr": lambda text: repr(text)[1:-1],
    "javascript bytes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "javascript bytes, capital": lambda text: "".join(f"\\x{byte:02X}" for byte in text.encode()),
    "html": html.escape,
    "html, other names": lambda text: html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "html, every letter": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "html, every letter in hex": lambda text: "".join(f"&#x{ord(letter):x};" for letter in text),
    "html, every letter in capital hex": lambda text: "".join(f"&#x{ord(letter):X};" for letter in text),
    "hex": lambda text: text.encode().hex(),
    "hex, capital": lambda text: text.encode().hex().upper(),
    **{f"base64 at {shift}": (lambda text, shift=shift: _middle(text, shift)) for shift in range(3)},
    **{
        f"base64 for links at {shift}": (lambda text, shift=shift: _middle(text, shift, base64.urlsafe_b64encode))
        for shift in range(3)
    },
    "small letters": str.lower,
    "capital letters": str.upper,
}  # fmt: skip
NOT_CLAIMED: dict[str, Spell] = {
    "backwards": lambda text: text[::-1],
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "percent three times": lambda text: quote(quote(quote(text + "/", safe=""), safe=""), safe=""),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode()[:-4],
    "base32": lambda text: base64.b32encode(text.encode()).decode().rstrip("=")[:-2],
    "base85": lambda text: base64.b85encode(text.encode()).decode()[:-2],
    "quoted-printable, every byte": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    "octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "css": lambda text: "".join(f"\\{ord(letter):06x}" for letter in text),
    "html with zeros": lambda text: "".join(f"&#{ord(letter):05d};" for letter in text),
    "blanks between": " ".join,
    "dots between": ".".join,
    "wide letters": lambda text: "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text),
    "numbers": lambda text: ",".join(str(byte) for byte in text.encode()),
}  # fmt: skip
"""As somebody writes it who wants that no filter finds it, or in two layers."""
assert unicodedata.normalize("NFKC", NOT_CLAIMED["wide letters"]("aZ9")) == "aZ9"
assert quopri.decodestring(NOT_CLAIMED["quoted-printable, every byte"]("a=")) == b"a="


class Finder:
    """Finds spelled secrets. `places` counts (kind, spelling, place) → how often."""

    def __init__(self, secrets: Mapping[str, str], spellings: Mapping[str, Spell]) -> None:
        """`secrets`: value → its kind."""
        self._means: list[tuple[str, str]] = []
        forms: dict[bytes, tuple[str, str]] = {}
        for value, kind in secrets.items():
            for name, spell in spellings.items():
                if len(form := spell(value).encode()) >= 7:
                    forms.setdefault(form, (kind, name))
        self._means = list(forms.values())
        self.forms = len(forms)
        self.places: Counter[tuple[str, str, str]] = Counter()
        self.examples: dict[tuple[str, str, str], bytes] = {}
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(
            expressions=[b"".join(b"\\x%02x" % byte for byte in form) for form in forms],
            ids=list(range(len(forms))), elements=len(forms), flags=[hyperscan.HS_FLAG_SINGLEMATCH] * len(forms),
        )  # fmt: skip

    def look(self, place: str, data: bytes | str, leave: frozenset[str] = frozenset()) -> None:
        """Look through bytes, and through what is compressed in them. `leave`: kinds that may stand there."""
        raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data

        def told(index: int, begin: int, end: int, *_: object) -> None:
            kind, spelling = self._means[index]
            if kind not in leave:
                self.places[kind, spelling, place] += 1
                self.examples.setdefault((kind, spelling, place), raw[max(0, end - 120) : end + 20])

        for piece in (raw, raw.replace(b"\x00", b"")):  # the second: UTF-16 and UTF-32 of ASCII
            if piece:
                self._database.scan(piece, match_event_handler=told)

    def look_into(self, place: str, data: bytes, leave: frozenset[str] = frozenset()) -> None:
        """Look through bytes, and everything that is packed in them."""
        self.look(place, data, leave)
        for name, inner in unpacked(data):
            self.look_into(f"{place}!{name}" if name else place, inner, leave)

    def report(self) -> list[str]:
        """Return a line for each kind and place: which spellings stand there, and one of them with what is around it."""
        places: dict[tuple[str, str], list[str]] = {}
        for kind, spelling, place in sorted(self.places):
            places.setdefault((kind, place), []).append(spelling)
        return [
            f"{kind} in {place}, as {', '.join(spellings)}: {self.examples[kind, spellings[0], place][-200:]!r}"
            for (kind, place), spellings in places.items()
        ]


def unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what is packed in a file: gzip members, ZIP, tar, SQLite, deflate within PDF."""
    if data.startswith(b"\x1f\x8b"):
        yield "", _gunzipped(data)
    elif data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                yield entry.filename, archive.read(entry)
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                stream = tar.extractfile(member)
                if stream is not None:
                    yield member.name, stream.read()
    elif data.startswith(b"%PDF"):
        for part in data.split(b"stream\n")[1:]:
            inflate = zlib.decompressobj()
            try:
                yield "stream", inflate.decompress(part)
            except zlib.error:
                continue


def _gunzipped(data: bytes) -> bytes:
    out, rest = [], data
    try:
        while rest[:2] == b"\x1f\x8b":
            inflate = zlib.decompressobj(31)
            out.append(inflate.decompress(rest))
            rest = inflate.unused_data
    except zlib.error:
        pass
    return b"".join(out)


def cells(path: Path) -> bytes:
    """Every cell of a SQLite database, a line each: a row may be cut by pages of the file."""
    out = []
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in tables:
            try:
                rows: Iterable[tuple[object, ...]] = connection.execute(f'SELECT * FROM "{table}"').fetchall()
            except sqlite3.DatabaseError:  # a virtual table whose module is not there
                continue
            for row in rows:
                out += [
                    value if isinstance(value, bytes) else str(value).encode() for value in row if value is not None
                ]
    return b"\n".join(out)


def warc_without_bodies(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield of each WARC record what the program may not leave a secret in: all but the bodies of answers, kept as received."""
    data = _gunzipped(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
    at = 0
    while (end := data.find(b"\r\n\r\n", at)) >= 0:
        head = data[at : end + 4]
        length = next(
            int(line.split(b":", 1)[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        block = data[end + 4 : end + 4 + length]
        at = end + 4 + length + 4
        kind = head.partition(b"WARC-Type: ")[2].partition(b"\r\n")[0].decode()
        if kind in ("response", "revisit"):
            http, _, body = block.partition(b"\r\n\r\n")
            trailers = body.rpartition(b"\r\n0\r\n")[2] if b"chunked" in http.lower() else b""
            block = http + b"\r\n\r\n" + trailers
        yield kind, head + block


def body_in_each_form(text: str) -> dict[str, bytes]:
    """A body as servers send it: as it is, compressed, in UTF-16."""
    return {"plain": text.encode(), "gzip": gzip.compress(text.encode(), mtime=0), "utf-16": text.encode("utf-16")}
