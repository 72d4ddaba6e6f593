"""What keeps a process that reads strangers' bytes from the network, by what the kernel gives. For Linux; elsewhere nothing.

A network namespace has no way out at all. Landlock (kernel 6.7 and newer) refuses TCP connections but for one port. Both hold
for everything that the process starts, whatever code runs in it, and cannot be taken back.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Callable
from functools import cache

NAMESPACE, LANDLOCK, HOOK = "network namespace", "Landlock", "audit hook"
"""Fences by their names, the strongest first. The last is Python's (PEP 578): it holds for Python code that is not hostile."""

_NEWUSER, _NEWNET = 0x10000000, 0x40000000  # sched.h
_SET_FLAGS, _UP = 0x8914, 1  # sockios.h, if.h
_NO_NEW_PRIVILEGES, _DROP_BOUND = 38, 24  # prctl.h
_CREATE_RULESET, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same numbers on every machine since 5.13
_BIND_TCP, _CONNECT_TCP, _NET_PORT = 1, 2, 2  # landlock.h
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2
_FILES = 0b1111
"""Capabilities that let root read and write the files of others: CAP_CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER."""


def enter_namespace() -> bool:
    """Move this process into a network of its own, which has loopback and nothing else. Return whether it is there.

    Only while it has one thread. Whatever privileges that takes are given up, so that nothing leads back.
    """
    if sys.platform != "linux":
        return False
    unshare, who = _function("unshare"), (os.geteuid(), os.getegid())
    if not unshare(_NEWNET):  # of root
        return _furnished()
    copy = os.fork()  # some systems let a namespace of users be made and nothing be done in it: a copy finds out
    if copy == 0:
        os._exit(0 if not unshare(_NEWUSER | _NEWNET) and _furnished(who) else 1)
    return os.waitpid(copy, 0)[1] == 0 and not unshare(_NEWUSER | _NEWNET) and _furnished(who)


def _furnished(who: tuple[int, int] | None = None) -> bool:
    """Set loopback up in a new namespace; `who`: user and group that this process is there too."""
    try:
        if who is not None:
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{who[0]} {who[0]} 1")
            _write("/proc/self/gid_map", f"{who[1]} {who[1]} 1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh22x", b"lo", _UP))
        _give_up_privileges()
    except OSError:
        return False
    return True


def _give_up_privileges() -> None:
    """Keep none but those over files: with others, root could go back to where it came from. Raises `OSError`."""
    prctl, number = _function("prctl"), _FILES.bit_length()
    while not prctl(_DROP_BOUND, number, 0, 0, 0):  # until there is no such capability
        number += 1
    header = struct.pack("Ii", 0x20080522, 0)  # version 3, this process
    if _function("capget")(header, held := ctypes.create_string_buffer(24)):
        raise OSError(ctypes.get_errno(), "capget")
    kept = [part & (_FILES if index < 3 else 0) for index, part in enumerate(struct.unpack("6I", held.raw))]
    if _function("capset")(header, struct.pack("6I", *kept)):
        raise OSError(ctypes.get_errno(), "capset")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as stream:
        stream.write(text)


def restrict_tcp(*ports: int) -> bool:
    """Refuse this thread, and what it starts, every TCP connection but to these ports, and every port to listen at.

    Return whether the kernel does.
    """
    if sys.platform != "linux":
        return False
    call = _function("syscall")
    version = call(_CREATE_RULESET, None, 0, 1)
    if version < 4:
        return False
    scoped = _ABSTRACT_SOCKETS | _SIGNALS if version >= 6 else 0
    what = struct.pack("QQQ", 0, _BIND_TCP | _CONNECT_TCP, scoped)[: 24 if scoped else 16]
    rules = call(_CREATE_RULESET, what, len(what), 0)
    if rules < 0:
        return False
    try:
        added = [call(_ADD_RULE, rules, _NET_PORT, struct.pack("QQ", _CONNECT_TCP, port), 0) for port in ports]
        return (
            not any(added) and not _function("prctl")(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) and not call(_RESTRICT, rules, 0)
        )
    finally:
        os.close(rules)


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _function(name: str) -> Callable[..., int]:
    """A function of the C library. What goes in as a number is as wide as a register, as `syscall` wants it."""
    function = getattr(_library(), name)
    function.restype = ctypes.c_long if name == "syscall" else ctypes.c_int

    def call(*given: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
        return int(function(*(ctypes.c_long(one) if isinstance(one, int) else one for one in given)))

    return call
