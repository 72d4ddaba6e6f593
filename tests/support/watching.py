"""A watched post and a clock that tests move."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

from archiver.home.home import Home
from archiver.jobs.entries import SharedEntry
from archiver.jobs.queue import Queue, database
from storage.times import utc_parse, utc_text
from tests.conftest import Shell, World


class Watching:
    def __init__(self, shell: Shell, world: World) -> None:
        self.shell, self.world = shell, world
        self.channel = world.telegram.channels["ozen_today"]
        self._was = copy.copy(self.channel.posts)
        self._looks = 0

    def look(self) -> int:
        """All watches are due; a worker does what there is."""
        self._looks += (
            1  # a check's id follows from its second and from when it was due: two are not due at the same time
        )
        with_queue = Queue(database(Home(self.shell.home)))
        for entry in with_queue.shared.entries.all("watch"):
            with_queue.shared.entries.put("watch", SharedEntry(entry.id, float(self._looks), entry.value))
        with_queue.close()
        return self.shell("work", "--drain")[0]

    def pass_time(self, hours: float) -> None:
        """The looks that missed something were so much longer ago."""
        queue = Queue(database(Home(self.shell.home)))
        for entry in queue.shared.entries.all("watch"):
            for one in entry.value["looks"]:
                one["at"] = utc_text(utc_parse(one["at"]) - timedelta(hours=hours))
            if entry.value["sight"] and entry.value["looks"]:
                entry.value["sight"]["at"] = utc_text(utc_parse(entry.value["sight"]["at"]) - timedelta(hours=hours))
            queue.shared.entries.put("watch", entry)
        queue.close()

    def states(self) -> dict[str, str]:
        code, lines = self.shell.json("watch", "list")
        assert code == 0
        return {str(line["link"]): str(line["state"]) for line in lines}

    def events(self, *types: str) -> list[dict[str, Any]]:
        home = Home(self.shell.home)
        home.project()
        return home.catalog.event_bodies(types)

    def remove(self, number: int) -> None:
        self.channel.posts[:] = [post for post in self.channel.posts if post.id != number]

    def edit(self, number: int, text: str) -> None:
        self.channel.posts[:] = [
            replace(post, text=text, edited=True) if post.id == number else post for post in self.channel.posts
        ]

    def restore(self) -> None:
        self.channel.posts[:] = self._was
