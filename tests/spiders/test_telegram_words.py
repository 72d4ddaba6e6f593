"""Words that hang on Telegram's messages: captions of albums, stories that are passed on, articles."""

from __future__ import annotations

import inspect
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from telethon.tl import types

from spiders.posts import Outcome, Post
from spiders.telegram.api.attachments import NO_STORY_FILE, STORY_STATES
from spiders.telegram.api.messages import parse_objects, read_messages
from spiders.telegram.api.tl import plain
from spiders.telegram.api.words import article_of, rich_text

WHEN = datetime(2022, 1, 5, 12, tzinfo=UTC)
CHANNEL = types.PeerChannel(5)


def photo(number: int) -> Any:
    return types.Photo(number, 1, b"r", WHEN, [types.PhotoSize("y", 800, 600, 1234)], 2)


def read(*messages: Any) -> Post:
    """The post that these messages make, read from the objects as they are kept."""
    (post,) = read_messages([json.loads(json.dumps(plain(one.to_dict()).value, sort_keys=True)) for one in messages])
    return post


# -- captions of albums ----------------------------------------------------------------------------------------------


def member(number: int, caption: str, *entities: Any) -> Any:
    media = types.MessageMediaPhoto(photo=photo(number))
    return types.Message(number, CHANNEL, WHEN, caption, media=media, grouped_id=99, entities=list(entities), post=True)


@pytest.mark.parametrize(
    ("captions", "text", "apart"),
    [
        (["", "", ""], None, None),
        (["", "the yard", ""], "the yard", None),
        (["the yard", "", "the roof"], "the yard\n\nthe roof", [("1", "the yard"), ("3", "the roof")]),
        (["same", "same"], "same\n\nsame", [("1", "same"), ("2", "same")]),
    ],
)
def test_the_caption_of_each_member_of_an_album(
    captions: list[str], text: str | None, apart: list[tuple[str, str]] | None
) -> None:
    post = read(*(member(number, caption) for number, caption in enumerate(captions, 1)))
    assert post.text == text
    said = post.extra.get("captions")
    assert (said and [(item["id"], item["text"]) for item in said]) == apart
    assert len(post.attachments) == len(captions)


def test_the_formatting_of_every_caption_is_where_its_words_are() -> None:
    post = read(
        member(1, "🔥 roof", types.MessageEntityBold(3, 4)), member(2, "a school", types.MessageEntitySpoiler(2, 6))
    )
    assert post.text is not None
    units = post.text.encode("utf-16-le")
    shown = {
        item["kind"]: units[item["offset"] * 2 :][: item["length"] * 2].decode("utf-16-le")
        for item in post.extra["entities"]
    }
    assert shown == {"bold": "roof", "spoiler": "school"}
    assert post.extra["captions"][1]["entities"] == [{"kind": "spoiler", "offset": 2, "length": 6}]


# -- stories ---------------------------------------------------------------------------------------------------------


def passed_on(story: Any) -> Post:
    media = types.MessageMediaStory(types.PeerChannel(6), 7, story=story)
    return read(types.Message(12, CHANNEL, WHEN, "", media=media, post=True))


