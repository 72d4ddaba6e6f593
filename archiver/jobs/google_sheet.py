"""Read links out of a Google Sheet, and write what became of them into other columns, by gspread.

One request reads, at most one writes, each time. A cell is written only where it is empty or still holds what we wrote: never over
what a person typed. What is written is text, never a formula. The service account's key is `keys/google.json` of the home; whoever
owns the sheet shares it with that account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from archiver.capture.link_lists import ListRead, entries_of_rows
from archiver.errors import ConfigError, NotFound, UsageError
from archiver.home.home import Home
from archiver.jobs.feed_model import Feed
from archiver.jobs.job_status import JobStatus
from archiver.jobs.queue import ENDED, Queue
from storage.errors import Unreachable

KEY = "keys/google.json"
TIMEOUT = 15.0


class GoogleSheets:
    """The sheets that a home's service account can read.

    Remembers which page a link means: that is asked once, and after that reading a sheet is a single request.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._pages: dict[tuple[str, str | None], Any] = {}

    def open(self, link: str, column: str | None, proxy: str | None) -> Sheet:
        """Read a sheet by a proxy, or directly where that is None, and return it. Raises `ConfigError`, `Unreachable`, `NotFound`."""
        import gspread

        with _google_errors("It is checked again later."):
            try:
                page = self._pages.get((link, proxy)) or _page(client_of(self._home, proxy), link)
                rows: list[list[str]] = page.get_all_values()
            except gspread.exceptions.GSpreadException as error:
                self._pages.pop((link, proxy), None)
                raise NotFound(
                    "a Google Sheet that is shared with our account",
                    str(error)[:200],
                    f"Share it with the account of {KEY}.",
                ) from error
        self._pages[link, proxy] = page
        return Sheet(self._home, page, rows, column)


class Sheet:
    """One page of a sheet, as it was read."""

    def __init__(self, home: Home, page: Any, rows: list[list[str]], column: str | None) -> None:
        self._home, self._page, self.rows, self._column = home, page, rows, column

    def links(self) -> ListRead:
        """Return the links of the sheet's column."""
        return entries_of_rows(self.rows, self._column)

    def write_back(self, feed: Feed, rows: Mapping[str, dict[str, Any]], queue: Queue) -> dict[str, dict[str, Any]]:
        """Write into the sheet what became of each row.

        Returns the rows of which something was written, as they are known now.
        Raises `UsageError` where a column is missing, `Unreachable`.
        """
        import gspread

        places = {what: self._place(heading) for what, heading in feed.columns.items()}
        cells: list[dict[str, Any]] = []
        changed: dict[str, dict[str, Any]] = {}
        for name, value in rows.items():
            if not value["queued"] or value["written"].get("state") in ENDED:
                continue
            attempts = queue.attempts(feed.job(value["key"]))
            if not attempts:
                continue
            written = dict(value["written"])
            line = int(value["where"].rpartition(" ")[2])
            for what, text in self._words(attempts[-1], feed.prefix).items():
                if what in places and (cell := self._cell(line, places[what], written.get(what), text)) is not None:
                    cells.append({"range": cell, "values": [[text]]})
                    written[what] = text
            changed[name] = {**value, "written": {**written, "state": attempts[-1].state}}
        if cells:
            with _google_errors("Written again later.", gspread.exceptions.GSpreadException):
                self._page.batch_update(cells, raw=True)
        return changed

    def _words(self, last: JobStatus, prefix: str) -> dict[str, str]:
        """Return what the columns say of a job: `status` and, once there is a capture, `link` and `hash`."""
        outcome = f": {last.outcome}" if last.outcome else ""
        reason = f" ({last.reason})" if last.reason else ""
        words = {"status": f"{last.state}{outcome}{reason}"}
        if last.captures:
            words["link"] = prefix + last.captures[0]
            if (row := self._home.catalog.capture(last.captures[0])) is not None:
                words["hash"] = f"sha256:{row['manifest_sha256']}"
        return words

    def _place(self, heading: str) -> int:
        """Return the index of the column of that heading."""
        for row in self.rows[:20]:
            for index, cell in enumerate(row):
                if cell.strip().casefold() == heading.strip().casefold():
                    return index
        raise UsageError(f"a column {heading!r}", "none with that heading", "Write the heading into the sheet.")

    def _cell(self, line: int, column: int, ours: str | None, text: str) -> str | None:
        """Return the cell's name, where it may be written and does not say so already."""
        import gspread

        row = self.rows[line - 1] if line <= len(self.rows) else []
        now = row[column] if column < len(row) else ""
        if now == text or (now and now != ours):
            return None
        return str(gspread.utils.rowcol_to_a1(line, column + 1))


def client_of(home: Home, proxy: str | None) -> Any:
    """Make the client that asks as the home's service account. Raises `ConfigError`."""
    import gspread
    import requests
    from google.auth.transport.requests import AuthorizedSession, Request
    from google.oauth2.service_account import Credentials

    path = home.path / KEY
    if not path.exists():
        raise ConfigError(
            f"a service account's key in {KEY}", "none", "Create one in Google's console, and put its JSON there."
        )
    try:
        account = Credentials.from_service_account_file(path, scopes=gspread.auth.DEFAULT_SCOPES)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise ConfigError(
            f"a service account's key in {KEY}", "another kind of file", "Put the JSON there as Google gave it."
        ) from error
    tokens = requests.Session()  # google-auth's own asks for the access token past the proxy
    session = AuthorizedSession(account, auth_request=Request(tokens))  # type: ignore[no-untyped-call]
    for one in (tokens, session):
        one.trust_env = False
        if proxy:
            one.proxies = {"http": proxy, "https": proxy}
    client = gspread.Client(account, session)
    client.set_timeout(TIMEOUT)
    return client


def _page(client: Any, link: str) -> Any:
    """Open the page that a link means: the one of its `gid`, or the first."""
    book = client.open_by_url(link)
    number = link.rpartition("gid=")[2].partition("&")[0]
    return book.get_worksheet_by_id(int(number)) if "gid=" in link and number.isdigit() else book.sheet1


@contextmanager
def _google_errors(next_step: str, *more: type[Exception]) -> Iterator[None]:
    """Raise what comes of a network or of Google that does not answer as `Unreachable`; `more` of gspread's errors too."""
    import requests
    from google.auth.exceptions import GoogleAuthError

    silent: tuple[type[Exception], ...] = (requests.RequestException, GoogleAuthError, OSError, *more)
    try:
        yield
    except silent as error:
        raise Unreachable("Google Sheets", f"{type(error).__name__}: {error}"[:200], next_step) from error
