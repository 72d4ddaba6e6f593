"""A newer yt-dlp beside the pinned one: by version and digest, after asking, from an index on loopback."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from archiver import children
from archiver.cli.main import main
from archiver.demo.server import Answer, Asked, Platforms
from archiver.home.home import Home
from archiver.tools.extractor_update import age_days, in_force, scripts_needed
from archiver.tools.programs import programs_of
from archiver.tools.ytdlp_pool import ExtractorPool
from storage.digest import sha256_hex

CODE = """
class YoutubeDL:
    def __init__(self, options): self._ies = {"MadeUp": self}
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def suitable(self, url): return "made-up" in url
"""


def wheel(number: str, code: str = CODE, scripts: str = "", **more: str) -> bytes:
    out = io.BytesIO()
    scripts = scripts or version("yt-dlp-ejs")
    files = {
        "yt_dlp/__init__.py": code,
        "yt_dlp/version.py": f"__version__ = {number!r}",
        "yt_dlp/utils.py": "class DownloadError(Exception): pass",
        f"yt_dlp-{number}.dist-info/METADATA": f"Name: yt-dlp\nRequires-Dist: yt-dlp-ejs=={scripts}; extra == 'default'\n",
        **more,
    }
    with zipfile.ZipFile(out, "w") as to:
        for name, text in files.items():
            to.writestr(name, text)
    return out.getvalue()


class Index:
    """An index of packages (PEP 691) and the files it names."""

    def __init__(self) -> None:
        self.files = {"yt_dlp-2026.11.1-py3-none-any.whl": wheel("2026.11.1"), "yt_dlp-2026.11.20-py3-none-any.whl": wheel("2026.11.20"),
                      "yt_dlp-2026.12.1.dev0-py3-none-any.whl": wheel("2026.12.1.dev0")}  # fmt: skip
        self.sent: dict[str, bytes] = {}

    def __call__(self, asked: Asked) -> Answer:
        name = asked.path.rpartition("/")[2]
        if asked.path == "/simple/yt-dlp/":
            files = [
                {"filename": file, "url": f"../../files/{file}", "hashes": {"sha256": sha256_hex(data)}, "size": len(data),
                 "upload-time": "2026-11-20T10:00:00Z"} for file, data in self.files.items()
            ]  # fmt: skip
            files += [{"filename": "yt_dlp-2026.11.20.tar.gz", "url": "x", "hashes": {}}, {"filename": 7}]  # type: ignore[dict-item]
            return Answer(
                content_type="application/vnd.pypi.simple.v1+json", body=json.dumps({"files": files}).encode()
            )
        data = self.sent.get(name) or self.files.get(name)
        return Answer(content_type="application/octet-stream", body=data) if data else Answer(404, "text/plain", b"")


@pytest.fixture
def index() -> Index:
    return Index()


@pytest.fixture
def served(tmp_path: Path, index: Index) -> Iterator[Platforms]:
    made = Platforms(tmp_path / "certificates", {"pypi.org": index})
    yield made
    made.stop()


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(home: Home, served: Platforms, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["update-extractors", "--home", str(home.path), *words], served.network, {})
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return command


def test_the_newest_release_is_installed_and_used(home: Home, run: Run, index: Index) -> None:
    code, said = run("--yes")
    digest = sha256_hex(index.files["yt_dlp-2026.11.20-py3-none-any.whl"])
    assert (code, digest in said) == (0, True)
    beside = in_force(home.path)
    assert beside is not None
    assert (beside.version, beside.sha256) == ("2026.11.20", digest)

    async def asked() -> tuple[str | None, str | None]:
        pool = ExtractorPool(b"", 1, beside)
        try:
            return await pool.claims("https://made-up.kz/1", 60.0), pool.version
        finally:
            await pool.close()

    assert asyncio.run(asked()) == ("MadeUp", "2026.11.20")
    named = programs_of(home.path, ("2026.11.20", None, beside), probe=False, browser=None)
    assert named == {"yt-dlp": {"version": "2026.11.20", "wheel_sha256": digest}}
    assert run("--pinned")[0] == 0
    assert in_force(home.path) is None


def test_a_named_version_with_a_digest_from_elsewhere(home: Home, run: Run, index: Index) -> None:
    digest = sha256_hex(index.files["yt_dlp-2026.11.1-py3-none-any.whl"])
    code, said = run("2026.11.1", "--yes", "--sha256", "0" * 64)
    assert (code, "Nothing was installed" in said, in_force(home.path)) == (1, True, None)
    assert run("2026.11.1", "--yes", "--sha256", digest)[0] == 0
    assert (found := in_force(home.path)) is not None
    assert found.version == "2026.11.1"


def test_nothing_is_installed_without_a_yes(home: Home, run: Run) -> None:
    code, said = run()
    assert (code, "--yes" in said, in_force(home.path)) == (1, True, None)
    assert not (home.path / "extractors").exists()


def test_other_bytes_than_the_index_states_are_refused(home: Home, run: Run, index: Index) -> None:
    index.sent["yt_dlp-2026.11.20-py3-none-any.whl"] = wheel("2026.11.20", code="print('other')")
    code, said = run("--yes")
    assert (code, in_force(home.path)) == (1, None)
    assert "bytes with the digest" in said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (wheel("2026.11.20", **{"../../evil.py": "x"}), "plain names"),
        (wheel("2026.11.20", **{"/evil.py": "x"}), "plain names"),
        (b"no wheel at all", "a wheel"),
    ],
)  # fmt: skip
def test_a_wheel_that_is_none_changes_nothing(home: Home, run: Run, index: Index, data: bytes, said: str) -> None:
    index.files = {"yt_dlp-2026.11.20-py3-none-any.whl": data}
    code, shown = run("--yes")
    assert (code, said in shown, in_force(home.path)) == (1, True, None)
    assert not list(home.path.parent.rglob("evil.py"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("2020.1.1",), "none at"),
        (("newest",), "a version of yt-dlp"),
        (("--index", "https://pypi.org/no/"), "an index"),
        (("--index", "https://nowhere.example/"), "an index"),
    ],
)
def test_what_is_not_offered(run: Run, words: tuple[str, ...], said: str) -> None:
    code, shown = run(*words, "--yes")
    assert code == 1
    assert said in shown


def test_scripts_of_another_version_are_asked_for() -> None:
    assert scripts_needed(wheel("2026.11.20")) is None
    assert scripts_needed(wheel("2026.11.20", scripts="99.0.1")) == "99.0.1"


@pytest.mark.parametrize(
    ("of", "days"), [("2026.10.26", 25), ("2026.11.20", 0), ("2026.12.1", 0), ("2026.10.26.232000", 25), ("1.2", None), ("2026.13.1", None)]
)  # fmt: skip
def test_how_old_a_version_is(of: str, days: int | None) -> None:
    assert age_days(of, datetime(2026, 11, 20, 12, tzinfo=UTC)) == days


def test_a_program_is_digested_once(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffprobe"
    program.write_bytes(b"#!/bin/sh\necho ffprobe version 9.9 Copyright\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    named = programs_of(home.path, None, probe=True, browser=None)["ffprobe"]
    held = children.fences(str(program))
    assert named == {"version": "ffprobe version 9.9", "sha256": sha256_hex(program.read_bytes()), "fences": held}
    kept = json.loads((home.path / "extractors" / "digests.json").read_text())
    assert named["sha256"] in kept.values()
