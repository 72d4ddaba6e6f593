"""What goes over the wire is a URI (RFC 3986), whatever strangers write; what a client sends is kept as it sent it."""

from __future__ import annotations

import gzip
import re
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archiver.capture.exchanges import RecordedExchanges
from archiver.recorder.proxy import Recorder
from archiver.recorder.url import WireLink, split_url
from spiders.download_handler import RecorderHandler
from spiders.links import as_uri, safe_join
from storage.capture import CaptureWriter
from tests.support.rawserver import HOST, RawServer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

PCHAR = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
PLACE = r"(?:\[[0-9a-fA-F:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]*)?"
TARGET = re.compile(rf"(?:/{PCHAR}*)+(?:\?(?:{PCHAR}|[/?])*)?")
"""Origin form (RFC 9112, 3.2.1) of RFC 3986, appendix A, written by hand and not from what is tested."""
URI = re.compile(rf"[Hh][Tt][Tt][Pp][Ss]?://{PLACE}(?:/{PCHAR}*)*(?:\?(?:{PCHAR}|[/?])*)?")
TRIPLET = re.compile(r"%[0-9A-Fa-f]{2}")

ODD = st.sampled_from(
    ["/", "//", "\\", "?", "#", "&", "%", "%2", "%zz", "%41", "%c3%BC", "%2e%2E", ".", "..", "/../", "/./", " ", "\t", "\n",
     "\r", "\x00", "\x7f", '"', "<", ">", "^", "`", "{", "|", "}", "[", "]", "[x]", "@", ":", ";", "=", "'", "ü", "қаз", "\u2028",
     "\ud800", "😀", "a", "Z9-._~!$()*+,"]
)  # fmt: skip
TAILS = st.lists(ODD | st.text(max_size=3), max_size=10).map("".join)
STARTS = st.sampled_from(
    ["http://a.example/", "HTTPS://A.Example:8443/", "http://қазақ.example/", "http://xn--80aa.example", "hTTp://[2001:DB8::1]:80/",
     "http://a_b.example./x?", "http:\\\\a.example\\"]
)  # fmt: skip


@given(STARTS, TAILS)
@example("http://a.example/", "%2e%2E/%zz[|]^{ü}#x")
def test_any_link_is_written_as_a_uri_or_not_sent(start: str, tail: str) -> None:
    link = split_url(start + tail)
    if not isinstance(link, WireLink):
        return
    assert TARGET.fullmatch(link.target), link
    assert URI.fullmatch(link.uri), link
    assert re.fullmatch(PLACE, link.authority), link
    assert split_url(link.uri) == link, "what is a URI already stays as it is"
    segments = link.target.partition("?")[0].lower().replace("%2e", ".").split("/")
    assert not {".", ".."} & set(segments)
    query, sent = (start + tail).partition("#")[0].partition("?")[2], link.target.partition("?")[2]
    plain = re.sub(r"[\ud800-\udfff]", "\ufffd", query)
    assert unquote_to_bytes(sent) == unquote_to_bytes(plain), "it says the same"
    assert [one for one in TRIPLET.findall(query) if one not in sent] == [], "what was encoded stays as it was"


@given(STARTS, TAILS)
def test_what_a_client_sends_stays_and_its_address_is_a_uri(start: str, tail: str) -> None:
    link = split_url(start + tail, as_sent=True)
    if not isinstance(link, WireLink):
        return
    assert re.fullmatch(r"/[!-~]*", link.target)
    assert URI.fullmatch(link.uri), link
    sent = (start + tail).partition("#")[0]
    if re.fullmatch(r"[!-~]*", sent):
        assert sent.endswith(link.target) or link.target == "/" + sent[sent.index("?") :]


@given(STARTS, TAILS)
def test_scrapy_is_given_uris_too(start: str, tail: str) -> None:
    written = as_uri(start + tail)
    link = split_url(written, as_sent=True)
    if isinstance(link, WireLink):
        assert TARGET.fullmatch(link.target)


@given(TAILS)
def test_where_a_page_or_a_redirect_leads_is_a_uri(tail: str) -> None:
    """As `Location` and `<img src>` give it: resolved against where it stands, then written for the wire."""
    joined = safe_join("http://a.example/b/c?d", tail)
    link = split_url(joined) if joined is not None else None
    if isinstance(link, WireLink):
        assert TARGET.fullmatch(link.target)
        assert URI.fullmatch(link.uri)


def test_the_record_holds_the_request_as_it_went_out_under_an_address_that_is_a_uri(
    tmp_path: Path, new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder]
) -> None:
    server = RawServer(tmp_path / "server", False)
    sent = '/f/[x]?family=A|B"^{}%zz'
    server.answers[sent] = OK
    seen = RecordedExchanges()
    writer = new_writer("as-sent")
    port = open_recorder(network=server.network).open(writer, on_done=seen.add)
    with socket.create_connection(port.address) as client:
        head = f"GET {server.base}{sent} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n"
        client.sendall(f"{head}Proxy-Authorization: {port.authorization}\r\n\r\n".encode())
        while client.recv(65536):
            pass
    port.close()
    server.close()
    writer.close("captured", None)
    [path] = writer.folder.glob("*.warc.gz")
    kept = gzip.decompress(path.read_bytes())
    address = f"{server.base}/f/%5Bx%5D?family=A%7CB%22%5E%7B%7D%25zz"
    assert set(re.findall(rb"WARC-Target-URI: (.*)\r\n", kept)) == {address.encode()}
    assert server.received[0] in kept
    assert server.received[0].startswith(f"GET {sent} HTTP/1.1\r\n".encode())
    assert seen.record_of(f"{server.base}{sent}") is not None, "found however the link is written"


@pytest.mark.parametrize("link", ["http://a.example/%zz?a[]=1#f", "http://a.example/a b|"])
def test_the_download_handler_writes_uris(link: str) -> None:
    import asyncio
    from types import SimpleNamespace
    from typing import Any, cast

    from scrapy import Request

    async def asked() -> bytes:
        lines: asyncio.Queue[bytes] = asyncio.Queue()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            lines.put_nowait(await reader.readline())
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        values = {"RECORDER_ADDRESS": server.sockets[0].getsockname()}
        settings = SimpleNamespace(get=values.get, getint=lambda name: 1 << 20)
        handler = RecorderHandler(cast(Any, SimpleNamespace(settings=settings)))
        await handler.download_request(Request(link))
        await handler.close()
        server.close()
        return lines.get_nowait()

    target = asyncio.run(asked()).split(b" ")[1].decode()
    assert URI.fullmatch(target), target
