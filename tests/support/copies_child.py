"""A process that has everything imported and forks a child for each line it reads: the child works with copies until it is killed.

Input, one JSON object a line: {"home", "files", "log", "seed"} or {"reap": pid}. Output: a line each.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any


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
    import archiver.cli.commands.sync
    import archiver.cli.main
    import archiver.copies.dispose
    import archiver.copies.evict
    import archiver.copies.fixity
    import archiver.intake.receive
    import archiver.seal  # noqa: F401 - imported before the first fork, so that children start at once

    for line in sys.stdin:
        order = json.loads(line)
        if "reap" in order:
            os.waitpid(order["reap"], 0)
            print("reaped", flush=True)
            continue
        child = os.fork()
        if child == 0:
            work(order)
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    serve()
