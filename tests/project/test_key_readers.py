"""Who opens private keys: import-linter sees who imports the signer, not who opens a file beside it.

By the source, every name that reads a key and every path into `keys/`, however it is put together; and, since a source can hide
anything, by the run: a process that captures, exports and checks tells each file that it opens there, and from which frame.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import World, plain_home

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("archiver", "spiders", "storage")
MAY = ("archiver/signer/", "archiver/copies/")
"""Folders that hold private keys: the signer its own, copies those by which they are encrypted and opened."""
READERS = frozenset(
    {"load_pem_private_key", "load_der_private_key", "load_ssh_private_key", "load_key_and_certificates", "load_pkcs12"}
    | {"from_private_bytes", "from_private_numbers", "derive_private_key"}
)
PRIVATE = re.compile(
    r"(\.|^|_)(key|age-key)$|^\*|\*.*key$|^copies\.names$|^(cases|people|retired)(/|$)|^api-token$|^google\.json$"
)
"""Names of private files and folders below `keys/`."""
_HINT = re.compile(rf"\bkeys\b|Identity|pyrage|archiver\.signer|{'|'.join(READERS)}")
"""What a module that holds none of it can be passed over for."""
UNKNOWN = "?"
"""A part of a path that is computed."""
EXEMPT = {
    # The account's own key file, which Google's library reads; it signs nothing of ours.
    ("archiver/jobs/google_sheet.py", "google.json"),
    # The word by which a program of the person's own speaks to the HTTP API; it opens nothing that is kept.
    ("archiver/jobs/api.py", "api-token"),
    # Opens the sessions of Telegram accounts, without which nothing is collected by one.
    ("archiver/telegram/accounts.py", "accounts.age-key"),
    ("archiver/telegram/accounts.py", "Identity.from_str"),
    # The doctor looks at the modes of the files, and has a line of that name; serve tells a person where the token lies.
    ("archiver/cli/commands/doctor.py", "*.key"),
    ("archiver/cli/commands/doctor.py", "keys"),
    ("archiver/cli/commands/serve.py", "api-token"),
    # Check guesses a misspelt case by the names of the files, and opens none; it too has a line of that name.
    ("archiver/cli/commands/check.py", "cases"),
    ("archiver/checks/home.py", "keys"),
    # Looks whether a folder holds anything; and reads the public recovery keys, whose name is a constant.
    ("archiver/home/home.py", "keys"),
    ("archiver/home/people.py", "keys"),
}


def key_readings(source: str) -> Iterator[str]:
    """What of private keys a module reads: the name of what reads one, or the path below `keys/`."""
    if not _HINT.search(source):
        return
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    words = {inner for node in ast.walk(tree) for one in _annotations(node) for inner in ast.walk(one)}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) if name in READERS:
                yield name
            case ast.ImportFrom(module=str(module), names=names) if module.split(".")[0] == "pyrage":
                yield from (f"{module}.{one.name}" for one in names if one.name in ("Identity", "x25519", "ssh", "*"))
            case ast.Attribute(attr="Identity") if node not in words:
                above = parents[node]
                used = above.attr if isinstance(above, ast.Attribute) else "…"
                if used != "generate":
                    yield f"Identity.{used}"
            case ast.Attribute(attr="from_str", value=ast.Name(id="Identity")):
                yield "Identity.from_str"
            case ast.Constant(value=str(text)) if text in READERS or text == "Identity":
                yield text
            case ast.Constant(value=str(text)) if text.startswith("archiver.signer"):
                yield text
            case ast.Constant(value=str(text)) if re.search(r"(^|/)keys($|/)", text) and not re.search(r"\s|…", text):
                yield from _below_keys(node, parents)


def _annotations(node: ast.AST) -> Iterator[ast.AST]:
    for name in ("annotation", "returns"):
        if isinstance(one := getattr(node, name, None), ast.AST):
            yield one


def _below_keys(constant: ast.Constant, parents: dict[ast.AST, ast.AST]) -> Iterator[str]:
    """Judge the whole path that a constant is a part of by what follows `keys` in it; what cannot be told is a finding."""
    node: ast.AST = constant
    above = parents.get(node)
    if isinstance(above, ast.Dict) and node in above.keys:
        return  # a heading of a table, or a field
    while (wider := _wider(node, parents)) is not None:
        node = wider
    parts = list(_parts(node))
    after = [*parts[parts.index("keys") + 1 :], UNKNOWN][0]
    if after in (UNKNOWN, ""):
        yield "keys"
    elif PRIVATE.search(after):
        yield after


def _wider(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> ast.AST | None:
    """The next wider expression that is a path too."""
    above = parents.get(node)
    match above:
        case ast.BinOp(op=ast.Div()) | ast.JoinedStr():
            return above
        case ast.Attribute(attr="glob" | "rglob" | "joinpath", value=value) if value is node:
            return parents[above]
        case ast.Call(func=func) if node is not func and ast.unparse(func).split(".")[-1] in _PATHS:
            return above
    return None


_PATHS = frozenset({"Path", "PurePath", "PosixPath", "join", "joinpath", "glob", "rglob"})


def _parts(node: ast.AST) -> Iterator[str]:
    """The parts of a path that is put together with `/`, `joinpath`, `glob`, `Path` or `os.path.join`."""
    match node:
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            yield from _parts(left)
            yield from _parts(right)
        case ast.Call(func=func, args=given) if ast.unparse(func).split(".")[-1] in _PATHS:
            if isinstance(func, ast.Attribute):
                yield from _parts(func.value)
            for one in given:
                yield from _parts(one)
        case ast.Constant(value=str(text)):
            yield from text.split("/")
        case ast.JoinedStr(values=values):
            yield from "".join(str(one.value) if isinstance(one, ast.Constant) else "*" for one in values).split("/")
        case _:
            yield UNKNOWN


def test_only_the_signer_and_the_copies_open_private_keys() -> None:
    found = {
        (name, what)
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if not (name := path.relative_to(ROOT).as_posix()).startswith(MAY)
        for what in key_readings(path.read_text("utf-8"))
    }
    assert found - EXEMPT == set()
    assert EXEMPT - found == set(), "what is exempt is still there"


WATCHED = """
import json, sys
from pathlib import Path
root, home, network, log = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), open(sys.argv[4], "a")

