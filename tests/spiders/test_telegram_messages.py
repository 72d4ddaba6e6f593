"""Telegram's own objects: the recordings, every class of the layer, and whatever else may come."""

from __future__ import annotations

import inspect
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.tl import types
from telethon.tl.alltlobjects import LAYER as TELETHON_LAYER

from archiver.intake.read_posts import read_file
from spiders.posts import Outcome
from spiders.telegram.api.actions import ACTIONS
from spiders.telegram.api.attachments import MEDIA
from spiders.telegram.api.messages import (
    LAYER,
    NEWER,
    Setting,
    is_messages,
    parse,
    parse_objects,
    read_messages,
)
from spiders.telegram.api.peers import marked, peers_in
from spiders.telegram.api.tl import ACCOUNT, OWN, PERSONAL, SAFE, TOKENS, files_in, plain

pytestmark = pytest.mark.thorough("parsers")

DUMPS = [
    ("ch1774946085_2022-05_it_ukraine_news", 17, 10),
    ("ch1344086554_2019-09_old_layer_polls", 29, 29),
    ("ch1514056944_2024-05_uz", 41, 41),
    ("ch1159659895_2021-12_ru_fwd", 428, 428),
]


# -- the recordings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "messages", "posts"), DUMPS)
def test_every_recorded_message_is_read(recordings: Path, name: str, messages: int, posts: int) -> None:
    data = (recordings / "telegram" / "telethon" / f"{name}.json").read_bytes()
    parsed = parse(data)
    (census,) = parsed.census
    assert (census.raw, census.parsed) == (messages, messages)
    assert len(parsed.posts) == posts
    for post in parsed.posts:
        assert post.outcome is Outcome.CAPTURED, (post.id, post.reason)
    by_id = {message["id"]: message for message in json.loads(data)}
    for post in parsed.posts:
        message = by_id[int((post.id or "").rpartition("/")[2])]
        held_against(post, message, by_id)


def held_against(post: Any, message: dict[str, Any], by_id: dict[int, dict[str, Any]]) -> None:
    """Facts of a post against the recorded object, read here without the parser."""
    members = [by_id[int(number)] for number in post.album_ids] or [message]
    if message["_"] == "Message":
        texts = [member["message"] for member in members if member["message"]]
        assert post.text == (texts[0] if texts else None)
        assert post.views == message.get("views")
        assert post.reposts == message.get("forwards")
    assert post.published.value == datetime.fromisoformat(message["date"])
    assert post.edited == any(member.get("edit_date") and not member.get("edit_hide") for member in members)
    reply = (message.get("reply_to") or {}).get("reply_to_msg_id") or message.get("reply_to_msg_id")
    assert (post.reply_to or "").rpartition("/")[2] == (str(reply) if reply else "")
    assert bool(post.forwarded_from) == bool(message.get("fwd_from"))
    ids = {str(file["id"]) for member in members for _, file in files_in(member)}
    assert {item.extra["file_id"] for item in post.attachments if "file_id" in item.extra} == ids


def test_the_expected_facts(recordings: Path) -> None:
    folder = recordings / "telegram" / "telethon"
    name = "ch1774946085_2022-05_it_ukraine_news.json"
    expected = json.loads((folder / f"{name}.expected.json").read_bytes())
    posts = {post.id: post for post in parse((folder / name).read_bytes()).posts}
    channel = expected["page"]["channel_id"]
    by_member = {member: post for post in posts.values() for member in post.album_ids}
    for grouped, members in expected["page"]["albums"].items():
        post = by_member[str(members[0])]
        assert post.album_ids == tuple(str(member) for member in members)
        assert post.extra["grouped_id"] == grouped
    for item in expected["items"]:
        post = posts[f"c/{channel}/{item['id']}"]
        assert post.published is not None
        assert post.published.text() == item["timestamp_utc"]
        assert (post.text or "").startswith(item["text_prefix"])
        assert (post.views, post.reposts, post.edited) == (item["views"], item["forwards"], item["edited"])
        assert post.extra["edited_at"]["value"] == item["edit_date"]
        assert post.extra.get("edit_hidden", False) == item["edit_hide"]
        answers = item["reply_to"]["id"] if item["reply_to"] else None
        assert post.reply_to == (f"c/{channel}/{answers}" if answers else None)
        assert post.url is item["permalink"] is post.author_handle is post.forwarded_from is post.likes is None
        for said, found in zip(item["media"], post.attachments, strict=True):
            assert found.kind == said["type"]
            if said["type"] == "photo":
                assert found.extra["file_id"] == str(said["telegram_photo_id"])
            else:
                assert (found.duration, found.width, found.height) == (
                    said["duration_s"],
                    said["width"],
                    said["height"],
                )
                assert (found.size, found.file_name) == (said["size_bytes"], said["file_name"])


