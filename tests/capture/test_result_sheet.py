"""The result sheet: what became of each row, why, and what to do next."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from archiver.capture.batch import Batch, LinkOutcome, of_result
from archiver.capture.link_lists import Entry
from archiver.capture.options import CaptureOptions
from archiver.capture.result import CaptureResult
from archiver.capture.result_sheet import Row, next_action, write_sheet
from archiver.capture.support import whole
from archiver.home.home import Home
from archiver.recorder.content_coding import PartlyDecoded
from archiver.recorder.missing_certificates import SETTING
from spiders.posts import Outcome
from spiders.targets import Target, parse_target
from storage.times import system_clock


def test_a_cell_is_never_a_formula(tmp_path: Path) -> None:
    """What a hostile page or list says must not run in the investigator's spreadsheet."""
    row = Row("row 1", '=HYPERLINK("https://evil.example","x")', reason="@SUM(1+1)*cmd|' /C calc'!A0", next="-1+1")
    paths = [tmp_path / "sheet.csv", tmp_path / "sheet.xlsx"]
    write_sheet([row], paths)
    with open(paths[0], encoding="utf-8-sig", newline="") as stream:
        cells = list(csv.reader(stream))[1]
    assert [cell[0] for cell in cells if cell[:2] in ("'=", "'@", "'-")] == ["'", "'", "'"]
    sheet: Any = openpyxl.load_workbook(paths[1]).active
    assert {cell.data_type for cell in sheet[2] if cell.value} == {"s"}


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_but_one_has_a_next_step(outcome: Outcome) -> None:
    assert bool(next_action(outcome, "because", "id")) == (outcome is not Outcome.CAPTURED)


@pytest.mark.parametrize(
    ("link", "led", "names"),
    [
        ("https://x.com/a/status/14", None, '[accounts]) x = "cookies.txt"'),
        ("https://www.facebook.com/a/posts/14", None, '[accounts]) facebook = "cookies.txt"'),
        ("https://t.co/a", "https://x.com/a/status/14", '[accounts]) x = "cookies.txt"'),
        ("https://x.com/never/seen/before", None, "archiver receive FILE"),
        ("https://youtu.be/Pr1vateVid0", None, "archiver receive FILE"),
        ("https://a.example/members", None, "archiver receive FILE"),
        ("https://www.tiktok.com/@anna/video/7", None, "archiver receive FILE"),
    ],
)
def test_cookies_are_named_only_where_they_are_sent(link: str, led: str | None, names: str) -> None:
    target, led_to = parse_target(link), parse_target(led) if led else None
    assert isinstance(target, Target)
    result = CaptureResult("id", "run", 1, target, Outcome.REFUSED, "login required", Path(), 0, {}, [], 0, 1, True)  # fmt: skip
    done = of_result(replace(result, led_to=led_to if isinstance(led_to, Target) else None), system_clock)
    said = next_action(done.outcome, done.reason, "id", LinkOutcome.of(done.value()).cookies)
    assert said.startswith("it needs an account that may see it: ")
    assert all(part in said for part in names.split(") "))
    assert ("[accounts]" in said) == ("[accounts]" in names)


@pytest.mark.parametrize(
    ("reason", "cookies", "account"),
    [
        ("Facebook says: x (deleted, or not shared with everybody: it does not say which)", "facebook", True),
        ("X's public syndication knows no such post: deleted, protected, suspended or never there", "x", True),
        ("not found (HTTP 404)", "x", False),
        ("Post not found", "", False),
    ],
)
def test_what_may_be_there_for_others_names_an_account(reason: str, cookies: str, account: bool) -> None:
    said = next_action(Outcome.UNAVAILABLE, reason, "id", cookies)
    assert "look for copies elsewhere; check the link" in said
    assert (f'{cookies} = "cookies.txt"' in said) == account


def test_a_whole_channel_is_for_another_command() -> None:
    target = parse_target("https://x.com/search?q=ozen&f=live")
    assert isinstance(target, Target)
    reason = whole("search", target)
    assert next_action(Outcome.SKIPPED, reason, "") == f"run: archiver crawl '{target.url}'", "as a shell takes it"


