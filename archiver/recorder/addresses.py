"""Addresses that are never contacted: one table of ours, judged the same on every Python. Pure and total.

`ipaddress.is_global` is not asked: its list is that of the Python that happens to run, and older ones are wrong
(CVE-2024-4032). The blocks are those of IANA's registries that are not globally reachable:

    https://www.iana.org/assignments/iana-ipv4-special-registry   of 2025-10-09
    https://www.iana.org/assignments/iana-ipv6-special-registry   of 2025-10-09 (with RFC 9780)
    https://www.iana.org/assignments/ipv6-address-space           of 2025-10-09: sites have addresses in 2000::/3 only
    https://www.iana.org/assignments/multicast-addresses          all of 224.0.0.0/4

Two blocks that the registries call reachable in part are refused as a whole, since protocols and no sites live there:
192.0.0.0/24 and 2001::/23. Those that it calls reachable as a whole (AS112, AMT) are sites like others. Compared on
2026-11-30 with the lists of CPython and of others. Then come addresses at which a cloud tells its machines their secrets, as each documents them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LOOPBACK, LINK_LOCAL = "loopback address", "link-local address (cloud metadata services live there)"
MULTICAST, METADATA = "multicast or unspecified address", "address of a cloud's metadata service"
RESERVED = "private or reserved address"

_METADATA = (
    "169.254.169.254",  # Amazon, Google, Azure, DigitalOcean, Hetzner, Oracle, OpenStack and most others
    "169.254.170.2",    # Amazon ECS, and .23 for EKS
    "169.254.170.23",
    "169.254.0.23",     # Tencent
    "169.254.42.42",    # Scaleway
    "168.63.129.16",    # Azure's wire server, the only one in a block of sites
    "192.0.0.192",      # Oracle Cloud
    "100.100.100.200",  # Alibaba
    "fd00:ec2::254",    # Amazon over IPv6, and ::23 for EKS
    "fd00:ec2::23",
    "fd20:ce::254",     # Google over IPv6
    "fd00:42::42",      # Scaleway over IPv6
    "fe80::a9fe:a9fe",  # OpenStack over IPv6
)  # fmt: skip

_BLOCKS = (
    # IPv4
    ("127.0.0.0/8", LOOPBACK),            # RFC 1122
    ("169.254.0.0/16", LINK_LOCAL),       # RFC 3927
    ("0.0.0.0/32", MULTICAST),            # RFC 1122
    ("224.0.0.0/4", MULTICAST),           # RFC 5771
    ("0.0.0.0/8", RESERVED),              # "this network", RFC 791
    ("10.0.0.0/8", RESERVED),             # private, RFC 1918
    ("100.64.0.0/10", RESERVED),          # shared by the customers of a provider, RFC 6598
    ("172.16.0.0/12", RESERVED),          # private, RFC 1918
    ("192.0.0.0/24", RESERVED),           # protocols of the IETF, RFC 6890
    ("192.0.2.0/24", RESERVED),           # documentation, RFC 5737
    ("192.88.99.0/24", RESERVED),         # relays of 6to4, deprecated, RFC 7526
    ("192.168.0.0/16", RESERVED),         # private, RFC 1918
    ("198.18.0.0/15", RESERVED),          # benchmarks, RFC 2544
    ("198.51.100.0/24", RESERVED),        # documentation, RFC 5737
    ("203.0.113.0/24", RESERVED),         # documentation, RFC 5737
    ("240.0.0.0/4", RESERVED),            # reserved, and 255.255.255.255, RFC 1112 and 8190
    # IPv6
    ("::1/128", LOOPBACK),                # RFC 4291
    ("::/128", MULTICAST),                # unspecified, RFC 4291
    ("ff00::/8", MULTICAST),              # RFC 4291
    ("fe80::/10", LINK_LOCAL),            # RFC 4291
    ("fec0::/10", RESERVED),              # site-local, deprecated but in use, RFC 3879
    ("fc00::/7", RESERVED),               # unique local, RFC 4193
    ("64:ff9b:1::/48", RESERVED),         # NAT64 of a network's own, in whatever form it puts IPv4 there, RFC 8215
    ("100::/64", RESERVED),               # discard only, RFC 6666
    ("100:0:0:1::/64", RESERVED),         # dummy prefix, RFC 9780
    ("2001::/23", RESERVED),              # protocols of the IETF, Teredo (RFC 4380) among them, RFC 2928
    ("2001:db8::/32", RESERVED),          # documentation, RFC 3849
    ("3fff::/20", RESERVED),              # documentation, RFC 9637
    ("5f00::/16", RESERVED),              # segment routing, RFC 9602
)  # fmt: skip
"""(block, why) in the order in which they are looked at: a smaller one before that in which it lies."""

_GLOBAL = ipaddress.IPv6Network("2000::/3")
"""Where IANA gives addresses away to sites; all else of IPv6 is reserved, IPv4-compatible addresses (::/96) among it."""
_MAPPED, _NAT64 = ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
NAT64_LENGTHS = (96, 64, 56, 48, 40, 32)
"""How long the prefix of a translator may be, bits (RFC 6052, section 2.2)."""
_6TO4 = ipaddress.IPv6Network("2002::/16")
_ISATAP = 0x5EFE
"""The second half of an address of ISATAP (RFC 5214) begins so, perhaps with the bit for "global" set; IPv4 follows."""


def _spans(version: int) -> tuple[tuple[int, int, str], ...]:
    each: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str]]
    each = [(ipaddress.ip_network(text), METADATA) for text in _METADATA]
    each += [(ipaddress.ip_network(text), why) for text, why in _BLOCKS]
    return tuple(
        (int(net.network_address), int(net.broadcast_address), why) for net, why in each if net.version == version
    )


_SPANS = {4: _spans(4), 6: _spans(6)}


def refused_address(address: str, translators: Iterable[ipaddress.IPv6Network] = ()) -> str | None:
    """Return why an IP address may not be connected to, or None.

    IPv4 inside IPv6 (mapped, NAT64, 6to4, ISATAP) is judged as IPv4. `translators`: the prefixes of NAT64 in this machine's
    network (RFC 6052). What is refused stays so below them, but in the block that is for nothing else (RFC 8215): a resolver
    that lies must not open a private network. Raises `ValueError` where it is no address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return _listed(ip)
    here = [prefix for prefix in translators if ip in prefix]
    local = ip in _LOCAL_NAT64 and any(prefix.subnet_of(_LOCAL_NAT64) for prefix in here)
    if not local and (why := _listed(ip)) is not None:
        return why
    for inner in (*_inside(ip), *(translated(ip, prefix.prefixlen) for prefix in here)):
        if (why := RESERVED if inner is None else _listed(inner)) is not None:
            return why
    return None if local or ip in _GLOBAL or ip in _MAPPED or ip in _NAT64 else RESERVED


def _listed(ip: Address) -> str | None:
    number = int(ip)
    return next((why for low, high, why in _SPANS[ip.version] if low <= number <= high), None)


def translated(ip: ipaddress.IPv6Address, length: int) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that stands behind a prefix of NAT64, or None where none can (RFC 6052, section 2.2).

    It follows the prefix, but leaves out bits 64 to 71, which are zero.
    """
    number = int(ip)
    if length == 96:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if (number >> 56) & 0xFF:
        return None
    after = length - 32  # so many of its bits come after those that are left out
    high, low = (number >> 64) & ((1 << 64 - length) - 1), (number >> 56 - after) & ((1 << after) - 1)
    return ipaddress.IPv4Address(high << after | low)


def _inside(ip: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that a translator or a tunnel would make of an IPv6 address."""
    number = int(ip)
    if ip in _MAPPED or ip in _NAT64 or (number >> 32) & 0xFDFFFFFF == _ISATAP:
        yield ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if ip in _6TO4:
        yield ipaddress.IPv4Address((number >> 80) & 0xFFFFFFFF)
