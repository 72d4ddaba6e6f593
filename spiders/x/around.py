"""What X itself puts around a post, or in its place: readers' notes, notices, Grok's answers, marks of cut text. Pure."""

from __future__ import annotations

import re
from typing import Any

from spiders.json_access import at, dicts, strings, text_of
from spiders.posts import Attachment

_NOTICE = re.compile(
    r"(?:(?:This )?(?:Post|Tweet) from @\w{1,20}|@\w{1,20}(?:[’']s (?:Post|Tweet|account))?) (?:has been|is) withheld\b"
    r".{0,300}",
    re.DOTALL,
)


def withheld_notice(legacy: dict[str, Any]) -> tuple[str, str] | None:
    """Return (kind, notice) where X's notice stands in place of a withheld post's text.

    Only where the answer marks the post as withheld: anybody can write these words.
    """
    copyright_ = legacy.get("withheld_copyright") is True or at(legacy, "withheld", "copyright") is True
    where = legacy.get("withheld_in_countries") or at(legacy, "withheld", "country_codes")
    if not (copyright_ or where or legacy.get("withheld_scope") or at(legacy, "withheld", "scope")):
        return None
    text = text_of(legacy.get("full_text")) or text_of(legacy.get("text")) or ""
    if not _NOTICE.fullmatch(text.strip()):
        return None
    return ("withheld" if where or not copyright_ else "copyright claim"), text.strip()


def cut_short(legacy: dict[str, Any]) -> str | None:
    """Return why the text of a status is not whole, by the marks that API v1.1 and v2 leave on it."""
    if legacy.get("truncated") is True and not isinstance(legacy.get("retweeted_status"), dict):
        return "cut text: the answer marks it as truncated"
    text, own = text_of(legacy.get("text")), text_of(legacy.get("id_str")) or text_of(legacy.get("id"))
    if text is None or own is None or "full_text" in legacy or "…" not in text:
        return None
    links = dicts(at(legacy, "entities", "urls"))
    onwards = re.compile(rf"https?://(?:twitter|x)\.com/i/web/status/{re.escape(own)}")
    for link in links:
        short = text_of(link.get("url"))
        if short and text.endswith(f"… {short}") and onwards.fullmatch(text_of(link.get("expanded_url")) or ""):
            return "cut text: it ends in a link to the whole post"
    return None


def readers_note(pivot: Any) -> dict[str, Any] | None:
    """Collect a community note as it is shown under a post: its words, its id, where it leads."""
    entities = dicts(at(pivot, "subtitle", "entities"))
    facts = {
        "id": text_of(at(pivot, "note", "rest_id")),
        "title": text_of(at(pivot, "title")),
        "text": text_of(at(pivot, "subtitle", "text")),
        "links": [link for item in entities if (link := text_of(at(item, "ref", "url")))],
        "footer": text_of(at(pivot, "footer", "text")),
        "url": text_of(at(pivot, "destinationUrl")),
    }
    return {key: value for key, value in facts.items() if value is not None and value != []} or None


def around(node: Any) -> dict[str, Any]:
    """Collect what stands around a post in GraphQL and syndication, as its `extra` has it."""
    note = readers_note(at(node, "birdwatch_pivot"))
    return {
        "community_note": True if at(node, "has_birdwatch_notes") or (note and "text" in note) else None,
        "readers_note": note,
        "grok_share": grok_share(at(node, "grok_share_attachment")),
        **community(node),
    }


def grok_share(value: Any) -> dict[str, Any] | None:
    """Collect a conversation with Grok that a post shares: who said what."""
    items = [
        {
            "from": text_of(item.get("from")),
            "message": text_of(item.get("message")),
            "analysis": text_of(item.get("analysis")),
        }
        for item in dicts(at(value, "items"))
    ]
    listed = [{key: found for key, found in item.items() if found is not None} for item in items]
    facts = {"conversation_id": text_of(at(value, "conversation_id")), "items": [item for item in listed if item]}
    return {key: found for key, found in facts.items() if found} or None


def grok_files(value: Any, post_id: str | None) -> tuple[Attachment, ...]:
    """List the pictures of a shared conversation with Grok."""
    items, names = dicts(at(value, "items")), ("mediaUrls", "media_urls")
    links = dict.fromkeys(link for item in items for name in names for link in strings(item.get(name)))
    return tuple(Attachment("photo", link, post_id=post_id, extra={"part": "grok"}) for link in links)


def community(node: Any) -> dict[str, Any]:
    """Collect the community that a post was written in. Its id and its name may stand in two places."""
    places = (
        at(node, "community_results", "result"),
        at(node, "author_community_relationship", "community_results", "result"),
    )
    ids = (text_of(at(place, name)) for place in places for name in ("rest_id", "id_str"))
    names = (text_of(at(place, "name")) for place in places)
    return {
        "community": next((found for found in names if found), None),
        "community_id": next((found for found in ids if found), None),
    }


_READ = frozenset({
    # GraphQL
    "core", "edit_control", "views", "legacy", "card", "unified_card", "quoted_status_result", "note_tweet", "article",
    "birdwatch_pivot", "grok_share_attachment", "community_results", "author_community_relationship", "quotedRefResult",
    # syndication, API v1.1 and v2
    "user", "mediaDetails", "photos", "video", "quoted_tweet", "parent", "self_thread", "retweeted_status",
    "quoted_status", "extended_tweet", "coordinates", "geo", "place", "entities", "extended_entities",
    "display_text_range", "withheld_in_countries", "retweeted_status_result", "conversation_control", "attachments",
    "referenced_tweets", "public_metrics", "edit_history_tweet_ids", "withheld",
})  # fmt: skip
_PASSED = frozenset({
    # what X says to its own client or of the reader, and what it makes of the post: not what was published
    "superFollowsReplyUserResult", "edit_perspective", "quick_promote_eligibility", "previous_counts",
    "grok_translated_post_with_availability", "grok_translated_post", "grok_annotations", "scopes", "edit_controls",
    "quoted_status_permalink", "current_user_retweet", "context_annotations", "matching_rules", "__twarc",
    "unmention_data", "unmention_info", "author", "in_reply_to_user", "isStaleTweet", "news_action_type",
})  # fmt: skip


def unread(*nodes: Any) -> list[str]:
    """Name the parts of a post that no parser here knows: a newer kind of content may stand in them."""
    found = {
        name[:60]
        for node in nodes
        if isinstance(node, dict)
        for name, value in node.items()
        if isinstance(value, dict | list) and value and name not in _READ and name not in _PASSED
    }
    return sorted(found)[:20]
