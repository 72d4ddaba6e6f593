"""`archiver redact`: cover, mute or mask what must not be shown."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.casework.annotations import about as about_of
from archiver.casework.redaction import silences_of, tracks_of
from archiver.cli.arguments import add_capture_id, add_part, add_words
from archiver.errors import NotFound, UsageError
from archiver.export.material import Media, Redaction, gather
from archiver.home.home import Home
from archiver.home.ports import Fetch
from archiver.home.scratch import scratch
from archiver.seal.sealing import seal
from archiver.tools.object_tracking import follow
from archiver.tools.reencode import VIDEO, Followed, Track, media_type, picture_size, reencode, suffix
from archiver.version import software
from storage.capture import CaptureWriter, Identity
from storage.digest import file_sha256
from storage.events import Event

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser


EXAMPLE = "archiver redact 9k2mv7qd 'a face' --attachment 0 --box 0:00=10,20,15,30 0:02=40,20,15,30 --mute 0:01-0:03"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver redact` takes."""
    add_capture_id(parser)
    add_words(parser, what="Reason; it stays in the ledger.")
    add_part(parser)
    box = "Area to cover, in percent; with times it moves along, like 0:02=40,20,15,30; repeatable."
    parser.add_argument("--box", action="append", nargs="+", default=[], metavar="X,Y,W,H", help=box)
    follow = "Let the boxes follow what they cover (OpenCV); where it is lost, the whole picture is covered."
    parser.add_argument("--follow", action="store_true", help=follow)
    anew = "Begin with what was recorded (default: what was covered before stays covered)."
    parser.add_argument("--anew", action="store_true", help=anew)
    parser.add_argument("--mute", action="append", default=[], metavar="FROM-TO", help="Silence this; repeatable.")
    tone = "Play a tone in place of the sound; repeatable."
    parser.add_argument("--tone", action="append", default=[], metavar="FROM-TO", help=tone)
    mask = "Words of the post to mask; repeatable."
    parser.add_argument("--mask", action="append", default=[], metavar="WORDS", help=mask)


def run(context: Context) -> int:
    """Make a redacted copy, or mask words. Raises `UsageError`, `NotFound`, `ConversionError`, `StorageError`."""
    arguments, console, home = context.arguments, context.console, context.recovered_home()
    reason = " ".join(arguments.words)
    what = about_of(home, arguments.id, arguments.post, arguments.attachment, None, None, None)
    if arguments.mask:
        if arguments.box or arguments.mute or arguments.tone or arguments.follow:
            raise UsageError("--mask by itself", "boxes or sound beside it", "Redact words and pictures one by one.")
        detail = _masked(home, what.detail(), arguments.mask)
    else:
        detail = _covered(context, home, what.detail())
    sealed = context.signer(home).append([Event("redacted", home.clock(), {**detail, "text": reason})])[0]
    home.project()
    console.say(f"redacted as event {sealed.seq}; what was recorded is unchanged and keeps its proofs")
    console.say("Before it goes to the public a second person looks at it: archiver --as NAME review …")
    console.data({"event": sealed.seq, **detail})
    return 0


def _masked(home: Home, about: dict[str, Any], words: list[str]) -> dict[str, Any]:
    """Words of a post that packages for others show as ███. They stand in the event, which stays in the house."""
    posts = [row for row in home.catalog.posts(about["capture"]) if about.get("post") in (None, row["id"])]
    for text in words:
        if not any(text in f"{row['text'] or ''}\n{row['title'] or ''}" for row in posts):
            raise NotFound("these words in the post", f"no {text[:40]!r}", "Give them as the post has them.")
    return {"about": about, "capture": about["capture"], "masked": words}


def _covered(context: Context, home: Home, about: dict[str, Any]) -> dict[str, Any]:
    arguments = context.arguments
    tracks: list[Track | Followed] = [*tracks_of(arguments.box)]
    silences = silences_of(arguments.mute, arguments.tone)
    if not tracks and not silences:
        raise UsageError("what to redact: --box, --mute, --tone or --mask", "nothing", "See archiver redact --help.")
    media, upon = _media(home, about, context.fetch(home))
    if arguments.anew:
        upon = None
    cases = home.catalog.cases_of(about["capture"])
    with scratch(home.path, "redaction") as folder:
        source, out = folder / "in", folder / f"out{suffix(media.kind)}"
        with open(source, "wb") as stream:
            for chunk in (upon.media if upon is not None and upon.media is not None else media).chunks():
                stream.write(chunk)
        if arguments.follow:
            tracks = [_followed(context, source, media, track) for track in tracks]
        facts = reencode(source, media.kind, out, tracks, silences)
        digest = file_sha256(out)
        result = _keep(context, home, media, out, facts, cases)
    return {
        "about": about,
        "capture": about["capture"],
        "original": {"record": media.record, "sha256": media.sha256},
        **({"upon": upon.seq} if upon is not None else {}),
        "result": {**result, "sha256": digest.hexdigest(), "size": digest.size, "media_type": media_type(media.kind)},
        "boxes": len(tracks),
        "silenced": len(silences),
    }


