"""X, as far as it is known before it is asked."""

from __future__ import annotations

import re

from spiders.platform import BodyMarks, Kind, ParserUse, Platform, PlatformAnswers, Promise, SpiderUse, Trust, WalkUse
from spiders.x.absence import WORDINGS
from spiders.x.links import FORMS, HOSTS

_LOGIN = ("cookies", "query_ids", "features")
_WALK = ("enough", "cursor", "since", "until")
_POST = SpiderUse("spiders.x.post_spider:XPost", (*_LOGIN, *_WALK, "quick", "thread"))
_TIMELINE = SpiderUse("spiders.x.timeline_spider:XTimeline", (*_LOGIN, *_WALK))
_MARKS = re.compile(
    rb"Page saved with SingleFile\s+url: https?://(?:[\w-]+\.)?(?:x|twitter)\.com/"
    rb"|\bdata-tweet-id=[\"']?\d"
    rb"|<meta [^>]{0,80}\bcontent=[\"']?https://(?:x|twitter)\.com/\w{1,20}/status/\d[^>]{0,80}\bproperty=[\"']?og:url"
    rb"|<meta [^>]{0,80}\bproperty=[\"']?og:url[\"']?[^>]{0,80}\bcontent=[\"']?https://(?:x|twitter)\.com/\w{1,20}/status/\d"
)
"""Pages of X that somebody saved, and heads of its pages, where no link came with them."""
X = Platform(
    name="x",
    title="X",
    links=FORMS,
    kinds={
        "post": Kind(capture=_POST, walk=WalkUse("thread", _POST), embeddable=True),
        "profile": Kind(walk=WalkUse("profile", _TIMELINE)),
        "search": Kind(walk=WalkUse("search", _TIMELINE)),
    },
    promise=Promise(
        first_tags=("syndication", "page", "page 1", "timeline"),
        told=frozenset({"poll", "location"}),
        whole_layouts=frozenset({"x/syndication", "x/graphql", "x/head", "x/timeline"}),
        second_pass=True,
    ),
    answers=PlatformAnswers(
        parse=ParserUse("spiders.x.parse:parse"),
        hosts=HOSTS | {"cdn.syndication.twimg.com", "syndication.twitter.com", "api.x.com", "api.twitter.com"},
        marks=BodyMarks(
            trust=Trust.LAST,
            literals=(b"abs.twimg.com/", b"twitter://status?id="),
            pattern=_MARKS,
            within=64 << 10,
        ),
        is_json="spiders.x.parse:is_x",
    ),
    wordings=WORDINGS,
    cookies_of="x.com",
    known_post="https://x.com/jack/status/20",
)