def test_the_command_reads_a_dump(recordings: Path) -> None:
    (reading,) = read_file(recordings / "telegram" / "telethon" / f"{DUMPS[0][0]}.json")
    assert reading.parsed.layout == "telegram/message"
    assert len(reading.parsed.posts) == 10


# -- the layer ------------------------------------------------------------------------------------------------------


def classes(like: Any) -> dict[str, Any]:
    return {
        name: cls for name, cls in vars(types).items()
        if inspect.isclass(cls) and getattr(cls, "SUBCLASS_OF_ID", None) == like.SUBCLASS_OF_ID
    }  # fmt: skip


UNMAPPED_MEDIA = {"MessageMediaUnsupported"}
UNMAPPED_ACTIONS = {
    "MessageActionBotAllowed", "MessageActionChangeCommunity", "MessageActionChatJoinedViaCommunity",
    "MessageActionConferenceCall", "MessageActionGiftCode", "MessageActionGiftPremium", "MessageActionGiftStars",
    "MessageActionGiftTon", "MessageActionManagedBotCreated", "MessageActionNewCreatorPending",
    "MessageActionNoForwardsRequest", "MessageActionPaidMessagesPrice", "MessageActionPaidMessagesRefunded",
    "MessageActionPaymentRefunded", "MessageActionPaymentSent", "MessageActionPaymentSentMe", "MessageActionPrizeStars",
    "MessageActionRequestedPeer", "MessageActionRequestedPeerSentMe", "MessageActionSecureValuesSent",
    "MessageActionSecureValuesSentMe", "MessageActionStarGift", "MessageActionStarGiftPurchaseOffer",
    "MessageActionStarGiftPurchaseOfferDeclined", "MessageActionStarGiftUnique", "MessageActionSuggestBirthday",
    "MessageActionSuggestProfilePhoto", "MessageActionSuggestedPostApproval", "MessageActionSuggestedPostRefund",
    "MessageActionSuggestedPostSuccess", "MessageActionWebViewDataSent", "MessageActionWebViewDataSentMe",
}  # fmt: skip


def test_the_mappings_follow_the_layer_of_the_library() -> None:
    assert LAYER == TELETHON_LAYER


def test_every_medium_of_the_layer_is_mapped_or_kept_raw_with_a_reason() -> None:
    known = set(classes(types.MessageMediaPhoto))
    assert set(MEDIA) == known - UNMAPPED_MEDIA
    for name in known:
        (post,) = read_messages([{"_": "Message", "id": 1, "media": {"_": name}}])
        missing = [item.reason for item in post.attachments if item.reason]
        assert (post.outcome is Outcome.PARTIAL) == bool(missing), name
        if name in UNMAPPED_MEDIA:
            assert [item.kind for item in post.attachments] == ["unknown"]
            assert name in (post.reason or "") or post.reason == NEWER


def test_every_action_of_the_layer_is_mapped_or_kept_raw_with_a_reason() -> None:
    known = set(classes(types.MessageActionPinMessage))
    assert set(ACTIONS) == known - UNMAPPED_ACTIONS
    for name in known:
        (post,) = read_messages([{"_": "MessageService", "id": 1, "action": {"_": name, "title": "t", "users": [1]}}])
        if name in UNMAPPED_ACTIONS:
            assert post.outcome is Outcome.PARTIAL
            assert name in (post.reason or "")
        else:
            assert post.outcome is Outcome.CAPTURED
            assert post.extra["kind"] == "service"
            assert post.extra["action"]


