"""What a profile shows of the material. `full` shows everything; `partner` and `public` are allow-lists.

| | full | partner | public |
|---|---|---|---|
| raw WARC files, events, manifests | yes | no | no |
| who posted | yes | yes, but for marked sources | only those marked official or institutional |
| words of posts | yes | yes | of those, unless marked sensitive; of others only what a second person approved |
| media | as kept | as kept | only what a second person approved, re-encoded |
| pictures of pages | yes | yes | no |
| people's notes | yes | yes | no |
| conclusions of the analyst | yes | yes | reviewed ones |

What is quarantined is in no package; privileged notes only where they are asked for. Every value that is left out or
replaced is listed, with the reason, and without quoting it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge
from typing import Any

from archiver.export.left_out import ACCOUNT, WORDING, LeftOut, Sums, WithheldItem, a_file
from archiver.export.marks import OFFICIAL, Marks, not_told
from archiver.export.media_names import MADE_ANEW, MediaNames, ending_of
from archiver.lookup.items import Item, MediaFile, Observation
from archiver.lookup.material import Material
from archiver.lookup.retracted import standing
from archiver.lookup.spool import Spool
from archiver.text.judged import in_words
from spiders.posts import COUNTS
from storage.digest import keyed
from storage.post_lines import GUESSES, guesses
from storage.post_lines import published as stated_time

PROFILES = ("full", "partner", "public")
POST_FIELDS = (
    "platform", "id", "url", "author_handle", "author_name", "author_id", "published_at", "title", "text", "lang",
    "album_ids", "reply_to", "forwarded_from", "quoted_id", "views", "likes", "replies", "reposts", "quotes", "bookmarks",
    "edited", "edit_history_ids", "duration", "outcome", "reason",
)  # fmt: skip
"""What of a post's line travels. Links of files do not: they can carry tokens of ours."""
IDENTIFYING = (
    "id", "url", "author_handle", "author_name", "author_id", "album_ids", "reply_to", "forwarded_from", "quoted_id",
    "edit_history_ids",
)  # fmt: skip
"""By which an account can be found."""
WORDS = ("text", "title", "guessed_text", "guessed_title")
"""What a post says, or is guessed to say."""
NOBODY = "an account that is not named"
"""How every account that is not open is called in `public`."""


@dataclass(frozen=True)
class CardFile:
    """A media file of a card: `name` is its place in the package, None where it is not shown."""

    number: int
    kind: str
    name: str | None
    media: MediaFile
    why: str = ""
    made: str = "as it was received"
    """Or `redacted`, or `anew`: a copy without metadata."""

    @property
    def converted(self) -> bool:
        """Whether its bytes are other than those that were received."""
        return self.made != "as it was received"


@dataclass
class CardView:
    """A post as one capture saw it, as far as it is shown."""

    capture: str
    seq: int
    seen: str | None
    post: dict[str, Any]
    published: dict[str, Any]
    way: str = ""
    """By which parser it was read."""
    files: list[CardFile] = field(default_factory=list)
    missing: list[tuple[str, str, str]] = field(default_factory=list)
    """(kind, outcome, reason) of attachments that were not kept."""
    judged: str = ""
    """How its capture was judged again later, in words."""


@dataclass
class Card:
    """An item as far as it is shown."""

    number: str
    platform: str
    key: str | None
    author: str
    author_shown: bool
    views: list[CardView] = field(default_factory=list)
    files: list[CardFile] = field(default_factory=list)
    removals: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    """What people say of it, and did not retract."""
    retracted: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    """(what was retracted, the event that retracts it)"""
    hidden: str = ""
    """Why nothing but the number is shown."""
    sensitive: bool = True

    @property
    def every_file(self) -> list[CardFile]:
        """Its files, with those of its posts."""
        return [*self.files, *(file for view in self.views for file in view.files)]


