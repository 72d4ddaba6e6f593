"""Who opens private keys, by the source: import-linter sees who imports the signer, not who opens a file beside it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ARCHIVER = ROOT / "archiver"
MAY = ("signer", "copies")
"""Folders that hold private keys: the signer its own, copies those by which they are encrypted and opened."""
READERS = frozenset({"load_pem_private_key", "load_der_private_key", "load_ssh_private_key"})
PRIVATE = re.compile(
    r"(\.|^|_)(key|age-key)$|^\*\*?/?.*key$|^copies\.names$|^(cases|people|retired)(/|$)|^api-token$|^google\.json$"
)
"""Names of private files and folders below `keys/`."""
EXEMPT = {
    # The account's own key file, which Google's library reads; it signs nothing of ours.
    ("jobs/google_sheet.py", "google.json"),
    # The word by which a program of the person's own speaks to the HTTP API; it opens nothing that is kept.
    ("jobs/api.py", "api-token"),
    # Opens the sessions of Telegram accounts, without which nothing is collected by one.
    ("telegram/accounts.py", "accounts.age-key"),
    ("telegram/accounts.py", "Identity.from_str"),
    # The doctor looks at the modes of the files, and serve tells a person where the token lies.
    ("cli/commands/doctor.py", "*.key"),
    # Check guesses a misspelt case by the names of the files, and opens none.
    ("cli/commands/check.py", "*.age-key"),
    ("cli/commands/serve.py", "api-token"),
}


def key_readings(source: str) -> Iterator[str]:
    """What of private keys a module reads: the loader's name, or the path below `keys/`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) if name in READERS:
                yield name
            case ast.Attribute(attr="from_str", value=ast.Name(id="Identity") | ast.Attribute(attr="Identity")):
                yield "Identity.from_str"
            case ast.Constant(value=str(text)) if text.startswith("keys/") and "\n" not in text and " " not in text:
                yield from _private(text.removeprefix("keys/").split("/"))
            case ast.BinOp(op=ast.Div()) | ast.Call(func=ast.Attribute(attr="glob" | "rglob" | "joinpath")):
                parts = list(_parts(node))
                if "keys" in parts:
                    yield from _private(parts[parts.index("keys") + 1 :])


def _private(parts: list[str]) -> Iterator[str]:
    yield from (part for part in parts[:1] if PRIVATE.search(part))


def _parts(node: ast.AST) -> Iterator[str]:
    """The constant parts of a path that is put together with `/`, `joinpath` or `glob`; `*` for what is computed."""
    match node:
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            yield from _parts(left)
            yield from _parts(right)
        case ast.Call(func=ast.Attribute(value=value), args=given):
            yield from _parts(value)
            for one in given:
                yield from _parts(one)
        case ast.Constant(value=str(text)):
            yield from text.split("/")
        case ast.JoinedStr(values=values):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "*" for one in values)


def test_only_the_signer_and_the_copies_open_private_keys() -> None:
    found = {
        (path.relative_to(ARCHIVER).as_posix(), what)
        for path in sorted(ARCHIVER.rglob("*.py"))
        if path.relative_to(ARCHIVER).parts[0] not in MAY
        for what in key_readings(path.read_text("utf-8"))
    }
    assert found - EXEMPT == set()
    assert EXEMPT - found == set(), "what is exempt is still there"


@pytest.mark.parametrize(
    "source",
    [
        "from cryptography.hazmat.primitives.serialization import load_pem_private_key",
        "key = serialization.load_pem_private_key(data, None)",
        "pyrage.x25519.Identity.from_str(text)",
        "Identity.from_str(text)",
        'home.path / "keys" / "ledger.key"',
        'home.path / "keys" / f"{name}.key"',
        'home.path / "keys" / "cases" / f"{name}.age-key"',
        'Path("keys/ledger.key")',
        '(home / "keys").rglob("*key")',
        '(home / "keys" / "cases").glob("*.age-key")',
        'home.joinpath("keys", "person.key")',
    ],
)
def test_a_reader_of_private_keys_is_found(source: str) -> None:
    assert list(key_readings(source))


@pytest.mark.parametrize(
    "source",
    [
        'home / "keys" / "ledger.vkey"',
        'home / "keys" / "recovery.txt"',
        '(home / "keys" / "ledger.head").read_text("utf-8")',
        'folder = home.path / "keys" / "roots"',
        'raise ConfigError("x", "y", "Restore keys/ from your copy.")',
        "Recipient.from_str(text)",
    ],
)
def test_public_files_beside_them_are_no_finding(source: str) -> None:
    assert not list(key_readings(source))
