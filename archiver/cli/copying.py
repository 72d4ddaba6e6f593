"""The copies that are made by themselves after captures, where the settings say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.home.home import Home


def copied(context: Context, home: Home, code: int) -> int:
    """Copy to the other places what was just captured; return the exit code of the captures as it was."""
    if home.config.copies.destinations and home.config.copies.after_captures:
        _copy(context, home)
    return code


def _copy(context: Context, home: Home) -> None:
    """Copy what was just sealed. What fails is said; the next round does it."""
    from archiver.copies.destinations import open_place
    from archiver.copies.sync import sync
    from archiver.text.plain import many, size
    from storage.errors import EvidenceError

    for one in home.config.copies.destinations:
        try:
            report = sync(home, context.signer(home), open_place(home, one))
        except EvidenceError as error:
            context.console.warn(f"not copied to {one.name}: {error.found}. {error.next_step}")
            continue
        for _, trouble in report.troubles[:1]:
            context.console.warn(f"not all copied to {one.name}: {trouble.found}. {trouble.next_step}")
        if report.copied:
            context.console.say(f"copied to {one.name}: {many(report.copied, 'capture')}, {size(report.bytes)}")
        context.console.data({"copied_to": one.name, "copied": report.copied, "waiting": report.waiting})
