"""Refused addresses, names that change, and the proxy: an HTTP and a SOCKS5 proxy, real ones on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from archiver.recorder.dial import Dialer, DialError, ProxyChoice
from archiver.recorder.network import TestNetwork
from archiver.recorder.proxy import Recorder
from storage.capture import CaptureWriter
from tests.support.proxies import Proxy
from tests.support.rawserver import HOST, RawServer


def test_a_name_that_resolves_differently_the_second_time_is_connected_to_as_judged() -> None:
    """The address that was judged is the one that is connected to; nothing resolves again in between."""
    answers = iter([["8.8.8.8", "127.0.0.1"], ["127.0.0.1"]])
    asked = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    connected: list[str] = []

    async def run() -> None:
        import archiver.recorder.dial as dial

        async def opened(address: str, port: int, kind: str) -> object:
            connected.append(address)
            return object()

        original = dial._open
        dial._open = opened  # type: ignore[assignment]
        try:
            await Dialer(resolve=resolve).connect("rebind.example", 443)
            with pytest.raises(DialError) as refused:
                await Dialer(resolve=resolve).connect("rebind.example", 443)
            assert refused.value.kind == "refused address"
        finally:
            dial._open = original

    asyncio.run(run())
    assert connected == ["8.8.8.8"]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("kind", "login"), [("socks5h", ""), ("socks5h", "user:pa%20ss@"), ("http", ""), ("http", "user:secret@")]
)
def test_everything_goes_through_the_exit(
    tmp_path: Path,
    new_writer: Callable[..., CaptureWriter],
    open_recorder: Callable[..., Recorder],
    kind: str,
    login: str,
) -> None:
    server = RawServer(tmp_path / "server", True)
    server.answers["/a"] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    user, _, password = login.rstrip("@").replace("%20", " ").partition(":")
    proxy = Proxy("socks5" if kind.startswith("socks") else "http", server.port, user, password)
    network = TestNetwork({}, server.network.roots)
    writer = new_writer("exit")
    port = open_recorder(network=network, proxy=ProxyChoice(f"{kind}://{login}127.0.0.1:{proxy.port}")).open(writer)
    done = port.fetch(f"{server.base}/a", []).result(30)
    assert done.complete, (done.problem, done.detail)
    assert proxy.asked == [f"{HOST}:443"], "the proxy resolves, and is told the name"
    assert done.record is not None
    assert "ip" not in done.record.line
    refused = port.fetch("https://169.254.169.254/latest", []).result(30)
    assert refused.problem == "refused address"
    port.close()
    proxy.close()
    server.close()


@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_an_exit_that_fails_stops_the_capture_and_nothing_goes_around_it(
    tmp_path: Path, new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder], kind: str
) -> None:
    server = RawServer(tmp_path / "server", True)
    proxy = Proxy(kind, server.port, fail=True)
    resolved = []

    async def resolve(host: str, port: int) -> list[str]:
        resolved.append(host)
        return ["127.0.0.1"]

    network = TestNetwork({}, server.network.roots, resolve)
    scheme = "socks5h" if kind == "socks5" else "http"
    port = open_recorder(network=network, proxy=ProxyChoice(f"{scheme}://127.0.0.1:{proxy.port}")).open(
        new_writer("exit")
    )
    first = port.fetch(f"{server.base}/a", []).result(30)
    second = port.fetch(f"{server.base}/b", []).result(30)
    assert first.problem == "proxy failed"
    assert second.problem == "stopped"
    assert port.stopped
    assert (server.received, resolved, len(proxy.asked)) == ([], [], 1)
    proxy.close()
    server.close()


def test_an_exit_that_is_not_there_stops_the_capture(
    new_writer: Callable[..., CaptureWriter], open_recorder: Callable[..., Recorder]
) -> None:
    unused = socket.create_server(("127.0.0.1", 0))
    number = unused.getsockname()[1]
    unused.close()
    port = open_recorder(proxy=ProxyChoice(f"socks5h://127.0.0.1:{number}")).open(new_writer("exit"))
    assert port.fetch("https://example.org/", []).result(30).problem == "proxy failed"
    assert port.stopped


def test_the_proxy_password_is_in_no_repr() -> None:
    assert "secret" not in repr(ProxyChoice("http://user:secret@host:1"))


OTHER_LETTERS = {
    "①②⑦.⓪.⓪.①": "refused address", "127。0。0。1": "refused address", "ⓛocalhost": "refused address",
    "loc\u00adalhost": "refused address", "１６９.254.169.254": "refused address", "%31%32%37.0.0.1": "refused address",
    "PRINTER.ⓛocal.": "refused address", "[fec0::1]": "refused address", "192.0.0.192": "refused address",
    "a" * 64 + ".example": "unsupported link", "x..y": "unsupported link", ".": "unsupported link", "": "unsupported link",
    ".".join(["abcdefgh"] * 40): "unsupported link", "xn--a.example\ud800": "unsupported link", "a b": "unsupported link",
}  # fmt: skip


@pytest.mark.parametrize("way", ["direct", "socks5h://127.0.0.1:1", "http://127.0.0.1:1"])
@pytest.mark.parametrize(("host", "kind"), OTHER_LETTERS.items())
def test_names_are_judged_in_the_form_that_is_asked_for(host: str, kind: str, way: str) -> None:
    """A proxy would make an address of ours of them as readily as our own resolver; at that port nobody listens."""

    async def resolve(name: str, port: int) -> list[str]:
        raise AssertionError(f"{name} was asked for")

    dialer = Dialer(ProxyChoice(None if way == "direct" else way), resolve=resolve)
    with pytest.raises(DialError) as refused:
        asyncio.run(dialer.connect(host, 80))
    assert refused.value.kind == kind


@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_a_proxy_is_told_a_name_in_ascii(kind: str) -> None:
    proxy = Proxy(kind, 1)
    scheme = "socks5h" if kind == "socks5" else "http"
    with contextlib.suppress(DialError):  # nobody listens behind it
        asyncio.run(Dialer(ProxyChoice(f"{scheme}://127.0.0.1:{proxy.port}")).connect("Bücher.Example。", 443))
    proxy.close()
    assert proxy.asked == ["xn--bcher-kva.example.:443"]
