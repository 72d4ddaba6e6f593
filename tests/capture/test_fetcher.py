"""What follows an answer to a fetch: pure steps, without a server."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.fetcher import AskAgain, FetchAttempt, Finished, next_step, take
from archiver.capture.resume import PartialFile
from archiver.recorder.exchange import ExchangeDone
from spiders.http_values import digits
from spiders.posts import Outcome
from storage.assembly import Piece
from storage.records import RecordRef

PAUSES = (0.5, 2.0)
WHEN = datetime(2022, 1, 5, tzinfo=UTC)
URL = "https://film.example/film.mp4"


def answer(status: int | None, size: int = 0, problem: str | None = None, **fields: str) -> ExchangeDone:
    """One that is recorded as `<new>`, if it has a status."""
    record = (
        None
        if status is None
        else RecordRef("<new>", "response", URL, WHEN, "a.warc.gz", 0, 10, "sha256:0", None, None)
    )
    named = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return ExchangeDone("film", URL, status, named, record, problem=problem, size=size)


def held(size: int, total: int | None = 100, capture: str | None = None) -> PartialFile:
    return PartialFile([Piece("<old>", 0, size, capture)] if size else [], total, '"v1"')


def after(part: PartialFile, done: ExchangeDone, idle: int = 0, stopped: str | None = None) -> Finished | AskAgain:
    """The step after `done`, when `part` was held."""
    more, problem = take(part, done, None) if done.status in (200, 206) else (part, None)
    return next_step(FetchAttempt(done, part.size, more, problem, 0, idle, stopped), None, PAUSES)


def said(step: Finished | AskAgain) -> tuple[str, str | None, int]:
    assert isinstance(step, Finished)
    return str(step.file.outcome), step.file.reason, step.file.size


CUT = "connection lost"
PART = {"content_range": "bytes 40-69/100"}


@pytest.mark.parametrize(
    ("step", "result"),
    [
        (after(held(0, None), answer(200, 100, content_length="100")), ("captured", None, 100)),
        (after(held(0, None), answer(200, 100)), ("captured", None, 100)),
        (after(held(40), answer(206, 60, content_range="bytes 40-99/100")), ("captured", None, 100)),
        (after(held(100), answer(416)), ("captured", None, 100)),
        (after(held(40), answer(404)), ("partial", "40 of 100 bytes kept, then: not found (HTTP 404)", 40)),
        (after(held(0, None), answer(404)), ("unavailable", "not found (HTTP 404)", 0)),
        (
            after(held(40), answer(206, 60, content_range="bytes 0-59/100")),
            ("partial", "the server sent the part from byte 0 where 40 was requested", 40),
        ),
        (
            after(held(40), answer(206, 20, content_range="bytes 40-59/90")),
            ("partial", "the file changed from 100 to 90 bytes while it was fetched", 40),
        ),
        (after(held(40), answer(206, 20)), ("partial", "the server answered 206 without saying which part it is", 40)),
        (
            after(held(40), answer(206, 30, CUT, accept_ranges="none", **PART)),
            ("partial", f"70 of 100 bytes kept; cut short: {CUT}", 70),
        ),
        (after(held(40), answer(206, 30, **PART), stopped="limit"), ("partial", "limit", 70)),
        (
            after(held(40), answer(206, 0, CUT, **PART), idle=2),
            ("partial", f"40 of 100 bytes kept; cut short: {CUT}", 40),
        ),
    ],
)
def test_what_ends_a_fetch(step: Finished | AskAgain, result: tuple[str, str | None, int]) -> None:
    assert said(step) == result


@pytest.mark.parametrize(
    ("step", "again"),
    [
        (after(held(40), answer(206, 30, **PART)), AskAgain(0.0, 0)),
        (after(held(40), answer(206, 30, CUT, **PART), idle=1), AskAgain(0.0, 0)),
        (after(held(40), answer(206, 0, CUT, **PART)), AskAgain(2.0, 1)),
        (after(held(40), answer(None, problem=CUT)), AskAgain(0.5, 1)),
        (after(held(40), answer(503), idle=1), AskAgain(2.0, 2)),
    ],
)
def test_what_is_asked_again_and_when(step: Finished | AskAgain, again: AskAgain) -> None:
    assert step == again


def test_the_record_is_the_one_of_this_capture() -> None:
    step = after(held(40, capture="earlier"), answer(206, 60, content_range="bytes 40-99/100"))
    assert isinstance(step, Finished)
    assert step.file.record == "<new>"


@given(
    held=st.integers(0, 120), status=st.sampled_from([None, 200, 206, 404, 416, 500]), size=st.integers(0, 120),
    start=st.integers(0, 120), total=st.integers(0, 120), idle=st.integers(0, 3), problem=st.sampled_from([None, CUT]),
)  # fmt: skip
def test_it_ends_and_captured_means_all_of_it(
    held: int, status: int | None, size: int, start: int, total: int, idle: int, problem: str | None
) -> None:
    part = PartialFile([Piece("<old>", 0, held)] if held else [], 100, '"v1"')
    fields = (
        {"content_range": f"bytes {start}-{start + size}/{total}"} if status == 206 else {"content_length": f"{total}"}
    )
    done = answer(status, size, problem if status is not None else CUT, **fields)
    more, _ = take(part, done, None) if status in (200, 206) else (part, None)
    step = after(part, done, idle)
    if isinstance(step, AskAgain):
        assert step.idle > idle or more.size > part.size, "asking again without an end"
        assert step.idle <= len(PAUSES)
    elif step.file.outcome is Outcome.CAPTURED:
        assert more.total is None or step.file.size >= more.total


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("", None), (None, None), ("²", None), ("٣", None), ("-1", None), ("9" * 5000, None)],
)
def test_numbers_that_servers_state(text: str | None, number: int | None) -> None:
    assert digits(text) == number
