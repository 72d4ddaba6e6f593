"""Message framing: fed whole, byte by byte, in random pieces, and with trailing bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.recorder.framing import Body, End, Flaw, Framing, Head, Interim, Problem, Trailers
from tests.support.corpus import CORPUS, Case

pytestmark = pytest.mark.thorough("formats")


def run(
    data: bytes, pieces: list[int] | None, method: bytes = b"GET", close: bool = True
) -> tuple[bytes, bytes, list[str], bytes]:
    """(all bytes out again, payload, flaws and statuses in order, rest behind the message)."""
    framing = Framing(method)
    wire, payload, told, rest = b"", b"", [], b""
    cuts = pieces if pieces is not None else [len(data)]
    events = []
    at = 0
    for cut in cuts:
        piece, at = data[at : at + cut], at + cut
        if framing.complete:
            rest += piece
            continue
        events += framing.feed(piece)
    if close and not framing.complete:
        events += framing.eof()
    for event in events:
        if isinstance(event, Body):
            wire += event.wire
            payload += event.payload
        elif isinstance(event, Trailers):
            wire += event.raw
        elif isinstance(event, Head | Interim):
            wire += event.raw
            told.append(str(event.status))
        elif isinstance(event, Problem):
            wire += event.raw
            told.append(event.flaw.name)
        elif isinstance(event, End):
            rest = event.rest + rest
            told.append("end")
    return wire, payload, told, rest


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_every_byte_comes_out_again_however_it_is_fed(case: Case) -> None:
    whole = run(case.raw, None, case.method)
    assert whole[0] + whole[3] == case.raw
    single = run(case.raw, [1] * len(case.raw), case.method) if len(case.raw) < 20000 else whole
    assert (single[0], single[2], single[3]) == (whole[0], whole[2], whole[3])
    answered = any(one.isdigit() and one >= "200" for one in whole[2])
    assert single[1] == whole[1] or not answered  # what is no answer has no payload
    trailing = run(case.raw + b"HTTP/1.1 200 OK\r\n\r\n", None, case.method)
    assert trailing[0] + trailing[3] == case.raw + b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    "case", [case for case in CORPUS if case.flaw or case.payload is not None], ids=lambda case: case.name
)
def test_payload_and_flaw(case: Case) -> None:
    _, payload, told, _ = run(case.raw, None, case.method)
    if case.flaw is not None:
        assert case.flaw.name in told
    else:
        assert payload == case.payload
        assert told[-1] == "end"


@given(st.data())
def test_random_pieces_change_nothing(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([case for case in CORPUS if len(case.raw) < 5000]))
    cuts = data.draw(st.lists(st.integers(1, 50), min_size=1, max_size=400))
    cuts.append(max(0, len(case.raw) - sum(cuts)) + 1)
    pieces, whole = run(case.raw, cuts, case.method), run(case.raw, None, case.method)
    assert (pieces[0], pieces[2], pieces[3]) == (whole[0], whole[2], whole[3])
    assert case.flaw is not None or pieces[1] == whole[1]


@given(st.binary(max_size=400))
def test_any_bytes_are_kept(data: bytes) -> None:
    wire, _, _, rest = run(data, None)
    assert wire + rest == data


@given(st.binary(max_size=300), st.lists(st.integers(1, 40), max_size=10))
def test_chunks_decode_to_what_was_encoded(body: bytes, sizes: list[int]) -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    at = 0
    for size in [*sizes, len(body) + 1]:
        piece, at = body[at : at + size], at + size
        if piece:
            raw += f"{len(piece):x};x=y\r\n".encode() + piece + b"\r\n"
    raw += b"0\r\nX-Trailer: 1\r\n\r\n"
    wire, payload, told, rest = run(raw, None)
    assert (wire, payload, told[-1], rest) == (raw, body, "end", b"")


def test_requests_are_framed_too() -> None:
    framing = Framing(None)
    events = framing.feed(b"POST http://example.org/a HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3\r\n\r\nabcGET")
    assert isinstance(events[0], Head)
    assert events[0].method == b"POST"
    assert events[-1] == End(b"GET")


def test_head_that_never_ends_is_refused() -> None:
    framing = Framing(b"GET")
    events = framing.feed(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000)
    assert isinstance(events[0], Problem)
    assert events[0].flaw is Flaw.HEAD_TOO_LONG


def test_nothing_at_all_is_no_answer() -> None:
    events = Framing(b"GET").eof()
    assert isinstance(events[0], Problem)
    assert events[0].flaw is Flaw.NO_ANSWER
