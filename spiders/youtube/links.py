"""How links of YouTube look. Pure."""

from __future__ import annotations

import re

from spiders.link_forms import Link, LinkForms, Row, Target, first_match

HOSTS = frozenset({
    "youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "www.youtube-nocookie.com",
    "youtube-nocookie.com",
})  # fmt: skip
SHORT_HOST = "youtu.be"
WATCH = "https://www.youtube.com/watch?v="
"""How the link of a video begins that posts of it carry; its id follows."""
_VIDEO = r"(?P<id>[A-Za-z0-9_-]{11})"
PATHS: list[Row] = [
    (r"/(?:shorts|live|embed|v|e)/" + _VIDEO + r"/?.*", "video"),
    (
        r"/(?P<handle>@[^/]+)(?:/(?:videos|shorts|streams|playlists|community|featured|about|posts))?/?",
        "channel",
    ),
    (r"/channel/(?P<id>UC[A-Za-z0-9_-]{22}).*", "channel"),
    (r"/(?:c|user)/(?P<handle>[^/]+).*", "channel"),
]


def owns(host: str) -> bool:
    """Return whether a host is YouTube's."""
    return host in HOSTS or host == SHORT_HOST


def read(link: Link) -> Target | None:
    """Parse a link on one of YouTube's hosts. Case matters in ids, and not in @names."""
    if link.host == SHORT_HOST:
        match = re.fullmatch(r"/" + _VIDEO + r"/?", link.path)
        if match:
            return _video(match["id"])
    page = link.path.rstrip("/")
    if page == "/watch" and re.fullmatch(_VIDEO, link.query.get("v", "")):
        return _video(link.query["v"])
    if page == "/playlist" and (name := link.query.get("list")):
        return Target("youtube", "playlist", name, f"https://www.youtube.com/playlist?list={name}")
    found = first_match(PATHS, link.path) if link.host != SHORT_HOST else None
    if found is None:
        return None
    kind, names = found
    if kind == "video":
        return _video(names["id"])
    handle = names.get("handle")
    name = handle or names["id"]
    url = f"https://www.youtube.com{link.path}"
    return Target("youtube", "channel", name.lower() if handle else name, url, handle)


def _video(video_id: str) -> Target:
    return Target("youtube", "video", video_id, f"https://www.youtube.com/watch?v={video_id}")


FORMS = LinkForms(owns=owns, read=read, bare=(SHORT_HOST, "youtube.com", "m.youtube.com"))
