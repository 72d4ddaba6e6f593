"""Telegram with an account: logging in, collecting, watching. How Telegram speaks is in `spiders/telegram`."""
