"""Every command that writes, as campaigns run it: its words, the home that it needs, and how it may end.

A test compares this table with the registry: a new command gets a line here, or a reason in `LEFT_OUT`.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archiver.home.home import Home
from archiver.recorder.network import TestNetwork
from tests.conftest import plain_home
from tests.support.commands import Commands
from tests.support.kept_homes import unpack_home
from tests.support.places import add_place

POST, OTHER, FILM = "https://t.me/ozen_today/11", "https://t.me/ozen_today/13", "https://youtu.be/Zh5janSq001"
CHANNEL = "https://t.me/s/ozen_today"
AFTER_KILL = (0, 1)
"""How a command may end that is given again after a kill: done, or refused since the first one was done."""
EARLIER = {"sites.agent": "sites.user_agent"}
SUCCESSORS = {"archiver.home.config_upgrade.SUCCESSORS": EARLIER, "archiver.home.config_file.SUCCESSORS": EARLIER}
FETCH = f"import urllib.request as u; u.urlopen({CHANNEL!r}).read()"


@dataclass(frozen=True)
class Deed:
    """One command: `{name}` in its words is filled in from what the world names."""

    words: str | Sequence[str]
    ends: Sequence[int] = (0,)
    """Exit codes where nothing befalls it."""
    again: Sequence[int] = AFTER_KILL
    """Exit codes when it is given again, after it was killed or its disk failed."""
    world: str = "full"
    constants: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.6
    """How long it takes about, for kills at random moments."""

    @property
    def waits(self) -> bool:
        """Whether it may wait for something: a worker does, to try a job again whose disk failed."""
        return "work" in self.given(_AnyName())

    @property
    def steady(self) -> bool:
        """Whether it adds the same number of events each time."""
        return not {"capture", "crawl", "record", "work"} & set(self.given(_AnyName()))

    def given(self, names: Mapping[str, str]) -> list[str]:
        """Return its words for a world."""
        words = self.words.split() if isinstance(self.words, str) else self.words
        return [word.format_map(names) for word in words]


DEEDS: dict[str, list[Deed]] = {
    "": [Deed("--create --direct", world="none"), Deed("--create --direct", world="none")],
    "capture": [
        Deed(f"capture {OTHER}", seconds=1.2),
        Deed(f"capture {FILM} {POST} --case almaty", seconds=2.5),
        Deed("capture --list {links} --quick", seconds=2.0),
        Deed(f"--create --direct --no-timestamps capture {OTHER}", world="none", seconds=1.5),
    ],
    "crawl": [Deed(f"crawl {CHANNEL} --limit 15", seconds=1.5)],
    "receive": [Deed("receive {handed} --from S-2 --via signal", ends=(0,))],
    "record": [Deed(["record", "--about", CHANNEL, "--", sys.executable, "-c", FETCH], ends=(0, 2), again=(0, 1, 2))],
    "reassess": [Deed("reassess --sign --queue", ends=(0, 2), again=(0, 1, 2))],
    "case new": [Deed("case new zhanaozen"), Deed("--create --direct case new zhanaozen", world="none")],
    "case add": [Deed("case add almaty {words}")],
    "note": [Deed("note {post} words")],
    "tag": [Deed("tag {post} shooting")],
    "place": [Deed("place {post} square --at 43.3412,52.8619")],
    "time": [Deed("time {post} --since 2022-01-05T10:30Z shadows")],
    "translate": [Deed("translate {post} --to en --by A.N. --how human words")],
    "sensitivity": [Deed("sensitivity {post} graphic words")],
    "quarantine": [Deed("quarantine {words} words")],
    "author": [Deed("author ozen_today source words --platform telegram")],
    "incident new": [Deed("incident new roof {post} --case almaty --set weapon=rifle --claim killed=3 --source TV")],
    "incident add": [Deed("incident add square {post} --case almaty --title Square")],
    "incident remove": [Deed("incident remove square {post} --case almaty")],
    "incident retract": [Deed("incident retract square words --case almaty")],
    "statement": [Deed("statement {received} --case almaty --incident square --witness W-1")],
    "retract": [Deed("retract {noted} words")],
    "places": [Deed("places almaty --csv {out}/places.csv --kml {out}/places.kml")],
    "chronology": [Deed("chronology almaty --csv {out}/chronology.csv")],
    "case field": [Deed("case field almaty vehicle words --type text")],
    "conclude": [Deed("conclude square --case almaty --confidence low --basis {post} words")],
    "review": [Deed("--as R-2 review {post} publish words")],
    "redact": [
        Deed("redact {post} words --attachment 0 --box 10,10,20,20", seconds=1.5),
        Deed(["redact", "{post}", "a reason", "--mask", "алаңда"], ends=(0, 1)),
    ],
    "export": [
        Deed("export almaty --to {out} --profile full --yes --name full", seconds=3.0),
        Deed("export almaty --to {out} --profile public --yes --name public", ends=(0, 2), again=(0, 1, 2), seconds=3.0),
    ],
    "disclose": [Deed("disclose {package} --to counsel --basis order --by telephone --schedule {out}/withheld.csv")],
    "assemble": [Deed("assemble {film} --to {out}/files", ends=(0, 2), again=(0, 1, 2))],
    "files": [Deed("files {film} {post} --to {out}/files --playable", ends=(0, 2), again=(0, 1, 2), seconds=1.5)],
    "open": [Deed("open {film}")],
    "wacz": [Deed("wacz {post} --to {out}/post.wacz")],
    "sync": [Deed("sync")],
    "fixity": [Deed("fixity --repair")],
    "restore": [Deed("restore --from {copies} --recovery {recovery} --home {out}/restored", world="full")],
    "recovery new": [Deed("recovery new {out}/another.age-key")],
    "recovery add": [Deed("recovery add {public}")],
    "recovery drop": [Deed("recovery drop {public_here}")],
    "triage": [Deed("triage inbox looked")],
    "lock": [Deed("lock almaty governance --days 30 --because words")],
    "evict": [Deed("evict inbox"), Deed("evict freed --back"), Deed("evict freed --back")],
    "dispose": [
        Deed("dispose {words} --basis words"),
        Deed("--as R-2 dispose {gone} --confirm --yes"),
        Deed("--as R-2 dispose {gone} --confirm --yes --with-notes"),
    ],
    "keys new": [Deed("keys new bob --role analyst")],
    "keys rotate": [Deed("keys rotate"), Deed("keys rotate"), Deed("keys rotate"), Deed("keys rotate")],
    "keys passphrase": [Deed("keys passphrase --none")],
    "keys token": [Deed("keys token dana"), Deed("keys token dana --take-back", ends=(0, 1))],
    "keys lock": [Deed("keys lock R-2")],
    "keys sheet": [Deed("keys sheet --plain --to {out}/sheet.html")],
    "team bring": [Deed("team bring almaty", ends=(3,), again=(3,))],
    "seal": [Deed("seal --write {out}/checkpoint.txt", ends=(0, 4, 6), again=(0, 1, 4, 6))],
    "catalog rebuild": [Deed("catalog rebuild"), Deed("catalog rebuild", world="earlier")],
    "jobs add": [Deed(f"jobs add {OTHER}"), Deed(f"jobs add {OTHER}", world="earlier")],
    "jobs cancel": [Deed("jobs cancel {job}")],
    "jobs retry": [Deed("jobs retry {job}", ends=(0, 1))],
    "jobs pause": [Deed("jobs pause")],
    "jobs resume": [Deed("jobs resume")],
    "jobs drain": [Deed("jobs drain")],
    "work": [Deed("work --drain", ends=(0, 2), again=(0, 2), seconds=2.5)],
    "schedule add": [Deed(["schedule", "add", f"crawl {CHANNEL} every 1d"])],
    "schedule remove": [Deed("schedule remove {schedule}")],
    "watch add": [Deed(f"watch add {POST} --every 6h")],
    "watch now": [Deed("watch now {watch}", seconds=1.2)],
    "watch remove": [Deed("watch remove {watch}")],
    "feed add": [Deed("feed add {more}")],
    "feed remove": [Deed("feed remove {feed}")],
    "status": [Deed("status", world="earlier", ends=(0, 2), again=(0, 2))],
    "find": [Deed("find Zhanaozen", world="earlier", again=(0,)), Deed("find Zhanaozen", world="no catalog", again=(0,))],
    "config": [Deed("config --upgrade", world="old settings", constants=SUCCESSORS)],
}  # fmt: skip
"""By command and action. Migrations: of the catalog, `state.sqlite` and the queue (`earlier`), of settings (`config`)."""

LEFT_OUT = {
    "parse": "writes nothing",
    "telegram login": "needs an account; tests/campaigns/test_kill_telegram.py kills and cuts off what an account captures",
    "telegram logout": "needs an account; as login",
    "telegram whoami": "looks",
    "telegram join": "writes nothing here",
    "show": "looks", "history": "looks", "diff": "looks", "warcs": "looks", "custody": "looks", "check": "looks",
    "case list": "looks", "case show": "looks", "case fields": "looks", "incident list": "looks",
    "incident show": "looks", "recovery list": "looks", "recovery check": "looks", "keys list": "looks",
    "keys people": "looks", "team list": "looks",
    "keys fingerprint": "looks", "catalog query": "looks", "catalog metadata": "looks", "jobs list": "looks", "jobs show": "looks",
    "schedule list": "looks", "watch list": "looks", "watch show": "looks", "feed list": "looks", "feed show": "looks",
    "watch telegram": "needs an account; tests/telegram/test_telegram_watch.py and the part `telegram`",
    "notify": "writes nothing here",
    "serve": "queues as `jobs add` does, by the same function; its request ends with its answer",
    "doctor": "looks",
    "update-extractors": "needs the package index; tests/tools/test_extractor_update.py",
    "demo": "a home of its own, by `capture`, `export` and `check`",
    "completion": "opens no home", "help": "opens no home", "version": "opens no home",
}  # fmt: skip
"""Commands, with their action, that the campaigns leave out, and why."""


class _AnyName(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return name


@dataclass(frozen=True)
class Worlds:
    """Homes in a folder that is laid out anew for each case, always at the same place: settings name folders in full."""

    work: Path
    kept: Path
    names: Mapping[str, str]
    network: TestNetwork

    @property
    def home(self) -> Path:
        return self.work / "home"

    def lay_out(self, world: str) -> None:
        """Make the folder what it is at the beginning of a case."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.kept / ("earlier" if world == "earlier" else "full"), self.work, symlinks=True)
        if world == "none":
            shutil.rmtree(self.home)
        elif world == "no catalog":
            for path in self.home.glob("catalog.sqlite*"):
                path.unlink()
        elif world == "old settings":
            path = self.home / "archiver.toml"
            text = path.read_text("utf-8")
            assert "\nuser_agent = " in text
            path.write_text(text.replace("\nuser_agent = ", "\nagent = "), "utf-8")


