"""A page with an article long enough to be found."""

from __future__ import annotations


def article(inner: str) -> bytes:
    """A page with an article; `inner`: what stands behind it."""
    words = "<p>" + "Words enough for the article to be found by anybody who looks. " * 12 + "</p>"
    return f"<html><head><title>A page</title></head><body><article>{words}</article>{inner}</body></html>".encode()
