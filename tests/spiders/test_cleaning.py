"""What comes along when a link is copied is taken off, the same for every way in, and nothing else."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.cleaning import clean, in_ascii, without_end

pytestmark = pytest.mark.thorough("parsers")
POST = "https://t.me/square_news/45"
INVISIBLE = [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF, 0xAD]


@pytest.mark.parametrize("code", INVISIBLE, ids=[f"U+{code:04X}" for code in INVISIBLE])
def test_invisible_characters_are_taken_off_wherever_they_stand(code: int) -> None:
    mark = chr(code)
    for text in (
        f"{mark}{POST}",
        f"{POST}{mark}",
        f"{mark}{POST}{mark}",
        POST.replace("4", f"4{mark}"),
        f"{POST}.{mark}",
    ):
        cleaned = clean(text)
        assert cleaned.link == POST
        assert cleaned.literal == text, "the literal is kept"
        assert cleaned.changed


@pytest.mark.parametrize(
    ("text", "link"),
    [
        (POST, POST),
        (f"  {POST}\t", POST),
        *((f"{POST}{end}", POST) for end in (".", ",", ";", ":", "!", "?", ")", "]", "}", "»", "”", "’", "…", '"', "'", ").", "?!")),
        *((f"{POST}{end}", POST) for end in ("。", "，", "、", "！", "）", "】", "」", "؟", "،")),
        *((f"{one}{POST}{other}", POST) for one, other in ("()", "[]", "{}", "<>", "«»", "“”", "„“", "‹›", '""', "''", "（）", "「」", "``")),
        (f"({POST}).", POST),
        (f"{POST}%E2%80%8B", POST),
        (f"{POST}%20", POST),
        ("https://a.example/wiki/Square_(city)", "https://a.example/wiki/Square_(city)"),
        ("(https://a.example/wiki/Square_(city))", "https://a.example/wiki/Square_(city)"),
        ("https://a.example/wiki/Square_(city)).", "https://a.example/wiki/Square_(city)"),
        ("https://a.example/?a=1&amp;b=2", "https://a.example/?a=1&b=2"),
        ("https://a.example/?a=1&amp;amp;b=2&#38;c=3", "https://a.example/?a=1&b=2&c=3"),
        ("hxxps://t.me/square_news/45", POST),
        ("hXXps://t[.]me/square_news/45", POST),
        ("https://t(.)me/square_news/45", POST),
        ("https://t[dot]me/square_news/45", POST),
        ("hxxps[://]t[.]me/square_news/45", POST),
        ("hxxp://www[.]a[.]example/x", "http://www.a.example/x"),
        ("t[.]me/square_news/45", "t.me/square_news/45"),
        ("ｈｔｔｐｓ：／／ｔ．ｍｅ／square_news/45", POST),
        ("https://a。example/x", "https://a.example/x"),
        ("«@square_news».", "@square_news"),
        ("tg://resolve?domain=square_news&post=45.", "tg://resolve?domain=square_news&post=45"),
        # What is no punctuation at an end, and what belongs to an address, stays.
        ("https://t.me/+AbC_-", "https://t.me/+AbC_-"),
        ("https://a.example/x/", "https://a.example/x/"),
        ("http://[2001:db8::1]/x", "http://[2001:db8::1]/x"),
        ("https://fa.example/می‌خواهم", "https://fa.example/می‌خواهم"),
        ("https://ja.example/ＡＢＣ", "https://ja.example/ＡＢＣ"),
        ("https://a.example/?x=[.]y", "https://a.example/?x=[.]y"),
        ("-1001500000001", "-1001500000001"),
        ("nothing", "nothing"),
        ("", ""),
        ("...", ""),
    ],
)  # fmt: skip
def test_what_is_taken_off_and_what_stays(text: str, link: str) -> None:
    assert clean(text).link == link


PIECES = st.sampled_from(
    ["https://", "hxxps://", "t.me", "[.]", "(", ")", "«", "»", "&amp;", "&amp;amp;", "amp;", "\u200b", "\u2069", "\u200c", "م", "%20",
     "%E2%80%8B", "/", ".", "。", "／", "ｔ", "٤", "?", "=", "#", "a", "1", " ", "[", "]", "\ue000"]
)  # fmt: skip


@given(st.text(max_size=60) | st.lists(PIECES, max_size=14).map("".join))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean(text)
    assert clean(once.link).link == once.link
    assert once.literal == text.strip()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("https://t.me/a/１２", "https://t.me/a/12"),
        ("https://t.me/a/١٢", "https://t.me/a/12"),
        ("https://t.me/a/۱۲?comment=۳", "https://t.me/a/12?comment=3"),
        ("https://youtube.com/@قناة٢٤", "https://youtube.com/@قناة٢٤"),
        ("https://t.me/a/1٢", "https://t.me/a/1٢"),
        ("https://t.me/a/१२", "https://t.me/a/१२"),
    ],
)
def test_whole_numbers_in_other_digits(text: str, plain: str) -> None:
    assert in_ascii(text) == plain


def test_a_hundred_thousand_brackets_are_taken_off_at_once() -> None:
    begun = time.process_time()
    assert without_end("https://n.example/a_(b)" + ")" * 100_000 + "].") == "https://n.example/a_(b)"
    assert time.process_time() - begun < 2
