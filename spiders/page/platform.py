"""Any page, as far as it is known before it is asked for."""

from __future__ import annotations

from spiders.page.absence import WORDINGS
from spiders.page.links import FORMS
from spiders.platform import A_PAGE, Kind, ParserUse, Platform, PlatformAnswers, Promise, SpiderUse

PAGE = Platform(
    name="page",
    title="a page",
    links=FORMS,
    kinds={"page": Kind(needs=A_PAGE, capture=SpiderUse("spiders.page.spider:PageSpider", ("follow",)))},
    promise=Promise(
        first_tags=("page",),
        whole_layouts=frozenset({"page/html"}),
        post_word="article",
        second_pass=True,
        server_speaks=True,
    ),
    answers=PlatformAnswers(parse=ParserUse("spiders.page.parse:parse", ("content_type",))),
    wordings=WORDINGS,
)
