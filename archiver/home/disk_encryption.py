"""Whether the disk that a home lies on is encrypted, as far as the kernel tells without any right.

dm-crypt is seen by the UUID of a device-mapper device, which begins with `CRYPT-` (cryptsetup: LUKS1, LUKS2, PLAIN), on the
device of the file system or below it (LVM on LUKS); fscrypt by the policy of the folder (fscrypt.rst, the ioctl
FS_IOC_GET_ENCRYPTION_POLICY_EX). A disk that encrypts itself, or a host that encrypts the disk of a virtual machine, is not seen.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import struct
from pathlib import Path
from typing import NamedTuple

_GET_POLICY_EX = 0xC0096616
"""_IOWR('f', 22, __u8[9]) of linux/fscrypt.h."""
_POLICY_BYTES = 24
_DEEPEST = 8
"""So many devices may lie on each other."""
_WITHOUT_DEVICE = "not known: {} shows no disk of its own"


class Encryption(NamedTuple):
    """What is known of a disk's encryption."""

    encrypted: bool | None
    """None where it cannot be told."""
    said: str


def disk_encryption(path: Path, system: Path = Path("/")) -> Encryption:
    """Return whether what is written at `path` is encrypted on the disk. `system`: where /proc and /sys lie, for tests."""
    if _has_policy(path):
        return Encryption(True, "encrypted by fscrypt")
    try:
        device, kind = _device(path, system)
    except (OSError, ValueError, LookupError):
        return Encryption(None, "not known: the system does not say which disk it is on")
    if kind == "ecryptfs":
        return Encryption(True, "encrypted by eCryptfs")
    if device is None:
        return Encryption(None, _WITHOUT_DEVICE.format(kind))
    found = _is_crypt(system / "sys/dev/block" / device, _DEEPEST)
    if found is None:
        return Encryption(None, _WITHOUT_DEVICE.format(kind))
    if found:
        return Encryption(True, "encrypted by dm-crypt (LUKS)")
    return Encryption(
        False,
        "NOT ENCRYPTED, as far as the system tells: neither dm-crypt (LUKS) nor fscrypt. Whoever takes the disk reads it.",
    )


def _has_policy(path: Path) -> bool:
    request = bytearray(struct.pack("@Q", _POLICY_BYTES) + bytes(_POLICY_BYTES))
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        fcntl.ioctl(folder, _GET_POLICY_EX, request)
    except OSError as error:
        return error.errno == errno.EOVERFLOW  # a newer kind of policy than this program knows
    finally:
        os.close(folder)
    return True


def _device(path: Path, system: Path) -> tuple[str | None, str]:
    """Return (major:minor, file system) of what is mounted there; None for the device where there is none of a disk."""
    number = os.stat(path).st_dev
    device, best = f"{os.major(number)}:{os.minor(number)}", ""
    kind = source = ""
    for line in (system / "proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        there = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), before.split(" ")[4])
        if len(there) >= len(best) and path.resolve().is_relative_to(there):
            best, (kind, source) = there, (after.split(" ")[0], after.split(" ")[1])
    if not best:
        raise LookupError(path)
    if os.major(number):
        return device, kind
    if not source.startswith("/"):  # of several devices, as btrfs, the one that it was mounted by
        return None, kind
    real = os.stat(source).st_rdev
    return (f"{os.major(real)}:{os.minor(real)}" if real else None), kind


def _is_crypt(device: Path, deepest: int) -> bool | None:
    """Return whether a block device is dm-crypt, or lies on nothing but such; None where the system shows no device."""
    if not device.exists() or not deepest:
        return None
    try:
        if (device / "dm/uuid").read_text("ascii").startswith("CRYPT-"):
            return True
    except (OSError, UnicodeDecodeError):
        pass  # no device of the device mapper
    try:
        below = sorted((device / "slaves").iterdir())
    except OSError:
        below = []  # as of a partition, whose disk has none either
    found = [_is_crypt(one, deepest - 1) for one in below]
    if False in found:
        return False
    return None if None in found else bool(found)
