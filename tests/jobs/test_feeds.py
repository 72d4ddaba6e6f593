"""Feeds: each link once, rows that are edited, large sheets, odd files, RSS, and a Google Sheet that people type in."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openpyxl
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.auth.exceptions import GoogleAuthError
from requests.adapters import HTTPAdapter

from archiver.capture.link_lists import read_list
from archiver.home.home import Home
from archiver.jobs import google_sheet
from archiver.jobs.entries import SharedEntry
from archiver.jobs.feed import SLICE, FeedReader
from archiver.jobs.feed_model import Feed
from archiver.jobs.queue import Queue, database
from tests.conftest import Shell, set_in

POST, OTHER = "https://t.me/ozen_today/12", "https://t.me/ozen_today/16"
SPELLINGS = [
    "https://t.me/ozen_today/12", "http://t.me/ozen_today/12", "t.me/ozen_today/12", "https://telegram.me/ozen_today/12",
    "https://t.me/s/ozen_today/12", "HTTPS://T.ME/ozen_today/12", "https://t.me/ozen_today/12?embed=1",
    "https://t.me/ozen_today/12/", "tg://resolve?domain=ozen_today&post=12", "https://www.t.me/ozen_today/12", "https://t.me/Ozen_Today/12",
]  # fmt: skip


class Feeding:
    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.home = Home(shell.home)
        self.queue = Queue(database(self.home))
        self.told: list[str] = []
        self.reader = FeedReader(self.home, self.queue, self.told.append)

    def add(self, source: str | Path, *words: str) -> str:
        code, [line] = self.shell.json("feed", "add", str(source), *words)
        assert code == 0, line
        return str(line["feed"])

    def tick(self) -> int:
        for entry in self.queue.shared.entries.all("feed"):
            self.queue.shared.entries.put("feed", SharedEntry(entry.id, 0.0, entry.value))
        return self.reader.read_due()

    def links(self) -> list[str]:
        return sorted(one.job.link for one in self.queue.jobs(limit=100_000))


@pytest.fixture
def feeding(shell: Shell) -> Iterator[Feeding]:
    made = Feeding(shell)
    yield made
    made.queue.close()


def test_ten_spellings_of_a_link_are_one_job(feeding: Feeding, tmp_path: Path) -> None:
    path = tmp_path / "links.txt"
    path.write_text("\n".join(SPELLINGS))
    feeding.add(path)
    assert feeding.tick() == 1
    assert feeding.links() == [POST]
    assert feeding.tick() == 0


def test_a_list_that_grows_is_read_on_and_edits_are_noticed(feeding: Feeding, tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_text(f"who,link\na,{POST}\nb,{OTHER}\n")
    name = feeding.add(path)
    assert feeding.tick() == 2
    path.write_text(f"who,link\nnew,https://t.me/ozen_today/20\na,{POST}\nb,{OTHER}\n")
    assert feeding.tick() == 1
    assert feeding.told == [], "rows that moved were not edited"
    path.write_text(f"who,link\nnew,https://t.me/ozen_today/20\na,{POST}\nb,https://t.me/ozen_today/21\n")
    assert feeding.tick() == 1
    assert len(feeding.told) == 1
    assert f"row 4 was edited: {OTHER} → https://t.me/ozen_today/21" in feeding.told[0]
    assert OTHER in feeding.links(), "what was queued of the old link stays"
    code, out, _ = feeding.shell("feed", "show", name)
    assert code == 0
    assert "row 4" in out
    assert "was edited" in feeding.shell("feed", "list")[1]
    assert feeding.shell("feed", "remove", name)[0] == 0
    assert "no feeds" in feeding.shell("feed", "list")[1]
    assert feeding.queue.shared.entries.count("row") == 0


def test_a_worker_reads_feeds_to_their_end(feeding: Feeding, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_text(POST)
    (folder / "b.csv").write_text(f"link\n{OTHER}\nno link here\n")
    (folder / "broken.xlsx").write_bytes(b"PK\x03\x04broken")
    name = feeding.add(folder, "--every", "1h")
    assert feeding.shell("work", "--drain")[0] == 0
    assert feeding.queue.counts() == {"done": 2}
    lines = feeding.shell.json("feed", "show", name)[1]
    assert [line["state"] for line in lines] == ["done", "done", "not queued"]
    assert "broken.xlsx" in feeding.shell("feed", "list")[1]
    assert feeding.shell("check")[0] == 0


def test_a_feed_that_is_read_while_the_rest_is_counted_is_done_too(
    feeding: Feeding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "links.txt"
    path.write_text(POST)
    feeding.add(path)
    counts = Queue.counts

    def slowly(queue: Queue) -> dict[str, int]:
        found = counts(queue)
        time.sleep(0.5)
        return found

    monkeypatch.setattr(Queue, "counts", slowly)
    assert feeding.shell("work", "--drain")[0] == 0
    assert feeding.queue.counts() == {"done": 1}


@pytest.mark.parametrize("count", [3_000, pytest.param(50_000, marks=pytest.mark.soak("formats"))])
def test_thousands_of_rows(feeding: Feeding, tmp_path: Path, count: int) -> None:
    path = tmp_path / "many.csv"
    path.write_text("link\n" + "".join(f"https://blog.ozen.example/{n}\n" for n in range(count)))
    feeding.add(path)
    assert feeding.tick() == SLICE, "a slice each time, so that nothing else waits for it"
    assert feeding.tick() == SLICE
    (entry,) = feeding.queue.shared.entries.all("feed")
    assert Feed.of(entry.id, entry.value).left == count - 2 * SLICE
    assert feeding.queue.shared.entries.count("row") == count
    assert len(set(feeding.links())) == 2 * SLICE


def test_merged_cells_and_formulas(feeding: Feeding, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(["what", "link"])
    page.append(["merged", POST])
    page.append(["", None])
    page.merge_cells("B2:B3")
    page.append(["formula", f'=HYPERLINK("{OTHER}","look")'])
    page.append(["computed", '="https://t.me/ozen_today/"&20'])
    book.save(tmp_path / "sheet.xlsx")
    name = feeding.add(tmp_path / "sheet.xlsx", "--column", "link")
    feeding.tick()
    assert feeding.links() == [POST, OTHER]
    assert feeding.shell("feed", "show", name)[0] == 0


CONTENT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:body><office:spreadsheet><table:table table:name="Sheet1">
<table:table-row><table:table-cell table:number-columns-repeated="2"/><table:table-cell><text:p>link</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell table:number-columns-repeated="2"/><table:table-cell><text:p>%s</text:p></table:table-cell>
 <table:table-cell table:number-columns-repeated="16381"/></table:table-row>
<table:table-row table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
<table:table-row><table:covered-table-cell/>
<table:table-cell/><table:table-cell><text:p><text:a xlink:href="%s">look</text:a></text:p></table:table-cell>
</table:table-row>
<table:table-row><table:table-cell/><table:table-cell/><table:table-cell table:formula="of:=HYPERLINK(&quot;https://t.me/ozen_today/20&quot;;&quot;x&quot;)"><text:p>x</text:p></table:table-cell>
</table:table-row>
<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
</table:table></office:spreadsheet></office:body></office:document-content>"""


