"""Which tests are quick: those that run in this process, with nothing started beside it (`make quick`, for each save).

Everything else is marked `services`, by the fixtures that it uses or by its module: it starts servers, browsers, programs or
processes of ours, or takes its time. `make test` runs both.
"""

from __future__ import annotations

from pathlib import Path

import pytest

SERVICES = frozenset(
    {
        "asked", "bucket", "by_account", "case", "ceph", "chromium", "feeding", "forked", "gateway", "google", "leaky", "live", "machines",
        "open_recorder", "outside", "packages", "proxied", "pywb", "s3", "sealed", "served", "server", "shell", "site", "started",
        "target", "telegram", "watched", "watching", "wayback", "world",
    }
)  # fmt: skip
"""Fixtures that start something."""
PLACES = (
    "campaigns/", "casework/test_custody.py", "checks/test_foreign.py", "cli/test_completion.py", "cli/test_endings.py", "copies/",
    "demo/test_run.py", "capture/test_processes.py", "export/", "project/test_documents.py", "project/test_homes_that_exist.py",
    "project/test_how_to.py", "project/test_setup.py", "project/test_site.py", "storage/test_objects.py", "tools/test_object_tracking.py",
)  # fmt: skip
"""Where nearly every test starts something, or takes its time."""
TESTS = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is not quick."""
    for item in items:
        place = item.path.relative_to(TESTS).as_posix()
        if place.startswith(PLACES) or SERVICES & set(getattr(item, "fixturenames", ())):
            item.add_marker("services")
