"""Packages for the tests: a case with something of everything, and the means to tamper with a copy of a package."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archiver.checks import worst
from archiver.checks.package import check_ours
from archiver.cli.main import main
from archiver.demo.authorities import MiniAuthority
from archiver.export.bag import ALGORITHMS, SIGNATURE, signed_text
from archiver.export.wacz import signed_digest
from archiver.home.home import Home
from archiver.home.people import fingerprint
from archiver.recorder.network import TestNetwork
from archiver.signer.local import LocalSigner
from archiver.version import SOFTWARE
from spiders.targets import Target, parse_target
from storage.digest import Digests, sha256_label
from storage.note import NoteSigner, sign
from tests.conftest import CI, World, plain_home, set_in
from tests.support.checking import by_script_here, remembering
from tests.support.outsiders import Outsiders
from tests.support.signing import ledger_signer

LINKS = (
    "https://t.me/ozen_today/16",
    "https://youtu.be/Zh5janSq001",
    "https://x.com/ozen_today/status/1478660000000000004",
    "https://t.me/ozen_today/20",
    "https://blog.ozen.example/2011/12/17/square",
)


def target_url(link: str) -> str:
    target = parse_target(link)
    assert isinstance(target, Target)
    return target.url


class PackagedCase:
    """A home with a case `almaty`, stamped twice by two authorities, its key rotated in between; and its packages."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder = folder
        self.home = plain_home(folder / "home")
        self.outside = Outsiders(folder / "outside", self.home)
        self.outside.add("one", MiniAuthority(folder / "outside" / "one"))
        self.outside.add("two", MiniAuthority(folder / "outside" / "two", with_root=True))
        network = self.outside.serve("http")
        self.network = TestNetwork({**world.network.routes, **network.routes}, world.network.roots)
        self.run("case", "new", "almaty")
        self.run("capture", LINKS[0], "--case", "almaty")
        given = folder / "given"
        self.run("seal", "--write", str(given))
        self.given = given.read_bytes()
        self.old_key = self.home.ledger_key_text()
        self.run("keys", "rotate")
        set_in(self.home, wanted="false")  # the last `seal` has all of it stamped
        self.run("capture", *LINKS[1:], "--case", "almaty")
        self.run("capture", "https://t.me/ozen_today/12")  # in another case: shows nowhere
        film = folder / "film.mp4"
        film.write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(5000))
        self.run("receive", str(film), "--from", "S-014", "--via", "usb", "--case", "almaty")
        self.home = Home(self.home.path)
        ids = {row["target"]: row["id"] for row in self.home.catalog.captures("almaty")}
        self.captures = {link: ids[target_url(link)] for link in LINKS}
        self.run("note", self.captures[LINKS[0]], "the", "square", "seen", "from", "the", "north")
        set_in(self.home, wanted="true")
        self.run("seal")
        self.home = Home(self.home.path)
        self.fingerprint = fingerprint(self.home.ledger_key_text())

    def run(self, *words: str) -> int:
        return main(["--home", str(self.home.path), *words], self.network, {})

    def export(self, profile: str, to: Path, *words: str) -> Path:
        """The plain folder of a package."""
        plain = ("--no-encrypt",) if profile == "full" else ()
        code = self.run("export", "almaty", "--to", str(to), "--profile", profile, "--yes", *plain, *words)
        assert code == 0
        return max(to.iterdir(), key=lambda path: path.stat().st_mtime_ns)

    def close(self) -> None:
        self.outside.stop()

    # -- tampering by somebody who holds the keys ------------------------------------------------------

    def reseal(self, package: Path) -> None:
        """Makes manifests and signature anew, as an insider could: what is found then is found by what lies deeper."""
        write_manifests(package)
        signer = ledger_signer(self.home)
        sign_package(package, signer)

    def rewrite_wacz(self, package: Path, change: Callable[[dict[str, bytes]], None], listed: bool = True) -> None:
        """Packs the WACZ anew with changed entries; its own list, digest and signature are made to fit."""
        path = package / "data" / "archive.wacz"
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        change(entries)
        if listed:
            described = json.loads(entries.pop("datapackage.json"))
            entries.pop("datapackage-digest.json", None)
            described["resources"] = [
                {"name": name.rpartition("/")[2].lower(), "path": name, "hash": sha256_label(data), "bytes": len(data)}
                for name, data in entries.items()
            ]
            entries["datapackage.json"] = json.dumps(described, ensure_ascii=False, indent=1).encode()
            signed = signed_digest(
                entries["datapackage.json"], described["created"], SOFTWARE, LocalSigner(self.home).sign_wacz
            )
            entries["datapackage-digest.json"] = json.dumps(signed, indent=1).encode()
        write_zip(path, list(entries.items()))


