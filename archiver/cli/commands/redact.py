"""`archiver redact`: cover, mute or mask what must not be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.casework.annotations import about_of
from archiver.casework.redaction import Cover, cover_file, mask_words, silences_of, tracks_of
from archiver.errors import UsageError
from archiver.home.home import Home

if TYPE_CHECKING:
    from archiver.cli.context import Context


def redact(context: Context, home: Home) -> int:
    """Redact and say where a tracker was lost. Raises `UsageError`, `NotFound`, `ConversionError`, `StorageError`."""
    arguments, console, signer = context.arguments, context.console, context.signer(home)
    reason = " ".join(arguments.words)
    about = about_of(home, arguments.level_id, arguments.post, arguments.attachment)
    if arguments.mask:
        if arguments.box or arguments.mute or arguments.tone or arguments.follow:
            raise UsageError("--mask by itself", "boxes or sound beside it", "Redact words and pictures one by one.")
        made = mask_words(home, signer, about, arguments.mask, reason)
    else:
        tracks, silences = tracks_of(arguments.box), silences_of(arguments.mute, arguments.tone)
        cover = Cover(tuple(tracks), tuple(silences), arguments.follow, arguments.anew)
        made = cover_file(
            home, signer, about, cover, reason, fetch=context.fetch(home), test_routes=context.network is not None
        )
    for begin, end in made.lost:
        until = f"until {end / 1000:.1f} s" if end is not None else "to the end"
        console.say(
            f"lost at {begin / 1000:.1f} s: the whole picture is covered {until}. A key moment more mends it: "
            f"--box … {begin // 60_000}:{begin // 1000 % 60:02}=X,Y,W,H"
        )
    console.say(f"redacted as event {made.event}; what was recorded is unchanged and keeps its proofs")
    console.say("Before it goes to the public a second person looks at it: archiver --as NAME review …")
    console.data({"event": made.event, **made.detail})
    return 0
