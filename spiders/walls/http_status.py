"""What a status code says of a thing's presence, whoever answers. Source: RFC 9110 section 15, RFC 6585, RFC 7725."""

from __future__ import annotations

KIND_BY_STATUS = {
    401: "login required",
    402: "paid",
    404: "not found",
    410: "gone",
    429: "rate limit",
    451: "withheld for legal reasons",
}
"""Status → kind (`spiders/availability.py`). 403 is not here: servers give it to robots and to strangers alike."""
