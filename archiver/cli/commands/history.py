"""`archiver history`: what a post said before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.history import Observed, Removed, WatchFinding, post_history
from archiver.home.visibility import HIDDEN
from archiver.text.plain import many

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver history https://t.me/durov/523"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver history` takes."""
    parser.add_argument("post", metavar="LINK|POST", help="Link of the post, or its id in a capture.")


def run(context: Context) -> int:
    """Print a post as it was seen over time. Raises `NotFound` if no capture has seen it."""
    home = context.home()
    console, found = context.console, post_history(home, context.arguments.post)
    removals = f", {many(found.removals, 'removal')}" if found.removals else ""
    console.say(f"{found.post}: {many(found.observations, 'observation')}{removals}")
    for entry in found.entries:
        if isinstance(entry, Observed):
            _say_observed(console, entry)
        elif isinstance(entry, Removed):
            _say_removed(console, entry)
        else:
            _say_finding(console, entry)
    return 0


def _say_observed(console: Console, seen: Observed) -> None:
    line = seen.line
    content = {"quarantined": True} if seen.hidden else {"post": line}
    unsure = {"cannot_tell": seen.unsure} if seen.unsure else {}
    console.data(
        {"what": "seen", "when": seen.when, "capture": seen.capture, "changed": list(seen.changed), **unsure, **content}
    )
    what = f"changed: {', '.join(seen.changed)}" if seen.changed else "as before"
    what = f"cannot tell: {seen.unsure}" if seen.unsure else what
    views = f" · {line['views']} views" if line.get("views") is not None else ""
    edited = f" · edited {line['edited_at']['value']}" if line.get("edited_at") else ""
    console.say(f"\n{seen.when[:19]}Z  {'first seen' if seen.first else what}{edited}{views}  in {seen.capture}")
    if seen.hidden:
        console.say(f"    {HIDDEN}")
    elif seen.changed:
        if line.get("text"):
            console.paragraph(line["text"])
        for number, item in enumerate(line.get("attachments") or []):
            console.say(f"    [{number}] {item['kind']}  {item.get('file_name') or item.get('url') or ''}".rstrip())


def _say_removed(console: Console, removed: Removed) -> None:
    body, detail = removed.event, removed.event["detail"]
    console.data({"what": "removed", "when": removed.when, "event": body["seq"], **detail})
    how = "Telegram announced it"
    if detail["how"] == "empty answer":
        how = f"Telegram answered that it is not there, and in the same answer gave message {detail.get('control')}"
    last = detail.get("last")
    said = f"last seen in {last['capture']}" if last else "never seen before it was removed"
    console.say(f"\n{removed.when[:19]}Z  REMOVED  {how}; {said}")
    console.say(
        f"    shown by {detail['record']} in {detail['capture']} · event {body['seq']}, signed by {body['agent']['id']}"
    )


def _say_finding(console: Console, finding: WatchFinding) -> None:
    body, detail = finding.event, finding.event["detail"]
    shown = {key: value for key, value in detail.items() if not finding.hidden or key != "changes"}
    console.data({"what": body["type"], "when": finding.when, "event": body["seq"], **shown})
    by = f"event {body['seq']}, signed by {body['agent']['id']}"
    if body["type"] != "unavailable":
        fields = ", ".join(one["field"] for one in shown.get("changes", ())) or "as before"
        word = "CHANGED" if body["type"] == "changed" else "SEEN AGAIN"
        console.say(f"\n{finding.when[:19]}Z  {word}  {fields}; in {detail['capture']} · {by}")
        return
    last = detail.get("last_seen")
    console.say(f"\n{finding.when[:19]}Z  {detail['outcome'].upper()}  {detail['said']}")
    console.say(f"    last seen       {last['at'][:19] + 'Z in ' + last['capture'] if last else 'never'}")
    console.say(f"    first not seen  {detail['first_not_seen'][:19]}Z")
    for look in detail["looks"]:
        control = look["control"]
        console.say(
            f"    checked at {look['at'][:19]}Z in {look['capture']}, while {control['link']} was answered in {control['capture']}"
        )
    console.say(f"    {by}")
