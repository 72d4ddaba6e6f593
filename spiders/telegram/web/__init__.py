"""Telegram's public pages: channel previews, post embeds, the discussion widget."""
