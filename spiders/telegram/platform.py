"""Telegram, as far as it is known before it is asked."""

from __future__ import annotations

from spiders.platform import BodyMarks, Kind, ParserUse, Platform, PlatformAnswers, Promise, SpiderUse, Trust, WalkUse
from spiders.telegram.absence import WORDINGS
from spiders.telegram.links import FORMS, HOSTS

_POST = SpiderUse("spiders.telegram.web.spider:TelegramPost", ("enough", "comments"))
_CHANNEL = SpiderUse(
    "spiders.telegram.web.spider:TelegramChannel", ("enough", "cursor", "since", "until", "comments", "holes")
)
TELEGRAM = Platform(
    name="telegram",
    title="Telegram",
    links=FORMS,
    kinds={
        "post": Kind(capture=_POST, account=True, account_walk="thread", embeddable=True),
        "channel": Kind(walk=WalkUse("channel", _CHANNEL), account_walk="channel", list_skips=True),
        "private post": Kind(account=True, account_walk="thread", members_only=True),
        "private channel": Kind(account_walk="channel", members_only=True),
        "private group": Kind(account_walk="group", members_only=True),
        "invite": Kind(account_walk="channel", members_only=True),
        "comment": Kind(account=True),
        "story": Kind(account=True),
    },
    promise=Promise(
        first_tags=("embed", "page 1"),
        told=frozenset({
            "poll", "location", "contact", "link preview", "dice", "game", "invoice", "list", "story", "giveaway",
            "giveaway results", "live stream",
        }),
        whole_layouts=frozenset({"telegram/embed", "telegram/preview", "telegram/discussion"}),
    ),
    answers=PlatformAnswers(
        parse=ParserUse("spiders.telegram.web.parse:parse"),
        hosts=HOSTS,
        marks=BodyMarks(
            trust=Trust.OVER_HOST,
            literals=(b"tgme_widget_message", b"tgme_page", b"tgme_channel_history", b"tme_no_messages_found"),
        ),
        is_json="spiders.telegram.api.messages:is_messages",
        parse_json=ParserUse("spiders.telegram.api.messages:parse"),
        objects_urn="urn:evc:telegram:",
        parse_objects="spiders.telegram.api.messages:parse_objects",
    ),
    wordings=WORDINGS,
    known_post="https://t.me/durov/523",
)  # fmt: skip
