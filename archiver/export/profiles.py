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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from archiver.lookup.exhibits import Exhibit, MediaFile, Observation
from archiver.lookup.material import Material, Redaction
from archiver.lookup.spool import Spool
from archiver.text.judged import in_words
from spiders.posts import COUNTS
from storage.digest import keyed
from storage.post_lines import GUESSES, guesses
from storage.post_lines import published as stated_time

PROFILES = ("full", "partner", "public")
OFFICIAL = ("official", "institutional")
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


@dataclass(frozen=True)
class WithheldItem:
    """One thing that is not shown: where, what kind of thing, why, and what stands in its place."""

    exhibit: str
    what: str
    why: str
    instead: str = ""


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
    """An exhibit as far as it is shown."""

    number: str
    platform: str
    key: str | None
    author: str
    author_shown: bool
    views: list[CardView] = field(default_factory=list)
    files: list[CardFile] = field(default_factory=list)
    removals: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
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
    pseudonyms: int = 0
    unfit: set[str] = field(default_factory=set)
    """Captures whose pictures of the page would show what is withheld, masked or covered elsewhere."""


class Marks:
    """Marks that people set on authors, exhibits and files: the latest one counts."""

    def __init__(self, material: Material) -> None:
        self._authors: dict[str, str] = {}
        self._sensitivity: dict[tuple[str, str | None, int | None], str] = {}
        self._reviews: dict[tuple[str, str | None, int | None], tuple[str, str, int]] = {}
        self._redactions = material.redactions
        self._quarantined: set[tuple[str, str | None]] = set()
        self._collectors = {
            event["detail"]["capture"]: event["agent"]["key"]
            for event in material.events
            if event["type"] in ("captured", "recovered")
        }
        for event in material.annotations:
            self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        detail = event["detail"]
        about, kind = detail["about"], detail["kind"]
        place = (about.get("capture", ""), about.get("post"), about.get("attachment"))
        if kind == "author":
            self._authors[f"{about['platform']}:{about['author']}".lower()] = detail["mark"]
        elif kind == "sensitivity":
            self._sensitivity[place] = detail["level"]
        elif kind == "review" and "capture" in about:
            self._reviews[place] = (detail["decision"], event["agent"]["key"], event["seq"])
        elif kind == "quarantine":
            self._quarantined.add((place[0], place[1]))

    def author(self, post: dict[str, Any]) -> str | None:
        """Return the mark of the account that made a post, or None."""
        guessed = guesses(post).get("guessed_author")
        names = (post.get("author_handle"), post.get("author_id"), post.get("author_name"), guessed)
        found = (self._authors.get(f"{post.get('platform')}:{name}".lower()) for name in names if name)
        return next((mark for mark in found if mark), None)

    def _places(
        self, capture: str, post: str | None, attachment: int | None
    ) -> list[tuple[str, str | None, int | None]]:
        """From the narrowest to the widest."""
        return list(dict.fromkeys([(capture, post, attachment), (capture, post, None), (capture, None, None)]))

    def sensitivity(self, capture: str, post: str | None, attachment: int | None = None) -> str | None:
        """Return how sensitive it is: `none`, or what was found; None where nobody has looked."""
        found = (self._sensitivity.get(place) for place in self._places(capture, post, attachment))
        return next((level for level in found if level), None)

    def approved(
        self, capture: str, post: str | None, attachment: int | None = None, sha256: str | None = None
    ) -> bool:
        """Return whether it is approved for publication, as it is now.

        The approval must come from a person other than whoever collected or redacted it.
        """
        redacted = [one for one in self._redactions if self._is_about(one, capture, post) or one.original == sha256]
        if attachment is not None:
            redacted = [one for one in redacted if one.original in (None, sha256)]
        for place in self._places(capture, post, attachment):
            if place in self._reviews:
                decision, key, seq = self._reviews[place]
                others = {self._collectors.get(capture), *(one.by for one in redacted)}
                return decision == "publish" and key not in others and all(one.seq < seq for one in redacted)
        return False

    @staticmethod
    def _is_about(one: Redaction, capture: str, post: str | None) -> bool:
        return one.about.get("capture") == capture and one.about.get("post") in (None, post)

    def redaction(self, sha256: str) -> MediaFile | None:
        """Return the latest copy that stands in place of a file, or None.

        It counts for the same bytes wherever they were found.
        """
        fitting = [one.media for one in self._redactions if one.media is not None and one.original == sha256]
        return fitting[-1] if fitting else None

    def redacted_in_another_copy(self, post: str | None, attachment: int) -> bool:
        """Return whether this file of the post was redacted as other bytes.

        It may have been sent again, or in another size.
        """
        return post is not None and any(
            one.media is not None and one.about.get("post") == post and one.media.attachment == attachment
            for one in self._redactions
        )

    def masked(self, capture: str, post: str | None) -> list[str]:
        """List the words that packages for others do not show.

        A mask on one observation of a post counts for all of them.
        """
        return [
            words
            for one in self._redactions
            for words in one.masked
            if one.about.get("post") == post or (one.about.get("capture") == capture and one.about.get("post") is None)
        ]

    def quarantined(self, capture: str, post: str | None) -> bool:
        """Return whether a post or its whole capture is quarantined."""
        return bool({(capture, None), (capture, post)} & self._quarantined)


