"""A miniature YouTube: watch pages, the player's API, comments, chat, captions, and its video hosts.

The shapes follow the recordings. yt-dlp's own extractor reads it unmodified, with its real host names.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from archiver.demo.server import Answer, Asked, Site
from archiver.demo.youtube_lists import Lists
from archiver.demo.youtube_model import (
    HOSTS,
    IMAGE_HOST,
    MANIFEST_HOST,
    MODIFIED,
    VIDEO_HOST,
    Comment,
    Format,
    Video,
)


class YouTube:
    """The channel of a witness, and videos that cannot be had."""

    channel_id = "UCozenToday000000000000A"
    channel = "Өзен бүгін"
    handle = "ozen_today"

    def __init__(self, videos: list[Video], image: bytes) -> None:
        self.videos = {video.id: video for video in videos}
        self._image = image
        self.trouble: dict[str, Answer] = {}
        self.on_media: Callable[[Asked], Answer | None] = lambda asked: None
        """Asked before each media answer, so that a test can break it."""
        self.lists = Lists(self)
        self.clips: dict[str, str] = {}
        """Id of a clip → the video that it is a part of."""
        self.page_only_wall = False
        """The watch page shows a captcha while the player's API answers."""

    def sites(self) -> dict[str, Site]:
        return {
            **dict.fromkeys(HOSTS, self.web),
            VIDEO_HOST: self.media,
            MANIFEST_HOST: self.media,
            IMAGE_HOST: lambda asked: Answer(content_type="image/png", body=self._image),
        }

    # -- pages and calls ---------------------------------------------------------------------------------------

    def web(self, asked: Asked) -> Answer:
        if asked.path in self.trouble:
            return self.trouble[asked.path]
        if asked.path == "/watch":
            return self._watch(asked.query.get("v", ""))
        if (clip := asked.path.removeprefix("/clip/")) in self.clips:
            return self._watch(self.clips[clip], clip)
        if asked.path == "/youtubei/v1/player":
            return _json(self.player(str(_said(asked).get("videoId", ""))))
        if asked.path == "/youtubei/v1/next":
            return _json(self._next(_said(asked)))
        if asked.path == "/live_chat_replay":
            value = self._chat(asked.query.get("continuation", ""))
            return Answer(
                body=f'<!DOCTYPE html><script>window["ytInitialData"] = {json.dumps(value)};</script>'.encode()
            )
        if asked.path == "/youtubei/v1/live_chat/get_live_chat_replay":
            return _json(self._chat(str(_said(asked).get("continuation", ""))))
        if asked.path == "/youtubei/v1/browse":
            return _json(self.lists.browse(str(_said(asked).get("continuation", ""))))
        if asked.path == "/feeds/videos.xml":
            return self.lists.feed(asked.query.get("channel_id", ""))
        if asked.path == "/playlist" or asked.path.startswith(("/@", "/post/")):
            return self.lists.page(asked)
        if asked.path == "/api/timedtext":
            return self._captions(asked)
        return Answer(404, body=b"<!DOCTYPE html><title>404 Not Found</title>")

    def _watch(self, video_id: str, clip: str | None = None) -> Answer:
        if self.page_only_wall:
            wall = '<!DOCTYPE html><title>YouTube</title><script src="https://www.google.com/recaptcha/api.js"></script><div id="captcha-page"></div>'
            return Answer(429, body=wall.encode(), headers=[("Retry-After", "1")])
        video = self.videos.get(video_id)
        title = video.title if video and video.details else "YouTube"
        config = {
            "INNERTUBE_API_KEY": "AIzaDemoDemoDemoDemoDemoDemoDemoDemo000",
            "INNERTUBE_CLIENT_VERSION": "2.20260102.01.00",
        }
        config["VISITOR_DATA"] = "Q2dkZW1vdmlzaXRvcg%3D%3D"
        player = self.player(video_id)
        if clip is not None:
            player["clipConfig"] = {"postId": clip, "startTimeMs": "1000", "endTimeMs": "3000"}
        return Answer(
            body=(
                f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title} - YouTube</title>'
                f'<link rel="canonical" href="https://www.youtube.com/watch?v={video_id}">'
                f"<script>ytcfg.set({json.dumps(config)});</script></head><body>"
                f'<div id="player"><img src="https://{IMAGE_HOST}/vi/{video_id}/hqdefault.jpg" alt=""></div><h1>{title}</h1>'
                f"<script>var ytInitialPlayerResponse = {json.dumps(player)};</script>"
                f"<script>var ytInitialData = {json.dumps(self._page_data(video))};</script></body></html>"
            ).encode()
        )

    def player(self, video_id: str) -> dict[str, Any]:
        video = self.videos.get(video_id)
        if video is None:
            return {
                "responseContext": {},
                "playabilityStatus": {"status": "ERROR", "reason": "This video is unavailable"},
            }
        status: dict[str, Any] = {"status": video.status}
        if video.reason:
            status["reason"] = video.reason
        if video.scheduled:
            slate = {"scheduledStartTime": str(int(video.scheduled.timestamp()))}
            renderer = {"videoId": video.id, "offlineSlate": {"liveStreamOfflineSlateRenderer": slate}}
            status["liveStreamability"] = {"liveStreamabilityRenderer": renderer}
        value: dict[str, Any] = {"responseContext": {}, "playabilityStatus": status}
        if video.details:
            value |= self._described(video)
        if video.status == "OK":
            value["streamingData"] = self._streaming(video)
            value["captions"] = {"playerCaptionsTracklistRenderer": {"captionTracks": self._tracks(video)}}
        return value

    def _described(self, video: Video) -> dict[str, Any]:
        pacific = video.published - timedelta(hours=8)
        date = pacific.strftime("%Y-%m-%dT%H:%M:%S") + "-08:00"
        micro: dict[str, Any] = {
            "title": {"simpleText": video.title}, "description": {"simpleText": video.about},
            "lengthSeconds": str(video.seconds + 1), "ownerProfileUrl": f"http://www.youtube.com/@{self.handle}",
            "externalChannelId": self.channel_id, "isFamilySafe": True, "isUnlisted": False, "viewCount": "1312",
            "category": "News & Politics", "publishDate": date, "uploadDate": date, "ownerChannelName": self.channel,
            "externalVideoId": video.id, "likeCount": "77", "isShortsEligible": False, "availableCountries": ["KZ", "US"],
        }  # fmt: skip
        if video.live or video.chat:
            micro["liveBroadcastDetails"] = {
                "isLiveNow": video.live, "startTimestamp": video.published.isoformat().replace("+00:00", "+00:00"),
            }  # fmt: skip
        details: dict[str, Any] = {
            "videoId": video.id, "title": video.title, "lengthSeconds": str(0 if video.live else video.seconds),
            "channelId": self.channel_id, "isOwnerViewing": False, "shortDescription": video.about,
            "isCrawlable": True, "allowRatings": True, "viewCount": "1312", "author": self.channel, "isPrivate": False,
            "isLiveContent": bool(video.live or video.chat),
            "thumbnail": {"thumbnails": [{"url": f"https://{IMAGE_HOST}/vi/{video.id}/hqdefault.jpg", "width": 480, "height": 360}]},
        }  # fmt: skip
        if video.live:
            details |= {"isLive": True}
        if video.scheduled:
            details |= {"isUpcoming": True}
        return {"videoDetails": details, "microformat": {"playerMicroformatRenderer": micro}}

    def _streaming(self, video: Video) -> dict[str, Any]:
        def one(item: Format) -> dict[str, Any]:
            facts: dict[str, Any] = {
                "itag": item.itag, "mimeType": item.mime, "bitrate": 8 * item.size // max(1, video.seconds),
                "url": f"https://{VIDEO_HOST}/videoplayback?id={video.id}&itag={item.itag}&ip=203.0.113.7&expire=1893456000&sig=demo",
                "contentLength": str(item.size), "lastModified": "1641384600000000", "approxDurationMs": str(video.seconds * 1000),
            }  # fmt: skip
            if item.width:
                facts |= {"width": item.width, "height": item.height, "fps": 15, "qualityLabel": f"{item.height}p"}
            else:
                facts |= {"audioQuality": "AUDIO_QUALITY_MEDIUM", "audioSampleRate": "44100", "audioChannels": 1}
            return facts

        value: dict[str, Any] = {
            "expiresInSeconds": "21540",
            "formats": [one(item) for item in video.formats if item.merged],
            "adaptiveFormats": [one(item) for item in video.formats if not item.merged],
        }
        if video.segments:
            value["hlsManifestUrl"] = f"https://{MANIFEST_HOST}/api/manifest/hls_variant/id/{video.id}/file/index.m3u8"
        return value

    def _tracks(self, video: Video) -> list[dict[str, Any]]:
        tracks = []
        for name in video.captions:
            lang, automatic = name.removesuffix("-auto"), name.endswith("-auto")
            url = f"https://www.youtube.com/api/timedtext?v={video.id}&lang={lang}&signature=demo" + (
                "&kind=asr" if automatic else ""
            )
            shown = f"{lang} (auto-generated)" if automatic else lang
            track = {
                "baseUrl": url,
                "name": {"simpleText": shown},
                "vssId": ("a." if automatic else ".") + lang,
                "languageCode": lang,
            }
            tracks.append({**track, "isTranslatable": True, **({"kind": "asr"} if automatic else {})})
        return tracks

    def _captions(self, asked: Asked) -> Answer:
        video = self.videos.get(asked.query.get("v", ""))
        name = asked.query.get("lang", "") + ("-auto" if asked.query.get("kind") == "asr" else "")
        if video is None or name not in video.captions:
            return Answer(404, "text/plain", b"")
        return Answer(content_type="text/vtt; charset=UTF-8", body=video.captions[name].encode())

    # -- the page's data, comments, chat ---------------------------------------------------------------------------

    def _page_data(self, video: Video | None) -> dict[str, Any]:
        if video is None or not video.details:
            return {"contents": {"twoColumnWatchNextResults": {}}}
        owner = {
            "title": {
                "runs": [
                    {
                        "text": self.channel,
                        "navigationEndpoint": {
                            "browseEndpoint": {"browseId": self.channel_id, "canonicalBaseUrl": f"/@{self.handle}"}
                        },
                    }
                ]
            }
        }
        contents: list[dict[str, Any]] = [
            {
                "videoPrimaryInfoRenderer": {
                    "title": {"runs": [{"text": video.title}]},
                    "dateText": {"simpleText": video.published.strftime("%b %-d, %Y")},
                    "viewCount": {"videoViewCountRenderer": {"viewCount": {"simpleText": "1,312 views"}}},
                }
            },
            {
                "videoSecondaryInfoRenderer": {
                    "owner": {"videoOwnerRenderer": owner},
                    "attributedDescription": {"content": video.about},
                }
            },
        ]
        if video.comments:
            token = _token(video.id, "comments", 0)
            item = {
                "continuationItemRenderer": {
                    "continuationEndpoint": {
                        "continuationCommand": {"token": token, "request": "CONTINUATION_REQUEST_TYPE_WATCH_NEXT"}
                    }
                }
            }
            contents.append({"itemSectionRenderer": {"contents": [item], "sectionIdentifier": "comment-item-section"}})
        results: dict[str, Any] = {"results": {"results": {"contents": contents}}}
        if video.chat:
            token = _token(video.id, "chat", 0)
            results["conversationBar"] = {
                "liveChatRenderer": {
                    "continuations": [{"reloadContinuationData": {"continuation": token}}],
                    "isReplay": True,
                }
            }
        return {
            "contents": {"twoColumnWatchNextResults": results},
            "currentVideoEndpoint": {"watchEndpoint": {"videoId": video.id}},
        }

    def _next(self, said: dict[str, Any]) -> dict[str, Any]:
        found = _untoken(str(said.get("continuation", "")))
        if found is None:
            return self._page_data(self.videos.get(str(said.get("videoId", ""))))
        video = self.videos.get(found[0])
        if video is None:
            return {
                "error": {"code": 400, "message": "Request contains an invalid argument.", "status": "INVALID_ARGUMENT"}
            }
        what, start = found[1], found[2]
        listed = video.comments
        if what != "comments":
            listed = next((item.replies for item in video.comments if item.id == what), [])
        shown = listed[start : start + 2]
        more = _token(video.id, what, start + 2) if start + 2 < len(listed) else None
        return _comments(
            video.id, shown, more, len(video.comments) if what == "comments" and start == 0 else None, self.handle
        )

    def _chat(self, token: str) -> dict[str, Any]:
        found = _untoken(token)
        video = self.videos.get(found[0]) if found else None
        if found is None or video is None:
            return {"responseContext": {}}
        start = found[2]
        actions = [
            {
                "replayChatItemAction": {
                    "videoOffsetTimeMsec": str(offset),
                    "actions": [{"addChatItemAction": {"item": {"liveChatTextMessageRenderer": {
                        "id": f"chat-{video.id}-{number}", "message": {"runs": [{"text": text}]}, "authorName": {"simpleText": author},
                        "authorExternalChannelId": f"UCchat{number:018d}",
                        "timestampUsec": str(int((video.published.timestamp() * 1000 + offset) * 1000)),
                    }}}}],
                }
            }
            for number, (offset, author, text) in enumerate(video.chat) if start <= number < start + 3
        ]  # fmt: skip
        following = (
            [{"liveChatReplayContinuationData": {"continuation": _token(video.id, "chat", start + 3)}}]
            if start + 3 < len(video.chat)
            else []
        )
        return {"continuationContents": {"liveChatContinuation": {"continuations": following, "actions": actions}}}

    # -- files ---------------------------------------------------------------------------------------------------------

    def media(self, asked: Asked) -> Answer:
        broken = self.on_media(asked)
        if broken is not None:
            return broken
        if asked.path.startswith("/api/manifest/"):
            return self._manifest(asked.path)
        if asked.path.startswith("/segment/"):
            _, _, video_id, number = asked.path.split("/")
            video = self.videos.get(video_id)
            index = int(number.partition(".")[0])
            if video is None or index >= len(video.segments):
                return Answer(404, "text/plain", b"")
            return Answer(content_type="video/mp2t", body=video.segments[index])
        video = self.videos.get(asked.query.get("id", ""))
        item = (
            next((item for item in video.formats if str(item.itag) == asked.query.get("itag")), None) if video else None
        )
        if item is None:
            return Answer(403, "text/plain", b"")
        headers = [("Last-Modified", MODIFIED), ("Accept-Ranges", "bytes")]
        wanted = asked.headers.get("range", "")
        kind = item.mime.partition(";")[0]
        if not wanted.startswith("bytes=") or asked.headers.get("if-range", MODIFIED) != MODIFIED:
            return Answer(content_type=kind, body=item.body, repeat=item.repeat, headers=headers)
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last) if last else item.size - 1, item.size - 1)
        if start >= item.size:
            return Answer(416, "text/plain", headers=[("Content-Range", f"bytes */{item.size}")])
        headers.append(("Content-Range", f"bytes {start}-{end}/{item.size}"))
        return Answer(206, kind, item.span(start, end), headers)

    def _manifest(self, path: str) -> Answer:
        video_id = path.split("/id/")[1].split("/")[0]
        video = self.videos[video_id]
        if "hls_variant" in path:
            link = f"https://{MANIFEST_HOST}/api/manifest/hls_playlist/id/{video_id}/itag/93/file/index.m3u8"
            text = f'#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="mp4a.40.2,avc1.4D401E",RESOLUTION=320x180\n{link}\n'
            return Answer(content_type="application/vnd.apple.mpegurl", body=text.encode())
        shown = len(video.segments) if video.shown is None else video.shown
        first = max(0, shown - 4) if not video.ended else 0
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        for number in range(first, shown):
            lines += ["#EXTINF:1.0,", f"https://{VIDEO_HOST}/segment/{video_id}/{number}.ts"]
        if video.ended:
            lines.append("#EXT-X-ENDLIST")
        elif video.shown is not None:
            video.shown = min(len(video.segments), shown + 2)
            video.ended = video.shown >= len(video.segments)
        return Answer(content_type="application/vnd.apple.mpegurl", body="\n".join(lines).encode() + b"\n")


