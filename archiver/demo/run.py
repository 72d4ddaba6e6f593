"""`archiver demo`: the real commands on real-looking links, against miniature platforms on loopback."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from archiver.demo.authorities import MiniAuthority, MiniCalendar, allow
from archiver.demo.media import video
from archiver.demo.server import Platforms, Site
from archiver.errors import UsageError
from storage.errors import disk_error

if TYPE_CHECKING:
    from archiver.demo.telegram_api import TelegramApi
    from archiver.recorder.network import TestNetwork


class Main(Protocol):
    """The command line: runs one command against a network, and returns its exit code."""

    def __call__(
        self, argv: Sequence[str] | None, network: TestNetwork | None, environment: dict[str, str] | None, /
    ) -> int: ...


class Console(Protocol):
    """Where the demo tells what it does."""

    def say(self, text: str = "") -> None: ...

    def data(self, value: dict[str, Any]) -> None: ...


STEPS = [
    ("A post with a video, edited after it was published.", "capture https://t.me/ozen_today/12"),
    (
        "An album: two videos and two photos under one post. One link, four files.",
        "capture https://t.me/ozen_today/16",
    ),
    (
        "A post that is not there. The channel is asked too, so that “not there” means something.",
        "capture https://t.me/ozen_today/14",
    ),
    (
        "A video that Telegram's web view does not offer: the capture is partial, and says why.",
        "capture https://t.me/ozen_today/20",
    ),
    (
        "A blog post of 2011 with twelve comments, its pictures, styles and video; where Chromium is installed, also as a browser shows it.",
        "capture https://blog.ozen.example/2011/12/17/square",
    ),
    (
        "A video of YouTube: picture and sound in ranges, captions, comments with replies. What yt-dlp asks is recorded too.",
        "capture https://youtu.be/Zh5janSq001 --comments",
    ),
    ("A post of X with a quoted post and its video.", "capture https://x.com/ozen_today/status/1478660000000000004"),
    (
        "A thread of X: its second part brings the first.",
        "capture https://x.com/ozen_today/status/1478660000000000006",
    ),
    (
        "A post of Facebook whose page is a login wall. The embed that any site may show has it.",
        "capture https://www.facebook.com/ozen.today/posts/10157000000000003",
    ),
    (
        "A playlist: how many videos it states is held against how many it lists; then each video by itself.",
        "crawl https://www.youtube.com/playlist?list=PLozenJanuary --no-media",
    ),
    (
        "Files that a witness handed over: hashed first, kept untouched; names and metadata go to the private record.",
        "receive {handed} --from S-014 --via signal --consent hold,court --refused name",
    ),
    (
        "A list as it comes: a duplicate, a deleted post, a private video, a bot wall. The result sheet says what became of each.",
        "capture --list {list} --quick",
    ),
    ("The whole channel, newest first, into a case of its own.", "case new zhanaozen"),
    (None, "crawl https://t.me/s/ozen_today --case zhanaozen"),
    (
        "Telegram by an account, over its own protocol: a miniature data centre on this machine, an unmodified Telethon.",
        "telegram login --account demo",
    ),
    (
        "The video that the web view did not offer: by the API it is there, in parts, from another data centre.",
        "capture https://t.me/ozen_today/20 --account demo",
    ),
    ("A channel for members, by the invite link of one it has joined.", "crawl https://t.me/+OzenInvite42"),
    (
        "A watch. While it runs, somebody posts, edits, and removes.",
        "watch telegram https://t.me/ozen_today --every 1 --for 6",
    ),
    (
        "What was removed can still be shown, with the record that shows the removal.",
        "history https://t.me/ozen_today/13",
    ),
    ("Search finds Kazakh in either script.", "find Zhanaozen"),
    (
        "Outsiders stamp the history so far: an authority (RFC 3161, by `openssl ts`), and a calendar, which owes its block.",
        "seal",
    ),
    ("Is everything still as it was sealed?", "check --quiet"),
    ("Who did what with the case, in order.", "custody zhanaozen"),
    (
        "A package for a partner: what becomes visible is shown first; then a signed bag with a report.",
        "export zhanaozen --to {out} --profile partner --name zhanaozen-partner --yes",
    ),
    (
        "The package is checked as its reader would. Without the fingerprint the answer is “cannot tell”, exit code 6.",
        "check {out}/zhanaozen-partner --quiet",
    ),
]

LINKS = """no,what,link
1,the square,https://youtu.be/Zh5janSq001?si=abc
2,the same,https://www.youtube.com/watch?v=Zh5janSq001&list=PLx
3,an edited post,https://x.com/ozen_today/status/1478660000000000003?s=20
4,deleted,https://x.com/i/status/1478660000000000008
5,,https://youtu.be/Pr1vateVid0
6,,https://youtu.be/B0tWa11Vid0
7,not a link,somebody said so
"""

ANSWERS = {
    "ARCHIVER_TELEGRAM_API_ID": "12345", "ARCHIVER_TELEGRAM_API_HASH": "5d1e0a4c" * 4,
    "ARCHIVER_TELEGRAM_PHONE": "77005550101", "ARCHIVER_TELEGRAM_CODE": "12345",
}  # fmt: skip
"""What a person would be asked at the login. The number is nobody's."""

FIRST_RUN = (
    "--create", "--pseudonym", "demo", "--direct", "--no-timestamps",
)  # fmt: skip
"""An answer to each question of the first run: on a terminal nothing is left to ask."""


