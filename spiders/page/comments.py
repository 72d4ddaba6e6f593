"""Comments that a page carries in its own HTML → posts. Pure and total.

Read: WordPress and its kin (`li.comment`, nested or with `depth-N`), Blogger, schema.org `Comment`. Threaded order is not
time order, so the position on the page, the depth and the comment answered stand beside the time as it is printed.
"""

from __future__ import annotations

import re
from typing import Any

from spiders import dates
from spiders.html import by_class, has_class, one_line, text_of
from spiders.posts import Post, Time

_MARK = re.compile(r"\b(?:comment|comment-body|comment-block)\b")
_DEPTH = re.compile(r"(?:^|\s)depth-(\d{1,2})(?:\s|$)")
_AUTHOR = ("fn", "comment-author", "comment__author", "author", "user")
_DATE = ("comment-date", "comment-meta", "comment-metadata", "comment-time", "datetime", "date", "comment-timestamp")
_BODY = ("comment-content", "comment-text", "comment__content", "comment_content")
_INNER = frozenset({"script", "style", "cite", "form", "button", "footer", "header"})
LIMIT = 20_000


def comments(document: Any, url: str | None) -> list[Post]:
    """Parse the comments of a page into one post each, in the page's order; at most `LIMIT`."""
    nodes = comment_nodes(document)[:LIMIT]
    numbers = {id(node): number for number, node in enumerate(nodes)}
    found: list[Post] = []
    above: dict[int, str] = {}
    for position, node in enumerate(nodes):
        name = node.get("id") or node.get("data-comment-id") or f"comment-{position + 1}"
        comment_id = f"{url or ''}#{name}"
        depth = _depth(node, numbers)
        parent = above.get(depth - 1) if depth else None
        above = {level: key for level, key in above.items() if level < depth} | {depth: comment_id}
        found.append(_comment(node, comment_id, position, depth, parent or url))
    return found


def comment_nodes(document: Any) -> list[Any]:
    """List the elements that a page marks as one comment each, the outermost of those for the same comment."""
    marked = [
        node
        for node in document.iter("li", "article", "div", "dl")
        if (_MARK.search(node.get("class") or "") and (node.get("id") or node.get("data-comment-id")) and _is_one(node))
        or (node.get("itemtype") or "").endswith("schema.org/Comment")
    ]
    inside = {id(node) for node in marked}
    kept = []
    for node in marked:
        parent = node.getparent()
        while parent is not None and id(parent) not in inside:
            parent = parent.getparent()
        # A wrapper with one comment-body in it is one comment, not two.
        if parent is not None and not has_class(node, "comment") and node.tag != "li" and _direct(parent, node):
            continue
        kept.append(node)
    return kept


def _is_one(node: Any) -> bool:
    name = node.get("id") or node.get("data-comment-id") or ""
    return bool(re.search(r"\d", name)) or has_class(node, "comment")


def _direct(parent: Any, node: Any) -> bool:
    """Whether nothing but wrappers stands between a comment and an element inside it."""
    above = node.getparent()
    while above is not None and above is not parent:
        if above.tag in ("ol", "ul"):
            return False
        above = above.getparent()
    return True


def _depth(node: Any, numbers: dict[int, int]) -> int:
    if match := _DEPTH.search(node.get("class") or ""):
        return max(0, int(match[1]) - 1)
    depth, above = 0, node.getparent()
    while above is not None:
        depth += id(above) in numbers
        above = above.getparent()
    return depth


def _own(node: Any, names: tuple[str, ...]) -> Any | None:
    """The first element of one of the classes that belongs to this comment and not to an answer to it."""
    for name in names:
        for item in by_class(node, name):
            above = item.getparent()
            while above is not None and above is not node:
                if above.tag in ("ol", "ul") or (above.tag == "li" and has_class(above, "comment")):
                    break
                above = above.getparent()
            else:
                return item
    return None


def _comment(node: Any, comment_id: str, position: int, depth: int, parent: str | None) -> Post:
    author = _own(node, _AUTHOR)
    if author is not None and (inner := author.xpath(".//cite | .//*[contains(@class,'fn')]")):
        author = inner[0]
    body = _own(node, _BODY)
    text = text_of(body) if body is not None else "\n".join(
        shown for child in node.xpath("./p | ./div/p | ./article/p | ./blockquote") if (shown := text_of(child, _INNER))
    )  # fmt: skip
    return Post(
        platform="page",
        id=comment_id,
        url=comment_id,
        author_name=one_line(author) or None if author is not None else None,
        published=_when(node),
        text=text or None,
        reply_to=parent,
        extra={"kind": "comment", "position": position, "depth": depth},
    )


def _when(node: Any) -> Time | None:
    stamp = next((item for item in node.xpath(".//time[@datetime]") if _direct(node, item)), None)
    if stamp is not None:
        return dates.iso(str(stamp.get("datetime")).strip(), "comment time[datetime]")
    shown = _own(node, _DATE)
    literal = one_line(shown) if shown is not None else ""
    return dates.written(literal, "comment, as printed") if literal else None
