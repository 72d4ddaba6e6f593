"""The recovery sheet: the keys of a home as QR codes and letters on paper, for the day when the disk is gone.

Each code holds `ARCHIVER1:<number>/<count>:<check>:<letters>`. The letters of all codes, in their order, are base32 (RFC 4648,
without padding) of a pack of files (`storage/packs.py`) under zlib, encrypted by a passphrase (age, scrypt) unless it was asked
for plain. `<check>` is the same on all codes of a sheet: eight hex digits of the SHA-256 of all letters.

keys/sheet.json     which keys the last sheet holds, by digest, so that `archiver status` says when there are newer ones
"""

from __future__ import annotations

import base64
import json
import re
import tomllib
import zlib
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path

import pyrage

from archiver.errors import CannotTell, UsageError
from archiver.home.people import fingerprint, key_words
from archiver.signer.copy_keys import private_files
from storage.digest import sha256_hex
from storage.errors import FormatError, disk_error
from storage.files import write_new, write_synced
from storage.packs import pack, unpack

MADE = "sheet.json"
NOT_KEYS = frozenset({"archiver.toml", f"keys/{MADE}", "keys/people.json", "keys/api-token"})
"""What changes without a key being lost: a newer one of these needs no new sheet."""
LETTERS_A_CODE = 900
"""Of a QR code of version 20 or so at level M, which a telephone still reads off paper."""
_CODE = re.compile(r"ARCHIVER1:(\d{1,3})/(\d{1,3}):([0-9A-F]{8}):([A-Z2-7]+)")
_AGE = b"age-encryption.org/"


@dataclass(frozen=True)
class SheetState:
    """What a home knows of its recovery sheet."""

    made: str | None
    """When the last one was made; None where none was."""
    newer: int
    """How many keys came, or changed, since."""