def show(material: Material, profile: str, secret: bytes, privileged: bool) -> PackageView:
    """Apply a profile to the material.

    `secret`: what the package's own pseudonyms are made from; those of other packages cannot be linked to them.
    """
    cards: Spool[Card] = Spool(material.home)
    withheld: Spool[WithheldItem] = Spool(material.home)
    shown = PackageView(profile, material.case, material, cards, withheld)
    untold = {event["seq"]: _not_told(event, profile, privileged, material) for event in material.annotations}
    shown.annotations = [event for event in material.annotations if untold[event["seq"]] is None]
    maker = _Maker(shown, Marks(material), secret, withheld)
    for exhibit in material.exhibits:
        card = maker.card(exhibit)
        card.annotations = [event for event in card.annotations if untold[event["seq"]] is None]
        cards.append(card)
    for capture in material.captures:
        if profile == "partner" and capture.id in shown.unfit and capture.screenshot is not None:
            what = f"the picture of the page of {capture.id}"
            withheld.append(WithheldItem("", what, "it would show withheld, masked or covered content"))
    for capture_id in material.quarantined:
        withheld.append(WithheldItem("", f"the capture {capture_id}", "quarantined"))
    for event in material.annotations:
        if (why := untold[event["seq"]]) is not None:
            withheld.append(WithheldItem("", f"annotation {event['detail']['kind']} (event {event['seq']})", why))
    shown.pseudonyms = len(maker.people)
    return shown


def _not_told(event: dict[str, Any], profile: str, privileged: bool, material: Material) -> str | None:
    """Why an annotation is left out, or None."""
    detail = event["detail"]
    if detail.get("privileged") and not privileged:
        return "privileged"
    if profile == "full":
        return None
    if detail["kind"] in ("source", "consent", "author"):
        return "about a person"
    if profile == "partner":
        return None
    if detail["kind"] in ("incident", "sensitivity"):
        return None
    if detail["kind"] in ("conclusion", "translation") and reviewed(event, material.annotations):
        return None
    return "not reviewed for publication" if detail["kind"] in ("conclusion", "translation") else "people's notes"


def reviewed(event: dict[str, Any], annotations: Iterable[dict[str, Any]]) -> str | None:
    """Return the other person who has agreed with an annotation, by their latest word, or None."""
    said = [
        other
        for other in annotations
        if other["detail"]["kind"] == "review" and other["detail"]["about"].get("event") == event["seq"]
    ]
    last = said[-1] if said else None
    if last and last["detail"]["decision"] == "publish" and last["agent"]["key"] != event["agent"]["key"]:
        return str(last["agent"]["id"])
    return None


