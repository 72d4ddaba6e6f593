"""Telegram's public web view: t.me/s/… pages and post embeds."""
