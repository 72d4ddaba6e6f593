"""Captures and walks by an account, against the miniature: what is kept, what it proves, how troubles end."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from telethon.extensions import BinaryReader
from telethon.tl import types

from archiver.capture.services import shared_slots
from archiver.capture.session import CaptureSession
from archiver.checks import check_home, worst
from archiver.demo import media
from archiver.demo.mtproto import Fault
from archiver.demo.scene import START, channel
from archiver.demo.telegram_model import Repeat
from archiver.demo.witness import CHANNEL, GROUP, PRIVATE, witness_by_api
from archiver.home.home import Home
from spiders.telegram.api.tl import plain
from storage.digest import sha256_hex
from tests.conftest import need
from tests.support.telegram_world import ME, TelegramShell, TelegramWorld, file_of, number, video

DAY = timedelta(days=1)


# -- one post -------------------------------------------------------------------------------------------------------


def test_a_post_is_kept_as_the_layers_own_object(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 3)
    film = b"\0\0\0\x18ftyp" + bytes(300_000)
    small = b"\xff\xd8 preview"
    posted = world.api.post(
        chat, "Видео с площади", media=video(world, film, thumb=small), date=START, edit_date=START + DAY
    )
    made = by_account.capture("capture", f"https://t.me/{chat.username}/4")
    assert (made.code, made.result["outcome"]) == (0, "captured")
    post = made.posts[f"{chat.username}/4"]
    assert (post["text"], post["edited"], post["views"]) == ("Видео с площади", True, posted.views)
    assert post["url"] == f"https://t.me/{chat.username}/4"
    assert (post["parser"], post["layout"], post["role"]) == ("telegram-api/2", "telegram/message", "target")
    (record,) = made.records(f"urn:evc:telegram:message:-100000000{chat.id}:4")
    assert record["id"] == post["record"]
    kept = json.loads(made.block(record["id"]))
    meant = plain(posted.to_dict()).value
    assert {key: value for key, value in kept.items() if key != "_account"} == meant
    assert len(kept["_account"]["commitment"]) == 64
    assert (record["layer"], record["dc"], record["account"], record["telethon"]) == (229, 2, "default", "1.45.0")
    assert (
        abs((datetime.fromisoformat(record["server_time"]) - datetime.fromisoformat(record["date"])).total_seconds())
        < 60
    )
    assert file_of(made, f"post {chat.username}/4 #0") == film
    assert file_of(made, f"post {chat.username}/4 #0 preview") == small
    uri = f"urn:evc:telegram:media:-100000000{chat.id}:4:{posted.media.document.id}"
    (listed,) = [line for line in made.records(uri) if line["uri"] == uri]
    assert listed["payload_digest"] == f"sha256:{sha256_hex(film)}"


def test_the_raw_answer_opens_and_gives_the_same_object(by_account: TelegramShell) -> None:
    """The private record holds the TL bytes as they came; their digest stands at every record made of them."""
    world = by_account.world
    chat = world.channel(number(), 2)
    posted = world.api.post(chat, "текст " * 900)  # long enough to come compressed
    made = by_account.capture("capture", f"https://t.me/{chat.username}/3")
    (record,) = made.records(f"urn:evc:telegram:message:-100000000{chat.id}:3")
    raws = {
        item["name"]: base64.b64decode(item["value_base64"])
        for item in made.private()
        if item["name"].startswith("tl ")
    }
    raw = raws[f"tl {record['tl_sha256']}"]
    assert sha256_hex(raw) == record["tl_sha256"]
    with BinaryReader(raw) as reader:
        answer = reader.tgread_object()
    (found,) = [message for message in answer.messages if message.id == 3]
    assert bytes(found) == bytes(posted)
    kept = json.loads(made.block(record["id"]))
    assert plain(found.to_dict()).value == {key: value for key, value in kept.items() if key != "_account"}
    account = next(i for i in made.private() if i["commitment"] == kept["_account"]["commitment"])
    assert (
        sha256_hex(bytes.fromhex(account["salt"]), base64.b64decode(account["value_base64"])) == account["commitment"]
    )
    assert all(line.get("tl_sha256") for line in made.records("urn:evc:telegram:") if ":media:" not in line["uri"])


def test_an_album_is_one_post_of_several_files(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 2)
    bodies = [bytes([n]) * 1000 for n in range(4)]
    for body in bodies:
        text = "Четыре" if body == bodies[1] else ""
        world.api.post(chat, text, media=video(world, body), grouped_id=13_000_000_000_000_001, date=START)
    world.api.post(chat, "после")
    for link in (f"https://t.me/{chat.username}/3", f"https://t.me/{chat.username}/5"):
        made = by_account.capture("capture", link)
        (post,) = made.posts.values()
        assert post["id"] == f"{chat.username}/3"
        assert post["album_ids"] == ["3", "4", "5", "6"]
        assert post["text"] == "Четыре"
        assert [file_of(made, f"post {post['id']} #{n}") for n in range(4)] == bodies
        assert len(post["records"]) == 4
    made = by_account.capture("capture", f"https://t.me/{chat.username}/5?single")
    (post,) = made.posts.values()
    assert [item["post_id"] for item in post["attachments"]] == ["5"]


def test_a_post_that_is_not_there_has_a_control_beside_it(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 9)
    world.api.delete(chat, [4])
    made = by_account.capture("capture", f"https://t.me/{chat.username}/4")
    assert (made.code, made.result["outcome"]) == (3, "unavailable")
    end = made.ended[f"post {chat.username}/4"]
    assert "in the same answer gives message 9" in end["reason"]
    assert end["absence"]["state"] == "unavailable"
    assert json.loads(made.block(end["record"]))["_"] == "MessageEmpty"
    (control,) = made.records(f"urn:evc:telegram:message:-100000000{chat.id}:9")[-1:]
    assert (
        control["tl_sha256"] == next(line for line in made.lines("records") if line["id"] == end["record"])["tl_sha256"]
    )


def test_comments_and_single_comments(by_account: TelegramShell) -> None:
    world = by_account.world
    group = world.channel(number(), 0, broadcast=False)
    chat = world.channel(number(), 4)
    world.api.person(901, "Айгүл", username="aigul_kz")
    root = world.api.post(group, "Хабар № 2", from_id=types.PeerChannel(chat.id))
    for n in range(250):
        answer = types.MessageReplyHeader(reply_to_msg_id=root.id, reply_to_top_id=root.id)
        world.api.post(group, f"комментарий {n}", from_id=types.PeerUser(901), reply_to=answer)
    chat.threads[2] = (group.id, root.id)
    chat.messages[2].replies = types.MessageReplies(250, 1, comments=True, channel_id=group.id)
    made = by_account.capture("capture", f"https://t.me/{chat.username}/2", "--comments")
    assert made.code == 0, made.result
    comments = [post for post in made.posts.values() if post.get("kind") == "comment"]
    assert len(comments) == 250
    assert {post["author_handle"] for post in comments} == {"aigul_kz"}
    assert comments[0]["id"].startswith(f"{chat.username}/2?comment=")
    assert comments[0]["reply_to"].startswith(f"{chat.username}/2")
    made = by_account.capture("capture", f"https://t.me/{chat.username}/2?comment=17")
    (post,) = made.posts.values()
    assert (post["id"], post["text"]) == (f"{chat.username}/2?comment=17", "комментарий 15")
    made = by_account.capture("capture", f"https://t.me/{chat.username}/2?comment=99999")
    assert (made.code, made.result["outcome"]) == (3, "unavailable")


LINKS = [
    ("https://t.me/c/{id}/2", 0), ("tg://privatepost?channel={id}&post=2", 0), ("https://t.me/c/{id}/1/2?thread=1", 0),
    ("https://t.me/c/999999/2", 3), ("tg://openmessage?chat_id=-100000000{id}&message_id=2", 0),
]  # fmt: skip


@pytest.mark.parametrize(("link", "code"), LINKS)
def test_private_links(by_account: TelegramShell, link: str, code: int) -> None:
    world = by_account.world
    chat = world.api.chat(number(), "Закрытый", invite=f"Invite{number()}", members={ME}, noforwards=True)
    world.api.post(chat, "раз")
    world.api.post(chat, "два")
    made = by_account.capture("capture", link.format(id=chat.id))
    assert made.code == code, made.result
    if code == 0:
        (post,) = made.posts.values()
        assert (post["id"], post["text"]) == (f"c/{chat.id}/2", "два")


def test_basic_groups_by_number(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.api.chat(number(), "Аула", basic=True, broadcast=False, members={ME})
    world.api.person(902, "Ержан")
    for text in ("раз", "два", "три"):
        world.api.post(chat, text, from_id=types.PeerUser(902))
    made = by_account.capture("crawl", "--", f"-{chat.id}")
    assert made.code == 0, made.result
    assert {post["author_name"] for post in made.posts.values()} == {"Ержан"}
    assert set(made.posts) == {f"g/{chat.id}/{n}" for n in (1, 2, 3)}
    assert {post["url"] for post in made.posts.values()} == {None}


# -- walks ----------------------------------------------------------------------------------------------------------


def test_a_channel_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str], home: Home) -> None:
    """The demo's channel: everything that the public pages show and what they leave out; both orders bring the same."""
    shown, _ = channel(tmp_path / "media")
    api = witness_by_api(shown, tmp_path / "media")
    try:
        world = TelegramWorld(api)
        world.logged_in(home)
        run = TelegramShell(home, world, capsys)
        made = run.capture("crawl", "https://t.me/ozen_today", "--comments")
        assert made.code == 0, made.result
        found = {line["id"] for line in made.posts.values() if line.get("kind") != "comment"}
        expected = {f"ozen_today/{n}" for n in api.chats[CHANNEL].messages if n not in (17, 18, 19)}
        assert found == expected
        assert made.ended["ids 14"]["outcome"] == "unavailable"
        assert json.loads(made.block(made.ended["ids 14"]["record"]))["method"] == "channels.GetMessages"
        assert made.ended["pinned messages"]["messages"] == [12]
        assert made.ended["chat ozen_today"]["facts"]["linked_chat_id"] == GROUP
        assert made.ended["chat ozen_talk"]["kind"] == "linked"
        forwarded = made.posts["ozen_today/49"]
        assert forwarded["forwarded_from"] == f"c/{PRIVATE}/1"
        assert forwarded["reactions"] == [{"kind": "emoji", "emoji": "🙏", "count": 17}]
        assert forwarded["entities"] == [{"kind": "bold", "offset": 0, "length": 10}]
        poll = made.posts["ozen_today/47"]["attachments"][0]
        assert [option["voters"] for option in poll["options"]] == [31, 12]
        assert "chosen" not in json.dumps(json.loads(made.block(made.posts["ozen_today/47"]["record"])))
        assert made.posts["ozen_today/48"]["attachments"][0]["latitude"] == "43.3412"
        backwards = run.capture("crawl", "https://t.me/ozen_today", "--comments", "--restart", "--oldest-first")
        assert backwards.code == 0
        assert backwards.posts.keys() == made.posts.keys()
        first = [line["id"] for line in backwards.lines("posts") if line.get("kind") != "comment"]
        assert first[:2] == ["ozen_today/1", "ozen_today/2"]
        ranged = run.capture(
            "crawl", "https://t.me/ozen_today", "--since", "2022-01-05T10:00", "--until", "2022-01-05T11:00"
        )
        inside = {
            key for key, post in made.posts.items() if "2022-01-05T10:00" <= str(post["published_at"]) < "2022-01-05T11"
        }
        wanted = {line["id"] for line in ranged.lines("posts") if line["role"] == "target"}
        assert wanted == {key for key in inside if "comment" not in key}
        assert worst(check_home(home.path)) == 0
    finally:
        api.stop()


