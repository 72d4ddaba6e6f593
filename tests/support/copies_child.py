"""A process that has everything imported and forks a child for each line it reads: the child works with copies until it is killed.

Input, one JSON object a line: {"home", "files", "log", "seed"} or {"reap": pid}. Output: a line each.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import Any

from tests.support.zygote import fork_for_each_line


def work(order: dict[str, Any]) -> None:
    from archiver.cli.main import main
    from archiver.home.home import Home

    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = open(order["log"], "a")  # noqa: SIM115
    home, chance = order["home"], random.Random(order["seed"])

    def run(*words: str) -> int:
        return main(["--home", home, *words], None, {})

    def captures() -> list[str]:
        opened = Home(Path(home))
        opened.project()
        return [row["id"] for row in opened.catalog.captures()]

    while True:
        deed = chance.choice(
            ["receive", "receive", "sync", "sync", "evict", "back", "dispose", "rebuild", "fixity", "note", "triage"]
        )
        held = captures()
        one = chance.choice(held)
        if deed == "receive":
            run("receive", chance.choice(order["files"]), "--from", "S-1", "--via", "usb")
        elif deed == "sync":
            run("sync")
        elif deed == "evict":
            run("evict", "inbox")
        elif deed == "back":
            run("evict", "inbox", "--back")
        elif deed == "dispose" and len(held) > 2:
            run("dispose", one, "--basis", "a reason", *(["--with-notes"] if chance.random() < 0.5 else []))
            run("--as", "R-2", "dispose", one, "--confirm", "--yes")
        elif deed == "rebuild":
            run("catalog", "rebuild")
        elif deed == "fixity":
            run("fixity", "--repair")
        elif deed == "note":
            run("note", one, "a note")
        else:
            run("triage", one)


def serve() -> None:
    import archiver.copies.dispose
    import archiver.copies.evict
    import archiver.copies.fixity
    import archiver.intake.receive
    import archiver.seal.recovery
    import archiver.seal.sealing  # noqa: F401 - imported before the first fork, so that children start at once
    from archiver.cli.parser import module_of

    for command in ("catalog", "dispose", "evict", "fixity", "note", "receive", "sync", "triage"):
        module_of(command)
    fork_for_each_line(work)


if __name__ == "__main__":
    serve()
