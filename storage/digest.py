"""Every digest the program computes.

SHA-256 everywhere; SHA-512 beside it in bags. By `cryptography` (OpenSSL), which releases the interpreter
lock on large buffers, so two digests of one body can run on two cores.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType

from cryptography.hazmat.primitives import hashes, hmac

Buffer = bytes | bytearray | memoryview
READ_SIZE = 1 << 20


class Sha256:
    """A running SHA-256 that counts the bytes it was fed."""

    __slots__ = ("_hash", "size")

    def __init__(self) -> None:
        self._hash = hashes.Hash(hashes.SHA256())
        self.size = 0

    def update(self, chunk: Buffer) -> None:
        """Add the next bytes."""
        self._hash.update(chunk)
        self.size += len(chunk)

    def digest(self) -> bytes:
        """Return the digest of what was added so far, 32 bytes; more may follow."""
        return self._hash.copy().finalize()

    def hexdigest(self) -> str:
        """Return the digest of what was added so far as 64 lowercase hex digits."""
        return self.digest().hex()

    def label(self) -> str:
        """Return `sha256:<64 lowercase hex>`, as WARC digest fields write it."""
        return "sha256:" + self.hexdigest()


def sha256(*parts: Buffer) -> bytes:
    """Compute the SHA-256 over the concatenation of `parts`, 32 bytes."""
    running = hashes.Hash(hashes.SHA256())
    for part in parts:
        running.update(part)
    return running.finalize()


def sha256_hex(*parts: Buffer) -> str:
    """Compute the SHA-256 over the concatenation of `parts`, 64 lowercase hex digits."""
    return sha256(*parts).hex()


def sha256_label(*parts: Buffer) -> str:
    """Compute the SHA-256 over the concatenation of `parts`, as WARC digest fields write it: `sha256:<hex>`."""
    return "sha256:" + sha256(*parts).hex()


EXTENDABLE = frozenset({"shake_128", "shake_256"})
"""Algorithms whose digest may have any length: a shorter one is the start of a longer. The first 64 bytes are computed."""
_ALGORITHMS: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "md5": hashes.MD5,
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
    "sha512_224": hashes.SHA512_224,
    "sha512_256": hashes.SHA512_256,
    "sha3_224": hashes.SHA3_224,
    "sha3_256": hashes.SHA3_256,
    "sha3_384": hashes.SHA3_384,
    "sha3_512": hashes.SHA3_512,
    "shake_128": partial(hashes.SHAKE128, 64),
    "shake_256": partial(hashes.SHAKE256, 64),
    "blake2b": partial(hashes.BLAKE2b, 64),
    "blake2s": partial(hashes.BLAKE2s, 32),
    "sm3": hashes.SM3,
}
"""All that Python itself always offers, by its names there, and SM3."""
_SPELLED = {name.replace("_", ""): name for name in _ALGORITHMS}


def algorithm_named(text: str) -> str | None:
    """Return the name here of an algorithm as others write it (`SHA-512/256`, `sha3-256`); None for an unknown one."""
    return _SPELLED.get(re.sub(r"[-_/ ]", "", text).lower())


def has_size(algorithm: str, size: int) -> bool | None:
    """Return whether a digest by this algorithm may have so many bytes; None where only another length is computed here.

    BLAKE2 of another length is another digest (RFC 7693), and only the longest is computed.
    """
    if algorithm in EXTENDABLE:
        return 16 <= size <= digest_size(algorithm) or None
    if size == digest_size(algorithm):
        return True
    return None if algorithm.startswith("blake2") and 0 < size < digest_size(algorithm) else False


def digest_size(algorithm: str) -> int:
    """Return the size in bytes of what `Digests` computes by this algorithm."""
    return _ALGORITHMS[algorithm]().digest_size


class Digests:
    """Several digests of one stream in one pass.

    >>> d = Digests("sha256", "sha512"); d.update(b"abc"); sorted(d.hexdigests())
    ['sha256', 'sha512']
    """

    def __init__(self, *algorithms: str) -> None:
        self._running = {name: hashes.Hash(_ALGORITHMS[name]()) for name in algorithms}
        self.size = 0

    def update(self, chunk: Buffer) -> None:
        """Add the next bytes to every digest."""
        for running in self._running.values():
            running.update(chunk)
        self.size += len(chunk)

    def hexdigests(self) -> dict[str, str]:
        """Return the digests of what was added so far, in lowercase hex, by the algorithm's name."""
        return {name: running.copy().finalize().hex() for name, running in self._running.items()}


class Beside:
    """Digests of large pieces on another core, one piece behind the reader. Small pieces are not worth the hand-over.

    A piece must stay as it is until the next call. Used in a `with` block.
    """

    WORTH = 1 << 16

    def __init__(self) -> None:
        self._worker: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None

    def update(self, running: Sha256 | Digests, piece: Buffer) -> None:
        """Feed `piece` to `running`, after all that was fed before."""
        self.wait()
        if len(piece) < self.WORTH:
            running.update(piece)
            return
        self._worker = self._worker or ThreadPoolExecutor(1)
        self._running = self._worker.submit(running.update, piece)

    def wait(self) -> None:
        """Wait until every piece has been counted."""
        if self._running is not None:
            self._running.result()
            self._running = None

    def __enter__(self) -> Beside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._worker is not None:
            self._worker.shutdown()


def digest_chunks(chunks: Iterable[Buffer]) -> Sha256:
    """Compute the SHA-256 and the size in bytes of a stream given in chunks."""
    running = Sha256()
    for chunk in chunks:
        running.update(chunk)
    return running


def file_sha256(path: Path, start: int = 0) -> Sha256:
    """Compute the SHA-256 of the file at `path` from byte `start`, read in 1 MiB pieces. Raises `OSError`."""
    running = Sha256()
    buffer = bytearray(READ_SIZE)
    view = memoryview(buffer)
    with open(path, "rb", buffering=0) as stream:
        stream.seek(start)
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(stream.fileno(), start, 0, os.POSIX_FADV_SEQUENTIAL)
        while count := stream.readinto(buffer):
            running.update(view[:count])
    return running


def keyed(key: bytes, *parts: Buffer) -> bytes:
    """Compute the HMAC-SHA256 (RFC 2104) over the concatenation of `parts`, 32 bytes."""
    running = hmac.HMAC(key, hashes.SHA256())
    for part in parts:
        running.update(bytes(part))
    return running.finalize()


def commitment(salt: bytes, value: bytes) -> str:
    """Compute SHA-256(salt ‖ value) in hex: it says that a value was there without saying which.

    `salt` must be 32 fresh random bytes for each value; equal values must not look equal.
    """
    return sha256_hex(salt, value)
