"""`archiver history`: what a post said before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archiver.casework.history import SHOWN, _changed, _changes, post_of
from archiver.errors import NotFound
from archiver.home.visibility import HIDDEN, is_hidden

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser


EXAMPLE = "archiver history https://t.me/durov/523"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver history` takes."""
    parser.add_argument("post", metavar="LINK|POST", help="Link of the post, or its id in a capture.")


def run(context: Context) -> int:
    """Show every observation of a post. Raises `NotFound` where no capture has seen it."""
    home = context.home()
    post, console = post_of(context.arguments.post), context.console
    seen, gone = home.catalog.observations(post), home.catalog.removals(post)
    found = [body for body in home.catalog.event_bodies(FOUND) if body["detail"].get("post") == post]
    if not seen and not gone and not found:
        raise NotFound(f"observations of {post!r}", "none", "Search for it: archiver find TEXT")
    entries = [(row["seen"] or row["opened"], "seen", row) for row in seen]
    entries += [(body["time"], "removed", body) for body in gone]
    entries += [(body["time"], body["type"], body) for body in found]
    before: dict[str, Any] | None = None
    console.say(f"{post}: {_many(len(seen), 'observation')}" + (f", {_many(len(gone), 'removal')}" if gone else ""))
    for when, what, entry in sorted(entries, key=lambda item: item[0]):
        if what == "removed":
            _removal(context, when, entry)
            continue
        if what != "seen":
            _found(context, when, entry, is_hidden(home, entry["detail"]["capture"], post))
            continue
        line = json.loads(entry["line"])
        hidden = is_hidden(home, entry["capture"], post)
        changed = list(SHOWN) if before is None else _changed(before, line)
        _seen(context, when, entry, line, "first seen" if before is None else _changes(changed), changed, hidden)
        before = line
    return 0


FOUND = ("changed", "unavailable", "seen-again")
"""What watches find."""


def _found(context: Context, when: str, body: dict[str, Any], hidden: bool) -> None:
    detail, console = body["detail"], context.console
    shown = {key: value for key, value in detail.items() if not hidden or key != "changes"}
    console.data({"what": body["type"], "when": when, "event": body["seq"], **shown})
    by = f"event {body['seq']}, signed by {body['agent']['id']}"
    if body["type"] != "unavailable":
        fields = ", ".join(one["field"] for one in shown.get("changes", ())) or "as before"
        word = "CHANGED" if body["type"] == "changed" else "SEEN AGAIN"
        console.say(f"\n{when[:19]}Z  {word}  {fields}; in {detail['capture']} · {by}")
        return
    last = detail.get("last_seen")
    console.say(f"\n{when[:19]}Z  {detail['outcome'].upper()}  {detail['said']}")
    console.say(f"    last seen       {last['at'][:19] + 'Z in ' + last['capture'] if last else 'never'}")
    console.say(f"    first not seen  {detail['first_not_seen'][:19]}Z")
    for one in detail["looks"]:
        control = one["control"]
        console.say(
            f"    looked at {one['at'][:19]}Z in {one['capture']}, while {control['link']} was answered in {control['capture']}"
        )
    console.say(f"    {by}")


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _seen(
    context: Context, when: str, row: dict[str, Any], line: dict[str, Any], what: str, changed: list[str], hidden: bool
) -> None:
    console = context.console
    content = {"quarantined": True} if hidden else {"post": line}
    console.data({"what": "seen", "when": when, "capture": row["capture"], "changed": changed, **content})
    views = f" · {line['views']} views" if line.get("views") is not None else ""
    edited = f" · edited {line['edited_at']['value']}" if line.get("edited_at") else ""
    console.say(f"\n{when[:19]}Z  {what}{edited}{views}  in {row['capture']}")
    if hidden:
        console.say(f"    {HIDDEN}")
    elif changed:
        if line.get("text"):
            console.paragraph(line["text"])
        for number, item in enumerate(line.get("attachments") or []):
            console.say(f"    [{number}] {item['kind']}  {item.get('file_name') or item.get('url') or ''}".rstrip())


def _removal(context: Context, when: str, body: dict[str, Any]) -> None:
    detail = body["detail"]
    context.console.data({"what": "removed", "when": when, "event": body["seq"], **detail})
    how = "Telegram announced it"
    if detail["how"] == "empty answer":
        how = f"Telegram answered that it is not there, and in the same answer gave message {detail.get('control')}"
    last = detail.get("last")
    said = f"last seen in {last['capture']}" if last else "never seen before it was removed"
    context.console.say(f"\n{when[:19]}Z  REMOVED  {how}; {said}")
    context.console.say(
        f"    shown by {detail['record']} in {detail['capture']} · event {body['seq']}, signed by {body['agent']['id']}"
    )
