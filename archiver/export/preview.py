"""Who and what becomes visible to whoever opens a package, in lines for the person who decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from archiver.export.packing import PackagePlan
from archiver.export.profiles import WORDS
from archiver.home.home import Home
from archiver.home.people import fingerprint
from archiver.text.plain import many, size

PreviewLine = tuple[str, str]
"""(what it is about, what to say of it); no name where it goes on with the line before."""


def preview(home: Home, plan: PackagePlan, keys: Sequence[str], needed: int) -> list[PreviewLine]:
    """Describe what a package will show. `keys`: the age public keys it is encrypted to; `needed`: its bytes, about."""
    return [
        *_captures(plan),
        ("size", f"about {size(needed)} of recordings and files" if needed else "words only"),
        *_people(plan),
        *_media(plan),
        *_joinable(plan),
        *(_raw(plan) if plan.shown.profile == "full" else ()),
        *_words(plan),
        ("withheld", _left_out(len(plan.shown.withheld))),
        ("signed by", f"key {fingerprint(home.ledger_key_text())[:16]}…, the same in every package of this home"),
        ("encrypted", f"to {', '.join(key[:14] + '…' for key in keys)}" if keys else "NO: whoever gets it can open it"),
        *_doubts(plan),
    ]


def _left_out(count: int) -> str:
    return many(count, "thing") + (f", listed with {'its reason' if count == 1 else 'their reasons'}" if count else "")


def _captures(plan: PackagePlan) -> Iterator[PreviewLine]:
    shown, material = plan.shown, plan.shown.material
    of_case, chosen = len(material.all_of_case), len(material.captures)
    yield "package", f"{plan.name}, profile {shown.profile}, at checkpoint {plan.base.size}"
    if chosen < of_case:
        yield (
            "captures",
            f"{chosen} of {of_case} of the case {shown.case}; the others appear as commitments only",
        )
    else:
        yield "captures", f"all {chosen} of the case {shown.case}"
    lent = {other for capture in material.captures for other in capture.lent}
    if elsewhere := lent - {capture.id for capture in material.captures}:
        yield (
            "",
            f"{len(elsewhere)} captures of other cases hold pieces of files: a check cannot tell whether these files are intact",
        )


def _people(plan: PackagePlan) -> Iterator[PreviewLine]:
    shown = plan.shown
    authors = Counter(card.author for card in shown.cards if card.author_shown and not card.hidden)
    if authors:
        named = ", ".join(f"{name} ({count})" for name, count in authors.most_common(12))
        yield "people", f"{many(len(authors), 'account')} named: {named}{' …' if len(authors) > 12 else ''}"
    if shown.pseudonyms and shown.profile == "public":
        yield "", f"{many(shown.pseudonyms, 'account')} not named, all called the same"
    elif shown.pseudonyms:
        yield "", f"{many(shown.pseudonyms, 'account')} under a pseudonym made for this package"


def _media(plan: PackagePlan) -> Iterator[PreviewLine]:
    cards = plan.shown.cards
    files = [file for card in cards for file in card.every_file]
    left_out = sum(file.name is None for file in files)
    there = {file.name for file in files if file.name}
    yield "media", many(len(there), "file") + (f"; {left_out} left out" if left_out else "")
    unseen = sum(card.sensitive and not card.hidden for card in cards)
    if unseen:
        yield "", f"{unseen} of {many(len(cards), 'item')} sensitive or never reviewed"


def _joinable(plan: PackagePlan) -> Iterator[PreviewLine]:
    """Tell how many items can be found again, elsewhere or in another package, by what is shown of them."""
    shown = plan.shown
    if shown.profile == "full":
        return
    cards = [card for card in shown.cards if not card.hidden and (shown.profile == "public" or not card.author_shown)]
    by = {
        "words": sum(any(view.post.get(name) for view in card.views for name in WORDS) for card in cards),
        "pictures, sound or other files": sum(any(file.name for file in card.every_file) for card in cards),
        "links": sum(any(view.post.get("url") for view in card.views) for card in cards),
    }
    whose = "" if shown.profile == "public" else " whose account is not shown"
    if found := ", ".join(f"{count} by their {what}" for what, count in by.items() if count):
        yield "findable", f"of {many(len(cards), 'item')}{whose}, in other packages or on the web: {found}"


def _raw(plan: PackagePlan) -> Iterator[PreviewLine]:
    """Tell what only a full package shows: who signed, other cases, recordings as received."""
    shown, material = plan.shown, plan.shown.material
    agents = {f"{event['agent']['id']} ({event['agent'].get('role') or 'collector'})" for event in material.events}
    yield "signers", f"{', '.join(sorted(agents))}, with their public keys"
    others = {name for event in material.events for name in event["detail"].get("cases", [])} - {shown.case}
    if others:
        yield "cases", f"also named: {', '.join(sorted(others))}"
    yield "raw", "recordings as received: bodies may show our address or account as the sites saw them"
    hosts = {host for capture in material.captures for host in capture.manifest["hosts"]}
    yield "", f"{many(len(hosts), 'host')} that the recorder contacted, with times"


def _words(plan: PackagePlan) -> Iterator[PreviewLine]:
    shown = plan.shown
    if shown.annotations:
        kinds = Counter(event["detail"]["kind"] for event in shown.annotations)
        yield "words", ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    privileged = sum(bool(event["detail"].get("privileged")) for event in shown.material.annotations)
    if privileged:
        yield "", f"{many(privileged, 'privileged note')} {'INCLUDED' if plan.privileged else 'left out'}"


def _doubts(plan: PackagePlan) -> Iterator[PreviewLine]:
    material = plan.shown.material
    if any(plan.base.covering(capture.seq) is None for capture in material.captures):
        yield "time", "NOT TIMESTAMPED in part or whole; `archiver seal` before the export mends that"
    if material.test_routes:
        yield "", "made with test routes: not evidence"
