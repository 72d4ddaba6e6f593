"""How Telegram says that something is not to be had: boxes of its public pages, errors of its API. Data."""

from __future__ import annotations

from spiders.availability import Wording, Wordings
from spiders.posts import Outcome

BOXES = Wordings(
    place="classes of the boxes of t.me",
    source="recording tdlibchat/50000: it does not say whether a post was removed or never was",
    rows=(
        Wording("tgme_widget_message_error", Outcome.UNAVAILABLE, "not found"),
        Wording("tme_no_messages_found", Outcome.UNAVAILABLE, None),
    ),
)
"""An empty page is no absence."""

SERVICE_LABEL = "Service message"
"""What an embed of a group shows in place of a service message (recordings of 2024): a label, not a missing medium."""

ERRORS = Wordings(
    place="the name of an `rpc_error`",
    source="core.telegram.org/api/errors and the error lists of the methods that are asked",
    rows=(
        Wording("USERNAME_NOT_OCCUPIED", Outcome.UNAVAILABLE, "no such account", "nobody has this name"),
        Wording("USERNAME_INVALID", Outcome.UNAVAILABLE, "no such account", "the name is not valid"),
        Wording("CHANNEL_INVALID", Outcome.UNAVAILABLE, "does not exist", "there is no such channel"),
        Wording("PEER_ID_INVALID", Outcome.UNAVAILABLE, "does not exist", "there is no such chat for this account"),
        Wording("CHAT_ID_INVALID", Outcome.UNAVAILABLE, "does not exist", "there is no such group"),
        Wording("MSG_ID_INVALID", Outcome.UNAVAILABLE, "not found", "there is no such message, or nothing is under it"),
        Wording("MESSAGE_ID_INVALID", Outcome.UNAVAILABLE, "not found", "there is no such message"),
        Wording("INVITE_HASH_EXPIRED", Outcome.UNAVAILABLE, "gone", "the invite link has expired or was withdrawn"),
        Wording("INVITE_HASH_INVALID", Outcome.UNAVAILABLE, "does not exist", "there is no such invite link"),
        Wording(
            "CHANNEL_PRIVATE",
            Outcome.REFUSED,
            "private",
            "private to its members, or the account was banned from it, or it was closed",
        ),
        Wording("CHANNEL_PUBLIC_GROUP_NA", Outcome.REFUSED, "private", "not to be seen by this account"),
        Wording("CHAT_ADMIN_REQUIRED", Outcome.REFUSED, "not for everybody", "for administrators only"),
        Wording("CHAT_FORBIDDEN", Outcome.REFUSED, "private", "this account may not see it"),
        Wording("USER_BANNED_IN_CHANNEL", Outcome.REFUSED, "private", "this account was banned from it"),
        Wording("CHAT_RESTRICTED", Outcome.REFUSED, "withheld", "Telegram does not show it"),
        Wording("CHANNEL_FORUM_MISSING", Outcome.UNAVAILABLE, "not found", "it has no topics"),
        Wording("TOPIC_ID_INVALID", Outcome.UNAVAILABLE, "not found", "there is no such topic"),
        Wording("STORIES_NEVER_CREATED", Outcome.UNAVAILABLE, "not found", "it has never had stories"),
        Wording("FILE_ID_INVALID", Outcome.UNAVAILABLE, "not found", "there is no such file"),
        Wording("LOCATION_INVALID", Outcome.UNAVAILABLE, "not found", "there is no such file"),
        Wording(
            "AUTH_KEY_UNREGISTERED",
            Outcome.REFUSED,
            "login expired",
            "the account is logged out, here or from another device",
        ),
        Wording("AUTH_KEY_INVALID", Outcome.REFUSED, "login expired", "the account is logged out"),
        Wording(
            "AUTH_KEY_DUPLICATED",
            Outcome.REFUSED,
            "login expired",
            "the session was used from two places at once; Telegram ended it",
        ),
        Wording("SESSION_REVOKED", Outcome.REFUSED, "login expired", "the account was logged out from another device"),
        Wording("SESSION_EXPIRED", Outcome.REFUSED, "login expired", "the session has expired"),
        Wording("USER_DEACTIVATED", Outcome.REFUSED, "login not accepted", "the account itself was deleted"),
        Wording(
            "USER_DEACTIVATED_BAN", Outcome.REFUSED, "login not accepted", "the account itself was banned by Telegram"
        ),
        Wording(
            "FROZEN_METHOD_INVALID", Outcome.REFUSED, "login not accepted", "the account itself was frozen by Telegram"
        ),
        Wording("PREMIUM_ACCOUNT_REQUIRED", Outcome.REFUSED, "not for everybody", "for paying accounts only"),
        Wording("API_ID_INVALID", Outcome.REFUSED, "login not accepted", "api_id and api_hash do not belong together"),
    ),
)
"""What no row names is `failed` with Telegram's own word for it: nothing is concluded about the target."""

LOGGED_OUT = frozenset({
    "AUTH_KEY_UNREGISTERED", "AUTH_KEY_INVALID", "AUTH_KEY_DUPLICATED", "SESSION_REVOKED", "SESSION_EXPIRED",
    "USER_DEACTIVATED", "USER_DEACTIVATED_BAN",
})  # fmt: skip
"""Errors after which the account itself has to log in again."""

WORDINGS = (BOXES, ERRORS)
