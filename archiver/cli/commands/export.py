"""`archiver export`: shows who and what becomes visible, asks, makes the package, searches it, signs it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from archiver.cli.arguments import count
from archiver.errors import ExitCode, UsageError
from archiver.export.profiles import PROFILES
from archiver.export.target import volume_size
from archiver.home.paths import given_folder, refuse_inside
from archiver.text.plain import many, size

if TYPE_CHECKING:
    from archiver.cli.console import Console
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.export.make import Package
    from archiver.export.preview import PreviewLine
    from archiver.export.to_review import ReviewStep
    from archiver.home.home import Home
    from archiver.home.ports import SecretSearch

EXAMPLE = 'archiver export almaty --to /media/usb --profile full --encrypt-to "$(cat counsel.pub)"'


STOPPED = (
    "What is complete is kept; the same command goes on from there. If you do not go on, remove the folder that ends in "
    ".partial: it was not searched for secrets yet."
)


def add_arguments(parser: Parser) -> None:
    """Add what `archiver export` takes."""
    parser.add_argument("case", metavar="CASE", help="Case to export.")
    to = "Folder to write the package to (without it, --profile public lists what has to be looked at first)."
    parser.add_argument("--to", type=given_folder, metavar="DIR", help=to)
    profile = "Content: everything (full), or what a partner or the public may see."
    parser.add_argument("--profile", required=True, choices=PROFILES, help=profile)
    encrypt = "Encrypt to this age public key; repeatable."
    parser.add_argument("--encrypt-to", action="append", default=[], metavar="KEY", help=encrypt)
    plain = "Leave a full package unencrypted (default: encrypt to the case's own keys)."
    parser.add_argument("--no-encrypt", action="store_true", help=plain)
    parser.add_argument(
        "--only", action="append", default=[], metavar="ID", help="Export only this capture; repeatable."
    )
    parser.add_argument("--privileged", action="store_true", help="Include notes marked as privileged.")
    parser.add_argument("--name", metavar="NAME", help="Name of the package (default: case, profile, checkpoint).")
    checkpoint = "Build the package as of this checkpoint number (default: the first timestamped one that covers "
    checkpoint += "everything in it, else the first that does)."
    parser.add_argument("--checkpoint", type=count, metavar="N", help=checkpoint)
    leaks = "Continue a full export even if a recording contains a secret."
    parser.add_argument("--accept-leaks", action="store_true", help=leaks)
    volumes = "Cut the package into files of this size, such as 4G for a FAT32 stick (default: one file, or a folder)."
    parser.add_argument("--volumes", type=volume_size, metavar="SIZE", help=volumes)
    sure = "Accept the list of what becomes visible, without asking."
    parser.add_argument("--yes", action="store_true", help=sure)


def run(context: Context) -> int:
    """Make a package. Nothing leaves unless it was shown and agreed to."""
    from archiver.cli.pace import Pace
    from archiver.export.make import PackageRequest, make_package

    arguments, console = context.arguments, context.console
    if arguments.to is None:
        if arguments.profile != "public":
            raise UsageError("--to DIR", "no folder", "Name the folder to write the package to.")
        return _list_steps(context)
    refuse_inside(context.home_path, arguments.to)
    home = context.recovered_home()
    request = PackageRequest(
        case=arguments.case,
        to=arguments.to,
        profile=arguments.profile,
        only=tuple(arguments.only),
        encrypt_to=tuple(arguments.encrypt_to),
        plain=arguments.no_encrypt,
        checkpoint=arguments.checkpoint,
        privileged=arguments.privileged,
        name=arguments.name,
        accept_leaks=arguments.accept_leaks,
        volume=arguments.volumes,
    )

    if request.profile == "public" and (left := len(_steps(context, home))):
        console.say(
            f"To look at first: {many(left, 'thing')}; archiver export {request.case} --profile public lists what and how."
        )

    def confirm(lines: list[PreviewLine]) -> bool:
        console.say("This becomes visible:")
        for name, text in lines:
            console.say(f"  {name:<10} {text}")
        console.data({"preview": [[name, text] for name, text in lines]})
        return arguments.yes or _agreed(console)

    pace = Pace()
    try:
        package = make_package(
            home, context.signer(home), request, confirm, fetch=context.fetch(home), decryptor=context.decryptor(home),
            progress=lambda now: console.progress_of_work(pace.text(now.step, now.done, now.whole)),
        )  # fmt: skip
    except KeyboardInterrupt:
        raise KeyboardInterrupt(STOPPED if pace.begun else "Nothing was written.") from None
    if package is None:
        console.say("nothing was exported")
        return ExitCode.USAGE
    _say(console, package)
    return ExitCode.OK


def _steps(context: Context, home: Home) -> list[ReviewStep]:
    from archiver.export.to_review import steps_before_public
    from archiver.lookup.material import gather

    arguments = context.arguments
    material = gather(home, arguments.case, list(arguments.only), context.fetch(home))
    people = context.signer(home).keyring.people()
    reviewers = [name for name, (role, _) in people.items() if role == "reviewer"]
    return steps_before_public(home, material, reviewers)


def _list_steps(context: Context) -> int:
    """List what has to be looked at before a package for everybody, in order. Nothing is made."""
    console = context.console
    steps = _steps(context, context.recovered_home())
    for number, step in enumerate(steps, 1):
        console.say(f"{number}. {step.what}\n   {step.command}")
    console.say("" if steps else "Nothing is left to look at. Name a folder with --to DIR to make the package.")
    console.data({"to_look_at": [asdict(step) for step in steps]})
    return ExitCode.OK


def _agreed(console: Console) -> bool:
    if console.as_json or not sys.stdin.isatty():
        raise UsageError("a yes on the terminal, or --yes", "neither", "Read the list above; then add --yes.")
    try:
        return input("Make this package? yes/no [no] ").strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl-D
        return False


def _say(console: Console, package: Package) -> None:
    from archiver.home.people import key_words

    for leak in package.searched.leaks:
        console.warn(f"  ! {leak.name} found in {leak.file}: accepted")
    console.say(f"\nmade       {package.path}")
    resumed = f", {package.resumed} of them done before" if package.resumed else ""
    console.say(f"           {package.files} files, {size(package.bytes)}{resumed}")
    console.say(f"searched   {_search(package.searched)}")
    console.say(f"recorded   as event {package.event}")
    words = " ".join(key_words(package.fingerprint))
    console.say(
        f"fingerprint; give it through another channel, such as the telephone: {words}\n           {package.fingerprint}"
    )
    console.data(
        {
            "package": str(package.path), "profile": package.profile, "files": package.files, "bytes": package.bytes,
            "event": package.event, "tagmanifest_sha256": package.tagmanifest_sha256, "encrypted": package.encrypted,
            "fingerprint": package.fingerprint, "resumed": package.resumed,
            "accepted_leaks": len(package.searched.leaks),
        }
    )  # fmt: skip


def _search(found: SecretSearch) -> str:
    """Say what the search found, and what it cannot find."""
    from archiver.home.ports import SHORTEST_SECRET

    short = many(found.too_short, "secret")
    unsearched = f"; not searched for: {short} of fewer than {SHORTEST_SECRET} bytes" if found.too_short else ""
    if not found.leaks:
        return f"no known secret found{unsearched}"
    named, files = ({leak.name for leak in found.leaks}, {leak.file for leak in found.leaks})
    return f"{many(len(named), 'known secret')} in {many(len(files), 'file')}, accepted{unsearched}"
