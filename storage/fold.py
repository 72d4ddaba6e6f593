"""Folding text so that search finds Kazakh in both scripts, Russian and English, whatever the case or accents.

Two forms are indexed: the text in its own script, folded, and a Latin skeleton into which Cyrillic and the Latin
spellings of Kazakh and Russian (official alphabets of 2018 and 2021, and what people type) fall together:
Жаңаөзен, Jañaözen and Zhanaozen are all `janaozen`. The skeleton finds too much rather than too little.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"\w+", re.UNICODE)

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
    """Case and accents removed, script kept; ё and е, й and и fall together."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))


@lru_cache(maxsize=1 << 16)
def forms(word: str) -> tuple[str, str]:
    """(folded, skeleton) of a word; words repeat, so they are remembered."""
    return plain(word), skeleton(word)


def skeleton(word: str) -> str:
    """The Latin skeleton of a word: see the module's head."""
    lowered = unicodedata.normalize("NFC", word.casefold())
    latin = plain("".join(_CYRILLIC.get(c, c) for c in lowered))
    for pair, single in _LATIN_PAIRS:
        latin = latin.replace(pair, single)
    latin = latin.translate(_LATIN_SINGLE)
    return re.sub(r"(.)\1+", r"\1", latin)


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def index_text(text: str) -> tuple[str, str]:
    """(folded words, skeleton words) for the search table."""
    both = [forms(word) for word in words(text)]
    return " ".join(folded for folded, _ in both), " ".join(bones for _, bones in both)


def query(text: str) -> str:
    """An FTS5 expression: every word must occur, in either form, as a word or the start of one.

    Endings are many in Kazakh and Russian, so a search for a stem finds its forms.
    """
    terms = []
    for word in words(text):
        folded, bones = plain(word).replace('"', ""), skeleton(word).replace('"', "")
        either = [f'folded:"{folded}"*'] if folded else []
        either += [f'skeleton:"{bones}"*'] if bones else []
        if either:
            terms.append("(" + " OR ".join(either) + ")")
    return " AND ".join(terms)
