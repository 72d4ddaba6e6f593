"""What a command gets: its arguments, where to write, and the home."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.errors import UsageError
from archiver.home.variables import YES, without_empty

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.setup_wizard import Given
    from archiver.errors import ConfigError
    from archiver.home.home import Home
    from archiver.home.ports import Decryptor, Fetch
    from archiver.recorder.network import TestNetwork
    from archiver.signer.create_home import SetupAnswers
    from archiver.signer.local import LocalSigner
    from archiver.tools.probe import MediaProbe


class Context:
    """Context of a command: its arguments, where to write, and the home."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        console: Console,
        network: TestNetwork | None,
        environment: dict[str, str],
        umask: int,
    ) -> None:
        """`umask`: the person's own, for a program of theirs that is run."""
        self.arguments = arguments
        self.console = console
        self.network = network
        self.environment = without_empty(environment)
        self.settings_error: ConfigError | None = None
        """Why the settings are not understood, for a command that runs anyway."""
        self.umask = umask
        self._signers: dict[Path, LocalSigner] = {}

    @property
    def home_path(self) -> Path:
        """Absolute path of the home.

        What is kept of it, and what a child process is given, must not depend on the working folder.
        """
        from archiver.home.home import default_path

        chosen: Path | None = self.arguments.home
        return chosen if chosen else default_path(self.environment)

    def signer(self, home: Home) -> LocalSigner:
        """Return the signer of `home`, always the same within a command: a passphrase is asked for once."""
        from archiver.signer.local import LocalSigner

        if home.path not in self._signers:
            self._signers[home.path] = LocalSigner(home, self.arguments.person)
        return self._signers[home.path]

    def decryptor(self, home: Home) -> Decryptor:
        """Make the decryptor that opens withheld values with the keys of `home`."""
        from archiver.signer.withheld import LocalDecryptor

        return LocalDecryptor(home.path)

    def fetch(self, home: Home) -> Fetch:
        """Make the port that brings evicted files back from the copies of `home`."""
        from archiver.copies.evict import CopiesFetch

        return CopiesFetch(home)

    def inspector(self) -> MediaProbe:
        """Make the inspector that reads the facts of media files; its caller closes it."""
        from archiver.tools.probe import MediaProbe

        return MediaProbe()

    def home(self) -> Home:
        """Open the home. It is made first where there is none and the command may begin one. Raises `NotFound`."""
        from archiver.cli.registry import begins_a_home
        from archiver.home.home import Home

        if begins_a_home(self.arguments.command, getattr(self.arguments, "action", None)):
            from archiver.signer.create_home import sweep_first_run

            if not self._is_made():
                return self._first_home()
            sweep_first_run(self.home_path)
        self.refuse_late_answers()  # again: it may have been made since
        home = Home(self.home_path, environment=self.environment)
        home.told = self._tell_remade
        home.person = self._person()
        return home

    def _person(self) -> str:
        """Return by which name LAST is kept: that of the key which signs, "" for the home's own."""
        return self.arguments.person or self.environment.get("ARCHIVER_AS") or ""

    def _tell_remade(self, done: int, total: int) -> None:
        """Say that the catalog is made again, once, and how far it is, on a terminal."""
        if done == 0:
            self.console.warn(
                f"The catalog is missing, or an earlier release made it: it is made again from {total} events. "
                "This can take minutes, once."
            )
        else:
            self.console.progress_line(f"catalog: {done} of {total} events")

    def refuse_late_answers(self) -> None:
        """Refuse the options of a first run where none is to come.

        Whoever types a proxy must not go out without it. Raises `UsageError`.
        """
        from archiver.cli.parser import first_run_options

        for flag, setting in first_run_options(self.arguments):
            if (brings_settings := self.arguments.command == "restore") or self._is_made():
                raise UsageError(
                    f"no {flag}: it belongs to the first run",
                    "a restore, which brings back the settings" if brings_settings else f"a home at {self.home_path}",
                    f"Leave it out; later set {setting} in {self.home_path / 'archiver.toml'}.",
                )

    def _first_home(self) -> Home:
        """Make the home: ask on a terminal; elsewhere take flags, environment and defaults, and say so."""
        from archiver.cli.setup_wizard import answers_from, ask_for_answers
        from archiver.home.home import Home
        from archiver.signer.create_home import HomeExists, create_home, require_free_place

        given, console = self._given_answers(), self.console
        named = {name for name, answer in asdict(given).items() if answer is not None}
        asked = sys.stdin.isatty() and not self.arguments.json
        try:
            answers = answers_from(given)
            require_free_place(self.home_path)  # before anybody is asked
            if asked:
                answers = ask_for_answers(given, self.home_path, console.say)
                named = set(asdict(answers))
            create_home(self.home_path, answers)
        except HomeExists:  # another process made it meanwhile
            return self._made_by_another(answers, named)
        except KeyboardInterrupt:
            if self._is_made():
                raise
            raise KeyboardInterrupt("Nothing was made.") from None
        home = Home(self.home_path, environment=self.environment)
        home.person = self._person()
        console.say(f"A home was made at {home.path}. Settings, each with a comment: {home.path / 'archiver.toml'}")
        console.say("Back up keys/ now: without it you can neither open withheld values nor add to the ledger.")
        if answers.second:
            console.say(
                "Second copy: create a recovery key on another disk first: archiver recovery new DIR; then archiver sync"
            )
        if not asked and given.pseudonym is None:
            console.say("Nobody was asked: defaults were taken (direct connection, pseudonym “investigator”).")
        console.say()
        return home

    def _made_by_another(self, answers: SetupAnswers, named: set[str]) -> Home:
        """Open the home that another process made meanwhile. Raises `UsageError` where it keeps others than the `named` answers."""
        from archiver.home.home import Home
        from archiver.signer.create_home import answers_in

        kept, wanted = asdict(answers_in(self.home_path)), asdict(answers)
        if others := [name.replace("_", "-") for name in sorted(named) if kept[name] != wanted[name]]:
            raise UsageError(
                "a first run with the answers given here",
                f"a home just created by another process with other answers: {', '.join(others)}",
                f"Look at {self.home_path / 'archiver.toml'}, correct it there, and run the command again.",
            )
        home = Home(self.home_path, environment=self.environment)
        home.person = self._person()
        return home

    def _is_made(self) -> bool:
        from archiver.home.home import is_home

        return is_home(self.home_path)

    def _given_answers(self) -> Given:
        """Return what flags and, where they are silent, the environment answer of the first run's questions."""
        from archiver.cli.setup_wizard import Given

        def given(flag: str, variable: str) -> str | None:
            value: str | None = getattr(self.arguments, flag, None)
            return value if value is not None else self.environment.get(variable)

        stamps: bool | None = getattr(self.arguments, "timestamps", None)
        if stamps is None and "ARCHIVER_TIMESTAMPS" in self.environment:
            stamps = self.environment["ARCHIVER_TIMESTAMPS"].lower() in YES
        return Given(
            pseudonym=given("pseudonym", "ARCHIVER_PSEUDONYM"),
            proxy=given("proxy", "ARCHIVER_PROXY"),
            user_agent=given("user_agent", "ARCHIVER_USER_AGENT"),
            second=given("second_copy", "ARCHIVER_SECOND_COPY"),
            timestamps=stamps,
        )

    def home_to_read(self) -> Home:
        """Open the home as `recovered_home` does; on a disk that takes nothing, as it is."""
        return self.recovered_home() if os.access(self.home_path, os.W_OK) else self.home()

    def recovered_home(self) -> Home:
        """Open the home as `home` does, after what an earlier process left open was closed and sealed."""
        from archiver.checks.clocks import clock_behind
        from archiver.seal.recovery import recover

        home = self.home()
        for done in recover(home, self.signer(home)):
            self.console.warn(done.describe())
            self.console.data({"recovered": done.capture, "folder": str(done.folder), **done.report})
        newest = home.ledger.newest_time()
        if newest is not None and (said := clock_behind(home.clock(), newest)):
            self.console.warn(f"! {said}")
            self.console.data({"warning": said})
        home.project()
        if home.catalog.writable and any((home.path / one["folder"]).exists() for one in home.catalog.disposals()):
            from archiver.copies.dispose import destroy_here

            destroy_here(home)
        return home