def test_every_message_class_is_read() -> None:
    for name in classes(types.Message):
        (post,) = read_messages([{"_": name, "id": 7, "peer_id": {"_": "PeerChannel", "channel_id": 5}}])
        assert post.id == "c/5/7"
        assert (post.outcome is Outcome.UNAVAILABLE) == (name == "MessageEmpty")


FIELDS = {
    "Message": 51,
    "MessageService": 51,
    "User": 51,
    "Channel": 50,
    "Chat": 15,
    "ChannelFull": 68,
    "ChatFull": 21,
    "ReactionCount": 3,
    "MessagePeerReaction": 6,
    "MessageReactor": 5,
    "PollAnswerVoters": 5,
    "PollResults": 9,
    "Poll": 17,
    "MessageReplies": 7,
    "ForumTopic": 22,
    "StoryItem": 23,
    "PeerStories": 3,
}
"""How many fields the layer gives each class that `OWN` names."""


def test_fields_that_are_withheld_exist_in_the_layer() -> None:
    """A field that the next layer renames would travel in the open: this fails first."""
    for name, fields in OWN.items():
        assert fields <= set(inspect.signature(getattr(types, name).__init__).parameters), name
    counted = {name: len(inspect.signature(getattr(types, name).__init__).parameters) - 1 for name in OWN}
    assert counted == FIELDS, "a class has other fields than before: decide for each whether it tells of the account"
    every = {
        field
        for cls in vars(types).values()
        if inspect.isclass(cls)
        for field in inspect.signature(cls.__init__).parameters
    }
    assert every >= TOKENS | PERSONAL


# -- what is kept ----------------------------------------------------------------------------------------------------


def message(**fields: Any) -> dict[str, Any]:
    made = types.Message(12, types.PeerChannel(5), datetime(2022, 1, 5, 12, tzinfo=UTC), "текст", **fields)
    value: dict[str, Any] = made.to_dict()
    return value


def test_what_is_bound_to_the_account_is_handed_back_apart() -> None:
    document = types.Document(
        2**60 + 1, 2**62 + 5, b"reference", datetime(2022, 1, 5, tzinfo=UTC), "video/mp4", 9, 2,
        [types.DocumentAttributeVideo(37.25, 480, 256)],
    )  # fmt: skip
    found = plain(
        message(
            out=True, mentioned=True, media=types.MessageMediaDocument(document=document),
            reactions=types.MessageReactions([types.ReactionCount(types.ReactionEmoji("🙏"), 3, chosen_order=0)]),
        )
    )  # fmt: skip
    text = json.dumps(found.value)
    assert str(2**62 + 5) not in text
    assert "reference" not in text
    assert not {"out", "mentioned", ACCOUNT} & found.value.keys()
    assert found.account == {
        "/media/document/access_hash": str(2**62 + 5), "/media/document/file_reference": "cmVmZXJlbmNl",
        "/mentioned": True, "/out": True, "/reactions/results/0/chosen_order": 0,
        "/media_unread": None, "/saved_peer_id": None, "/quick_reply_shortcut_id": None,
    }  # fmt: skip
    assert found.value["media"]["document"]["id"] == str(2**60 + 1)
    assert SAFE < 2**60 + 1
    assert found.value["media"]["document"]["attributes"][0]["duration"] == "37.25"
    assert found.files[2**60 + 1].reference == b"reference"
    assert "reference" not in repr(found.files)


def test_phones_are_marked_for_a_commitment_of_their_own() -> None:
    found = plain(message(media=types.MessageMediaContact("+77010000000", "Айгүл", "", "BEGIN:VCARD", 5)))
    assert [(key, text) for _, key, text in found.personal] == [
        ("phone_number", "+77010000000"),
        ("vcard", "BEGIN:VCARD"),
    ]
    (post,) = read_messages([found.value])
    assert post.attachments[0].kind == "contact"
    assert "7701" not in json.dumps(post.line())


