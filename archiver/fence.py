"""What keeps a process that reads strangers' bytes from the network, by what the kernel gives. For Linux; elsewhere nothing.

A network namespace has no way out at all. A filter of system calls (seccomp) refuses to open any socket. Landlock refuses TCP
connections but for one port (kernel 6.7 and newer), and files but for those named (5.13 and newer). All hold for everything
that the process starts, whatever code runs in it, and cannot be taken back.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache

NAMESPACE, NO_SOCKETS, LANDLOCK, HOOK = "network namespace", "no sockets (seccomp)", "Landlock", "audit hook"
"""Fences by their names, the strongest first. The last is Python's (PEP 578): it holds for Python code that is not hostile."""

_NEWUSER, _NEWNET = 0x10000000, 0x40000000  # sched.h
_SET_FLAGS, _UP = 0x8914, 1  # sockios.h, if.h
_NO_NEW_PRIVILEGES, _DROP_BOUND = 38, 24  # prctl.h
_CREATE_RULESET, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same numbers on every machine since 5.13
_BIND_TCP, _CONNECT_TCP, _BENEATH, _NET_PORT = 1, 2, 1, 2  # landlock.h
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2
_WRITE_FILE, _READ_FILE, _READ_FOLDER, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
_MAKE_AND_REMOVE = sum(1 << bit for bit in range(4, 13))
_MOVE = 1 << 13
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
    version = _landlock()
    allowed = [(_NET_PORT, struct.pack("QQ", _CONNECT_TCP, port)) for port in ports]
    return version >= 4 and _enforced(version, 0, allowed)


def restrict_files(reads: Iterable[str | os.PathLike[str]] | None, writes: Iterable[str | os.PathLike[str]]) -> bool:
    """Refuse this thread, and what it starts, every file but these and what lies under them, and every TCP connection.

    `reads`: None leaves reading as it is. What is not there is not allowed. Return whether the kernel refuses files; TCP is
    refused where it can (version 4 of Landlock).
    """
    if sys.platform != "linux":
        return False
    version = _landlock()
    if version < 1:
        return False
    write = _WRITE_FILE | _MAKE_AND_REMOVE | (_MOVE if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    read = 0 if reads is None else _READ_FILE | _READ_FOLDER
    opened: list[int] = []
    allowed = []
    try:
        for path, rights in [(one, read) for one in reads or ()] + [(one, read | write) for one in writes]:
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                opened.append(os.open(path, os.O_PATH | os.O_CLOEXEC))
                here = rights if os.path.isdir(path) else rights & (_READ_FILE | _WRITE_FILE | _TRUNCATE)
                allowed.append((_BENEATH, struct.pack("=Qi", here & (read | write), opened[-1])))
        return _enforced(version, read | write, [rule for rule in allowed if any(rule[1][:8])])
    finally:
        for one in opened:
            os.close(one)


def _landlock() -> int:
    """The version of Landlock that this kernel has; below 1 where it has none."""
    return _function("syscall")(_CREATE_RULESET, None, 0, 1)


def _enforced(version: int, files: int, allowed: Iterable[tuple[int, bytes]]) -> bool:
    """Refuse what `files` says and, where this version can, TCP, but for what is allowed; return whether that was done."""
    call = _function("syscall")
    tcp = _BIND_TCP | _CONNECT_TCP if version >= 4 else 0
    scoped = _ABSTRACT_SOCKETS | _SIGNALS if version >= 6 else 0
    what = struct.pack("QQQ", files, tcp, scoped)[: 24 if scoped else 16 if tcp else 8]
    rules = call(_CREATE_RULESET, what, len(what), 0)
    if rules < 0:
        return False
    try:
        added = [call(_ADD_RULE, rules, kind, rule, 0) for kind, rule in allowed]
        return not any(added) and _without_new_privileges() and not call(_RESTRICT, rules, 0)
    finally:
        os.close(rules)


def _without_new_privileges() -> bool:
    return not _function("prctl")(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


# Numbers of the calls, by the machine (asm/unistd.h; arm64 and riscv share theirs), after the mark of its ABI (audit.h):
# socket, io_uring_setup (which opens sockets too), ptrace, process_vm_writev, pidfd_getfd (which use those of others).
_GENERIC = (198, 425, 117, 271, 438)
_CALLS: dict[str, tuple[int, tuple[int, ...]]] = {
    "x86_64": (0xC000003E, (41, 425, 101, 311, 438)),
    "aarch64": (0xC00000B7, _GENERIC),
    "riscv64": (0xC00000F3, _GENERIC),
}
_SET_SECCOMP, _FILTER = 22, 2  # prctl.h, seccomp.h
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 13  # EACCES
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # bpf_common.h


def refuse_sockets() -> bool:
    """Refuse this thread, and what it starts, every new socket of any kind; return whether the kernel does.

    A pair of sockets that lead to each other may still be made. Calls of another ABI (32 bits) are refused altogether.
    """
    if sys.platform != "linux" or sys.maxsize < 1 << 32 or platform.machine() not in _CALLS:
        return False
    abi, refused = _CALLS[platform.machine()]
    tests = [(_AT_LEAST, 1 << 30), *((_EQUAL, number) for number in refused)]  # from 1 << 30: x32, on x86_64 only
    lines = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, abi), (_RETURN, 0, 0, _REFUSE), (_LOAD, 0, 0, 0)]
    lines += [(kind, len(tests) - at, 0, number) for at, (kind, number) in enumerate(tests)]
    lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    program = struct.pack("HxxxxxxQ", len(lines), ctypes.addressof(filters))
    return _without_new_privileges() and not _function("prctl")(_SET_SECCOMP, _FILTER, program, 0, 0)


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
