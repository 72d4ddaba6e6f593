"""JSON with one spelling."""

from __future__ import annotations

import json
import re
from typing import Any

from .words import Tampered, tampered_if


def canonical(data: bytes) -> Any:
    """The value of canonical JSON: exactly one spelling is accepted."""

    def no_float(text: str) -> Any:
        raise Tampered(f"JSON with a float: {text}")

    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=pairs_once,
            parse_float=no_float,
            parse_constant=no_float,
            parse_int=number,
        )
        again = canonical_bytes(value)
    except (ValueError, RecursionError) as error:
        raise Tampered(f"not JSON: {error}"[:160]) from error
    tampered_if(again != data, "JSON in another spelling than its own")
    return value


def number(text: str) -> int:
    """A whole number of JSON. Of many digits it would take older Pythons hours, and no archiver writes one."""
    tampered_if(len(text) > 400, f"JSON with a number of {len(text)} digits")
    return int(text)


def pairs_once(items: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in items]
    tampered_if(len(keys) != len(set(keys)), "JSON with keys that are doubled")
    return dict(items)


def canonical_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def line_text(value: Any) -> str:
    """A value as the tables of a package write it: sorted keys, no spaces, lone surrogates as codes."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)