def _json(value: dict[str, Any]) -> Answer:
    return Answer(content_type="application/json; charset=UTF-8", body=json.dumps(value).encode())


def _said(asked: Asked) -> dict[str, Any]:
    try:
        value = json.loads(asked.body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _token(video_id: str, what: str, start: int) -> str:
    """A continuation token: like YouTube's, base64 of a message with the video's id in a field of eleven bytes."""
    return (
        base64.urlsafe_b64encode(b"\x12\x0b" + video_id.encode() + f"|{what}|{start}".encode())
        .decode()
        .replace("=", "%3D")
    )


def _untoken(token: str) -> tuple[str, str, int] | None:
    try:
        data = base64.urlsafe_b64decode(token.replace("%3D", "=").encode())
        _, what, start = data[2:].decode().split("|")
        return data[2:13].decode(), what, int(start)
    except ValueError:
        return None


def _comments(video_id: str, shown: list[Comment], more: str | None, stated: int | None, owner: str) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    mutations = []
    for comment in shown:
        view: dict[str, Any] = {"commentId": comment.id}
        if comment.pinned:
            view["pinnedText"] = f"Pinned by @{owner}"
        thread: dict[str, Any] = {"commentViewModel": {"commentViewModel": view}}
        if comment.replies:
            token = _token(video_id, comment.id, 0)
            item = {"continuationItemRenderer": {"continuationEndpoint": {"continuationCommand": {"token": token}}}}
            thread["replies"] = {"commentRepliesRenderer": {"contents": [item]}}
        items.append({"commentThreadRenderer": thread} if "." not in comment.id else {"commentViewModel": view})
        mutations.append({"payload": {"commentEntityPayload": {
            "properties": {"commentId": comment.id, "content": {"content": comment.text}, "publishedTime": comment.said, "replyLevel": int("." in comment.id)},
            "author": {"channelId": f"UC{comment.handle}", "displayName": f"@{comment.handle}", "isCreator": comment.creator, "isVerified": False},
            "toolbar": {"likeCountNotliked": comment.likes, "replyCount": str(len(comment.replies)) if comment.replies else ""},
        }}})  # fmt: skip
    if more:
        items.append({"continuationItemRenderer": {"continuationEndpoint": {"continuationCommand": {"token": more}}}})
    endpoints: list[dict[str, Any]] = []
    if stated is not None:
        header = {"commentsHeaderRenderer": {"countText": {"runs": [{"text": str(stated)}, {"text": " Comments"}]}}}
        endpoints.append(
            {"reloadContinuationItemsCommand": {"targetId": "comments-section", "continuationItems": [header]}}
        )
    endpoints.append({"appendContinuationItemsAction": {"continuationItems": items}})
    return {
        "responseContext": {},
        "onResponseReceivedEndpoints": endpoints,
        "frameworkUpdates": {"entityBatchUpdate": {"mutations": mutations}},
    }