@pytest.mark.parametrize("order", ["", "--oldest-first"])
def test_long_histories_with_holes_and_albums_at_the_seams(by_account: TelegramShell, order: str) -> None:
    world = by_account.world
    chat = world.channel(number())
    for n in range(1, 351):
        grouped = 14_000_000_000_000_000 + n // 5
        world.api.post(chat, f"№ {n}", id_=n, push=False, media=types.MessageMediaEmpty(), grouped_id=grouped)
    gone = [1, 2, 50, 51, 52, 151, 200, 349]
    world.api.delete(chat, gone, announced=False)
    made = by_account.capture("crawl", f"https://t.me/{chat.username}", *([order] if order else []))
    assert made.code == 0, made.result
    members = [int(n) for post in made.posts.values() for n in (post["album_ids"] or [post["id"].rpartition("/")[2]])]
    assert sorted(members) == [n for n in range(1, 351) if n not in gone]
    albums = [post["grouped_id"] for post in made.posts.values()]
    assert len(albums) == len(set(albums))  # none is torn at the end of a page
    holes = [line for line in made.ended.values() if line["kind"] == "hole"]
    explained = [n for line in made.lines("inventory") if line.get("state") and line["kind"] == "hole"
                 for n in range(line["first"], line["last"] + 1)]  # fmt: skip
    assert sorted(explained) == gone
    assert {line["outcome"] for line in holes} == {"unavailable"}


