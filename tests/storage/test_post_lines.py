"""Statements and guesses of a post's line, told apart; also of lines that the first page parser wrote."""

from __future__ import annotations

from storage.catalog_rows import bounds
from storage.post_lines import guesses, published, words

GUESSED = {
    "literal": "11/12/2011", "source": "a finder of articles", "earliest": "2011-11-11T10:00:00Z",
    "latest": "2011-12-12T12:00:00Z",
}  # fmt: skip
STATED = {"literal": "2022-01-05", "source": "meta date", "earliest": "2022-01-04T10:00:00Z", "latest": "2022-01-06T12:00:00Z"}  # fmt: skip


def test_guesses_by_their_names() -> None:
    line = {"text": None, "guessed": {"published": GUESSED, "author": "a. b.", "text": "words", "charset": "koi8-r"}}
    assert guesses(line) == {
        "guessed_published": "11/12/2011", "guessed_author": "a. b.", "guessed_text": "words", "guessed_charset": "koi8-r",
    }  # fmt: skip
    assert words(line) == "words"
    assert published(line) is None
    assert bounds(line) == (None, None), "a guess is no bound of a statement"


def test_what_is_stated_is_no_guess() -> None:
    line = {"text": "said", "published": STATED}
    assert (guesses(line), words(line), published(line)) == ({}, "said", STATED)
    assert guesses({"published": None, "guessed": None}) == {}


def test_a_day_that_the_first_page_parser_guessed() -> None:
    line = {
        "text": "said",
        "parser": "page/1",
        "published": {"literal": "2011-12-11", "source": "trafilatura", "value": None},
    }
    assert guesses(line) == {"guessed_published": "2011-12-11"}
    assert published(line) is None
