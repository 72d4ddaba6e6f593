"""`archiver incident`: incidents of a case: list and show them, make one, add to it, take away, retract."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archiver.casework import incidents
from archiver.casework.fields import Claim
from archiver.casework.incidents import IncidentFacts
from archiver.casework.retract import retract
from archiver.cli.analysis import say, time_range
from archiver.cli.arguments import add_period, add_position, add_shown, add_words, add_zone
from archiver.cli.meaning import confirm, counted, show_meant
from archiver.cli.pager import paged
from archiver.cli.placing import add_as_typed, checked_position
from archiver.errors import UsageError
from archiver.home.paths import given_path
from archiver.lookup.bulk import by_links, by_search, by_tag
from archiver.lookup.incident_view import IncidentView, incident_view, incident_views
from archiver.text.plain import many

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

EXAMPLE = (
    "archiver incident new square --case almaty --title 'Shots at the square' --at 43.34,52.86 --zone Asia/Aqtau",
    "archiver incident add square 9k2mv7qd --case almaty --set weapon='hunting rifle'",
    "archiver incident show square --case almaty",
)
EARLIER = "set"
"""The hidden action behind `archiver incident NAME --case CASE …`, as it was said until this release."""


def add_arguments(parser: Parser) -> None:
    """Add what `archiver incident` takes."""
    shown = parser.add_action("list", "List incidents.", "archiver incident list --case almaty")
    shown.add_argument("--case", metavar="CASE", help="Only of this case.")
    show = parser.add_action("show", "Show an incident; signs nothing.", EXAMPLE[2])
    _add_name(show)
    add_shown(show, 50)
    _add_facts(parser.add_action("new", "Create an incident.", EXAMPLE[0]))
    _add_facts(parser.add_action("add", "Add items or facts to an incident.", EXAMPLE[1]))
    remove = parser.add_action(
        "remove", "Take items out of an incident.", "archiver incident remove square 9k2mv7qd --case almaty"
    )
    _add_name(remove)
    remove.add_argument("items", nargs="+", metavar="ID[:POST]", help="Item to take out.")
    gone = parser.add_action(
        "retract", "Retract a whole incident.", "archiver incident retract square --case almaty 'the same as roof'"
    )
    _add_name(gone)
    add_words(gone, "REASON", "Why it is retracted.")
    earlier = parser.add_earlier(EARLIER)
    _add_facts(earlier)
    earlier.add_argument("--add", action="append", default=[], metavar="ID[:POST]", help="Add an item; repeatable.")


def _add_name(parser: Parser) -> None:
    parser.add_argument("incident", metavar="NAME", help="Name of the incident: lowercase letters, digits and dashes.")
    parser.add_argument("--case", required=True, metavar="CASE", help="Case of the incident.")


def _add_facts(parser: Parser) -> None:
    _add_name(parser)
    parser.add_argument(
        "items", nargs="*", metavar="ID[:POST]", help="Item to add: a capture, a post, or a part of it."
    )
    parser.add_argument("--title", metavar="TEXT", help="Title for reports.")
    parser.add_argument("--place", metavar="TEXT", help="Where it happened, in words.")
    add_position(parser)
    add_zone(parser)
    add_as_typed(parser)
    add_period(parser)
    listed = "Add what this file lists, an id or a link a line; - reads standard input."
    parser.add_argument("--list", type=given_path, metavar="FILE", help=listed)
    parser.add_argument("--tag", metavar="TAG", help="Add everything in the case with this tag.")
    parser.add_argument("--search", metavar="TEXT", help="Add the posts of the case with these words; asks first.")
    parser.add_argument("--yes", action="store_true", help="Add what the search found without asking.")
    fact = "Set a field of the case, like weapon or unit; repeatable. See archiver case fields."
    parser.add_argument("--set", dest="values", action="append", default=[], metavar="FIELD=VALUE", help=fact)
    claim = "Record a number that officials or media state, like killed=14 or killed=14-20; needs --source."
    parser.add_argument("--claim", metavar="FIELD=NUMBER", help=claim)
    parser.add_argument("--source", metavar="TEXT", help="Who states the number, and where.")


def run(context: Context) -> int:
    """List, show, make, change or retract incidents. Raises `UsageError`, `NotFound`, `LedgerError`."""
    action = context.arguments.action
    if action == "list":
        return _list(context)
    if action == "show" or (action == EARLIER and not _facts_given(context.arguments)):
        return _show(context)
    if action == "remove":
        return _remove(context)
    if action == "retract":
        return _retract(context)
    return _add(context)


def _facts_given(arguments: Any) -> bool:
    names = ("items", "title", "place", "at", "zone", "since", "list", "tag", "search", "values", "claim", "add")
    return any(getattr(arguments, name, None) for name in names)


def _list(context: Context) -> int:
    console, home = context.console, context.home_to_read()
    views = incident_views(home, context.arguments.case)
    for one in views:
        begins = f"  {one.facts['from'].value[:16]}Z" if "from" in one.facts else ""
        parts = [many(len(one.items), "item")]
        parts += [many(len(one.conclusions), "conclusion")] if one.conclusions else []
        parts += [many(len(one.statements), "statement")] if one.statements else []
        console.say(f"{one.case}/{one.name}{begins}  {one.title or '(no title)'}  {', '.join(parts)}")
        console.data(one.as_json())
    if not views:
        console.say("no incidents")
    return 0


def _show(context: Context) -> int:
    arguments, console, home = context.arguments, context.console, context.home_to_read()
    one = incident_view(home, arguments.case, arguments.incident)
    console.data(one.as_json())
    if not console.as_json:
        with paged(context):
            _print(context, home, one)
    return 0


def _print(context: Context, home: Home, one: IncidentView) -> None:
    say, limit = context.console.say, getattr(context.arguments, "limit", 50)
    say(f"{one.case}/{one.name}  {one.title or '(no title)'}")
    facts = {key: f"{said.value}  (event {said.event}, {said.by})" for key, said in one.facts.items()}
    for key, value in facts.items():
        say(f"  {key:<10} {value}")
    for key, said in one.attributes.items():
        say(f"  {key:<10} {said.value}  (event {said.event}, {said.by})")
    for said in one.claims:
        claim = said.value
        say(
            f"  {claim['name']:<10} {claim['number']}, as claimed by {claim['source']}  (event {said.event}, {said.by})"
        )
    say(f"  {many(len(one.items), 'item')}")
    for about, seq, known in one.described(home, limit):
        post = f":{about['post']}" if about.get("post") else ""
        say(f"    {about['capture']}{post}  {known.line()}  (event {seq})")
    if len(one.items) > limit:
        say(f"    … and {len(one.items) - limit} more: --limit {len(one.items)}")
    for body in one.conclusions:
        detail = body["detail"]
        say(f"  finding, {detail['confidence']} confidence, by {body['agent']['id']} (event {body['seq']})")
        context.console.paragraph(detail["text"])
    for body in one.statements:
        detail = body["detail"]
        told = [f"of {detail['witness']}", *(detail[key] for key in ("date", "language") if key in detail)]
        to = f", to {detail['interviewer']}" if "interviewer" in detail else ""
        say(f"  statement {', '.join(told)}{to}: {detail['about']['capture']} (event {body['seq']})")


def _add(context: Context) -> int:
    arguments, home = context.arguments, context.recovered_home()
    known = incidents.incident_names(home, arguments.case) if _is_case(home, arguments.case) else []
    exists = arguments.incident in known
    _require_fit(context, exists, known)
    when = time_range(arguments.since, arguments.until) if arguments.since else None
    at = checked_position(context, home, arguments.at, arguments.zone)
    named = _found(context, home)
    there = [about for about, _ in incident_view(home, arguments.case, arguments.incident).items] if exists else []
    found = [about for about in named if about not in there]
    facts = IncidentFacts(
        title=arguments.title, place=arguments.place, at=at, zone=arguments.zone, when=when, found=tuple(found),
        attributes=_pairs(arguments.values), claim=_claim(arguments),
    )  # fmt: skip
    if not exists and not arguments.title and not facts.place and not found and when is None and at is None:
        raise UsageError("a title, a place, a time or an item", "none", "For example --title 'Shots at the square'")
    if named and not found and facts == IncidentFacts():
        context.console.say(f"nothing to add: {counted(len(named))} there already")
        return 0
    last = next((item for item in _items(arguments) if item.startswith("LAST")), None)
    show_meant(context, home, last, found)
    signer = context.signer(home)
    sealed = incidents.add_to_incident(home, signer, arguments.case, arguments.incident, facts)
    if found:
        context.console.say(f"{counted(len(found))} added to {arguments.case}/{arguments.incident}")
    return say(context, signer, sealed)


def _is_case(home: Home, case: str) -> bool:
    home.require_case(case)
    return True


def _require_fit(context: Context, exists: bool, known: list[str]) -> None:
    """Refuse to make what is there, and to add to what is not; the earlier form did both."""
    arguments = context.arguments
    name, case = arguments.incident, arguments.case
    if arguments.action == "new" and exists:
        raise UsageError(
            "a new incident", f"{case}/{name}, which exists", f"archiver incident add {name} --case {case}"
        )
    if arguments.action == "add" and not exists:
        incidents.require_incident(context.home(), case, name)
    if arguments.action == EARLIER:
        verb = "add" if exists else "new"
        context.console.warn(
            f"archiver incident {name} is now: archiver incident {verb} {name}. The earlier form ends with the next release."
        )


def _items(arguments: Any) -> list[str]:
    return [*arguments.items, *getattr(arguments, "add", [])]


def _found(context: Context, home: Home) -> list[dict[str, Any]]:
    """Return all items that are to be added, each once."""
    arguments = context.arguments
    found = [incidents.item_of(home, text) for text in _items(arguments)]
    if arguments.list is not None:
        found += _listed(home, arguments.case, arguments.list)
    if arguments.tag:
        tagged = by_tag(home, arguments.case, arguments.tag)
        if not tagged:
            raise UsageError(
                f"something in {arguments.case} with the tag {arguments.tag!r}", "nothing", "archiver tag ID TAG"
            )
        found += tagged
    if arguments.search:
        posts = by_search(home, arguments.case, arguments.search, incidents.MOST_ITEMS)
        if posts and not arguments.yes:
            ids = ", ".join(str(about.get("post") or about["capture"]) for about in posts[:20])
            said = f"{arguments.search!r} finds {many(len(posts), 'post')}: {ids}"
            confirm(context.console, said, "Add them?", "Add --yes, or name the items.")
        found += posts
    return [about for n, about in enumerate(found) if about not in found[:n]]


def _listed(home: Home, case: str, path: Any) -> list[dict[str, Any]]:
    text = sys.stdin.read() if str(path) == "-" or path.name == "-" else path.read_text("utf-8-sig")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    links = [line for line in lines if "://" in line]
    found, absent = by_links(home, case, links)
    if absent:
        raise UsageError(
            f"links that the case {case} has captures of", f"{many(len(absent), 'other')}: {', '.join(absent[:5])}",
            "Capture them into the case first, or take them off the list. Nothing was signed.",
        )  # fmt: skip
    return [*found, *(incidents.item_of(home, line) for line in lines if "://" not in line)]


def _pairs(values: list[str]) -> Mapping[str, str]:
    pairs = [value.partition("=") for value in values]
    for name, equals, value in pairs:
        if not equals or not name or not value:
            raise UsageError("--set FIELD=VALUE", repr(f"{name}{equals}{value}"), "For example --set weapon=rifle")
    return {name: value for name, _, value in pairs}


def _claim(arguments: Any) -> Claim | None:
    if arguments.claim is None:
        if arguments.source is not None:
            raise UsageError("--claim together with --source", "--source alone", "For example --claim killed=14")
        return None
    name, _, number = arguments.claim.partition("=")
    return Claim(name, number, arguments.source or "")


def _remove(context: Context) -> int:
    arguments, home = context.arguments, context.recovered_home()
    one = incident_view(home, arguments.case, arguments.incident)
    wanted = [incidents.item_of(home, text) for text in arguments.items]
    there = [about for about, _ in one.items]
    for text, about in zip(arguments.items, wanted, strict=True):
        if not any(all(item.get(key) == value for key, value in about.items()) for item in there):
            raise UsageError(
                f"an item of {one.case}/{one.name}", text, "See archiver incident show. Nothing was signed."
            )
    show_meant(context, home, next((text for text in arguments.items if text.startswith("LAST")), None), wanted)
    signer = context.signer(home)
    facts = IncidentFacts(removed=tuple(arguments.items))
    return say(context, signer, incidents.add_to_incident(home, signer, one.case, one.name, facts))


def _retract(context: Context) -> int:
    arguments, home = context.arguments, context.recovered_home()
    one = incident_view(home, arguments.case, arguments.incident)
    if rest := [body["seq"] for body in (*one.conclusions, *one.statements)]:
        raise UsageError(
            "an incident that no finding or statement is about",
            f"events {', '.join(map(str, rest))}",
            f"Retract these first: archiver retract {' '.join(map(str, rest))} REASON",
        )
    signer = context.signer(home)
    for sealed in retract(home, signer, one.events, " ".join(arguments.words)):
        say(context, signer, sealed)
    return 0
