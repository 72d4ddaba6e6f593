"""How pages of no platform say that they are not to be had: what is said on any site. Data."""

from __future__ import annotations

from spiders.walls.pages import TITLES

WORDINGS = (TITLES,)
