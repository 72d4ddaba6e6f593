"""What `note`, `tag`, `place` and `quarantine` share: what they are about, and the signed event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.cli.arguments import add_capture_id, add_part, add_words
from archiver.cli.meaning import show_meant
from archiver.home.scratch import forget_opened

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser


def add_subject(parser: Parser, words: str) -> None:
    """Add the words, and what they are about: a capture, a post, a file, or a part of one."""
    add_capture_id(parser)
    add_words(parser, what=words)
    add_part(parser)
    parser.add_argument(
        "--from",
        dest="start",
        metavar="TIME",
        help="Start of a segment of the file, in minutes and seconds, like 1:02.5.",
    )
    parser.add_argument("--to", dest="end", metavar="TIME", help="End of the segment.")
    parser.add_argument("--region", metavar="X,Y,W,H", help="Region of the picture, in percent.")


def annotate(context: Context, kind: str, extra: dict[str, Any], notice: str = "") -> int:
    """Sign what a person says as an event, and print which one, with `notice`.

    Raises `UsageError`, `NotFound`, `LedgerError`.
    """
    from archiver.casework import annotations

    arguments, home = context.arguments, context.recovered_home()
    what = annotations.about_of(
        home,
        arguments.id,
        arguments.post,
        arguments.attachment,
        start=arguments.start,
        end=arguments.end,
        region=arguments.region,
    )
    show_meant(context, home, arguments.id, [what.detail()])
    signer = context.signer(home)
    sealed = annotations.annotate(home, signer, kind, what, " ".join(arguments.words), extra)
    if kind == "quarantine":
        forget_opened(home.path, what.capture)
    if notice:
        context.console.say(notice)
    context.console.say(
        f"{kind} signed by {signer.author.pseudonym} as event {sealed.seq}, about {what.capture}"
        + (f" {what.post}" if what.post else "")
    )
    context.console.data({"event": sealed.seq, **sealed.body["detail"]})
    return 0
