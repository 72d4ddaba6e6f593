"""`archiver watch`: add, list, show and remove posts and channels that are checked again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from archiver.cli.arguments import add_capture, add_links, add_shown
from archiver.cli.capture_options import telegram_account
from archiver.cli.commands import watch_telegram
from archiver.cli.logs import mask_secrets
from archiver.errors import UsageError
from archiver.home.cases import DEFAULT_CASE
from archiver.text.plain import harmless, many
from spiders.links import without_userinfo
from spiders.targets import NoTarget, Target, parse_target

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home
    from archiver.jobs.queue import Queue

MARKS = {"new": "·", "present": "✓", "missing": "?", "unavailable": "✗", "refused": "✗"}

EXAMPLE = "archiver watch add https://t.me/durov/523 --every 6h"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver watch` takes."""
    _add_add(parser)
    shown = parser.add_action("list", "List watches, the next check first.", "archiver watch list --state missing")
    states = ("new", "present", "missing", "unavailable", "refused")
    shown.add_argument("--state", choices=states, help="List only watches in this state.")
    shown.add_argument("--unsure", action="store_true", help="List only watches with an inconclusive last check.")
    add_shown(shown)
    for name, summary in (("show", "Show the last check and its findings."), ("remove", "Stop watching.")):
        action = parser.add_action(name, summary, f"archiver watch {name} 7k2mv9qd")
        action.add_argument("id", metavar="ID", help="Id of the watch, or its beginning or end.")
    now = parser.add_action("now", "Check now.", "archiver watch now 7k2mv9qd")
    now.add_argument("id", nargs="?", metavar="ID", help="Id of the watch, or its beginning or end (default: all).")
    watch_telegram.add_arguments(parser)


def _add_add(parser: Parser) -> None:
    add = parser.add_action("add", "Check posts, a channel, or all posts of a case regularly.", EXAMPLE)
    add_links(add, "LINK|CASE", what="Link of a post or channel, or a case: all its posts.")
    add_capture(add)
    every = "Time between two checks while the post is new (default 1d)."
    add.add_argument("--every", default="1d", metavar="SPAN", help=every)
    steady = "Keep the interval fixed (default: lengthen it as the post ages)."
    add.add_argument("--steady", action="store_true", help=steady)
    second = "Time between a check that misses a post and the one that confirms it (default 1h)."
    add.add_argument("--second-look", default="1h", metavar="SPAN", help=second)
    media = "Capture photos and videos at each check, not only after a change."
    add.add_argument("--media", action="store_true", help=media)


def run(context: Context) -> int:
    """Run `archiver watch`. Raises `UsageError`, `NotFound`, `Unreachable`."""
    if context.arguments.action == "telegram":
        return watch_telegram.run(context)
    from archiver.jobs.queue import opened

    home = context.home()
    mask_secrets(context)
    actions: dict[str, Callable[[Context, Home, Queue], int]] = {
        "add": _add, "list": _list, "show": _show, "remove": _remove, "now": _now,
    }  # fmt: skip
    with opened(home, looks=context.arguments.action in ("list", "show")) as queue:
        return actions[context.arguments.action](context, home, queue)


def _add(context: Context, home: Home, queue: Queue) -> int:
    """Watch links, or every post of a case. What is watched already stays as it is."""
    from archiver.jobs.due_watches import first_check
    from archiver.jobs.new_watch import watch_for
    from archiver.jobs.schedule import interval_words
    from storage.times import from_epoch

    arguments, console = context.arguments, context.console
    every, second = _span(arguments.every, "--every"), _span(arguments.second_look, "--second-look")
    home.project()
    cases = {case["name"] for case in home.catalog.cases()}
    links: list[str] = []
    for word in arguments.links:
        if word in cases:
            rows = home.catalog.captures(word)
            links += [row["target"] for row in rows if row["target"] and row["platform"] != "received"]
        else:
            links.append(word)
    targets: dict[str, Target] = {}
    for link in links:
        found = parse_target(link)
        if isinstance(found, NoTarget):
            raise UsageError(
                "links, or the name of a case", f"{without_userinfo(link)!r}: {found.reason}", found.next_step
            )
        targets.setdefault(found.key, found)
    account = telegram_account(home, arguments, targets.values())
    into = tuple(arguments.case or [word for word in arguments.links if word in cases] or [DEFAULT_CASE])
    home.recipients(list(into))
    made, now = [], queue.shared.now()
    for target in targets.values():
        one = watch_for(home, target, into, every, from_epoch(now), account)
        one = replace(one, second_look=second, steady=arguments.steady, media=one.media and not arguments.no_media)
        made.append(replace(one, media=True) if arguments.media else one)
    count = queue.shared.entries.add("watch", [first_check(now, one) for one in made])
    for one in made[:20]:
        console.say(f"{one.id}  {one.kind:<7} {harmless(one.link)}")
    if len(made) > 20:
        console.say(f"… and {len(made) - 20} more")
    for one in made:
        console.data({"watch": one.id, "link": one.link, "kind": one.kind, "every": one.every})
    said = f"{many(count, 'new watch').replace('watchs', 'watches')}, each {interval_words(every)}"
    console.say(f"{said}{'' if arguments.steady else ', less often with age'}. Start a worker: archiver work")
    return 0


