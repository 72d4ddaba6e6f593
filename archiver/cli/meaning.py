"""Before something is signed, a person sees what it is about; LAST is asked about where others captured since."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from archiver.errors import UsageError
from archiver.home.last import steps_back
from archiver.lookup.described import came_since, described
from archiver.text.plain import harmless, many

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.home.home import Home

SHOWN = 10
"""Things that are named before something is signed about all of them."""


def show_meant(context: Context, home: Home, named: str | None, abouts: Iterable[Mapping[str, Any]]) -> None:
    """Print link, author and first words of what is about to be signed for; ask where LAST may be another's by now.

    `named`: how the person named it. Raises `UsageError` where nobody says yes.
    """
    every = [about for about in abouts if about.get("capture")]
    console = context.console
    for about in every[:SHOWN]:
        post = f" {about['post']}" if about.get("post") else ""
        console.say(f"about     {described(home, about).line()}  ({about['capture']}{post})")
    if len(every) > SHOWN:
        console.say(f"          … and {len(every) - SHOWN} more")
    if named is None or steps_back(named.partition(":")[0].partition("@")[0]) is None or not every:
        return
    from storage.state import own_captures

    own = set(own_captures(home.path / "state.sqlite", home.person))
    if since := came_since(home, str(every[0]["capture"]), own):
        meant = every[0]["capture"]
        said = f"{named} is {meant}, and since then others came in: {', '.join(since)}"
        confirm(console, said, "Sign it for that one?", f"Type the id that you mean, like {meant}.")


def confirm(console: Console, said: str, question: str, otherwise: str) -> None:
    """Ask a question on a terminal. Raises `UsageError` without one, or unless somebody says yes."""
    if not console.as_json and sys.stdin.isatty():
        console.say(harmless(said))
        try:
            if input(f"{question} yes/no [no] ").strip().lower() in ("y", "yes"):
                return
        except EOFError:
            pass
        raise UsageError("a yes", "none: nothing was signed", otherwise)
    raise UsageError("one meaning", said, otherwise)


def counted(items: int) -> str:
    """Return how many items are meant: `1 item`, `2 items`."""
    return many(items, "item")
