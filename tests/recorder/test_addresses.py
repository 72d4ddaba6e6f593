"""Addresses that are never contacted, in each form in which an IPv4 address can stand in an IPv6 address."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.recorder.addresses import METADATA, refused_address
from archiver.recorder.dial import refused_host

REFUSED = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.0.9", "192.0.0.171", "192.0.2.1", "192.88.99.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::1", "::", "::7f00:1", "::808:808", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "feff::1", "fc00::1", "fd12::1",
    "ff02::1", "ff0e::1", "100::1", "100:0:0:1::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1",
    "2001:10::1", "2001:1ff::1", "2001:db8::1", "3fff::1", "3fff:fff::1", "5f00::1", "4000::1", "1::1", "e000::1",
    "64:ff9b:1::1", "64:ff9b:1:808:808::", "64:ff9b:1:ffff::808:808", "64:ff9b:2::1", "::ffff:0:808:808",
]  # fmt: skip
METADATA_SERVICES = [
    "169.254.169.254", "169.254.170.2", "192.0.0.192", "168.63.129.16", "100.100.100.200", "fd00:ec2::254",
    "fd20:ce::254",
]  # fmt: skip
ALLOWED = [
    "93.184.216.34", "8.8.8.8", "1.1.1.1", "149.154.167.99", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.0.1.1",
    "168.63.129.17", "223.255.255.254", "2606:2800:220:1:248:1893:25c8:1946", "2a00:1450:4001::1", "2001:200::1",
    "2001:4860:4860::8888", "2620:4f:8000::1", "3ffe::1", "3fff:1000::1",
]  # fmt: skip
FORMS = {
    "mapped": lambda ip: 0xFFFF << 32 | ip,
    "NAT64": lambda ip: 0x64FF9B << 96 | ip,
    "6to4": lambda ip: 0x2002 << 112 | ip << 80 | 1,
    "ISATAP": lambda ip: 0x26062800 << 96 | 0x5EFE << 32 | ip,
    "ISATAP, global": lambda ip: 0x26062800 << 96 | 0x02005EFE << 32 | ip,
}
"""How an IPv4 address, as a number, stands in an IPv6 address."""
NEVER = {
    "Teredo": lambda ip: 0x20010000 << 96 | 0x41378E9A << 64 | (ip ^ 0xFFFFFFFF),
    "local NAT64 /96": lambda ip: 0x64FF9B0001 << 80 | ip,
    "local NAT64 /48": lambda ip: 0x64FF9B0001 << 80 | (ip >> 16) << 64 | (ip & 0xFFFF) << 40,
    "IPv4-compatible": lambda ip: ip,
    "IPv4-translated": lambda ip: 0xFFFF << 48 | ip,
}
"""Forms that lead to no site, whatever stands in them."""


@pytest.mark.parametrize("address", REFUSED)
def test_private_addresses_are_refused(address: str) -> None:
    assert refused_address(address)


@pytest.mark.parametrize("address", METADATA_SERVICES)
def test_metadata_services_are_refused_as_what_they_are(address: str) -> None:
    assert refused_address(address) == METADATA


@pytest.mark.parametrize("address", ALLOWED)
def test_public_addresses_are_not(address: str) -> None:
    assert refused_address(address) is None


@pytest.mark.parametrize("form", FORMS)
@given(
    ip=st.ip_addresses(v=4) | st.sampled_from([ipaddress.ip_address(one) for one in METADATA_SERVICES if "." in one])
)
def test_every_ipv4_is_judged_the_same_inside_ipv6(form: str, ip: ipaddress.IPv4Address) -> None:
    inside = ipaddress.IPv6Address(FORMS[form](int(ip)))
    assert refused_address(str(inside)) == refused_address(str(ip))


@pytest.mark.parametrize("form", NEVER)
@given(ip=st.ip_addresses(v=4))
def test_forms_that_lead_to_no_site_are_refused_whatever_they_hold(form: str, ip: ipaddress.IPv4Address) -> None:
    assert refused_address(str(ipaddress.IPv6Address(NEVER[form](int(ip)))))


@given(st.ip_addresses())
def test_what_python_holds_for_private_is_refused(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Python's list is not ours; it may know less, and must not know more."""
    if ip in ipaddress.ip_network("::/8") and (int(ip) >> 32 in (0xFFFF, 0x64FF9B << 64)):
        return  # judged as the IPv4 that stands in it
    if ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved or ip.is_private:
        assert refused_address(str(ip))


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST.", "a.localhost", "printer.local", "metadata.google.internal", "[::1]", "2130706433",
        "0x7f.1", "127.1", "0177.0.0.1", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[fec0::1]", "168.63.129.16.",
    ],
)  # fmt: skip
def test_local_names_and_disguised_addresses_are_refused(host: str) -> None:
    assert refused_host(host)