def test_a_story_that_is_passed_on_brings_its_words_and_its_file() -> None:
    place = types.MediaAreaGeoPoint(
        types.MediaAreaCoordinates(1, 2, 3, 4, 5), types.GeoPoint(52.86, 43.34, 0),
        address=types.GeoPointAddress("KZ", city="Zhanaozen", street="Alan"),
    )  # fmt: skip
    link = types.MediaAreaUrl(types.MediaAreaCoordinates(1, 2, 3, 4, 5), "https://e.org/film")
    story = types.StoryItem(
        7, WHEN, WHEN + timedelta(days=1), types.MessageMediaPhoto(photo=photo(66)), caption="the square at noon",
        entities=[types.MessageEntityBold(4, 6)], media_areas=[place, link],
        fwd_from=types.StoryFwdHeader(from_=types.PeerChannel(8), story_id=3, modified=True),
    )  # fmt: skip
    post = passed_on(story)
    told, file = post.attachments
    assert (told.kind, told.reason, told.extra["caption"]) == ("story", None, "the square at noon")
    assert (told.extra["from"], told.extra["story"], told.extra["expires"]) == (
        -1000000000006,
        7,
        "2022-01-06T12:00:00Z",
    )
    assert told.extra["published"]["value"] == "2022-01-05T12:00:00Z"
    assert told.extra["entities"] == [{"kind": "bold", "offset": 4, "length": 6}]
    assert told.extra["story_from"] == {"from_id": -1000000000008, "story": 3, "modified": True}
    assert told.extra["areas"] == [
        {"kind": "geo point", "latitude": "43.34", "longitude": "52.86", "address": "Alan, Zhanaozen, KZ"},
        {"kind": "url", "url": "https://e.org/film"},
    ]
    assert (file.kind, file.extra["file_id"], file.post_id) == ("photo", "66", "12")
    assert (post.outcome, post.text) == (Outcome.CAPTURED, None)


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        (types.StoryItemDeleted(7), STORY_STATES["StoryItemDeleted"]),
        (types.StoryItemSkipped(7, WHEN, WHEN), STORY_STATES["StoryItemSkipped"]),
        (None, STORY_STATES["StoryItemSkipped"]),
        (types.StoryItem(7, WHEN, WHEN, types.MessageMediaPhoto()), "Telegram sends no photo"),
    ],
)
def test_a_story_that_is_not_in_the_message_is_missing(story: Any, reason: str) -> None:
    post = passed_on(story)
    [told] = post.attachments
    assert (told.kind, told.reason) == ("story", reason)
    assert (post.outcome, post.reason) == (Outcome.PARTIAL, reason)


def test_a_story_without_a_file() -> None:
    story = {"_": "StoryItem", "id": 7, "caption": "words"}
    media = {"_": "MessageMediaStory", "id": 7, "story": story}
    (post,) = read_messages([{"_": "Message", "id": 1, "media": media}])
    assert (post.reason, post.attachments[0].extra["caption"]) == (NO_STORY_FILE, "words")


def test_a_file_beside_the_medium_that_cannot_be_had_has_its_reason() -> None:
    bare = types.Photo(66, 1, b"r", WHEN, [], 2)
    web = types.WebPage(1, "https://e.org", "e.org", 0, photo=bare)
    post = read(types.Message(12, CHANNEL, WHEN, "", media=types.MessageMediaWebPage(web), post=True))
    assert [item.reason for item in post.attachments] == [None, "Telegram offers no size of the photo"]
    assert (post.outcome, post.reason) == (Outcome.PARTIAL, "Telegram offers no size of the photo")


# -- articles --------------------------------------------------------------------------------------------------------


def words(text: str) -> Any:
    return types.TextPlain(text)


BLOCKS = [
    types.PageBlockTitle(words("Report")),
    types.PageBlockAuthorDate(types.TextBold(words("Dana K")), datetime(2022, 1, 5, 9, tzinfo=UTC)),
    types.PageBlockCover(types.PageBlockPhoto(66, types.PageCaption(words("the yard"), words("a neighbour")))),
    types.PageBlockParagraph(types.TextConcat([words("It began "), types.TextUrl(types.TextItalic(words("at noon")), "u", 1), words(".")])),
    types.PageBlockList([types.PageListItemText(words("first")), types.PageListItemBlocks([types.PageBlockParagraph(words("second"))])]),
    types.PageBlockTable(words("Who"), [types.PageTableRow([types.PageTableCell(text=words("a nurse")), types.PageTableCell()])]),
    types.PageBlockDetails([types.PageBlockParagraph(words("inside"))], words("more")),
    types.PageBlockRelatedArticles(words("Read also"), [types.PageRelatedArticle("u", 1, title="Elsewhere")]),
]  # fmt: skip


