"""`archiver review`: approve for publication or withhold, as a second person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.cli.analysis import about_capture, annotate, words_of
from archiver.cli.arguments import add_part, add_words
from archiver.errors import NotFound, UsageError

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver --as R-2 review 9k2mv7qd publish 'faces are covered'"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver review` takes."""
    parser.add_argument("id", metavar="ID|EVENT", help="A capture, or the number of an annotation's event.")
    parser.add_argument("decision", choices=("publish", "withhold"), help="May it be published?")
    add_words(parser, "REASON", "Why you say so.")
    add_part(parser)


def run(context: Context) -> int:
    """Record a reviewer's decision. Raises `UsageError`, `NotFound`, `LedgerError`."""
    arguments, home = context.arguments, context.recovered_home()
    author = context.signer(home).author
    if author.role != "reviewer":
        raise UsageError(
            "a reviewer",
            f"{author.pseudonym}, who is {author.role}",
            "A second person reviews: archiver keys new NAME --role reviewer, then archiver --as NAME review …",
        )
    detail = {"decision": arguments.decision}
    if arguments.id.isdigit() and len(arguments.id) < 8:
        event = home.ledger.read_event(int(arguments.id))
        if event is None or event["type"] != "annotated":
            raise NotFound("an annotation's event", arguments.id, "Its number stands in `archiver custody`.")
        if event["agent"]["key"] == author.public_text:
            raise UsageError("another person's annotation", "your own", "Let somebody else review it.")
        about = {"event": event["seq"], **_scope(event)}
    else:
        about = about_capture(home, arguments)
    return annotate(context, home, "review", about, words_of(arguments), detail)


def _scope(event: dict[str, Any]) -> dict[str, Any]:
    """The case or capture that an annotation is about: a review of it belongs there too."""
    about = event["detail"]["about"]
    return {key: about[key] for key in ("case", "capture") if key in about}
