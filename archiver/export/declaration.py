"""The parts of the report that are the same for every case: method, limits, the draft of a declaration, the glossary."""

from __future__ import annotations

import platform
import ssl
from importlib.metadata import version

from archiver.export.dossier import Figures
from archiver.export.packing import PackagePlan
from archiver.export.profiles import PackageView
from archiver.home.home import Home
from archiver.home.people import fingerprint
from archiver.text.plain import many
from archiver.version import SOFTWARE


def versions() -> list[tuple[str, str]]:
    """List what made the package, by name and version."""
    libraries = ("cryptography", "warcio", "scrapy", "telethon", "yt-dlp", "rfc3161-client", "opentimestamps")
    return [
        ("archiver", SOFTWARE.partition("/")[2]),
        ("Python", platform.python_version()),
        ("OpenSSL", ssl.OPENSSL_VERSION),
    ] + [(name, version(name)) for name in libraries]


PROOFS = (
    (
        "digests, manifest, ledger",
        "nothing of a sealed capture was changed, added or removed",
        "that the recording was of the right thing",
    ),
    (
        "signature with a known fingerprint",
        "the holder of that key made this package",
        "who that is, beyond what you were told with the fingerprint",
    ),
    (
        "timestamp",
        "the ledger, and what is in it, existed at that time, as an outsider says",
        "that it was made at that time, or that what it shows happened then",
    ),
    (
        "certificate chain",
        "the connection was with somebody who held a certificate for that host name",
        "that the host stands behind the content: certificates name connections",
    ),
    (
        "checkpoint held by somebody else",
        "history since then was not rewritten",
        "that something was entered which never was",
    ),
)
"""What each proof proves: its name, what it shows, what it does not."""

LIMITS = (
    "Our clock gives the times of recording; each capture notes whether it jumped.",
    "Platforms serve different people different things. What is here was served to us, by the way that each capture notes.",
    "By a Telegram account: that protocol has no certificates, so whoever holds the account's key could have made the bytes.",
    "Pages in a browser are as that browser drew them, without a login.",
    "The package check and the program's own check were written by one team; both are compared on packages with known defects. "
    "The tools of others that README.txt names share no code with either.",
    "No rate of errors has been measured on material from outside; the parsers' own tests stand on recordings of the platforms.",
)


METHOD = (
    "A recorder between our programs and the network wrote each request and answer into WARC files (ISO 28500) as they "
    "crossed the wire, with the certificate chain that the server presented. When a capture ended, its files were hashed "
    "(SHA-256), its manifest was entered as an event in an append-only ledger (a Merkle tree, RFC 6962), and the ledger's "
    "root was signed (Ed25519). Posts were read out of the recorded bytes by parsers; counts that do not come from the "
    "parsers stand beside theirs."
)


def self_test(plan: PackagePlan, f: Figures) -> str:
    """Tell what the program looked at when it made the package."""
    return (
        f"When this package was made, the program checked {many(f.captures, 'capture')} again ({f.intact} intact), searched the "
        f"whole package for the secrets it knows, and checked the finished package. {_searched(plan)}"
    )


def _searched(plan: PackagePlan) -> str:
    if plan.accept_leaks:
        return "Its maker had said beforehand that secrets which stand in the recordings themselves are accepted."
    return "Had the search found one, the package would not have been signed."


def draft(home: Home, shown: PackageView, plan: PackagePlan, f: Figures) -> tuple[str, ...]:
    """Draft the fields for FRE 902(13) and (14) and the Berkeley Protocol's record of collection.

    A lawyer finishes it.
    """
    blank = "________________"
    people = sorted(
        {event["agent"]["id"] for event in shown.material.events if event["type"] in ("captured", "recovered")}
    )
    public = shown.profile == "public"
    signers = "(not named in a public package)" if public else ", ".join(people)
    when = blank if public else f"{f.first} and {f.last}"
    return (
        f"I, {blank}, am {blank} at {blank}. I am familiar with the process described here and make this declaration from my own knowledge.",
        f"The material was recorded by the program {SOFTWARE}, which writes what servers send as they send it, as section "
        "“How this was recorded” describes. "
        f"To my knowledge the process worked as described on the days of recording: {blank}.",
        f"It holds {many(f.captures, 'capture')}, recorded between {when} by persons under the pseudonyms {signers}.",
        "Digital identification: each file is identified by its SHA-256 in the manifests of the package; the "
        "manifests are signed by the key with the fingerprint "
        f"{fingerprint(home.ledger_key_text())}.",
        "The digests were computed when each capture was sealed and computed again when this package was made: "
        f"{f.intact} of {f.captures} captures were unchanged.",
        f"State of the clock on the days of recording, and how it is set: {blank}.",
        f"Custody since recording: {blank}. Copies were made for: {blank}.",
        f"What was left out of this package, and why, is listed in the table withheld ({many(len(shown.withheld), 'line')}). "
        f"What was found and not kept is {'only counted, in the section' if public else 'listed in the table not-kept, and counted in the section'} "
        "“Found and not kept”.",
        f"I declare under penalty of perjury that the foregoing is true and correct. Place, date, signature: {blank}",
    )


WORDS = (
    (
        "annotation",
        "what a person added: a note, a place, a translation, a conclusion; signed, and kept apart from what was recorded",
    ),
    ("capture", "one recording, closed and sealed"),
    ("check", "whether something is what it was when it was sealed; says nothing of what it shows"),
    ("checkpoint", "a signed statement of how long the ledger is and what its root is"),
    ("commitment", "a salted digest: proves later that a value was there, without telling it"),
    ("item", "a post, page or file with everything that was seen of it; courts give exhibits their own numbers"),
    ("intact", "every digest is what it was when it was sealed"),
    ("ledger", "the list of everything that was done, which can only grow"),
    ("sealed", "closed and entered in the ledger"),
    ("timestamped", "an outside authority has signed that a checkpoint existed at a time"),
    ("partial", "some of it could not be kept; the reason stands beside it"),
    ("unavailable", "the platform itself says that it is not there"),
    ("refused", "the platform asks for a login or does not show it to us"),
    ("blocked", "the platform stopped us: too many requests, or a test against machines"),
    ("failed", "our own fault: network or program"),
    ("skipped", "left out by rule"),
)
