"""Making a package, from the request to the signed event: gather, show, ask, fill, search, sign, check, encrypt, record."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from archiver.casework.same_recording import open_copies
from archiver.checks.lines import Finding
from archiver.checks.package import PackageReport, check_ours
from archiver.checks.package.report import in_columns
from archiver.errors import ArchiverError, ExitCode, UsageError
from archiver.export.bag import TAGS, Bag, partial_of
from archiver.export.encrypting import VOLUMES, pack
from archiver.export.packing import PackagePlan, add_documents, bag_info, fill, pseudonym_facts
from archiver.export.preview import PreviewLine, preview
from archiver.export.profiles import PROFILES, PackageView, show
from archiver.export.progress import ExportProgress, Steps
from archiver.export.proofs import basis
from archiver.export.report import write_report
from archiver.export.report.contents import contents_of
from archiver.export.report.page import drawings_of
from archiver.export.secrets import known_secrets
from archiver.export.target import SMALLEST_VOLUME, Needs, refuse_what_does_not_fit, target_error
from archiver.export.view import write_view
from archiver.home.age import recipients_of
from archiver.home.home import Home
from archiver.home.people import fingerprint
from archiver.home.ports import Decryptor, Fetch, PackageSigner, SecretSearch, Signer
from archiver.lookup.material import gather
from archiver.text.plain import many
from storage.digest import file_sha256, keyed
from storage.errors import DiskError
from storage.events import Event

MOST_COPIES = 10
"""Copies that are named one by one."""


class Leaked(ArchiverError):
    """The search found something that must not leave the home. Nothing was signed."""

    exit_code = ExitCode.FAILED


class CopiesNotCovered(ArchiverError):
    """Files that may show what was covered or quarantined elsewhere. Nothing was made."""


@dataclass(frozen=True)
class PackageRequest:
    """Request for a package: of what, for whom, and where to. Raises `UsageError` where it contradicts itself."""

    case: str
    to: Path
    profile: str
    only: tuple[str, ...] = ()
    """Captures of the case, by their ids; none: all of them."""
    encrypt_to: tuple[str, ...] = ()
    """age public keys; none: a full package is encrypted to the keys of its case, another is not encrypted."""
    plain: bool = False
    """Whether a full package is left unencrypted where no key is named."""
    checkpoint: int | None = None
    privileged: bool = False
    name: str | None = None
    accept_leaks: bool = False
    volume: int | None = None
    """Bytes of each file that the package is cut into; None: it stays whole."""

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise UsageError(f"--profile {'|'.join(PROFILES)}", repr(self.profile), "Choose a profile.")
        if self.accept_leaks and self.profile != "full":
            raise UsageError("--accept-leaks only with --profile full", self.profile, "Leave it out.")
        if self.volume is not None and self.volume < SMALLEST_VOLUME:
            raise UsageError("--volumes of at least 1M", str(self.volume), "Correct it.")


@dataclass(frozen=True)
class Package:
    """A package that was made, checked and entered in the ledger."""

    path: Path
    profile: str
    files: int
    bytes: int
    """Of its files, before encryption."""
    event: int
    fingerprint: str
    """Of the key that signed it."""
    tagmanifest_sha256: str
    encrypted: bool
    resumed: int
    """How many files an interrupted export had written already."""
    searched: SecretSearch
    """What the search for secrets found; leaks only where they were accepted."""


def make_package(
    home: Home,
    signer: PackageSigner,
    request: PackageRequest,
    confirm: Callable[[list[PreviewLine]], bool],
    *,
    fetch: Fetch,
    decryptor: Decryptor,
    progress: Callable[[ExportProgress], None] = lambda progress: None,
) -> Package | None:
    """Make a package, check it and enter it in the ledger.

    None where `confirm`, which is given what becomes visible, says no. Whatever ends it early, the same call goes on
    from the files that are complete. Raises `UsageError`, `NotFound`, `CannotTell`, `CopiesNotCovered`, `Leaked`, `DiskError`,
    `FormatError`, `ConversionError`, `LedgerError`.
    """
    keys = list(request.encrypt_to)
    if request.profile == "full" and not keys and not request.plain:
        keys = home.recipients([request.case])
    recipients = recipients_of(keys)
    plan = _plan(home, signer, request, fetch)
    packed = bool(recipients) or request.volume is not None
    name = f"{plan.name}{'.tar' if packed else ''}{'.age' if recipients else ''}"
    final = request.to / f"{name}{VOLUMES if request.volume is not None else ''}"
    if os.path.lexists(final):
        raise UsageError(f"no {final} yet", "one", "Remove it, or export to another folder.")
    # What leaves as one file is put together inside the home: no plain copy ever lies where an encrypted package goes.
    work = home.path / "exports" if packed else request.to
    needs = _needs(plan.shown)
    done = _bytes_in(partial_of(work / plan.name)) + (_bytes_in(work / plan.name) if packed else 0)
    refuse_what_does_not_fit(needs, work, request.to, volume=request.volume, one_file=packed, done=done)
    if request.profile != "full":
        _refuse_open_copies(home, plan)
    if not confirm(preview(home, plan, keys, needs.whole)):
        return None
    _make_folders(home, request.to, work)
    steps = Steps(progress)
    steps.begin("writing", needs.whole)
    bag = Bag(work / plan.name, plan.key(), home.path / "exports", own=packed, read=steps.add)
    folder, searched = _made(home, signer, bag, plan, decryptor, steps)
    digest = file_sha256(folder / TAGS).hexdigest()
    if packed:
        steps.begin("encrypting" if recipients else "packing", sum(one.size for one in bag.files.values()))
        pack(folder, final, recipients, request.volume, steps.add)
        bag.remove()
    bag.forget()
    return Package(
        path=final,
        profile=request.profile,
        files=len(bag.files),
        bytes=sum(one.size for one in bag.files.values()),
        event=_record(home, signer, plan, digest, bool(recipients)),
        fingerprint=fingerprint(home.ledger_key_text()),
        tagmanifest_sha256=digest,
        encrypted=bool(recipients),
        resumed=bag.resumed,
        searched=searched,
    )


def _plan(home: Home, signer: PackageSigner, request: PackageRequest, fetch: Fetch) -> PackagePlan:
    material = gather(home, request.case, list(request.only), fetch)
    base = basis(home, material, request.checkpoint)
    secret = signer.pseudonym_secret(pseudonym_facts(material, request.profile, base))
    shown = show(material, request.profile, secret, request.privileged, base.renewals)
    # What everybody may read does not name the case, nor how long the ledger was.
    own = f"public-{keyed(secret, b'name').hex()[:8]}"
    name = request.name or (own if request.profile == "public" else f"{request.case}-{request.profile}-{base.size}")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}", name):
        raise UsageError("--name of letters, digits, dot, dash", repr(name), "Choose another.")
    return PackagePlan(name, shown, base, request.privileged, secret, request.accept_leaks)


def _refuse_open_copies(home: Home, plan: PackagePlan) -> None:
    """Raise `CopiesNotCovered` where a file that goes out may show what was covered or quarantined elsewhere."""
    going = {file.media.sha256 for card in plan.shown.cards for file in card.every_file if file.name is not None}
    found = [one for one in open_copies(home, plan.shown.material) if one.media.sha256 in going]
    if found:
        lines = "\n".join(f"  {one.words()}\n    {one.command()}" for one in found[:MOST_COPIES])
        more = f"\n  and {len(found) - MOST_COPIES} more" if len(found) > MOST_COPIES else ""
        raise CopiesNotCovered(
            "every copy of what was covered or quarantined to be covered as well",
            f"{many(len(found), 'file')} that may be such a copy:\n{lines}{more}\n",
            "Look at each: cover it with --box or --mute, or, if it shows something else, say so with --another.",
        )


def _needs(shown: PackageView) -> Needs:
    """Return about how large a package becomes: its recordings and media; the rest is small."""
    captures = shown.material.captures
    raw = sum(entry["size"] for capture in captures for entry in capture.manifest["files"])
    raw = raw if shown.profile == "full" else 0
    media = {file.media.sha256: file.media.size for card in shown.cards for file in card.every_file if file.name}
    return Needs(raw + sum(media.values()), max([raw, *media.values()]))


def _bytes_in(folder: Path) -> int:
    """Return what an interrupted export has written; 0 where there is none."""
    if folder.is_symlink() or not folder.is_dir():
        return 0
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def _make_folders(home: Home, to: Path, work: Path) -> None:
    try:
        to.mkdir(parents=True, exist_ok=True)
        for folder in (work, home.path / "exports"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise target_error(error, f"making {to}") from error


def _made(
    home: Home, signer: PackageSigner, bag: Bag, plan: PackagePlan, decryptor: Decryptor, steps: Steps
) -> tuple[Path, SecretSearch]:
    """Write all of it, search it for secrets, sign it, and check it as whoever gets it will."""
    fill(home, signer, bag, plan)
    contents = contents_of(home, bag, plan)
    drawings = drawings_of(contents)
    write_view(bag, contents, drawings)
    write_report(bag, contents, drawings)
    add_documents(bag, plan.shown.profile)
    known = known_secrets(home, plan.shown, decryptor)
    searched: list[SecretSearch] = []

    def nothing_leaks() -> None:
        steps.begin("searching for secrets", sum(one.size for one in bag.files.values()))
        with ThreadPoolExecutor(1) as beside:
            reading = beside.submit(bag.read_back)
            try:
                found = signer.find_secrets(bag.partial, known)
                reading.result()
            except BaseException:
                bag.give_up()
                raise
        searched.append(found)
        if found.leaks and not plan.accept_leaks:
            first = found.leaks[0]
            bag.remove()
            raise Leaked(
                "a package without secrets",
                f"{len(found.leaks)} places, first: {first.name} in {first.file}",
                "Nothing was signed, and the unfinished package was removed. Withhold or redact that content, or change the secret. "
                "Use --accept-leaks only for a full package to somebody you trust.",
            )

    folder = bag.finish(bag_info(plan), signer.sign_note, nothing_leaks)
    wrong = (Finding.TAMPERED, Finding.MISSING)
    damaged = [line for line in check_package(folder, home).lines if line.finding in wrong]
    if damaged:
        raise DiskError(
            "a package that is intact", in_columns(damaged[0]), f"Do not hand out {folder}. Run the export again."
        )
    return folder, searched[-1]


def check_package(folder: Path, home: Home) -> PackageReport:
    """Check a package that was just made, against the key of this home."""
    # Every file has just been read back, and what went into the WACZ was held against what was sealed.
    return check_ours(folder, fingerprint(home.ledger_key_text()), None, bodies=False)


def _record(home: Home, signer: Signer, plan: PackagePlan, digest: str, encrypted: bool) -> int:
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
