"""What the tests share keeps its word: unsound captures fail a test, and what is made cheap answers as what it stands for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from warcio.exceptions import ArchiveLoadFailed

from archiver.home.home import Home
from archiver.tools import probe
from archiver.tools.ytdlp_pool import ExtractorDied, ExtractorPool
from tests.conftest import need
from tests.support.cheap_children import REAL
from tests.support.kept_homes import unpack_home
from tests.support.sound import require_sound_captures

LINK = "https://www.youtube.com/watch?v=Zh5janSq001"


@pytest.mark.damages
@pytest.mark.parametrize("name", ["*.warc.gz", "records.jsonl", "inventory.jsonl", "manifest.json"])
def test_a_capture_that_changed_fails_the_test(name: str, tmp_path: Path) -> None:
    home = unpack_home(tmp_path)
    require_sound_captures([home])
    path = max(home.glob(f"captures/*/*/*/*/{name}"), key=lambda one: one.stat().st_size)
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises((AssertionError, ArchiveLoadFailed)):
        require_sound_captures([home])
    path.write_bytes(data)
    require_sound_captures([home])


def _asked(pool: ExtractorPool) -> tuple[str | None, list[str], str | None, str]:
    async def run() -> tuple[str | None, list[str], str | None, str]:
        try:
            claimed = await pool.claims(LINK, 60)
            with pytest.raises(ExtractorDied) as raised:
                await pool.run({"do": "extract", "url": LINK}, 60)  # a job without its proxy
            return claimed, pool.fences, pool.version, str(raised.value)
        finally:
            await pool.close()

    return asyncio.run(run())


@pytest.mark.services
def test_a_forked_extractor_is_as_one_that_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    forked = _asked(ExtractorPool(b"", 1))
    for where, name, real in REAL:
        monkeypatch.setattr(where, name, real)
    assert forked == _asked(ExtractorPool(b"", 1))
    assert forked[0] == "Youtube"


@pytest.mark.services
def test_a_forked_extractor_ends_with_what_stands_in_its_place() -> None:
    async def run() -> None:
        pool = ExtractorPool(b"", 1)
        try:
            await pool.claims(LINK, 60)
            [worker] = pool._all
            assert worker.process.stdout is not None
            worker.process.kill()
            assert await asyncio.wait_for(worker.process.stdout.read(), 20) == b"", "the process holds its end no more"
        finally:
            await pool.close()

    asyncio.run(run())


@pytest.mark.services
def test_what_tools_say_is_remembered_by_bytes_and_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("ffprobe")
    asked = probe.MediaProbe()
    (one := tmp_path / "one").write_bytes(b"no film")
    first = asked.facts(one, False)
    first["ffprobe"] = "changed by whoever asked"
    assert asked.facts(one, False)["ffprobe"] != "changed by whoever asked"
    monkeypatch.setattr(probe, "program", lambda name: None)
    assert "ffprobe" not in asked.facts(one, False)
    asked.close()


def test_fresh_homes_are_apart(home: Home, new_home: Path) -> None:
    assert home.path != new_home
    (home.path / "keys" / "person.key").write_bytes(b"")
    assert (new_home / "keys" / "person.key").stat().st_size