@pytest.mark.parametrize(
    ("outcome", "reason", "step"),
    [
        (Outcome.REFUSED, "forbidden (HTTP 403)", "open it in a browser"),
        (Outcome.BLOCKED, "consent wall: the page's title is “Before you continue”", "answer its form"),
        (Outcome.BLOCKED, "rate limit (HTTP 429)", "wait a few hours"),
        (Outcome.FAILED, "no site was found under this name (ozen.example does not resolve)", "check the name"),
        (
            Outcome.FAILED,
            f"the host's certificate was not accepted (…: {SETTING} = true lets it be …)",
            "set fetch_missing",
        ),
        (Outcome.PARTIAL, str(PartlyDecoded("gzip", 12040, 3000)), "the site sent it broken"),
        (Outcome.PARTIAL, "kept as a page only, this form of link is not known", "check that the link is complete"),
        (Outcome.PARTIAL, "wording not known: the page says that it is an article, and has none", "open the link"),
        (Outcome.PARTIAL, "empty body", "open the link"),
        (Outcome.PARTIAL, "for subscribers, says the page", "it needs an account that may see it: save it"),
    ],
)
def test_the_next_step_fits_what_stood_in_the_way(outcome: Outcome, reason: str, step: str) -> None:
    assert next_action(outcome, reason, "id").startswith(step)


@pytest.mark.parametrize(
    ("cell", "said", "step"),
    [
        ("htps://news.ozen.example/a", "it begins with htps://", "Correct"),
        ("file:///C:/clip.mp4", "a file on a computer", "Take the file in with archiver receive."),
        ("somebody said so", "no link in it", "Correct"),
        ("note: at noon", "no link in it", "Correct"),
    ],
)
def test_a_row_without_a_link_says_what_it_holds(home: Home, cell: str, said: str, step: str) -> None:
    [row] = Batch(home, [Entry("row 2", cell, is_link=False)], CaptureOptions(), lambda _: None).rows()
    assert row.status == "not a link"
    assert said in row.reason
    assert row.next.startswith(step)


def test_statuses_are_counted_in_one_order_whatever_came_first(home: Home) -> None:
    entries = [
        Entry("row 2", "said so", is_link=False),
        Entry("row 3", "t.me/ozen_today/12"),
        Entry("row 4", "t.me/ozen_today/12"),
    ]
    assert Batch(home, entries, CaptureOptions(), lambda _: None).summary() == (
        "1 same as another row · 1 not a link · 1 not yet tried"
    )


def test_no_account_helps_with_an_address_that_is_never_asked() -> None:
    reason = "an address that is never contacted (127.0.0.1: loopback address)"
    for outcome in (Outcome.SKIPPED, Outcome.REFUSED):
        assert next_action(outcome, f"it led to http://127.0.0.1/: {reason}", "id").startswith(
            "check the link: it leads"
        )


def test_a_row_counts_files_and_the_posts_that_are_there(tmp_path: Path) -> None:
    target = parse_target("https://t.me/ozen_today/12")
    assert isinstance(target, Target)
    kept = {"post": 1, "page": 1, "comment": 4, "redirect": 2, "photo": 1}
    not_kept = [
        {"key": "post ozen_today/12 #1", "outcome": "failed", "reason": "0 bytes"},
        {"key": "post ozen_today/12", "outcome": "partial", "reason": "1 of 2 attachments not kept"},
        {"key": "post ozen_today/13", "outcome": "refused", "reason": "private"},
        {"key": "page", "outcome": "partial", "reason": "an error"},
        {"key": "requisite 1", "outcome": "unavailable", "reason": "not found (HTTP 404)"},
    ]
    result = CaptureResult(
        "id", "run", 1, target, Outcome.PARTIAL, "because", tmp_path, 2, kept, not_kept, 0, None, False
    )
    row = of_result(result, system_clock)
    assert (row.posts, row.files, row.missing) == (1, 1, 2)
    assert of_result(replace(result, outcome=Outcome.REFUSED), system_clock).posts == 0
