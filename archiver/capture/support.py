"""Which targets can be captured or walked, and how, by the table of platforms."""

from __future__ import annotations

import shlex

from spiders.link_forms import Form
from spiders.platform import Kind, Platform
from spiders.platforms import PAGE, platform_named
from spiders.posts import Outcome
from spiders.targets import Target


def platform_of(target: Target) -> Platform:
    """Return the platform by which a target is asked and judged: pages, where no more than its page can be kept."""
    return platform_named(target.platform) if target.form is Form.KNOWN else PAGE


def kind_of(target: Target) -> Kind:
    """Return the row for a target's kind in the table of that platform."""
    return platform_of(target).kind(target.kind if target.form is Form.KNOWN else "page")


def walked(target: Target, account: bool) -> str | None:
    """Return the name of a walk of the target, or None where there is none."""
    platform, kind = platform_of(target), kind_of(target)
    if account and platform.by_account:
        return kind.account_walk
    return kind.walk.called if kind.walk else None


def whole(called: str, target: Target) -> str:
    """Say that a link names a whole channel or the like, with the command that captures it, as a shell takes it."""
    return f"a whole {called}: archiver crawl {shlex.quote(target.url)}"


def unsupported(target: Target, walk: bool = False, account: bool = False) -> tuple[Outcome, str] | None:
    """Return why a recognised target cannot be captured, or not in this way, with what to do.

    None if it can.
    """
    platform, kind = platform_of(target), kind_of(target)
    if walk and target.form is Form.SHORT:
        return Outcome.SKIPPED, f"a short link: archiver capture {target.url} finds what it leads to; crawl that"
    if account and platform.by_account:
        if kind.account_walk if walk else kind.account:
            return None
        if walk:
            return Outcome.SKIPPED, f"a {target.kind} cannot be crawled: archiver capture {target.url}"
        return Outcome.SKIPPED, whole(kind.account_walk or target.kind, target)
    if kind.walk if walk else kind.capture:
        return None
    if kind.walk:
        return Outcome.SKIPPED, whole(kind.walk.called, target)
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
