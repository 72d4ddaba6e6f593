"""`archiver find`: search posts and notes."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.cli.arguments import add_shown
from archiver.home.home import Home
from archiver.home.visibility import is_hidden

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser


EXAMPLE = "archiver find жаңаөзен"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver find` takes."""
    parser.add_argument("text", nargs="+", metavar="TEXT", help="Words to look for; the start of a word is enough.")
    add_shown(parser, 20)


def run(context: Context) -> int:
    """Search posts and notes, here and in what others of the team keep."""
    console, home = context.console, context.home()
    every = home.catalog.find(" ".join(context.arguments.text), context.arguments.limit)
    found = [one for one in every if one["kind"] != "post" or not is_hidden(home, one["capture"], one["id"])]
    for item in found:
        text = " ".join((item.get("text") or item.get("title") or "").split())
        value = {key: item.get(key) for key in ("kind", "capture", "id", "seq", "url", "published_at", "author_handle")}
        console.data({**{key: entry for key, entry in value.items() if entry is not None}, "text": text})
        if item["kind"] == "post":
            console.say(f"{item['capture']}  {item['published_at'] or 'time unknown':<20}  {item['url'] or item['id']}")
        else:
            console.say(f"{item['capture'] or 'about a case':<24}  {item['annotation']} by event {item['seq']}")
        console.say(textwrap.indent(textwrap.shorten(text, 160, placeholder=" …") or "(no text)", "    "))
    for folder in _brought(home):
        theirs = Home(folder)
        for item in theirs.catalog.find(" ".join(context.arguments.text), context.arguments.limit):
            if item["kind"] != "post" or not is_hidden(theirs, item["capture"], item["id"]):
                said = textwrap.shorten(item.get("text") or item.get("title") or "(no text)", 120, placeholder=" …")
                console.say(f"{item['capture'] or 'about a case':<24}  in others/{folder.name}\n    {said}")
                console.data({"kind": item["kind"], "capture": item["capture"], "others": folder.name, "text": said})
                every.append(item)
                found.append(item)
    if hidden := len(every) - len(found):
        console.say(f"{hidden} quarantined: not shown")
        console.data({"kind": "quarantined", "count": hidden})
    if not every:
        console.say("nothing found")
    return 0


def _brought(home: Home) -> list[Path]:
    """Return the folders of what others of the team keep; what brings them is imported only where there are any."""
    if not (home.path / "others").is_dir():
        return []
    from archiver.copies.team import others

    return others(home)
