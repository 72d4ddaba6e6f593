"""`archiver show`: one capture, its inventory, records, copies and proofs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archiver.casework.quarantine import record_view
from archiver.cli.arguments import add_capture_id
from archiver.cli.text import when_published, words_of
from archiver.home.visibility import HIDDEN, LEGAL_ROUTE, quarantined
from archiver.lookup.capture_view import CaptureView, PostView, capture_view
from archiver.seal.kept_stamps import in_words
from archiver.text.judged import in_words as in_words_judged
from archiver.text.plain import many, size
from storage.times import utc_text

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

POST_LINES = 12
"""How much of a post's text is shown."""


class Paragraph(str):
    """What somebody wrote: its lines are broken where it is shown."""

    __slots__ = ()


EXAMPLE = "archiver show 9k2mv7qd --inventory"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver show` takes."""
    add_capture_id(parser)
    parser.add_argument("--inventory", action="store_true", help="List everything discovered, with its outcome.")
    parser.add_argument("--records", action="store_true", help="List every WARC record.")
    quarantined = "Include quarantined content; the view is recorded as an event."
    parser.add_argument("--quarantined", action="store_true", help=quarantined)
    parser.add_argument("--why", metavar="TEXT", help="Reason for viewing quarantined content.")


def run(context: Context) -> int:
    """Print one capture. Raises `NotFound`, `UsageError`."""
    arguments, console = context.arguments, context.console
    home = context.recovered_home() if arguments.quarantined else context.home()
    capture = home.resolve_capture(arguments.id)
    if quarantined(home, capture):
        if arguments.quarantined:
            signer = context.signer(home)
            sealed = record_view(home, signer, capture, arguments.why)
            console.warn(f"this view is event {sealed.seq}, signed by {signer.author.pseudonym}")
        console.warn(LEGAL_ROUTE)
    view = capture_view(home, capture, unhidden=arguments.quarantined)
    if arguments.json:
        for line in as_json(view, records=arguments.records):
            console.data(line)
        return 0
    for text in as_text(view, inventory=arguments.inventory, records=arguments.records):
        if isinstance(text, Paragraph):
            console.paragraph(text, POST_LINES)
        else:
            console.say(text)
    return 0


def as_json(view: CaptureView, *, records: bool = False) -> Iterator[dict[str, Any]]:
    """Write a capture as JSON lines: itself, posts, inventory, annotations, and records where asked for."""
    stamp = view.stamp
    times = {"timestamped": stamp is not None, "timestamp": utc_text(stamp.time) if stamp and stamp.time else None}
    yield {"line": "capture", **view.row, "cases": view.cases, **times}
    if view.judged:
        yield {"line": "judged", **view.judged}
    for post in view.posts:
        content = {"id": post.row["id"], "quarantined": True} if post.line is None else post.line
        yield {"line": "post", **content}
    for item in view.inventory:
        yield {"line": "inventory", **item}
    for note in view.annotations:
        yield {"line": "annotation", **note}
    for record in view.records if records else ():
        yield {"line": "record", **record}


def as_text(view: CaptureView, *, inventory: bool = False, records: bool = False) -> Iterator[str]:
    """Write a capture for people, with its inventory and its records where asked for."""
    yield from _head(view)
    yield from _where(view)
    for post in view.posts:
        if post.is_target:
            yield from _post(post)
    for check in view.arrival_checks:
        state = check.get("intact")
        said = "intact" if state else f"{'CANNOT TELL' if state is None else 'NOT INTACT'}: {check['said']}"
        yield f"\n  on arrival  {check['about']}: {check['form']}, {said}"
    for note in view.annotations:
        yield _note(note)
    if inventory:
        yield from _inventory(view)
    if records:
        yield "\n  records"
        for record in view.records:
            place = f"{record['file']}:{record['offset']}+{record['length']}"
            yield f"    {record['type']:<9} {place}  {record['uri'] or ''}"


def _head(view: CaptureView) -> Iterator[str]:
    row = view.row
    reason = f": {row['reason']}" if row["reason"] else ""
    yield f"{row['id']}  {row['outcome']}{reason}"
    if view.judged:
        yield f"  later     {in_words_judged(view.judged)}"
    yield f"  link      {row['target']}"
    yield f"  when      {row['opened']} … {row['closed']}"
    yield f"  cases     {', '.join(view.cases)}    run {row['run']} part {row['part']}"
    yield f"  where     {view.folder}"
    yield f"  proof     event {row['seq']}, manifest sha256:{row['manifest_sha256']}"
    test = " · made with test routes: not evidence" if row["test_routes"] else ""
    yield f"            {in_words(view.stamps, row['seq'])}{test}"
    for body in view.duplicates:
        of = body["detail"]["of"]
        yield (
            f"  duplicate of {', '.join(of['captures'])} in the home of {of['ledger']} (event {body['seq']}): both were sealed"
        )


def _where(view: CaptureView) -> Iterator[str]:
    """Tell where copies lie, and what the capture consists of."""
    yield f"  copies    {', '.join(_copy(copy) for copy in view.copies) or 'NONE: this disk has the only one'}"
    if view.freed:
        yield f"            freed here: {many(len(view.freed), 'file')}, kept there; what needs them fetches them back"
    stored = sum(record["length"] for record in view.records)
    files = {record["file"] for record in view.records}
    yield f"  records   {len(view.records)} in {len(files)} WARC files, {size(stored)}"
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in view.outcomes.most_common())
    yield f"  inventory {outcomes or 'empty'}"


def _copy(copy: dict[str, Any]) -> str:
    locks = [item.get("lock") for item in copy["objects"]]
    last = locks[-1] if locks else None
    words = f"{copy['destination']} since {copy['time'][:10]}"
    if last and last.get("until"):
        words += f", {last['mode']} until {last['until'][:10]}"
    return words + (", legal hold" if last and last.get("hold") else "")


def _post(post: PostView) -> Iterator[str]:
    row, line = post.row, post.line
    edited = "  edited" if row["edited"] else ""
    guessed = {"published": guess} if (guess := row["guessed_published"]) else {}
    when = when_published(row["published_at"], {"published": post.published, "guessed": guessed})
    author = row["author_name"] or (f"guessed: {row['guessed_author']}" if row["guessed_author"] else "author unknown")
    yield f"\n  {row['id']}  {author}  {when}{edited}"
    if line is None:
        yield f"    {HIDDEN}"
        return
    if text := words_of(line):
        yield Paragraph(text)
    for number, item in enumerate(line.get("attachments") or []):
        what = item.get("url") or item.get("reason") or item.get("question") or item.get("file_name") or ""
        yield f"    [{number}] {item['kind']}  {what[:100]}"


def _note(note: dict[str, Any]) -> str:
    about = f" on {note['post']}" if note["post"] else ""
    about += f" attachment {note['attachment']}" if note["attachment"] is not None else ""
    about += f" {note['segment']}" if note["segment"] else ""
    body = json.loads(note["body"])
    if note["kind"] == "place":
        about += f", of the {body.get('whose', 'camera')}"
    known = " ".join(_values(body))
    gone = f"  RETRACTED by event {note['retracted']}" if note["retracted"] is not None else ""
    said = " ".join(part for part in (note["text"], f"({known})" if known else "") if part)
    return (
        f"\n  {note['kind']}{about}, by {note['agent']} at {note['time'][:19]}Z (event {note['seq']}){gone}\n    {said}"
    )


def _values(body: dict[str, Any]) -> Iterator[str]:
    """Yield what an annotation states beside its words: coordinates, times, a zone, who a witness is."""
    if body.get("latitude"):
        yield f"{body['latitude']},{body['longitude']}"
    if body.get("zone"):
        yield str(body["zone"])
    if body.get("from"):
        yield body["from"] if body["from"] == body["to"] else f"{body['from']} to {body['to']}"
    for key in ("level", "mark", "decision", "language", "witness", "date", "interviewer"):
        if body.get(key):
            yield f"{key} {body[key]}"


def _inventory(view: CaptureView) -> Iterator[str]:
    yield "\n  inventory"
    for line in view.inventory:
        if line.get("outcome"):
            why = f"  {line['reason']}" if line.get("reason") else ""
            known = f"  sha256:{line['sha256']}, {line['size']} bytes" if line.get("sha256") else ""
            yield f"    {line['outcome']:<11} {line['key']}{why}{known}"
