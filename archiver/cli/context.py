"""What a command gets: its arguments, where to write, and the home."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.errors import UsageError
from archiver.home.variables import DIRECT, YES, without_empty

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
        """Make the home: ask on a terminal; elsewhere flags and environment must say how to connect. Raises `UsageError`."""
        from archiver.cli.setup_wizard import answers_from, answers_so_far, ask_for_answers, require_wanted
        from archiver.home.home import Home, is_half_moved
        from archiver.signer.create_home import HomeExists, create_home, require_free_place

        given, console = self._given_answers(), self.console
        named = {name for name, answer in asdict(given).items() if answer is not None}
        asked = sys.stdin.isatty() and not self.arguments.json
        answers: SetupAnswers | None = None
        try:
            answers_so_far(given)  # judged before anybody is asked
            require_free_place(self.home_path)
            named_here = self.arguments.home is not None and not is_half_moved(self.home_path)
            if named_here and not getattr(self.arguments, "create", False):
                require_wanted(self.home_path, asked, console.say)
            answers = ask_for_answers(given, self.home_path, console.say) if asked else answers_from(given)
            named = set(asdict(answers)) if asked else named
            create_home(self.home_path, answers)
        except HomeExists:  # another process made it meanwhile
            return self._made_by_another(answers or answers_so_far(given), named)
        except KeyboardInterrupt:
            if self._is_made():
                raise
            raise KeyboardInterrupt("Nothing was made.") from None
        home = Home(self.home_path, environment=self.environment)
        home.person = self._person()
        console.say(f"A home was made at {home.path}. Settings, each with a comment: {home.path / 'archiver.toml'}")
        self._say_what_is_set(answers)
        if answers.second:
            console.say(
                "Second copy: create a recovery key on another disk first: archiver recovery new DIR; then archiver sync"
            )
        console.say()
        return home

    def _say_what_is_set(self, answers: SetupAnswers) -> None:
        """Say what a first run decided: who signs, who learns what, and what is to be done about the keys."""
        say, way = self.console.say, "the proxy" if answers.proxy else "this machine"
        say(f"Your work is signed as “{answers.pseudonym}”. Sites learn the address of {way}.")
        if answers.timestamps:
            say(
                "Outside authorities will timestamp your work, over the same connection and not at the moment of a "
                "capture. They learn a digest, never the content. To decline: [timestamps] wanted = false."
            )
        else:
            say("No outside authority will timestamp your work: nobody else vouches for any time.")
        say(
            "Without its keys this home cannot be opened or added to. Print them now: archiver keys sheet --to FILE.html"
        )

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
        proxy = given("proxy", "ARCHIVER_PROXY")
        if getattr(self.arguments, "direct", None):
            if proxy not in (None, DIRECT):
                raise UsageError("--direct or a proxy", "both", "Give one of them. Nothing was made.")
            proxy = DIRECT
        return Given(
            pseudonym=given("pseudonym", "ARCHIVER_PSEUDONYM"),
            proxy=proxy,
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