def test_a_walk_in_parts_goes_on(by_account: TelegramShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CaptureSession, "full", lambda session: session.context.writer.counts["post"] >= 150)
    world = by_account.world
    chat = world.channel(number(), 420)
    code, out, _ = by_account("--json", "crawl", f"https://t.me/{chat.username}")
    results = [json.loads(line) for line in out.splitlines() if '"capture"' in line]
    assert code == 0
    assert [result["part"] for result in results] == [1, 2, 3]
    assert sum(result["posts"] for result in results) == 420


def test_topics_and_threads(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 0, broadcast=False, forum=True)
    world.api.person(903, "M")
    first = world.api.service(chat, types.MessageActionTopicCreate("Алаң", 0x6FB9F0))
    chat.topics[first.id] = "Алаң"
    for n in range(120):
        header = types.MessageReplyHeader(reply_to_msg_id=first.id, forum_topic=True)
        world.api.post(chat, f"в теме {n}", from_id=types.PeerUser(903), reply_to=header)
    world.api.post(chat, "вне темы", from_id=types.PeerUser(903))
    made = by_account.capture("crawl", f"https://t.me/{chat.username}")
    assert made.code == 0
    assert "topics" not in made.ended, made.ended["topics"]
    assert made.ended[f"topic {chat.username}/{first.id}"]["reason"] == "Алаң"
    assert len(made.posts) == 122
    topic = by_account.capture("crawl", f"https://t.me/{chat.username}/{first.id}")
    assert topic.code == 0
    assert len(topic.posts) == 121
    assert not any(post["text"] == "вне темы" for post in topic.posts.values())


