"""Facebook, as far as it is known before it is asked."""

from __future__ import annotations

import re

from spiders.facebook.absence import WORDINGS
from spiders.facebook.links import FORMS, HOSTS
from spiders.platform import BodyMarks, Kind, ParserUse, Platform, PlatformAnswers, Promise, SpiderUse, Trust

_POST = SpiderUse("spiders.facebook.spider:FacebookPost", ("cookies",))
FACEBOOK = Platform(
    name="facebook",
    title="Facebook",
    links=FORMS,
    kinds={
        "post": Kind(capture=_POST, embeddable=True),
        "video": Kind(capture=_POST, embeddable=True),
        "photo": Kind(capture=_POST, embeddable=True),
        "profile": Kind(capture=_POST),
        "share link": Kind(capture=_POST, embeddable=True),
    },
    promise=Promise(
        first_tags=("embed", "page"),
        told=frozenset({"link preview"}),
        whole_layouts=frozenset({"facebook/post", "facebook/relay", "facebook/embed"}),
    ),
    answers=PlatformAnswers(
        parse=ParserUse("spiders.facebook.parse:parse"),
        hosts=HOSTS,
        marks=BodyMarks(trust=Trust.WITHOUT_HOST, pattern=re.compile(rb"<html[^>]*\bid=\"facebook\""), within=64 << 10),
        is_json="spiders.facebook.parse:is_facebook",
    ),
    wordings=WORDINGS,
    cookies_of="facebook.com",
    known_post="https://www.facebook.com/facebookapp/posts/10153231379946729",
)
