"""Hosts that are known and have no folder: platforms that this release does not read, short links, web archives. Data.

A page of one of them is no plain page: what the link promises is in it, or behind it, and nothing here can find out.
A platform that gets a folder owns its hosts from then on, whatever stands here.
"""

from __future__ import annotations

import re

PLATFORMS: dict[str, tuple[str, ...]] = {
    "TikTok": ("tiktok.com", "tiktokv.com"),
    "Douyin": ("douyin.com", "iesdouyin.com"),
    "Instagram": ("instagram.com", "ddinstagram.com"),
    "Threads": ("threads.net", "threads.com"),
    "VK": ("vk.com", "vk.ru", "vkvideo.ru", "vkontakte.ru"),
    "OK": ("ok.ru", "odnoklassniki.ru"),
    "Rutube": ("rutube.ru",),
    "Dzen": ("dzen.ru", "zen.yandex.ru", "zen.yandex.com"),
    "MAX": ("max.ru",),
    "Bluesky": ("bsky.app", "bsky.social"),
    "Mastodon": ("mastodon.social", "mastodon.online", "mstdn.social", "mas.to"),
    "Reddit": ("reddit.com", "v.redd.it"),
    "Odysee": ("odysee.com", "lbry.tv"),
    "Rumble": ("rumble.com",),
    "BitChute": ("bitchute.com",),
    "Vimeo": ("vimeo.com",),
    "Dailymotion": ("dailymotion.com", "dai.ly"),
    "Twitch": ("twitch.tv",),
    "Kick": ("kick.com",),
    "Coub": ("coub.com",),
    "Streamable": ("streamable.com",),
    "Bilibili": ("bilibili.com", "b23.tv"),
    "Weibo": ("weibo.com", "weibo.cn"),
    "Gettr": ("gettr.com",),
    "Truth Social": ("truthsocial.com",),
    "Gab": ("gab.com",),
    "LinkedIn": ("linkedin.com",),
    "Snapchat": ("snapchat.com",),
    "Likee": ("likee.video",),
    "WhatsApp": ("whatsapp.com", "wa.me"),
    "Discord": ("discord.com", "discordapp.com"),
    "Pinterest": ("pinterest.com",),
    "Tumblr": ("tumblr.com",),
    "Google Drive": ("drive.google.com", "photos.google.com"),
    "Yandex Disk": ("disk.yandex.ru", "disk.yandex.com", "disk.yandex.kz", "yadi.sk"),
    "Cloud Mail.ru": ("cloud.mail.ru",),
    "Dropbox": ("dropbox.com",),
    "MEGA": ("mega.nz",),
}  # fmt: skip
"""People's name of a platform → its domains, with all hosts below them."""
PATHS = (
    (re.compile(r"/@[\w.]+(?:@[\w.-]+)?/[0-9]{3,25}/?"), "Mastodon"),
    (re.compile(r"/(?:videos/(?:watch|embed)/[0-9a-f-]{36}|w/[1-9A-HJ-NP-Za-km-z]{22})/?"), "PeerTube"),
)
"""Platforms that run on anybody's host, by the path of a post."""
SHORT_HOSTS = frozenset({
    "t.co", "pic.twitter.com", "pic.x.com", "bit.ly", "bitly.com", "j.mp", "goo.gl", "goo.su", "tinyurl.com", "is.gd",
    "v.gd", "ow.ly", "buff.ly", "clck.ru", "vk.cc", "t.ly", "rb.gy", "cutt.ly", "shorturl.at", "lnkd.in", "dlvr.it", "trib.al",
    "vm.tiktok.com", "vt.tiktok.com", "redd.it", "share.google", "amp.gs", "u.to", "surl.li", "instagr.am", "qptr.ru",
    "tiny.cc", "soo.gd", "s.id", "rebrand.ly", "kutt.it", "ift.tt", "snip.ly", "bl.ink", "shorturl.com",
})  # fmt: skip
"""Hosts whose links only lead on."""
ARCHIVED = re.compile(
    r"https?://(?:(?:web|wayback)\.archive\.org/web/(?:(?:\d{1,14}\*?(?:[a-z]{2}_)?|\*)/)?"
    r"|(?:www\.)?archive\.(?:today|ph|is|li|vn|fo|md)/(?:(?:newest|oldest|[0-9][0-9.-]*)/)?)(?P<original>[^/]*[.:].+)",
    re.IGNORECASE,
)
"""An address of the Wayback Machine or of archive.today, with the one of which it shows a copy."""


def platform_without_reader(host: str, path: str) -> str | None:
    """Return the name of the platform that a page belongs to and that this release does not read, or None."""
    labels = host.removeprefix("www.").split(".")
    domains = {".".join(labels[start:]) for start in range(len(labels))}
    for name, owned in PLATFORMS.items():
        if not domains.isdisjoint(owned):
            return name
    return next((name for pattern, name in PATHS if pattern.fullmatch(path)), None)