def test_stories_where_they_are_visible(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 2)
    picture = b"\xff\xd8 story"
    chat.stories = [
        types.StoryItem(3, START, START + DAY, types.MessageMediaPhoto(photo=world.api.photo(picture)), caption="Площадь сейчас")
    ]  # fmt: skip
    made = by_account.capture("crawl", f"https://t.me/{chat.username}")
    story = made.posts[f"{chat.username}/s/3"]
    assert (story["text"], story["kind"]) == ("Площадь сейчас", "story")
    assert file_of(made, f"post {chat.username}/s/3 #0") == picture
    alone = by_account.capture("capture", f"https://t.me/{chat.username}/s/3")
    assert alone.code == 0, alone.result
    assert alone.posts.keys() == {f"{chat.username}/s/3"}
    gone = by_account.capture("capture", f"https://t.me/{chat.username}/s/4")
    assert (gone.code, gone.result["outcome"]) == (3, "unavailable")


def test_stories_that_a_list_only_names_and_stories_that_are_gone(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 2)
    chat.stories = [
        types.StoryItem(3, START, START + DAY, types.MessageMediaPhoto(photo=world.api.photo(b"\xff\xd8 one")), caption="полностью"),
        types.StoryItem(4, START, START + DAY, types.MessageMediaPhoto(photo=world.api.photo(b"\xff\xd8 two")), caption="по номеру", edited=True,
                        from_id=types.PeerUser(901)),
        types.StoryItemDeleted(5),
    ]  # fmt: skip
    chat.only_named = {4}
    made = by_account.capture("crawl", f"https://t.me/{chat.username}")
    place = f"{chat.username}/s"
    assert {post_id for post_id, post in made.posts.items() if post.get("kind") == "story"} == {
        f"{place}/3",
        f"{place}/4",
    }
    assert (made.posts[f"{place}/4"]["text"], made.posts[f"{place}/4"]["edited"]) == ("по номеру", True)
    assert made.posts[f"{place}/3"]["edited"] is False
    assert (made.posts[f"{place}/3"]["author_id"], made.posts[f"{place}/4"]["author_id"]) == (
        str(-(10**12) - chat.id),
        "901",
    )
    gone = made.ended[f"post {place}/5"]
    assert (gone["outcome"], gone["absence"]["said"]) == ("unavailable", "storyItemDeleted")
    assert json.loads(made.block(gone["record"]))["_"] == "StoryItemDeleted"
    assert (made.code, made.result["outcome"]) == (0, "captured"), "a story that Telegram has removed is not missing"
    alone = by_account.capture("capture", f"https://t.me/{place}/5")
    assert (alone.code, alone.result["outcome"]) == (3, "unavailable")
    assert "StoryItemDeleted" in alone.result["reason"]


