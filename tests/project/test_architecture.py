"""What the house promises about its own code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from spiders.posts import Outcome
from storage.catalog_schema import OUTCOMES

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for room in ("archiver", "spiders", "storage") for path in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
STORAGE, DEMO = ROOT / "storage", ROOT / "archiver" / "demo"
"""`storage/` keeps the sizes that it has; the miniature platforms are long as tests are."""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_breaks_the_house_rules(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + (
                [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            )
            alone = (
                path == ROOT / "archiver" / "export" / "check.py" or path.parent.name == "standalone"
            )  # goes into packages
            assert "hashlib" not in names or alone, "digests come from storage/digest.py"
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else ""
            assert caught not in ("", "Exception", "BaseException") or _reraises(node) or _is_last_resort(node), (
                f"blind except at line {node.lineno}"
            )
        if isinstance(node, ast.Attribute) and node.attr in ("utcnow", "CERT_NONE"):
            raise AssertionError(f"{node.attr} at line {node.lineno}")


STARTS = {"run", "Popen", "call", "check_call", "check_output", "create_subprocess_exec", "create_subprocess_shell"}
ALONE = ("archiver/export/check.py", "archiver/export/standalone/stamps.py")
"""They go into packages, by themselves."""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_program_is_given_an_environment(path: Path) -> None:
    """Without `env` it gets the whole of ours, in which passphrases and keys may stand."""
    if str(path.relative_to(ROOT)) in ALONE:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STARTS:
            called = ast.unparse(node.func)
            if called.startswith(("subprocess.", "asyncio.create_")):
                assert any(word.arg == "env" for word in node.keywords), f"line {node.lineno}"


STARTING = r"subprocess\.(run|Popen|c.*)|asyncio\.create_subprocess.*|os\.(exec|spawn|posix_spawn|system|popen).*"
UNFENCED = {
    "archiver/children.py", "archiver/cli/commands/record.py", "archiver/export/printing.py", "archiver/jobs/notify.py",
    "archiver/tools/ytdlp_pool.py", "archiver/export/check.py", "archiver/export/standalone/stamps.py",
    "archiver/cli/fixing.py", "archiver/cli/pager.py", "archiver/tools/desktop.py",
}  # fmt: skip
"""What starts programs by itself: behind fences, the person's own (also pip, their pager, and what their desktop opens a file with),
Chromium on our own report, what sends, and yt-dlp's."""


def test_what_needs_no_network_is_started_behind_fences() -> None:
    starting = {
        str(path.relative_to(ROOT))
        for path in MODULES
        if "demo" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and re.fullmatch(STARTING, ast.unparse(node.func))
    }
    assert starting == UNFENCED


def test_every_ffmpeg_is_told_what_it_may_read() -> None:
    """Its default lets a file name others by protocols of a network."""
    told = re.compile(r"FILES_ONLY|protocol_whitelist|lavfi|-version")
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and re.search(
                r"program\(.ff(mpeg|probe).\)", text := ast.unparse(node)
            ):
                assert "subprocess" not in text or told.search(text), f"{path.name}: {node.name}"


def _reraises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))


def _is_last_resort(handler: ast.ExceptHandler) -> bool:
    """Whether it is the command line's own: it says whatever ended a command, and ends with the exit code for it."""
    return ast.unparse(handler.body[-1]) == "code = answer_for(console, error)"


def test_there_is_one_last_resort() -> None:
    handlers = [
        node
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
    ]
    assert sum(_is_last_resort(node) for node in handlers) == 1


def test_outcomes_are_the_same_in_both_rooms() -> None:
    """storage knows outcomes only as text in a table of the catalog; spiders as an enumeration."""
    assert set(OUTCOMES) == {str(outcome) for outcome in Outcome}


def test_every_module_says_what_it_is() -> None:
    silent = []
    for path in MODULES:
        if "demo" in path.parts:
            continue
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree) and path.read_text().strip() and path.name not in ("__main__.py",):
            silent.append(f"{path.name}: module")
    assert not silent


def test_the_wall_clock_is_read_in_one_place() -> None:
    """But for the script that packages bring, which stands alone."""
    readers = [path for path in MODULES if re.search(r"datetime\.now\(|time\.time\(|time_ns\(", path.read_text())]
    assert [path.name for path in readers if path.parent.name != "standalone"] == ["check.py", "times.py"]


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    long = []
    for path in (*MODULES, *TESTS):
        if path.is_relative_to(STORAGE) or path == ROOT / "archiver" / "export" / "check.py":  # one file, for outsiders
            continue
        limit = 700 if path in TESTS or path.is_relative_to(DEMO) else 500
        if (lines := len(path.read_text().splitlines())) > limit:
            long.append(f"{path.relative_to(ROOT)}: {lines} lines, {limit} at most")
    assert not long


def test_no_test_file_is_imported() -> None:
    """What several share lies in tests/support, so that a test can be moved or removed without a thought for others."""
    imports = []
    for path in TESTS:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            modules = [name for name in names if (ROOT / f"{name.replace('.', '/')}.py").is_file()]
            imports += [
                f"{path.relative_to(ROOT)}:{node.lineno} imports {name}"
                for name in modules
                if name.startswith("tests.") and name.rpartition(".")[2].startswith("test_")
            ]
    assert not imports


def test_no_function_takes_more_than_seven_parameters() -> None:
    """Keyword-only ones with defaults are not counted, nor what Scrapy hands to a spider's `__init__`."""
    many = []
    for path in MODULES:
        if path.is_relative_to(STORAGE):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name == "__init__" and path.is_relative_to(ROOT / "spiders") and path.name.endswith("spider.py"):
                continue
            if (count := _parameters(node.args)) > 7:
                many.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {count}")
    assert not many


def _parameters(given: ast.arguments) -> int:
    named = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    required = sum(default is None for default in given.kw_defaults)
    return len(named) + required - (named[:1] in (["self"], ["cls"]))


def test_every_folder_says_what_lies_in_it() -> None:
    folders = {path.parent for path in MODULES if path.is_relative_to(ROOT / "archiver")}
    silent = [
        str(folder.relative_to(ROOT))
        for folder in sorted(folders)
        if not (folder / "__init__.py").is_file()
        or not ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    ]
    assert not silent
