"""What comes along when a link is copied, taken off before anything is read from it. Pure; the literal is kept by who asks.

One function for every way in: command, list, feed, watch, API. It never decides what a link names, and it is idempotent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
"""Zero-width and directional characters, soft hyphen, byte order mark (Unicode, 23.2 and 23.8)."""
_JOINERS = "\u200c\u200d"
_REMOVED = re.compile(rf"[{_INVISIBLE}]")
_JOINED = re.compile(rf"(?<=[^\x00-\x7f{_INVISIBLE}])[{_JOINERS}](?=[^\x00-\x7f{_INVISIBLE}])")
"""Between two letters of Persian or Hindi a joiner is part of the word, and of the address."""
_MASKS = {"\u200c": "\ue000", "\u200d": "\ue001"}
_ENCODED_END = re.compile(
    r"(?:%20|%C2%A[0D]|%D8%9C|%E2%80%8[B-F]|%E2%80%A[A-E]|%E2%81%A[0-9A-F]|%EF%BB%BF)+$", re.IGNORECASE
)
"""The same, and blanks, at the end of a link that a browser has encoded already."""
_AMPERSAND = re.compile(r"&(?:amp|#0*38|#x0*26);", re.IGNORECASE)
_DEFANGED = re.compile(r"\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\[\.|\.\]", re.IGNORECASE)
_DEFANGED_SCHEME = re.compile(
    r"h(?:xx|tt|\*\*)p(s?)(?:\[:\]|:|：)(?:\[//\]|//|／／)|h(?:xx|tt|\*\*)p(s?)\[://\]", re.IGNORECASE
)
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0x3002: 0x2E, 0xFF61: 0x2E}
"""Full-width forms of ASCII, and the full stops that stand for a dot in a host (UTS 46)."""
_DIGITS = {base + digit: 0x30 + digit for base in (0x0660, 0x06F0) for digit in range(10)}
"""Arabic-Indic digits, as phones write a number."""
_WHOLE_NUMBER = re.compile(r"(?<![^/=#&_?-])[\u0660-\u0669\u06f0-\u06f9]+(?![^/=#&_?-])")
_OPENING = "<\"'«»“”„‟‘’‚‹›([{（［｛【「『《〈〔`"
_PAIRS = {")": "(", "]": "[", "}": "{", "）": "（", "］": "［", "｝": "｛", "】": "【", "」": "「", "』": "『", "》": "《",
          "〉": "〈", "〕": "〔"}  # fmt: skip
_CLOSING = ".,;:!?…>\"'«»“”„‟‘’‚‹›`。，、；：！？،؛؟۔"


@dataclass(frozen=True)
class Cleaned:
    """A link without what came along with it. `literal`: the text as it was given, but for blanks around it."""

    link: str
    literal: str

    @property
    def changed(self) -> bool:
        """Whether anything was taken off or mended."""
        return self.link != self.literal


def clean(text: str) -> Cleaned:
    """Take off and mend what a copied link brings along, until nothing is left to do. Total."""
    literal = text.strip()
    link, before = literal, None
    while link != before:
        before, link = link, _once(link)
    return Cleaned(link, literal)


def without_end(text: str) -> str:
    """Return a text without the punctuation, quotes and unbalanced brackets at its end."""
    counts: dict[str, int] = {}  # counted once: there may be a hundred thousand of them
    before = None
    while text != before:
        before = text
        text = text.rstrip(_CLOSING)
        if not text or (opening := _PAIRS.get(text[-1])) is None:
            break
        closing = text[-1]
        extra = counts.setdefault(closing, text.count(closing) - text.count(opening))
        run = min(extra, len(text) - len(text.rstrip(closing)))
        if run > 0:
            counts[closing], text = extra - run, text[:-run]
    return text


def in_ascii(text: str) -> str:
    """Return a text with full-width letters, and numbers in Arabic-Indic digits, as ASCII.

    Only for links of platforms, whose ids are ASCII: elsewhere such letters may be part of an address. Digits that stand
    in a name stay: a channel may be called so.
    """
    return _WHOLE_NUMBER.sub(lambda match: match[0].translate(_DIGITS), text.translate(_WIDE))


def _once(text: str) -> str:
    text = _visible(text).strip()
    text = _AMPERSAND.sub("&", text)
    text = _headed(text)
    return without_end(_ENCODED_END.sub("", text.lstrip(_OPENING))).strip()


def _visible(text: str) -> str:
    masked = _JOINED.sub(lambda match: _MASKS[match[0]], text) if not re.search("[\ue000\ue001]", text) else text
    shown = _REMOVED.sub("", masked)
    if masked == text:
        return shown
    return shown.replace("\ue000", "\u200c").replace("\ue001", "\u200d")


def _headed(text: str) -> str:
    """Mend scheme and host, which are never written with these signs; what follows them stays as it is."""
    lead = len(text) - len(text.lstrip(_OPENING))
    before, rest = text[:lead], text[lead:]
    if wide := re.match(r"[ｈＨ][ｔＴ]{2}[ｐＰ][ｓＳ]?", rest):
        rest = wide[0].translate(_WIDE) + rest[wide.end() :]
    if match := _DEFANGED_SCHEME.match(rest):
        rest = f"http{(match[1] or match[2] or '').lower()}://" + rest[match.end() :]
    match = re.match(r"(https?://)?([^/?#／？＃]*)", rest, re.IGNORECASE)
    assert match is not None
    scheme, host, after = match[1] or "", match[2], rest[match.end() :]
    if not scheme and not re.match(r"[^\s@]+(?:\.|\[\.|。|．|\(\.|\[dot|\(dot)", host):
        return before + rest
    host = _DEFANGED.sub(".", host)
    if after[:1] in ("／", "？", "＃"):
        after = after[0].translate(_WIDE) + after[1:]
    return before + scheme + host.translate(_WIDE) + after
