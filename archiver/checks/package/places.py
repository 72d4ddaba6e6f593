"""The places of a package: nothing lies in it but what an exporter writes, by its profile."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from archiver.checks.package.files import Absent, PackageFiles, Row, is_moment
from archiver.checks.package.report import PROFILES
from archiver.checks.proofs import Bad, strict_json

ENDINGS = (
    "3gp", "7z", "aac", "amr", "avi", "avif", "bin", "csv", "doc", "docx", "eml", "flac", "gif", "gz", "heic", "heif",
    "jpg", "json", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "mpg", "odp", "ods", "odt", "oga", "ogg", "ogv", "opus",
    "pdf", "png", "ppt", "pptx", "rar", "rtf", "srt", "tar", "tif", "ts", "txt", "vcf", "vtt", "wacz", "warc", "wav",
    "webm", "webp", "wma", "wmv", "xls", "xlsx", "zip",
)  # fmt: skip
"""Endings of media files: nothing that a double-click runs."""
WORDED = re.compile(
    r"data/report\.(html|pdf)|data/tables\.xlsx|data/view/([\w-]+/)?[\w-]+\.(html|css|jpg|png)", re.ASCII
)
"""Pages in the signer's words."""
_NUMBER = "(0|[1-9][0-9]*)"
_STAMPS = f"proofs/timestamps/{_NUMBER}"
_ALWAYS = frozenset((
    "START-HERE.html", "README.txt", "check.py", "bagit-profile.json", "bagit.txt", "bag-info.txt",
    "manifest-sha256.txt", "tagmanifest-sha256.txt", "signature/tagmanifest-sha256.txt.note", "data/package.json",
    "proofs/vkey.txt", "proofs/checkpoint.txt", "proofs/leaves.bin",
))  # fmt: skip
_EVERYWHERE = (
    r"proofs/handovers/[0-9]{3,}\.note", r"proofs/roots/[0-9a-f]{64}\.pem", rf"{_STAMPS}/checkpoint\.txt",
    rf"{_STAMPS}/opentimestamps\.ots", rf"{_STAMPS}/\w[\w.-]*\.(tsq|tsr|pem|root)", WORDED.pattern,
)  # fmt: skip
_ITEMS = rf"proofs/items/{_NUMBER}\.tlog-proof"
_OF_PROFILE = {
    "full": (_ITEMS, r"data/archive\.wacz", rf"data/events/{_NUMBER}\.json", "data/captures/[^/]+/[^/]+"),
    "partner": (_ITEMS, r"data/screens/[0-9]{4,}\.png"),
    "public": (),
}


TABLES = 200
"""A package has six, and a few more."""
_SAID = {
    "name": r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}",
    "software": r"archiver/[A-Za-z0-9][A-Za-z0-9.+-]{0,40}",
}
"""What data/package.json says in words, and what these look like: the WACZ and bag-info.txt repeat them."""


def places(files: PackageFiles) -> str:
    """Read package.json, and hold the names of all files against its profile; return an empty text."""
    files.package = strict_json(files.read("data/package.json"))
    if not isinstance(files.package, dict):
        raise Bad("data/package.json is not that of a package")
    profile = files.package.get("profile")
    if profile not in PROFILES:
        raise Bad(f"data/package.json names no profile: {profile!r}"[:120])
    files.report.profile = profile
    if files.version == 1:
        _first_version(files)
        return ""
    _forms(files.package, profile)
    patterns = [*_EVERYWHERE, *_OF_PROFILE[profile], *_media_and_tables(files, profile)]
    allowed = re.compile("|".join(f"(?:{one})" for one in patterns), re.ASCII)
    if strange := sorted(name for name in files.names - _ALWAYS if not allowed.fullmatch(name)):
        raise Bad(f"{strange[0]} has no place in a package of profile {profile}")
    if files.read("bag-info.txt") != _bag_info(files):
        raise Bad("bag-info.txt says something else than data/package.json")
    return ""


def _forms(said: Row, profile: str) -> None:
    """Raise `Bad` or `Absent` where package.json lacks what it says in every package, or says it in another form."""
    forms: dict[str, Callable[[Any], bool]] = {
        "captures": lambda value: profile == "public" or _each(value, lambda one: one.keys() >= {"event", "id"}),
        "checkpoint": lambda value: isinstance(value, dict) and _types(value, size=int, root=str),
        "format": lambda value: True,  # read before anything else
        "key": lambda value: isinstance(value, str),
        "made": lambda value: isinstance(value, str) and _is_made(value, profile),
        "name": _worded("name"),
        "not_in_package": lambda value: profile == "public" or isinstance(value, list),
        "profile": lambda value: True,  # read before
        "software": _worded("software"),
        "tables": lambda value: _each(value, lambda one: _types(one, name=str, rule=str)) and len(value) <= TABLES,
        "withheld": lambda value: type(value) is int,
    }
    for key in forms:
        if key not in said:
            raise Absent(f"data/package.json says nothing of {key}")
    for key, form in forms.items():
        if not form(said[key]):
            raise Bad(f"data/package.json states as {key} what no archiver writes: {repr(said[key])[:80]}")


def _each(value: Any, form: Callable[[Row], bool]) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) and form(one) for one in value)


def _types(value: Row, **types: type) -> bool:
    """Whether an object has these keys, with values of just these types: True is no number."""
    return all(type(value.get(key)) is kind for key, kind in types.items())


def _worded(key: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(_SAID[key], value, re.ASCII) is not None


def _is_made(text: str, profile: str) -> bool:
    """Whether a text is a time, or the day alone, which is all that a public package says."""
    return is_moment(f"{text}T00:00:00Z") or (profile != "public" and is_moment(text))


def _media_and_tables(files: PackageFiles, profile: str) -> list[str]:
    endings = ("mp4", "png", "m4a") if profile == "public" else ENDINGS
    tables = [re.escape(str(one["name"])) for one in files.package["tables"]]
    return [
        rf"data/media/I[0-9]{{4,}}-[0-9]+(-[0-9]+)?\.({'|'.join(endings)})",
        *(rf"data/tables/{name}\.(jsonl|csv)" for name in tables),
    ]


def _first_version(files: PackageFiles) -> None:
    """What a profile of version 1 could not have."""
    full = files.profile == "full"
    sealed = ("data/captures/", "data/events/", "data/archive.wacz")
    if not full and (held := sorted(name for name in files.names if name.startswith(sealed))):
        raise Bad(f"{held[0]} has no place in a package of profile {files.profile}")
    if full and not files.package["captures"]:
        raise Bad("a package without captures")


def _bag_info(files: PackageFiles) -> bytes:
    """Make bag-info.txt again from package.json and the payload."""
    said = files.package
    payload = [files.size(name) for name in files.names if name.startswith("data/")]
    fields = {
        "Bagging-Date": said["made"][:10],
        "External-Identifier": said["name"],
        "External-Description": f"Package of social media evidence, profile {said['profile']}. Read README.txt.",
        "Bag-Software-Agent": said["software"],
        "BagIt-Profile-Identifier": "urn:archiver:bagit-profile:2",
        "Payload-Oxum": f"{sum(payload)}.{len(payload)}",
    }
    return "".join(f"{label}: {value}\n" for label, value in fields.items()).encode()
