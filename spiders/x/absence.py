"""How X says that a post or an account is not to be had: its words, codes and states. Data."""

from __future__ import annotations

from spiders.availability import Wording, Wordings
from spiders.posts import Outcome

TOMBSTONES = Wordings(
    place="the words of a tombstone",
    source="tombstones of x.com and cdn.syndication.twimg.com in English; X says no more than this",
    rows=(
        Wording("age-restricted", Outcome.REFUSED, "age-restricted"),
        Wording("limits who can view", Outcome.REFUSED, "protected"),
        Wording("protected", Outcome.REFUSED, "protected"),
        Wording("adult content", Outcome.REFUSED, "age-restricted"),
        Wording("sensitive", Outcome.REFUSED, "sensitive"),
        Wording("withheld", Outcome.REFUSED, "withheld"),
        Wording("you're blocked", Outcome.REFUSED, "blocks the reader"),
        Wording("deleted by the", Outcome.UNAVAILABLE, "deleted by the author"),
        Wording("was deleted", Outcome.UNAVAILABLE, "deleted"),
        Wording("suspended", Outcome.UNAVAILABLE, "account suspended"),
        Wording("no longer exists", Outcome.UNAVAILABLE, "account gone"),
        Wording("violated", Outcome.UNAVAILABLE, "removed by X"),
        Wording("unavailable", Outcome.UNAVAILABLE, "unavailable"),
    ),
)

UNAVAILABLE = Wordings(
    place="`reason` of TweetUnavailable in GraphQL, in small letters",
    source="GraphQL of x.com, 2023 to 2026",
    rows=(
        Wording(
            "nsfwloggedout", Outcome.REFUSED, "age-restricted", "age-restricted: shown only to people who are logged in"
        ),
        Wording("nsfwviewerisunderage", Outcome.REFUSED, "age-restricted"),
        Wording("nsfwviewerhasnostatedage", Outcome.REFUSED, "age-restricted"),
        Wording("protected", Outcome.REFUSED, "protected", "protected: shown only to approved followers"),
        Wording("blockedauthor", Outcome.REFUSED, "blocks the reader"),
        Wording("loggedout", Outcome.REFUSED, "login required"),
        Wording("suspended", Outcome.UNAVAILABLE, "account suspended"),
        Wording("deactivated", Outcome.UNAVAILABLE, "account deactivated"),
        Wording("offboarded", Outcome.UNAVAILABLE, "account gone"),
        Wording("deleted", Outcome.UNAVAILABLE, "deleted"),
    ),
)

ERRORS = Wordings(
    place="`code` of an error",
    source="https://developer.x.com/en/support/x-api/error-troubleshooting, and what the web client meets",
    rows=(
        Wording("17", Outcome.UNAVAILABLE, "no such account"),
        Wording("34", Outcome.UNAVAILABLE, "not found"),
        Wording("50", Outcome.UNAVAILABLE, "no such account"),
        Wording("63", Outcome.UNAVAILABLE, "account suspended"),
        Wording("144", Outcome.UNAVAILABLE, "no post with that id"),
        Wording("421", Outcome.UNAVAILABLE, "not found"),
        Wording("422", Outcome.UNAVAILABLE, "removed by X"),
        Wording("179", Outcome.REFUSED, "protected"),
        Wording("22", Outcome.REFUSED, "not authorised"),
        Wording("32", Outcome.REFUSED, "login not accepted"),
        Wording("37", Outcome.REFUSED, "not authorised"),
        Wording("64", Outcome.REFUSED, "the account used is suspended"),
        Wording("89", Outcome.REFUSED, "login expired"),
        Wording("215", Outcome.REFUSED, "login required"),
        Wording("239", Outcome.REFUSED, "guest token not accepted"),
        Wording("326", Outcome.BLOCKED, "the account used is locked"),
        Wording("353", Outcome.REFUSED, "login required"),
        Wording("88", Outcome.BLOCKED, "rate limit"),
        Wording("130", Outcome.BLOCKED, "over capacity"),
        Wording("131", Outcome.BLOCKED, "internal error of X"),
        Wording("366", Outcome.BLOCKED, "rejected as automated"),
    ),
)

ACCOUNT_STATES = Wordings(
    place="the words in place of an account",
    source="GraphQL of x.com (UserUnavailable), 2023 to 2026",
    rows=(
        Wording("suspended", Outcome.UNAVAILABLE, "account suspended"),
        Wording("deactivated", Outcome.UNAVAILABLE, "account deactivated"),
        Wording("protected", Outcome.REFUSED, "protected"),
    ),
)

WORDINGS = (TOMBSTONES, UNAVAILABLE, ERRORS, ACCOUNT_STATES)
