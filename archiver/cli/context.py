"""What a command gets: its arguments, where to write, and the home."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.home.home import Home
    from archiver.home.ports import Decryptor, Fetch
    from archiver.recorder.network import TestNetwork
    from archiver.signer.local import LocalSigner
    from archiver.tools.probe import MediaProbe


class Context:
    """What a command gets: its arguments, where to write, and the home."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        console: Console,
        network: TestNetwork | None,
        environment: dict[str, str],
    ) -> None:
        self.arguments = arguments
        self.console = console
        self.network = network
        self.environment = environment
        self._signers: dict[Path, LocalSigner] = {}

    @property
    def home_path(self) -> Path:
        """Absolute: what is kept of it, and what a child process is given, must not depend on the working folder."""
        from archiver.home.home import default_path

        chosen: Path | None = self.arguments.home
        return chosen if chosen else default_path(self.environment)

    def signer(self, home: Home) -> LocalSigner:
        """Return the signer of `home`, one and the same for a command: a passphrase is asked for once."""
        from archiver.signer.local import LocalSigner

        if home.path not in self._signers:
            self._signers[home.path] = LocalSigner(home, self.arguments.person)
        return self._signers[home.path]

    def decryptor(self, home: Home) -> Decryptor:
        """Make what opens withheld values with the keys of `home`."""
        from archiver.signer.withheld import LocalDecryptor

        return LocalDecryptor(home.path)

    def fetch(self, home: Home) -> Fetch:
        """Make what brings evicted files back from the copies of `home`."""
        from archiver.copies.evict import CopiesFetch

        return CopiesFetch(home)

    def inspector(self) -> MediaProbe:
        """Make what reads the facts of media files; its caller closes it."""
        from archiver.tools.probe import MediaProbe

        return MediaProbe()

    def home(self) -> Home:
        """The home, made first if this is the first run. Interrupted captures are recovered on the way."""
        from archiver.home.home import Home, is_home

        if not is_home(self.home_path):
            from archiver.cli.setup_wizard import make_home

            return make_home(self)
        return Home(self.home_path, environment=self.environment)

    def recovered_home(self) -> Home:
        """The home for a command that writes: what an earlier process left open is closed and sealed first."""
        from archiver.seal.recovery import recover

        home = self.home()
        for done in recover(home, self.signer(home)):
            self.console.warn(f"recovered {done.describe()}")
            self.console.data({"recovered": done.capture, "folder": str(done.folder), **done.report})
        home.project()
        if any((home.path / one["folder"]).exists() for one in home.catalog.disposals()):
            from archiver.copies.dispose import destroy_here

            destroy_here(home)
        return home