class _Maker:
    def __init__(self, shown: PackageView, marks: Marks, secret: bytes, withheld: Spool[WithheldItem]) -> None:
        self._shown, self._marks, self._secret, self._withheld = shown, marks, secret, withheld
        self.people: set[str] = set()
        self._names: set[str] = set()
        self._placed: dict[str, str] = {}
        self._judged = {
            event["detail"]["capture"]: {**event, **event["detail"]}
            for event in shown.material.events
            if event["type"] == "reassessed"
        }

    def _leave_out(self, exhibit: str, what: str, why: str, instead: str = "") -> None:
        self._withheld.append(WithheldItem(exhibit, what, why, instead))

    def card(self, exhibit: Exhibit) -> Card:
        """Make the card of an exhibit."""
        post = exhibit.latest
        author, known = self._author(exhibit, post)
        public = self._shown.profile == "public"
        card = Card(exhibit.number, exhibit.platform, exhibit.key if known else None, author, known)
        card.annotations = exhibit.annotations
        if public and exhibit.platform == "received":
            card.hidden = "received from a source"
        places = {(one.capture, one.line.get("id")) for one in exhibit.observations} | {
            (one.capture, None) for one in exhibit.files
        }
        if any(self._marks.quarantined(*place) for place in places):
            card.hidden = "quarantined"
        if card.hidden or not known:
            self._shown.unfit |= {capture for capture, _ in places}
        levels = [self._marks.sensitivity(capture, key) for capture, key in sorted(places, key=str)]
        card.sensitive = not levels or any(level != "none" for level in levels)
        if card.hidden:
            self._leave_out(exhibit.number, "everything", card.hidden)
            return card
        card.removals = exhibit.removals if known else []
        for observation in exhibit.observations:
            card.views.append(self._view(exhibit.number, observation, known))
        card.files = [self._file(exhibit.number, one, None) for one in exhibit.files]
        return card

    def _author(self, exhibit: Exhibit, post: dict[str, Any]) -> tuple[str, bool]:
        """(how the author is shown, whether that is who it is)."""
        stated = post.get("author_handle") or post.get("author_name")
        guessed = guesses(post).get("guessed_author")
        name = stated or guessed
        mark = self._marks.author(post)
        profile = self._shown.profile
        if exhibit.platform == "received" or not name:
            return ("a source" if exhibit.platform == "received" else "unknown"), profile != "public"
        open_to = profile == "full" or (profile == "partner" and mark != "source") or mark in OFFICIAL
        if open_to:
            return str(stated) if stated else f"{guessed} (guessed)", True
        who = f"{post['platform']}:{post.get('author_id') or name}"
        pseudonym = f"person-{keyed(self._secret, who.lower().encode()).hex()[:8]}"
        self.people.add(who)
        why = "marked as a source" if mark == "source" else "not marked official or institutional"
        self._leave_out(exhibit.number, "the author, and what leads to the account", why, pseudonym)
        return pseudonym, False

    def _view(self, number: str, one: Observation, known: bool) -> CardView:
        line = {name: one.line.get(name) for name in POST_FIELDS}
        line |= dict.fromkeys(GUESSES) | guesses(one.line)
        published = dict(stated_time(one.line) or {})
        if not known:
            # By counts and a day a post can be searched for; a date in the page's words is as good as its time.
            for name in (*IDENTIFYING, *COUNTS, "guessed_author", "guessed_published"):
                line[name] = None
            line["published_at"] = (line["published_at"] or "")[:10] or None
            published = {"value": line["published_at"], "precision": "day", "literal": None, "source": None}
        if self._shown.profile == "public" and not self._words_shown(one, known):
            if any(line[name] for name in WORDS):
                self._leave_out(number, "the words of the post", "not reviewed for publication", "[withheld]")
            line |= dict.fromkeys(WORDS)
        if self._shown.profile != "full":
            self._mask(number, one, line)
            self._addresses(number, one.capture, line)
        view = CardView(
            one.capture, one.seq, one.seen, line, published, str(one.line.get("parser") or "").partition("/")[0]
        )
        view.files = [self._file(number, media, one) for media in sorted(one.media, key=lambda item: item.attachment)]
        public = self._shown.profile == "public"
        view.missing = [(kind, outcome, "" if public else reason) for kind, outcome, reason in one.missing]
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
                    self._leave_out(number, f"words of its {field_name}", "redacted", "█████")

    def _addresses(self, number: str, capture: str, line: dict[str, Any]) -> None:
        """Network addresses in words of pages: a page can greet us with our own."""
        for name in (*WORDS, "author_name", "guessed_author"):
            if line[name] and (shown := without_addresses(str(line[name]))) != line[name]:
                line[name] = shown
                self._leave_out(number, f"network addresses in its {name}", "they can be ours", "[address]")
                self._shown.unfit.add(capture)

    def _words_shown(self, one: Observation, known: bool) -> bool:
        post = one.line.get("id")
        if self._marks.approved(one.capture, post):
            return True
        return known and self._marks.sensitivity(one.capture, post) in (None, "none") and self._marks.author(
            one.line
        ) in OFFICIAL  # fmt: skip

    def _file(self, number: str, media: MediaFile, one: Observation | None) -> CardFile:
        n = media.attachment
        post = one.line.get("id") if one else None
        public = self._shown.profile == "public"
        if public and not self._marks.approved(media.capture, post, n, media.sha256):
            self._leave_out(number, f"{media.kind} {n + 1}", "not reviewed for publication")
            return CardFile(n, media.kind, None, media, "not reviewed for publication")
        if self._shown.profile == "full":
            return CardFile(n, media.kind, self._place(number, n, media), media)
        redacted = self._marks.redaction(media.sha256)
        if redacted is None and self._marks.redacted_in_another_copy(post, n):
            why = "redacted in another copy; this one was not"
            self._leave_out(number, f"{media.kind} {n + 1}", why)
            self._shown.unfit.add(media.capture)
            return CardFile(n, media.kind, None, media, why)
        if redacted is not None:
            self._shown.unfit.add(media.capture)
            self._leave_out(number, f"{media.kind} {n + 1} as it was received", "redacted", "a redacted copy")
            return CardFile(n, media.kind, self._place(number, n, redacted), redacted, made="redacted")
        if public:
            self._leave_out(number, f"the metadata of {media.kind} {n + 1}", "not for publication", "a copy made anew")
            return CardFile(n, media.kind, self._place(number, n, media), media, made="anew")
        return CardFile(n, media.kind, self._place(number, n, media), media)

    def _place(self, number: str, n: int, media: MediaFile) -> str:
        """A name that is safe everywhere, one for the same bytes; in `public` without the name that the platform gave."""
        if media.sha256 in self._placed:
            return self._placed[media.sha256]
        plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in media.name).strip("._-")
        stem, dot, ending = plain.rpartition(".")
        ending = ending if dot and len(ending) <= 5 else _ENDINGS.get((media.media_type or "").partition(";")[0], "bin")
        middle = f"-{stem[:60]}" if stem else ""
        if media.kind == "redaction":
            middle, ending = "-redacted", _ENDINGS.get(media.media_type or "", ending)
        elif self._shown.profile == "public":
            middle, ending = "", _PUBLIC.get(media.kind, ending)
        name = f"data/media/{number}-{n + 1}{middle}.{ending.lower()}"
        more = 2
        while name.lower() in self._names:
            name = f"data/media/{number}-{n + 1}-{more}{middle}.{ending.lower()}"
            more += 1
        self._names.add(name.lower())
        self._placed[media.sha256] = name
        return name


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


_ENDINGS = {
    "video/mp4": "mp4", "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "audio/mp4": "m4a",
    "audio/mpeg": "mp3", "audio/ogg": "ogg", "video/webm": "webm", "text/vtt": "vtt", "application/pdf": "pdf",
    "image/gif": "gif", "image/heic": "heic", "image/heif": "heif", "image/avif": "avif", "image/tiff": "tif",
    "audio/wav": "wav", "audio/aac": "aac", "audio/amr": "amr", "audio/flac": "flac", "video/quicktime": "mov",
    "video/3gpp": "3gp", "video/vnd.avi": "avi", "video/mp2t": "ts", "video/x-matroska": "mkv",
}  # fmt: skip
_PUBLIC = {"video": "mp4", "round video": "mp4", "photo": "png", "audio": "m4a", "voice": "m4a", "sticker": "png"}
