"""Which files of posts were covered, by redactions that name the post and by older ones that name only its capture."""

from __future__ import annotations

from archiver.lookup.material import Material

Place = tuple[str, int]
"""A post by its id, and which attachment of it."""


def covered_places(material: Material) -> set[Place]:
    """Return the attachments of which a covered copy was made, in any capture."""
    made = [one for one in material.redactions if one.media is not None]
    found = {(str(one.about["post"]), one.media.attachment) for one in made if one.media and one.about.get("post")}
    unnamed = {one.original for one in made if not one.about.get("post")}
    if unnamed:
        for item in material.items:
            found |= {(one.post, one.attachment) for one in item.every_media if one.post and one.sha256 in unnamed}
    return found
