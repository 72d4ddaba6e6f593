"""Folding text so that search finds Kazakh in both scripts, Russian and English, whatever the case or accents.

Two forms are indexed: the text as it is, and a Latin skeleton into which Cyrillic and the Latin
spellings of Kazakh and Russian (official alphabets of 2018 and 2021, and what people type) fall together:
Жаңаөзен, Jañaözen and Zhanaozen are all `janaozen`. The skeleton finds too much rather than too little.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_WORD = re.compile(r"\w+", re.UNICODE)
_DOUBLED = re.compile(r"(.)\1+")

_CYRILLIC = {
    "а": "a", "ә": "a", "б": "b", "в": "v", "г": "g", "ғ": "g", "д": "d", "е": "e", "ё": "e", "ж": "j", "з": "z",
    "и": "i", "й": "i", "к": "k", "қ": "k", "л": "l", "м": "m", "н": "n", "ң": "n", "о": "o", "ө": "o", "п": "p",
    "р": "r", "с": "s", "т": "t", "у": "u", "ұ": "u", "ү": "u", "ф": "f", "х": "h", "һ": "h", "ц": "s", "ч": "c",
    "ш": "s", "щ": "s", "ъ": "", "ы": "i", "і": "i", "ь": "", "э": "e", "ю": "iu", "я": "ia", "ї": "i", "є": "e",
    "ў": "u", "ґ": "g",
}  # fmt: skip
_LATIN_PAIRS = [
    ("shch", "s"),
    ("sch", "s"),
    ("zh", "j"),
    ("sh", "s"),
    ("ch", "c"),
    ("kh", "h"),
    ("gh", "g"),
    ("ts", "s"),
]
_LATIN_SINGLE = str.maketrans({"q": "k", "w": "u", "y": "i", "x": "h", "ı": "i", "ø": "o", "ə": "a", "ŋ": "n"})


def plain(text: str) -> str:
    """Remove case and accents and keep the script; ё and е, й and и become the same letter."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))


@lru_cache(maxsize=1 << 16)  # words repeat
def skeleton(word: str) -> str:
    """Write a word as its Latin skeleton, which the head of this module explains."""
    lowered = unicodedata.normalize("NFC", word.casefold())
    latin = plain("".join(_CYRILLIC.get(c, c) for c in lowered))
    for pair, single in _LATIN_PAIRS:
        latin = latin.replace(pair, single)
    latin = latin.translate(_LATIN_SINGLE)
    return _DOUBLED.sub(r"\1", latin)


def words(text: str) -> list[str]:
    """Split a text into its words; a letter and its mark that stand apart are one letter."""
    return _WORD.findall(unicodedata.normalize("NFC", text))


def skeletons(*texts: str | None) -> str:
    """Write the words of the texts as skeletons, for the search index."""
    return " ".join(skeleton(word) for text in texts if text for word in words(text))


def query(text: str, columns: Sequence[str]) -> str:
    """Write an FTS5 expression: every word must occur in `columns` as it is, or in the column `skeleton` as one.

    A word, or the start of one: endings are many in Kazakh and Russian, so a search for a stem finds its forms.
    """
    own = f"{{{' '.join(columns)}}}"
    terms = []
    for word in words(text):
        bones = skeleton(word)
        terms.append(f'({own}:"{word}"*' + (f' OR skeleton:"{bones}"*)' if bones else ")"))
    return " AND ".join(terms)
