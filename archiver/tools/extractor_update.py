"""A newer yt-dlp beside the one that this release pins: chosen by version, checked by digest, unpacked into the home.

Sites change weekly, releases of this program do not. Nothing is installed into the program's own environment: the pool
puts the folder before it (`PYTHONPATH`), and without the folder everything is as it was released.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urljoin

from archiver.errors import ArchiverError, NotFound, UsageError
from archiver.recorder.client import NoAnswer, ServiceClient
from storage.digest import sha256_hex
from storage.files import write_synced

FOLDER = "extractors"
CURRENT = "current.json"
INDEX = "https://pypi.org/simple/"
NAME, SCRIPTS = "yt-dlp", "yt-dlp-ejs"
"""The extractors, and the scripts that they need of one version for YouTube."""
OLD_DAYS = 60
"""After so many days `doctor` advises an update: by then some large site has changed."""
LIMIT = 64 << 20
"""The largest wheel or index, bytes."""
UNPACKED_LIMIT = 512 << 20
_SIMPLE = {"Accept": "application/vnd.pypi.simple.v1+json"}
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){1,4}(?:\.?(?:dev|post|rc|a|b)[0-9]+)?")


@dataclass(frozen=True)
class Offered:
    """A wheel that an index offers (PEP 691). `uploaded`: as the index states it."""

    name: str
    version: str
    url: str
    sha256: str
    size: int | None
    uploaded: str | None


@dataclass(frozen=True)
class Beside:
    """The version installed beside the pinned one. `folder`: what is put before the program's own packages."""

    version: str
    sha256: str
    folder: Path


