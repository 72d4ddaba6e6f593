"""`check.py` as a file that people are given: made by its script, for every Python, alone; and started where others wrote."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from archiver.checks import stamps
from archiver.checks.lines import Finding
from scripts.check_script import joined
from tests.support.kept_homes import SECOND_KEY, unpack_package
from tests.support.packages import by_program

SCRIPT = Path(__file__).parents[2] / "archiver" / "export" / "check.py"
INTACT = (
    "INTACT, and signed by the key that you named; profile full; time by roots that came with the package; NOT EVIDENCE"
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return unpack_package(tmp_path / "p")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For tests that change nothing in it."""
    return unpack_package(tmp_path_factory.mktemp("whole"))


def started(
    script: Path,
    *words: str | Path,
    isolated: bool = True,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """The exit code of a check.py that is started as people do, and what it printed."""
    command = [sys.executable, *(["-I"] if isolated else []), script, *words, "--fingerprint", SECOND_KEY]
    done = subprocess.run(
        command, capture_output=True, check=False, timeout=120, cwd=cwd, env={**os.environ, **(env or {})}
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode("utf-8", "replace")
    return done.returncode, done.stdout.decode("utf-8", "replace")


# -- the file ------------------------------------------------------------------------------------------------


def test_it_is_what_its_script_makes() -> None:
    """Run `python scripts/check_script.py` after a change in archiver/export/standalone/, or to what packages hold."""
    assert SCRIPT.read_text("utf-8") == joined()


def test_it_needs_nothing_newer_than_python_3_9() -> None:
    """vermin knows which version brought what; there is no such Python here to run it on."""
    import vermin

    mins = vermin.visit(SCRIPT.read_text("utf-8")).minimum_versions()
    assert mins[1] is not None, mins
    assert mins[1] <= (3, 9), mins


def test_it_stands_alone() -> None:
    tree = ast.parse(text := SCRIPT.read_text("utf-8"))
    plain = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    others = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported = {name.partition(".")[0] for name in plain + others}
    assert imported <= set(sys.stdlib_module_names)
    assert not imported & {"urllib", "socket", "http", "ctypes", "pickle", "importlib", "shutil"}
    assert not re.search(r"(?<![\w.])(eval|exec|__import__|compile)\(", text)


# -- started where others wrote ------------------------------------------------------------------------------

TRAP = "from pathlib import Path\nPath({0!r}).touch()\nprint('INTACT, and signed by the key that you named')\nraise SystemExit(0)\n"
MODULES = ("argparse.py", "json.py", "re.py", "zlib.py", "subprocess.py", "sitecustomize.py")


def set_traps(folder: Path, sprung: Path) -> None:
    """Put modules and a program of names that check.py asks for into a folder."""
    for name in MODULES:
        (folder / name).write_text(TRAP.format(str(sprung)))
    for name in ("openssl", "openssl.exe", "python3"):
        program = folder / name
        program.write_text(f"#!/bin/sh\ntouch {sprung}\necho OpenSSL 3\n")
        program.chmod(0o755)


@pytest.mark.parametrize("isolated", [True, False], ids=["with -I", "without -I"])
def test_nothing_beside_it_is_run(package: Path, tmp_path: Path, isolated: bool) -> None:
    """A trusted check.py lies beside the package's folder, where an archive could have put files too."""
    sprung = tmp_path / "sprung"
    beside = tmp_path / "beside"
    beside.mkdir()
    script = beside / "check.py"
    script.write_bytes(SCRIPT.read_bytes())
    set_traps(beside, sprung)
    code, out = started(script, package, isolated=isolated, cwd=beside)
    assert not sprung.exists()
    assert (code, out.splitlines()[-1]) == (0, INTACT), out


@pytest.mark.parametrize("isolated", [True, False], ids=["with -I", "without -I"])
@pytest.mark.parametrize(
    "path", ["", ".:", ":"], ids=["PATH as it is", "PATH with the current folder", "PATH with nothing"]
)
def test_nothing_in_the_package_is_run(package: Path, tmp_path: Path, isolated: bool, path: str) -> None:
    """The genuine check.py inside a package that somebody put files into, started inside of it."""
    sprung = tmp_path / "sprung"
    (package / "check.py").write_bytes(SCRIPT.read_bytes())
    set_traps(package, sprung)
    for folder in (package / "data", package / "proofs"):
        set_traps(folder, sprung)
    env = {"PATH": f"{path}{package}:{os.environ['PATH']}"} if path else {}
    code, out = started(package / "check.py", isolated=isolated, cwd=package, env=env)
    assert not sprung.exists()
    assert code == 5, out
    assert "TAMPERED     bag" in out


def test_an_openssl_inside_the_package_is_passed_over(whole: Path, package: Path, tmp_path: Path) -> None:
    """In a folder that is not the package's it would be run: PATH is the reader's own."""
    sprung = tmp_path / "sprung"
    (tools := package / "data" / "media").mkdir(exist_ok=True)
    set_traps(tools, sprung)
    code, out = started(SCRIPT, package, env={"PATH": f"{tools}:{os.environ['PATH']}"})
    assert (code, sprung.exists()) == (5, False), out
    code, out = started(SCRIPT, whole, cwd=tools, env={"PATH": f".:media:{os.environ['PATH']}"})
    assert (code, sprung.exists()) == (0, False), out


# -- programs that are missing or others ---------------------------------------------------------------------

LIBRESSL = """#!/bin/sh
case "$1" in version) echo "LibreSSL 3.3.6"; exit 0;; esac
echo "usage: ts -verify [-data file]" >&2; exit 1
"""
OLD = """#!/bin/sh
case " $* " in *" -attime "*) echo "usage: ts -verify [-data file] ..." >&2; exit 1;; esac
exec {0} "$@"
"""


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (None, "openssl is not installed: install OpenSSL"),
        (LIBRESSL, "LibreSSL 3.3.6 does not check tokens: install OpenSSL"),
        (OLD, "this openssl cannot check tokens as of a time: install OpenSSL"),
    ],
    ids=["none", "LibreSSL", "one without -attime"],
)
def test_an_openssl_that_cannot_check_tokens(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None, words: str
) -> None:
    """Nothing is known to be wrong with the package then, and not all of it is known to be right."""
    true = stamps._program()
    (tools := tmp_path / "tools").mkdir()
    if program is not None:
        (tools / "openssl").write_text(program.format(true))
        (tools / "openssl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    code, out = started(SCRIPT, whole)
    assert code == 6, out
    assert words in out
    assert out.splitlines()[-1].endswith("its timestamps were NOT CHECKED; NOT EVIDENCE")
    assert "NOT TIMESTAMPED" not in out, "which nobody knows here"
    from archiver.checks.package import check_ours

    report = check_ours(whole, SECOND_KEY, None)
    assert report.code == 6
    assert any(words in line.detail for line in report.lines if line.finding is Finding.UNKNOWN)
    assert report.verdict == out.splitlines()[-1]


# -- words that a terminal cannot show -----------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8:strict", "cp1252", "ascii", "iso8859-1", "cp932"])
def test_a_verdict_in_every_encoding(whole: Path, package: Path, encoding: str) -> None:
    """Without -I, since a person's own settings then hold. A name of any script, or of none, ends in a verdict."""
    env = {"PYTHONIOENCODING": encoding}
    code, out = started(SCRIPT, whole, isolated=False, env=env)
    assert (code, out.splitlines()[-1]) == (0, INTACT), out
    (package / "data" / "Өзен.txt").write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(package / "data") + b"/photo-\xff.jpg")).write_bytes(b"x")
    code, out = started(SCRIPT, package, isolated=False, env=env)
    assert (code, out.splitlines()[-1]) == (5, "TAMPERED: do not rely on this package"), out
    command = [sys.executable, "-m", "archiver", "--home", str(package / "none"), "check", str(package)]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **env})
    assert done.returncode == 5, done.stderr
    assert done.stdout.rstrip().endswith(b"TAMPERED: do not rely on this package")


def test_what_both_print_is_the_same(whole: Path) -> None:
    from archiver.checks.package.report import in_columns

    code, out = started(SCRIPT, whole)
    report = by_program(whole, SECOND_KEY)
    assert (code, out.splitlines()) == (0, [*map(in_columns, report.lines), "", report.verdict])


@pytest.mark.parametrize(
    ("words", "said"),
    [((), "name the folder of the package"), (("--on", "31.1.2046"), "'31.1.2046' is no day like 2046-01-31")],
)
def test_what_it_needs_is_said_and_nothing_is_called_missing(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    alone = tmp_path / "check.py"
    alone.write_bytes(SCRIPT.read_bytes())
    code, out = started(alone, *words)
    assert (code, "MISSING" in out) == (6, False)
    assert said in out
