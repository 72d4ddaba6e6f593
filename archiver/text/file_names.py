"""Names of files made from text of strangers, good on every file system that such files are carried to.

ext4, APFS, NTFS, exFAT and FAT differ in which characters they take, in whether capitals count, and in what a name may be
called at all ("Naming Files, Paths, and Namespaces", Microsoft). What is made here is fine on all of them.
"""

from __future__ import annotations

import re
import unicodedata

MOST_BYTES = 60
"""Of each part of a name, in UTF-8: four of them stay below the 255 that ext4 takes, and below FAT's 255 UTF-16 units."""
MARKS = 2
"""Combining marks that may follow a letter: Vietnamese and vocalised Arabic have two."""
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)")


def name_part(text: str, most: int = MOST_BYTES) -> str:
    """Return text as a part of a file's name: letters of any script, digits, marks that belong to them; the rest is `_`.

    Empty where nothing is left.
    """
    kept, marks = "", 0
    for letter in unicodedata.normalize("NFC", text):
        kind = unicodedata.category(letter)
        if kind[0] == "M":
            marks += 1
            if kept and kept[-1] != "_" and marks <= MARKS:
                kept += letter
            continue
        marks = 0
        kept += letter if kind[0] in "LN" or letter in "-@+" else "_"
    short = re.sub("_+", "_", kept).strip("_-").encode("utf-8", "ignore")[:most].decode("utf-8", "ignore").strip("_-")
    return f"{short}_" if _RESERVED.fullmatch(short) else short


def same_name(name: str) -> str:
    """Return the form in which two names are one file where capitals or the form of accents do not count."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def ascii_name(name: str) -> str:
    """Return a name with ASCII letters alone, for a disk that takes no other."""
    return re.sub("_+", "_", "".join(letter if letter.isascii() else "_" for letter in name))