def watch(event, given):
    if event != "open" or not isinstance(given[0], str) or not given[0].startswith(f"{home}/"):
        return
    name = given[0].partition("/keys/")[2]  # in the home, or where it is made
    if not name:
        return
    frame, files = sys._getframe(1), []
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(str(root)):
            files.append(file[len(str(root)) + 1:])
        frame = frame.f_back
    log.write(json.dumps([name, files]) + chr(10))
    log.flush()

sys.addaudithook(watch)
from archiver.cli.main import main
from archiver.recorder.network import TestNetwork
from archiver.recorder.tls import Roots
routes = {key: tuple(value) for key, value in network["routes"].items()}
served = TestNetwork(routes, Roots(Path(network["roots"]), "test"))
for words in sys.argv[5:]:
    code = main(["--home", str(home), *words.split()], served, {})
    assert code == 0, (words, code)
"""


def test_a_run_opens_private_keys_from_the_signer_and_the_copies_alone(world: World, tmp_path: Path) -> None:
    home, log = plain_home(tmp_path / "home").path, tmp_path / "opened"
    assert world.network.roots is not None
    network = json.dumps({"routes": dict(world.network.routes), "roots": str(world.network.roots.path)})
    commands = [
        "case new alma",
        "capture https://t.me/ozen_today/16 --case alma --quick",
        "find words",
        f"export alma --profile partner --no-encrypt --yes --to {tmp_path / 'package'}",
        "check",
        "keys rotate",
    ]
    ran = subprocess.run(
        [sys.executable, "-c", WATCHED, str(ROOT), str(home), network, str(log), *commands],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    opened = [
        (name, files) for name, files in map(json.loads, log.read_text("utf-8").splitlines()) if _is_private(name)
    ]
    allowed = (*MAY, *(name for name, _ in EXEMPT))
    assert {name for name, _ in opened} >= {"ledger.key", "person.key", "cases/alma.age-key"}
    wrong = {
        (name, next((file for file in files if not file.startswith("storage/")), "storage"))
        for name, files in opened
        if not next((file for file in files if not file.startswith("storage/")), "storage").startswith(allowed)
    }
    assert wrong == set()


def _is_private(name: str) -> bool:
    return any(PRIVATE.search(part) for part in name.split("/")) and not name.endswith((".vkey", ".new"))


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
        'folder = home / "keys"',
        'for one in (home / "keys").iterdir(): pass',
        '(home / "keys").rglob("*")',
        'os.path.join(home, "keys", "ledger.key")',
        'join(str(home), "keys", name)',
        'Path(home, "keys", "cases")',
        'open(f"{home}/keys/ledger.key")',
        'open(str(home) + "/keys/" + name)',
        'folders = ("keys", "ledger")',
        'home / "keys" / NAME',
        "from pyrage.x25519 import Identity as I",
        "from pyrage import x25519",
        "I = pyrage.x25519.Identity",
        'getattr(pyrage.x25519, "Identity")',
        "Ed25519PrivateKey.from_private_bytes(data)",
        'import_module("archiver.signer.age")',
        '__import__("archiver.signer.keyring")',
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
        'line = {"keys": names}',
        "def opened(identities: list[pyrage.x25519.Identity]) -> None: ...",
        "fresh = pyrage.x25519.Identity.generate()",
        "Recipient.from_str(text)",
    ],
)
def test_public_files_beside_them_are_no_finding(source: str) -> None:
    assert not list(key_readings(source))
