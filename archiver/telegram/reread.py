"""Reading the newest messages of a watched chat again: Telegram does not announce every edit and removal."""

from __future__ import annotations

from archiver.telegram.observations import Observations
from archiver.telegram.watched_chat import WatchedChat
from spiders.date_range import DateRange
from spiders.telegram.api.messages import identity

AT_A_TIME = 90


async def reread(watched: WatchedChat, observations: Observations, last: int, everything: bool = False) -> None:
    """Read the `last` newest messages again, for edits that were not announced and messages that are gone.

    `everything`: back to what was known before, however far that is.
    """
    chat = watched.place
    present: set[int] = set()
    known = set(watched.home.state.watch_present(watched.target.key, 1)) if everything else set()
    low = None
    async for page in watched.ask.history(chat, None, DateRange(), holes=False):
        await observations.observe(page.kept)
        present |= set(page.kept.numbers())
        low = min(page.kept.numbers(), default=low)
        if page.cursor is None:
            low = 1
            break
        if len(present) >= last and not (everything and known.isdisjoint(present)):
            break
    if low is None or not present:
        return
    missing = [n for n in watched.home.state.watch_present(watched.target.key, low) if n not in present]
    await _confirm_missing(watched, observations, missing, max(present))


async def _confirm_missing(watched: WatchedChat, observations: Observations, missing: list[int], control: int) -> None:
    """Ask for messages that the history left out, together with one that is there, and enter those that are gone."""
    for start in range(0, len(missing), AT_A_TIME):
        some = missing[start : start + AT_A_TIME]
        kept = await watched.ask.messages(watched.place, [*some, control])
        there = {m["id"] for m in kept.messages if m["_"] != "MessageEmpty"}
        if control not in there:
            continue  # the answer is empty as a whole: it says nothing about any single message
        observations.removed([n for n in some if n not in there], "empty answer", kept, kept.answer, control)
        await observations.observe(kept)


async def observe_interrupted(watched: WatchedChat, observations: Observations) -> None:
    """Observe posts once more, files included, whose files were under way when an earlier watch was killed."""
    key, again = watched.target.key, []
    for row in watched.home.catalog.interrupted(watched.session.context.shown_target.url):
        ends = {line.get("key"): line.get("outcome") for line in watched.home.catalog.inventory(row["id"])}
        for number in watched.home.state.watch_seen_in(key, row["id"]):
            post = identity(watched.place.place, number)
            mine = [
                how for name, how in ends.items() if name == f"post {post}" or str(name).startswith(f"edit {post} ")
            ]
            if not mine or "failed" in mine:  # no line of its own: a member of an album
                again.append(number)
    for start in range(0, len(again), AT_A_TIME):
        some = again[start : start + AT_A_TIME]
        kept = await watched.ask.messages(watched.place, some)
        watched.home.state.watch_forget(key, [m["id"] for m in kept.messages if m["_"] != "MessageEmpty"])
        await observations.observe(kept)