@dataclass
class PackageView:
    """Everything that a package shows, and what it leaves out."""

    profile: str
    case: str
    material: Material
    cards: Sequence[Card] = ()
    withheld: Sequence[WithheldItem] = ()
    annotations: list[dict[str, Any]] = field(default_factory=list)
    """Those that are told, and were not retracted."""
    pseudonyms: int = 0
    places: dict[str, str] = field(default_factory=dict)
    """SHA-256 of a file that is shown as it was kept → its name in the package."""
    numbers: dict[str, str] = field(default_factory=dict)
    """In `public`, number of an item in the material → its number here; what is not listed is not in it."""
    kept_back: set[int] = field(default_factory=set)
    """Annotations that are left out, by seq."""
    renewals: tuple[dict[str, Any], ...] = ()
    """Events that vouch for the timestamps of the package."""
    unfit: set[str] = field(default_factory=set)
    """Captures whose pictures of the page would show what is withheld, masked or covered elsewhere."""

    @property
    def told_events(self) -> Iterator[dict[str, Any]]:
        """Events that the package tells, by seq: all but annotations that are left out."""
        every = merge(self.material.events, self.renewals, key=lambda event: int(event["seq"]))
        return (event for event in every if event["seq"] not in self.kept_back)

    @property
    def told_annotations(self) -> Iterator[dict[str, Any]]:
        """Annotations that the package tells, those that were retracted among them."""
        return (event for event in self.material.annotations if event["seq"] not in self.kept_back)

    def items_about(self, about: dict[str, Any]) -> list[str]:
        """List the numbers of the items here that an event is about: those of a capture, or of one post in it."""
        found = self.material.about(about.get("capture"), about.get("post"))
        return [number for one in found if (number := self.number_here(one)) is not None]

    def number_here(self, number: str) -> str | None:
        """Return the number that an item has here, by its number in the material; None where it is not listed."""
        return self.numbers.get(number) if self.profile == "public" else number


def show(
    material: Material,
    profile: str,
    secret: bytes,
    privileged: bool,
    renewals: Iterable[dict[str, Any]] = (),
) -> PackageView:
    """Apply a profile to the material.

    `secret`: what the package's own pseudonyms are made from; those of other packages cannot be linked to them.
    `renewals`: events that vouch for its timestamps, which it tells as well.
    """
    cards: Spool[Card] = Spool(material.home, Card)
    withheld: Spool[WithheldItem] = Spool(material.home, WithheldItem)
    sums = Sums()
    untold = {event["seq"]: not_told(event, profile, privileged, material) for event in material.annotations}
    kept_back = {seq for seq, why in untold.items() if why is not None}
    shown = PackageView(
        profile, material.case, material, cards, withheld, kept_back=kept_back, renewals=tuple(renewals)
    )
    shown.annotations = [event for event in material.standing if event["seq"] not in kept_back]
    marks = Marks(material)
    maker = _Maker(shown, marks, secret, withheld, sums)
    for number, item in _numbered(shown, marks, secret, withheld):
        card = maker.card(number, item)
        told = [event for event in card.annotations if event["seq"] not in kept_back]
        card.annotations = standing(told)
        card.retracted = [(event, gone) for event in told if (gone := material.retracted.get(event["seq"])) is not None]
        if profile == "public":
            shown.numbers[item.number] = number
            card = _for_everybody(card)
        cards.append(card)
    for row in sums.rows():
        withheld.append(row)
    for capture in material.captures:
        if profile == "partner" and capture.id in shown.unfit and capture.screenshot is not None:
            what = f"the picture of the page of {capture.id}"
            withheld.append(WithheldItem("", what, "it would show withheld, masked or covered content"))
    for capture_id in material.quarantined:
        what = "a capture" if profile == "public" else f"the capture {capture_id}"
        withheld.append(WithheldItem("", what, "quarantined"))
    if profile != "full" and kept_back:  # which they are would tell of sources and consents
        withheld.append(WithheldItem("", f"{len(kept_back)} annotations", "not for this profile"))
    for event in material.annotations if profile == "full" else ():
        if (why := untold[event["seq"]]) is not None:
            withheld.append(WithheldItem("", f"annotation {event['detail']['kind']} (event {event['seq']})", why))
    shown.pseudonyms = len(maker.people)
    return shown


