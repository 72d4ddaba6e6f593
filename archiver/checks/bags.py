"""Checking BagIt bags (RFC 8493, and the drafts 0.93 to 0.97) that others made. Fetches nothing."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from archiver.checks.foreign import ForeignReport, same
from archiver.checks.numbers import whole
from archiver.checks.trees import UNREADABLE, Tree, digest, hindered, leaves, load, shown
from storage.digest import algorithm_named

MANIFEST = re.compile(r"(tag)?manifest-([^/]+)\.txt")
TAG_LIMIT = 256 << 20
"""A manifest of two million files has so many bytes."""
VERSIONS = ("0.93", "0.94", "0.95", "0.96", "0.97", "1.0")
_SYSTEM_FILES = (".ds_store", "thumbs.db", "desktop.ini")
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass
class _Listed:
    """One manifest: `paths` as they lie in the bag, with the digest that is stated."""

    name: str
    algorithm: str | None
    of_tags: bool
    paths: dict[str, str] = field(default_factory=dict)


def is_manifest(name: str) -> bool:
    """Return whether a file has the name of a payload manifest by an algorithm that exists."""
    match = MANIFEST.fullmatch(name)
    return match is not None and match[1] is None and algorithm_named(match[2]) is not None


def check_bag(tree: Tree, report: ForeignReport | None = None) -> ForeignReport:
    """Check that a bag is complete and every checksum holds."""
    report = report or ForeignReport("bag")
    _Bag(tree, report).check()
    return report


class _Bag:
    def __init__(self, tree: Tree, report: ForeignReport) -> None:
        self._tree, self._report = tree, report
        self._names = set(tree.names())
        self._payload = {name for name in self._names if name.startswith("data/")}
        self._by_form: dict[str, list[str]] = defaultdict(list)
        for name in self._names:
            self._by_form[unicodedata.normalize("NFC", name)].append(name)
        self._strict = True
        self._sizes: dict[str, int] = {}

    def check(self) -> None:
        report = self._report
        for name in self._tree.odd:
            report.damage(shown(name), "a link or special file")
        report.facts |= {"bagit_version": None, "files": len(self._payload)}
        encoding = self._declaration()
        if encoding is None:
            return
        manifests = [
            _Listed(name, algorithm_named(match[2]), match[1] is not None)
            for name in sorted(self._names)
            if (match := MANIFEST.fullmatch(name)) is not None
        ]
        if all(one.of_tags for one in manifests):
            report.damage("", "no payload manifest")
        manifests = [one for one in manifests if self._manifest(one, encoding)]
        fetched = self._fetch(encoding)
        self._present(manifests, fetched)
        self._complete([one for one in manifests if not one.of_tags])
        self._digests(manifests)
        self._lengths(fetched)
        self._oxum(encoding, complete=all(path in self._names for path in fetched))

    # -- bagit.txt -----------------------------------------------------------------------------------------------

    def _declaration(self) -> str | None:
        """Read bagit.txt. Return the encoding of the other tag files; None where they cannot be read."""
        report = self._report
        if "bagit.txt" not in self._names:
            report.damage("bagit.txt", "missing")
            return "utf-8"
        try:
            data = load(self._tree, "bagit.txt")
        except UNREADABLE as error:
            hindered(report, "bagit.txt", error)
            return None
        mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
        if mark:
            report.damage("bagit.txt", "begins with a byte order mark, which BagIt forbids")
        text = data.removeprefix(mark).decode("utf-8", "replace")
        version = next(
            (one for one in _values(text, "bagit-version") if re.fullmatch(r"[0-9]{1,3}\.[0-9]{1,3}", one)), None
        )
        encoding = next((one for one in _values(text, "tag-file-character-encoding") if one), None)
        report.facts["bagit_version"] = version
        if version is None:
            report.damage("bagit.txt", "no BagIt-Version")
        elif version not in VERSIONS:
            report.unchecked("bagit.txt", f"BagIt {version} is not known here: checked as 1.0")
        if encoding is None:
            report.damage("bagit.txt", "no Tag-File-Character-Encoding")
        self._strict = version is None or not version.startswith("0.")
        if version and encoding and not mark:
            self._two_lines(text, version, encoding)
        return self._encoding(encoding or "UTF-8")

    def _two_lines(self, text: str, version: str, encoding: str) -> None:
        """Hold bagit.txt against its form, which is exact since BagIt 1.0."""
        demanded = [f"BagIt-Version: {version}", f"Tag-File-Character-Encoding: {encoding}"]
        found = _lines(text)
        if found == demanded:
            return
        said = "not the two lines, blanks included, that BagIt demands"
        if self._strict:
            self._report.damage("bagit.txt", said)
        else:
            self._report.form_broken("bagit.txt", said)

    def _encoding(self, name: str) -> str | None:
        try:
            "".encode(name)  # also refuses codecs that are none of texts
        except (LookupError, ValueError):
            self._report.unchecked("bagit.txt", f"tag files in {shown(name)}, an encoding that is not known here")
            return None
        return codecs.lookup(name).name

    # -- manifests -----------------------------------------------------------------------------------------------

    def _text(self, name: str, encoding: str) -> str | None:
        """Read a tag file. None where it cannot be read, which is then said."""
        try:
            data = load(self._tree, name, TAG_LIMIT)
            # Names that are no UTF-8 stand in such manifests as they stand on the disk.
            text = data.decode(encoding, "surrogateescape" if encoding == "utf-8" else "strict")
        except UnicodeError:
            self._report.damage(name, f"not in {encoding}, as bagit.txt says")
            return None
        except UNREADABLE as error:
            hindered(self._report, name, error)
            return None
        if text.startswith("\ufeff"):
            self._report.form_broken(name, "begins with a byte order mark")
        return text.removeprefix("\ufeff")

    def _manifest(self, one: _Listed, encoding: str) -> bool:
        """Read one manifest into its `paths`. Return whether it could be read."""
        report = self._report
        if one.algorithm is None:
            report.unchecked(one.name, "digests by an algorithm that is not known are not computed")
        elif not re.fullmatch(r"(?:tag)?manifest-[a-z0-9_]+\.txt", one.name):
            report.form_broken(one.name, "its name does not spell the algorithm as BagIt does")
        text = self._text(one.name, encoding)
        if text is None:
            return False
        lines = []
        for line in _lines(text):
            match = re.fullmatch(r"([0-9A-Fa-f]+)[ \t]+(\*?)(.+)", line, re.DOTALL)
            if match is not None:
                lines.append((match[1].lower(), match[2], match[3]))
            elif line.strip():
                report.form_broken(one.name, f"a line that is none: {shown(line[:60])}")
        written = {path.removeprefix("./") for _, _, path in lines}
        for stated, asterisk, path in lines:
            if asterisk:
                report.form_broken(one.name, f"an asterisk before {shown(path)}, as md5sum writes it")
            if path.startswith("./"):
                report.form_broken(one.name, f"a path that begins with ./: {shown(path)}")
            self._entry(one, stated, path.removeprefix("./"), written)
        self._alike(one)
        return True

    def _entry(self, one: _Listed, stated: str, written: str, others: set[str]) -> None:
        path = self._located(one.name, written, others)
        if path not in self._names and (leaves(path) or path.startswith("~")):
            self._report.damage(shown(path), f"{one.name} names something outside the bag")
        elif path not in one.paths:
            one.paths[path] = stated
        elif one.paths[path] != stated:
            self._report.damage(shown(path), f"listed twice in {one.name}, with different digests")
        elif self._strict:
            self._report.damage(shown(path), f"listed twice in {one.name}")
        else:
            self._report.form_broken(one.name, f"lists {shown(path)} twice")

    def _located(self, manifest: str, written: str, others: set[str]) -> str:
        """Which file a path of a manifest means.

        RFC 8493 encodes `%` and line ends, and the drafts and some programs do not: a name is taken as it is written
        where only that fits. Names are equal whose Unicode normal forms are (RFC 8493 section 6.1): file systems change them.
        """
        path = re.sub(r"%(0[AaDd]|25)", lambda code: chr(int(code[1], 16)), written)
        if path != written and written in self._names and (path not in self._names or path in others):
            self._report.form_broken(manifest, f"{shown(written)} is written without encoding its %")
            return written
        alike = self._by_form.get(unicodedata.normalize("NFC", path), [])
        if path not in self._names and len(alike) == 1:
            self._report.form_broken(manifest, f"{shown(path)} lies here in another Unicode normal form")
            return alike[0]
        return path

    def _alike(self, one: _Listed) -> None:
        """Name paths that some file systems do not tell apart, and files that systems make by themselves."""
        for path, count in Counter(unicodedata.normalize("NFC", path).casefold() for path in one.paths).items():
            if count > 1:
                self._report.form_broken(one.name, f"{count} paths that differ only in case: {shown(path)}")
        for path in one.paths:
            if path.rpartition("/")[2].lower() in _SYSTEM_FILES:
                self._report.form_broken(one.name, f"lists a file that a system made by itself: {shown(path)}")

    # -- fetch.txt -----------------------------------------------------------------------------------------------

    def _fetch(self, encoding: str) -> dict[str, int | None]:
        """Read fetch.txt: path → length, where it states one."""
        fetched: dict[str, int | None] = {}
        if "fetch.txt" not in self._names:
            return fetched
        for line in _lines(self._text("fetch.txt", encoding) or ""):
            match = re.fullmatch(r"(\S+)[ \t]+(-|[0-9]{1,18})[ \t]+(.+)", line, re.DOTALL)
            if match is None:
                if line.strip():
                    self._report.form_broken("fetch.txt", f"a line that is none: {shown(line[:60])}")
                continue
            path = self._located("fetch.txt", match[3].removeprefix("./"), set())
            if path not in self._names and (leaves(path) or path.startswith("~")):
                self._report.damage(shown(path), "fetch.txt names something outside the bag")
            else:
                fetched[path] = whole(match[2])
        return fetched

    def _present(self, manifests: list[_Listed], fetched: dict[str, int | None]) -> None:
        """Whether what the manifests list is there."""
        for one in manifests:
            for path in one.paths:
                if path in self._names:
                    continue
                if path in fetched and not one.of_tags:
                    self._report.unchecked(shown(path), "lies elsewhere (fetch.txt), and nothing is fetched")
                else:
                    self._report.damage(shown(path), f"listed in {one.name} and missing")
        listed = {path for one in manifests if not one.of_tags for path in one.paths}
        for path in sorted(fetched.keys() - listed):
            self._report.damage(shown(path), "named by fetch.txt and by no manifest")

    # -- what is there -------------------------------------------------------------------------------------------

    def _complete(self, manifests: list[_Listed]) -> None:
        """Whether every payload file is listed: in each manifest since 1.0, before that in one."""
        somewhere = {path for one in manifests for path in one.paths}
        for one in manifests:
            for path in sorted(self._payload - one.paths.keys()):
                if self._strict or path not in somewhere:
                    self._report.damage(shown(path), f"not listed in {one.name}")
                else:
                    self._report.form_broken(one.name, f"does not list {shown(path)}, which another manifest lists")

    def _digests(self, manifests: list[_Listed]) -> None:
        """Read each file once, and hold every digest that is stated against it."""
        stated: dict[str, list[tuple[str, str, str]]] = {path: [] for path in self._payload}
        for one in manifests:
            for path, value in one.paths.items():
                if path in self._names and one.algorithm is not None:
                    stated.setdefault(path, []).append((one.name, one.algorithm, value))
        for path in sorted(stated):
            try:
                size, found = digest(self._tree, path, *{algorithm for _, algorithm, _ in stated[path]})
            except UNREADABLE as error:
                hindered(self._report, shown(path), error)
                continue
            self._sizes[path] = size
            for name, algorithm, value in stated[path]:
                fits = same(algorithm, value, found[algorithm])
                if fits is None:
                    self._report.unchecked(shown(path), f"a digest in {name} of a length that is not computed")
                elif not fits:
                    self._report.damage(shown(path), f"not what {name} says")

    def _lengths(self, fetched: dict[str, int | None]) -> None:
        for path, length in fetched.items():
            size = self._sizes.get(path)
            if length is not None and size is not None and size != length:
                self._report.damage(shown(path), f"{size} bytes where fetch.txt states {length}")

    def _oxum(self, encoding: str, *, complete: bool) -> None:
        """Hold the Payload-Oxum of bag-info.txt, bytes and number of files, against the payload."""
        name = next((name for name in ("bag-info.txt", "package-info.txt") if name in self._names), None)
        if name is None:
            return
        actual = f"{sum(self._sizes.get(path, 0) for path in self._payload)}.{len(self._payload)}"
        for value in _values(self._text(name, encoding) or "", "payload-oxum"):
            bytes_, _, files = value.partition(".")
            numbers = whole(bytes_), whole(files)
            if None in numbers:
                self._report.damage(name, f"a Payload-Oxum that is none: {shown(value[:40])}")
            elif not complete:
                self._report.unchecked(name, "its Payload-Oxum counts files that lie elsewhere")
            elif not self._payload <= self._sizes.keys():
                self._report.unchecked(name, "its Payload-Oxum counts files that cannot be read")
            elif f"{numbers[0]}.{numbers[1]}" != actual:
                self._report.damage(name, f"its Payload-Oxum is {shown(value[:40])}, and the payload's is {actual}")


def _lines(text: str) -> list[str]:
    """Split at CR, LF and CRLF alone: names may have every other line end of Unicode in them."""
    return re.split(r"\r\n|\r|\n", re.sub(r"(?:\r\n|\r|\n)\Z", "", text))


def _values(text: str, label: str) -> Iterator[str]:
    """Yield the values of a label in bag-info.txt, which may go on in lines that begin with a blank."""
    joined = re.sub(r"(?:\r\n|\r|\n)[ \t]+", " ", text)
    for line in _lines(joined):
        name, colon, value = line.partition(":")
        if colon and name.strip().lower() == label:
            yield value.strip()
