"""The recorder as a proxy: clients, secrets, limits, large bodies."""

from __future__ import annotations

import gzip
import os
import re
import resource
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.checks.warcs import problems_of, read_records
from archiver.recorder.exchange import ExchangeDone, Limits
from archiver.recorder.proxy import Recorder
from storage.capture import CaptureWriter
from storage.digest import sha256_label
from storage.lines import read_lines
from tests.conftest import need
from tests.support.rawserver import RawServer

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok"
Make = Callable[..., CaptureWriter]
Open = Callable[..., Recorder]


def curl(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([need("curl"), "-sS", "--max-time", "60", *words], capture_output=True, check=False)


def test_curl_through_connect_gets_the_same_bytes(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    server = RawServer(tmp_path / "server", True)
    body = os.urandom(3_000_000)
    server.answers["/v"] = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 3000000\r\n\r\n" + body
    recorder, writer = open_recorder(network=server.network), new_writer("curl")
    port = recorder.open(writer)
    authority = tmp_path / "authority.pem"
    authority.write_bytes(recorder.authority.pem)
    ran = curl("-x", port.proxy_url, "--cacert", str(authority), f"{server.base}/v")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == body
    port.close()
    server.close()
    writer.close("captured", None)
    [response] = [line for line in read_lines(writer.folder / "records.jsonl") if line["type"] == "response"]
    assert response["payload_digest"] == sha256_label(body)
    for path in writer.folder.glob("*.warc.gz"):
        for found in read_records(path):
            assert problems_of(found) == []


def test_without_the_token_nothing_is_recorded(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    server = RawServer(tmp_path / "server", False)
    server.answers["/a"] = OK
    port = open_recorder(network=server.network).open(new_writer("token"))
    ran = curl("-i", "-x", f"http://{port.address[0]}:{port.address[1]}", f"{server.base}/a")
    assert b"407" in ran.stdout.split(b"\r\n")[0]
    assert server.received == []
    assert port.token not in repr(port)
    server.close()


def test_a_refusal_is_marked_as_ours(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    port = open_recorder().open(new_writer("refusal"))
    ran = curl("-i", "-x", port.proxy_url, "http://127.0.0.1:9/")
    assert b"502 Recorder" in ran.stdout
    assert f"Archiver-Error: {port.token} refused address".encode() in ran.stdout


def test_keep_alive_uses_one_connection(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    server = RawServer(tmp_path / "server", True)
    for path in ("/a", "/b", "/c"):
        server.answers[path] = OK
        server.keep_open.add(path)
    writer = new_writer("keepalive")
    port = open_recorder(network=server.network).open(writer)
    for path in ("/a", "/b", "/c"):
        assert port.fetch(f"{server.base}{path}", []).result(30).complete
    port.close()
    server.close()
    writer.close("captured", None)
    chains = [line for line in read_lines(writer.folder / "records.jsonl") if "urn:archiver:tls" in (line["uri"] or "")]
    assert len(chains) == 1


def test_a_connection_that_died_idle_is_replaced(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    """The server closes after a keep-alive answer; the next request must not be lost, nor asked twice."""
    server = RawServer(tmp_path / "server", False)
    server.answers |= {"/a": OK, "/b": OK}
    port = open_recorder(network=server.network).open(new_writer("idle"))
    assert port.fetch(f"{server.base}/a", []).result(30).complete
    assert port.fetch(f"{server.base}/b", []).result(30).complete
    assert len(server.received) == 2
    server.close()


def test_expect_100_continue(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    server = RawServer(tmp_path / "server", False)
    server.answers["/up"] = OK
    writer = new_writer("continue")
    port = open_recorder(network=server.network).open(writer)
    body = "x" * 2000
    ran = curl("-x", port.proxy_url, "-H", "Expect: 100-continue", "-d", body, f"{server.base}/up")
    assert ran.stdout == b"ok", ran.stderr
    assert server.received[0].endswith(body.encode())
    port.close()
    server.close()
    writer.close("captured", None)
    lines = list(read_lines(writer.folder / "records.jsonl"))
    assert [line["type"] for line in lines if line.get("interim")] == ["metadata"]
    [request] = [line for line in lines if line["type"] == "request"]
    assert request["payload_digest"] == sha256_label(body.encode())


SECRETS = [
    b"sid=Kq8TjP2xV9bN",
    b"Bearer eyJhbGciOiJub25lIn0.c2VjcmV0",
    b"csrf-3f9a77d2c1",
    b"guest-1629262255744503809",
    b"Zx81-configured-value",
]


def test_planted_secrets_are_in_no_file(
    tmp_path: Path, new_writer: Make, open_recorder: Open, age_identity: object
) -> None:
    """Cookie, bearer and CSRF token, in and out, echoed in a header and a link; also in compressed files."""
    import pyrage

    server = RawServer(tmp_path / "server", True)
    head = b"HTTP/1.1 302 Found\r\nSet-Cookie: session=aPl4nt3dC00kie; Path=/\r\nset-cookie: second=aPl4nt3dSecond\r\n"
    head += b"X-CSRF-Token: csrf-3f9a77d2c1\r\nLocation: /next?back=aPl4nt3dC00kie\r\nContent-Length: 0\r\n\r\n"
    server.answers |= {"/in?k=Zx81-configured-value": head, "/next": OK}
    writer = new_writer("secrets")
    port = open_recorder(network=server.network).open(writer, secret_values=[b"Zx81-configured-value"])
    fields = [
        ("Cookie", SECRETS[0].decode()), ("Authorization", SECRETS[1].decode()),
        ("X-Csrf-Token", SECRETS[2].decode()), ("x-guest-token", SECRETS[3].decode()), ("X-Plain", "kept as it is"),
    ]  # fmt: skip
    done = port.fetch(f"{server.base}/in?k=Zx81-configured-value", fields).result(30)
    assert done.status == 302
    assert b"Kq8TjP2xV9bN" in server.received[0], "what goes out is not changed"
    port.close()
    server.close()
    manifest = writer.close("captured", None)
    planted = [*SECRETS, b"Kq8TjP2xV9bN", b"aPl4nt3dC00kie", b"aPl4nt3dSecond", b"c2VjcmV0"]
    everything = b""
    for path in sorted(writer.folder.iterdir()):
        data = path.read_bytes()
        plain = gzip.decompress(data) if path.suffix == ".gz" else data
        everything += plain
        for secret in planted:
            assert secret not in data, path.name
            assert secret not in plain, path.name
    assert b"X-Plain: kept as it is" in everything
    assert b"withheld sha256:" in everything
    assert b'"request cookie":1' in manifest
    private = pyrage.decrypt((writer.folder / "private.age").read_bytes(), [age_identity])
    import base64
    import json

    values = json.loads(private)["values"]
    assert base64.b64encode(SECRETS[0]).decode() in [value["value_base64"] for value in values]
    for value in values:
        salted = bytes.fromhex(value["salt"]) + base64.b64decode(value["value_base64"])
        assert sha256_label(salted) == "sha256:" + value["commitment"]
        assert value["commitment"].encode() in everything


def test_equal_secrets_do_not_look_equal(new_writer: Make) -> None:
    writer = new_writer("salts")
    first, second = writer.withhold([("request", "cookie", b"same"), ("request", "cookie", b"same")])
    assert first.commitment != second.commitment


def test_memory_does_not_grow_with_a_body(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    """256 MiB through the recorder: the process grows by less than 60 MB."""
    from archiver.demo.server import Answer, Platforms

    piece = os.urandom(1 << 20)
    served = Platforms(
        tmp_path / "served", {"big.example": lambda asked: Answer(content_type="video/mp4", body=piece, repeat=256)}
    )
    port = open_recorder(network=served.network).open(new_writer("memory"))
    assert port.fetch("https://big.example/warm-up", []).result(120).complete
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = port.fetch("https://big.example/v", []).result(120)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    served.stop()
    assert done.complete
    assert done.size == 256 << 20
    assert (after - before) / 1024 < 60


def test_what_arrived_is_filed_before_a_fault_of_ours_is_heard_of(
    tmp_path: Path, new_writer: Make, open_recorder: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str | None) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("archiver.recorder.exchange.http_date", broken)
    server = RawServer(tmp_path / "server", False)
    server.answers["/a"] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    writer = new_writer("fault")
    port = open_recorder(network=server.network).open(writer)
    with pytest.raises(RuntimeError):
        port.fetch(f"{server.base}/a", []).result(30)
    server.close()
    port.close()
    writer.close("captured", None)
    [line] = [line for line in read_lines(writer.folder / "records.jsonl") if line["type"] == "response"]
    assert (line["status"], line["problem"], line["truncated"]) == (200, "a fault of ours", "unspecified")


@pytest.mark.parametrize("end", [b"\r\n", b"", b"no field\r\n\r\n"], ids=["whole", "cut", "broken"])
def test_secrets_in_trailers_are_withheld(tmp_path: Path, new_writer: Make, open_recorder: Open, end: bytes) -> None:
    server = RawServer(tmp_path / "server", False)
    secret = b"sid-0f3e9c2a77"
    trailers = b"X-Sum: 1\r\nSet-Cookie: sid=" + secret + b"; Path=/\r\n"
    server.answers["/a"] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n" + trailers + end
    writer = new_writer("trailers")
    port = open_recorder(network=server.network).open(writer)
    done = port.fetch(f"{server.base}/a", [], keep_body=10).result(30)
    server.close()
    port.close()
    writer.close("captured", None)
    assert done.body == b"abc"
    [line] = [line for line in read_lines(writer.folder / "records.jsonl") if line["type"] == "response"]
    assert [held["name"] for held in line["withheld"]] == ["set-cookie"]
    with open(writer.folder / line["file"], "rb") as stream:
        stream.seek(line["offset"])
        kept = gzip.decompress(stream.read(line["length"]))
    assert secret not in kept
    assert b"X-Sum: 1\r\nSet-Cookie: withheld sha256:" in kept


@pytest.mark.parametrize(
    ("limits", "problem", "truncated"),
    [
        (Limits(response_bytes=50_000), "response too large", "length"),
        (Limits(capture_bytes=60_000), "capture limit reached", "length"),
    ],
)
def test_limits_on_bytes(
    tmp_path: Path, new_writer: Make, open_recorder: Open, limits: Limits, problem: str, truncated: str
) -> None:
    server = RawServer(tmp_path / "server", False)
    server.answers["/a"] = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + bytes(5000000)
    port = open_recorder(network=server.network).open(new_writer("limits"), limits)
    done = port.fetch(f"{server.base}/a", []).result(30)
    server.close()
    assert (done.problem, done.truncated) == (problem, truncated)
    assert done.record is not None
    assert done.record.line["truncated"] == truncated


def test_a_trickle_is_cut_by_time_and_kept(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    server = RawServer(tmp_path / "server", False)
    gate = threading.Event()
    server.pieces["/slow"] = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe first bytes", b"never in time"]
    server.gates["/slow"] = gate
    port = open_recorder(network=server.network).open(new_writer("trickle"), Limits(response_seconds=0.4))
    done = port.fetch(f"{server.base}/slow", []).result(30)
    gate.set()
    server.close()
    assert (done.problem, done.truncated, done.size) == ("too slow", "time", 15)


def test_the_client_sees_the_end_only_after_the_record_is_there(
    tmp_path: Path, new_writer: Make, open_recorder: Open
) -> None:
    """When curl has the last byte, the exchange can already be read from the WARC."""
    server = RawServer(tmp_path / "server", False)
    body = os.urandom(2_500_000)
    server.answers["/v"] = b"HTTP/1.1 200 OK\r\nContent-Length: 2500000\r\n\r\n" + body
    writer = new_writer("order")
    port = open_recorder(network=server.network).open(writer)
    for number in range(1, 6):
        assert curl("-x", port.proxy_url, f"{server.base}/v").stdout == body
        responses = [line for line in read_lines(writer.folder / "records.jsonl.open") if line["type"] == "response"]
        assert len(responses) == number
        path = writer.folder / f"{responses[-1]['file']}.open"
        found = [r for r in read_records(path) if r.offset == responses[-1]["offset"]]
        assert found[0].payload_digest == sha256_label(body)
    server.close()


def test_a_client_that_leaves_leaves_a_truncated_record(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    import socket

    server = RawServer(tmp_path / "server", False)
    gate = threading.Event()
    server.pieces["/v"] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 11000000\r\n\r\n" + bytes(3_000_000),
        bytes(4_000_000),
        bytes(4_000_000),
    ]
    server.gates["/v"] = gate
    ended = threading.Event()
    results: list[ExchangeDone] = []

    def done(item: ExchangeDone) -> None:
        results.append(item)
        ended.set()

    port = open_recorder(network=server.network).open(new_writer("gone"), on_done=done)
    client = socket.create_connection(port.address)
    client.sendall(
        f"GET {server.base}/v HTTP/1.1\r\nHost: x\r\nProxy-Authorization: {port.authorization}\r\n\r\n".encode()
    )
    client.recv(1000)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    gate.set()
    assert ended.wait(30)
    server.close()
    assert results[0].truncated in ("unspecified", None)
    assert results[0].record is not None


def test_a_port_that_is_closed_records_nothing_more(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    server = RawServer(tmp_path / "server", False)
    server.answers["/a"] = OK
    port = open_recorder(network=server.network).open(new_writer("closed"))
    port.close()
    assert curl("-x", port.proxy_url, f"{server.base}/a").returncode != 0
    assert server.received == []
    server.close()


def test_rate_limit_answers_are_passed_to_the_limiter(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    told: list[tuple[str, float]] = []

    class Watching:
        async def acquire(self, host: str) -> None:
            return

        def release(self, host: str) -> None:
            return

        def penalise(self, host: str, seconds: float) -> None:
            told.append((host, seconds))

        def close(self) -> None:
            return

    def close(self) -> None:
        pass

    server = RawServer(tmp_path / "server", False)
    server.answers["/a"] = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    server.answers["/b"] = b"HTTP/1.1 503 X\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n"
    port = open_recorder(network=server.network, limiter=Watching()).open(new_writer("limiter"))
    port.fetch(f"{server.base}/a", []).result(30)
    port.fetch(f"{server.base}/b", []).result(30)
    server.close()
    assert told == [("raw.example.org", 7.0), ("raw.example.org", 1.0)]


def test_closing_one_capture_does_not_deafen_another(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    """Ports that close with clients still connected give their descriptors to the next connection in the same round."""
    import socket

    server = RawServer(tmp_path / "server", False)
    server.answers["/a"] = OK
    server.keep_open.add("/a")
    recorder = open_recorder(network=server.network)
    steady = recorder.open(new_writer("steady"))
    for number in range(30):
        port = recorder.open(new_writer(f"short-{number}"))
        clients = [socket.create_connection(port.address) for _ in range(4)]
        for client in clients:
            client.sendall(
                f"GET {server.base}/a HTTP/1.1\r\nHost: x\r\nProxy-Authorization: {port.authorization}\r\n\r\n".encode()
            )
            assert client.recv(4096).startswith(b"HTTP/1.1 200")
        waiting = [steady.fetch(f"{server.base}/a", []) for _ in range(6)]
        port.close()
        waiting += [steady.fetch(f"{server.base}/a", []) for _ in range(6)]
        for future in waiting:
            done = future.result(10)
            assert done.complete, (done.problem, done.detail)
        for client in clients:
            client.close()
    server.close()


def test_the_report_is_out_before_the_client_sees_the_end(
    tmp_path: Path, new_writer: Make, open_recorder: Open
) -> None:
    """Who acts on an answer can rely on its report being there: a spider must never outrun the recorder."""
    import socket

    server = RawServer(tmp_path / "server", False)
    server.answers["/a"] = OK
    reported: list[str | None] = []
    port = open_recorder(network=server.network).open(
        new_writer("order"), on_done=lambda done: reported.append(done.tag)
    )
    for number in range(200):
        with socket.create_connection(port.address) as client:
            text = f"GET {server.base}/a HTTP/1.1\r\nHost: x\r\nArchiver-Tag: {number}\r\n"
            client.sendall(f"{text}Proxy-Authorization: {port.authorization}\r\n\r\n".encode())
            answer = b""
            while not answer.endswith(b"\r\n\r\nok"):
                answer += client.recv(4096)
            assert reported[-1] == str(number)
    server.close()


# -- links on the wire ------------------------------------------------------------------------------------------------


def request_lines(server: RawServer) -> list[bytes]:
    return [request.partition(b"\r\n")[0] for request in server.received]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/my photo.jpg", "/my%20photo.jpg"),
        ("/a%20b%2f%C3%BC", "/a%20b%2f%C3%BC"),
        ("/100%", "/100%25"),
        ("/%zz%4", "/%25zz%254"),
        ('/"<>^`{|}', "/%22%3C%3E%5E%60%7B%7C%7D"),
        ("\\img\\photo.png?a\\b", "/img/photo.png?a%5Cb"),
        ("\\@evil.example/q.png", "/@evil.example/q.png"),
        ("/ü?ö=[1]&'(x)", "/%C3%BC?%C3%B6=%5B1%5D&'(x)"),
        ("/a/b/../%2E%2e/c/./d/..", "/c/"),
        ("/\ud800x", "/%EF%BF%BDx"),
        ("?q= ", "/?q=%20"),
        ("/a#b c", "/a"),
        ("/\u2028\x85", "/%E2%80%A8%C2%85"),
    ],
)
def test_what_has_no_place_in_a_link_is_encoded(
    tmp_path: Path, new_writer: Make, open_recorder: Open, path: str, target: str
) -> None:
    server = RawServer(tmp_path / "server", False)
    server.answers[target] = OK
    port = open_recorder(network=server.network).open(new_writer("encoded"))
    done = port.fetch(f"{server.base}{path}", []).result(30)
    assert request_lines(server) == [f"GET {target} HTTP/1.1".encode()]
    assert done.complete
    assert done.uri.isascii()
    server.close()


@pytest.mark.parametrize(
    ("link", "detail"),
    [
        ("http://raw.example.org/\r\nHost: evil", "a control character in it"),
        ("http://raw.example.org/\x00", "a control character in it"),
        ("http://raw.example.org/a\tb", "a control character in it"),
        ("http://raw.example.org/\x7f", "a control character in it"),
        ("http://[x/", "its host is neither a name nor an address"),
        ("http://[::1/", "its host is neither a name nor an address"),
        ("http:///x", "its host is neither a name nor an address"),
        ("http://a b/", "its host is neither a name nor an address"),
        ("http://a..b/", "its host is neither a name nor an address"),
        ("http://raw.example.org%0d%0a/", "its host is neither a name nor an address"),
        (f"http://{'a' * 64}.example/", "its host is neither a name nor an address"),
        ("http://ü..example/", "its host is neither a name nor an address"),
        ("http://ü.example:abc/", "its port is no number from 1 to 65535"),
        ("http://raw.example.org:0/", "its port is no number from 1 to 65535"),
        ("http://raw.example.org:99999/", "its port is no number from 1 to 65535"),
        ("http://raw.example.org:٣/", "its port is no number from 1 to 65535"),
        ("http://[fe80::1%25eth0]/", "its host is neither a name nor an address"),
        ("http://user:hunter2@raw.example.org/", "a name or password in it"),
        ("http://raw.example.org@evil.example/", "a name or password in it"),
        ("ftp://raw.example.org/", "only http and https are fetched"),
        ("", "only http and https are fetched"),
    ],
)
def test_what_is_no_link_is_not_asked_for(
    tmp_path: Path, new_writer: Make, open_recorder: Open, link: str, detail: str
) -> None:
    server = RawServer(tmp_path / "server", False)
    port = open_recorder(network=server.network).open(new_writer("refused"))
    done = port.fetch(link, []).result(30)
    assert (done.problem, done.detail, done.record) == ("unsupported link", detail, None)
    assert server.received == []
    assert port.stopped is None, "what follows is asked for"
    server.close()


def test_a_field_with_a_line_end_is_not_sent(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    server = RawServer(tmp_path / "server", False)
    port = open_recorder(network=server.network).open(new_writer("field"))
    done = port.fetch(f"{server.base}/a", [("Referer", "x\r\nCookie: y")]).result(30)
    assert (done.problem, server.received) == ("unsupported link", [])
    assert port.fetch(f"{server.base}/b", [("Referer", "http://қ.example/")]).result(30).status == 404
    server.close()


def test_any_text_as_a_link_is_one_request_line_or_a_reason(
    tmp_path: Path, new_writer: Make, open_recorder: Open
) -> None:
    """By our own fetcher and by a client in absolute form or in a tunnel: visible ASCII, two blanks, or nothing is sent."""
    server = RawServer(tmp_path / "server", False)
    port = open_recorder(network=server.network).open(new_writer("any"))

    def sent(ask: Callable[[], object]) -> tuple[object, list[bytes]]:
        server.received.clear()
        return ask(), request_lines(server)

    def by_client(link: str) -> bytes:
        head = (
            f"GET {link} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: {port.authorization}\r\nConnection: close\r\n\r\n"
        )
        with socket.create_connection(port.address) as client:
            client.sendall(head.encode("utf-8", "surrogatepass"))
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b""))

    odd = st.sampled_from(
        [" ", "%", "%2", "\r\n", "\n", "\x00", "\t", "ü", "#", "?", "@", "[", "{|}", '"', "\x7f", "\u2028"]
    )
    texts = st.lists(odd | st.text(max_size=4), max_size=6).map("".join)

    @settings(max_examples=60, deadline=None)
    @given(texts, st.sampled_from(["http://raw.example.org/", "http://raw.example.org", ""]))
    def check(text: str, start: str) -> None:
        done, lines = sent(lambda: port.fetch(start + text, [], tag="t").result(30))
        assert isinstance(done, ExchangeDone)
        assert lines or (done.problem and done.detail)
        answer, by_proxy = sent(lambda: by_client(start + text))
        assert by_proxy or b"Archiver-Error" in answer  # type: ignore[operator]
        for line in [*lines, *by_proxy]:
            assert re.fullmatch(rb"GET /[!-~]* HTTP/1\.1", line), line

    check()
    server.close()


def test_a_client_s_own_visible_target_goes_out_as_it_was_sent(
    tmp_path: Path, new_writer: Make, open_recorder: Open
) -> None:
    """A browser writes `|` and `"` as they are: the request is its, not ours. Bytes beyond ASCII have no place in one."""
    server = RawServer(tmp_path / "server", False)
    server.answers |= {'/f?family=A|B"{}': OK, "/%C3%BC": OK}
    port = open_recorder(network=server.network).open(new_writer("as-sent"))
    for link in ('/f?family=A|B"{}', "/ü"):
        ran = curl("-g", "-x", port.proxy_url, f"{server.base}{link}")
        assert ran.stdout == b"ok", ran.stderr
    assert request_lines(server) == [b'GET /f?family=A|B"{} HTTP/1.1', b"GET /%C3%BC HTTP/1.1"]
    server.close()


@pytest.mark.parametrize("place", ["[x:443", "a..b:443", "a:²", "a:", "a/b:443", "x@y:443", "a:99999"])
def test_a_tunnel_to_no_place_is_refused(new_writer: Make, open_recorder: Open, place: str) -> None:
    port = open_recorder().open(new_writer("tunnel"))
    with socket.create_connection(port.address) as client:
        client.sendall(
            f"CONNECT {place} HTTP/1.1\r\nProxy-Authorization: {port.authorization}\r\n\r\n".encode("latin-1")
        )
        assert client.recv(65536).startswith(b"HTTP/1.1 400 Recorder\r\n")


def test_a_secret_is_found_as_a_link_writes_it(tmp_path: Path, new_writer: Make, open_recorder: Open) -> None:
    server = RawServer(tmp_path / "server", False)
    writer = new_writer("encoded-secret")
    port = open_recorder(network=server.network).open(writer, secret_values=[b"pass word|9"])
    assert port.fetch(f"{server.base}/?k=pass word|9", []).result(30).status == 404
    port.close()
    server.close()
    assert b"?k=pass%20word%7C9 " in server.received[0]
    writer.close("captured", None)
    for path in writer.folder.glob("*.warc.gz"):
        assert b"pass%20word" not in gzip.decompress(path.read_bytes())