def test_a_file_anywhere_in_a_message_is_an_attachment() -> None:
    photo = {"_": "Photo", "id": 1, "sizes": [{"_": "PhotoSize", "type": "x", "w": 8, "h": 8, "size": 4}]}
    hidden = [
        {"media": {"_": "MessageMediaWebPage", "webpage": {"_": "WebPage", "url": "https://x.org", "photo": photo}}},
        {
            "media": {
                "_": "MessageMediaPoll",
                "poll": {"answers": [{"media": {"_": "MessageMediaPhoto", "photo": photo}}]},
            }
        },
        {"rich_message": {"_": "RichMessage", "photos": [photo]}},
        {"media": {"_": "MessageMediaUnheardOf", "deep": [{"er": photo}]}},
    ]
    for fields in hidden:
        (post,) = read_messages([{"_": "Message", "id": 3, **fields}])
        assert [item.extra["file_id"] for item in post.attachments if "file_id" in item.extra] == ["1"], fields


def test_the_kept_objects_read_as_the_messages_did() -> None:
    """Whoever has only the WARC comes to the same post: order of keys and spelling make no difference."""
    found = plain(message(views=5, media=types.MessageMediaGeo(types.GeoPoint(52.8619, 43.3412, 9, 5)))).value
    again = json.loads(json.dumps(found, sort_keys=True))
    channel = {"_": "Channel", "id": 5, "username": "ozen_today", "title": "Озен"}
    one, two = parse_objects([found, channel], linked=True), parse_objects([again, channel], linked=True)
    assert one == two
    (post,) = one.posts
    assert (post.url, post.author_name) == ("https://t.me/ozen_today/12", None)
    assert post.attachments[0].extra == {"latitude": "43.3412", "longitude": "52.8619", "accuracy_m": 5}


# -- whatever may come -----------------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["_", "id", "message", "media", "photo", "document", "sizes", "attributes", "peer_id", "channel_id", "from_id", "action",
     "fwd_from", "reply_to", "entities", "reactions", "results", "grouped_id", "date", "edit_date", "poll", "answers", "geo",
     "title", "story", "caption", "media_areas", "webpage", "cached_page", "blocks", "text", "texts", "published_date", "rich_message"]
)  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.floats(),
    st.sampled_from(["Message", "MessageService", *MEDIA, *ACTIONS, "Photo", "Document", "PeerChannel", "StoryItem", "StoryItemDeleted",
                     "PageBlockParagraph", "PageBlockAuthorDate", "TextPlain", "2022-01-05T12:00:00+00:00"]),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=30,
)


@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=10), max_size=5))
def test_any_object_gives_posts_or_a_reason(items: list[dict[str, Any]]) -> None:
    for item in items:
        item["_"] = "Message"
    parsed = parse(json.dumps(items).encode())
    assert parsed.posts or parsed.reason
    for post in parsed.posts:
        json.dumps(post.line())


@given(st.binary(max_size=200))
def test_any_bytes_give_a_reason(data: bytes) -> None:
    parsed = parse(data)
    assert parsed.posts or parsed.reason


@given(VALUES)
def test_what_is_taken_for_messages_is_total(value: Any) -> None:
    assert is_messages(value) in (True, False)
    assert read_messages([], Setting()) == ()


# -- every kind of message -------------------------------------------------------------------------------------------

WHEN = datetime(2022, 1, 5, tzinfo=UTC)


def file(*attributes: Any, mime: str = "video/mp4") -> Any:
    return types.MessageMediaDocument(document=types.Document(77, 1, b"r", WHEN, mime, 1234, 2, list(attributes)))