def test_what_is_not_in_a_message_is_not_called_kept(by_account: TelegramShell) -> None:
    """A story that has expired, beside an album whose second photo has a caption of its own."""
    world = by_account.world
    chat = world.channel(number(), 1)
    world.api.post(chat, "", media=types.MessageMediaStory(types.PeerChannel(6), 7, story=types.StoryItemDeleted(7)))
    for caption in ("двор", "крыша школы"):
        picture = types.MessageMediaPhoto(photo=world.api.photo(caption.encode()))
        world.api.post(chat, caption, media=picture, grouped_id=77)
    made = by_account.capture("crawl", f"https://t.me/{chat.username}")
    assert (made.code, made.result["outcome"]) == (2, "partial")
    part = made.ended[f"post {chat.username}/2 #0"]
    assert (part["outcome"], "StoryItemDeleted" in part["reason"]) == ("refused", True)
    assert made.ended[f"post {chat.username}/2"]["outcome"] == "partial"
    album = made.posts[f"{chat.username}/3"]
    assert (album["text"], album["outcome"]) == ("двор\n\nкрыша школы", "captured")
    assert [item["id"] for item in album["captions"]] == ["3", "4"]


# -- troubles -------------------------------------------------------------------------------------------------------

TROUBLES = [
    ("ResolveUsername", Fault(400, "USERNAME_NOT_OCCUPIED"), "unavailable", 3, "USERNAME_NOT_OCCUPIED"),
    ("GetMessages", Fault(400, "CHANNEL_PRIVATE"), "refused", 3, "CHANNEL_PRIVATE"),
    ("GetMessages", Fault(420, "FLOOD_WAIT_86400"), "blocked", 4, "86400 s"),
    ("GetMessages", Fault(401, "SESSION_REVOKED"), "refused", 3, "archiver telegram login"),
    ("GetMessages", Fault(401, "USER_DEACTIVATED_BAN"), "refused", 3, "banned by Telegram"),
    ("GetMessages", Fault(403, "CHAT_ADMIN_REQUIRED"), "refused", 3, "administrators"),
    ("GetMessages", Fault(400, "SOMETHING_NEW"), "failed", 4, "SOMETHING_NEW"),
    ("GetFile", Fault(400, "LOCATION_INVALID"), "partial", 2, "no such file"),
    ("GetFile", Fault(420, "FLOOD_WAIT_7200"), "partial", 2, "7200 s"),
]


@pytest.mark.parametrize(("method", "fault", "outcome", "code", "words"), TROUBLES)
def test_each_trouble_is_an_outcome_with_a_reason(
    by_account: TelegramShell, method: str, fault: Fault, outcome: str, code: int, words: str
) -> None:
    world = by_account.world
    chat = world.channel(number(), 2)
    world.api.post(chat, "видео", media=video(world, b"film" * 100))
    world.api.trouble.append((method, fault, 10))
    made = by_account.capture("capture", f"https://t.me/{chat.username}/3")
    assert (made.code, made.result["outcome"]) == (code, outcome)
    assert words in str(made.result["reason"])
    if method != "GetFile":
        end = made.ended["target"]
        assert json.loads(made.block(end["record"]))["error"] == fault.message
    else:
        assert made.posts[f"{chat.username}/3"]["text"] == "видео"
    world.api.trouble.clear()
    by_account.pauses_end()
    assert by_account.capture("capture", f"https://t.me/{chat.username}/3").code == 0


