"""Remember, for each platform, posts that were there a moment ago.

One of them is captured in the same run as a post that is not shown. Only where such a control is answered does the platform's
answer about the post count.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice

from archiver.home.home import Home
from archiver.jobs.queue_secrets import QueueSecrets
from archiver.jobs.shared_state import SharedState
from archiver.jobs.watch import SHOWN, Watch
from spiders.platforms import platform_named
from spiders.targets import Target

KEPT = 5
"""How many posts of a platform are remembered."""
TRIED = 3
"""How many of them are asked for, until one is answered."""


class Controls:
    """The posts that can serve a watch as its control."""

    def __init__(self, home: Home, shared: SharedState, watch: Watch, secrets: QueueSecrets | None) -> None:
        self._home, self._shared, self._watch, self._secrets = home, shared, watch, secrets

    def candidates(self, target: Target) -> list[str]:
        """List the links to try as a control.

        They are a few posts that were there when they were last checked, and the one of the settings.
        """
        known = self._known(target.platform)
        known += [one["link"] for one in list(self._watch.posts.values())[:TRIED]]
        links = [link for link in dict.fromkeys(known) if link != self._watch.link]
        platform = platform_named(target.platform)
        if platform.promise.server_speaks:  # a page's, for itself only
            host = target.url.split("/")[2]
            return [link for link in links if link.split("/")[2] == host][:TRIED] or [f"https://{host}/"]
        config = self._home.config.doctor.get(target.platform, platform.known_post or "")
        return [*links[:TRIED], *([config] if config not in (*links[:TRIED], "", self._watch.link) else [])]

    def remember(self) -> None:
        """Remember the watched post as one that was there just now."""
        known = self._known(self._watch.platform)
        if self._watch.link not in known[:2]:
            self._save(self._watch.platform, list(dict.fromkeys([self._watch.link, *known]))[:KEPT])

    def remember_channel(self, platform: str, links: Sequence[str]) -> None:
        """Remember posts that a channel just listed.

        Those that the home has captured on their own are preferred: a list may name posts that nobody is shown.
        """
        kept = (link for link in links if any(row["outcome"] in SHOWN for row in self._home.catalog.captures_of(link)))
        self._save(platform, list(islice(kept, KEPT)) or list(links[:KEPT]))

    def _known(self, platform: str) -> list[str]:
        return list(json.loads(self._shared.settings.get(f"control {platform}") or "[]"))

    def _save(self, platform: str, links: Sequence[str]) -> None:
        """Links that hold a secret are left out: any post will do as a control."""
        plain = [link for link in links if self._secrets is None or self._secrets.mask.text(link) == link]
        self._shared.settings.set(f"control {platform}", json.dumps(plain))