KINDS = [
    (file(types.DocumentAttributeVideo(2.5, 320, 180)), "video", {"duration": 2.5, "width": 320, "height": 180, "size": 1234}),
    (file(types.DocumentAttributeVideo(2.0, 240, 240, round_message=True)), "round video", {"duration": 2.0}),
    (file(types.DocumentAttributeAudio(7, voice=True), mime="audio/ogg"), "voice", {"duration": 7.0}),
    (file(types.DocumentAttributeAudio(60, title="Гимн", performer="Хор")), "audio", {"title": "Гимн", "performer": "Хор"}),
    (file(types.DocumentAttributeVideo(1.0, 8, 8), types.DocumentAttributeAnimated()), "gif", {}),
    (file(types.DocumentAttributeSticker("😢", types.InputStickerSetEmpty())), "sticker", {"emoji": "😢"}),
    (file(types.DocumentAttributeFilename("список.pdf"), mime="application/pdf"), "document", {"file_name": "список.pdf"}),
    (types.MessageMediaGeo(types.GeoPoint(52.8, 43.3, 1)), "location", {"latitude": "43.3", "longitude": "52.8"}),
    (types.MessageMediaGeoLive(types.GeoPoint(52.8, 43.3, 1), 900), "location", {"live": True, "period_s": 900}),
    (types.MessageMediaVenue(types.GeoPoint(1.0, 2.0, 1), "Алаң", "Сәтбаев", "f", "v", "t"), "location", {"place": "Алаң"}),
    (types.MessageMediaContact("+7", "Айгүл", "Б.", "", 5), "contact", {"name": "Айгүл Б."}),
    (types.MessageMediaDice(6, "🎲"), "dice", {"value": 6}),
    (types.MessageMediaStory(types.PeerChannel(5), 3), "story", {"story": 3}),
    (types.MessageMediaPaidMedia(50, [types.MessageExtendedMediaPreview(w=640, h=480)]), "paid media", {"width": 640}),
    (types.MessageMediaToDo(types.TodoList(types.TextWithEntities("Вода", []), [types.TodoItem(1, types.TextWithEntities("хлеб", []))]),
                            [types.TodoCompletion(1, types.PeerUser(5), WHEN)]),
     "list", {"title": "Вода", "items": [{"text": "хлеб", "done": True}]}),
    (types.MessageMediaPhoto(ttl_seconds=10), "photo", {"reason": "a photo that vanishes when it is seen; Telegram sends it no more"}),
]  # fmt: skip


@pytest.mark.parametrize(("media", "kind", "facts"), KINDS, ids=lambda value: value if isinstance(value, str) else "")
def test_kinds_of_media(media: Any, kind: str, facts: dict[str, Any]) -> None:
    (post,) = read_messages([plain(message(media=media)).value])
    line = post.attachments[0].line()
    assert line["kind"] == kind
    assert {name: line.get(name) for name in facts} == facts
    assert post.reason == line["reason"]
    assert post.outcome is (Outcome.PARTIAL if line["reason"] else Outcome.CAPTURED)


def test_a_poll_with_its_results() -> None:
    answers = [types.PollAnswer(types.TextWithEntities(text, []), bytes([n])) for n, text in enumerate(("да", "нет"))]
    results = types.PollResults(
        results=[types.PollAnswerVoters(bytes([n]), voters=votes, recent_voters=[], correct=n == 0) for n, votes in enumerate((9, 4))],
        total_voters=13, solution="потому что",
    )  # fmt: skip
    poll = types.Poll(3, types.TextWithEntities("Стреляли?", []), answers, hash=0, quiz=True, closed=True)
    (post,) = read_messages([plain(message(media=types.MessageMediaPoll(poll, results))).value])
    facts = post.attachments[0].extra
    assert facts["question"] == "Стреляли?"
    assert facts["options"] == [{"text": "да", "voters": 9, "correct": True}, {"text": "нет", "voters": 4}]
    assert (facts["voters"], facts["quiz"], facts["closed"], facts["solution"]) == (13, True, True, "потому что")


def test_forwards_replies_and_what_else_a_message_says() -> None:
    made = message(
        fwd_from=types.MessageFwdHeader(WHEN, from_name="Аноним", post_author="подпись", imported=True),
        reply_to=types.MessageReplyHeader(
            reply_to_msg_id=9, reply_to_peer_id=types.PeerChannel(6), quote=True, quote_text="слова", quote_offset=4
        ),
        noforwards=True, pinned=True, ttl_period=86400, post_author="редактор", via_bot_id=5,
        restriction_reason=[types.RestrictionReason("all", "terms-kz", "Not available in Kazakhstan")],
        entities=[types.MessageEntityTextUrl(0, 5, "https://example.org")],
        reactions=types.MessageReactions([
            types.ReactionCount(types.ReactionEmoji("👍"), 3), types.ReactionCount(types.ReactionCustomEmoji(2**60), 2),
            types.ReactionCount(types.ReactionPaid(), 1),
        ]),
        reply_markup=types.ReplyInlineMarkup(
            [types.KeyboardInlineButtonRow([types.KeyboardInlineButton("сайт", types.InlineButtonTypeUrl("https://x.org"))])]
        ),
    )  # fmt: skip
    (post,) = read_messages([plain(made).value])
    assert post.forwarded_from == "Аноним"
    assert post.extra["forward"]["signature"] == "подпись"
    assert post.extra["forward"]["imported"] is True
    assert post.reply_to == "c/6/9"
    assert post.extra["reply"]["quote"] == "слова"
    assert post.extra["restrictions"] == [
        {"platform": "all", "reason": "terms-kz", "text": "Not available in Kazakhstan"}
    ]
    assert post.extra["entities"] == [{"kind": "text url", "offset": 0, "length": 5, "url": "https://example.org"}]
    assert [item["kind"] for item in post.extra["reactions"]] == ["emoji", "custom_emoji", "paid_stars"]
    assert post.likes == 6
    assert post.extra["buttons"] == [{"text": "сайт", "url": "https://x.org"}]
    assert (post.extra["noforwards"], post.extra["pinned"], post.extra["vanishes_after"]) == (True, True, 86400)
    assert (post.extra["signature"], post.extra["via_bot"]) == ("редактор", 5)