def _numbered(
    shown: PackageView, marks: Marks, secret: bytes, withheld: Spool[WithheldItem]
) -> Iterator[tuple[str, Item]]:
    """(number, item) of everything that is listed.

    In `public` that is what something was let out of, in an order of its own: by the place in a row, as by a number, an
    item could be found again in another package.
    """
    items = shown.material.items
    if shown.profile != "public":
        yield from ((one.number, one) for one in items)
        return
    home = shown.material.home
    trial = _Maker(
        PackageView(shown.profile, shown.case, shown.material), marks, secret, Spool(home, WithheldItem), Sums()
    )
    listed = [
        (keyed(secret, b"order ", one.key.encode("utf-8", "surrogatepass")), place)
        for place, one in enumerate(items)
        if _says_something(trial.card(one.number, one))
    ]
    if left := len(items) - len(listed):
        withheld.append(WithheldItem("", f"{left} items", "nothing of them was let out"))
    for number, (_, place) in enumerate(sorted(listed), 1):
        yield f"I{number:04d}", items[place]


def _says_something(card: Card) -> bool:
    """Return whether words or a file of an item are shown, or whose it is."""
    worded = any(view.post.get(name) for view in card.views for name in WORDS)
    return not card.hidden and (worded or card.author_shown or any(file.name for file in card.every_file))


def _for_everybody(card: Card) -> Card:
    """Reduce an item to what was let out: each wording once, and of an account that is not open nothing beside its words."""
    found: dict[str, CardView] = {}
    for view in card.views:
        words = " ".join(str(view.post.get(name) or "") for name in WORDS)
        if card.author_shown:
            view.post |= {"reason": None, "duration": None}
        else:
            view.post, view.published = {name: view.post.get(name) for name in WORDS}, {}
        view.missing, view.judged = [], ""
        if words in found:
            found[words].files += [
                file for file in view.files if file.name and file.name not in {one.name for one in found[words].files}
            ]
        else:
            found[words] = view
            view.files = [file for file in view.files if file.name]
    card.views = list(found.values())
    _numbered_as_shown(card)
    card.removals = []
    card.platform = card.platform if card.author_shown else ""
    return card


def _numbered_as_shown(card: Card) -> None:
    """Number the files of an item by what is shown of them: as which of how many each came is told to nobody."""
    numbers: dict[str | None, int] = {}
    places: dict[int, int] = {}
    for view in card.views:
        for file in view.files:
            places[file.number] = numbers.setdefault(file.name, len(numbers))
        view.files = [replace(file, number=numbers[file.name]) for file in view.files]
    card.annotations = [_about_shown(event, places) for event in card.annotations]


def _about_shown(event: dict[str, Any], places: dict[int, int]) -> dict[str, Any]:
    detail = event["detail"]
    if "attachment" not in detail["about"]:
        return event
    about = {**detail["about"], "attachment": places.get(detail["about"]["attachment"])}
    return {**event, "detail": {**detail, "about": about}}


