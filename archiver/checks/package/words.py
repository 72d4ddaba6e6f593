"""What a package says of itself: whether it is evidence, and what in it is the signer's words."""

from __future__ import annotations

from archiver.checks.package.files import Absent, PackageFiles, Row
from archiver.checks.package.places import WORDED
from archiver.checks.package.run import run
from archiver.checks.proofs import Bad
from storage.digest import sha256_hex

DOCUMENTS = ("START-HERE.html", "README.txt", "bagit-profile.json", "check.py")
_KEYS = frozenset((
    "captures", "checkpoint", "format", "key", "made", "name", "not_in_package", "profile", "software", "tables",
    "test_routes", "withheld",
))  # fmt: skip
"""What data/package.json says in every package."""


def routes(files: PackageFiles) -> str:
    """Compare what it says of test routes with the sealed manifests; return an empty text."""
    sealed = [capture.manifest["test_routes"] for capture in files.captures]
    said = files.package.get("test_routes")
    if type(said) is not bool or (sealed and said != any(sealed)):
        raise Bad("data/package.json hides, or claims, that it was made with test routes")
    if said:
        files.report.add("NOT EVIDENCE")
        files.note("routes", "NOT EVIDENCE: made with test routes, as the demo and the tests do")
    return ""


def signers_words(files: PackageFiles) -> None:
    """Name what is not held against anything: people read it, and it says what the signer wanted it to say."""
    if files.version == 1:
        files.report.add("made by the rules of version 1, which hold less")
        everything = "everything in data/ that people read, but for posts.json and media"
        files.note("signer's words", f"{everything}: not held against the recordings")
        return
    if files.released is not None:
        run(files, "documents", documents)
    if files.profile == "full":
        pages = sorted(name for name in files.names if WORDED.fullmatch(name))
        view = sum(name.startswith("data/view/") for name in pages)
        named = [name for name in pages if not name.startswith("data/view/")]
        named += [f"data/view/ ({view} files)"] if view else []
        named.append("data/tables/withheld")
        named += _further(files.package)
    else:
        named = ["all of data/: what it was made from is not in the package"]
    files.note("signer's words", f"{', '.join(named)}: not held against the recordings")
    if files.profile != "full":
        files.report.add("its contents rest on the signer's word")


def _further(package: Row) -> list[str]:
    """Name what data/package.json says beside what this check knows: a later release may say more, and so may the signer."""
    selected = [item for item in package["captures"] if item.keys() - {"event", "id"}]
    count = len(package.keys() - _KEYS) + len(selected) + len(package["checkpoint"].keys() - {"root", "size"})
    return [f"data/package.json ({count} things that this check does not know)"] if count else []


def documents(files: PackageFiles) -> str:
    """Note which texts differ from those that every package of this release holds; return an empty text."""
    released = files.released or {}
    for name in DOCUMENTS:
        if name not in files.names:
            raise Absent(f"{name} is not there")
        digest = sha256_hex(files.read(name))
        if digest in (released.get(name), released.get(f"{files.profile} {name}")):
            continue
        what = (
            "do not run it: take it from the makers, by another channel" if name == "check.py" else "the signer's words"
        )
        files.note("documents", f"{name} is not the one of this release ({digest[:16]}…): {what}")
    return ""
