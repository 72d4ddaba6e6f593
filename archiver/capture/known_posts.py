"""Posts that are known to exist, by platform."""

from __future__ import annotations

LINKS = {
    # Public posts that have stood for years. `[doctor]` in archiver.toml names others.
    "telegram": "https://t.me/durov/523",
    "x": "https://x.com/jack/status/20",
    "youtube": "https://www.youtube.com/watch?v=jNQXAC9IVRw",
    "facebook": "https://www.facebook.com/facebookapp/posts/10153231379946729",
}
