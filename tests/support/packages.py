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
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from archiver.checks.package import PackageReport, check_ours
from archiver.checks.package.report import in_columns
from archiver.checks.package.signer import plain_root
from archiver.cli.main import main
from archiver.demo.authorities import MiniAuthority
from archiver.export.bag import SIGNATURE, TAGS, signed_text
from archiver.export.released import released
from archiver.export.wacz import signed_digest
from archiver.home.home import Home
from archiver.home.people import fingerprint
from archiver.home.ports import WaczSignature
from archiver.recorder.network import TestNetwork
from archiver.signer.local import LocalSigner
from archiver.version import SOFTWARE
from spiders.targets import Target, parse_target
from storage.digest import sha256_hex, sha256_label
from storage.note import NoteSigner, sign
from storage.times import system_clock
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
        self.run("seal")
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

    def retired_key(self) -> Ed25519PrivateKey:
        """The ledger's key before the rotation, as a thief could hold it."""
        [path] = (self.home.path / "keys" / "retired").glob("*.key")
        key = load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, Ed25519PrivateKey)
        return key

    # -- tampering by somebody who holds the keys ------------------------------------------------------

    def reseal(self, package: Path) -> None:
        """Makes manifests and signature anew, as an insider could: what is found then is found by what lies deeper."""
        write_manifests(package)
        signer = ledger_signer(self.home)
        sign_package(package, signer)

    def rewrite_wacz(
        self, package: Path, change: Callable[[dict[str, bytes]], None], key: ec.EllipticCurvePrivateKey | None = None
    ) -> None:
        """Packs the WACZ anew with changed entries; its own list, digest and signature (by `key`) are made to fit."""
        path = package / "data" / "archive.wacz"
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        change(entries)
        value = json.loads(entries.pop("datapackage.json"))
        entries.pop("datapackage-digest.json", None)
        value["resources"] = [
            {"name": name.rpartition("/")[2].lower(), "path": name, "hash": sha256_label(data), "bytes": len(data)}
            for name, data in entries.items()
        ]
        data = json.dumps(value, ensure_ascii=False, indent=1).encode()
        made = json.loads((package / "data" / "package.json").read_bytes())["made"]
        signer = signing_with(key) if key else LocalSigner(self.home).sign_wacz
        signed = signed_digest(data, made, SOFTWARE, signer)
        entries["datapackage.json"] = data
        entries["datapackage-digest.json"] = json.dumps(signed, indent=1).encode()
        write_zip(path, list(entries.items()))


def signing_with(key: ec.EllipticCurvePrivateKey) -> Callable[[bytes], WaczSignature]:
    """Signs as the home does, with a key of one's own."""

    def sign_text(text: bytes) -> WaczSignature:
        r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return WaczSignature(r.to_bytes(48, "big") + s.to_bytes(48, "big"), public)

    return sign_text


def write_zip(path: Path, entries: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> None:
    """Write a ZIP as the exporter does, which gives no times and no attributes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = method if name.startswith("archive/") else zipfile.ZIP_STORED
            info.create_system = 0
            archive.writestr(info, data)
            info.external_attr = 0  # `writestr` gives it some; the directory is written at the end


def write_manifests(package: Path) -> None:
    files = sorted(path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file())
    files = [name for name in files if not re.match(r"(tag)?manifest-|signature/", name)]
    payload = [name for name in files if name.startswith("data/")]
    size = sum((package / name).stat().st_size for name in payload)
    info = (package / "bag-info.txt").read_text()
    (package / "bag-info.txt").write_text(re.sub(r"Payload-Oxum: .*", f"Payload-Oxum: {size}.{len(payload)}", info))
    write_list(package, "manifest-sha256.txt", payload)
    write_list(package, TAGS, [*(name for name in files if not name.startswith("data/")), "manifest-sha256.txt"])


def write_list(package: Path, name: str, listed: list[str]) -> None:
    lines = [f"{digest(package / one)}  {one}\n" for one in sorted(listed)]
    (package / name).write_text("".join(lines))


def digest(path: Path) -> str:
    return sha256_hex(path.read_bytes())


def sign_package(package: Path, signer: NoteSigner) -> None:
    (package / SIGNATURE).write_text(sign(signed_text(digest(package / TAGS)), signer))


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


def by_program(package: Path, wanted: str | None, older: bytes | None = None, *roots: str) -> PackageReport:
    """What `archiver check` finds in a folder, in this process."""
    with remembering():
        named = frozenset(map(plain_root, roots))
        return check_ours(package, wanted, older, system_clock(), named, released=released())


def both(package: Path, wanted: str | None, older: Path | None = None, *roots: str) -> tuple[int, str]:
    """The exit code on which both checkers agree, and what they said: they agree on the verdict too, word by word."""
    words = (["--fingerprint", wanted] if wanted else []) + (["--checkpoint", str(older)] if older else [])
    code, out = by_script_here(package, *words, *(word for root in roots for word in ("--root", root)))
    report = by_program(package, wanted, older.read_bytes() if older else None, *roots)
    told = "\n".join(map(in_columns, report.lines))
    verdict = out.rstrip("\n").rpartition("\n")[2]
    assert (code, verdict) == (report.code, report.verdict), f"{out}\n{told}\n\n{report.verdict}"
    return code, f"{out}\n{told}\n\n{report.verdict}"


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
