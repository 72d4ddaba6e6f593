"""Service messages of Telegram in words: who came and went, what was renamed, pinned or begun. Pure."""

from __future__ import annotations

from typing import Any

from spiders.telegram.api.peers import marked

ACTIONS: dict[str, str] = {
    "MessageActionEmpty": "",
    "MessageActionBoostApply": "boosted the group {boosts} times",
    "MessageActionChangeCreator": "made {new_creator_id} the owner",
    "MessageActionChannelCreate": "Channel created: {title}",
    "MessageActionChannelMigrateFrom": "Group became a supergroup: {title}, before it group {chat_id}",
    "MessageActionChatAddUser": "added {users}",
    "MessageActionChatCreate": "Group created: {title}, with {users}",
    "MessageActionChatDeletePhoto": "Photo removed",
    "MessageActionChatDeleteUser": "removed {user_id}",
    "MessageActionChatEditPhoto": "Photo changed",
    "MessageActionChatEditTitle": "Title changed to: {title}",
    "MessageActionChatJoinedByLink": "joined by an invite link of {inviter_id}",
    "MessageActionChatJoinedByRequest": "was let in on request",
    "MessageActionChatMigrateTo": "Group became the supergroup {channel_id}",
    "MessageActionContactSignUp": "joined Telegram",
    "MessageActionCustomAction": "{message}",
    "MessageActionGameScore": "scored {score} in a game",
    "MessageActionGeoProximityReached": "came within {distance} m",
    "MessageActionGiveawayLaunch": "Giveaway started",
    "MessageActionGiveawayResults": "Giveaway ended: {winners_count} winners",
    "MessageActionGroupCall": "Live stream or voice chat, {duration} s",
    "MessageActionGroupCallScheduled": "Live stream or voice chat scheduled for {schedule_date}",
    "MessageActionHistoryClear": "History cleared",
    "MessageActionInviteToGroupCall": "invited {users} to the voice chat",
    "MessageActionNoForwardsToggle": "Forwarding and saving of content changed: {prev_value} to {new_value}",
    "MessageActionPhoneCall": "Phone call, {duration} s",
    "MessageActionPinMessage": "pinned a message",
    "MessageActionPollAppendAnswer": "added an answer to a poll",
    "MessageActionPollDeleteAnswer": "removed an answer from a poll",
    "MessageActionScreenshotTaken": "took a screenshot",
    "MessageActionSetChatTheme": "Theme changed",
    "MessageActionSetChatWallPaper": "Background changed",
    "MessageActionSetMessagesTTL": "Messages vanish after {period} s",
    "MessageActionTodoAppendTasks": "added to a list",
    "MessageActionTodoCompletions": "Done: {completed}; not done: {incompleted}",
    "MessageActionTopicCreate": "Topic created: {title}",
    "MessageActionTopicEdit": "Topic changed: {title}",
}
"""What happened, in words. Actions that are not here are kept raw: gifts, payments and what bots and private chats do."""


def action_text(action: dict[str, Any]) -> str | None:
    """Write a service message in words, or None where there are none for it; numbers are in its object."""
    words = ACTIONS.get(str(action.get("_")))
    if words is None:
        return None
    values = {key: _told(value) for key, value in action.items()}
    return words.format_map(_Blank(values)).strip() or None


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_told(item) for item in value)
    return str(value) if not isinstance(value, dict) else str(marked(value) or value.get("_"))


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "(not said)"
