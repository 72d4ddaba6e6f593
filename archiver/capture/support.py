"""What is known of a platform before it is asked: which kinds can be had and how, and what `captured` says of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spiders.posts import Outcome
from spiders.targets import Target


@dataclass(frozen=True)
class SpiderUse:
    """A spider ("module:name"), and which of the things that a capture can tell one it takes."""

    spider: str
    takes: tuple[str, ...] = ()


@dataclass(frozen=True)
class WalkUse:
    """A walk of a kind of target. `called`: what people call what is walked."""

    called: str
    use: SpiderUse


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of target of a platform, and how it can be had. One without a way is recognised and no more."""

    capture: SpiderUse | None = None
    walk: WalkUse | None = None
    account: bool = False
    """An account can capture one."""
    account_walk: str | None = None
    """What people call what an account walks; None: nothing to walk."""
    members_only: bool = False
    """Nothing that a browser without the account could show."""
    list_skips: bool = False
    """In a list of links it is not even tried: it is walked, and by a command of its own."""
    extractor: bool = False
    """Its media are taken by the media extractor, which is made ready when many of them are asked for."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What `captured` says of a target of the platform, so that a verdict can be found without knowing the platform."""

    first_tags: tuple[str, ...] = ("embed", "syndication", "page", "page 1", "timeline")
    """Tags of the requests that ask for the target itself, the most telling first."""
    told: frozenset[str] = frozenset({
        "poll", "location", "contact", "link preview", "dice", "game", "invoice", "list", "story", "giveaway",
        "giveaway results", "live stream",
    })  # fmt: skip
    """Kinds of attachments that are told in the page or message itself and have no file."""
    post_word: str = "post"
    """What a post of it is called in the inventory."""
    extractor_despite_wall: bool = False
    """Where the page meets a wall, the media extractor asks in another way and may still reach the file."""
    second_pass: bool = False
    """A second pass over a list finds more: captions, comments, threads, a page's own files."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A platform. Of one whose kinds have no row, `other` is every kind."""

    name: str
    title: str
    kinds: Mapping[str, Kind]
    promise: Promise
    cookies_of: str | None = None
    """The domain whose cookies of the person's own account its spiders send."""
    other: Kind = Kind()

    def kind(self, name: str) -> Kind:
        """Return the row of a kind of target."""
        return self.kinds.get(name, self.other)

    @property
    def by_account(self) -> bool:
        """Whether the program can ask it through an account of the person's."""
        return any(kind.account or kind.account_walk for kind in self.kinds.values())


_TELEGRAM_POST = SpiderUse("spiders.telegram.spider:TelegramPost", ("enough", "comments"))
_TELEGRAM_CHANNEL = SpiderUse(
    "spiders.telegram.spider:TelegramChannel", ("enough", "cursor", "since", "until", "comments", "holes")
)
_X_LOGIN = ("cookies", "query_ids", "features", "enough", "cursor", "since", "until")
_X_POST = SpiderUse("spiders.x.spider:XPost", (*_X_LOGIN, "quick", "thread"))
_X_TIMELINE = SpiderUse("spiders.x.timeline:XTimeline", _X_LOGIN)
_YOUTUBE_VIDEO = SpiderUse("spiders.youtube.spider:YouTubeVideo", ("enough", "comments", "clock"))
_YOUTUBE_LIST = SpiderUse(
    "spiders.youtube.walk:YouTubeList", ("enough", "cursor", "since", "until", "clock", "limited")
)
_FACEBOOK_POST = SpiderUse("spiders.facebook.spider:FacebookPost", ("cookies",))
_PAGE = SpiderUse("spiders.page.spider:Page", ("follow",))

PLATFORMS: tuple[Platform, ...] = (
    Platform(
        name="telegram",
        title="Telegram",
        kinds={
            "post": Kind(capture=_TELEGRAM_POST, account=True, account_walk="thread"),
            "channel": Kind(walk=WalkUse("channel", _TELEGRAM_CHANNEL), account_walk="channel", list_skips=True),
            "private post": Kind(account=True, account_walk="thread", members_only=True),
            "private channel": Kind(account_walk="channel", members_only=True),
            "private group": Kind(account_walk="group", members_only=True),
            "invite": Kind(account_walk="channel", members_only=True),
            "comment": Kind(account=True),
            "story": Kind(account=True),
        },
        promise=Promise(),
    ),
    Platform(
        name="x",
        title="X",
        kinds={
            "post": Kind(capture=_X_POST, walk=WalkUse("thread", _X_POST)),
            "profile": Kind(walk=WalkUse("profile", _X_TIMELINE)),
            "search": Kind(walk=WalkUse("search", _X_TIMELINE)),
        },
        promise=Promise(second_pass=True),
        cookies_of="x.com",
    ),
    Platform(
        name="youtube",
        title="YouTube",
        kinds={
            "video": Kind(capture=_YOUTUBE_VIDEO, extractor=True),
            "channel": Kind(walk=WalkUse("channel", _YOUTUBE_LIST)),
            "playlist": Kind(walk=WalkUse("playlist", _YOUTUBE_LIST)),
        },
        promise=Promise(extractor_despite_wall=True, second_pass=True),
    ),
    Platform(
        name="facebook",
        title="Facebook",
        kinds=dict.fromkeys(("post", "video", "photo", "profile"), Kind(capture=_FACEBOOK_POST)),
        promise=Promise(),
        cookies_of="facebook.com",
    ),
    Platform(
        name="page",
        title="a page",
        kinds={},
        promise=Promise(post_word="article", second_pass=True),
        other=Kind(capture=_PAGE),
    ),
)
"""In the order in which posts vanish: channels and accounts are banned overnight, pages last longest."""


def platform_named(name: str) -> Platform:
    """Return the platform of that name; for a name that the table does not have, what any page is."""
    return next((platform for platform in PLATFORMS if platform.name == name), PLATFORMS[-1])


def kind_of(target: Target) -> Kind:
    """Return the row of a target's kind."""
    return platform_named(target.platform).kind(target.kind)


def asked_by_account(target: Target, account: str | None) -> bool:
    """Return whether a target is captured by an account of the person's, and not from the public web."""
    return account is not None and platform_named(target.platform).by_account


def walked(target: Target, account: bool) -> str | None:
    """Return what a walk of the target is called, or None where there is none."""
    platform, kind = platform_named(target.platform), kind_of(target)
    if account and platform.by_account:
        return kind.account_walk
    return kind.walk.called if kind.walk else None


def unsupported(target: Target, walk: bool = False, account: bool = False) -> tuple[Outcome, str] | None:
    """Return why a target that is recognised cannot be captured, or not in this way, with what to do; None if it can."""
    platform, kind = platform_named(target.platform), kind_of(target)
    if account and platform.by_account:
        if kind.account_walk if walk else kind.account:
            return None
        if walk:
            return Outcome.SKIPPED, f"a {target.kind} is nothing to walk: archiver capture {target.url}"
        return Outcome.SKIPPED, f"a whole {kind.account_walk}: archiver crawl {target.url}"
    if kind.walk if walk else kind.capture:
        return None
    if kind.walk:
        return Outcome.SKIPPED, f"a whole {kind.walk.called}: archiver crawl {target.url}"
    if platform.by_account:
        return (
            Outcome.REFUSED,
            f"a {platform.title} {target.kind} is not on the public web; it needs an account "
            f"(archiver {platform.name} login)",
        )
    return (
        Outcome.SKIPPED,
        f"{target.platform} {target.kind}s are recognised but not captured by this release",
    )
