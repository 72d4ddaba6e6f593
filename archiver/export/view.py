"""`data/view/`: a page for each item, with players, and one that lists them. Plain HTML: no script, no server, no network."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping

from markupsafe import Markup

from archiver.export.bag import Bag
from archiver.export.profiles import Card
from archiver.export.report.chronology import Chronology
from archiver.export.report.contents import ReportContents
from archiver.export.report.items import shown_item
from archiver.export.report.wording import plural
from archiver.export.screens import screens
from archiver.export.stills import Drawn, data_uri
from archiver.export.templates import page, text
from storage.digest import sha256

LISTED = 300
"""Items on a page that lists them."""
PLAYED = {
    "mp4": "video", "m4v": "video", "webm": "video", "mov": "video", "3gp": "video", "ogv": "video", "mkv": "video", "ts": "video",
    "m4a": "audio", "mp3": "audio", "ogg": "audio", "oga": "audio", "opus": "audio", "wav": "audio", "flac": "audio", "aac": "audio",
    "jpg": "image", "png": "image", "webp": "image", "gif": "image", "avif": "image",
}  # fmt: skip
"""By their endings, the files that a browser shows by itself."""


def write_view(bag: Bag, contents: ReportContents, drawings: Mapping[str, Drawn]) -> None:
    """Write the pages. Raises `DiskError`."""
    style = text("view.css")
    common = {
        "style": Markup(style),
        "style_digest": base64.b64encode(sha256(style.encode())).decode(),
        "name": contents.plan.name,
    }
    pictures = _pages(bag, contents)
    order = Chronology(contents.shown.cards, contents.incidents)
    last = max(0, (len(order) - 1) // LISTED)
    for number in range(last + 1):
        cards = list(order.cards(number * LISTED, (number + 1) * LISTED))
        bag.write(
            f"data/view/{_index(number)}",
            page(
                "view-index.html.j2",
                **common,
                listed=[(order.entry(card), _thumb(drawings, card), _kinds(card)) for card in cards],
                number=number + 1,
                pages=last + 1,
                before=_index(number - 1) if number else None,
                after=_index(number + 1) if number < last else None,
            ),
        )
    for place, card in enumerate(order.cards()):
        bag.write(
            f"data/view/{card.number}.html",
            page(
                "view-item.html.j2",
                **common,
                one=shown_item(contents, drawings, card),
                before=order.number(place - 1),
                after=order.number(place + 1),
                index=_index(place // LISTED),
                view={"played": PLAYED, "posters": _posters(drawings, card)},
                pages=[pictures[view.capture] for view in card.views if view.capture in pictures],
            ),
        )


def _index(number: int) -> str:
    return "index.html" if not number else f"index-{number + 1}.html"


def _pages(bag: Bag, contents: ReportContents) -> dict[str, str]:
    """Capture → place of the picture of its page, as seen from `data/view/`. In `full` it is written here."""
    shown = contents.shown
    if shown.profile == "public":
        return {}
    found = {}
    for capture, name, picture in screens(shown):
        if shown.profile == "full":
            name = f"data/view/{name.removeprefix('data/')}"
            if bag.has(name) is None:
                bag.write(name, picture())
        found[capture] = (
            name.removeprefix("data/view/") if shown.profile == "full" else f"../{name.removeprefix('data/')}"
        )
    return found


def _thumb(drawings: Mapping[str, Drawn], card: Card) -> str | None:
    """A picture of a few pixels, from which nothing can be recovered."""
    for file in card.every_file:
        drawn = drawings.get(file.name) if file.name is not None else None
        if drawn is not None and drawn.blurred:
            return data_uri(drawn.blurred)
    return None


def _posters(drawings: Mapping[str, Drawn], card: Card) -> dict[str, str | None]:
    names = [file.name for file in card.every_file if file.name is not None]
    return {name.removeprefix("data/"): _poster(drawings.get(name)) for name in names}


def _poster(drawn: Drawn | None) -> str | None:
    return data_uri(drawn.pictures[len(drawn.pictures) // 2][2]) if drawn is not None and drawn.pictures else None


def _kinds(card: Card) -> str:
    kinds = Counter({file.name: file.kind for file in card.every_file if file.name is not None}.values())
    return ", ".join(f"{count} {plural(kind, count)}" for kind, count in kinds.items())
