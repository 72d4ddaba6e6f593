"""The toy, as far as it is known before it is asked: the value that a line of the table names."""

from __future__ import annotations

from spiders.platform import Kind, ParserUse, Platform, PlatformAnswers, Promise, SpiderUse, WalkUse
from tests.support.toy_platform.absence import WORDINGS
from tests.support.toy_platform.links import FORMS, HOST

TOY = Platform(
    name="toy",
    title="Toy",
    links=FORMS,
    kinds={
        "note": Kind(capture=SpiderUse("tests.support.toy_platform.spider:ToyNote", ("enough",)), embeddable=True),
        "board": Kind(
            walk=WalkUse("board", SpiderUse("tests.support.toy_platform.spider:ToyBoard", ("enough", "cursor"))),
        ),
    },
    promise=Promise(
        first_tags=("note", "board"), told=frozenset({"riddle"}), whole_layouts=frozenset({"toy/notes"})
    ),
    answers=PlatformAnswers(
        parse=ParserUse("tests.support.toy_platform.parse:parse"),
        hosts=frozenset({HOST}),
        is_json="tests.support.toy_platform.parse:is_toy",
    ),
    wordings=WORDINGS,
    known_post="https://toy.example/anna/1",
)  # fmt: skip