def meanwhile(api: TelegramApi) -> None:
    """What happens on the platform while the demo watches it."""
    from archiver.demo.witness import CHANNEL

    def watching() -> int:
        return sum(name == "GetChannelDifference" for name, _ in api.asked)

    before, patience = watching(), time.monotonic() + 30
    while watching() == before and time.monotonic() < patience:
        time.sleep(0.05)
    channel = api.chats[CHANNEL]
    api.post(channel, "Солдаттар кетті. / Военные ушли с площади.")
    api.edit(channel, 11, "Жаңаөзен, 5 қаңтар. Алаң бос.")
    api.delete(channel, [13])


class Outsiders:
    """Who stamps: an authority and a calendar under names of their own, over plain HTTP as real ones often are."""

    def __init__(self, scratch: Path) -> None:
        self._authority = MiniAuthority(scratch / "stamps")
        calendar = MiniCalendar("http://calendar.example")
        sites: dict[str, Site] = {"stamps.example": self._authority.site, "calendar.example": calendar.site}
        self.served = Platforms(scratch / "outsiders", sites)

    def allowed(self, home: Path) -> bool:
        """Enters them into the home's settings, where this machine can play an authority."""
        if shutil.which("openssl") is None:
            return False
        allow(home, "http", [("stamps", self._authority)], "calendar.example")
        return True


def _require_empty(folder: Path) -> None:
    """Raise unless nothing lies there: neither a home, whole or half made, nor anybody's files become a demo.

    Raises `UsageError`, `DiskError`.
    """
    try:
        there = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    except OSError as error:
        raise disk_error(error, f"looking into {folder}") from error
    if there:
        raise UsageError(
            f"an empty folder for the demo at {folder}, or none",
            f"one that holds {', '.join(there[:3])}{' …' if len(there) > 3 else ''}",
            "Name another: archiver demo --home DIR. Nothing was changed.",
        )


def demo(main: Main, console: Console, home: Path | None) -> int:
    """Run the steps, each by `main`; return 0 if each ended as it should.

    `home`: where the home of the demo is made; its packages go into a folder beside it that bears its name. Both must be
    free. Raises `UsageError`, `DiskError`.
    """
    from archiver.demo.scene import platforms
    from archiver.demo.witness import witness_by_api

    folder = home if home else Path(tempfile.mkdtemp(prefix="archiver-demo-")) / "home"
    _require_empty(folder)
    packages = folder.with_name(f"{folder.name}-packages")
    _require_empty(packages)
    console.say("The platforms below are miniatures on this machine, under real host names. Nothing leaves it.")
    console.say("What is captured here is marked as made with test routes: not evidence.\n")
    expected = {"capture https://t.me/ozen_today/14": 3, "capture https://t.me/ozen_today/20": 2}
    expected["crawl https://t.me/s/ozen_today --case zhanaozen"] = 2
    expected["check {out}/zhanaozen-partner --quiet"] = 6
    expected["capture --list {list} --quick"] = 4
    good = True
    with tempfile.TemporaryDirectory(prefix="archiver-platforms-") as scratch:
        scene = platforms(Path(scratch))
        served = scene.served
        api = witness_by_api(scene.telegram.channels["ozen_today"], Path(scratch) / "media")
        outside = Outsiders(Path(scratch))
        routes = {**served.network.routes, **outside.served.network.routes}
        network = replace(served.network, routes=routes, telegram=api.network())
        if not scene.real:
            console.say("ffmpeg is not installed: the videos are stand-ins without pictures.\n")
        links = Path(scratch) / "links.csv"
        links.write_text(LINKS, "utf-8")
        handed = Path(scratch) / "handed"
        handed.mkdir()
        (handed / "VID_20220105_124012.mp4").write_bytes(video(Path(scratch), 2, 300)[0])
        (handed / "note.txt").write_text("Снято из окна, 12:40.", "utf-8")
        try:
            if made := main(["--home", str(folder), *FIRST_RUN], network, {}):
                return made
            for title, command in STEPS:
                if command == "seal" and not outside.allowed(folder):
                    console.say("\nopenssl is not installed: nobody stamps the history here.")
                    continue
                if title:
                    console.say(f"\n── {title}")
                shown = command.replace("{list}", str(links)).replace("{handed}", str(handed))
                shown = shown.replace("{out}", str(packages))
                console.say(f"$ archiver {shown}")
                if shown.startswith("watch"):
                    threading.Thread(target=meanwhile, args=(api,), daemon=True).start()
                code = main([*shlex.split(shown), "--home", str(folder)], network, ANSWERS)
                good = good and code == expected.get(command, 0)
                console.say(f"  (exit code {code})")
                console.data({"command": shown, "exit_code": code})
        finally:
            served.stop()
            api.stop()
            outside.served.stop()
    console.say("\n── What to try next")
    console.say(f"  archiver show ID --home {folder}            (an id from above, or its last eight letters)")
    console.say(f"  archiver case show zhanaozen --home {folder}")
    console.say(f"  archiver check --home {folder}              every line of the check")
    console.say(f"  zcat {folder}/captures/*/*/*/*/*-00000-*.warc.gz | less      what crossed the wire")
    console.say(f"  {packages}/zhanaozen-partner/data/report.html      in a browser")
    console.say("  docs/tutorial/first-captures.md             the same with a real link")
    return 0 if good else 4
