"""Google Sheets as a feed, by gspread: links are read out of a column, status, capture and hash are written into others.

One request reads, at most one writes, each time. A cell is written only where it is empty or still holds what we wrote: never over
what a person typed. What is written is text, never a formula. The service account's key is `keys/google.json` of the home; whoever
owns the sheet shares it with that account.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.capture.link_lists import ListRead, entries_of_rows
from archiver.errors import ConfigError, NotFound, UsageError
from storage.errors import Unreachable

if TYPE_CHECKING:
    from archiver.home.home import Home
    from archiver.jobs.feed_model import Feed
    from archiver.jobs.queue import Queue

KEY = "keys/google.json"
TIMEOUT = 15.0
FINAL = ("done", "dead", "cancelled")


_PAGES: dict[tuple[Path, str], Any] = {}


def _page(client: Any, link: str) -> Any:
    book = client.open_by_url(link)
    number = link.rpartition("gid=")[2].partition("&")[0]
    return book.get_worksheet_by_id(int(number)) if "gid=" in link and number.isdigit() else book.sheet1


class Sheet:
    """One worksheet, read once. Raises `ConfigError`, `Unreachable`, `NotFound`."""

    def __init__(self, home: Home, link: str, column: str | None) -> None:
        import gspread
        import requests
        from google.auth.exceptions import GoogleAuthError

        self._home, self._column = home, column
        known = (home.path, link)
        try:
            # Which page it is, is asked once: after that a look is a single request.
            self._page = _PAGES.get(known) or _page(self._client(home), link)
            self.rows: list[list[str]] = self._page.get_all_values()
            _PAGES[known] = self._page
        except gspread.exceptions.GSpreadException as error:
            _PAGES.pop(known, None)
            raise NotFound(
                "a Google Sheet that is shared with our account",
                str(error)[:200],
                f"Share it with the account of {KEY}.",
            ) from error
        except (requests.RequestException, GoogleAuthError, OSError) as error:
            raise Unreachable(
                "Google Sheets", f"{type(error).__name__}: {error}"[:200], "Looked at again later."
            ) from error

    @staticmethod
    def _client(home: Home) -> Any:
        import gspread

        path = home.path / KEY
        if not path.exists():
            raise ConfigError(
                f"a service account's key in {KEY}", "none", "Make one in Google's console, and put its JSON there."
            )
        try:
            client = gspread.service_account(filename=path)
        except ValueError as error:
            raise ConfigError(
                f"a service account's key in {KEY}", "another file", "Put the JSON there as Google gave it."
            ) from error
        client.set_timeout(TIMEOUT)
        if home.config.proxy:
            client.http_client.session.proxies = {"http": home.config.proxy, "https": home.config.proxy}
        return client

    def links(self) -> ListRead:
        return entries_of_rows(self.rows, self._column)

    def write_back(self, feed: Feed, rows: Mapping[str, dict[str, Any]], queue: Queue) -> dict[str, dict[str, Any]]:
        """Says what became of each row. Returns the rows of which something was written, as they are known now."""
        import gspread
        import requests

        places = {what: self._place(heading) for what, heading in feed.columns.items()}
        cells: list[dict[str, Any]] = []
        changed: dict[str, dict[str, Any]] = {}
        for name, value in rows.items():
            if not value["queued"] or value["written"].get("state") in FINAL:
                continue
            attempts = queue.attempts(feed.job(value["key"]))
            if not attempts:
                continue
            last = attempts[-1]
            words = {
                "status": last.state
                + (f": {last.outcome}" if last.outcome else "")
                + (f" ({last.reason})" if last.reason else "")
            }
            if last.captures:
                row = self._home.catalog.capture(last.captures[0])
                words |= {"link": feed.prefix + last.captures[0]}
                words |= {"hash": f"sha256:{row['manifest_sha256']}"} if row is not None else {}
            written = dict(value["written"])
            line = int(value["where"].rpartition(" ")[2])
            for what, text in words.items():
                if what in places and (range_ := self._cell(line, places[what], written.get(what), text)) is not None:
                    cells.append({"range": range_, "values": [[text]]})
                    written[what] = text
            changed[name] = {**value, "written": {**written, "state": last.state}}
        if cells:
            try:
                self._page.batch_update(cells, raw=True)
            except (gspread.exceptions.GSpreadException, requests.RequestException, OSError) as error:
                raise Unreachable(
                    "Google Sheets", f"{type(error).__name__}: {error}"[:200], "Written again later."
                ) from error
        return changed

    def _place(self, heading: str) -> int:
        for row in self.rows[:20]:
            for index, cell in enumerate(row):
                if cell.strip().casefold() == heading.strip().casefold():
                    return index
        raise UsageError(f"a column {heading!r}", "none of that heading", "Write the heading into the sheet.")

    def _cell(self, line: int, column: int, ours: str | None, text: str) -> str | None:
        """The cell's name, where it may be written and does not say so already."""
        import gspread

        row = self.rows[line - 1] if line <= len(self.rows) else []
        now = row[column] if column < len(row) else ""
        if now == text or (now and now != ours):
            return None
        return str(gspread.utils.rowcol_to_a1(line, column + 1))