def _followed(context: Context, source: Path, media: Media, track: Track | Followed) -> Followed:
    """What was drawn, followed through the video; says where it was lost. Raises `UsageError`, `ConversionError`."""
    if media.kind not in VIDEO:
        raise UsageError("--follow with a video", f"a {media.kind}", "Leave it out: one box covers a photo.")
    assert isinstance(track, Track)
    followed = follow(source, picture_size(source), track)
    for begin, end in followed.lost:
        if begin <= followed.boxes[-1].at_ms:  # else it is only the end of the film
            until = f"until {end / 1000:.1f} s" if end is not None else "to the end"
            context.console.say(
                f"lost at {begin / 1000:.1f} s: the whole picture is covered {until}. A key moment more mends it: "
                f"--box … {begin // 60_000}:{begin // 1000 % 60:02}=X,Y,W,H"
            )
    return followed


def _media(home: Home, about: dict[str, Any], fetch: Fetch) -> tuple[Media, Redaction | None]:
    """The one file that is meant, and the latest copy in which something of it is covered already.

    Raises `NotFound`, `UsageError`.
    """
    case = home.catalog.cases_of(about["capture"])[0]
    material = gather(home, case, [about["capture"]], fetch)
    every = [one for exhibit in material.exhibits for one in exhibit.every_media]
    fitting = [
        one
        for one in every
        if about.get("post") in (None, one.post) and about.get("attachment") in (None, one.attachment)
    ]
    if not fitting:
        raise NotFound("a kept file there", "none", "See `archiver show ID`.")
    if len(fitting) > 1:
        raise UsageError("one file", f"{len(fitting)}", "Say which: --post and --attachment.")
    earlier = [one for one in material.redactions if one.media is not None and one.original == fitting[0].sha256]
    return fitting[0], earlier[-1] if earlier else None


def _keep(
    context: Context, home: Home, media: Media, out: Path, facts: dict[str, Any], cases: list[str]
) -> dict[str, Any]:
    """A capture with the copy as a `conversion` record and what made it; sealed like any other."""
    moment = home.clock()
    capture_id = home.new_capture_id(moment)
    folder = home.capture_folder(capture_id)
    salt, url = os.urandom(32), f"urn:archiver:redaction:{capture_id}"
    home.state.capture_opened(capture_id, str(folder), capture_id[:15], cases)
    identity = Identity(capture_id, capture_id, 1, url, salt, software(), test_routes=context.network is not None)
    writer = CaptureWriter(home.path / folder, identity, home.recipients(cases), home.clock, time.monotonic)
    try:
        writer.inventory(
            {"kind": "target", "url": url, "platform": "redaction", "target_kind": "file", "id": capture_id,
             "target_salt": salt.hex()}
        )  # fmt: skip
        writer.inventory({"state": "discovered", "key": "redaction 1", "kind": "redaction", "parent": "target"})
        refers = [("WARC-Refers-To", media.record)]
        extra = {"refers_to": media.record, "of_capture": media.capture}
        ref = writer.resource_file(url, media_type(media.kind), out, extra, record_type="conversion", fields=refers)
        about = [("WARC-Refers-To", ref.record_id)]
        import json

        block = json.dumps({"format": "archiver-redaction/1", **facts}, indent=1).encode()
        writer.resource(
            f"urn:archiver:conversion:{ref.record_id.strip('<>')}",
            "application/json",
            block,
            record_type="metadata",
            fields=about,
        )
        writer.inventory(
            {"key": "redaction 1", "kind": "redaction", "outcome": "captured", "reason": None, "record": ref.record_id}
        )
        writer.close("captured", None)
        seal(home, context.signer(home), folder, cases)
    finally:
        writer.release()
    return {"capture": capture_id, "record": ref.record_id}
