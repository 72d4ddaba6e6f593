"""Where tests write: into memory, where there is room for it. On a disk, waiting for `fsync` takes most of the time of many tests.

Nothing that a test can see is lost: only a power cut tells a synced file from another. The long campaigns stay on the disk.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.soak import SOAK

MEMORY = Path("/dev/shm")
ENOUGH = 6 << 30
"""Bytes: two workers with their homes, films and packages write some 2 GB; a container's usual 64 MB are too few."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Put the folders of tests into memory, unless somebody chose a place for them."""
    chosen = config.option.basetemp or os.environ.get("PYTEST_DEBUG_TEMPROOT")
    if not SOAK and not chosen and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)