def write_zip(path: Path, entries: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = method if name.startswith("archive/") else zipfile.ZIP_STORED
            archive.writestr(info, data)


def write_manifests(package: Path) -> None:
    files = sorted(path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file())
    files = [name for name in files if not re.match(r"(tag)?manifest-|signature/", name)]
    payload = [name for name in files if name.startswith("data/")]
    size = sum((package / name).stat().st_size for name in payload)
    info = (package / "bag-info.txt").read_text()
    (package / "bag-info.txt").write_text(re.sub(r"Payload-Oxum: .*", f"Payload-Oxum: {size}.{len(payload)}", info))
    tags = [name for name in files if not name.startswith("data/")]
    for kind in ALGORITHMS:
        (package / f"manifest-{kind}.txt").write_text(listing(package, payload, kind))
    for kind in ALGORITHMS:
        named = [*tags, *(f"manifest-{other}.txt" for other in ALGORITHMS)]
        (package / f"tagmanifest-{kind}.txt").write_text(listing(package, sorted(named), kind))


def listing(package: Path, names: list[str], kind: str) -> str:
    return "".join(f"{digest(package / name, kind)}  {name}\n" for name in names)


def digest(path: Path, kind: str) -> str:
    running = Digests(kind)
    running.update(path.read_bytes())
    return running.hexdigests()[kind]


def sign_package(package: Path, signer: NoteSigner) -> None:
    text = signed_text(digest(package / "tagmanifest-sha512.txt", "sha512"))
    (package / SIGNATURE).write_text(sign(text, signer))


def by_script(package: Path, *words: str) -> tuple[int, str]:
    """In a process of its own. The package's own check.py would be the attacker's: the program's copy is run."""
    script = Path(__file__).parents[2] / "archiver" / "export" / "check.py"
    done = subprocess.run(
        [sys.executable, "-I", str(script), str(package), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stderr == "", done.stderr
    return done.returncode, done.stdout


def both(package: Path, wanted: str | None, older: Path | None = None) -> tuple[int, str]:
    """The exit code on which both checkers agree, and what they said."""
    words = (["--fingerprint", wanted] if wanted else []) + (["--checkpoint", str(older)] if older else [])
    code, out = by_script_here(package, *words)
    with remembering():
        lines = check_ours(package, wanted, older.read_bytes() if older else None)
    told = "\n".join(line.text() for line in lines)
    assert code == worst(lines), f"check.py {code}, archiver check {worst(lines)}\n{out}\n{told}"
    return code, f"{out}\n{told}"


def copy_of(package: Path, to: Path) -> Path:
    shutil.copytree(package, to / package.name, symlinks=True)
    return to / package.name


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    """Canonical JSON, changed."""
    value = json.loads(path.read_bytes())
    change(value)
    path.write_bytes(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())


def members(data: bytes, lines: list[dict[str, Any]]) -> list[bytes]:
    return [data[line["offset"] : line["offset"] + line["length"]] for line in lines]


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


__all__ = [
    "PackagedCase", "base64", "both", "by_script", "copy_of", "edit_json", "flipped", "io", "members", "struct",
    "write_zip",
]  # fmt: skip

TOOLS = Path(__file__).parents[2] / ".venv-replay" / "bin"


def lacking(what: str) -> None:
    """A skip that names what is missing; in CI a failure."""
    message = f"{what}; scripts/setup.sh test installs it"
    pytest.fail(message) if CI else pytest.skip(message)


def said_by(tool: str, *words: str | Path) -> str:
    if not (TOOLS / tool).exists():
        lacking(f"{tool} is not in .venv-replay")
    done = subprocess.run([TOOLS / tool, *words], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
