"""What the demo's Telegram account sees: the public channel whole, its discussion group, and a channel for members."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from telethon.tl import types

from archiver.demo import media
from archiver.demo.telegram import DemoChannel, DemoPost
from archiver.demo.telegram_api import TelegramApi
from archiver.demo.telegram_model import Chat

PHONE, CODE, PASSWORD = "77005550101", "12345", "алаң"
ACCOUNT = 700
CHANNEL, GROUP, PRIVATE, TOWN = 1500000001, 1500000002, 1500000003, 42


def witness_by_api(shown: DemoChannel, folder: Path, centres: int = 2, secret: bytes | None = None) -> TelegramApi:
    """The platform behind the API, with the posts that the public pages show and what those leave out."""
    api = TelegramApi(centres, secret)
    api.quiet = True
    api.person(ACCOUNT, "Reader", phone=PHONE)
    api.person(501, "Айгүл", username="aigul_kz")
    api.person(502, "reader_kz")
    group = api.chat(GROUP, "Өзен талқылау", username="ozen_talk", broadcast=False)
    channel = api.chat(
        CHANNEL, shown.title, username=shown.handle, about=shown.about, linked=GROUP,
    )  # fmt: skip
    group.linked = CHANNEL
    for post in shown.posts:
        _post(api, channel, group, post, folder)
    channel.last = max(channel.messages)
    api.pin(channel, 12)
    _kinds(api, channel)
    private = api.chat(PRIVATE, "Куәгерлер / Свидетели", invite="OzenInvite42", members={ACCOUNT}, noforwards=True)
    film, _ = media.video(folder, 2, 990)
    api.post(private, "Только для своих. Не публиковать лица.", media=_video(api, film, 2, "balcony.mp4"))
    api.post(private, "Екінші видео кешке.")
    api.quiet = False
    return api


def _video(api: TelegramApi, body: Any, seconds: float, name: str, dc: int = 2, **facts: Any) -> Any:
    shape = types.DocumentAttributeVideo(seconds, 320, 180, supports_streaming=True, **facts)
    return types.MessageMediaDocument(
        document=api.document(body, "video/mp4", name, dc, [shape], thumb=media.picture(90, 60, 70)), video=True
    )


def _post(api: TelegramApi, channel: Chat, group: Chat, post: DemoPost, folder: Path) -> None:
    if post.service:
        api.service(channel, types.MessageActionChannelCreate(channel.title), id_=post.id, date=post.when)
        return
    text = post.text.replace("<br/>", "\n").replace("&quot;", '"').replace("<b>", "").replace("</b>", "")
    fields: dict[str, Any] = {"date": post.when}
    if post.edited:
        fields["edit_date"] = post.when + timedelta(minutes=4)
    if post.reply_to:
        fields["reply_to"] = types.MessageReplyHeader(reply_to_msg_id=post.reply_to)
    if post.comments:
        root = api.post(group, text, date=post.when, from_id=types.PeerChannel(channel.id))
        for number, author, words in post.comments:
            api.post(
                group, words, id_=number, date=post.when + timedelta(minutes=number - 500),
                from_id=types.PeerUser(501 if author == "Айгүл" else 502),
                reply_to=types.MessageReplyHeader(reply_to_msg_id=root.id, reply_to_top_id=root.id),
            )  # fmt: skip
        channel.threads[post.id] = (group.id, root.id)
        fields["replies"] = types.MessageReplies(len(post.comments), group.pts, comments=True, channel_id=group.id)
    if len(post.media) > 1:
        fields["grouped_id"] = 13_000_000_000_000_000 + post.id
    members: list[Any] = [*post.media] or [None]
    for item in members:
        number = item.id if item is not None and item.id else post.id
        made = None
        if item is not None and item.kind == "photo":
            made = types.MessageMediaPhoto(photo=api.photo(item.body, dc=1))
        elif item is not None and item.kind == "video":
            made = _video(api, item.body, float(item.seconds), item.name)
        elif item is not None and item.kind == "too big":
            body, _ = media.video(folder, 6, 300)
            made = _video(api, body * 40, float(item.seconds), "whole-recording.mp4", 1)
        elif item is not None and item.kind == "document":
            made = types.MessageMediaDocument(document=api.document(b"%PDF-1.4 demo", "application/pdf", item.name))
        api.post(channel, text if number == post.id else "", id_=number, media=made, **fields)


def _kinds(api: TelegramApi, channel: Chat) -> None:
    """A poll, a place, a forward with its origin, reactions: what the API says more of than the pages."""
    question = types.TextWithEntities("Где вы были в 12:40?", [])
    answers = [
        types.PollAnswer(types.TextWithEntities(text, []), bytes([n])) for n, text in enumerate(("на площади", "дома"))
    ]
    results = types.PollResults(
        results=[
            types.PollAnswerVoters(b"\0", voters=31, recent_voters=[]),
            types.PollAnswerVoters(b"\1", chosen=True, voters=12, recent_voters=[]),
        ],
        total_voters=43,
    )
    api.post(channel, "", media=types.MessageMediaPoll(types.Poll(9, question, answers, hash=0), results))
    api.post(
        channel, "",
        media=types.MessageMediaVenue(types.GeoPoint(52.8619, 43.3412, 5), "Алаң", "Жаңаөзен", "foursquare", "4b", "square"),
    )  # fmt: skip
    api.post(
        channel, "Переслано: стреляют у акимата.",
        fwd_from=types.MessageFwdHeader(channel.messages[12].date, from_id=types.PeerChannel(PRIVATE), channel_post=1),
        reactions=types.MessageReactions([types.ReactionCount(types.ReactionEmoji("🙏"), 17, chosen_order=0)]),
        entities=[types.MessageEntityBold(0, 10)],
    )  # fmt: skip
