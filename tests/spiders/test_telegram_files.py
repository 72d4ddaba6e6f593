"""Files of Telegram by an account: in parts, from other data centres, through broken connections."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from archiver.checks import check_home, worst
from archiver.demo.mtproto import Fault
from archiver.demo.telegram_model import Repeat
from archiver.home.home import Home
from archiver.lookup.capture_files import CaptureFiles
from archiver.lookup.material import Folders, SealedCapture, media_of
from storage.digest import sha256_hex
from tests.support.telegram_world import TelegramShell, file_of, number, video


class Earlier(CaptureFiles):
    """As earlier releases left it: the inventory named the first part alone."""

    def lines(self, path: Path) -> list[dict[str, Any]]:
        named = ("assembly",) if path.name == "inventory.jsonl" else ()
        return [{name: value for name, value in line.items() if name not in named} for line in super().lines(path)]


def test_a_large_file_comes_in_parts_and_is_put_together(by_account: TelegramShell, tmp_path: Path) -> None:
    world = by_account.world
    chat = world.channel(number(), 1)
    body = Repeat(21_000_007)
    world.api.post(chat, "", media=video(world, body, dc=1))
    made = by_account.capture("capture", f"https://t.me/{chat.username}/2")
    assert made.code == 0, made.result
    parts = made.records("urn:evc:telegram:media:")
    assert [line["part_offset"] for line in parts] == [n << 22 for n in range(6)]
    assert parts[0]["dc"] == 1
    (assembly,) = made.records("urn:archiver:assembly:")
    assert assembly["assembly"] == sha256_hex(bytes(body[0 : len(body)]))
    assert json.loads(made.block(assembly["id"]))["about"]["telegram_hashes_checked"] == -(-len(body) // 131072)
    assert by_account("files", made.folder.name, "--to", str(tmp_path / "out"))[0] == 0
    (file,) = (tmp_path / "out").glob("*.mp4")
    assert file.read_bytes() == bytes(body[0 : len(body)]), "and not its first part"
    (line,) = [line for line in made.lines("inventory") if line.get("kind") == "video" and line.get("outcome")]
    assert line["assembly"] == assembly["assembly"]
    home = Home(by_account.home.path)
    row = home.catalog.capture(made.folder.name)
    assert row is not None
    sealed = SealedCapture(row["id"], row["seq"], made.folder, row, Earlier())
    (media,) = media_of(sealed, Folders(home))
    assert (media.sha256, media.size) == (assembly["assembly"], len(body)), (
        "of a capture that an earlier release made, too"
    )
    assert worst(check_home(by_account.home.path)) == 0


def test_a_file_that_broke_off_is_gone_on_with(by_account: TelegramShell) -> None:
    """What an earlier capture holds of it is not asked for again; together they are the file."""
    world = by_account.world
    chat = world.channel(number(), 1)
    body = Repeat(20_000_000)
    world.api.post(chat, "", media=video(world, body))
    link = f"https://t.me/{chat.username}/2"

    def break_off(request: Any) -> float:
        if type(request).__name__ == "GetFileRequest" and request.offset >= 10 << 20:
            raise Fault(420, "FLOOD_WAIT_9999")
        return 0.0

    with world.before_each(break_off):
        first = by_account.capture("capture", link)
    assert first.result["outcome"] == "partial"
    assert "8388608 bytes kept" in str(first.ended[f"post {chat.username}/2 #0"]["reason"])
    world.api.asked.clear()
    by_account.pauses_end()
    made = by_account.capture("capture", link)
    assert made.code == 0, made.result
    assert min(request.offset for name, request in world.api.asked if name == "GetFile") == 8 << 20
    (assembly,) = made.records("urn:archiver:assembly:")
    assert assembly["assembly"] == sha256_hex(bytes(body[0 : len(body)]))
    assert worst(check_home(by_account.home.path)) == 0


def test_expired_references_are_renewed(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 1)
    body = Repeat(12_000_000)
    world.api.post(chat, "", media=video(world, body))
    with world.at_file_parts((3, 11), world.api.expire_references):
        made = by_account.capture("capture", f"https://t.me/{chat.username}/2")
    assert made.code == 0, made.result
    (assembly,) = made.records("urn:archiver:assembly:")
    assert assembly["assembly"] == sha256_hex(bytes(body[0 : len(body)]))


def test_bytes_that_do_not_match_telegrams_hashes_are_said_to(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 1)
    posted = world.api.post(chat, "", media=video(world, bytes(400_000)))
    world.api.files[posted.media.document.id].spoiled = True
    made = by_account.capture("capture", f"https://t.me/{chat.username}/2")
    assert (made.code, made.result["outcome"]) == (2, "partial")
    assert "do not match the hashes" in str(made.result["reason"])


def test_a_file_in_another_data_centre_than_stated(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 1)
    posted = world.api.post(chat, "", media=video(world, b"moved" * 1000, dc=2))
    world.api.files[posted.media.document.id].dc = 1
    made = by_account.capture("capture", f"https://t.me/{chat.username}/2")
    assert made.code == 0, made.result
    assert file_of(made, f"post {chat.username}/2 #0") == b"moved" * 1000


def test_a_connection_cut_in_the_middle_of_a_file(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 1)
    body = Repeat(30_000_000)
    world.api.post(chat, "", media=video(world, body))

    def cut() -> None:
        for link in list(world.api.server.links):
            link.close()

    with world.at_file_parts((5, 30), cut):
        made = by_account.capture("capture", f"https://t.me/{chat.username}/2")
    assert made.code == 0, made.result
    (assembly,) = made.records("urn:archiver:assembly:")
    assert assembly["assembly"] == sha256_hex(bytes(body[0 : len(body)]))


@pytest.mark.parametrize("step", ["ExportAuthorization", "ImportAuthorization"])
def test_a_connection_cut_while_another_data_centre_is_entered(by_account: TelegramShell, step: str) -> None:
    """Telethon cancels what waits for the answer: the file had no outcome, and its post was said to be captured."""
    world = by_account.world
    chat = world.channel(number(), 1)
    world.api.post(chat, "", media=video(world, b"far away" * 1000, dc=1))
    cuts = 2

    def cut(request: Any) -> float:
        nonlocal cuts
        if type(request).__name__ == f"{step}Request" and cuts:
            cuts -= 1
            for link in list(world.api.server.links):
                link.close()
        return 0.0

    with world.before_each(cut):
        made = by_account.capture("capture", f"https://t.me/{chat.username}/2")
    assert (cuts, made.code) == (0, 0), made.result
    assert file_of(made, f"post {chat.username}/2 #0") == b"far away" * 1000


def test_a_post_is_not_captured_where_nobody_knows_what_became_of_its_file(
    by_account: TelegramShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancelled(*arguments: Any) -> None:
        raise asyncio.CancelledError

    chat = by_account.world.channel(number(), 1)
    by_account.world.api.post(chat, "", media=video(by_account.world, b"far away" * 1000))
    monkeypatch.setattr("archiver.telegram.records.TelegramFiles.bring", cancelled)
    made = by_account.capture("capture", f"https://t.me/{chat.username}/2")
    assert (made.code, made.ended[f"post {chat.username}/2"]["outcome"]) == (2, "partial")
    assert "its fetching broke off" in made.ended[f"post {chat.username}/2"]["reason"]


def test_the_same_file_twice_is_fetched_once(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 1)
    film = video(world, b"twice" * 4000)
    world.api.post(chat, "раз", media=film)
    world.api.post(chat, "два", media=film)
    made = by_account.capture("crawl", f"https://t.me/{chat.username}")
    assert made.code == 0
    assert sum(name == "GetFile" for name, _ in world.api.asked) == 1
    ends = [made.ended[f"post {chat.username}/{n} #0"] for n in (2, 3)]
    assert {end["outcome"] for end in ends} == {"captured"}
    assert any("the same file as" in (end["reason"] or "") for end in ends)


def test_no_media_lists_files_as_skipped(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 1)
    world.api.post(chat, "", media=video(world, b"film"))
    made = by_account.capture("capture", f"https://t.me/{chat.username}/2", "--no-media")
    assert made.ended[f"post {chat.username}/2 #0"]["outcome"] == "skipped"
    assert not any(name == "GetFile" for name, _ in world.api.asked)
