"""The lines of an inventory."""

from __future__ import annotations

from typing import Any

from archiver.capture.inventory import Inventory
from spiders.posts import Outcome


def test_two_things_that_differ_by_a_secret_alone_stay_two() -> None:
    """Their keys would be one in the written lines, and our own check would call the capture damaged."""
    written: list[dict[str, Any]] = []

    class Lines:
        def inventory(self, line: dict[str, Any], /) -> None:
            written.append(line)

    def hidden(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: hidden(item) for key, item in value.items()}
        return value.replace("s3cret-1", "…").replace("s3cret-2", "…") if isinstance(value, str) else value

    inventory = Inventory(Lines(), hidden)
    for secret in ("s3cret-1", "s3cret-2"):
        inventory.discover(f"requisite https://x/?k={secret}", "photo", None, None)
    for secret in ("s3cret-1", "s3cret-2"):
        inventory.end(f"requisite https://x/?k={secret}", Outcome.CAPTURED, None)
    assert [line["key"] for line in written] == ["requisite https://x/?k=…", "requisite https://x/?k=… (2)"] * 2
