"""Locks between processes, by whatever the system has: the one place that knows how, beside the check, which shares no code.

On Unix flock(2), which ends with the process that holds it. On Windows the first byte of the file by `msvcrt.locking`, which
ends with it as well; a lock there is never shared, so readers wait for each other. Nothing else of this program is ready for
Windows: see docs/how-to/install.md.
"""

from __future__ import annotations

import errno
import os
import sys
import time

WAIT_SECONDS = 0.05
"""How long Windows, which waits for ten seconds at most, is left alone between two attempts."""


if sys.platform == "win32":  # tests run this branch with a stand-in for msvcrt
    import msvcrt

    def _take(descriptor: int, shared: bool) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _wait(descriptor: int, shared: bool) -> None:
        while not lock(descriptor, shared=shared, wait=False):
            time.sleep(WAIT_SECONDS)

else:
    import fcntl

    def _take(descriptor: int, shared: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)

    def _wait(descriptor: int, shared: bool) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)


HELD_ELSEWHERE = (errno.EACCES, errno.EDEADLK) if sys.platform == "win32" else (errno.EWOULDBLOCK, errno.EAGAIN)
"""What the system answers where another process holds the lock."""


def lock(descriptor: int, *, shared: bool = False, wait: bool = True) -> bool:
    """Lock an open file until it is closed. Return whether it is held; without `wait` another's is not waited for.

    Raises `OSError` where the file system has no locks.
    """
    if wait:
        _wait(descriptor, shared)
        return True
    try:
        _take(descriptor, shared)
    except OSError as error:
        if error.errno not in HELD_ELSEWHERE:
            raise
        return False
    return True
