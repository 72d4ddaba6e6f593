"""Bytes in the WARC equal the bytes sent, for the whole corpus, over plain sockets and TLS; every refusal has a typed outcome."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from archiver.checks.captures import check_records
from archiver.checks.lines import Finding
from archiver.checks.warcs import read_records
from archiver.export import check as stand_alone
from archiver.recorder.exchange import ExchangeDone
from archiver.recorder.proxy import Port, Recorder
from archiver.recorder.upstream import Request
from storage.capture import CaptureWriter
from storage.warc import read_warc
from tests.support.corpus import CORPUS
from tests.support.rawserver import RawServer


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RawServer]:
    made = RawServer(tmp_path / "server", request.param)
    yield made
    made.close()


def asked(recorder: Recorder, port: Port, method: bytes, link: str, tag: str) -> Future[ExchangeDone]:
    """Ask by that method, straight into the WARC."""
    secure = link.startswith("https")
    host, _, path = link.partition("://")[2].partition("/")
    head = method + f" /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    request = Request(method, link, "https" if secure else "http", host, 443 if secure else 80, head, tag=tag)
    return recorder.call(port._exchanger.run(request, None))


def blocks(folder: Path) -> dict[str, list[tuple[str, bytes]]]:
    """Link → (record type, raw block), read by warcio without parsing HTTP."""
    from warcio.archiveiterator import ArchiveIterator

    found: dict[str, list[tuple[str, bytes]]] = {}
    for path in sorted(folder.glob("*.warc.gz")):
        with open(path, "rb") as stream:
            for record in ArchiveIterator(stream, no_record_parse=True):
                uri = record.rec_headers.get_header("WARC-Target-URI") or ""
                found.setdefault(uri, []).append((record.rec_type, record.raw_stream.read()))
    return found


def test_the_corpus_is_kept_byte_for_byte(
    server: RawServer, new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder]
) -> None:
    assert len(CORPUS) >= 200
    recorder = open_recorder(network=server.network)
    writer = new_writer("wire")
    port = recorder.open(writer)
    outcomes = {}
    for number, case in enumerate(CORPUS):
        path = f"/{number}"
        server.answers[path] = case.raw
        outcomes[case.name] = asked(recorder, port, case.method, f"{server.base}{path}", case.name)
    done = {name: future.result(60) for name, future in outcomes.items()}
    port.close()
    writer.close("captured", None)
    kept = blocks(writer.folder)
    right = 0
    for number, case in enumerate(CORPUS):
        uri = f"{server.base}/{number}"
        records = kept[uri] + kept.get(f"urn:archiver:unparsed:{uri}", []) + kept.get(f"urn:archiver:excess:{uri}", [])
        answer = [block for kind, block in records if kind == "metadata"]
        answer += [block for kind, block in records if kind in ("response", "resource")]
        assert b"".join(answer) == case.raw, case.name
        right += 1
        outcome = done[case.name]
        if case.flaw is not None:
            assert outcome.problem == case.flaw, case.name
            assert not outcome.complete
        else:
            assert outcome.complete, (case.name, outcome.problem, outcome.truncated)
    assert right >= 200
    listed = [json.loads(line) for line in (writer.folder / "records.jsonl").read_bytes().splitlines()]
    line = check_records("wire", writer.folder, listed, False)
    at = [
        (one.get("tag"), one["uri"], one.get("chunked"), one.get("truncated"))
        for one in listed
        if str(one["offset"]) in line.detail
    ]
    assert line.finding is Finding.INTACT, (line.detail, at)
    for path in writer.folder.glob("*.warc.gz"):
        with open(path, "rb") as stream:  # the check that goes with packages, which shares no code with either
            for line in (one for one in listed if one["file"] == path.name):
                fields, body, _ = stand_alone.read_record(stream, line["offset"], line["length"])
                stand_alone.one_record(fields, body, line, dict.fromkeys(one["id"] for one in listed), False)
        for program in ("warcio", "fastwarc"):
            command = [str(Path(sys.executable).parent / program), "check", str(path)]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stdout + ran.stderr


def test_digests_of_chunked_bodies_are_over_the_decoded_payload(
    tmp_path: Path, new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder]
) -> None:
    from storage.digest import sha256_label

    server = RawServer(tmp_path / "server", True)
    server.answers["/c"] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: 1\r\n\r\n"
    recorder, writer = open_recorder(network=server.network), new_writer("chunked")
    done = recorder.open(writer).fetch(f"{server.base}/c", []).result(30)
    server.close()
    assert done.record is not None
    assert done.record.payload_digest == sha256_label(b"abc")
    writer.close("captured", None)
    [record] = [r for r in _all(writer.folder) if r == "response"]
    found = next(
        r for p in writer.folder.glob("*.warc.gz") for r in read_records(p) if r.get("WARC-Type") == "response"
    )
    assert found.get("WARC-Payload-Digest") is None
    assert found.decoded_digest == sha256_label(b"abc")
    assert record == "response"


def _all(folder: Path) -> list[str]:
    return [record.type for path in folder.glob("*.warc.gz") for record in read_warc(open(path, "rb"))]


def test_missing_close_notify_is_a_truncation(
    tmp_path: Path, new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder]
) -> None:
    """A close-delimited body that TLS did not end could have been cut by anybody."""
    server = RawServer(tmp_path / "server", True)
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it?"
    server.answers |= {"/abrupt": answer, "/clean": answer}
    server.abrupt.add("/abrupt")
    recorder, writer = open_recorder(network=server.network), new_writer("close")
    port = recorder.open(writer)
    clean = port.fetch(f"{server.base}/clean", []).result(30)
    abrupt = port.fetch(f"{server.base}/abrupt", []).result(30)
    server.close()
    assert clean.complete
    assert (abrupt.truncated, abrupt.problem) == ("disconnect", "ended without close_notify")
    writer.close("partial", "test")
    truncated = [
        found.get("WARC-Truncated")
        for path in writer.folder.glob("*.warc.gz")
        for found in read_records(path)
        if found.get(
            "WARC-Target-URI",
        )
        == f"{server.base}/abrupt"
        and found.get("WARC-Type") == "response"
    ]
    assert truncated == ["disconnect"]


def test_requests_go_out_and_are_kept_as_they_were_written(
    tmp_path: Path, new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder]
) -> None:
    """Order, case and repetitions of a client's own fields; only the proxy's are stripped."""
    import socket

    server = RawServer(tmp_path / "server", False)
    server.answers["/r?q=%D0%B0&q=b"] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    recorder, writer = open_recorder(network=server.network), new_writer("requests")
    port = recorder.open(writer)
    client = socket.create_connection(port.address)
    sent = (
        f"POST {server.base}/r?q=%D0%B0&q=b HTTP/1.1\r\nhOsT: raw.example.org\r\nX-Twice: 1\r\nProxy-Connection: keep-alive\r\n"
        f"Proxy-Authorization: {port.authorization}\r\nX-Twice:  2\r\nArchiver-Tag: t1\r\nContent-Length: 4\r\n\r\nbody"
    )
    client.sendall(sent.encode())
    answer = b""
    while b"ok" not in answer:
        answer += client.recv(4096)
    client.close()
    port.close()
    server.close()
    writer.close("captured", None)
    expected = b"POST /r?q=%D0%B0&q=b HTTP/1.1\r\nhOsT: raw.example.org\r\nX-Twice: 1\r\nX-Twice:  2\r\nContent-Length: 4\r\n\r\nbody"
    assert server.received == [expected]
    kept = blocks(writer.folder)[f"{server.base}/r?q=%D0%B0&q=b"]
    assert ("request", expected) in kept
    assert answer == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