def ods(path: Path, content: str) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("content.xml", content)
    return path


def test_an_ods_file(tmp_path: Path) -> None:
    found = read_list(str(ods(tmp_path / "a.ods", CONTENT % (POST, OTHER))), None, None)  # type: ignore[arg-type]
    assert [(one.where, one.text) for one in found.entries] == [
        ("row 2", POST), ("row 6", OTHER), ("row 7", "https://t.me/ozen_today/20"),
    ]  # fmt: skip
    assert found.column == "link"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<a",
        "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
        CONTENT[:900],
    ],
)
def test_ods_files_that_are_none(feeding: Feeding, tmp_path: Path, content: str) -> None:
    feeding.add(ods(tmp_path / "a.ods", content))
    assert feeding.tick() == 0
    assert len(feeding.told) == 1
    assert "root:" not in feeding.told[0]


class Site:
    """RSS, and what of Google's Sheets API gspread asks for."""

    def __init__(self) -> None:
        self.rss = b""
        self.cells: list[list[str]] = []
        self.asked: list[str] = []
        self.limited = False
        self.location = "http://[x"
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _send(self, code: int, body: bytes, kind: str = "application/json") -> None:
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                outer.asked.append(f"GET {self.path.partition('?')[0]}")
                if self.path.startswith("/rss"):
                    self._send(200, outer.rss, "application/rss+xml")
                elif self.path == "/nowhere":
                    self.send_response(302)
                    self.send_header("Location", outer.location)
                    self.end_headers()
                elif outer.limited:
                    self._send(429, b'{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}')
                elif "/values/" in self.path:
                    self._send(200, json.dumps({"range": "Sheet1", "values": outer.cells}).encode())
                else:
                    page = {
                        "properties": {
                            "sheetId": 0,
                            "title": "Sheet1",
                            "index": 0,
                            "gridProperties": {"rowCount": 99, "columnCount": 9},
                        }
                    }
                    self._send(
                        200,
                        json.dumps({"spreadsheetId": "ID", "properties": {"title": "T"}, "sheets": [page]}).encode(),
                    )

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked.append(f"POST {self.path.partition('?')[0]}")
                if self.path == "/token":
                    self._send(200, b'{"access_token":"t","expires_in":3600,"token_type":"Bearer"}')
                    return
                order = json.loads(data)
                assert order["valueInputOption"] == "RAW", "text, never a formula"
                for one in order["data"]:
                    match = re.search(r"!?([A-Z])(\d+)$", one["range"])
                    assert match is not None
                    row, column = int(match[2]) - 1, ord(match[1]) - 65
                    while len(outer.cells[row]) <= column:
                        outer.cells[row].append("")
                    outer.cells[row][column] = one["values"][0][0]
                self._send(200, b"{}")

            def log_message(self, *args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.shutdown()


def test_rss(feeding: Feeding, site: Site) -> None:
    item = "<item><title>t</title><link>{}</link><guid>{}</guid></item>"
    site.rss = (
        f"<rss version='2.0'><channel>{item.format(POST, 1)}{item.format(SPELLINGS[3], 2)}</channel></rss>".encode()
    )
    feeding.add(f"{site.address}/rss")
    assert feeding.tick() == 1
    site.rss = f"<rss version='2.0'><channel>{item.format(OTHER, 3)}{item.format(POST, 1)}</channel></rss>".encode()
    assert feeding.tick() == 1
    assert feeding.links() == [POST, OTHER]
    site.rss = b"<html>no feed</html"
    assert feeding.tick() == 0
    assert feeding.told


def test_rss_with_links_that_are_none(feeding: Feeding, site: Site) -> None:
    """An entry whose link cannot be read queues nothing and holds up no other; nor does a feed that leads nowhere."""
    item = "<item><title>t</title><link>{}</link></item>"
    bad = "".join(item.format(link) for link in ("http://[bad", "http://x:abc/", "//[", "http://a b/"))
    site.rss = f"<rss version='2.0'><channel>{bad}{item.format(POST)}</channel></rss>".encode()
    feeding.add(f"{site.address}/rss")
    assert feeding.tick() == 1
    assert feeding.links() == [POST]


@pytest.mark.parametrize("name", ["user:hunter2@", "user: hunter2@", "user:hunter2%40"])
def test_a_password_in_a_feed_is_kept_nowhere(feeding: Feeding, site: Site, tmp_path: Path, name: str) -> None:
    link = f"https://{name}t.me/ozen_today/12"
    path = tmp_path / "links.txt"
    path.write_text(link)
    item = f"<item><title>t</title><link>{link}</link><guid>see {link}</guid></item>"
    site.rss = f"<rss version='2.0'><channel>{item}</channel></rss>".encode()
    site.location = site.address.replace("//", f"//{name}") + "/rss"
    for source in (path, f"{site.address}/rss", f"{site.address}/nowhere"):
        feeding.add(source)
    feeding.tick()
    assert feeding.links() == []
    assert sorted(site.asked) == ["GET /nowhere", "GET /rss"], "what it leads to is not asked"
    assert "a name or password in it" in feeding.told[0]
    assert "hunter2" not in feeding.told[0]
    for file in feeding.shell.home.rglob("*"):
        if file.is_file():
            assert b"hunter2" not in file.read_bytes(), file


@pytest.mark.parametrize(
    "link", ["https://{}one.example/a", "HTTPS://{}docs.google.com/spreadsheets/d/ID", "http:{}a.b/"]
)
@pytest.mark.parametrize("name", ["user:hunter2@", "user: hunter2@", "user:hunter2%40", "hunter2＠"])
def test_a_feed_with_a_password_is_not_added(shell: Shell, link: str, name: str) -> None:
    code, out, err = shell("--json", "feed", "add", link.format(name))
    assert (code, "hunter2" in out + err) == (1, False)
    assert "without a name or password" in out


def test_a_feed_is_a_link_in_any_case(feeding: Feeding, site: Site) -> None:
    feeding.add(site.address.replace("http:", "HTTP:") + "/rss")
    site.rss = f"<rss version='2.0'><channel><item><link>{POST}</link></item></channel></rss>".encode()
    assert feeding.tick() == 1


def test_a_feed_of_a_case_is_read_by_the_cases_proxy(feeding: Feeding, site: Site) -> None:
    feeding.shell("case", "new", "almaty")
    with open(feeding.home.path / "archiver.toml", "a") as settings:
        settings.write('\n[cases.almaty]\nproxy = "http://127.0.0.1:9"\n')
    feeding.home.__dict__.pop("config", None)
    site.rss = f"<rss version='2.0'><channel><item><link>{POST}</link></item></channel></rss>".encode()
    feeding.add(f"{site.address}/rss", "--case", "almaty")
    assert feeding.tick() == 0
    assert "ProxyError" in feeding.told[-1], "the case's own proxy is down, and nothing goes past it"


def test_a_feed_that_leads_to_no_link(feeding: Feeding, site: Site) -> None:
    feeding.add(f"{site.address}/nowhere")
    assert feeding.tick() == 0
    assert "a valid link" in feeding.told[-1]


class ToLoopback(HTTPAdapter):
    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def send(self, request: Any, *rest: Any, **more: Any) -> Any:
        request.url = unquote(request.url).replace("https://sheets.googleapis.com", self._address)
        return super().send(request, *rest, **more)


@pytest.fixture
def google(feeding: Feeding, site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    key = (
        rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    )
    account = {
        "type": "service_account", "client_email": "a@b.example", "private_key": key, "private_key_id": "1",
        "token_uri": f"{site.address}/token", "project_id": "p", "client_id": "1",
    }  # fmt: skip
    (feeding.home.path / "keys" / "google.json").write_text(json.dumps(account))
    original = google_sheet.client_of

    def client(home: Home, proxy: str | None) -> Any:
        made = original(home, proxy)
        made.http_client.session.mount("https://sheets.googleapis.com", ToLoopback(site.address))
        return made

    monkeypatch.setattr(google_sheet, "client_of", client)
    return site


SHEET = "https://docs.google.com/spreadsheets/d/ID/edit#gid=0"


def test_a_google_sheet_is_read_and_written_back_to(feeding: Feeding, google: Site) -> None:
    google.cells[:] = [
        ["who", "link", "status", "archive", "hash"], ["a", POST], ["b", OTHER, "I looked at this myself"], ["c", SPELLINGS[3]],
        ["d", "=1+1"],
    ]  # fmt: skip
    columns = (
        "--status-column",
        "Status",
        "--link-column",
        "archive",
        "--hash-column",
        "hash",
        "--link-prefix",
        "https://a.example/",
    )
    feeding.add(SHEET, "--column", "link", *columns)
    assert feeding.tick() == 2
    assert google.cells[1][2] == "waiting"
    assert feeding.shell("work", "--drain")[0] == 0
    google.asked.clear()
    feeding.tick()
    assert google.cells[1][2] == "done: captured"
    assert google.cells[3][2] == "done: captured", "the same link in another row too"
    assert google.cells[2][2] == "I looked at this myself", "never over what a person typed"
    capture = google.cells[1][3].removeprefix("https://a.example/")
    row = Home(feeding.shell.home).catalog.capture(capture)
    assert row is not None
    assert google.cells[1][4] == f"sha256:{row['manifest_sha256']}"
    assert google.cells[2][3].startswith("https://a.example/")
    asked = [one for one in google.asked if "/token" not in one]
    assert [one.rpartition("/")[2] for one in asked] == ["'Sheet1'", "values:batchUpdate"], "one reads, one writes"
    google.asked.clear()
    before = json.dumps(google.cells)
    feeding.tick()
    assert json.dumps(google.cells) == before
    assert not [one for one in google.asked if "batchUpdate" in one], "nothing to be written, nothing is asked"


def test_a_google_sheet_is_asked_for_by_the_proxy_alone(
    feeding: Feeding, google: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The access token too, which google-auth asks for in a session of its own; whatever the environment names."""
    key = feeding.home.path / "keys" / "google.json"
    key.write_text(key.read_text().replace(google.address, "https://oauth2.googleapis.com"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        set_in(feeding.home, proxy=json.dumps(f"http://127.0.0.1:{listener.getsockname()[1]}"))
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "*")
        asked: list[bytes] = []

        def refuse() -> None:
            client, _ = listener.accept()
            with client:
                asked.append(client.recv(4096).partition(b" HTTP/")[0])
                client.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")

        proxy = threading.Thread(target=refuse, daemon=True)
        proxy.start()
        client = google_sheet.client_of(feeding.home, feeding.home.config.proxy)
        with pytest.raises(GoogleAuthError):
            client.open_by_url(SHEET)
        proxy.join(10)
        assert asked == [b"CONNECT oauth2.googleapis.com:443"]


def test_a_sheet_whose_quota_is_used_up_is_read_later(feeding: Feeding, google: Site) -> None:
    google.cells[:] = [["link"], [POST]]
    feeding.add(SHEET)
    google.limited = True
    assert feeding.tick() == 0
    assert "Quota" in feeding.told[0]
    google.limited = False
    assert feeding.tick() == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing.txt",), "a file, a folder"), ((".", "--every", "often"), "--every as"), ((".", "--case", "nowhere"), "case"),
        ((".", "--status-column", "x"), "a Google Sheet"),
    ],
)  # fmt: skip
def test_feeds_that_mean_nothing(shell: Shell, words: tuple[str, ...], said: str) -> None:
    code, _, err = shell("feed", "add", *words)
    assert code == 1
    assert said in err


def test_without_a_key_it_says_where_it_goes(feeding: Feeding) -> None:
    feeding.add(SHEET)
    assert feeding.tick() == 0
    assert "keys/google.json" in feeding.told[0]