def made_worlds(folder: Path, network: TestNetwork) -> Worlds:
    """Make the homes that the deeds need: one with something of everything, and one of an earlier release."""
    work, kept = folder / "work", folder / "kept"
    names = _full(work, network)
    kept.mkdir()
    shutil.copytree(work, kept / "full", symlinks=True)
    shutil.rmtree(work)
    (kept / "earlier").mkdir()
    unpack_home(kept / "earlier")
    _older_state(kept / "earlier" / "home" / "state.sqlite")
    for name in ("out", "copies"):
        (kept / "earlier" / name).mkdir()
    return Worlds(work, kept, names, network)


def _older_state(path: Path) -> None:
    """Lay the state of the first release in place of the kept one, for the scripts of all later ones to be applied."""
    from importlib import resources

    for left in path.parent.glob("state.sqlite*"):
        left.unlink()
    database = sqlite3.connect(path)
    database.executescript(resources.files("storage.sql").joinpath("state_001.sql").read_text("utf-8"))
    database.execute("PRAGMA user_version=1")
    database.commit()
    database.close()


def _full(work: Path, network: TestNetwork) -> dict[str, str]:
    import pyrage

    for name in ("out", "copies", "handed"):
        (work / name).mkdir(parents=True)
    home = work / "home"
    plain_home(home)
    add_place(home, "archive", str(work / "copies"))
    run = Commands(home, network)

    def done(*words: str) -> None:
        code, out, err = run(*words)
        assert code == 0, (words, out, err)

    chance = random.Random(11)
    files = {
        "words.txt": b"words of a witness\n" * 90, "received.txt": b"what W-1 saw\n", "gone.txt": b"of somebody else\n",
        "large-1.bin": chance.randbytes(1_200_000), "large-2.bin": chance.randbytes(1_200_000),
    }  # fmt: skip
    for name, data in files.items():
        (work / name).write_bytes(data)
    (work / "handed" / "note.txt").write_bytes(b"handed over\n" * 900)
    (work / "handed" / "picture.bin").write_bytes(chance.randbytes(60_000))
    (work / "links.csv").write_text(f"{POST}\n{OTHER}\nhttps://t.me/ozen_today/22\n")
    (work / "more.csv").write_text(f"{OTHER}\n")
    ids = {}
    for case in ("almaty", "freed"):
        done("case", "new", case)
    done("keys", "new", "R-2", "--role", "reviewer")
    done("recovery", "new", str(work / "recovery.age-key"))
    for name, case in (
        ("words", "inbox"),
        ("received", "almaty"),
        ("gone", "inbox"),
        ("large-1", "inbox"),
        ("large-2", "freed"),
    ):
        file = next(work.glob(f"{name}.*"))
        done("receive", str(file), "--from", "S-1", "--via", "usb", "--case", case)
        ids[name] = _newest(home)
    done("capture", POST, "--case", "almaty")
    ids["post"] = _newest(home)
    done("capture", FILM, "--case", "almaty")
    ids["film"] = _newest(home)
    done("incident", "new", "square", ids["post"], "--case", "almaty")
    ids["noted"] = str(run.json("note", ids["post"], "a roof")[1][-1]["event"])
    done("triage", "inbox")
    done("sync")
    done("evict", "freed")
    done("dispose", ids["gone"], "--basis", "a reason")
    done("export", "almaty", "--to", str(work / "out"), "--profile", "full", "--yes", "--name", "made")
    (package,) = work.joinpath("out").glob("made*")
    done("jobs", "add", "https://t.me/ozen_today/22")
    done("watch", "add", "https://t.me/ozen_today/21", "--every", "6h")
    done("schedule", "add", "crawl https://t.me/s/ozen_today every 7d")
    done("feed", "add", str(work / "links.csv"))
    for kind, listed in (("job", "jobs"), ("watch", "watch"), ("schedule", "schedule"), ("feed", "feed")):
        ids[kind] = str(run.json(listed, "list")[1][0][kind])
    public_here = next(line for line in run("recovery", "list")[1].split() if line.startswith("age1"))
    return {
        **ids, "out": str(work / "out"), "copies": str(work / "copies"), "handed": str(work / "handed"),
        "recovery": str(work / "recovery.age-key"), "links": str(work / "links.csv"), "more": str(work / "more.csv"),
        "package": str(package), "public": str(pyrage.x25519.Identity.generate().to_public()), "public_here": public_here,
    }  # fmt: skip


def _newest(home: Path) -> str:
    opened = Home(home)
    opened.project()
    found = opened.catalog.captures()
    opened.catalog.close()
    return str(max(found, key=lambda row: row["opened"] if "opened" in row else row["id"])["id"])
