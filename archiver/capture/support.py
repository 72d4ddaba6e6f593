"""Which targets can be captured or walked, and how, by the table of platforms."""

from __future__ import annotations

from spiders.platform import Kind
from spiders.platforms import platform_named
from spiders.posts import Outcome
from spiders.targets import Target


def kind_of(target: Target) -> Kind:
    """Return the row for a target's kind in its platform's table."""
    return platform_named(target.platform).kind(target.kind)


def walked(target: Target, account: bool) -> str | None:
    """Return the name of a walk of the target, or None where there is none."""
    platform, kind = platform_named(target.platform), kind_of(target)
    if account and platform.by_account:
        return kind.account_walk
    return kind.walk.called if kind.walk else None


def unsupported(target: Target, walk: bool = False, account: bool = False) -> tuple[Outcome, str] | None:
    """Return why a recognised target cannot be captured, or not in this way, with what to do.

    None if it can.
    """
    platform, kind = platform_named(target.platform), kind_of(target)
    if account and platform.by_account:
        if kind.account_walk if walk else kind.account:
            return None
        if walk:
            return Outcome.SKIPPED, f"a {target.kind} cannot be crawled: archiver capture {target.url}"
        return Outcome.SKIPPED, f"a whole {kind.account_walk}: archiver crawl {target.url}"
    if kind.walk if walk else kind.capture:
        return None
    if kind.walk:
        return Outcome.SKIPPED, f"a whole {kind.walk.called}: archiver crawl {target.url}"
    if platform.by_account:
        return (
            Outcome.REFUSED,
            f"a {platform.title} {target.kind} is not on the public web; it needs an account "
            f"(archiver {platform.name} login)",
        )
    return (
        Outcome.SKIPPED,
        f"{target.platform} {target.kind}s are not supported by this release",
    )
