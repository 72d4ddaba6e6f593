"""A page of X as a browser showed it and somebody saved it: each `article` is a post of its own. Pure.

What stands in it: SingleFile and saved pages of x.com, 2023 to 2026. Class names change with every release, so only
`data-testid`, links, times and labels for screen readers are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from spiders.posts import Absence, Attachment, Availability, Census, Outcome, Parsed, Post
from spiders.x.absence import TOMBSTONES
from spiders.x.article import CUT
from spiders.x.common import PARSER, distinct, ending, presence, tombstone, when
from spiders.x.media import original

_MARK = re.compile(rb"data-testid=[\"']?tweet[\"'\s>]")
_STATUS = re.compile(r"(?:^|//[\w.]*(?:x|twitter)\.com)/(?:i/(?:web/)?|(\w{1,20})/)status(?:es)?/(\d{1,20})(?=$|[/?#])")
_BLOCKS = frozenset({"p", "div", "li", "blockquote", "pre", "h1", "h2", "h3", "h4", "section"})


def rendered(document: Any, data: bytes, asked: str | None, page: dict[str, Any]) -> Parsed | None:
    """Read the posts of a page that a browser rendered; None where it shows none. `asked`: the id of the link."""
    articles = _outermost(document, "article", "tweet")
    places = _places(document, asked)
    posts: list[Post] = []
    alone = asked if len(articles) == 1 else None
    for article in articles:
        post, quoted = _post(article, alone)
        posts.append(_placed(post, places))
        if quoted is not None:
            posts.append(quoted)
    posts += _not_shown(document, asked if not articles else None)
    if not posts:
        return None
    listed = distinct(posts)
    about = next((post for post in listed if post.id == asked), None) if asked else None
    outcome, reason = ending(asked, about)
    return Parsed(
        platform="x",
        layout="x/rendered",
        posts=listed,
        census=(Census("article tweet", len(_MARK.findall(data)), len(articles)),),
        outcome=outcome,
        reason=reason,
        page=page,
        parser=PARSER,
        absence=presence(about) if asked else Absence(Availability.PRESENT),
    )


# -- one post ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Block:
    """The part of the page that is one post, without the post that it quotes."""

    element: Any
    quoted: tuple[Any, ...] = ()

    def find(self, path: str) -> list[Any]:
        """List elements that belong to the post itself."""
        found: list[Any] = self.element.xpath(path)
        return [node for node in found if not _within(node, self.quoted)] if self.quoted else found

    def named(self, name: str) -> list[Any]:
        """List elements by their `data-testid`."""
        return self.find(f".//*[@data-testid='{name}']")


def _within(node: Any, others: Sequence[Any]) -> bool:
    """Whether a node is one of the others, or inside one. They are alive, so that each is one and the same object."""
    known = {id(other) for other in others}
    return id(node) in known or any(id(above) in known for above in node.iterancestors())


def _outermost(root: Any, tag: str, name: str) -> list[Any]:
    """List elements by their `data-testid`, without those inside another one. XPath takes minutes for deep pages."""
    kept: list[Any] = []
    walk = etree.iterwalk(root, events=("start",), tag=tag)
    for _, node in walk:
        if node.get("data-testid") == name:
            kept.append(node)
            walk.skip_subtree()
    return kept


def _post(article: Any, alone: str | None) -> tuple[Post, Post | None]:
    """The post, and the one it quotes. `alone`: its id, where it is the only one and has no link of its own."""
    quoted = tuple(article.xpath(".//*[@role='link'][.//*[@data-testid='User-Name']]")[:1])
    block = _Block(element=article, quoted=quoted)
    own, moment = _link_and_time(block)
    handle, name = _author(block)
    post_id = own[1] if own else alone
    inner = _quoted(quoted[0]) if quoted else None
    lacks = None if post_id else "the page gives no link to this post, as with advertisements"
    post = _made(block, post_id, (handle or (own[0] if own else None), name), lacks)
    extra = {**post.extra, "social_context": _first_text(block.named("socialContext"))}
    return (
        replace(
            post,
            published=when(moment, "time[datetime]"),
            quoted_id=inner.id if inner else None,
            extra={key: value for key, value in extra.items() if value},
        ),
        inner,
    )


def _quoted(element: Any) -> Post:
    """The post inside another one. Its time is no link, so that its id shows only where its photos have links."""
    block = _Block(element=element)
    links = [_STATUS.search(str(href)) for href in element.xpath(".//a/@href")]
    own = next((found for found in links if found), None)
    handle, name = _author(block)
    post_id = own[2] if own else None
    post = _made(block, post_id, (handle, name), None if post_id else "a quoted post: the page gives no link to it")
    times = element.xpath(".//time/@datetime")
    return replace(post, published=when(times[0], "time[datetime]") if times else None)


def _made(block: _Block, post_id: str | None, author: tuple[str | None, str | None], lacks: str | None) -> Post:
    bodies = block.named("tweetText")
    title, article = _article(block)
    text = words_of(bodies[0]) if bodies else article
    cut = "cut text: the page ends it with “show more”" if block.named("tweet-text-show-more-link") else None
    if article is None and (title or block.named("article-cover-image")):
        cut = cut or CUT
    attachments, counts = _attachments(block, post_id), _counts(block)
    missing = lacks or cut or next((item.reason for item in attachments if item.reason), None)
    extra = {
        "links": [str(href) for href in (bodies[0].xpath(".//a/@href") if bodies else ()) if "//t.co/" in str(href)],
        "link_preview": _preview(block),
        "article": {"text": article} if article and bodies else None,
    }
    return Post(
        platform="x",
        id=post_id,
        url=f"https://x.com/{author[0] or 'i'}/status/{post_id}" if post_id else None,
        author_handle=author[0],
        author_name=author[1],
        title=title,
        text=text,
        lang=bodies[0].get("lang") if bodies else None,
        attachments=tuple(attachments),
        outcome=Outcome.PARTIAL if missing else Outcome.CAPTURED,
        reason=missing,
        extra={key: value for key, value in extra.items() if value},
        views=counts.get("views"),
        likes=counts.get("likes"),
        replies=counts.get("replies"),
        reposts=counts.get("reposts"),
        quotes=counts.get("quotes"),
        bookmarks=counts.get("bookmarks"),
    )


def _link_and_time(block: _Block) -> tuple[tuple[str | None, str] | None, str | None]:
    """((handle, id), time) of a post: the link around its time is its own."""
    for link in block.find(".//a[.//time]"):
        if found := _STATUS.search(link.get("href") or ""):
            return (found[1], found[2]), next(iter(link.xpath(".//time/@datetime")), None)
    return None, next(iter(node.get("datetime") for node in block.find(".//time")), None)


def _author(block: _Block) -> tuple[str | None, str | None]:
    """(handle, name) as the line above a post shows them, the name with its emoji."""
    lines = block.named("User-Name")
    if not lines:
        return None, None
    name: list[str] = []
    for piece in _pieces(lines[0], blocks=False):
        if found := re.fullmatch(r"\s*@(\w{1,20})\s*", piece):
            return found[1], "".join(name).strip() or None
        name.append(piece)
    return None, "".join(name).strip() or None


def _article(block: _Block) -> tuple[str | None, str | None]:
    """(title, text) of an article, where the page shows one to be read."""
    bodies = block.named("longformRichTextComponent") or block.named("twitterArticleRichTextView")
    return _first_text(block.named("twitter-article-title")), words_of(bodies[0], blocks=True) if bodies else None


def _first_text(found: list[Any]) -> str | None:
    return (words_of(found[0]) or "").strip() or None if found else None


_SKIPPED = frozenset({"script", "style", "noscript", "svg"})


def _pieces(element: Any, blocks: bool) -> Iterable[str]:
    """The texts of an element in order, emoji as their characters. `blocks`: a line feed before each paragraph."""
    walk = etree.iterwalk(element, events=("start", "end", "comment", "pi"))
    for event, node in walk:
        if event == "start":
            if node.tag in _SKIPPED or node.get("data-testid") == "tweet-text-show-more-link":
                walk.skip_subtree()
            elif node.tag == "img" and node.get("alt"):
                yield node.get("alt")
            else:
                if node.tag == "br" or (blocks and node.tag in _BLOCKS):
                    yield "\n"
                if node.text:
                    yield node.text
        elif node is not element and node.tail:
            yield node.tail


def words_of(element: Any, blocks: bool = False) -> str | None:
    """Return the text of an element, emoji as their characters; None where there is none."""
    text = "".join(_pieces(element, blocks))
    if blocks:
        text = re.sub(r"\n[ \t]*(?:\n[ \t]*)+", "\n", text).strip()
    return text or None


# -- what hangs on it ---------------------------------------------------------------------------------------------


def _attachments(block: _Block, post_id: str | None) -> list[Attachment]:
    """Photos and videos in the order of the page. A saved page holds pixels as `data:`, and no link to the file."""
    files: list[Attachment] = []
    frames: list[Any] = []
    for frame in block.find(".//*[@data-testid='tweetPhoto' or @data-testid='videoPlayer'] | .//video"):
        if _within(frame, frames[-1:]):  # in the order of the page, so that no earlier one can hold it
            continue
        frames.append(frame)
        video = frame if frame.tag == "video" else next(iter(frame.xpath(".//video")), None)
        images = [str(source) for source in frame.xpath(".//img/@src")]
        if video is not None:
            files.append(_video(video, post_id))
        elif frame.get("data-testid") == "videoPlayer" or any("_video_thumb/" in source for source in images):
            still = next((source for source in images if source.startswith("https://")), None)
            files.append(Attachment("video", None, thumbnail=still, post_id=post_id, reason=_NO_VIDEO))
        elif images:
            files.append(_photo(images[0], frame, post_id))
    for poll in block.named("cardPoll"):
        shown = [text for piece in _pieces(poll, blocks=False) if (text := piece.strip())]
        files.append(Attachment("poll", None, post_id=post_id, extra={"shown": shown}))
    return files


_NO_VIDEO = "a rendered page gives no link to the video"


def _video(video: Any, post_id: str | None) -> Attachment:
    sources = [video.get("src") or "", *(str(source) for source in video.xpath(".//source/@src"))]
    usable = next((source for source in sources if source.startswith("https://")), None)
    still = video.get("poster") or ""
    return Attachment(
        "gif" if usable and "/tweet_video/" in usable else "video",
        usable,
        thumbnail=still if still.startswith("https://") else None,
        post_id=post_id,
        reason=None if usable else _NO_VIDEO,
    )


def _photo(source: str, frame: Any, post_id: str | None) -> Attachment:
    linked = source.startswith(("https://", "http://", "//"))
    parent = frame.getparent()
    hrefs = [node.get("href") for node in frame.iterancestors("a")] if parent is not None else []
    facts = {"original": original(source) if linked else None, "page": next((href for href in hrefs if href), None)}
    return Attachment(
        "photo",
        source if linked else None,
        post_id=post_id,
        reason=None if linked else "the page holds the photo as it was shown, and no link to the file",
        extra={key: value for key, value in facts.items() if value},
    )


def _preview(block: _Block) -> dict[str, Any] | None:
    """The card under a post: where it leads and what it says."""
    cards = [card for card in block.named("card.wrapper") if not card.xpath(".//*[@data-testid='cardPoll']")]
    if not cards:
        return None
    shown = [text for piece in _pieces(cards[0], blocks=False) if (text := piece.strip())]
    facts = {"url": next((str(href) for href in cards[0].xpath(".//a/@href")), None), "shown": shown}
    return {key: value for key, value in facts.items() if value} or None


_LABELS = {"repl": "replies", "repost": "reposts", "retweet": "reposts", "quote": "quotes", "like": "likes",
           "bookmark": "bookmarks", "view": "views"}  # fmt: skip
_BUTTONS = {"replies": ("reply",), "reposts": ("retweet", "unretweet"), "likes": ("like", "unlike"),
            "bookmarks": ("bookmark", "removeBookmark")}  # fmt: skip


def _counts(block: _Block) -> dict[str, int]:
    """Counts by the labels for screen readers, which are not rounded: of all in English, of each button in any tongue."""
    found: dict[str, int] = {}
    for group in block.find(".//*[@role='group'][@aria-label]"):
        for number, word in re.findall(
            r"(\d{1,15}) (repl|repost|retweet|quote|like|bookmark|view)", group.get("aria-label")
        ):
            found.setdefault(_LABELS[word], int(number))
    for name, testids in _BUTTONS.items():
        for button in (button for testid in testids for button in block.named(testid)):
            if name not in found and (number_ := _number(button.get("aria-label"))) is not None:
                found[name] = number_
    for link in block.find(".//a[contains(@href, '/analytics')][@aria-label]"):
        if "views" not in found and (number_ := _number(link.get("aria-label"))) is not None:
            found["views"] = number_
    return found


def _number(label: str | None) -> int | None:
    """The only number of a label, digits alone; a rounded one ("1.2K") is none."""
    numbers = re.findall(r"\d[\d.,\u00a0\u202f]*[KMkm]?", label or "")
    return int(numbers[0]) if len(numbers) == 1 and re.fullmatch(r"\d{1,15}", numbers[0]) else None


# -- the conversation ---------------------------------------------------------------------------------------------


def _places(document: Any, asked: str | None) -> dict[str, str]:
    """Which post each one answers, by its place around the one that was asked for: id → id.

    X puts what a post answers right above it, and each group of answers below it, an empty cell between the groups.
    Below a heading ("Discover more") stands what answers nothing.
    """
    answers: dict[str, str] = {}
    previous: str | None = None
    passed = fresh = False
    for cell in _outermost(document, "*", "cellInnerDiv") if asked else ():
        articles = _outermost(cell, "article", "tweet")
        if not articles:
            if cell.xpath(".//h2 | .//*[@role='heading']"):
                break
            previous, fresh = None, not (words_of(cell) or "").strip()
            continue
        own, _ = _link_and_time(_Block(element=articles[0]))
        number = own[1] if own else None
        if number and previous and number != previous:
            answers[number] = previous
        elif number and passed and fresh and asked:
            answers[number] = asked
        previous, fresh, passed = number, False, passed or number == asked
    return answers if passed else {}


def _placed(post: Post, places: dict[str, str]) -> Post:
    if post.id is None or post.id not in places:
        return post
    return replace(post, reply_to=places[post.id], extra={**post.extra, "reply_to_by": "place in the page"})


def _not_shown(document: Any, asked: str | None) -> list[Post]:
    """Posts in whose place X says why it does not show them: an `article` with X's words alone."""
    posts = []
    for article in document.iter("article"):
        if article.get("data-testid") or next(article.iterdescendants("article"), None) is not None:
            continue
        said = " ".join((words_of(article) or "").split())
        if said and len(said) < 400 and TOMBSTONES.first_in(said) is not None and not article.xpath(".//time"):
            posts.append(tombstone({"tombstone": {"text": said}}, asked))
    return posts
