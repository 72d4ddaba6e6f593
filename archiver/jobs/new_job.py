"""Make jobs of links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archiver.capture.options import CaptureOptions
from archiver.capture.support import unsupported, walked
from archiver.jobs.job import Job, packed
from spiders.targets import Target


def refusal_of(target: Target, by_account: bool) -> str | None:
    """Return why a link can be neither captured nor crawled; None where it can be."""
    refusal = unsupported(target, account=by_account)
    return refusal[1] if refusal is not None and walked(target, by_account) is None else None


def new_job(name: str, target: Target, options: CaptureOptions, about: Mapping[str, Any] | None = None) -> Job:
    """Make the job of a link: a crawl where it can only be crawled, as a channel; else a capture.

    A capture has no range: `since`, `until` and `limit` are left out.
    """
    by_account = options.account is not None
    crawl = unsupported(target, account=by_account) is not None and walked(target, by_account) is not None
    if not crawl:
        options = replace(options, since=None, until=None, limit=None)
    return Job(name, "crawl" if crawl else "capture", target.link, packed(options), about or {})
