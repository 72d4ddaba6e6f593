"""Translators with a prefix of their operator's: learnt from the resolver, and what lies behind them judged as IPv4."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.recorder import nat64
from archiver.recorder.addresses import LOOPBACK, METADATA, RESERVED, refused_address, translated
from archiver.recorder.dial import Dialer, DialError, ProxyChoice
from archiver.recorder.nat64 import Translators, learnt

EXAMPLES = [
    ("2001:db8::/32", "2001:db8:c000:221::"), ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
    ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"), ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
    ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"), ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
]  # fmt: skip
"""RFC 6052, section 2.4: 192.0.2.33 below a prefix of each length."""


def _below(prefix: str, ip: str) -> str:
    """An address of IPv4 below a prefix: bit by bit, as the RFC draws it."""
    net = ipaddress.IPv6Network(prefix)
    places = [bit for bit in range(net.prefixlen, 128) if not 64 <= bit < 72 or net.prefixlen == 96][:32]
    number = int(net.network_address)
    for at, bit in enumerate(places):
        number |= (int(ipaddress.IPv4Address(ip)) >> (31 - at) & 1) << (127 - bit)
    return str(ipaddress.IPv6Address(number))


@pytest.mark.parametrize(("prefix", "address"), EXAMPLES)
def test_the_examples_of_the_rfc(prefix: str, address: str) -> None:
    net = ipaddress.IPv6Network(prefix)
    assert ipaddress.IPv6Address(_below(prefix, "192.0.2.33")) == ipaddress.IPv6Address(address)
    assert translated(ipaddress.IPv6Address(address), net.prefixlen) == ipaddress.IPv4Address("192.0.2.33")


@pytest.mark.parametrize("prefix", [prefix for prefix, _ in EXAMPLES])
def test_a_prefix_is_learnt_from_either_address(prefix: str) -> None:
    for known in ("192.0.0.170", "192.0.0.171"):
        assert ipaddress.IPv6Network(prefix) in learnt([_below(prefix, known)])
    assert learnt([_below(prefix, "192.0.2.33")]) == (), "a resolver that answers everything is no translator"


SITES = ("2a00:1450::/32", "2a00:1450:100::/40", "2a00:1450:122::/48", "2a00:1450:122:300::/56", "2a00:1450:1:344::/64",
         "2a00:1450:1:344::/96")  # fmt: skip


@pytest.mark.parametrize("prefix", SITES)
@given(ip=st.ip_addresses(v=4))
def test_what_lies_behind_is_judged_as_ipv4(prefix: str, ip: ipaddress.IPv4Address) -> None:
    address = _below(prefix, str(ip))
    assert refused_address(address, [ipaddress.IPv6Network(prefix)]) == refused_address(str(ip))


@pytest.mark.parametrize(
    ("address", "prefix", "why"),
    [
        ("2a00:1450:1:344::10.0.0.1", "2a00:1450:1:344::/96", RESERVED),
        ("2a00:1450:1:345::10.0.0.1", "2a00:1450:1:344::/96", None),
        ("2a00:1450:1:344:0100::", "2a00:1450:1:344::/64", RESERVED),  # no address of IPv4 has these bits
        ("64:ff9b:1::8.8.8.8", "64:ff9b:1::/96", None), ("64:ff9b:1::127.0.0.1", "64:ff9b:1::/96", LOOPBACK),
        ("64:ff9b:1::169.254.169.254", "64:ff9b:1::/96", METADATA), ("64:ff9b:1:2::8.8.8.8", "64:ff9b:1::/96", RESERVED),
        ("fd00:64::8.8.8.8", "fd00:64::/96", RESERVED), ("::1", "::/96", LOOPBACK),
        ("fe80::8.8.8.8", "fe80::/96", "link-local address (cloud metadata services live there)"),
    ],
)  # fmt: skip
def test_a_learnt_prefix_refuses_more_and_opens_no_private_network(address: str, prefix: str, why: str | None) -> None:
    assert refused_address(address, [ipaddress.IPv6Network(prefix)]) == why


def _resolving(*addresses: str) -> Dialer:
    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return Dialer(resolve=resolve, translators=Translators(lambda: ["2a00:1450:1:344::c000:aa"]))


def test_a_name_that_leads_behind_a_translator_to_a_private_address_is_refused() -> None:
    with pytest.raises(DialError, match=r"refused address: site\.example resolves to .*private"):
        asyncio.run(_resolving("2a00:1450:1:344::10.0.0.1").connect("site.example", 443))
    with pytest.raises(DialError, match="refused address"):
        asyncio.run(_resolving("2a00:1450:1:344::7f00:1").connect("[2a00:1450:1:344::7f00:1]", 443))


def _connected(dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> str | None:
    async def opened(address: str, port: int, kind: str) -> object:
        return object()

    monkeypatch.setattr("archiver.recorder.dial._open", opened)
    return asyncio.run(dialer.connect("site.example", 443))[1]


def test_a_site_behind_a_translator_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _connected(_resolving("2a00:1450:1:344::808:808"), monkeypatch) == "2a00:1450:1:344::808:808"


def test_the_resolver_is_asked_once_and_only_for_ipv6_and_never_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def lookup() -> list[str]:
        asked.append(nat64.NAME)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    translators = Translators(lookup)

    async def resolve(host: str, port: int) -> list[str]:
        return answers

    with pytest.raises(DialError):
        asyncio.run(Dialer(ProxyChoice("http://127.0.0.1:1"), translators=translators).connect("[2a00::1]", 443))
    direct = Dialer(resolve=resolve, translators=translators)
    answers = ["8.8.8.8"]
    assert _connected(direct, monkeypatch) == "8.8.8.8"
    assert asked == []
    answers = ["2a00:1450:1::1"]
    assert [_connected(direct, monkeypatch) for _ in range(3)] == answers * 3
    assert asked == [nat64.NAME]


def test_a_resolver_that_is_silent_does_not_hold_a_connection_up() -> None:
    answer = threading.Event()

    def lookup() -> list[str]:
        answer.wait(30)
        return ["2a00:1450:1:344::c000:ab"]

    translators = Translators(lookup, patience=0.05)
    began = time.monotonic()
    assert asyncio.run(translators.prefixes()) == ()
    assert time.monotonic() - began < 5
    answer.set()
    for _ in range(100):  # what comes late counts from then on
        if found := asyncio.run(translators.prefixes()):
            break
    assert found == (ipaddress.IPv6Network("2a00:1450:1:344::/96"),)
