"""`archiver case`: list, make or show cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.casework.cases import add_capture
from archiver.casework.fields import TYPES, Field, define_field, fields_of
from archiver.cli.analysis import say
from archiver.cli.arguments import add_capture_id, add_words
from archiver.cli.filters import add_filters, add_pages, rest_of, wanted_by
from archiver.cli.meaning import show_meant
from archiver.cli.pager import paged
from archiver.home.visibility import HIDDEN
from archiver.lookup.search import CAPTURE_ORDERS, MOST, captures_of
from archiver.signer.case_keys import new_case
from archiver.text.plain import many

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

SHOWN = ("archiver case show almaty", "archiver case show almaty --platform youtube --outcome partial --verbose")
FIELD = "archiver case field almaty weapon-type 'kind of weapon' --type choice --choice rifle --choice pistol"
EXAMPLE = ("archiver case new almaty", 'archiver case new almaty --recipient "$(cat counsel.pub)"')


def add_arguments(parser: Parser) -> None:
    """Add what `archiver case` takes."""
    parser.add_action("list", "List cases.", "archiver case list")
    new = parser.add_action("new", "Create a case with its own key.", EXAMPLE)
    new.add_argument("name", metavar="NAME", help="Name of the case: lowercase letters, digits and dashes.")
    recipient = "Public key of another person who may open withheld values; repeatable."
    new.add_argument("--recipient", action="append", default=[], metavar="age1…", help=recipient)
    shown = parser.add_action("show", "List the captures of a case.", SHOWN)
    shown.add_argument("name", metavar="NAME", help="Name of the case.")
    add_filters(shown, "captures made")
    add_pages(shown, tuple(CAPTURE_ORDERS), None)
    shown.add_argument("--verbose", action="store_true", help="Show words, files and reasons too.")
    fields = parser.add_action(
        "fields", "List the fields that incidents of a case have.", "archiver case fields almaty"
    )
    fields.add_argument("name", metavar="NAME", help="Name of the case.")
    field = parser.add_action("field", "Define a field for incidents of a case, or change one.", FIELD)
    field.add_argument("name", metavar="NAME", help="Name of the case.")
    field.add_argument("field", metavar="FIELD", help="Name of the field: lowercase letters, digits and dashes.")
    add_words(field, "WHAT", "What the field holds.")
    kind = "What it takes; a claim is a number that somebody else states, with its source."
    field.add_argument("--type", required=True, choices=TYPES, help=kind)
    choice = "A value that it can have, with --type choice; repeatable."
    field.add_argument("--choice", action="append", default=[], metavar="VALUE", help=choice)
    add = parser.add_action("add", "Add a capture to another case.", "archiver case add almaty 9k2mv7qd")
    add.add_argument("name", metavar="NAME", help="Name of the case.")
    add_capture_id(add)


def run(context: Context) -> int:
    """List, make or show cases, or put a capture into one. Raises `NotFound`, `UsageError`."""
    arguments, console = context.arguments, context.console
    reads = arguments.action in ("list", "show", "fields")
    home = context.home_to_read() if reads else context.recovered_home()
    if arguments.action == "new":
        recipients = new_case(home, context.signer(home), arguments.name, arguments.recipient)
        console.say(f"case {arguments.name}: its key is keys/cases/{arguments.name}.age-key; copy it to a safe place")
        for key in recipients:
            console.say(f"  withheld values can be opened with the key of {key}")
        console.data({"case": arguments.name, "recipients": recipients})
        return 0
    if arguments.action == "list":
        counts = home.catalog.count_by_case()
        for row in home.catalog.cases():
            count = counts.get(row["name"], 0)
            console.say(f"{row['name']:<24} {many(count, 'capture'):>15}  since {row['created'][:10]}")
            console.data({"case": row["name"], "captures": count, "created": row["created"]})
        return 0
    if arguments.action == "add":
        home.require_case(arguments.name)
        show_meant(context, home, arguments.id, [{"capture": home.resolve_capture(arguments.id)}])
        capture_id, *lenders = add_capture(home, context.signer(home), arguments.name, arguments.id)
        for lender in lenders:
            console.say(f"{lender} is added too: this capture uses bytes stored in it")
        console.say(
            f"{capture_id} is now in {arguments.name} too. Its withheld values still open only with its earlier keys."
        )
        return 0
    if arguments.action == "fields":
        return _fields(context, home)
    if arguments.action == "field":
        signer = context.signer(home)
        one = Field(arguments.field, arguments.type, " ".join(arguments.words), tuple(arguments.choice))
        return say(context, signer, define_field(home, signer, arguments.name, one))
    with paged(context):
        _show(context, home)
    return 0


def _fields(context: Context, home: Home) -> int:
    for one in fields_of(home, context.arguments.name).values():
        choices = f": {', '.join(one.choices)}" if one.choices else ""
        by = f"event {one.event}" if one.event is not None else "in every case"
        context.console.say(f"{one.name:<16} {one.type:<7} {one.about}{choices}  ({by})")
        context.console.data(
            {"field": one.name, "type": one.type, "about": one.about, "choices": list(one.choices), "event": one.event}
        )
    return 0


def _show(context: Context, home: Home) -> None:
    arguments, console = context.arguments, context.console
    wanted = wanted_by(arguments, None, arguments.name)
    home.require_case(arguments.name)
    offset = (arguments.page - 1) * (arguments.limit or 0)
    shown, total = 0, 0
    while arguments.limit is None or shown < arguments.limit:
        most = MOST if arguments.limit is None else arguments.limit - shown
        page = captures_of(home, wanted, arguments.sort, most, offset + shown)
        total = max(total, page.total)
        for row in page.rows:
            _say(context, row)
        shown += len(page.rows)
        if len(page.rows) < min(most, MOST):
            break
    if arguments.limit is not None and (said := rest_of(arguments, shown, total)):
        console.say(said)
    elif not shown:
        console.say("no captures")


def _say(context: Context, row: dict[str, Any]) -> None:
    console = context.console
    words = HIDDEN if row["hidden"] else " ".join(row["words"].split())
    said = f"  {words[:60]}" if words and not context.arguments.verbose else ""
    console.say(
        f"{row['id']}  {row['outcome']:<11}  {row['opened'][:19]}Z  {many(row['posts'], 'post'):>9}  {row['target'] or ''}{said}"
    )
    if context.arguments.verbose:
        author = f"{row['author']}, " if row["author"] else ""
        reason = f", {row['reason']}" if row["reason"] else ""
        console.say(f"    {author}{many(row['files'], 'file')}{reason}")
        if words:
            console.paragraph(words, 3)
    value = {
        key: row[key] for key in ("id", "outcome", "reason", "opened", "posts", "target", "folder", "platform", "files")
    }
    console.data({**value, **({"quarantined": True} if row["hidden"] else {"words": row["words"]})})
