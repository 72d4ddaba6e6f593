"""The WACZ is a ZIP that is exactly its entries (APPNOTE): nothing else stands in it, and nothing says two things."""

from __future__ import annotations

import hashlib
import os
import re
import struct
import zlib

from .words import NAME, READ, SMALL, missing_if, tampered_if


class Zip:
    """Entries of a ZIP in which everything is stored, nothing overlaps, and nothing stands between, before or behind."""

    def __init__(self, path: str) -> None:
        self.path, self.stream = path, open(path, "rb")
        self.size = os.path.getsize(path)
        tail = self.at(max(0, self.size - 98), min(98, self.size))
        tampered_if(
            tail[-22:-18] != b"PK\x05\x06" or tail[-2:] != b"\0\0",
            "the ZIP does not end where it should: bytes behind it, or cut",
        )
        _, disk, start_disk, here, count, length, start, _ = struct.unpack("<4sHHHHIIH", tail[-22:])
        end = self.size - 22
        if start == 0xFFFFFFFF or count == 0xFFFF:
            tampered_if(tail[-42:-38] != b"PK\x06\x07", "a ZIP64 without its locator")
            _, _, at64, disks = struct.unpack("<4sIQI", tail[-42:-22])
            record = self.at(at64, 56)
            magic, rest, _, _, disk, start_disk, here, count, length, start = struct.unpack("<4sQHHIIQQQQ", record)
            tampered_if(
                magic != b"PK\x06\x06" or rest != 44 or disks != 1 or at64 != end - 20 - 56,
                "a ZIP64 record that is not where it should be",
            )
            end = at64
        tampered_if(
            (disk, start_disk) != (0, 0) or here != count or start + length != end,
            "the ZIP's directory is not where it should be",
        )
        self.entries: dict[str, tuple[int, int, int]] = {}
        self._directory(self.at(start, length), count, start)

    def at(self, offset: int, length: int) -> bytes:
        tampered_if(offset + length > self.size, "the ZIP names a place beyond its end")
        self.stream.seek(offset)
        data = self.stream.read(length)
        tampered_if(len(data) != length, "a cut ZIP")
        return data

    def _directory(self, data: bytes, count: int, start: int) -> None:
        at, expected = 0, 0
        folded: set[str] = set()
        for _ in range(count):
            fields = struct.unpack("<4sHHHHHHIIIHHHHHII", data[at : at + 46])
            magic, made, needed, flags, method, hour, date, crc, packed, size, n, m, k, disk, inner, outer, offset = (
                fields
            )
            name, extra = data[at + 46 : at + 46 + n].decode("ascii"), data[at + 46 + n : at + 46 + n + m]
            at += 46 + n + m + k
            size, packed, offset = self._large(extra, size, packed, offset)
            tampered_if(
                magic != b"PK\x01\x02" or k or disk or flags or method or packed != size,
                f"{name} is not simply stored in the ZIP",
            )
            plain = (made, hour, date, inner, outer) == (needed, 0, 0x21, 0, 0)
            tampered_if(not plain, f"{name} has a time, a system or attributes in the ZIP: the exporter writes none")
            tampered_if(name.lower() in folded, f"{name} stands twice in the ZIP")
            folded.add(name.lower())
            tampered_if(not re.fullmatch(NAME, name), f"a name that leaves the ZIP: {name}")
            local = struct.unpack("<4sHHHHHIIIHH", self.at(offset, 30))
            behind = self.at(offset + 30, local[9] + local[10])
            large = self._large(behind[local[9] :], local[8], local[7], 0)
            tampered_if(
                offset != expected or local[0] != b"PK\x03\x04" or behind[: local[9]].decode("ascii") != name,
                f"{name} is not where the ZIP's directory says, or something stands between",
            )
            tampered_if(
                (local[2], local[3], local[4], local[5], local[6]) != (0, 0, 0, 0x21, crc) or large[:2] != (size, size),
                f"{name}: the ZIP says two different things of it",
            )
            self.entries[name] = (offset + 30 + len(behind), size, crc)
            expected = offset + 30 + len(behind) + size
        tampered_if(at != len(data) or expected != start, "the ZIP holds something that its directory does not list")

    @staticmethod
    def _large(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
        """Sizes and offset, from the ZIP64 field where they need it."""
        if not extra:
            return size, packed, offset
        kind, length = struct.unpack("<HH", extra[:4])
        numbers = list(struct.unpack(f"<{length // 8}Q", extra[4:]))
        wanted = [value == 0xFFFFFFFF for value in (size, packed, offset)]
        needless = any(number < 0xFFFFFFFF for number in numbers)
        tampered_if(kind != 1 or len(numbers) != sum(wanted) or needless, "a field in the ZIP that should not be there")
        size, packed, offset = (
            numbers.pop(0) if needs else value for needs, value in zip(wanted, (size, packed, offset))
        )
        return size, packed, offset

    def digests(self, name: str) -> tuple[str, int]:
        """SHA-256 and CRC of an entry."""
        start, left, _ = self.entries[name]
        running, crc = hashlib.sha256(), 0
        with open(self.path, "rb", buffering=0) as stream:
            stream.seek(start)
            while data := stream.read(min(READ, left)):
                running.update(data)
                crc = zlib.crc32(data, crc)
                left -= len(data)
        return running.hexdigest(), crc

    def read(self, name: str) -> bytes:
        missing_if(name not in self.entries, f"{name} is not in the WACZ")
        tampered_if(self.entries[name][1] > SMALL, f"{name} is larger than allowed")
        return self.at(*self.entries[name][:2])
