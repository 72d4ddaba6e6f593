"""Where the recorder's connections lead: roots of trust, and the routes of tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import certifi

from archiver.recorder.dial import Resolve, Routes, system_resolve
from archiver.recorder.tls import Roots


def default_roots() -> Roots:
    """Return Mozilla's roots as packaged by certifi, named with its version."""
    from importlib.metadata import version

    return Roots(Path(certifi.where()), f"certifi {version('certifi')}")


@dataclass(frozen=True)
class TestNetwork:
    """Routes and roots of the demo and the tests. A capture made with one is marked and is not evidence."""

    __test__ = False

    routes: Routes = field(default_factory=dict)
    roots: Roots | None = None
    resolve: Resolve = system_resolve
    telegram: dict[str, Any] | None = None
    """The miniature data centre that stands in for Telegram's: `dc`, `host`, `port`, and the `key` that it proves itself with."""
