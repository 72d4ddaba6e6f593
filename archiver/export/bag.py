"""A BagIt 1.0 bag (RFC 8493), written by us: each file once, streaming, digests on the way.

The bag grows in `<name>.partial`. A journal names every file that is complete, so that an interrupted export goes on
where it stood; what it made is the same as if nothing had happened. The folder gets its name when it is signed.

The folder may lie on a disk that others write to. So the journal lies in the home, each file is held against it before it counts,
and what it does not name is removed. A package that leaves as one file is put together in the home; its folder is taken up again even
after it was signed, until the file is whole.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import UsageError
from archiver.export.target import target_error
from storage.digest import Beside, Sha256, sha256_hex
from storage.errors import DiskError
from storage.files import create_inside, sync_folder, write_synced

_NAME = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
FORMAT = "archiver-package/2"
PAYLOAD, TAGS = "manifest-sha256.txt", "tagmanifest-sha256.txt"
"""The two lists of a bag: what is in `data/`, and everything else."""
SIGNATURE = f"signature/{TAGS}.note"


READ = 1 << 20


def partial_of(folder: Path) -> Path:
    """Return where a package lies while it is being made."""
    return folder.with_name(f"{folder.name}.partial")


def signed_text(tagmanifest_sha256: str) -> str:
    """Return the text that the ledger's key signs for a package: through the manifests, it names every file."""
    return f"{FORMAT}\nsha256 {tagmanifest_sha256}\n"


@dataclass(frozen=True)
class BagFile:
    """One file of the bag."""

    name: str
    size: int
    sha256: str


class Bag:
    """A BagIt bag in the making, in `folder`.partial; `finish` gives it its name."""

    def __init__(
        self,
        folder: Path,
        plan: str,
        journals: Path,
        *,
        own: bool = False,
        read: Callable[[int], None] = lambda n: None,
    ) -> None:
        """`plan`: what this package is made of; a partial folder of another plan is begun anew.

        `journals`: the folder of journals, which is inside the home. `own`: whether `folder` is inside the home too, so
        that one that lies there is ours. `read`: told of each number of bytes that was written or read back. Raises
        `UsageError` where the target exists, `DiskError`.
        """
        self.folder = folder
        self.partial = partial_of(folder)
        self._told = read
        self._given_up = False
        self._journal = journals / f"{sha256_hex(os.fsencode(folder.absolute()))[:32]}.journal"
        if os.path.lexists(folder) and not own:
            raise UsageError(f"no folder {folder} yet", "one", "Remove it, or export to another folder.")
        self.files: dict[str, BagFile] = {}
        self._lower: dict[str, str] = {}
        self.resumed = 0
        """How many files were there already."""
        try:
            if os.path.lexists(folder):  # it was whole, and the file that is made of it was not
                _remove(self.partial)
                folder.rename(self.partial)
            if self._earlier() != plan:
                _remove(self.partial)
                self.partial.mkdir(parents=True)
                self.files.clear()
            lines = [{"plan": plan}, *(one.__dict__ for one in self.files.values())]  # without one that a kill cut
            write_synced(self._journal, b"".join(json.dumps(line).encode() + b"\n" for line in lines), 0o600)
        except OSError as error:
            raise target_error(error, f"making {self.partial}") from error
        self._known = dict(self.files)
        self.files = {}

    def _earlier(self) -> str | None:
        """The plan of a partial folder that is there; its complete files are taken over, everything else is removed."""
        if self.partial.is_symlink() or not self.partial.is_dir():
            return None
        try:
            lines = self._journal.read_text("utf-8").splitlines()
            plan = str(json.loads(lines[0])["plan"])
            for line in lines[1:]:
                one = BagFile(**json.loads(line))
                self.files[one.name] = one
        except (OSError, ValueError, IndexError, KeyError, TypeError):
            if not self.files:
                return None
        _keep_only(self.partial, self.files)
        return plan

    def has(self, name: str) -> BagFile | None:
        """Return the file if an interrupted export had completed it and it is still what was written, else None.

        It then counts as written.
        """
        one = self._known.get(name)
        if one is not None and name not in self.files:
            if self._differs(one):  # what was not synced may be lost where the machine died
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
        running = Sha256()
        try:
            with create_inside(self.partial, name) as stream, Beside() as beside:
                for piece in (content,) if isinstance(content, bytes) else content:
                    beside.update(running, piece)
                    stream.write(piece)
                    self._told(len(piece))
                beside.wait()
            one = BagFile(name, running.size, running.hexdigest())
            with open(self._journal, "a", encoding="utf-8") as journal:
                journal.write(json.dumps(one.__dict__) + "\n")
        except OSError as error:
            raise target_error(error, f"writing {name}") from error
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
        for name in ("bagit.txt", "bag-info.txt", PAYLOAD):
            self._known.pop(name, None)  # made anew: an interrupted run may have had other files
        self.write("bagit.txt", BAGIT)
        self.write("bag-info.txt", "".join(f"{key}: {value}\n" for key, value in lines).encode())
        self.write(PAYLOAD, self._manifest(payload))
        tags = self._manifest(sorted(name for name in self.files if not name.startswith("data/")))
        try:
            write_synced(self.partial / TAGS, tags)
            with ThreadPoolExecutor(1) as beside:
                syncing = beside.submit(os.sync)  # the disk works while the files are looked through
                before()
                syncing.result()
            write_synced(self.partial / SIGNATURE, sign(signed_text(sha256_hex(tags))))
            os.sync()
            self.partial.rename(self.folder)
            sync_folder(self.folder.parent)
        except OSError as error:
            raise target_error(error, f"finishing {self.folder.name}") from error
        return self.folder

    def forget(self) -> None:
        """Drop the journal: the package is where it goes, or nothing is to be gone on with."""
        self._journal.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove what was written, and the journal of it."""
        for folder in (self.partial, self.folder):
            _remove(folder)
        self.forget()

    def give_up(self) -> None:
        """Let `read_back`, which may run in another thread, end at once."""
        self._given_up = True

    def read_back(self) -> None:
        """Read every file again and compare it with what was written. Raises `DiskError`."""
        try:
            changed = [one.name for one in self.files.values() if self._differs(one)]
        except OSError as error:
            raise target_error(error, f"reading {self.partial.name} again") from error
        if changed:
            raise DiskError(f"{changed[0]} as it was written", "other bytes", "Stop using this disk; use another.")

    def _differs(self, one: BagFile) -> bool:
        """Whether a file differs from what was written."""
        running = Sha256()
        try:
            with open(self.partial / one.name, "rb", buffering=0) as stream:
                while not self._given_up and (data := stream.read(READ)):
                    running.update(data)
                    self._told(len(data))
        except FileNotFoundError:
            return True
        return not self._given_up and running.hexdigest() != one.sha256

    def _manifest(self, names: list[str]) -> bytes:
        return "".join(f"{self.files[name].sha256}  {name}\n" for name in names).encode()


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def _keep_only(folder: Path, known: Collection[str]) -> None:
    """Remove what is no plain file of these names: links and strange files that somebody laid there. Raises `OSError`."""
    for where, folders, files in os.walk(folder, topdown=False):
        for name in (*files, *folders):
            path = Path(where, name)
            mode = path.lstat().st_mode
            relative = path.relative_to(folder).as_posix()
            if stat.S_ISDIR(mode):
                if not any(one.startswith(f"{relative}/") for one in known):
                    path.rmdir()
            elif not stat.S_ISREG(mode) or path.stat().st_nlink != 1 or relative not in known:
                path.unlink()
