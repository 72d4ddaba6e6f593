"""From what crossed the wire to an outcome with a reason. Pure.

"Unavailable" is concluded only from the server's own recorded answer. What we could not reach, or were not let
through to, says nothing about the post.
"""

from __future__ import annotations

from archiver.errors import ExitCode
from archiver.recorder.exchange import ExchangeDone
from spiders.http_values import CONTENT_RANGE
from spiders.posts import Outcome

STOPPED_BY_PERSON = "interrupted by the person"
"""The reason of a capture that a person stopped. Walks and workers know by it that there is more to do."""
RETRIED = frozenset({Outcome.BLOCKED, Outcome.FAILED})
"""Outcomes that the next run of the same list or crawl tries again."""
TRIED_AGAIN = RETRIED | {Outcome.PARTIAL}
"""Outcomes of files for which a walk comes back to their post."""
UNASKABLE = "a link that cannot be asked for"
_PROBLEMS = {
    "refused address": (Outcome.SKIPPED, "an address that is never contacted"),
    "name not found": (Outcome.FAILED, "no site was found under this name"),
    "host unreachable": (Outcome.FAILED, "the host cannot be reached"),
    "tls failed": (Outcome.FAILED, "the host's certificate was not accepted"),
    "proxy failed": (Outcome.FAILED, "the proxy failed; nothing was sent past it"),
    "stopped": (Outcome.FAILED, "the capture was stopped"),
    "not stored": (Outcome.FAILED, "the disk could not be written"),
    "unsupported link": (Outcome.SKIPPED, UNASKABLE),
    "redirect loop": (Outcome.FAILED, "more than ten redirects"),
}
_STATUS = {
    204: (Outcome.FAILED, "the server answers that there is nothing to send"),
    205: (Outcome.FAILED, "the server answers that there is nothing to send"),
    304: (Outcome.FAILED, "the server answers that nothing has changed, which it was not asked"),
    401: (Outcome.REFUSED, "login required"),
    402: (Outcome.REFUSED, "payment required"),
    403: (Outcome.REFUSED, "forbidden"),
    404: (Outcome.UNAVAILABLE, "not found"),
    407: (Outcome.FAILED, "a proxy on the way requires a login"),
    410: (Outcome.UNAVAILABLE, "gone"),
    429: (Outcome.BLOCKED, "rate limit"),
    451: (Outcome.REFUSED, "withheld for legal reasons"),
    503: (Outcome.BLOCKED, "service unavailable"),
}


def of_exchange(done: ExchangeDone) -> tuple[Outcome, str | None]:
    """Return the outcome of one file or page, judged by its exchange alone."""
    if done.problem in _PROBLEMS:
        outcome, reason = _PROBLEMS[done.problem]
        return outcome, f"{reason} ({done.detail})" if done.detail else reason
    if done.status is None:
        return Outcome.FAILED, f"{done.problem}" + (f" ({done.detail})" if done.detail else "")
    outcome, said = of_status(done.status)
    if outcome is not Outcome.CAPTURED:
        return outcome, said
    if done.truncated or done.problem:
        return Outcome.PARTIAL, f"cut short: {done.problem or done.truncated}" + (
            f"; {done.partly}" if done.partly else ""
        )
    if done.partly is not None:
        return Outcome.PARTIAL, str(done.partly)
    return Outcome.CAPTURED, None


def of_whole(done: ExchangeDone) -> tuple[Outcome, str | None]:
    """Return the outcome of what was asked for without a range: a part of it is not the thing."""
    outcome, reason = of_exchange(done)
    if outcome is Outcome.CAPTURED and done.status == 206 and (part := _part_of_it(done)) is not None:
        return Outcome.PARTIAL, part
    return outcome, reason


def _part_of_it(done: ExchangeDone) -> str | None:
    """Say that an answer is a part of the thing; None where it says that it is all of it (RFC 9110, 15.3.7)."""
    match = CONTENT_RANGE.fullmatch((done.header("content-range") or "").strip())
    if match is None:
        return "the server sent a part without saying which (HTTP 206)"
    first, last, total = match[1], match[2], match[3]
    if int(first) == 0 and total != "*" and int(last) + 1 >= int(total):
        return None
    return f"the server sent a part: bytes {first} to {last} of {total} (HTTP 206)"


def of_status(status: int) -> tuple[Outcome, str | None]:
    """Return the outcome that an HTTP status stands for."""
    if status in _STATUS:
        outcome, reason = _STATUS[status]
        return outcome, f"{reason} (HTTP {status})"
    if 200 <= status < 300:
        return Outcome.CAPTURED, None
    if 300 <= status < 400:
        return Outcome.FAILED, f"a redirect that was not followed (HTTP {status})"
    if 400 <= status < 500:
        return Outcome.REFUSED, f"refused by the server (HTTP {status})"
    return Outcome.FAILED, f"server error (HTTP {status})"


EXIT_BY_OUTCOME = {
    Outcome.CAPTURED: ExitCode.OK,
    Outcome.SKIPPED: ExitCode.PARTIAL,  # what was asked for and left out is not there
    Outcome.PARTIAL: ExitCode.PARTIAL,
    Outcome.UNAVAILABLE: ExitCode.UNAVAILABLE,
    Outcome.REFUSED: ExitCode.UNAVAILABLE,
    Outcome.BLOCKED: ExitCode.FAILED,
    Outcome.FAILED: ExitCode.FAILED,
}