class _Maker:
    def __init__(
        self, shown: PackageView, marks: Marks, secret: bytes, withheld: Spool[WithheldItem], sums: Sums
    ) -> None:
        self._shown, self._marks, self._secret, self._withheld, self._sums = shown, marks, secret, withheld, sums
        self.people: set[str] = set()
        self._names = MediaNames()
        self._given: dict[str, int] = {}
        self._placed = shown.places
        if shown.profile == "full":
            for capture in shown.material.captures:
                for number, media in shown.material.given(capture):
                    if media.sha256 not in shown.places:
                        shown.places[media.sha256] = self._names.new(number, media.attachment, ending_of(media))
        self._judged = {
            event["detail"]["capture"]: {**event, **event["detail"]}
            for event in shown.material.events
            if event["type"] == "reassessed"
        }

    def _leave_out(self, item: str, what: LeftOut, why: str, instead: str = "") -> None:
        if self._shown.profile == "public":
            self._sums.add(item, what, why, instead)
        else:
            self._withheld.append(WithheldItem(item, what.one, why, instead))

    def card(self, number: str, item: Item) -> Card:
        """Make the card of an item under a number."""
        post = item.latest
        author, known = self._author(number, item, post)
        public = self._shown.profile == "public"
        card = Card(number, item.platform, item.key if known else None, author, known)
        card.annotations = item.annotations
        if public and item.platform == "received":
            card.hidden = "received from a source"
        places = {(one.capture, one.line.get("id")) for one in item.observations} | {
            (one.capture, None) for one in item.files
        }
        if any(self._marks.quarantined(*place) for place in places):
            card.hidden = "quarantined"
        if card.hidden or not known:
            self._shown.unfit |= {capture for capture, _ in places}
        levels = [self._marks.sensitivity(capture, key) for capture, key in sorted(places, key=str)]
        card.sensitive = not levels or any(level != "none" for level in levels)
        if card.hidden:
            self._leave_out(number, LeftOut("everything", "everything of {}", "item"), card.hidden)
            return card
        card.removals = item.removals if known else []
        for observation in item.observations:
            card.views.append(self._view(number, observation, known))
        card.files = [self._file(number, one, None, known) for one in item.files]
        return card

    def _author(self, number: str, item: Item, post: dict[str, Any]) -> tuple[str, bool]:
        """(how the author is shown, whether that is who it is)."""
        stated = post.get("author_handle") or post.get("author_name")
        guessed = guesses(post).get("guessed_author")
        name = stated or guessed
        mark = self._marks.author(post)
        profile = self._shown.profile
        if item.platform == "received" or not name:
            return ("a source" if item.platform == "received" else "unknown"), profile != "public"
        open_to = profile == "full" or (profile == "partner" and mark != "source") or mark in OFFICIAL
        if open_to:
            return str(stated) if stated else f"{guessed} (guessed)", True
        who = f"{post['platform']}:{post.get('author_id') or name}"
        # By how many items each has, accounts could be found again in another package: in `public` all are called the same.
        digest = keyed(self._secret, who.lower().encode()).hex()[:8]
        pseudonym = NOBODY if profile == "public" else f"person-{digest}"
        self.people.add(who)
        # One reason for all: another one for sources would name them.
        self._leave_out(number, ACCOUNT, "the account is not shown", pseudonym)
        return pseudonym, False

    def _view(self, number: str, one: Observation, known: bool) -> CardView:
        line = {name: one.line.get(name) for name in POST_FIELDS}
        line |= dict.fromkeys(GUESSES) | guesses(one.line)
        published = dict(stated_time(one.line) or {})
        if not known:
            # By counts and a day a post can be searched for; a date in the page's words is as good as its time.
            for name in (*IDENTIFYING, *COUNTS, "guessed_author", "guessed_published", "reason"):
                line[name] = None
            line["published_at"] = (line["published_at"] or "")[:10] or None
            published = {"value": line["published_at"], "precision": "day", "literal": None, "source": None}
        if self._shown.profile == "public" and not self._words_shown(one, known):
            if any(line[name] for name in WORDS):
                self._leave_out(number, WORDING, "not reviewed for publication", "[withheld]")
            line |= dict.fromkeys(WORDS)
        if self._shown.profile != "full":
            self._mask(number, one, line)
            self._addresses(number, one.capture, line)
        view = CardView(
            one.capture, one.seq, one.seen, line, published, str(one.line.get("parser") or "").partition("/")[0]
        )
        view.files = [
            self._file(number, media, one, known) for media in sorted(one.media, key=lambda item: item.attachment)
        ]
        # Reasons hold links and names.
        told = known and self._shown.profile != "public"
        view.missing = [(kind, outcome, reason if told else "") for kind, outcome, reason in one.missing]
        if (judged := self._judged.get(one.capture)) is not None:
            # Its reason can quote the page, in which words can be masked or not reviewed.
            view.judged = in_words(judged, with_reason=self._shown.profile == "full")
        return view

    def _mask(self, number: str, one: Observation, line: dict[str, Any]) -> None:
        for words in self._marks.masked(one.capture, one.line.get("id")):
            for field_name in WORDS:
                if line[field_name] and words in line[field_name]:
                    line[field_name] = line[field_name].replace(words, "█" * 5)
                    self._shown.unfit.add(one.capture)
                    what = LeftOut(f"words of its {field_name}", "some words of {}", "post")
                    self._leave_out(number, what, "redacted", "█████")

    def _addresses(self, number: str, capture: str, line: dict[str, Any]) -> None:
        """Network addresses in words of pages: a page can greet us with our own."""
        for name in (*WORDS, "author_name", "guessed_author"):
            if line[name] and (shown := without_addresses(str(line[name]))) != line[name]:
                line[name] = shown
                what = LeftOut(f"network addresses in its {name}", "network addresses in {}", "post")
                self._leave_out(number, what, "they can be ours", "[address]")
                self._shown.unfit.add(capture)

    def _words_shown(self, one: Observation, known: bool) -> bool:
        post = one.line.get("id")
        if self._marks.approved(one.capture, post):
            return True
        return known and self._marks.sensitivity(one.capture, post) in (None, "none") and self._marks.author(
            one.line
        ) in OFFICIAL  # fmt: skip

    def _file(self, number: str, media: MediaFile, one: Observation | None, known: bool) -> CardFile:
        n = media.attachment
        post = one.line.get("id") if one else None
        public = self._shown.profile == "public"
        if public and not self._marks.approved(media.capture, post, n, media.sha256):
            self._leave_out(number, a_file(media), "not reviewed for publication")
            return CardFile(n, media.kind, None, media, "not reviewed for publication")
        if self._shown.profile == "full":
            return CardFile(n, media.kind, self._place(number, n, media), media)
        redacted = self._marks.redaction(media.sha256)
        if redacted is None and self._marks.redacted_in_another_copy(post, n):
            why = "redacted in another copy; this one was not"
            self._leave_out(number, a_file(media), why)
            self._shown.unfit.add(media.capture)
            return CardFile(n, media.kind, None, media, why)
        if redacted is not None:
            self._shown.unfit.add(media.capture)
            what = LeftOut(f"{media.kind} {n + 1} as it was received", "{} as received", "file")
            self._leave_out(number, what, "redacted", "a redacted copy")
            return CardFile(n, media.kind, self._place(number, n, redacted), redacted, made="redacted")
        given = one is None and not self._marks.approved(media.capture, post, n, media.sha256)
        if public or not known or given:  # what a person may see is not what its bytes tell
            return self._anew(number, media)
        return CardFile(n, media.kind, self._place(number, n, media), media)

    def _anew(self, number: str, media: MediaFile) -> CardFile:
        """A copy without what the file says of who made it: its metadata, and the digest by which it is found elsewhere."""
        n = media.attachment
        if media.kind in MADE_ANEW and media.damage is None:  # else no program could make it anew
            what = LeftOut(f"the metadata of {media.kind} {n + 1}", "the metadata of {}", "file")
            self._leave_out(number, what, "it can name its maker", "a copy made anew")
            name = self._place(number, n, media, MADE_ANEW[media.kind])
            return CardFile(n, media.kind, name, media, made="anew")
        if self._shown.profile == "partner" and (media.media_type or "").startswith("text/plain"):
            return CardFile(n, media.kind, self._place(number, n, media), media)
        why = "it can name its maker, and cannot be made anew"
        self._leave_out(number, a_file(media), why)
        return CardFile(n, media.kind, None, media, why)

    def _place(self, number: str, n: int, media: MediaFile, ending: str | None = None) -> str:
        """A name that is safe everywhere and says nothing of where the file came from, one for the same bytes."""
        ending = ending or ending_of(media)
        if media.sha256 not in self._placed:
            if self._shown.profile == "public":  # as which attachment of how many it came is told to nobody
                n = self._given[number] = self._given.get(number, -1) + 1
            self._placed[media.sha256] = self._names.new(number, n, ending)
        return self._placed[media.sha256]


_CANDIDATE = re.compile(r"(?<![\w.:])[0-9A-Fa-f]{0,4}[.:][0-9A-Fa-f.:]{2,43}(?<![.:])(?:::)?")


def without_addresses(words: str) -> str:
    """Replace every IPv4 and IPv6 address in words. A time of day is not taken for one."""

    def instead(match: re.Match[str]) -> str:
        try:
            ipaddress.ip_address(match[0])
        except ValueError:
            return match[0]
        return "[address]"

    return _CANDIDATE.sub(instead, words)
