"""Outsiders for the tests: authorities and a calendar under names of their own, and a home that may ask them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from archiver.demo.authorities import MiniAuthority, MiniCalendar, allow
from archiver.demo.server import Answer, Asked, Platforms, Site
from archiver.home.home import Home
from archiver.recorder.client import ServiceClient
from archiver.recorder.network import TestNetwork
from archiver.seal.timestamps import TimestampReport, stamp_latest
from archiver.signer.local import LocalSigner


class Outsiders:
    """Authorities and a calendar under names of their own, and a home that is allowed to ask them."""

    def __init__(self, folder: Path, home: Home) -> None:
        self.folder, self.home = folder, home
        self.calendar = MiniCalendar("https://calendar.example")
        self.sites: dict[str, Site] = {"calendar.example": self.calendar.site}
        self.authorities: list[tuple[str, MiniAuthority]] = []
        self._served: Platforms | None = None

    def add(self, name: str, authority: MiniAuthority, site: Callable[[Asked], Answer] | None = None) -> MiniAuthority:
        self.sites[f"{name}.example"] = site or authority.site
        self.authorities.append((name, authority))
        return authority

    def serve(self, scheme: str = "https") -> TestNetwork:
        """Starts them and writes them into the settings."""
        self._served = Platforms(self.folder / "served", self.sites)
        allow(self.home.path, scheme, self.authorities, "calendar.example")
        self.home.__dict__.pop("config", None)
        return self._served.network

    def round(self, network: TestNetwork) -> TimestampReport:
        return stamp_latest(self.home, LocalSigner(self.home), ServiceClient(None, network))

    def stop(self) -> None:
        if self._served is not None:
            self._served.stop()