def test_a_short_flood_wait_is_waited_for(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 2)
    world.api.trouble.append(("GetMessages", Fault(420, "FLOOD_WAIT_1"), 1))
    assert by_account.capture("capture", f"https://t.me/{chat.username}/2").code == 0
    assert sum(name == "GetMessages" for name, _ in world.api.asked) == 2


def test_a_pause_holds_for_all_that_ask_by_the_account(by_account: TelegramShell) -> None:
    """What Telegram told one capture, the next one keeps to: of that method, and of no other."""
    world = by_account.world
    chat = world.channel(number(), 3)
    world.api.trouble.append(("GetMessages", Fault(420, "FLOOD_WAIT_7000"), 1))
    assert by_account.capture("capture", f"https://t.me/{chat.username}/2").result["outcome"] == "blocked"
    before = sum(name == "GetMessages" for name, _ in world.api.asked)
    second = by_account.capture("capture", f"https://t.me/{chat.username}/3")
    assert (second.code, second.result["outcome"]) == (4, "blocked")
    assert re.search(r"a pause, (6\d{3}|7000) s of which are left; nothing was asked", str(second.result["reason"]))
    assert "record" not in second.ended["target"], "no answer is there to show"
    assert sum(name == "GetMessages" for name, _ in world.api.asked) == before
    assert by_account.capture("crawl", f"https://t.me/{chat.username}").code == 0
    (host,) = (one["host"] for one in shared_slots(by_account.home).standing())
    assert re.fullmatch(r"telegram account [0-9a-f]{12} channels\.GetMessages", host), "and not whose"
    by_account.pauses_end()
    assert by_account.capture("capture", f"https://t.me/{chat.username}/3").code == 0


def test_a_trouble_in_the_middle_of_a_walk_keeps_what_came(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 250)
    asked = 0

    def later(request: Any) -> float:
        nonlocal asked
        if type(request).__name__ == "GetHistoryRequest":
            asked += 1
            if asked == 2:
                world.api.trouble.append(("GetHistory", Fault(420, "FLOOD_WAIT_9999"), 1))
        return 0.0

    with world.before_each(later):
        made = by_account.capture("crawl", f"https://t.me/{chat.username}")
    assert (made.code, made.result["outcome"]) == (2, "partial")
    assert "9999 s" in str(made.result["reason"])
    assert len(made.posts) == 100
    by_account.pauses_end()
    again = by_account.capture("crawl", f"https://t.me/{chat.username}")  # goes on where it stands
    assert again.code == 0
    assert len(again.posts) == 150
    assert not again.posts.keys() & made.posts.keys()


def test_a_broken_walk_is_gone_on_with_only_in_its_own_way(by_account: TelegramShell) -> None:
    """Newest first and oldest first, by the account and by the public pages: a cursor of the one is nothing to the other."""
    world = by_account.world
    chat = world.channel(number(), 250)
    link = f"https://t.me/{chat.username}"

    def break_off(request: Any) -> float:
        if type(request).__name__ == "GetHistoryRequest" and request.offset_id:
            raise Fault(420, "FLOOD_WAIT_9999")
        return 0.0

    with world.before_each(break_off):
        first = by_account.capture("crawl", link)
    assert first.code == 2
    assert len(first.posts) == 100
    by_account.pauses_end()
    other = by_account.capture("crawl", link, "--oldest-first")
    assert len(other.posts) == 250
    assert by_account.capture("crawl", link).posts.keys() == other.posts.keys() - first.posts.keys()


def test_a_person_is_no_channel(by_account: TelegramShell) -> None:
    by_account.world.api.person(905, "Куәгер", username="witness_kz")
    made = by_account.capture("crawl", "https://t.me/witness_kz")
    assert (made.code, made.result["outcome"]) == (3, "refused")
    assert "a person or bot" in str(made.result["reason"])
    assert not any(name == "GetHistory" for name, _ in by_account.world.api.asked)