def _span(text: str, flag: str) -> float:
    from archiver.jobs.schedule import span_of

    seconds = span_of(text, flag)
    if seconds < 10:
        raise UsageError(f"{flag} of at least ten seconds", repr(text), "Give a longer interval.")
    return seconds


def _list(context: Context, home: Home, queue: Queue) -> int:
    from archiver.cli.entries import due_words, warn_without_worker
    from archiver.jobs.watch import Watch

    console = context.console
    entries = queue.shared.entries.all("watch")
    shown = 0
    counts: dict[str, int] = {}
    for entry in sorted(entries, key=lambda entry: entry.due or 0.0):
        one = Watch.of(entry.id, entry.value)
        counts[one.state] = counts.get(one.state, 0) + 1
        if context.arguments.state not in (None, one.state) or (context.arguments.unsure and not one.unsure):
            continue
        shown += 1
        if shown <= context.arguments.limit:
            when = due_words(entry.due, "no longer checked")
            console.say(f"{MARKS[one.state]} {one.id}  {one.state:<11} {harmless(one.link)}  {one.said or ''}  {when}")
        value = {key: item for key, item in one.value().items() if key not in ("posts", "sight")}
        console.data({"watch": one.id, **value, "due": entry.due})
    if shown > context.arguments.limit:
        console.say(f"… and {shown - context.arguments.limit} more: --limit")
    said = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    console.say(said or "nothing is watched. For example: archiver watch add https://t.me/durov/523 --every 6h")
    if entries:
        warn_without_worker(console, queue, "nothing is checked")
    return 0


def _show(context: Context, home: Home, queue: Queue) -> int:
    from archiver.casework.history import WATCHED
    from archiver.home.visibility import is_hidden
    from archiver.jobs.entries import find_entry
    from archiver.jobs.schedule import interval_words
    from archiver.jobs.watch import NOT_SHOWN, Watch

    console, entry = context.console, find_entry(queue.shared.entries, "watch", context.arguments.id)
    one = Watch.of(entry.id, entry.value)
    console.data({"watch": one.id, **one.value(), "due": entry.due})
    rare = "" if one.steady else ", less often with age"
    console.say(
        f"{one.id}  {one.kind} {harmless(one.link)}\n  checked every {interval_words(one.every)}{rare}, into {', '.join(one.cases)}"
    )
    console.say(f"  state      {one.state}: {harmless(one.said or 'not checked yet')}")
    if one.sight is not None:
        last = one.sight.last()
        console.say(f"  last seen  {last['at'][:19]}Z in {last['capture']}")
    for look in one.looks:
        by = " through the second proxy" if look["exit"] else ""
        console.say(f"  not shown  {look['at'][:19]}Z in {look['capture']}{by}: {harmless(str(look['said']))}")
        console.say(
            f"             while {harmless(look['control']['link'])} was answered, in {look['control']['capture']}"
        )
    home.project()
    about = [body for name in (one.link, one.id) for body in home.catalog.events_about(name, WATCHED)]
    for _, body in sorted({body["seq"]: body for body in about}.items()):
        detail = body["detail"]
        hidden = is_hidden(home, detail["capture"], detail.get("post"))
        fields = "" if hidden else ", ".join(change["field"] for change in detail.get("changes", ()))
        console.say(
            f"  {body['time'][:19]}Z  {body['type'].upper()}  {fields or detail.get('said') or ''}  event {body['seq']}"
        )
        console.data({"what": body["type"], "event": body["seq"], **detail})
    if one.kind == "channel":
        console.say(f"  {many(len(one.posts), 'post')} in the last check")
    if one.state in NOT_SHOWN:
        console.say(f"  full history: archiver history {harmless(one.link)}")
    return 0


def _now(context: Context, home: Home, queue: Queue) -> int:
    """Make a watch, or all, due now. A look that comes too soon after the first still counts as no second one."""
    from archiver.jobs.entries import find_entry

    name, shared = context.arguments.id, queue.shared
    entries = shared.entries.all("watch") if name is None else [find_entry(shared.entries, "watch", name)]
    now = shared.now()
    for entry in entries:
        shared.entries.put("watch", replace(entry, due=now))
    context.console.say(f"{len(entries)} due for a check now. Start a worker: archiver work")
    context.console.data({"due": [entry.id for entry in entries]})
    return 0


def _remove(context: Context, home: Home, queue: Queue) -> int:
    from archiver.cli.entries import remove

    name = context.arguments.id
    said = "{id} is no longer watched. Captures and findings stay."
    return remove(context.console, queue, "watch", name, said)
