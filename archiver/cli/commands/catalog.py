"""`archiver catalog rebuild`."""

from __future__ import annotations

from archiver.cli.context import Context


def _catalog(context: Context) -> int:
    home = context.home()
    from archiver.seal.recovery import recover

    count = home.rebuild_catalog()
    for done in recover(home, context.signer(home), everywhere=True):
        context.console.warn(f"recovered {done.describe()}")
    home.project()
    context.console.say(f"catalog made again from {count} events, {len(home.catalog.captures())} captures")
    context.console.data({"events": count, "captures": len(home.catalog.captures())})
    return 0