def sheet_state(home: Path) -> SheetState:
    """Compare the keys of a home with those on its last sheet."""
    try:
        value = json.loads((home / "keys" / MADE).read_text("utf-8"))
        made, there = str(value["made"]), dict(value["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return SheetState(None, 0)
    now = _digests(_on_the_sheet(home))
    return SheetState(made, sum(there.get(name) != digest for name, digest in now.items() if name not in NOT_KEYS))


def write_sheet(home: Path, to: Path, passphrase: str | None, now: str, vkey: str) -> int:
    """Write the sheet as one HTML file, outside the home; return the number of its codes.

    `passphrase`: None leaves the keys plain. Raises `UsageError`, `DiskError`.
    """
    if home.resolve() in to.resolve().parents:
        raise UsageError("a place outside the home", str(to), "What is lost with the home helps nobody: name another.")
    files = _on_the_sheet(home)
    found = codes(files, passphrase)
    try:
        write_new(to, _page(found, passphrase is not None, now, vkey).encode())
    except FileExistsError as error:
        raise UsageError(f"no file at {to} yet", "one", "Name another.") from error
    except OSError as error:
        raise disk_error(error, f"writing {to}") from error
    facts = {"made": now, "files": _digests(files)}
    write_synced(home / "keys" / MADE, json.dumps(facts, indent=1).encode(), 0o600)
    return len(found)


def codes(files: list[tuple[str, bytes]], passphrase: str | None) -> list[str]:
    """Return the texts of the codes that hold these files."""
    data = zlib.compress(pack(files), 9)
    if passphrase is not None:
        data = pyrage.passphrase.encrypt(data, passphrase)
    letters = base64.b32encode(data).decode("ascii").rstrip("=")
    check = sha256_hex(letters.encode())[:8].upper()
    parts = [letters[at : at + LETTERS_A_CODE] for at in range(0, len(letters), LETTERS_A_CODE)]
    return [f"ARCHIVER1:{number}/{len(parts)}:{check}:{part}" for number, part in enumerate(parts, 1)]


def files_on(text: str, passphrase: str | None) -> list[tuple[str, bytes]]:
    """Read the files of a sheet out of what was scanned or typed: its codes in any order, or the HTML file itself.

    Raises `UsageError` where codes are missing or misread, `CannotTell` where the passphrase is missing or another.
    """
    found: dict[str, dict[int, str]] = {}
    count = 0
    for match in _CODE.finditer(text):
        found.setdefault(match[3], {})[int(match[1])] = match[4]
        count = int(match[2])
    if len(found) != 1:
        said = "no code of one" if not found else f"codes of {len(found)} sheets"
        raise UsageError("the codes of one recovery sheet", said, "Scan each QR code into the file, one a line.")
    [(check, parts)] = found.items()
    missing = [str(number) for number in range(1, count + 1) if number not in parts]
    if missing:
        raise UsageError(f"all {count} codes of the sheet", f"none of number {', '.join(missing)}", "Scan these too.")
    letters = "".join(parts[number] for number in range(1, count + 1))
    if sha256_hex(letters.encode())[:8].upper() != check:
        raise UsageError("letters as they stand on the sheet", "others: one was misread", "Scan the codes again.")
    data = base64.b32decode(letters + "=" * (-len(letters) % 8))
    if data.startswith(_AGE):
        data = _decrypted(data, passphrase)
    try:
        return unpack(zlib.decompress(data))
    except zlib.error as error:
        raise FormatError("the keys on the sheet", str(error), "Use another sheet.") from error


def is_encrypted(text: str) -> bool:
    """Return whether the sheet that was scanned needs a passphrase."""
    first = next((match[4] for match in _CODE.finditer(text) if match[1] == "1"), "")
    return base64.b32decode(first[: len(first) // 8 * 8]).startswith(_AGE)


def _decrypted(data: bytes, passphrase: str | None) -> bytes:
    if passphrase is None:
        raise CannotTell("the passphrase of the sheet", "none", "Give the one that was chosen when it was made.")
    try:
        return bytes(pyrage.passphrase.decrypt(data, passphrase))
    except pyrage.DecryptError as error:
        raise CannotTell("the passphrase of the sheet", "another", "Give the one chosen when it was made.") from error


def _on_the_sheet(home: Path) -> list[tuple[str, bytes]]:
    """The keyring, its settings without their comments, which would fill a page."""
    left_out = {f"keys/{MADE}", "keys/api-token"}
    found = [(name, data) for name, data in private_files(home) if name not in left_out]
    return [(name, _bare(data) if name == "archiver.toml" else data) for name, data in found]


def _bare(settings: bytes) -> bytes:
    lines = [line for line in settings.splitlines() if line.strip() and not line.lstrip().startswith(b"#")]
    bare = b"\n".join(lines) + b"\n"
    try:
        same = tomllib.loads(bare.decode()) == tomllib.loads(settings.decode())
    except ValueError:
        same = False
    return bare if same else settings  # a text of several lines may hold one that looks like a comment


def _digests(files: list[tuple[str, bytes]]) -> dict[str, str]:
    return {name: sha256_hex(data) for name, data in files}


STYLE = (
    "body{font:11pt sans-serif;max-width:180mm;margin:10mm auto;padding:0 5mm;color:#000;background:#fff}"
    "figure{break-inside:avoid;margin:6mm 0}svg{width:85mm;height:85mm}"
    "pre{font-size:8pt;white-space:pre-wrap;word-break:break-all}"
)


def _page(found: list[str], encrypted: bool, now: str, vkey: str) -> str:
    import segno

    opens = (
        "Whoever has this sheet <em>and its passphrase</em>"
        if encrypted
        else "<strong>Whoever has this sheet, without any passphrase,</strong>"
    )
    figures = []
    for number, code in enumerate(found, 1):
        drawn = BytesIO()
        segno.make(code, error="m", micro=False).save(drawn, kind="svg", xmldecl=False, border=4)
        figures.append(
            f"<figure>{drawn.getvalue().decode()}<figcaption>Code {number} of {len(found)}</figcaption>"
            f"<pre>{escape(code)}</pre></figure>"
        )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Recovery sheet</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>{STYLE}</style></head><body>
<h1>Recovery sheet</h1>
<p>Made {escape(now[:10])}. Ledger key: {escape(" ".join(key_words(fingerprint(vkey))))}</p>
<p>{
        opens
    } can open every copy of this home and the values withheld from it, and can sign as its person. The sheet holds keys
and settings, no captures. Keys made later are not on it: <code>archiver status</code> says when a new sheet is needed.</p>
<p>Print it, then delete this file. Keep the paper where neither the machine nor the copies are{
        ", and the passphrase somewhere else" if encrypted else ""
    }.</p>
<p>To restore: scan each code with any QR reader into one text file, one a line, in any order. Then:<br>
<code>archiver --home NEW restore --from WHERE --sheet FILE</code><br>
WHERE is the folder or s3://bucket of the copies. Where the home itself is there and only its keys are lost:<br>
<code>archiver --home HOME restore --sheet FILE</code></p>
{"".join(figures)}
</body></html>
"""
