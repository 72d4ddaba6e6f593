"""The Merkle tree of RFC 6962 section 2, pure.

leaf = SHA-256(00 ‖ entry); node = SHA-256(01 ‖ left ‖ right); the empty tree is SHA-256(""). A tree of n
leaves splits at the largest power of two strictly below n.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from storage.digest import sha256

EMPTY_ROOT = sha256(b"")


def leaf_hash(entry: bytes) -> bytes:
    """Compute the hash of a leaf: SHA-256(00 ‖ entry), RFC 6962 2.1."""
    return sha256(b"\x00", entry)


def node_hash(left: bytes, right: bytes) -> bytes:
    """Compute the hash of an inner node: SHA-256(01 ‖ left ‖ right), RFC 6962 2.1."""
    return sha256(b"\x01", left, right)


class Frontier:
    """The right edge of a growing tree: appends in O(log n) memory and gives the root at any size."""

    def __init__(self, peaks: Sequence[bytes] = (), size: int = 0) -> None:
        """`peaks`: roots of the perfect subtrees, largest first, as many as `size` has one bits."""
        if len(peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks, not {len(peaks)}")
        self._peaks = list(peaks)
        self.size = size

    def append(self, leaf: bytes) -> None:
        """Add a leaf by its hash (not its entry)."""
        node, size = leaf, self.size
        while size & 1:
            node = node_hash(self._peaks.pop(), node)
            size >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Compute the root of the tree so far, 32 bytes; SHA-256("") where it is empty."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Compute the root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


Subtree = Callable[[int, int], bytes]
"""`subtree(start, end)`: the root over leaves start..end, for aligned perfect or ragged ranges."""


def subtree_of(leaves: Sequence[bytes]) -> Subtree:
    """Return a function that computes the root over a range of these leaf hashes."""
    return lambda start, end: root_of(leaves[start:end])


def _split(n: int) -> int:
    return 1 << ((n - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Compute PATH(m, D[n]) of RFC 6962 2.1.1, leaf to root. Raises `ValueError` unless 0 <= index < size."""
    if not 0 <= index < size:
        raise ValueError(f"index {index} outside a tree of {size}")

    def path(m: int, start: int, end: int) -> list[bytes]:
        n = end - start
        if n == 1:
            return []
        k = _split(n)
        if m < k:
            return [*path(m, start, start + k), subtree(start + k, end)]
        return [*path(m - k, start + k, end), subtree(start, start + k)]

    return path(index, 0, size)


def consistency_proof(old: int, size: int, subtree: Subtree) -> list[bytes]:
    """Compute PROOF(m, D[n]) of RFC 6962 2.1.2. Raises `ValueError` unless 0 <= old <= size."""
    if not 0 <= old <= size:
        raise ValueError(f"no proof from size {old} to {size}")
    if old in (0, size):
        return []

    def proof(m: int, start: int, end: int, complete: bool) -> list[bytes]:
        n = end - start
        if m == n:
            return [] if complete else [subtree(start, end)]
        k = _split(n)
        if m <= k:
            return [*proof(m, start, start + k, complete), subtree(start + k, end)]
        return [*proof(m - k, start + k, end, False), subtree(start, start + k)]

    return proof(old, 0, size, True)


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Check that a leaf hash is in the tree with this root, by RFC 9162 2.1.3.2."""
    if not 0 <= index < size:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while fn and not fn & 1:
                fn >>= 1
                sn >>= 1
        else:
            r = node_hash(r, p)
        fn >>= 1
        sn >>= 1
    return sn == 0 and r == root


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Check that the newer tree continues the older one, by RFC 9162 2.1.4.2."""
    if not 0 <= old <= new:
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if old == new:
        return not proof and old_root == new_root
    if not proof:
        return False
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while fn and not fn & 1:
                fn >>= 1
                sn >>= 1
        else:
            sr = node_hash(sr, c)
        fn >>= 1
        sn >>= 1
    return sn == 0 and fr == old_root and sr == new_root
