"""What the tests of jobs share."""

from __future__ import annotations

import pytest

from tests.support.jobs import HURRIED


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers in this process look as often as those that are started beside it."""
    for name, seconds in HURRIED.items():
        monkeypatch.setattr(name, seconds)
