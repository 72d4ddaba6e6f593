"""Canonical JSON: one value, one byte string.

UTF-8, keys sorted by code point, no spaces, no floats, no duplicate keys.
A reader accepts only what the printer would print back.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from storage.errors import FormatError

Json: TypeAlias = "dict[str, Any] | list[Any] | str | int | bool | None"


def dumps(value: Json) -> bytes:
    """Write `value` as canonical bytes. Raises `FormatError` on floats and on keys that are not strings."""
    _refuse_floats(value)
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return text.encode("utf-8")
    except (TypeError, UnicodeEncodeError) as error:
        raise FormatError("a value that canonical JSON can carry", str(error), "Report this as a bug.") from error


def loads(data: bytes) -> Any:
    """Parse canonical `data`. Raises `FormatError` unless `dumps` would write these very bytes."""
    try:
        value = json.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise FormatError("canonical JSON", str(error), "The file was damaged; run `archiver check`.") from error
    if dumps(value) != data:
        raise FormatError(
            "canonical JSON",
            "the same value in another spelling",
            "The file was changed; run `archiver check`.",
        )
    return value


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise FormatError("canonical JSON, which has no floats", repr(value), "Report this as a bug.")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise FormatError("keys that are strings", repr(key), "Report this as a bug.")
            _refuse_floats(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_floats(item)
