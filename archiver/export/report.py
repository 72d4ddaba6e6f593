"""The report: one HTML file that needs nothing else, opens without a network, and can be printed.

Page one answers five questions in five lines each. What strangers wrote is text, never markup; the file forbids itself
scripts and every request (a Content-Security-Policy in its head). It says what was recorded and what people concluded, and
keeps the two apart.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import Any

from archiver.checks.captures import check_capture
from archiver.checks.lines import Finding, Line
from archiver.export import declaration
from archiver.export.bag import Bag
from archiver.export.dossier import (
    Figures,
    Incident,
    edited,
    figures,
    incidents,
    local,
    sun,
    utc,
    versions,
)
from archiver.export.html import Markup, items, join, table, tag, text
from archiver.export.material import Capture
from archiver.export.packing import Plan
from archiver.export.printing import print_pdf
from archiver.export.profiles import Card, File, Shown
from archiver.export.stills import Drawn, data_uri, draw
from archiver.home.home import Home
from archiver.home.people import fingerprint, in_words
from storage.digest import sha256
from storage.errors import FormatError
from storage.times import utc_parse

MOST_CARDS = 500
"""Exhibits told in full; the tables hold all."""
MOST_ROWS = 200
NOT_SAID = "not stated"


def write_report(home: Home, bag: Bag, plan: Plan) -> None:
    """`data/report.html`, and `data/report.pdf` where Chromium is installed. Raises `DiskError`."""
    report = Report(home, bag, plan)
    if bag.has("data/report.html") is None:
        bag.write("data/report.html", report.html())
    pdf = None
    if bag.has("data/report.pdf") is None:
        pdf = print_pdf(bag.partial / "data" / "report.html", plan.made, home.path)
    if pdf is not None:
        bag.write("data/report.pdf", pdf)


class Report:
    def __init__(self, home: Home, bag: Bag, plan: Plan) -> None:
        self._home, self._bag, self._plan = home, bag, plan
        self._shown: Shown = plan.shown
        self._incidents = incidents(plan.shown)
        self._cards = {card.number: card for card in plan.shown.cards}
        self._drawn: dict[str, Drawn] = {}
        self._figures: Figures = figures(plan.shown, self._intact(), self._stamped(), len(bag.files))

    def _intact(self) -> int:
        """Captures that were checked again for this package, every digest of them. Raises `FormatError` for one that is not.

        What was damaged is not handed out as if it were evidence; what is whole can be exported without it.
        """
        events = {
            event["detail"].get("capture"): event["detail"]
            for event in self._shown.material.events
            if event["type"] in ("captured", "recovered")
        }

        def looked_at(capture: Capture) -> list[Line]:
            return check_capture(capture.folder, events[capture.id], None)

        captures = self._shown.material.captures
        with ThreadPoolExecutor(os.cpu_count()) as several:  # digests release the interpreter's lock
            lines = [line for found in several.map(looked_at, captures) for line in found]
        if damaged := [line for line in lines if line.finding is Finding.DAMAGED]:
            one = damaged[0]
            next_step = "Run `archiver check`; restore it from a copy, or export the others with --only."
            raise FormatError(f"{one.subject} as it was sealed", f"{one.check}: {one.detail}", next_step)
        return len(captures)

    def _stamped(self) -> int:
        return sum(self._plan.base.covering(capture.seq) is not None for capture in self._shown.material.captures)

    def _draw(self) -> None:
        """Pictures of the files of all exhibits that are told in full, several at once."""
        files = (file for card in self._told() if not card.hidden for file in card.every_file)
        kinds = {file.name: file.kind for file in files if file.name is not None}
        with ThreadPoolExecutor(os.cpu_count()) as several:
            drawn = several.map(lambda item: draw(self._bag.partial / item[0], item[1], self._home.path), kinds.items())
            self._drawn = dict(zip(kinds, drawn, strict=True))

    def html(self) -> bytes:
        self._draw()
        style = resources.files("archiver.export").joinpath("report.css").read_text("utf-8")
        allowed = base64.b64encode(sha256(style.encode())).decode()
        policy = f"default-src 'none'; img-src data:; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
        head = tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=policy),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="referrer", content="no-referrer"),
            tag("title", f"{self._plan.name}: report"),
            tag("style", Markup(style)),
        )
        body = tag("body", *self._sections())
        return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n".encode()

    def _sections(self) -> Iterator[Markup]:
        yield tag("section", *self._first(), class_="first")
        yield tag("h2", "Chronology", id="chronology")
        yield from self._chronology()
        yield tag("h2", "Exhibits", id="exhibits")
        yield from self._exhibits()
        yield tag("h2", "Found and not kept", id="not-kept")
        yield from self._not_kept()
        yield tag("h2", "Not in this package", id="withheld")
        yield from self._withheld()
        yield tag("h2", "Who did what", id="custody")
        yield from self._custody()
        yield tag("h2", "How this was recorded, and what the proofs prove", id="method")
        yield from declaration.validation(self._shown, self._plan, self._figures)
        yield tag("h2", "Draft of a custodian's declaration", id="declaration")
        yield declaration.draft(self._home, self._shown, self._plan, self._figures)
        yield tag("h2", "Glossary", id="glossary")
        yield declaration.glossary()

    # -- page one --------------------------------------------------------------------------------------

    def _first(self) -> Iterator[Markup]:
        shown, base = self._shown, self._plan.base
        yield tag("h1", f"Evidence package {self._plan.name}")
        title = f"profile {shown.profile} · made from checkpoint {base.size} · {self._plan.made[:10]}"
        yield tag("p", title if shown.profile == "public" else f"case {shown.case} · {title}", class_="quiet")
        if shown.material.test_routes:
            yield tag("p", "NOT EVIDENCE: recorded from test servers, as the demo and the tests do.", class_="warn")
        if self._figures.stamped < self._figures.captures:
            said = "NOT TIMESTAMPED" if not self._figures.stamped else "NOT TIMESTAMPED in part"
            yield tag(
                "p",
                f"{said}: for {self._figures.captures - self._figures.stamped} captures no outsider vouches for the time.",
                class_="warn",
            )
        boxes = (
            ("What this shows", self._shows()),
            ("What it does not show", self._shows_not()),
            ("State of the material", self._state()),
            ("Fingerprint of the key that signed", self._key()),
            ("How to check it", self._how()),
        )
        yield tag("div", *(tag("div", tag("h3", name), said, class_="box") for name, said in boxes), class_="boxes")
        links = (
            ("chronology", "Chronology"), ("exhibits", "Exhibits"), ("not-kept", "Found and not kept"),
            ("withheld", "Not in this package"), ("custody", "Who did what"), ("method", "How this was recorded"),
            ("declaration", "Draft declaration"), ("glossary", "Glossary"),
        )  # fmt: skip
        yield tag("nav", tag("ul", *(tag("li", tag("a", name, href=f"#{anchor}")) for anchor, name in links)))

    def _shows(self) -> Markup:
        f = self._figures
        kinds = ", ".join(f"{count} {_plural(kind, count)}" for kind, count in f.kinds.most_common(4)) or "no files"
        lines = [
            f"{f.exhibits} exhibits: posts, pages and files as a server sent them to our recorder, or as they were handed over.",
            f"Recorded between {_short(f.first)} and {_short(f.last)}; with {kinds}.",
            f"{f.captures} of {f.of_case} captures of this case are in the package.",
            f"Exhibits seen with changes: {f.edited}; later no longer there: {f.removed}.",
        ]
        if self._incidents:
            lines.append(
                f"{len(self._incidents)} {_plural('incident', len(self._incidents))}, with what analysts conclude and what speaks against it."
            )
        return items(lines)

    def _shows_not(self) -> Markup:
        return items(
            (
                "That what a picture or a text says is true; that is for people to establish.",
                "Who filmed, or that an account belongs to a person.",
                "When something happened: the time of a post is what the platform states of the post.",
                "That a file was published there before anywhere else, or that nothing else was published.",
                "Why something is no longer there, unless the platform says so.",
            )
        )

    def _state(self) -> Markup:
        f = self._figures
        reasons = [f"{count} {how}: {why}" for (how, why), count in f.not_kept.most_common(2)]
        if self._shown.profile == "public":
            reasons = [f"{count} {how}" for how, count in _by_outcome(f).items()][:2]
        lines = [
            f"Intact: {f.intact} of {f.captures} captures, every digest computed again for this package.",
            f"Timestamped by outsiders: {f.stamped} of {f.captures}. A timestamp says “existed then”, not “made then”.",
            f"Found and not kept: {sum(f.not_kept.values())} things" + (", such as:" if reasons else "."),
            *reasons,
        ]
        return items(lines)

    def _key(self) -> Markup:
        whole = fingerprint(self._home.ledger_key_text())
        spaced = " ".join(whole[at : at + 8] for at in range(0, 64, 8))
        return join(
            (
                tag("p", " ".join(in_words(whole)), class_="key words"),
                tag("p", spaced, class_="key small"),
                tag(
                    "p",
                    "Compare it with the copy that counsel was given by another way. A forger's package shows the forger's.",
                    class_="small",
                ),
            )
        )

    def _how(self) -> Markup:
        return items(
            (
                join(("Run ", tag("span", "python3 check.py --fingerprint \"the eight words\"", class_="key"))),
                "Exit code 0: intact and signed by that key. 5: changed. 2: something is missing. 6: cannot tell.",
                "It needs Python and the program openssl, and no network.",
                "README.txt names tools of others for the same: bagit.py, wacz, openssl ts, ots.",
            )
        )  # fmt: skip

    # -- chronology ------------------------------------------------------------------------------------

    def _chronology(self) -> Iterator[Markup]:
        if not self._incidents:
            yield tag("p", "No incident was entered for this case.", class_="quiet")
        for incident in self._incidents:
            yield tag("div", *self._incident(incident), class_="card", id=f"incident-{incident.name}")
        times = [
            (card.views[0].post.get("published_at") or "", card.number)
            for card in self._shown.cards
            if card.views and not card.hidden
        ]
        rows = [
            (_published(self._cards[number]), tag("a", number, href=f"#{number}"), self._cards[number].author, _words(self._cards[number], 90))
            for _, number in sorted(times)[:MOST_ROWS]
        ]  # fmt: skip
        yield tag("h3", "Posts by the time that the platform states")
        yield table(("stated time", "exhibit", "account", "words"), rows)
        if len(times) > MOST_ROWS:
            yield tag("p", f"{len(times) - MOST_ROWS} more are in posts.csv.", class_="quiet")

    def _incident(self, incident: Incident) -> Iterator[Markup]:
        yield tag("h3", incident.title)
        facts: list[tuple[str, object]] = [("interval (UTC)", _interval(incident))]
        if incident.place or incident.latitude:
            where = f" ({incident.latitude}, {incident.longitude})" if incident.latitude else ""
            facts.append(("place", f"{incident.place or 'by its coordinates'}{where}"))
            begins, ends = local(incident.start, incident.zone), local(incident.end, incident.zone)
            if begins:
                facts.append(("local time", begins if begins == ends else f"{begins} to {ends}"))
        for name, moment in (("sun at the start", incident.start), ("sun at the end", incident.end)):
            said = sun(moment, incident.latitude, incident.longitude)
            if said and (moment != incident.start or name.endswith("start")):
                facts.append((name, said))
        if incident.exhibits:
            facts.append(("exhibits", _numbers(incident.exhibits)))
        yield _facts(facts)
        for one in incident.conclusions:
            yield tag("h4", "What the analyst concludes")
            yield tag("blockquote", one.text)
            who = f"reviewed by {one.reviewer}" if one.reviewer else "not reviewed by a second person"
            basis = join((join((tag("a", number, href=f"#{number}"), f" ({part})" if part else "")) for number, part in one.basis), ", ")  # fmt: skip
            against = items(one.against) if one.against else "nothing was entered"
            yield _facts(
                [
                    ("confidence", one.confidence), ("by", f"{one.by} ({one.role}), event {one.event}; {who}"),
                    ("from", basis), ("against it", against),
                ]
            )  # fmt: skip
        if not incident.conclusions:
            yield tag("p", "No conclusion was entered.", class_="quiet")

    # -- exhibits --------------------------------------------------------------------------------------

    def _told(self) -> list[Card]:
        """The exhibits that are told in full: those of incidents and with annotations first, in the order of their numbers."""
        wanted = {number for incident in self._incidents for number in incident.exhibits}
        chosen = sorted(
            self._shown.cards, key=lambda card: (card.number not in wanted, not card.annotations, card.number)
        )
        return sorted(chosen[:MOST_CARDS], key=lambda card: card.number)

    def _exhibits(self) -> Iterator[Markup]:
        told, of = self._told(), len(self._shown.cards)
        if of > len(told):
            text_ = f"{len(told)} of {of} exhibits are told here, those with annotations first; all are in posts.csv."
            yield tag("p", text_, class_="quiet")
        for card in told:
            yield tag("article", *self._card(card), class_="card", id=card.number)

    def _card(self, card: Card) -> Iterator[Markup]:
        yield tag("h3", f"{card.number} · {card.platform} · {card.author}")
        if card.hidden:
            yield tag("p", f"Not shown: {card.hidden}.", class_="quiet")
            return
        wordings = versions(card)
        if card.views:
            latest = card.views[-1]
            words = latest.post.get("text") or latest.post.get("title")
            yield tag("blockquote", words or "(no words, or not shown)")
            yield from self._translations(card)
        if len(wordings) > 1:
            yield tag("h4", "Seen with changes")
            rows = [(_short(seen), words or "(no words)") for seen, words in wordings]
            yield table(("first seen so", "words"), rows)
        for note in card.removals:
            yield self._removal(card, note)
        yield from self._files(card)
        yield _facts(self._times(card))
        said = [
            event
            for event in card.annotations
            if event["detail"]["kind"] in ("note", "tag", "place", "source", "consent")
        ]
        if said:
            yield tag("h4", "What people added")
            yield items(self._annotation(event) for event in said)
        if card.views:
            yield self._provenance(card)

    def _times(self, card: Card) -> list[tuple[str, object]]:
        """Times by where they come from; where they differ, they stand side by side."""
        facts: list[tuple[str, object]] = []
        if card.views:
            facts.append(("the platform states", _published(card)))
            if card.views[-1].post.get("edited"):
                facts.append(("", "marked as edited by the platform"))
            facts.append(("we first saw it", _short(card.views[0].seen)))
            if len(card.views) > 1:
                facts.append(("we last saw it", f"{_short(card.views[-1].seen)}, observations: {len(card.views)}"))
        for event in card.annotations:
            detail = event["detail"]
            if detail["kind"] == "time":
                interval = f"{utc(utc_parse(detail['from']))}" + (
                    f" to {utc(utc_parse(detail['to']))}" if detail["to"] != detail["from"] else ""
                )
                facts.append((f"{self._who(event)} puts it at", f"{interval}: {detail['text']}"))
        for view in card.views[-1:]:
            counts = ", ".join(
                f"{view.post[name]:,} {name}"
                for name in ("views", "likes", "replies", "reposts")
                if view.post.get(name) is not None
            )
            if counts:
                facts.append(("counts, as stated", counts))
            if view.post.get("url"):
                facts.append(("link", view.post["url"]))
        missing = [
            f"{kind}: {how}{f', {why}' if why else ''}" for view in card.views[-1:] for kind, how, why in view.missing
        ]
        if missing:
            facts.append(("not kept of it", items(missing)))
        return facts

    def _translations(self, card: Card) -> Iterator[Markup]:
        for event in card.annotations:
            detail = event["detail"]
            if detail["kind"] == "translation":
                by = f"Translation ({detail['language']}) by {detail['translator']}, {detail['how']}, {detail['date']}"
                yield tag("blockquote", tag("span", by, class_="small quiet"), "\n", detail["text"])

    def _removal(self, card: Card, event: dict[str, Any]) -> Markup:
        detail, first = event["detail"], event["time"]
        if event["type"] == "unavailable":
            count = len(detail["looks"])
            said = (
                f"{count} looks, in each of which another post of the platform was answered; it says: {detail['said']}"
            )
            return tag(
                "div", tag("h4", "No longer shown by the platform"),
                _facts([
                    ("last seen", _short(detail["last_seen"]["at"]) if detail.get("last_seen") else NOT_SAID),
                    ("first not seen", _short(detail["first_not_seen"])), ("how we know", said),
                    ("why", "as the platform words it above; it may not say who removed it"),
                ]),
                class_="before",
            )  # fmt: skip
        how = (
            "the platform announced it"
            if event["detail"].get("how") == "announced"
            else "an answer of the platform without it"
        )
        last = _short(card.views[-1].seen) if card.views else NOT_SAID
        return tag(
            "div", tag("h4", "No longer there"),
            _facts([("last seen", last), ("first not seen", _short(first)), ("how we know", how), ("why", "the platform does not say")]),
            class_="before",
        )  # fmt: skip

    def _files(self, card: Card) -> Iterator[Markup]:
        seen: set[str] = set()
        for file in card.every_file:
            if file.name is None:
                yield tag("p", f"{file.kind} {file.number + 1}: not shown ({file.why})", class_="quiet")
            elif file.name not in seen:
                seen.add(file.name)
                yield self._file(card, file)

    def _file(self, card: Card, file: File) -> Markup:
        assert file.name is not None
        written = self._bag.files[file.name]
        drawn = self._drawn.get(file.name, Drawn())
        pictures = tag(
            "div",
            *(tag("figure", tag("img", src=data_uri(jpeg), alt=f"{file.kind} {what}"), tag("figcaption", what)) for what, jpeg in drawn.pictures),
            class_="stills",
        ) if drawn.pictures else Markup("")  # fmt: skip
        if drawn.pictures and card.sensitive:
            small = drawn.blurred
            veil = (
                tag("span", tag("img", src=data_uri(small), alt="blurred"), class_="blurred stills")
                if small
                else Markup("")
            )
            pictures = tag("details", tag("summary", "Sensitive or not reviewed: open to see", veil), pictures)
        link = tag("a", file.name.removeprefix("data/"), href=file.name.removeprefix("data/"))
        note = {"anew": " (a copy made anew, without metadata)", "redacted": " (redacted)"}.get(file.made, "")
        line = tag(
            "p",
            f"{file.kind}: ",
            link,
            f", {written.size:,} bytes, SHA-256 ",
            tag("span", written.sha256, class_="key small"),
            note,
        )
        return join((line, pictures))

    def _annotation(self, event: dict[str, Any]) -> Markup:
        detail = event["detail"]
        where = f" ({detail['latitude']}, {detail['longitude']})" if detail.get("latitude") else ""
        what = detail.get("text") or ", ".join(
            f"{key}: {value}" for key, value in detail.items() if key not in ("kind", "about")
        )
        by = f"by {self._who(event)}, {_short(event['time'])}, event {event['seq']}"
        return join((f"{detail['kind']}: {what}{where} ", tag("span", by, class_="quiet small")))

    def _who(self, event: dict[str, Any]) -> str:
        role = event["agent"].get("role") or "collector"
        return f"an {role}" if self._shown.profile == "public" else f"{event['agent']['id']} ({role})"

    def _provenance(self, card: Card) -> Markup:
        rows = []
        for view in card.views:
            stamp = self._plan.base.covering(view.seq)
            proof = f"{stamp.time:%Y-%m-%d %H:%M:%S} UTC, {stamp.name}" if stamp and stamp.time else "NOT TIMESTAMPED"
            rows.append((_short(view.seen), view.capture if self._shown.profile != "public" else "", view.seq, proof))
        head = ("seen", "capture", "event", "existed at (by whom)")
        return tag("details", tag("summary", f"Provenance (observations: {len(rows)})"), table(head, rows))

    # -- the rest --------------------------------------------------------------------------------------

    def _not_kept(self) -> Iterator[Markup]:
        f = self._figures
        if not f.not_kept:
            yield tag("p", "Everything that was found was kept.")
            return
        if self._shown.profile == "public":
            rows: list[tuple[object, ...]] = [(how, "", count) for how, count in _by_outcome(f).items()]
        else:
            rows = [(how, why, count) for (how, why), count in f.not_kept.most_common(MOST_ROWS)]
        yield table(("outcome", "reason", "things"), rows)
        yield tag(
            "p", "Each thing by itself is in not-kept.csv. The words for outcomes are in the glossary.", class_="quiet"
        )

    def _withheld(self) -> Iterator[Markup]:
        shown = self._shown
        rest = self._figures.of_case - self._figures.captures
        if rest:
            yield tag(
                "p",
                f"{rest} further captures belong to this case. Each stands in the proofs as a commitment, so that the selection can be seen.",
            )
        if shown.profile == "full":
            yield tag(
                "p",
                "Values that were withheld when recording (cookies, tokens) stay in the house, each with a commitment; "
                "a court can be shown any single one.",
            )
        if not shown.withheld:
            yield tag("p", "Nothing else was left out." if not rest else "Of what is here, nothing was left out.")
            return
        rows = [(item.exhibit, item.what, item.why, item.instead) for item in shown.withheld[:MOST_ROWS]]
        yield table(("exhibit", "what", "why", "in its place"), rows)
        if len(shown.withheld) > MOST_ROWS:
            yield tag("p", f"All {len(shown.withheld)} are in withheld.csv.", class_="quiet")

    def _custody(self) -> Iterator[Markup]:
        told = {event["seq"] for event in self._shown.annotations}
        events = [
            event for event in self._shown.material.events if event["type"] != "annotated" or event["seq"] in told
        ]
        rows = [
            (event["seq"], _short(event["time"]), event["type"], self._who(event), _what(event["detail"]))
            for event in events[:MOST_ROWS]
        ]  # fmt: skip
        yield table(("event", "when", "what", "who", ""), rows)
        if len(events) > MOST_ROWS:
            yield tag("p", f"All {len(events)} are in custody.csv.", class_="quiet")


def _what(detail: dict[str, Any]) -> str:
    return str(detail.get("kind") or detail.get("outcome") or "")


def _facts(facts: Iterable[tuple[str, object]]) -> Markup:
    return tag("dl", *(join((tag("dt", name), tag("dd", value))) for name, value in facts))


def _numbers(numbers: Iterable[str]) -> Markup:
    return join((tag("a", number, href=f"#{number}") for number in numbers), ", ")


def _interval(incident: Incident) -> str:
    if incident.start is None:
        return "not known"
    return utc(incident.start) if incident.start == incident.end else f"{utc(incident.start)} to {utc(incident.end)}"


def _published(card: Card) -> str:
    """The time as the platform states it: exact, within bounds, or in its own words."""
    view = card.views[0]
    said = view.published
    if said.get("value") or view.post.get("published_at"):
        return _short(said.get("value") or view.post.get("published_at"))
    if said.get("earliest") and said.get("latest"):
        return f"between {_short(said['earliest'])} and {_short(said['latest'])} (stated: {said.get('literal')})"
    return f"stated: {said['literal']}" if said.get("literal") else NOT_SAID


def _words(card: Card, most: int) -> str:
    words = " ".join(str(card.views[-1].post.get("text") or card.views[-1].post.get("title") or "").split())
    return words if len(words) <= most else words[:most] + " …"


def _short(value: str | None) -> str:
    """`2022-01-05 10:31:00 UTC`; a day stays a day."""
    if not value:
        return NOT_SAID
    return f"{value[:19].replace('T', ' ')} UTC" if "T" in value else value


def _plural(kind: str, count: int) -> str:
    return kind if count == 1 or kind in ("captions", "audio") else f"{kind}s"


def _by_outcome(f: Figures) -> dict[str, int]:
    found: dict[str, int] = {}
    for (how, _), count in f.not_kept.most_common():
        found[how] = found.get(how, 0) + count
    return found


__all__ = ["Report", "edited", "text", "write_report"]