def test_one_trouble_does_not_stop_other_work(by_account: TelegramShell) -> None:
    world = by_account.world
    good, bad = world.channel(number(), 2), world.channel(number(), 2)
    bad.fault = Fault(400, "CHANNEL_PRIVATE")
    code, lines = _json(by_account, f"https://t.me/{bad.username}/1", f"https://t.me/{good.username}/1")
    assert code == 3
    assert sorted(line["outcome"] for line in lines if "folder" in line) == ["captured", "refused"]


def _json(run: TelegramShell, *links: str) -> tuple[int, list[dict[str, Any]]]:
    code, out, _ = run("--json", "capture", *links)
    return code, [json.loads(line) for line in out.splitlines()]


def test_content_restricted_by_country_is_said(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 5)
    chat.restricted = "This channel can't be displayed because it violated local laws (Kazakhstan)."
    made = by_account.capture("crawl", f"https://t.me/{chat.username}")
    assert (made.code, made.result["outcome"]) == (3, "refused")
    assert "local laws" in str(made.result["reason"])
    assert made.ended["target"]["absence"]["state"] == "geo-blocked or withheld"


def test_an_answer_that_never_comes(by_account: TelegramShell, monkeypatch: pytest.MonkeyPatch) -> None:
    from spiders.telegram.api import account_api

    monkeypatch.setattr(account_api, "ANSWER_SECONDS", 0.5)
    world = by_account.world
    chat = world.channel(number(), 2)
    with world.before_each(lambda request: 30.0 if type(request).__name__ == "GetMessagesRequest" else 0.0):
        made = by_account.capture("capture", f"https://t.me/{chat.username}/1")
    assert (made.code, made.result["outcome"]) == (4, "failed")


def test_a_kind_that_nobody_knows_is_kept_raw_and_partial(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 1)
    world.api.post(chat, "", media=types.MessageMediaUnsupported())
    world.api.service(chat, types.MessageActionGiftStars("USD", 5, 100))
    made = by_account.capture("crawl", f"https://t.me/{chat.username}")
    assert (made.code, made.result["outcome"]) == (2, "partial")
    gift = made.posts[f"{chat.username}/3"]
    assert gift["outcome"] == "partial"
    assert json.loads(made.block(gift["record"]))["action"]["stars"] == 100


# -- what others read -----------------------------------------------------------------------------------------------


def test_the_warc_alone_gives_the_posts_back(by_account: TelegramShell, capsys: pytest.CaptureFixture[str]) -> None:
    world = by_account.world
    chat = world.channel(number(), 30)
    made = by_account.capture("crawl", f"https://t.me/{chat.username}")
    (path,) = sorted(made.folder.glob("*.warc.gz"))
    code, out, _ = by_account("--json", "parse", str(path))
    read = {line["id"]: line for line in map(json.loads, out.splitlines())}
    assert code == 0
    assert read.keys() == made.posts.keys()
    for key, post in made.posts.items():
        assert {name: value for name, value in post.items() if name in read[key]} == read[key]


@pytest.mark.soak("telegram")
def test_a_gigabyte(by_account: TelegramShell) -> None:
    world = by_account.world
    chat = world.channel(number(), 1)
    body = Repeat(1 << 30)
    world.api.post(chat, "", media=video(world, body))
    made = by_account.capture("capture", f"https://t.me/{chat.username}/2")
    assert made.code == 0
    assert sum(line["payload_size"] for line in made.records("urn:evc:telegram:media:")) == 1 << 30


def test_media_that_ffprobe_reads(by_account: TelegramShell, tmp_path: Path) -> None:
    need("ffprobe")
    world = by_account.world
    chat = world.channel(number(), 1)
    film, real = media.video(tmp_path, 2, 500)
    assert real
    world.api.post(chat, "", media=video(world, film))
    made = by_account.capture("capture", f"https://t.me/{chat.username}/2")
    probe = json.loads(made.block(made.ended[f"post {chat.username}/2 #0"]["probe"]))
    assert probe["about"] == made.ended[f"post {chat.username}/2 #0"]["record"]