def in_force(home: Path) -> Beside | None:
    """Return the version installed beside the pinned one; None where there is none, or its folder is gone."""
    try:
        said = json.loads((home / FOLDER / CURRENT).read_text())
        found = Beside(str(said["version"]), str(said["sha256"]), home / FOLDER / str(said["folder"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    inside = found.folder.parent == home / FOLDER and (found.folder / "yt_dlp" / "__init__.py").is_file()
    return found if inside else None


def age_days(of: str, now: datetime) -> int | None:
    """Return how old a version of yt-dlp is, in days; None where its name is no date."""
    match = re.match(r"(\d{4})\.(\d{1,2})\.(\d{1,2})(?:\.|$)", of)
    try:
        made = datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=UTC) if match else None
    except ValueError:
        return None
    return None if made is None else max(0, (now - made).days)


def offered(client: ServiceClient, index: str, name: str, wanted: str | None) -> Offered:
    """Return the wheel of a version that an index offers; the newest release where none is named.

    Raises `NotFound`, `UsageError`.
    """
    page = urljoin(index.rstrip("/") + "/", f"{name}/")
    try:
        status, body = client.ask(page, headers=_SIMPLE)
        files = json.loads(body)["files"] if status == 200 else None
    except (NoAnswer, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"an index of packages at {page}", str(error)[:200], "Check the connection and --index."
        ) from error
    if not isinstance(files, list):
        raise UsageError(f"an index of packages at {page}", f"status {status}", "Check the connection and --index.")
    wheels = [one for item in files if (one := _wheel(item, name, page)) is not None]
    released = (
        [one for one in wheels if one.version == wanted]
        if wanted
        else [one for one in wheels if not re.search("[a-z]", one.version)]
    )
    if not released:
        raise NotFound(f"a wheel of {name} {wanted or ''}".rstrip(), f"none at {page}", "Name another version.")
    return max(released, key=lambda one: _order(one.version))


def _wheel(item: Any, name: str, page: str) -> Offered | None:
    if not isinstance(item, dict) or item.get("yanked"):
        return None
    file, hashes = item.get("filename"), item.get("hashes")
    match = (
        re.fullmatch(rf"{name.replace('-', '_')}-({_VERSION.pattern})-py3-none-any\.whl", file)
        if isinstance(file, str)
        else None
    )
    digest = hashes.get("sha256") if isinstance(hashes, dict) else None
    if (
        match is None
        or not isinstance(digest, str)
        or not re.fullmatch("[0-9a-f]{64}", digest)
        or not isinstance(item.get("url"), str)
    ):
        return None
    size, when = item.get("size"), item.get("upload-time")
    return Offered(
        name, match[1], urljoin(page, item["url"]), digest, size if isinstance(size, int) else None, when if isinstance(when, str) else None
    )  # fmt: skip


def _order(of: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", of))


def downloaded(client: ServiceClient, one: Offered, expected: str | None = None) -> bytes:
    """Fetch a wheel and compare its digest with what the index states, and with `expected`.

    Raises `ArchiverError`, `UsageError`.
    """
    if expected is not None and expected.lower() != one.sha256:
        raise ArchiverError(
            f"a wheel with the digest {expected}", one.sha256, "Nothing was installed. Ask where the digest comes from."
        )
    try:
        status, data = client.ask(one.url)
    except NoAnswer as error:
        raise UsageError(f"the wheel at {one.url}", str(error)[:200], "Nothing was installed. Try again.") from error
    if status != 200 or sha256_hex(data) != one.sha256:
        found = f"status {status}" if status != 200 else f"bytes with the digest {sha256_hex(data)}"
        raise ArchiverError(
            f"a wheel with the digest {one.sha256}", found, "Nothing was installed. Try again, or another network."
        )
    return data


def scripts_needed(wheel: bytes) -> str | None:
    """Return the version of yt-dlp-ejs that a wheel of yt-dlp asks for, where another one is installed; else None."""
    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as packed:
            about = next((name for name in packed.namelist() if name.endswith(".dist-info/METADATA")), None)
            text = packed.read(about).decode("utf-8", "replace") if about else ""
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return None  # unpacking it will say so
    match = re.search(rf"^Requires-Dist: {SCRIPTS}==({_VERSION.pattern})", text, re.MULTILINE)
    try:
        held = version(SCRIPTS)
    except PackageNotFoundError:
        held = None
    return match[1] if match and match[1] != held else None


def install(home: Path, wheels: list[tuple[Offered, bytes]]) -> Beside:
    """Unpack wheels into one folder of the home, and let the extractors be taken from there from now on.

    The first is yt-dlp. Raises `ArchiverError`.
    """
    first = wheels[0][0]
    parent, name = home / FOLDER, f"{first.name}-{first.version}-{first.sha256[:12]}"
    parent.mkdir(mode=0o700, exist_ok=True)
    work = parent / f".{name}.partial"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    try:
        for _, data in wheels:
            _unpack(data, work)
    except ArchiverError:
        shutil.rmtree(work, ignore_errors=True)
        raise
    about = [{"name": one.name, "version": one.version, "sha256": one.sha256, "url": one.url} for one, _ in wheels]
    (work / "wheels.json").write_text(json.dumps(about, indent=1) + "\n")
    shutil.rmtree(parent / name, ignore_errors=True)
    work.rename(parent / name)
    line = {"version": first.version, "sha256": first.sha256, "folder": name}
    write_synced(parent / CURRENT, json.dumps(line, indent=1).encode() + b"\n", 0o600)
    found = in_force(home)
    if found is None:
        (parent / CURRENT).unlink()
        raise ArchiverError("a wheel with the package yt_dlp in it", "none", "The pinned version is used as before.")
    return found


def back_to_pinned(home: Path) -> bool:
    """Use the pinned version again; the other one stays in its folder. Return whether another one was in force."""
    was = in_force(home) is not None
    (home / FOLDER / CURRENT).unlink(missing_ok=True)
    return was


def _unpack(wheel: bytes, to: Path) -> None:
    """Unpack a wheel: plain files below `to` and nothing else."""
    total = 0
    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as packed:
            for entry in packed.infolist():
                path = PurePosixPath(entry.filename)
                total += entry.file_size
                if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or total > UNPACKED_LIMIT:
                    raise ArchiverError(
                        "a wheel with plain names, of a bearable size",
                        repr(entry.filename)[:80],
                        "Nothing was installed.",
                    )
                if entry.is_dir() or ".data" in path.parts[0]:
                    continue
                (to / path).parent.mkdir(parents=True, exist_ok=True)
                (to / path).write_bytes(packed.read(entry))
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise ArchiverError("a wheel", str(error)[:120], "Nothing was installed.") from error


Agreed = Callable[[list[Offered]], bool]
"""Shows a person what would be installed, and asks."""


def update(
    home: Path, client: ServiceClient, index: str, wanted: tuple[str | None, str | None], agreed: Agreed
) -> Beside | None:
    """Install a version of yt-dlp beside the pinned one; None where the person does not agree.

    `wanted`: the version, and the digest that it must have, where they are named. Raises `ArchiverError`, `NotFound`,
    `UsageError`.
    """
    number, digest = wanted
    if number is not None and not _VERSION.fullmatch(number):
        raise UsageError(
            "a version of yt-dlp, like 2026.11.20", repr(number), "See https://pypi.org/project/yt-dlp/#history."
        )
    one = offered(client, index, NAME, number)
    if not agreed([one]):
        return None
    wheels = [(one, downloaded(client, one, digest))]
    if (needed := scripts_needed(wheels[0][1])) is not None:
        more = offered(client, index, SCRIPTS, needed)
        if not agreed([more]):
            return None
        wheels.append((more, downloaded(client, more)))
    return install(home, wheels)
