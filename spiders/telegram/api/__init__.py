"""Telegram's own API, through an account: what is asked, in which order, and what its objects say."""
