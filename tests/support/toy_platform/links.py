"""How links of the toy look: toy.example/NAME is a board, toy.example/NAME/12 a note."""

from __future__ import annotations

from spiders.link_forms import Link, LinkForms, Row, Target, first_match

HOST = "toy.example"
PATHS: list[Row] = [
    (r"/(?P<handle>[a-z]+)/(?P<id>\d+)/?", "note"),
    (r"/(?P<handle>[a-z]+)/?", "board"),
]


def read(link: Link) -> Target | None:
    """What a link of the toy names."""
    found = first_match(PATHS, link.path)
    if found is None:
        return None
    kind, names = found
    handle = names["handle"]
    name = f"{handle}/{names['id']}" if kind == "note" else handle
    return Target("toy", kind, name, f"https://{HOST}/{name}", handle)


FORMS = LinkForms(owns=lambda host: host == HOST, read=read, bare=(HOST,))
