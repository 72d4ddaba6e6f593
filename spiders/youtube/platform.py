"""YouTube, as far as it is known before it is asked."""

from __future__ import annotations

from spiders.platform import BodyMarks, Kind, ParserUse, Platform, PlatformAnswers, Promise, SpiderUse, Trust, WalkUse
from spiders.youtube.absence import WORDINGS
from spiders.youtube.links import FORMS, HOSTS, SHORT_HOST

_VIDEO = SpiderUse("spiders.youtube.video_spider:YouTubeVideo", ("enough", "comments", "clock"))
_LIST = SpiderUse("spiders.youtube.list_spider:YouTubeList", ("enough", "cursor", "since", "until", "clock", "limited"))
YOUTUBE = Platform(
    name="youtube",
    title="YouTube",
    links=FORMS,
    kinds={
        "video": Kind(capture=_VIDEO, embeddable=True, extractor=True),
        "clip": Kind(capture=_VIDEO, embeddable=True, extractor=True),
        "community post": Kind(capture=_VIDEO, embeddable=True),
        "channel": Kind(walk=WalkUse("channel", _LIST)),
        "playlist": Kind(walk=WalkUse("playlist", _LIST)),
    },
    promise=Promise(
        first_tags=("page", "page 1"),
        told=frozenset({"poll", "link preview"}),
        whole_layouts=frozenset({"youtube/watch", "youtube/player", "youtube/listing", "youtube/posts"}),
        extractor_despite_wall=True,
        second_pass=True,
    ),
    answers=PlatformAnswers(
        parse=ParserUse("spiders.youtube.parse:parse", ("observed",)),
        hosts=HOSTS | {SHORT_HOST, "youtubei.googleapis.com"},
        marks=BodyMarks(
            trust=Trust.LAST,
            literals=(
                b"ytInitialPlayerResponse", b"ytInitialData", b"xmlns:yt=", b"captcha-page", b"<timedtext", b"<transcript",
                b'<meta property="og:site_name" content="YouTube">',
            ),
            begins=(b"WEBVTT",),
        ),
        is_json="spiders.youtube.parse:is_youtube",
    ),
    wordings=WORDINGS,
    known_post="https://www.youtube.com/watch?v=jNQXAC9IVRw",
)  # fmt: skip
