"""A miniature X: syndication, the page's shell with its script, GraphQL for who is logged in, and its file hosts."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from archiver.demo.server import Answer, Asked, Site

SCRIPT = "/responsive-web/client-web/main.0demo0.js".replace("0demo0", "0de0a0e1")
QUERIES = {name: f"demo{name}Query00" for name in ("TweetDetail", "UserByScreenName", "UserTweets", "SearchTimeline")}
PAGE = 4
BEARER = "AAAAAAAAAAAAAAAAAAAAA" + "demo" * 12 + "%3D" + "Xyz012" * 8


@dataclass
class Picture:
    name: str
    body: bytes
    width: int = 320
    height: int = 200


@dataclass
class Clip:
    name: str
    body: bytes
    seconds: float = 2.0
    kind: str = "video"


@dataclass
class Tweet:
    id: str
    when: datetime
    text: str
    media: list[Picture | Clip] = field(default_factory=list)
    quotes: str | None = None
    answers: str | None = None
    versions: tuple[str, ...] = ()
    """Ids of all versions, where it was edited."""
    long: str | None = None
    """The whole of a long post; syndication gives `text` only."""
    poll: dict[str, int] = field(default_factory=dict)
    gone: str | None = None
    """What X says in its place."""
    missing: bool = False
    """Answered by 404, as a deleted post is."""


class X:
    """The account of a witness."""

    handle, name, number = "ozen_today", "Өзен бүгін", "1500000001"

    def __init__(self, tweets: list[Tweet]) -> None:
        self.tweets = {tweet.id: tweet for tweet in tweets}
        self.trouble: dict[str, Answer] = {}
        self.cookie = "0123456789abcdef0123456789abcdef01234567"
        """The `auth_token` that counts as logged in."""
        self.suspended = False

    def sites(self) -> dict[str, Site]:
        return {
            "x.com": self.web,
            "twitter.com": self.web,
            "cdn.syndication.twimg.com": self.syndication,
            "syndication.twitter.com": self.timeline,
            "abs.twimg.com": self.script,
            "pbs.twimg.com": self.files,
            "video.twimg.com": self.files,
        }

    # -- syndication ------------------------------------------------------------------------------------------------

    def syndication(self, asked: Asked) -> Answer:
        tweet = self.tweets.get(asked.query.get("id", ""))
        if tweet is not None and tweet.id in self.trouble:
            return self.trouble[tweet.id]
        if tweet is None or tweet.missing:
            return Answer(404, "text/html; charset=utf-8", b"<!DOCTYPE html><title>404</title>")
        return Answer(
            content_type="application/json; charset=utf-8", body=json.dumps(self._syndicated(tweet, True)).encode()
        )

    def _syndicated(self, tweet: Tweet, outer: bool) -> dict[str, Any]:
        if tweet.gone:
            return {"__typename": "TweetTombstone", "tombstone": {"text": {"text": tweet.gone}}}
        value: dict[str, Any] = {
            "__typename": "Tweet", "lang": "ru", "favorite_count": 12, "possibly_sensitive": False,
            "created_at": tweet.when.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "display_text_range": [0, len(tweet.text)],
            "entities": {"hashtags": [], "urls": [], "user_mentions": [], "symbols": []},
            "id_str": tweet.id, "text": tweet.text,
            "user": {"id_str": self.number, "name": self.name, "screen_name": self.handle, "is_blue_verified": False},
            "edit_control": {"edit_tweet_ids": list(tweet.versions or (tweet.id,)), "is_edit_eligible": True},
            "conversation_count": 2, "isEdited": len(tweet.versions) > 1, "isStaleEdit": False,
        }  # fmt: skip
        if tweet.media:
            value["mediaDetails"] = [self._medium(item) for item in tweet.media]
        if tweet.long:
            value["note_tweet"] = {"id": "Tm90ZVR3ZWV0"}
        if tweet.poll:
            value["card"] = self._poll(tweet, False)
        if tweet.answers:
            value |= {
                "in_reply_to_status_id_str": tweet.answers,
                "in_reply_to_user_id_str": self.number,
                "in_reply_to_screen_name": self.handle,
            }
        if outer and tweet.quotes and (quoted := self.tweets.get(tweet.quotes)):
            value["quoted_tweet"] = self._syndicated(quoted, False)
        return value

    def _medium(self, item: Picture | Clip) -> dict[str, Any]:
        if isinstance(item, Picture):
            return {
                "type": "photo", "id_str": item.name, "media_url_https": f"https://pbs.twimg.com/media/{item.name}.png",
                "original_info": {"width": item.width, "height": item.height}, "url": "https://t.co/demo",
            }  # fmt: skip
        variants = [
            {
                "bitrate": rate,
                "content_type": "video/mp4",
                "url": f"https://video.twimg.com/ext_tw_video/{item.name}/vid/{rate}/{item.name}.mp4?tag=12",
            }
            for rate in (320000, 2176000, 832000)
        ]
        variants.insert(
            1,
            {
                "content_type": "application/x-mpegURL",
                "url": f"https://video.twimg.com/ext_tw_video/{item.name}/pl/{item.name}.m3u8",
            },
        )
        return {
            "type": item.kind, "id_str": item.name, "media_url_https": f"https://pbs.twimg.com/ext_tw_video_thumb/{item.name}.png",
            "original_info": {"width": 320, "height": 180}, "url": "https://t.co/demo",
            "video_info": {"aspect_ratio": [16, 9], "duration_millis": int(item.seconds * 1000), "variants": variants},
        }  # fmt: skip

    def _poll(self, tweet: Tweet, graphql: bool) -> dict[str, Any]:
        values: dict[str, Any] = {
            "counts_are_final": {"boolean_value": True},
            "end_datetime_utc": {"string_value": "2022-01-06T09:00:00Z"},
        }
        for position, (label, votes) in enumerate(tweet.poll.items(), 1):
            values[f"choice{position}_label"] = {"string_value": label}
            values[f"choice{position}_count"] = {"string_value": str(votes)}
        name = f"poll{len(tweet.poll)}choice_text_only"
        bound: Any = [{"key": key, "value": value} for key, value in values.items()] if graphql else values
        return {"name": name, "binding_values": bound, "url": "card://1"}

    # -- the site -------------------------------------------------------------------------------------------------------

    def web(self, asked: Asked) -> Answer:
        if asked.path.startswith("/i/api/graphql/"):
            return self._graphql(asked)
        parts = asked.path.strip("/").split("/")
        tweet = self.tweets.get(parts[2]) if len(parts) >= 3 and parts[1] == "status" else None
        if asked.path in self.trouble:
            return self.trouble[asked.path]
        head = ""
        if tweet is not None and not tweet.missing and not tweet.gone:
            shown = html.escape(f'{self.name} on X: "{tweet.text}" / X')
            head = f'<link rel="canonical" href="https://x.com/{self.handle}/status/{tweet.id}"><meta property="og:title" content="{shown}">'
        state = {
            "featureSwitch": {
                "defaultConfig": {
                    "longform_notetweets_consumption_enabled": {"value": True},
                    "view_counts_everywhere_api_enabled": {"value": False},
                }
            }
        }
        text = (
            f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>X</title>{head}</head><body><div id="react-root"></div>'
            f"<script>window.__INITIAL_STATE__={json.dumps(state)};window.__META_DATA__={{}}</script>"
            f'<script src="https://abs.twimg.com{SCRIPT}"></script></body></html>'
        )
        return Answer(body=text.encode(), headers=[("Set-Cookie", "guest_id=v1%3A172000000000000000; Path=/; Secure")])

    def script(self, asked: Asked) -> Answer:
        if asked.path != SCRIPT:
            return Answer(404, "text/plain", b"")
        text = (
            "".join(
                f'e.exports={{queryId:"{query}",operationName:"{name}",operationType:"query",metadata:{{featureSwitches:["longform_notetweets_consumption_enabled",'
                f'"view_counts_everywhere_api_enabled"],fieldToggles:["withArticleRichContentState"]}}}};'
                for name, query in QUERIES.items()
            )
            + f'const t="{BEARER}";'
        )
        return Answer(content_type="application/javascript; charset=utf-8", body=text.encode())

    def _graphql(self, asked: Asked) -> Answer:
        cookie = asked.headers.get("cookie", "")
        if f"auth_token={self.cookie}" not in cookie or "x-csrf-token" not in asked.headers:
            errors = {"errors": [{"message": "Could not authenticate you", "code": 32}]}
            return Answer(401, "application/json; charset=utf-8", json.dumps(errors).encode())
        name = asked.path.rpartition("/")[2]
        if name in self.trouble:
            return self.trouble[name]
        said = json.loads(asked.query.get("variables", "{}"))
        if name == "UserByScreenName":
            return self._account(str(said.get("screen_name", "")))
        if name in ("UserTweets", "SearchTimeline"):
            return self._timeline(name, said)
        focal = str(said.get("focalTweetId", ""))
        tweet = self.tweets.get(focal)
        entries: list[dict[str, Any]] = []
        answers = [other for other in self.tweets.values() if other.answers == focal]
        start = int(said["cursor"]) if str(said.get("cursor", "")).isdigit() else 0
        if tweet is not None and not tweet.missing:
            listed = [*([tweet] if not start else []), *answers[start : start + PAGE]]
            entries = [
                {"entryId": f"tweet-{item.id}", "content": {"itemContent": {"itemType": "TimelineTweet", "tweet_results": {"result": self._result(item)}}}}
                for item in listed
            ]  # fmt: skip
            if start + PAGE < len(answers):
                entries.append(_cursor("Bottom", str(start + PAGE)))
        value = {
            "data": {
                "threaded_conversation_with_injections_v2": {
                    "instructions": [{"type": "TimelineAddEntries", "entries": entries}]
                }
            }
        }
        return Answer(content_type="application/json; charset=utf-8", body=json.dumps(value).encode())

    def _account(self, handle: str) -> Answer:
        if self.suspended:
            result: dict[str, Any] = {
                "__typename": "UserUnavailable",
                "reason": "Suspended",
                "message": "User is suspended",
            }
        elif handle.lower() != self.handle:
            return _json({"data": {}})
        else:
            core = {"name": self.name, "screen_name": self.handle}
            result = {
                "__typename": "User",
                "rest_id": self.number,
                "core": core,
                "legacy": {"statuses_count": len(self.tweets)},
            }
        return _json({"data": {"user": {"result": result}}})

    def _timeline(self, name: str, said: dict[str, Any]) -> Answer:
        """Posts newest first, with an advertisement and accounts to follow between them, as X mixes them in."""
        shown = [tweet for tweet in reversed(self.tweets.values()) if not tweet.missing and not tweet.gone]
        if name == "SearchTimeline":
            shown = [tweet for tweet in shown if str(said.get("rawQuery", "")).lower() in tweet.text.lower()]
        start = int(said["cursor"]) if str(said.get("cursor", "")).isdigit() else 0
        entries = [self._entry(f"tweet-{tweet.id}", self._result(tweet)) for tweet in shown[start : start + PAGE]]
        if not start:
            entry = self._entry(
                "promoted-tweet-1", self._result(Tweet("1999", shown[0].when, "Buy this.")) if shown else {}
            )
            entry["content"]["itemContent"]["promotedMetadata"] = {"disclosureType": "NoDisclosure"}
            entries.insert(1, entry)
            entries.append({"entryId": "who-to-follow-1", "content": {"items": []}})
        entries += [_cursor("Top", "top"), _cursor("Bottom", str(start + PAGE))]
        instructions = [{"type": "TimelineAddEntries", "entries": entries}]
        inner = {"timeline": {"instructions": instructions}}
        if name == "SearchTimeline":
            return _json({"data": {"search_by_raw_query": {"search_timeline": inner}}})
        return _json({"data": {"user": {"result": {"__typename": "User", "timeline_v2": inner}}}})

    def _entry(self, entry_id: str, result: dict[str, Any]) -> dict[str, Any]:
        return {
            "entryId": entry_id,
            "content": {"itemContent": {"itemType": "TimelineTweet", "tweet_results": {"result": result}}},
        }

    def timeline(self, asked: Asked) -> Answer:
        """`srv/timeline-profile`: what any site may embed."""
        handle = asked.path.rpartition("/")[2]
        if handle.lower() != self.handle:
            return Answer(404, body=b"<!DOCTYPE html><title>404</title>")
        entries = []
        for tweet in list(reversed(self.tweets.values()))[:6]:
            if tweet.missing or tweet.gone:
                continue
            value = self._syndicated(tweet, False)
            legacy = {**self._result(tweet)["legacy"], "user": value["user"], "entities": value["entities"]}
            entries.append({"type": "tweet", "entry_id": f"tweet-{tweet.id}", "content": {"tweet": legacy}})
        props = {"props": {"pageProps": {"headerProps": {"screenName": self.handle}, "timeline": {"entries": entries}}}}
        text = f'<!DOCTYPE html><html><head></head><body><script id="__NEXT_DATA__" type="application/json">{json.dumps(props)}</script></body></html>'
        return Answer(body=text.encode())

    def _result(self, tweet: Tweet) -> dict[str, Any]:
        if tweet.gone:
            return {"__typename": "TweetTombstone", "tombstone": {"text": {"text": tweet.gone}}}
        legacy: dict[str, Any] = {
            "created_at": tweet.when.strftime("%a %b %d %H:%M:%S +0000 %Y"), "full_text": tweet.text, "display_text_range": [0, len(tweet.text)],
            "favorite_count": 12, "reply_count": 2, "retweet_count": 3, "quote_count": 0, "bookmark_count": 1, "lang": "ru",
            "id_str": tweet.id, "user_id_str": self.number, "conversation_id_str": tweet.answers or tweet.id,
            "entities": {"hashtags": [], "urls": [], "user_mentions": []},
        }  # fmt: skip
        if tweet.answers:
            legacy |= {"in_reply_to_status_id_str": tweet.answers, "in_reply_to_user_id_str": self.number}
        if tweet.media:
            legacy["extended_entities"] = {"media": [self._medium(item) for item in tweet.media]}
        value: dict[str, Any] = {
            "__typename": "Tweet", "rest_id": tweet.id, "legacy": legacy, "views": {"count": "4512", "state": "EnabledWithCount"},
            "core": {"user_results": {"result": {"__typename": "User", "rest_id": self.number, "core": {"name": self.name, "screen_name": self.handle}, "legacy": {}}}},
            "edit_control": {"edit_tweet_ids": list(tweet.versions or (tweet.id,))},
        }  # fmt: skip
        if tweet.long:
            value["note_tweet"] = {
                "is_expandable": True,
                "note_tweet_results": {"result": {"id": "Tm90ZVR3ZWV0", "text": tweet.long, "entity_set": {}}},
            }
        if tweet.poll:
            value["card"] = {"legacy": self._poll(tweet, True)}
        if tweet.quotes and (quoted := self.tweets.get(tweet.quotes)):
            legacy["quoted_status_id_str"] = tweet.quotes
            value["quoted_status_result"] = {"result": self._result(quoted)}
        return value

    # -- files ------------------------------------------------------------------------------------------------------------

    def files(self, asked: Asked) -> Answer:
        if asked.path in self.trouble:
            return self.trouble[asked.path]
        stem = asked.path.rpartition("/")[2].partition(".")[0]
        for tweet in self.tweets.values():
            for item in tweet.media:
                if item.name != stem:
                    continue
                if asked.host == "video.twimg.com" and isinstance(item, Clip):
                    return Answer(content_type="video/mp4", body=item.body, headers=[("Accept-Ranges", "bytes")])
                if asked.host == "pbs.twimg.com":
                    picture = item.body if isinstance(item, Picture) else b"\x89PNG\r\n\x1a\n"
                    return Answer(content_type="image/png", body=picture)
        return Answer(404, "text/plain", b"")


def _cursor(kind: str, value: str) -> dict[str, Any]:
    content = {"entryType": "TimelineTimelineCursor", "value": value, "cursorType": kind}
    return {"entryId": f"cursor-{kind.lower()}-{value}", "content": content}


def _json(value: dict[str, Any]) -> Answer:
    return Answer(content_type="application/json; charset=utf-8", body=json.dumps(value).encode())
