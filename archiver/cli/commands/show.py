"""The commands that look things up: find, show, case, parse."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from archiver.cli.arguments import add_capture_id
from archiver.cli.text import _when
from archiver.copies.stubs import stubs
from archiver.errors import UsageError
from archiver.home.home import Home
from archiver.home.visibility import HIDDEN, LEGAL_ROUTE, is_hidden, quarantined
from archiver.seal.kept_stamps import covering, in_words, stamps
from archiver.text.plain import many, size
from storage.events import Event
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser


EXAMPLE = "archiver show 9k2mv7qd --inventory"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver show` takes."""
    add_capture_id(parser)
    parser.add_argument("--inventory", action="store_true", help="List everything discovered, with its outcome.")
    parser.add_argument("--records", action="store_true", help="List every WARC record.")
    quarantined = "Show what is quarantined too; the view is recorded as an event."
    parser.add_argument("--quarantined", action="store_true", help=quarantined)
    parser.add_argument("--why", metavar="TEXT", help="Reason for looking at what is quarantined.")


def run(context: Context) -> int:
    """Show one capture. Raises `NotFound`, `UsageError`."""
    console = context.console
    home = context.recovered_home() if context.arguments.quarantined else context.home()
    capture_id = home.resolve_capture(context.arguments.id)
    row = home.catalog.capture(capture_id)
    assert row is not None
    if quarantined(home, capture_id):
        _view(context, home, capture_id)
    inventory = home.catalog.inventory(capture_id)
    posts = home.catalog.posts(capture_id)
    records = home.catalog.records(capture_id)
    notes = home.catalog.annotations(capture_id)
    cases = home.catalog.cases_of(capture_id)
    if context.arguments.json:
        _show_json(context, home, row, inventory, posts, records, notes, cases)
        return 0
    reason = f": {row['reason']}" if row["reason"] else ""
    console.say(f"{capture_id}  {row['outcome']}{reason}")
    console.say(f"  link      {row['target']}")
    console.say(f"  when      {row['opened']} … {row['closed']}")
    console.say(f"  cases     {', '.join(cases)}    run {row['run']} part {row['part']}")
    console.say(f"  where     {home.path / row['folder']}")
    console.say(f"  proof     event {row['seq']}, manifest sha256:{row['manifest_sha256']}")
    console.say(
        f"            {in_words(stamps(home), row['seq'])}"
        + (" · made with test routes: not evidence" if row["test_routes"] else "")
    )
    for body in home.catalog.event_bodies(("duplicate",)):
        if capture_id in body["detail"]["captures"]:
            of = body["detail"]["of"]
            console.say(
                f"  duplicate of {', '.join(of['captures'])} in the home of {of['ledger']} (event {body['seq']}): both were sealed"
            )
    places = home.catalog.copies(capture=capture_id)
    console.say(f"  copies    {', '.join(_copy_words(copy) for copy in places) or 'NONE: this disk has the only one'}")
    gone = stubs(home.path / row["folder"])
    if gone:
        console.say(f"            freed here: {many(len(gone), 'file')}, kept there; what needs them fetches them back")
    stored = sum(record["length"] for record in records)
    console.say(
        f"  records   {len(records)} in {len({record['file'] for record in records})} WARC files, {size(stored)}"
    )
    sums = Counter(line["outcome"] for line in inventory if line.get("outcome"))
    console.say(f"  inventory {', '.join(f'{count} {outcome}' for outcome, count in sums.most_common()) or 'empty'}")
    for post in posts:
        if json.loads(post["line"]).get("role") == "target" or row["platform"] == "page":
            _show_post(context, home, capture_id, post)
    for line in inventory:
        if line.get("kind") == "arrival check":
            said = "intact" if line["intact"] else f"NOT INTACT: {line['said']}"
            console.say(f"\n  on arrival  {line['about']}: {line['form']}, {said}")
    for note in notes:
        about = f" on {note['post']}" if note["post"] else ""
        about += f" attachment {note['attachment']}" if note["attachment"] is not None else ""
        about += f" {note['segment']}" if note["segment"] else ""
        console.say(
            f"\n  {note['kind']}{about}, by {note['agent']} at {note['time'][:19]}Z (event {note['seq']})\n    {note['text']}"
        )
    if context.arguments.inventory:
        console.say("\n  inventory")
        for line in inventory:
            if line.get("outcome"):
                why = f"  {line['reason']}" if line.get("reason") else ""
                known = f"  sha256:{line['sha256']}, {line['size']} bytes" if line.get("sha256") else ""
                console.say(f"    {line['outcome']:<11} {line['key']}{why}{known}")
    if context.arguments.records:
        console.say("\n  records")
        for record in records:
            console.say(
                f"    {record['type']:<9} {record['file']}:{record['offset']}+{record['length']}  {record['uri'] or ''}"
            )
    return 0


def _copy_words(copy: dict[str, Any]) -> str:
    locks = [item.get("lock") for item in copy["objects"]]
    first = locks[-1] if locks else None
    words = f"{copy['destination']} since {copy['time'][:10]}"
    if first and first.get("until"):
        words += f", {first['mode']} until {first['until'][:10]}"
    return words + (", legal hold" if first and first.get("hold") else "")


def _view(context: Context, home: Home, capture: str) -> None:
    """A look at what is quarantined is an event, before anything is shown. Raises `UsageError`."""
    why = context.arguments.why
    if context.arguments.quarantined and not why:
        raise UsageError("--why TEXT beside --quarantined", "none", "Every view is recorded with its reason.")
    if context.arguments.quarantined:
        detail = {"capture": capture, "why": why}
        signer = context.signer(home)
        sealed = signer.append([Event("viewed", home.clock(), detail)])[0]
        home.project()
        context.console.warn(f"this view is event {sealed.seq}, signed by {signer.author.pseudonym}")
    context.console.warn(LEGAL_ROUTE)


def _kept_from_view(context: Context, home: Home, capture: str, post: str | None) -> bool:
    return not context.arguments.quarantined and is_hidden(home, capture, post)


def _show_post(context: Context, home: Home, capture: str, post: dict[str, Any]) -> None:
    console = context.console
    line = json.loads(post["line"])
    console.say(
        f"\n  {post['id']}  {post['author_name'] or 'author unknown'}  {_when(post['published_at'], line)}"
        + ("  edited" if post["edited"] else "")
    )
    if _kept_from_view(context, home, capture, post["id"]):
        console.say(f"    {HIDDEN}")
        return
    text = post["text"] or post["title"]
    if text:
        console.paragraph(text, 12)
    for number, item in enumerate(line.get("attachments") or []):
        what = item.get("url") or item.get("reason") or item.get("question") or item.get("file_name") or ""
        console.say(f"    [{number}] {item['kind']}  {what[:100]}")


def _show_json(context: Context, home: Home, row: dict[str, Any], *parts: Any) -> None:
    inventory, posts, records, notes, cases = parts
    stamp = covering(stamps(home), row["seq"])
    times = {"timestamped": stamp is not None, "timestamp": utc_text(stamp.time) if stamp and stamp.time else None}
    context.console.data({"line": "capture", **row, "cases": cases, **times})
    for post in posts:
        hidden = _kept_from_view(context, home, row["id"], post["id"])
        content = {"id": post["id"], "quarantined": True} if hidden else json.loads(post["line"])
        context.console.data({"line": "post", **content})
    for item in inventory:
        context.console.data({"line": "inventory", **item})
    for note in notes:
        context.console.data({"line": "annotation", **note})
    if context.arguments.records:
        for record in records:
            context.console.data({"line": "record", **record})
