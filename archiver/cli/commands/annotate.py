"""`archiver note`, `tag`, `place` and `quarantine`."""

from __future__ import annotations

from typing import Any

from archiver.cli.context import Context
from archiver.home.visibility import LEGAL_ROUTE


def _annotate(context: Context) -> int:
    from archiver.casework import annotations

    arguments, home = context.arguments, context.recovered_home()
    what = annotations.about(
        home,
        arguments.id,
        arguments.post,
        arguments.attachment,
        arguments.start,
        arguments.end,
        arguments.region,
    )
    extra: dict[str, Any] = {}
    if arguments.command == "place":
        extra = annotations.coordinates(arguments.at) | ({"zone": arguments.zone} if arguments.zone else {})
    if arguments.command == "note" and arguments.privileged:
        extra = {"privileged": True}
    signer = context.signer(home)
    sealed = annotations.annotate(home, signer, arguments.command, what, " ".join(arguments.words), extra)
    if arguments.command == "quarantine":
        context.console.say(LEGAL_ROUTE)
    context.console.say(
        f"{arguments.command} signed by {signer.author.pseudonym} as event {sealed.seq}, about {what.capture}"
        + (f" {what.post}" if what.post else "")
    )
    context.console.data({"event": sealed.seq, **sealed.body["detail"]})
    return 0
