"""The miniature YouTube's lists: a channel's tabs, its feed, playlists, and their continuations."""

from __future__ import annotations

import html
import json
from typing import Any

from archiver.demo.server import Answer, Asked
from archiver.demo.youtube_model import Video, YouTubeChannel

PAGE = 3
ABSENT = "This playlist does not exist."


class Lists:
    """`playlists`: id → (title, ids of its videos, how many it states)."""

    def __init__(self, channel: YouTubeChannel) -> None:
        self._channel = channel
        self.playlists: dict[str, tuple[str, list[str], int | None]] = {}
        self.posts: dict[str, str] = {}
        """Id of a post of the channel → its words; each has a picture."""
        self.stated: int | None = None
        """How many videos the channel says it has; None: as many as its tabs list."""

    def _tab(self, name: str) -> list[Video]:
        return [video for video in self._channel.videos.values() if video.tab == name and video.details]

    def _tabs(self) -> list[str]:
        return [name for name in ("videos", "shorts", "streams") if self._tab(name)]

    def page(self, asked: Asked) -> Answer:
        if asked.path == "/playlist":
            value = self._playlist(asked.query.get("list", ""))
        elif asked.path.startswith("/post/"):
            name = asked.path.removeprefix("/post/")
            if name not in self.posts:
                return Answer(404, body=b"<!DOCTYPE html><title>404 Not Found</title>")
            value = self._post(name)
        elif asked.path.split("/")[1] != f"@{self._channel.handle}":
            return Answer(404, body=b"<!DOCTYPE html><title>404 Not Found</title>")
        else:
            parts = asked.path.split("/")
            wanted = parts[2] if len(parts) > 2 else "featured"
            # A tab that the channel does not have is answered with its front page.
            value = self._front(wanted if wanted in self._tabs() else "featured")
        config = '<script>ytcfg.set({"INNERTUBE_CLIENT_VERSION":"2.20250626.01.00","VISITOR_DATA":"CgtEZW1vVmlzaXRvcg%3D%3D"});</script>'
        return Answer(
            body=f"<!DOCTYPE html><html><head>{config}</head><body><script>var ytInitialData = {json.dumps(value)};</script></body></html>".encode()
        )

    def _front(self, tab: str) -> dict[str, Any]:
        channel = self._channel
        videos = self._tab(tab) if tab != "featured" else self._tab("videos")[:1]
        contents = self._entries(videos, 0, f"tab:{tab}", rich=True)
        count = self.stated if self.stated is not None else sum(len(self._tab(name)) for name in self._tabs())
        tabs = [
            {
                "tabRenderer": {
                    "endpoint": {"commandMetadata": {"webCommandMetadata": {"url": f"/@{channel.handle}/{name}"}}},
                    "title": name.title(), "selected": name == tab,
                    **({"content": {"richGridRenderer": {"contents": contents}}} if name == tab else {}),
                }
            }
            for name in ("featured", *self._tabs())
        ]  # fmt: skip
        return {
            "contents": {"twoColumnBrowseResultsRenderer": {"tabs": tabs}},
            "header": {"pageHeaderRenderer": {"pageTitle": channel.channel, "content": {"pageHeaderViewModel": {"metadata": {
                "contentMetadataViewModel": {"metadataRows": [{"metadataParts": [{"text": {"content": f"@{channel.handle}"}}]},
                {"metadataParts": [{"text": {"content": "4.1K subscribers"}}, {"text": {"content": f"{count} videos"}}]}]}}}}}},
            "metadata": {"channelMetadataRenderer": {"title": channel.channel, "externalId": channel.channel_id, "description": "",
                "vanityChannelUrl": f"http://www.youtube.com/@{channel.handle}"}},
        }  # fmt: skip

    def _entries(self, videos: list[Video], start: int, what: str, rich: bool) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        for video in videos[start : start + PAGE]:
            content = self._short(video) if video.tab == "shorts" and rich else self._video(video, rich)
            items.append({"richItemRenderer": {"content": content}} if rich else content)
        if start + PAGE < len(videos):
            command = {
                "continuationCommand": {
                    "token": f"demo|{what}|{start + PAGE}",
                    "request": "CONTINUATION_REQUEST_TYPE_BROWSE",
                }
            }
            items.append({"continuationItemRenderer": {"continuationEndpoint": command}})
        return items

    def _video(self, video: Video, rich: bool) -> dict[str, Any]:
        name = "videoRenderer" if rich else "playlistVideoRenderer"
        return {
            name: {
                "videoId": video.id, "title": {"runs": [{"text": video.title}]},
                "thumbnail": {"thumbnails": [{"url": f"https://i.ytimg.com/vi/{video.id}/hqdefault.jpg", "width": 480, "height": 360}]},
                "lengthText": {"simpleText": f"0:{video.seconds:02d}"}, "publishedTimeText": {"simpleText": "4 years ago"},
                "viewCountText": {"simpleText": "1,312 views"},
            }
        }  # fmt: skip

    def _short(self, video: Video) -> dict[str, Any]:
        return {
            "shortsLockupViewModel": {
                "entityId": f"shorts-shelf-item-{video.id}",
                "onTap": {"innertubeCommand": {"reelWatchEndpoint": {"videoId": video.id}}},
                "overlayMetadata": {"primaryText": {"content": video.title}, "secondaryText": {"content": "1.3K views"}},
                "thumbnail": {"sources": [{"url": f"https://i.ytimg.com/vi/{video.id}/frame0.jpg", "width": 405, "height": 720}]},
            }
        }  # fmt: skip

    def _listed(self, name: str) -> list[Video]:
        return [video for video_id in self.playlists[name][1] if (video := self._channel.videos.get(video_id))]

    def _playlist(self, name: str) -> dict[str, Any]:
        if name not in self.playlists:
            return {"alerts": [{"alertRenderer": {"type": "ERROR", "text": {"simpleText": ABSENT}}}]}
        title, ids, stated = self.playlists[name]
        contents = self._entries(self._listed(name), 0, f"list:{name}", rich=False)
        return {
            "contents": {"twoColumnBrowseResultsRenderer": {"tabs": [{"tabRenderer": {"selected": True, "content": {
                "sectionListRenderer": {"contents": [{"itemSectionRenderer": {"contents": [{"playlistVideoListRenderer": {
                    "playlistId": name, "contents": contents}}]}}]}}}}]}},
            "header": {"playlistHeaderRenderer": {"playlistId": name, "title": {"simpleText": title},
                "numVideosText": {"runs": [{"text": str(stated or len(ids))}, {"text": " videos"}]}}},
            "metadata": {"playlistMetadataRenderer": {"title": title}},
        }  # fmt: skip

    def _post(self, name: str) -> dict[str, Any]:
        channel = self._channel
        image = {"url": "https://i.ytimg.com/post/street.png", "width": 320, "height": 200}
        post = {
            "postId": name, "authorText": {"runs": [{"text": channel.channel}]},
            "authorEndpoint": {"browseEndpoint": {"browseId": channel.channel_id, "canonicalBaseUrl": f"/@{channel.handle}"}},
            "contentText": {"runs": [{"text": self.posts[name]}]}, "publishedTimeText": {"runs": [{"text": "4 years ago"}]},
            "voteCount": {"simpleText": "31"}, "backstageAttachment": {"backstageImageRenderer": {"image": {"thumbnails": [image]}}},
        }  # fmt: skip
        section = {
            "itemSectionRenderer": {
                "contents": [{"backstagePostThreadRenderer": {"post": {"backstagePostRenderer": post}}}]
            }
        }
        tab = {"tabRenderer": {"selected": True, "content": {"sectionListRenderer": {"contents": [section]}}}}
        return {"contents": {"twoColumnBrowseResultsRenderer": {"tabs": [tab]}}}

    def browse(self, token: str) -> dict[str, Any]:
        parts = token.split("|")
        if len(parts) != 3 or parts[0] != "demo":
            return {"error": {"code": 400, "message": "Request contains an invalid argument."}}
        kind, _, name = parts[1].partition(":")
        videos = self._tab(name) if kind == "tab" else self._listed(name)
        items = self._entries(videos, int(parts[2]), parts[1], rich=kind == "tab")
        return {
            "responseContext": {},
            "onResponseReceivedActions": [{"appendContinuationItemsAction": {"continuationItems": items}}],
        }

    def feed(self, channel_id: str) -> Answer:
        channel = self._channel
        if channel_id != channel.channel_id:
            return Answer(404, body=b"<!DOCTYPE html><title>404</title>")
        entries = "".join(
            f"<entry><id>yt:video:{video.id}</id><yt:videoId>{video.id}</yt:videoId><yt:channelId>{channel.channel_id}</yt:channelId>"
            f"<title>{html.escape(video.title)}</title><link rel='alternate' href='https://www.youtube.com/watch?v={video.id}'/>"
            f"<author><name>{html.escape(channel.channel)}</name><uri>https://www.youtube.com/channel/{channel.channel_id}</uri></author>"
            f"<published>{video.published.isoformat()}</published><updated>{video.published.isoformat()}</updated></entry>"
            for video in channel.videos.values()
            if video.details
        )
        text = (
            "<?xml version='1.0' encoding='UTF-8'?><feed xmlns:yt='http://www.youtube.com/xml/schemas/2015' "
            "xmlns:media='http://search.yahoo.com/mrss/' xmlns='http://www.w3.org/2005/Atom'>"
            f"<yt:channelId>{channel.channel_id[2:]}</yt:channelId><title>{html.escape(channel.channel)}</title>{entries}</feed>"
        )
        return Answer(content_type="text/xml; charset=UTF-8", body=text.encode())
