"""What the spiders of X are told beside the target: the person's own login, and what the site's script may have wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spiders.target_spider import WalkSpider


class XSpider(WalkSpider):
    """A spider that can ask as a logged-in person."""

    def __init__(
        self,
        *arguments: Any,
        cookies: Mapping[str, str] | None = None,
        query_ids: Mapping[str, str] | None = None,
        features: Mapping[str, bool] | None = None,
        **kwargs: Any,
    ) -> None:
        """`cookies`: `auth_token` and `ct0` of the person's own account. `query_ids`: where the script's are wrong."""
        super().__init__(*arguments, **kwargs)
        self._cookies = dict(cookies or {})
        self._query_ids, self._features = dict(query_ids or {}), dict(features or {})
