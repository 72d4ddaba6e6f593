"""ReplayWeb.page in a `full` package, where it is installed: the recordings can be looked at without any network.

It is a program of others (webrecorder.net, AGPL-3.0), pinned here by digest and never changed; `scripts/setup.sh` fetches it
from npm. A package without it says in its README how the WACZ is opened elsewhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from archiver.export.bag import Bag
from archiver.text.html import tag
from storage.digest import file_sha256

VERSION = "2.5.3"
FILES = {
    "ui.js": "ad95b260fa467a6c4799e669ad76ac8e7d5abefa71d1a2970ae6b63dc454a3c3",
    "sw.js": "29a833e871e2f9b7f135f5b86bba0476b69ad975c129c2473ff5055f73f5a2d0",
}
LICENCE = "https://www.npmjs.com/package/replaywebpage, AGPL-3.0-or-later; its source is there.\n"


def installed(environment: Mapping[str, str]) -> Path | None:
    """Return the folder with the viewer's two files, whole and unchanged; None where there is none."""
    places = [Path(environment["ARCHIVER_REPLAY"])] if "ARCHIVER_REPLAY" in environment else []
    places += [Path(sys.prefix) / "share" / "archiver" / "replaywebpage"]
    places += [Path(os.path.expanduser("~/.local/share/archiver/replaywebpage"))]
    for folder in places:
        try:
            if all(file_sha256(folder / name).hexdigest() == digest for name, digest in FILES.items()):
                return folder
        except OSError:
            continue
    return None


def add_replay(bag: Bag, first_page: str | None, folder: Path) -> None:
    """Add `data/replay/`: the viewer, a page that opens the archive, and the server it needs."""
    bag.write("data/replay/ui.js", (folder / "ui.js").read_bytes())
    bag.write("data/replay/replay/sw.js", (folder / "sw.js").read_bytes())
    viewer = tag(
        "replay-web-page", source="../archive.wacz", url=first_page, replayBase="./replay/", style="height: 100vh"
    )
    head = tag("head", tag("meta", charset="utf-8"), tag("title", "Recordings"), tag("script", src="ui.js"))
    page = tag("html", head, tag("body", viewer, style="margin: 0"), lang="en")
    bag.write("data/replay/index.html", f"<!doctype html>\n{page}\n".encode())
    bag.write("data/replay/serve.py", resources.files("archiver.export").joinpath("replay_serve.py").read_bytes())
    bag.write("data/replay/LICENCE.txt", f"ReplayWeb.page {VERSION}: {LICENCE}".encode())
