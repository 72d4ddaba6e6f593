"""Which targets can be captured, and which can be walked."""

from __future__ import annotations

from spiders.posts import Outcome
from spiders.targets import Target

CAPTURED = {
    ("telegram", "post"), ("x", "post"), ("youtube", "video"),
    ("facebook", "post"), ("facebook", "video"), ("facebook", "photo"), ("facebook", "profile"),
}  # fmt: skip


WALKED = {
    ("telegram", "channel"): "channel", ("x", "post"): "thread", ("x", "profile"): "profile", ("x", "search"): "search",
    ("youtube", "channel"): "channel", ("youtube", "playlist"): "playlist",
}  # fmt: skip
"""What `archiver crawl` walks, as people call it."""


BY_ACCOUNT = {"post", "private post", "comment", "story"}


WALKED_BY_ACCOUNT = {
    "channel": "channel", "private channel": "channel", "private group": "group", "invite": "channel", "post": "thread",
    "private post": "thread",
}  # fmt: skip
"""What of Telegram an account can capture, and walk."""


def walked(target: Target, account: bool) -> str | None:
    """What a walk of the target is called, or None where there is none."""
    if account and target.platform == "telegram":
        return WALKED_BY_ACCOUNT.get(target.kind)
    return WALKED.get((target.platform, target.kind))


def unsupported(target: Target, walk: bool = False, account: bool = False) -> tuple[Outcome, str] | None:
    """Targets that are recognised and cannot be captured, or not in this way, with what to do."""
    kind = (target.platform, target.kind)
    if account:
        if target.kind in WALKED_BY_ACCOUNT if walk else target.kind in BY_ACCOUNT:
            return None
        if walk:
            return Outcome.SKIPPED, f"a {target.kind} is nothing to walk: archiver capture {target.url}"
        return Outcome.SKIPPED, f"a whole {WALKED_BY_ACCOUNT[target.kind]}: archiver crawl {target.url}"
    if (kind in WALKED) if walk else (target.platform == "page" or kind in CAPTURED):
        return None
    if kind in WALKED:
        return Outcome.SKIPPED, f"a whole {WALKED[kind]}: archiver crawl {target.url}"
    if target.platform == "telegram":
        return (
            Outcome.REFUSED,
            f"a Telegram {target.kind} is not on the public web; it needs an account (archiver telegram login)",
        )
    return (
        Outcome.SKIPPED,
        f"{target.platform} {target.kind}s are recognised but not captured by this release",
    )
