"""Parts of the report by themselves: the order of time, what was marked, which items share a sheet of paper."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from archiver.export import printing
from archiver.export.profiles import Card, CardView
from archiver.export.report.chronology import Chronology
from archiver.export.report.regions import marks_of, moments_of, segment_of
from archiver.text.pages import isolated


def card(number: int, published: dict[str, Any], *annotations: dict[str, Any]) -> Card:
    view = CardView("c", 1, "2026-01-01T00:00:00.000000Z", {"text": f"post {number}"}, published)
    return Card(
        f"I{number:04}", "x", None, "somebody", True, views=[view], annotations=list(annotations), sensitive=False
    )


def exact(value: str) -> dict[str, Any]:
    return {"value": value}


def test_a_thousand_items_of_one_second_stand_in_the_order_of_their_numbers() -> None:
    cards = [card(number, exact("2022-01-05T10:30:00Z")) for number in range(1, 1001)]
    order = Chronology(cards, ())
    assert [one.number for one in order.cards()] == [one.number for one in cards]
    assert {order.entry(one).bar for one in cards} == {None}, "one moment has no length to show"
    assert order.number(999) == "I1000"
    assert order.number(1000) is None


def test_the_earliest_possible_moment_counts_and_unknown_comes_last() -> None:
    analyst = {
        "seq": 9,
        "detail": {
            "kind": "time",
            "from": "2022-01-01T00:00:00.000000Z",
            "to": "2022-01-02T00:00:00.000000Z",
            "about": {},
        },
    }
    cards = [
        card(1, {}),
        card(2, exact("2022-01-05T10:30:00Z")),
        card(3, {"earliest": "2022-01-03T00:00:00Z", "latest": "2022-01-09T00:00:00Z", "literal": "last week"}),
        card(4, exact("2022-01-06T00:00:00Z"), analyst),
        card(5, {"literal": "long ago"}),
    ]
    random.Random(5).shuffle(cards)
    order = Chronology(cards, ())
    listed = list(order.cards())
    assert [one.number for one in listed][:3] == ["I0004", "I0003", "I0002"]
    assert {one.number for one in listed[3:]} == {"I0001", "I0005"}
    first, second = (order.entry(one) for one in listed[:2])
    assert first.start == datetime(2022, 1, 1, tzinfo=UTC)
    assert first.analysts == ("2022-01-01 00:00:00 UTC to 2022-01-02 00:00:00 UTC (event 9)",)
    assert second.platform == (
        "between 2022-01-03 00:00:00 UTC and 2022-01-09 00:00:00 UTC (stated: <bdi>last week</bdi>)"
    )
    assert second.bar is not None
    assert second.bar[1] > 50, "an interval is as long as it lasts"


def test_words_of_strangers_can_neither_be_markup_nor_leave_their_place() -> None:
    assert isolated("<b>\u2069\u202eevil</b>") == "<bdi>&lt;b&gt;\\x2069\\x202eevil&lt;/b&gt;</bdi>"


def about(attachment: int | None, **segment: Any) -> dict[str, Any]:
    return {"seq": 7, "detail": {"kind": "note", "about": {"attachment": attachment, "segment": segment or None}}}


def test_what_was_marked_of_a_file() -> None:
    one = card(
        1,
        {},
        about(0, from_ms=1500, to_ms=2000),
        about(0, region=[1, 2, 3, 4]),
        about(1, from_ms=9),
        about(0),
        about(None),
    )
    assert [(mark.at, mark.region) for mark in marks_of(one, 0)] == [(1500, None), (None, (1, 2, 3, 4))]
    assert (moments_of(one, 0), moments_of(one, 1), moments_of(one, 2)) == ((1500,), (9,), ())
    said = [segment_of(event["detail"]["about"]) for event in one.annotations]
    assert said == [
        "file 1, 0:01.5 to 0:02.0", "file 1, region 1 % from the left, 2 % from the top, 3 % wide, 4 % high",
        "file 2, from 0:00.0", "file 1", "",
    ]  # fmt: skip


REPORT = (
    '<style>a {}</style><li><a href="#items">Items</a></li>'
    '<th scope="row"><a href="#I0001">I0001</a></th><th scope="row"><a href="#I0002">I0002</a></th>'
    '<h2 id="items">Items</h2><article class="card" id="I0001"><a href="view/I0001.html#file-1">x</a></article>'
    '<article class="card" id="I0002"></article>'
)


def print_with(monkeypatch: pytest.MonkeyPatch, home: Path, found: list[dict[str, int] | None]) -> list[str]:
    """What is given to the printer, print by print, where places are found on these pages."""
    printed: list[str] = []
    report = home / "report.html"
    report.write_text(REPORT, "utf-8")

    def prints(chromium: str, folder: Path, page: str) -> bytes:
        printed.append(page)
        return b"%PDF-"

    monkeypatch.setattr(printing, "program", lambda: "chromium")
    monkeypatch.setattr(printing, "_print", prints)
    monkeypatch.setattr(printing, "_pages", lambda data: found[min(len(printed), len(found)) - 1])
    assert printing.print_pdf(report, "2026-11-30", "foot", home) == b"%PDF-"
    return printed


def test_page_numbers_are_printed_once_they_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    flowing, apart = {"items": 2, "I0001": 2, "I0002": 2}, {"items": 3, "I0001": 3, "I0002": 4}
    printed = print_with(monkeypatch, tmp_path, [flowing, apart, apart])
    assert len(printed) == 3
    assert "I0001 to I0002 · page" in printed[1]
    assert "I0001 to I0002" not in printed[2], "what the paper set apart is named apart"
    assert "#items, #items-told, #I0001 { page: sheet0; }" in printed[2]
    assert 'I0002<span class="folio">p. 4</span>' in printed[2]
    assert "view/" not in printed[2]


@pytest.mark.parametrize("unsettled", [True, False])
def test_page_numbers_that_do_not_hold_are_not_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unsettled: bool
) -> None:
    found: list[dict[str, int] | None] = (
        [{"items": n, "I0001": n, "I0002": n} for n in range(1, 9)] if unsettled else [None]
    )
    printed = print_with(monkeypatch, tmp_path, found)
    assert len(printed) == (printing.MOST_PRINTS + 2 if unsettled else 2)
    assert "folio" not in printed[-1]


def test_what_is_no_pdf_has_no_pages() -> None:
    assert printing._pages(b"%PDF-1.7 cut off") is None
    assert printing._pages(None) is None
