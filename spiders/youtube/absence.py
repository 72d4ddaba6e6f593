"""How YouTube says that a video, channel or playlist is not to be had. Data."""

from __future__ import annotations

from spiders.availability import Wording, Wordings
from spiders.posts import Outcome

_REMOVED_BY_YOUTUBE = tuple(
    Wording(mark, Outcome.UNAVAILABLE, "removed by YouTube")
    for mark in ("violating youtube", "violating our", "violated youtube", "violated our", "violates youtube", "violates our",
                 "violation of youtube", "violation of our", "violations of youtube", "violations of our")
)  # fmt: skip
"""Removed for breaking a rule of YouTube's: only YouTube does that, in whatever tense it says so."""
_REMOVED = tuple(
    Wording(f"{verb} removed", Outcome.UNAVAILABLE, "removed")
    for verb in ("has been", "have been", "was", "were", "been")
)

REASONS = Wordings(
    place="`reason`, `subreason` and messages of playabilityStatus",
    source="youtubei/v1/player and watch pages of 2018 to 2026, in English",
    rows=(
        Wording("not a bot", Outcome.BLOCKED, "bot wall"),
        Wording("unusual traffic", Outcome.BLOCKED, "bot wall"),
        Wording("try again later", Outcome.BLOCKED, "rate limit"),
        Wording("private", Outcome.REFUSED, "private"),
        Wording("members on level", Outcome.REFUSED, "members only"),
        Wording("members-only", Outcome.REFUSED, "members only"),
        Wording("join this channel", Outcome.REFUSED, "members only"),
        Wording("confirm your age", Outcome.REFUSED, "age-restricted"),
        Wording("age-restricted", Outcome.REFUSED, "age-restricted"),
        Wording("inappropriate for some users", Outcome.REFUSED, "age-restricted"),
        Wording("in your country", Outcome.REFUSED, "geo-blocked"),
        Wording("in your location", Outcome.REFUSED, "geo-blocked"),
        Wording("requires payment", Outcome.REFUSED, "paid"),
        Wording("premium members", Outcome.REFUSED, "paid"),
        Wording("court order", Outcome.REFUSED, "withheld for legal reasons"),
        Wording("government", Outcome.REFUSED, "withheld on a government's request"),
        Wording("account associated with this video has been terminated", Outcome.UNAVAILABLE, "account terminated"),
        Wording("account has been terminated", Outcome.UNAVAILABLE, "account terminated"),
        Wording("removed by the uploader", Outcome.UNAVAILABLE, "removed by the uploader"),
        Wording("closed their youtube account", Outcome.UNAVAILABLE, "account closed"),
        Wording("copyright", Outcome.UNAVAILABLE, "copyright claim"),
        *_REMOVED_BY_YOUTUBE,
        *_REMOVED,
        Wording("no longer available", Outcome.UNAVAILABLE, "unavailable"),
        Wording("isn't available anymore", Outcome.UNAVAILABLE, "unavailable"),
        Wording("is unavailable", Outcome.UNAVAILABLE, "unavailable"),
    ),
)
"""Reasons are localised: where no words fit, `STATUSES` decides."""

STATUSES = Wordings(
    place="`status` of playabilityStatus",
    source="youtubei/v1/player and watch pages of 2018 to 2026, in English",
    rows=(
        Wording("LOGIN_REQUIRED", Outcome.REFUSED, "login required"),
        Wording("AGE_VERIFICATION_REQUIRED", Outcome.REFUSED, "age-restricted"),
        Wording("AGE_CHECK_REQUIRED", Outcome.REFUSED, "age-restricted"),
        Wording("CONTENT_CHECK_REQUIRED", Outcome.REFUSED, "behind a warning"),
        Wording("UNPLAYABLE", Outcome.REFUSED, "not playable"),
        Wording("LIVE_STREAM_OFFLINE", Outcome.PARTIAL, "upcoming or offline"),
        Wording("ERROR", Outcome.UNAVAILABLE, "unavailable"),
    ),
)

ALERTS = Wordings(
    place="the red box of a page that answers 200",
    source="youtubei/v1/browse of channels and playlists, in English",
    rows=(
        Wording("terminated", Outcome.UNAVAILABLE, "account terminated"),
        Wording("does not exist", Outcome.UNAVAILABLE, "does not exist"),
        Wording("suspended", Outcome.UNAVAILABLE, "account suspended"),
        Wording("in your country", Outcome.REFUSED, "geo-blocked"),
        Wording("private", Outcome.REFUSED, "private"),
        Wording("members-only", Outcome.REFUSED, "members only"),
        Wording("copyright", Outcome.UNAVAILABLE, "copyright claim"),
        *_REMOVED_BY_YOUTUBE,
        *_REMOVED,
        Wording("unviewable", Outcome.UNAVAILABLE, "unavailable"),
    ),
)

WALLS = Wordings(
    place="marks in a page that stands in place of the page",
    source="www.youtube.com: recording too_many_requests_captcha.html, and its consent page in Europe",
    rows=(
        Wording(
            "www.google.com/recaptcha/",
            Outcome.BLOCKED,
            "bot wall",
            "a captcha instead of the page",
        ),
        Wording("captcha-page", Outcome.BLOCKED, "bot wall", "a captcha instead of the page"),
        Wording(
            "unusual traffic from your computer",
            Outcome.BLOCKED,
            "bot wall",
            "a captcha instead of the page",
        ),
        Wording("consent.youtube.com", Outcome.BLOCKED, "consent wall", "a consent page instead of the page"),
        Wording("consent.google.com", Outcome.BLOCKED, "consent wall", "a consent page instead of the page"),
    ),
)

WORDINGS = (REASONS, STATUSES, ALERTS, WALLS)