def test_an_article_that_telegram_shows_with_a_link() -> None:
    page = types.Page("https://e.org/report", BLOCKS, [photo(66)], [], part=True, views=7)
    web = types.WebPage(1, "https://e.org/report", "e.org/report", 0, title="Report", cached_page=page)
    post = read(types.Message(12, CHANNEL, WHEN, "e.org/report", media=types.MessageMediaWebPage(web), post=True))
    preview, picture = post.attachments
    article = preview.extra["article"]
    assert article["text"].split("\n") == [
        "Report", "the yard", "a neighbour", "It began at noon.", "first", "second", "Who", "a nurse", "more", "inside",
    ]  # fmt: skip
    assert (article["author"], article["published"]["value"]) == ("Dana K", "2022-01-05T09:00:00Z")
    assert (article["url"], article["views"], article["only_a_part"]) == ("https://e.org/report", 7, True)
    assert (picture.kind, picture.extra["where"]) == ("photo", "media.webpage.cached_page.photos.0")
    assert (post.text, post.outcome) == ("e.org/report", Outcome.CAPTURED)


def test_an_article_without_a_date_has_none() -> None:
    block = types.PageBlockAuthorDate(types.TextEmpty(), datetime.fromtimestamp(0, UTC)).to_dict()
    assert article_of({"blocks": [plain(block).value]}) == {}


def test_a_rich_message_has_its_words() -> None:
    message = {
        "_": "Message",
        "id": 1,
        "rich_message": {"_": "RichMessage", "blocks": [{"_": "PageBlockHeading1", "text": "Alarm"}]},
    }
    parsed = parse_objects([message])
    assert parsed.posts[0].extra["article"] == {"text": "Alarm"}
    assert parsed.posts[0].outcome is Outcome.PARTIAL


def like(one: Any) -> dict[str, Any]:
    return {
        name: cls for name, cls in vars(types).items()
        if inspect.isclass(cls) and getattr(cls, "SUBCLASS_OF_ID", None) == one.SUBCLASS_OF_ID
    }  # fmt: skip


APART = {"PageBlockAuthorDate", "PageBlockRelatedArticles", "PageBlockChannel", "PageBlockButtonRow"}
"""Blocks that hold no words of the article."""
SHOWN = {"text", "title", "caption", "blocks", "items", "rows", "cover", "source"}


def test_every_block_of_the_layer_shows_its_words() -> None:
    """A block that the next layer brings has its words read, or fails here first."""
    for name, cls in like(types.PageBlockParagraph).items():
        if name in APART or name.startswith("Input"):
            continue
        fields = SHOWN & set(inspect.signature(cls.__init__).parameters)
        block = {"_": name, **{key: {"_": "TextPlain", "text": f"of {key}"} for key in fields}}
        found = article_of({"blocks": [block]}) or {}
        assert set(found.get("text", "").split("\n")) - {""} == {f"of {key}" for key in fields}, name


def test_every_kind_of_rich_text_of_the_layer_is_read() -> None:
    for name, cls in like(types.TextPlain).items():
        fields = set(inspect.signature(cls.__init__).parameters)
        holder = next((key for key in ("texts", "text", "alt", "source") if key in fields), None)
        if holder is None:
            assert name in ("TextEmpty", "TextImage"), name
            continue
        inner = [{"_": "TextPlain", "text": "w"}, "x"] if holder == "texts" else {"_": "TextPlain", "text": "wx"}
        assert rich_text({"_": name, holder: inner}) == "wx", name


def test_articles_may_nest_as_deep_as_they_like() -> None:
    text: Any = "deep"
    block: Any = {"_": "PageBlockParagraph", "text": "below"}
    for _ in range(20_000):
        text, block = {"_": "TextBold", "text": text}, {"_": "PageBlockBlockquoteBlocks", "blocks": [block]}
    assert article_of({"blocks": [{"_": "PageBlockTitle", "text": text}, block]}) == {"text": "deep\nbelow"}
