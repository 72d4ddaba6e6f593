"""Telegram: `web` reads what its public pages show to anybody, `api` what an account may see."""
