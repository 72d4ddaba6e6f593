"""`archiver export`: shows who and what becomes visible, asks, makes the package, searches it, signs it."""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.checks.lines import Finding
from archiver.errors import ArchiverError, ExitCode, UsageError
from archiver.export.bag import Bag
from archiver.export.encrypting import encrypt
from archiver.export.material import gather
from archiver.export.packing import Plan, add_program, bag_info, fill, pseudonym_facts
from archiver.export.profiles import PROFILES, Shown, show
from archiver.export.proofs import basis
from archiver.export.report import write_report
from archiver.export.secrets import known_secrets
from archiver.home.age import recipients_of
from archiver.home.home import Home
from archiver.home.paths import given_folder
from archiver.home.people import fingerprint, key_words
from archiver.home.ports import SHORTEST_SECRET, SecretSearch, Signer
from archiver.text.plain import many, size
from storage.digest import file_sha256
from storage.errors import DiskError, disk_error
from storage.events import Event

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

RESERVE = 64 << 20
"""Bytes that shall be left on the disk."""


class Leaked(ArchiverError):
    """The search found what must not leave. Nothing was signed."""

    exit_code = ExitCode.FAILED


EXAMPLE = "archiver export almaty --to /media/usb --profile full --encrypt-to age1…"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver export` takes."""
    parser.add_argument("case", metavar="CASE", help="The case.")
    parser.add_argument(
        "--to", type=given_folder, required=True, metavar="DIR", help="Folder that the package is written to."
    )
    profile = "What it shows: everything, what a partner may see, or what the public may see."
    parser.add_argument("--profile", required=True, choices=PROFILES, help=profile)
    encrypt = "Age public key that may open it; repeatable."
    parser.add_argument("--encrypt-to", action="append", default=[], metavar="KEY", help=encrypt)
    plain = "With full: do not encrypt (default: encrypt to the case's own keys)."
    parser.add_argument("--no-encrypt", action="store_true", help=plain)
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="Only this capture; repeatable.")
    parser.add_argument("--privileged", action="store_true", help="Include notes marked as privileged.")
    parser.add_argument("--name", metavar="NAME", help="Name of the package (default: case, profile, checkpoint).")
    checkpoint = "Size of the ledger that it is made for (default: the latest)."
    parser.add_argument("--checkpoint", type=int, metavar="N", help=checkpoint)
    leaks = "With full: continue though a secret stands in a recording."
    parser.add_argument("--accept-leaks", action="store_true", help=leaks)
    sure = "State that you have read and agreed to the list of what becomes visible."
    parser.add_argument("--yes", action="store_true", help=sure)


def run(context: Context) -> int:
    """Make a package. Nothing leaves unless it was shown and agreed to."""
    arguments, console, home = context.arguments, context.console, context.recovered_home()
    to = arguments.to
    keys = list(arguments.encrypt_to)
    if arguments.profile == "full" and not keys and not arguments.no_encrypt:
        keys = home.recipients([arguments.case])
    recipients = recipients_of(keys)
    signer = context.signer(home)
    material = gather(home, arguments.case, arguments.only, context.fetch(home))
    base = basis(home, material, arguments.checkpoint)
    secret = signer.pseudonym_secret(pseudonym_facts(material, arguments.profile, base))
    shown = show(material, arguments.profile, secret, arguments.privileged)
    name = arguments.name or f"{arguments.case}-{arguments.profile}-{base.size}"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}", name):
        raise UsageError("--name of letters, digits, dot, dash", repr(name), "Choose another.")
    plan = Plan(name, shown, base, arguments.privileged, secret, arguments.accept_leaks)
    final = to / f"{name}.tar.age" if recipients else to / name
    if arguments.accept_leaks and arguments.profile != "full":
        raise UsageError("--accept-leaks only with --profile full", arguments.profile, "Leave it out.")
    if final.exists():
        raise UsageError(f"no {final} yet", "one", "Remove it, or export to another folder.")
    _preview(context, home, plan, keys)
    if not arguments.yes and not _agreed(context):
        console.say("nothing was exported")
        return ExitCode.USAGE
    # What is to be encrypted is put together inside the home: no plain copy ever lies where the package goes.
    work = home.path / "exports" if recipients else to
    _room(work, shown)
    try:
        to.mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise disk_error(error, f"making {to}") from error
    bag = Bag(work / name, plan.key())
    fill(home, signer, bag, plan, lambda what: None)
    write_report(home, bag, plan)
    add_program(bag)

    known = known_secrets(home, shown, context.decryptor(home))
    searched: list[SecretSearch] = []

    def nothing_leaks() -> None:
        with ThreadPoolExecutor(1) as beside:
            reading = beside.submit(bag.read_back)
            found = signer.find_secrets(bag.partial, known)
            reading.result()
        searched.append(found)
        if arguments.accept_leaks:
            for leak in found.leaks:
                console.warn(f"  ! {leak.name} stands in {leak.file}: accepted")
        elif found.leaks:
            first = found.leaks[0]
            raise Leaked(
                "a package without secrets",
                f"{len(found.leaks)} places, first: {first.name} in {first.file}",
                f"Nothing was signed; what was made lies in {bag.partial}. Withhold or redact that, or change what is secret; "
                "--accept-leaks is for recordings that cannot be otherwise, in a full package to somebody you trust.",
            )

    folder = bag.finish(bag_info(plan), signer.sign_note, nothing_leaks)
    lines = [line for line in check_package(folder, home) if line.finding is Finding.DAMAGED]
    if lines:
        raise DiskError("a package that is intact", lines[0].text(), f"Do not hand out {folder}. Run the export again.")
    digest = file_sha256(folder / "tagmanifest-sha512.txt").hexdigest()
    if recipients:
        try:
            encrypt(folder, final, recipients)
        finally:  # no plain copy stays behind, nor hinders the next attempt
            shutil.rmtree(folder)
    files, total = len(bag.files), sum(one.size for one in bag.files.values())
    event = _record(home, signer, plan, digest, bool(recipients))
    console.say(f"\nmade       {final}")
    console.say(
        f"           {files} files, {size(total)}" + (f", {bag.resumed} of them done before" if bag.resumed else "")
    )
    console.say(f"searched   {_search_said(searched[-1])}")
    console.say(f"recorded   as event {event}")
    whole = fingerprint(home.ledger_key_text())
    console.say(f"fingerprint to give by another way: {' '.join(key_words(whole))}\n           {whole}")
    console.data(
        {
            "package": str(final), "profile": shown.profile, "files": files, "bytes": total, "event": event,
            "tagmanifest_sha256": digest, "encrypted": bool(recipients), "fingerprint": whole, "resumed": bag.resumed,
            "accepted_leaks": len(searched[-1].leaks),
        }
    )  # fmt: skip
    return 0


def _search_said(found: SecretSearch) -> str:
    """Say what the search found, and what it cannot find."""
    short = found.too_short
    unsearched = (
        f"; {many(short, 'secret')} of fewer than {SHORTEST_SECRET} bytes cannot be searched for" if short else ""
    )
    if not found.leaks:
        return f"no known secret stands in it{unsearched}"
    named, files = ({leak.name for leak in found.leaks}, {leak.file for leak in found.leaks})
    return f"{many(len(named), 'known secret')} in {many(len(files), 'file')}, accepted{unsearched}"


def check_package(folder: Path, home: Home) -> list[Any]:
    from archiver.checks.package import check_ours

    # Every file has just been read back, and what went into the WACZ was held against what was sealed.
    return check_ours(folder, fingerprint(home.ledger_key_text()), None, bodies=False)


def _record(home: Home, signer: Signer, plan: Plan, digest: str, encrypted: bool) -> int:
    detail = {
        "case": plan.shown.case,
        "package": plan.name,
        "profile": plan.shown.profile,
        "checkpoint": plan.base.size,
        "captures": [capture.id for capture in plan.shown.material.captures],
        "withheld": len(plan.shown.withheld),
        "tagmanifest_sha256": digest,
        "encrypted": encrypted,
    }
    seq = signer.append([Event("exported", home.clock(), detail)])[0].seq
    home.project()
    return seq


def _room(folder: Path, shown: Shown) -> None:
    """Raises `DiskError` before anything is written where it will not fit."""
    captures = shown.material.captures
    raw = sum(entry["size"] for capture in captures for entry in capture.manifest["files"])
    media = sum(
        {file.media.sha256: file.media.size for card in shown.cards for file in card.every_file if file.name}.values()
    )
    needed = media + (raw if shown.profile == "full" else 0) + RESERVE
    there = folder
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    if free < needed:
        raise DiskError(f"{size(needed)} free at {there}", size(free), "Make room, or export to another disk.")


def _agreed(context: Context) -> bool:
    if context.console.as_json or not sys.stdin.isatty():
        raise UsageError("a yes on the terminal, or --yes", "neither", "Read the list above; then add --yes.")
    return input("Make this package? yes/no [no] ").strip().lower() in ("y", "yes")


def preview(home: Home, plan: Plan, keys: list[str]) -> list[tuple[str, str]]:
    """Who and what becomes visible to whoever opens the package, in lines for a person."""
    shown, material = plan.shown, plan.shown.material
    m, n = len(material.all_of_case), len(material.captures)
    lines = [("package", f"{plan.name}, profile {shown.profile}, at checkpoint {plan.base.size}")]
    lines.append(
        (
            "captures",
            f"{n} of {m} of the case {shown.case}; the others appear as commitments only"
            if n < m
            else f"all {n} of the case {shown.case}",
        )
    )
    lent = {other for capture in material.captures for other in capture.lent}
    if elsewhere := lent - {capture.id for capture in material.captures}:
        lines.append(
            (
                "",
                f"{len(elsewhere)} captures of other cases hold pieces of files: whoever checks cannot tell of these files",
            )
        )
    authors = Counter(card.author for card in shown.cards if card.author_shown and not card.hidden)
    if authors:
        named = ", ".join(f"{name} ({count})" for name, count in authors.most_common(12))
        lines.append(("people", f"{len(authors)} accounts are named: {named}{' …' if len(authors) > 12 else ''}"))
    if shown.pseudonyms:
        lines.append(("", f"{shown.pseudonyms} accounts stand under a pseudonym made for this package"))
    files = [file for card in shown.cards for file in card.every_file]
    there = {file.name for file in files if file.name}
    lines.append(
        (
            "media",
            f"{len(there)} files"
            + (
                f"; {sum(file.name is None for file in files)} left out"
                if any(file.name is None for file in files)
                else ""
            ),
        )
    )
    unseen = sum(card.sensitive and not card.hidden for card in shown.cards)
    if unseen:
        lines.append(("", f"{unseen} of {len(shown.cards)} exhibits are sensitive or were never reviewed"))
    if shown.profile == "full":
        agents = sorted(
            {f"{event['agent']['id']} ({event['agent'].get('role') or 'collector'})" for event in material.events}
        )
        lines.append(("signers", f"{', '.join(agents)}, with their public keys"))
        others = {name for event in material.events for name in event["detail"].get("cases", [])} - {shown.case}
        if others:
            lines.append(("cases", f"also named: {', '.join(sorted(others))}"))
        lines.append(("raw", "recordings as received: bodies may show our address or account as the sites saw them"))
        hosts = {host for capture in material.captures for host in capture.manifest["hosts"]}
        lines.append(("", f"{len(hosts)} hosts that were contacted, with times"))
    if shown.annotations:
        kinds = Counter(event["detail"]["kind"] for event in shown.annotations)
        lines.append(("words", ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())))
    privileged = sum(bool(event["detail"].get("privileged")) for event in material.annotations)
    if privileged:
        lines.append(("", f"{privileged} privileged notes are {'INCLUDED' if plan.privileged else 'left out'}"))
    lines.append(("withheld", f"{len(shown.withheld)} things, each listed with its reason"))
    lines.append(
        ("signed by", f"key {fingerprint(home.ledger_key_text())[:16]}…, the same in every package of this home")
    )
    lines.append(
        ("encrypted", f"to {', '.join(key[:14] + '…' for key in keys)}" if keys else "NO: whoever gets it can open it")
    )
    if any(plan.base.covering(capture.seq) is None for capture in material.captures):
        lines.append(("time", "NOT TIMESTAMPED in part or whole; `archiver seal` before the export mends that"))
    if material.test_routes:
        lines.append(("", "made with test routes: not evidence"))
    return lines


def _preview(context: Context, home: Home, plan: Plan, keys: list[str]) -> None:
    context.console.say("This becomes visible:")
    lines = preview(home, plan, keys)
    for name, text in lines:
        context.console.say(f"  {name:<10} {text}")
    context.console.data({"preview": [[name, text] for name, text in lines]})