def service(action: Any) -> Any:
    made = types.MessageService(id=3, peer_id=types.PeerChannel(5), date=WHEN, action=action)
    (post,) = read_messages([plain(made.to_dict()).value])
    return post


@pytest.mark.parametrize(
    ("action", "title", "text", "in_words"),
    [
        (types.MessageActionChatEditTitle("Новое имя"), "Новое имя", None, "Title changed to: Новое имя"),
        (types.MessageActionPinMessage(), None, None, "pinned a message"),
        (types.MessageActionHistoryClear(), None, None, "History cleared"),
        (types.MessageActionCustomAction("Telegram's own words"), None, "Telegram's own words", "Telegram's own words"),
        (
            types.MessageActionGiftPremium("USD", 5, 90, message=types.TextWithEntities("спасибо", [])),
            None,
            "спасибо",
            None,
        ),
    ],
)
def test_our_words_for_what_happened_are_not_the_words_of_telegram(
    action: Any, title: str | None, text: str | None, in_words: str | None
) -> None:
    post = service(action)
    assert (post.title, post.text, post.extra.get("action_in_words")) == (title, text, in_words)
    assert post.extra["kind"] == "service"


def test_no_word_of_ours_stands_in_a_field_of_telegram() -> None:
    """Whatever an action says: title and text stand in its object, letter by letter."""
    for name in classes(types.MessageActionPinMessage):
        said = {"_": name, "title": "Ұ1", "users": [1], "message": "Ұ2"}
        (post,) = read_messages([{"_": "MessageService", "id": 1, "action": said}])
        assert (post.title, post.text) == ("Ұ1", "Ұ2"), name
        (post,) = read_messages([{"_": "MessageService", "id": 1, "action": {"_": name}}])
        assert (post.title, post.text) == (None, None), name


def test_a_forward_whose_origin_is_hidden() -> None:
    (post,) = read_messages([plain(message(fwd_from=types.MessageFwdHeader(WHEN))).value])
    assert post.forwarded_from is None
    assert post.extra["forward"]["hidden"] is True


@pytest.mark.parametrize(
    ("text", "platform", "reason"),
    [("", "all", "withheld: Not available in Kazakhstan"), ("words", "all", None), ("", "ios", None)],
)
def test_a_message_of_which_only_the_notice_came_is_withheld(text: str, platform: str, reason: str | None) -> None:
    made = types.Message(
        id=7, peer_id=types.PeerChannel(5), date=datetime(2022, 1, 5, tzinfo=UTC), message=text,
        restriction_reason=[types.RestrictionReason(platform, "terms-kz", "Not available in Kazakhstan")],
    )  # fmt: skip
    (post,) = read_messages([plain(made.to_dict()).value])
    assert (post.outcome, post.reason) == (Outcome.REFUSED if reason else Outcome.CAPTURED, reason)
    assert post.text == (text or None)


@pytest.mark.parametrize("number", [-1, 0, 10**12, True, "5"])
def test_a_number_that_no_id_can_be_names_nobody(number: Any) -> None:
    """With the mark of its kind it would be the number of another chat."""
    assert marked({"_": "PeerChannel", "channel_id": number}) is None
    assert peers_in([{"_": "Channel", "id": number, "title": "a"}, {"_": "User", "id": number}]) == {}
