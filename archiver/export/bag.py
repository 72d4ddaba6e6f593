"""A BagIt 1.0 bag (RFC 8493), written by us: each file once, streaming, digests on the way.

The bag grows in `<name>.partial`. A journal there names every file that is complete, so that an interrupted export goes
on where it stood; what it made is the same as if nothing had happened. The folder gets its name when it is signed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import UsageError
from storage.digest import Beside, Digests, file_sha256
from storage.errors import DiskError, disk_error
from storage.files import sync_folder, write_synced

ALGORITHMS = ("sha256", "sha512")
_NAME = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
SIGNATURE = "signature/tagmanifest-sha512.txt.note"
JOURNAL = ".journal"


def signed_text(tagmanifest_sha512: str) -> str:
    """Return the text that the ledger's key signs for a package: through the manifests, it names every file."""
    return f"archiver-package/1\nsha512 {tagmanifest_sha512}\n"


@dataclass(frozen=True)
class BagFile:
    """One file of the bag."""

    name: str
    size: int
    sha256: str
    sha512: str


class Bag:
    """A BagIt bag in the making, in `folder`.partial; `finish` gives it its name."""

    def __init__(self, folder: Path, plan: str) -> None:
        """`plan`: what this package is made of; a partial folder of another plan is begun anew.

        Raises `UsageError` where the target exists, `DiskError`.
        """
        self.folder = folder
        self.partial = folder.with_name(f"{folder.name}.partial")
        if folder.exists():
            raise UsageError(f"no folder {folder} yet", "one", "Remove it, or export to another folder.")
        self.files: dict[str, BagFile] = {}
        self._lower: dict[str, str] = {}
        self.resumed = 0
        """How many files were there already."""
        try:
            if self._earlier() != plan:
                shutil.rmtree(self.partial, ignore_errors=True)
                self.partial.mkdir(parents=True)
                self.files.clear()
                (self.partial / JOURNAL).write_text(json.dumps({"plan": plan}) + "\n", "utf-8")
        except OSError as error:
            raise disk_error(error, f"making {self.partial}") from error
        self._known = dict(self.files)
        self.files = {}

    def _earlier(self) -> str | None:
        """The plan of a partial folder that is there; its complete files are taken over."""
        try:
            lines = (self.partial / JOURNAL).read_text("utf-8").splitlines()
            plan = str(json.loads(lines[0])["plan"])
            for line in lines[1:]:
                one = BagFile(**json.loads(line))
                if (self.partial / one.name).stat().st_size == one.size:
                    self.files[one.name] = one
        except (OSError, ValueError, IndexError, KeyError, TypeError):
            return None if not self.files else plan
        return plan

    def has(self, name: str) -> BagFile | None:
        """Return the file if an interrupted export had completed it and it is still what was written, else None.

        It then counts as written.
        """
        one = self._known.get(name)
        if one is not None and name not in self.files:
            if _read_back(self.partial, one):  # what was not synced may be lost where the machine died
                del self._known[name]
                return None
            self.files[name] = one
            self.resumed += 1
        return one

    def write(self, name: str, content: bytes | Iterable[bytes]) -> BagFile:
        """Add a file, from bytes or from pieces. Raises `DiskError`, and whatever the pieces raise."""
        if not _NAME.fullmatch(name) or any(_RESERVED.fullmatch(part) for part in name.split("/")):
            raise ValueError(f"a name that is not safe everywhere: {name!r}")
        if self._lower.setdefault(name.lower(), name) != name or name in self.files:
            raise ValueError(f"a name that stands twice: {name!r}")
        if (known := self.has(name)) is not None:
            return known
        path = self.partial / name
        first, second = Digests("sha256"), Digests("sha512")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as stream, Beside() as beside:
                for piece in (content,) if isinstance(content, bytes) else content:
                    beside.update(second, piece)  # SHA-512 takes longest
                    first.update(piece)
                    stream.write(piece)
                beside.wait()
            one = BagFile(name, first.size, first.hexdigests()["sha256"], second.hexdigests()["sha512"])
            with open(self.partial / JOURNAL, "a", encoding="utf-8") as journal:
                journal.write(json.dumps(one.__dict__) + "\n")
        except OSError as error:
            raise disk_error(error, f"writing {name}") from error
        self.files[name] = one
        return one

    def finish(self, info: list[tuple[str, str]], sign: Callable[[str], bytes], before: Callable[[], None]) -> Path:
        """Write the manifests and `bag-info.txt`, call `before()`, then sign and give the folder its name.

        `before()` looks at all files a last time. Raises `DiskError`, and whatever `before` raises; the folder then
        stays partial and unsigned.
        """
        payload = sorted(name for name in self.files if name.startswith("data/"))
        oxum = f"{sum(self.files[name].size for name in payload)}.{len(payload)}"
        lines = [*info, ("Payload-Oxum", oxum)]
        for name in ("bagit.txt", "bag-info.txt", *(f"manifest-{kind}.txt" for kind in ALGORITHMS)):
            self._known.pop(name, None)  # made anew: an interrupted run may have had other files
        self.write("bagit.txt", BAGIT)
        self.write("bag-info.txt", "".join(f"{key}: {value}\n" for key, value in lines).encode())
        for kind in ALGORITHMS:
            self.write(f"manifest-{kind}.txt", self._manifest(kind, payload))
        tags = sorted(name for name in self.files if not name.startswith("data/"))
        manifests = {f"tagmanifest-{kind}.txt": self._manifest(kind, tags) for kind in ALGORITHMS}
        running = Digests("sha512")
        running.update(manifests["tagmanifest-sha512.txt"])
        try:
            for name, content in manifests.items():
                write_synced(self.partial / name, content)
            with ThreadPoolExecutor(1) as beside:
                syncing = beside.submit(os.sync)  # the disk works while the files are looked through
                before()
                syncing.result()
            write_synced(self.partial / SIGNATURE, sign(signed_text(running.hexdigests()["sha512"])))
            (self.partial / JOURNAL).unlink()
            os.sync()
            self.partial.rename(self.folder)
            sync_folder(self.folder.parent)
        except OSError as error:
            raise disk_error(error, f"finishing {self.folder.name}") from error
        return self.folder

    def read_back(self) -> None:
        """Read every file again and compare it with what was written. Raises `DiskError`."""
        try:
            changed = [one.name for one in self.files.values() if _read_back(self.partial, one)]
        except OSError as error:
            raise disk_error(error, f"reading {self.partial.name} again") from error
        if changed:
            raise DiskError(f"{changed[0]} as it was written", "other bytes", "Stop using this disk; use another.")

    def _manifest(self, kind: str, names: list[str]) -> bytes:
        return "".join(f"{getattr(self.files[name], kind)}  {name}\n" for name in names).encode()


def _read_back(folder: Path, one: BagFile) -> bool:
    """Whether a file differs from what was written."""
    try:
        return file_sha256(folder / one.name).hexdigest() != one.sha256
    except FileNotFoundError:
        return True
