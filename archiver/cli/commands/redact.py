"""`archiver redact`: cover, mute or mask what must not be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.redaction import Cover, cover_file, mask_words, silences_of, tracks_of
from archiver.casework.same_recording import OpenCopy, open_copies, say_another
from archiver.cli.analysis import about_part
from archiver.cli.arguments import add_capture_id, add_part, add_words
from archiver.errors import UsageError
from archiver.lookup.material import gather

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home

EXAMPLE = "archiver redact 9k2mv7qd 'a face' --attachment 0 --box 0:00=10,20,15,30 0:02=40,20,15,30 --mute 0:01-0:03"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver redact` takes."""
    add_capture_id(parser)
    add_words(parser, what="Reason; it stays in the ledger.")
    add_part(parser)
    box = "Area to cover, in percent of the picture; with times, it moves between them, like 0:02=40,20,15,30; repeatable."
    parser.add_argument("--box", action="append", nargs="+", default=[], metavar="X,Y,W,H", help=box)
    follow = "Track the covered object (needs OpenCV); where it is lost, cover the whole picture."
    parser.add_argument("--follow", action="store_true", help=follow)
    anew = "Start from the original (default: keep earlier redactions)."
    parser.add_argument("--anew", action="store_true", help=anew)
    parser.add_argument(
        "--mute", action="append", default=[], metavar="FROM-TO", help="Silence this stretch; repeatable."
    )
    tone = "Replace the sound of this stretch with a tone; repeatable."
    parser.add_argument("--tone", action="append", default=[], metavar="FROM-TO", help=tone)
    mask = "Words of the post to mask; repeatable."
    parser.add_argument("--mask", action="append", default=[], metavar="WORDS", help=mask)
    another = "Say that this file is another recording than the covered or quarantined one that it looks like."
    parser.add_argument("--another", action="store_true", help=another)


def run(context: Context) -> int:
    """Redact and say where a tracker was lost. Raises `UsageError`, `NotFound`, `ConversionError`, `StorageError`."""
    arguments, console, home = context.arguments, context.console, context.recovered_home()
    signer = context.signer(home)
    reason = " ".join(arguments.words)
    about = about_part(context, home)
    if arguments.another:
        if arguments.box or arguments.mute or arguments.tone or arguments.follow or arguments.mask:
            raise UsageError("--another on its own", "something to redact beside it", "Do one or the other.")
        said = say_another(home, signer, about, reason, context.fetch(home))
        console.say(f"noted as event {said.seq}: another recording, which packages show as before")
        console.data({"event": said.seq, **said.body["detail"]})
        return 0
    if arguments.mask:
        if arguments.box or arguments.mute or arguments.tone or arguments.follow:
            raise UsageError(
                "--mask on its own", "--mask with boxes or sound", "Redact words and pictures in separate runs."
            )
        made = mask_words(home, signer, about, arguments.mask, reason)
    else:
        tracks, silences = tracks_of(arguments.box), silences_of(arguments.mute, arguments.tone)
        cover = Cover(tuple(tracks), tuple(silences), arguments.follow, arguments.anew)
        made = cover_file(
            home, signer, about, cover, reason, fetch=context.fetch(home), test_routes=context.network is not None
        )
    for begin, end in [stretch for one in (made, *made.others) for stretch in one.lost]:
        until = f"until {end / 1000:.1f} s" if end is not None else "to the end"
        console.say(
            f"lost at {begin / 1000:.1f} s: the whole picture is covered {until}. Add a key moment: "
            f"--box … {begin // 60_000}:{begin // 1000 % 60:02}=X,Y,W,H"
        )
    events = ", ".join(str(one.event) for one in (made, *made.others))
    each = f" (it came as {len(made.others) + 1} files, each of which has its copy)" if made.others else ""
    console.say(
        f"redacted as {'events' if made.others else 'event'} {events}{each}; what was recorded is unchanged and keeps its proofs"
    )
    console.say("Before publication, a second person must review it: archiver --as NAME review …")
    copies = [] if arguments.mask else _copies(context, home, arguments.id)
    for one in copies:
        console.say(
            f"not covered: {one.words()}\n  cover it, or say that it is another recording: {one.command()} --another"
        )
    others = [{"event": one.event, **one.detail} for one in made.others]
    console.data({"event": made.event, **made.detail, **({"others": others} if others else {}),
                  "copies_not_covered": [{"capture": one.media.capture, "post": one.media.post,
                                          "attachment": one.media.attachment, "why": one.why} for one in copies]})  # fmt: skip
    return 0


def _copies(context: Context, home: Home, named: str) -> list[OpenCopy]:
    """Files of the capture's cases that may show what was just covered."""
    found = {}
    for case in home.catalog.cases_of(home.resolve_capture(named)):
        for one in open_copies(home, gather(home, case, [], context.fetch(home))):
            found[one.media.sha256] = one
    return list(found.values())
