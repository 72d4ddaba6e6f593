"""The offline reader: what a saved file holds is read, what it does not hold is told, and neither is taken for the other."""

from __future__ import annotations

import base64
import gzip
import io
import json
import quopri
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archiver.checks import zstd
from archiver.checks.packages import check_path
from archiver.intake.bodies import BodyReading, plain_body
from archiver.intake.read_posts import read_bytes, read_file
from spiders.posts import Availability, Outcome
from spiders.reading import begins_like_json
from tests.support import saved

NEWS = "https://news.example/a"


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes, str], list[BodyReading]]:
    def of(data: bytes, name: str) -> list[BodyReading]:
        (tmp_path / name).write_bytes(data)
        return list(read_file(tmp_path / name))

    return of


Read = Callable[[bytes, str], list[BodyReading]]


def texts(readings: list[BodyReading]) -> list[str | None]:
    return [post.text for reading in readings for post in reading.parsed.posts]


def reasons(readings: list[BodyReading]) -> list[str]:
    return [str(reading.parsed.reason) for reading in readings if not reading.parsed.posts]


# -- statuses ----------------------------------------------------------------------------------------------------------

STATUSES = [
    (404, Outcome.UNAVAILABLE, Availability.UNAVAILABLE, "not found"),
    (410, Outcome.UNAVAILABLE, Availability.UNAVAILABLE, "gone"),
    (403, Outcome.REFUSED, Availability.UNKNOWN, "forbidden"),
    (401, Outcome.REFUSED, Availability.PRIVATE, "login required"),
    (429, Outcome.BLOCKED, Availability.RATE_LIMITED, "rate limit"),
    (451, Outcome.REFUSED, Availability.WITHHELD, "withheld"),
    (500, Outcome.FAILED, Availability.ERROR, "server error"),
    (300, Outcome.FAILED, Availability.UNKNOWN, "redirect"),
]


@pytest.mark.parametrize("address", ["urn:archiver:tls:news.example:443", "urn:pageinfo:https://news.example/a"])
def test_what_a_recorder_notes_about_a_page_is_no_answer(read: Read, address: str) -> None:
    """Recordings of our own, and of browsers, hold such notes beside what a platform said."""
    note = saved.resource(address, b'{"format": "archiver-tls/1", "host": "news.example"}')
    assert read(note, "notes.warc") == []
    readings = read(note + saved.warc(NEWS), "all.warc")
    assert texts(readings) == [saved.WORDS]
    assert reasons(readings) == []


@pytest.mark.parametrize(("status", "outcome", "state", "said"), STATUSES)
def test_an_answer_counts_by_its_status(
    read: Read, status: int, outcome: Outcome, state: Availability, said: str
) -> None:
    """The same page is a post at 200, and at any error a typed reason, whatever recorded it."""
    one = {"request": {"url": NEWS}, "response": {"responseCode": status, "responseBody": saved.PAGE.decode()}}
    files = {
        "a.warc": saved.warc(block=saved.http(status=f"{status} X")),
        "a.arc": saved.arc((NEWS, saved.http(status=f"{status} X"))),
        "a.har": saved.har((NEWS, status, "text/html", saved.PAGE)),
        "a.json": json.dumps(one).encode(),
    }
    for name, data in files.items():
        [reading] = read(data, name)
        assert (reading.parsed.outcome, reading.parsed.posts, reading.url) == (outcome, (), NEWS), name
        assert said in str(reading.parsed.reason), name
        assert reading.parsed.absence is not None
        assert (reading.parsed.absence.state, reading.parsed.absence.said) == (state, f"HTTP {status}"), name
    assert texts(read(files["a.warc"].replace(b"HTTP/1.1 %d X" % status, b"HTTP/1.1 200 X"), "b.warc")) == [saved.WORDS]


def test_a_feed_that_is_not_found_is_not_an_unknown_layout(read: Read) -> None:
    url = "https://www.youtube.com/feeds/videos.xml?channel_id=UCAAAAAAAAAAAAAAAAAAAAAA"
    page = b"<!DOCTYPE html><html><title>Error 404 (Not Found)!!1</title></html>"
    [reading] = read(saved.har((url, 404, "text/html", page)), "feed.har")
    assert reading.line() | {"source": ""} == {
        "outcome": "unavailable", "reason": "not found (HTTP 404)", "state": "unavailable", "by": None, "said": "HTTP 404",
        "url": url, "layout": reading.parsed.layout, "source": "",
    }  # fmt: skip


def test_a_platform_s_own_words_say_more_than_the_number(read: Read) -> None:
    tombstone = {
        "__typename": "TweetTombstone",
        "tombstone": {"text": {"text": "This Post was deleted by the Post author."}},
    }
    [reading] = read(
        saved.har(("https://x.com/i/api/a", 404, "application/json", json.dumps(tombstone).encode())), "a.har"
    )
    [post] = reading.parsed.posts
    assert post.outcome is Outcome.UNAVAILABLE
    assert "author" in str(post.reason)


def test_an_error_without_a_body_is_told(read: Read) -> None:
    data = json.loads(saved.har((NEWS, 404, "text/html", b"")))
    del data["log"]["entries"][0]["response"]["content"]["text"]
    assert reasons(read(json.dumps(data).encode(), "a.har")) == ["not found (HTTP 404)"]
    assert reasons(read(saved.warc(block=saved.http(b"", "404 Not Found")), "a.warc")) == ["not found (HTTP 404)"]


def test_a_redirect_is_told_by_where_it_leads(read: Read) -> None:
    def moved(to: str) -> bytes:
        return saved.http(b"<html><h1>302 Moved</h1></html>", "302 Found", Location=to)

    whole = saved.response("https://news.example/old", moved("/a#top")) + saved.warc()
    page, redirect = read(whole, "whole.warc")
    assert texts([page]) == [saved.WORDS]
    assert (redirect.outcome, redirect.parsed.reason) == (
        Outcome.SKIPPED, "a redirect to https://news.example/a#top (HTTP 302), which is in the file",
    )  # fmt: skip
    [alone] = read(saved.response("https://news.example/old", moved("/new")), "alone.warc")
    assert (alone.outcome, alone.parsed.posts) == (Outcome.PARTIAL, ())
    assert "not in the file" in str(alone.parsed.reason)
    [login] = read(saved.response("https://www.instagram.com/p/A/", moved("/accounts/login/?next=/p/A/")), "login.warc")
    assert login.outcome is Outcome.REFUSED
    assert login.line()["state"] == "private or login"
    entry = json.loads(saved.har(("https://news.example/old", 301, "", b"")))
    entry["log"]["entries"][0]["response"]["redirectURL"] = "https://news.example/new"
    assert "a redirect to https://news.example/new (HTTP 301)" in reasons(read(json.dumps(entry).encode(), "a.har"))[0]


# -- codings and types -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "gzip, br", "unheard-of"])
def test_a_stale_coding_does_not_hide_the_page(read: Read, coding: str) -> None:
    """Some recorders store a body decoded and leave the header that it came with."""
    readings = read(saved.warc(block=saved.http(Content_Encoding=coding)), "a.warc")
    assert texts(readings) == [saved.WORDS]


def test_codings_that_hold(read: Read) -> None:
    for coding, body in {"gzip": gzip.compress(saved.PAGE), "zstd": zstd.zstd.compress(saved.PAGE)}.items():
        assert texts(read(saved.warc(block=saved.http(body, Content_Encoding=coding)), "a.warc")) == [saved.WORDS]
    assert texts(read(saved.warc(block=saved.http(gzip.compress(saved.PAGE))), "a.warc")) == [saved.WORDS], (
        "lost header"
    )


def test_a_damaged_coding_is_not_taken_for_a_stale_one() -> None:
    assert plain_body(gzip.compress(saved.PAGE)[:-8] + bytes(8), "gzip") == (None, False)
    assert plain_body(b"[\x00\x01\x02 brotli begins so", "br") == (None, False)


def test_a_body_that_was_cut_is_read_and_said(read: Read) -> None:
    cut = saved.http(gzip.compress(saved.PAGE)[:-9], Content_Encoding="gzip")
    stated = saved.warc().replace(b"WARC-Type", b"WARC-Truncated: length\r\nWARC-Type")
    for data, why in ((saved.warc(block=cut), "its compressed bytes have no end"), (stated, "length")):
        post, said = read(data, "a.warc")
        assert len(post.parsed.posts) == 1
        assert (said.outcome, said.parsed.reason) == (Outcome.PARTIAL, f"cut short when it was recorded: {why}")


@pytest.mark.parametrize(
    "kind", ["text/javascript; charset=utf-8", "application/javascript", "text/plain", "image/png", "application/vnd.api+json", ""]
)  # fmt: skip
@pytest.mark.parametrize("guard", [b"", b"for (;;);", b")]}'\n"])
def test_json_is_read_under_any_type(read: Read, kind: str, guard: bytes) -> None:
    for name, data in {
        "a.warc": saved.warc("https://api.example/x", saved.http(guard + saved.TWEET, content_type=kind)),
        "a.har": saved.har(("https://api.example/x", 200, kind, guard + saved.TWEET)),
    }.items():
        assert texts(read(data, name)) == ["just setting up"], name


def test_scripts_and_pictures_are_no_content(read: Read) -> None:
    for kind, body in (
        ("text/javascript", b'{"a": 1}; run()'),
        ("image/png", b"\x89PNG\r\n"),
        ("text/css", b"[a] {b: c}"),
    ):
        assert read(saved.warc(block=saved.http(body, content_type=kind)), "a.warc") == [], kind


@pytest.mark.parametrize(
    ("text", "json_like"),
    [
        (b"[3/18/22, 14:56:00] A: hello", False), (b"[12:30] A: hello", False), (b"[Music]", False),
        (b"{curly} words", False), (b"[18.03.22, 14:56:00] A: hi", False), (b"[2022-03-18, 14:56] A: hi", False), (b"[18.03, 4:56] A: hi", False),
        (b"[1.5e3, 2", True), (b"[null, 1", True),
        (b'[{"id": 1', True), (b'{"id": ', True), (b"[1, 2", True), (b"[[", True), (b"{}", True), (b"[]", True), (b"{", True),
    ],
)  # fmt: skip
def test_a_bracket_alone_makes_no_json(text: bytes, json_like: bool) -> None:
    assert begins_like_json(text) is json_like
    [reading] = read_bytes(text + b"\nmore words\n", None, "a.txt")
    if not json_like:
        assert (reading.parsed.outcome, reading.parsed.reason) == (Outcome.PARTIAL, "not HTML; kept as it is")


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("<link rel='canonical' href='https://www.threads.com/@anna/post/A1'>", "layout of this platform is not read (Threads): a page only"),
        ("<meta property='og:url' content='https://vk.com/wall-1_2'>", "layout of this platform is not read (VK): a page only"),
        ("<link rel='canonical' href='https://news.example/a'>", None),
    ],
)  # fmt: skip
def test_a_saved_page_of_a_platform_that_is_not_read_is_a_page_only(read: Read, head: str, reason: str | None) -> None:
    words = "<p>Words that somebody wrote on the square, long enough to be a text of their own.</p>" * 4
    [reading] = read(f"<html><head><title>Anna</title>{head}</head><body>{words}</body></html>".encode(), "saved.html")
    [post] = reading.parsed.posts
    assert (post.outcome, post.reason) == (Outcome.PARTIAL if reason else Outcome.CAPTURED, reason)


def test_a_chat_that_telegram_desktop_exported_is_a_page_only(read: Read) -> None:
    message = '<div class="message default clearfix" id="message5"><div class="body"><div class="text">Words</div></div></div>'
    page = f'<html><body><div class="page_wrap"><div class="page_body chat_page"><div class="history">{message * 3}</div></div></div></body></html>'
    [reading] = read(page.encode(), "messages.html")
    [post] = reading.parsed.posts
    assert (post.outcome, post.reason) == (
        Outcome.PARTIAL, "a chat that Telegram Desktop exported: its messages are not read",
    )  # fmt: skip


def test_json_of_a_million_levels(read: Read) -> None:
    for start in (b"[", b'{"a":'):
        [reading] = read(start * 1_000_000, "deep.json")
        assert (reading.outcome, reading.parsed.reason) == (Outcome.FAILED, "JSON that is nested too deeply to be read")


# -- containers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_package_of_packages_is_intact_and_read(read: Read, tmp_path: Path, compression: int) -> None:
    other = saved.wacz(saved.warc("https://news.example/b"))
    readings = read(saved.multi_wacz({"one.wacz": saved.wacz(), "two.wacz": other}, compression), "several.wacz")
    assert (texts(readings), reasons(readings)) == ([saved.WORDS] * 2, [])
    assert [reading.source for reading in readings] == [
        "several.wacz/one.wacz/archive/data.warc#0", "several.wacz/two.wacz/archive/data.warc#0",
    ]  # fmt: skip
    report = check_path(tmp_path / "several.wacz")
    assert report is not None
    assert (report.intact, report.facts["records"]) == (True, 2)


def test_damage_inside_a_package_of_packages_is_found(read: Read) -> None:
    inner = saved.wacz(saved.warc().replace(b"closed for", b"opened for"))
    said = reasons(read(saved.multi_wacz({"one.wacz": inner}), "several.wacz"))
    assert any("one.wacz archive/data.warc record 1" in text and "digest" in text for text in said), said
    assert "holds none" in reasons(read(saved.multi_wacz({"readme.txt": b""}), "none.wacz"))[0]
    broken = saved.multi_wacz({"one.wacz": b"PK\x03\x04 and nothing more"})
    assert any("no readable ZIP" in text for text in reasons(read(broken, "broken.wacz")))


FORMS = {
    "page.html": saved.PAGE,
    "page.html.gz": gzip.compress(saved.PAGE),
    "page.html.zst": zstd.zstd.compress(saved.PAGE),
    "data.warc": saved.warc(),
    "data.warc.gz": gzip.compress(saved.warc()),
    "data.warc.zst": zstd.zstd.compress(saved.warc()),
    "data.arc": saved.arc((NEWS, saved.http())),
    "data.arc.gz": gzip.compress(saved.arc((NEWS, saved.http()))),
    "data.wacz": saved.wacz(),
    "data.har": saved.har((NEWS, 200, "text/html", saved.PAGE)),
    "page.mhtml": saved.mhtml(({"Content-Type": "text/html"}, saved.PAGE)),
    "no suffix": saved.warc(),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_read_alone_and_in_archives(read: Read, name: str) -> None:
    inside = {f"folder/{name}": FORMS[name], "folder/picture.png": b"\x89PNG\r\n", "notes.txt": b"a note"}
    archives = {
        name: FORMS[name],
        "a.zip": saved.zipped(inside),
        "stored.zip": saved.zipped(inside, zipfile.ZIP_STORED),
        "a.tar": saved.tarred(inside, "w"),
        "a.tar.gz": saved.tarred(inside, "w:gz"),
        "a.tar.bz2": saved.tarred(inside, "w:bz2"),
    }
    for archive, data in archives.items():
        readings = read(data, archive)
        assert (texts(readings), reasons(readings)) == ([saved.WORDS], []), archive


def test_an_archive_in_an_archive_is_said_and_not_opened(read: Read) -> None:
    nested = saved.PAGE
    for level in range(100):
        nested = saved.zipped({f"{level}.zip" if level else "page.html": nested})
    for data, name in ((nested, "a.zip"), (saved.tarred({"a.tar": saved.tarred({"a.html": saved.PAGE})}), "a.tar.gz")):
        [reading] = read(data, name)
        assert (reading.outcome, reading.parsed.reason) == (Outcome.PARTIAL, "an archive within an archive: not opened")
    deep = saved.zipped({"m.wacz": saved.multi_wacz({"one.wacz": saved.wacz()})})
    assert reasons(read(deep, "b.zip")) == ["a package within packages: not opened"]
    [packed] = read(b"7z\xbc\xaf\x27\x1c" + bytes(40), "a.7z")
    assert "not opened (7z)" in str(packed.parsed.reason)


def test_a_bomb_is_not_unpacked(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits are lowered, so that the bomb can be a small one."""
    for module in ("archiver.checks.packages", "archiver.intake.archives"):
        monkeypatch.setattr(f"{module}.GROWN", 1 << 20)
    bomb = {"a.html": bytes(8 << 20)}
    for data, name in (
        (saved.zipped(bomb), "a.zip"),
        (saved.tarred(bomb), "a.tar.gz"),
        (saved.tarred(bomb, "w:bz2"), "a.tar.bz2"),
    ):
        said = reasons(read(data, name))
        assert any("not unpacked" in text for text in said), (name, said)
    monkeypatch.setattr("archiver.intake.archives.ENTRIES", 3)
    many = saved.tarred({f"{number}.html": saved.PAGE for number in range(5)})
    readings = read(many, "many.tar.gz")
    assert (len(texts(readings)), reasons(readings)) == (3, ["damage: more than 3 entries: the rest is not read"])


def test_names_that_lead_out_are_said_and_write_nothing(read: Read, tmp_path: Path) -> None:
    inside = {"../../evil.html": saved.PAGE, "/etc/evil.html": saved.PAGE}
    before = set(tmp_path.parent.rglob("*"))
    for data, name in ((saved.zipped(inside), "a.zip"), (saved.tarred(inside), "a.tar.gz")):
        readings = read(data, name)
        assert reasons(readings) == ["damage: a name that leaves the archive"] * 2
        assert len(texts(readings)) == 2
    assert set(tmp_path.parent.rglob("*")) - before == {tmp_path / "a.zip", tmp_path / "a.tar.gz"}


def test_links_and_devices_of_a_tar_are_passed_over(read: Read) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE):
            member = tarfile.TarInfo("page.html")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    assert read(out.getvalue(), "a.tar") == []


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress])
def test_an_archive_that_is_cut_says_so(read: Read, pack: Callable[[bytes], bytes]) -> None:
    whole = saved.tarred({"a.html": saved.PAGE, "b.html": saved.PAGE * 20}, "w")
    readings = read(pack(whole[:2200]), "a.tar")
    assert texts(readings[:1]) == [saved.WORDS]
    assert any(text.startswith("damage: ") for text in reasons(readings))


def test_encrypted_and_office_files_are_said(read: Read) -> None:
    data = bytearray(saved.zipped({"page.html": saved.PAGE}))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + at] |= 1  # general purpose bit 0: encrypted
    assert "encrypted" in reasons(read(bytes(data), "a.zip"))[0]
    document = saved.zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w:document/>"})
    assert reasons(read(document, "a.docx")) == ["a document or program in the form of a ZIP: not read"]


# -- Zstandard -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
def test_a_warc_with_a_dictionary(read: Read, packed: bool) -> None:
    """IIPC's form: a skippable frame with the dictionary, itself compressed or not, and a frame for each record."""
    records = [saved.warc(f"https://news.example/{number}") for number in range(3)]
    trained = zstd.zstd.train_dict([*records, *(saved.warc(f"https://e.example/{n}") for n in range(100))], 4096)
    content = zstd.zstd.compress(trained.dict_content) if packed else trained.dict_content
    start = zstd.DICTIONARY_FRAME + len(content).to_bytes(4, "little") + content
    data = start + b"".join(zstd.zstd.compress(record, zstd_dict=trained) for record in records)
    readings = read(data, "a.warc.zst")
    assert (texts(readings), reasons(readings)) == ([saved.WORDS] * 3, [])
    [*kept, said] = read(data[:-7], "cut.warc.zst")
    assert len(texts(kept)) >= 2
    assert "truncated zstd frame" in str(said.parsed.reason)
    for odd in (start[:20], zstd.DICTIONARY_FRAME + b"\xff\xff\xff\xff", zstd.DICTIONARY_FRAME + b"\x03\0\0\0abc"):
        assert reasons(read(odd, "odd.warc.zst")) != []


def test_a_zstd_bomb_stops_at_the_limit() -> None:
    assert zstd.decompress(zstd.zstd.compress(bytes(1 << 20)), 1 << 16) is None
    assert zstd.decompress(zstd.zstd.compress(b"words") * 2, 1 << 16) == b"wordswords"


# -- ARC -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress])
def test_an_arc_is_read_past_its_version_block(read: Read, counted: bool, pack: Callable[[bytes], bytes]) -> None:
    blocks = [
        ("dns:news.example", b"20080430204825\n"),
        (NEWS, saved.http()),
        ("https://news.example/a b", saved.http()),
    ]
    readings = read(pack(saved.arc(*blocks, counted=counted)), "a.arc")
    assert (texts(readings), reasons(readings)) == ([saved.WORDS] * 2, [])
    assert [reading.url for reading in readings] == [NEWS, "https://news.example/a b"]


@pytest.mark.parametrize("length", ["abc", "-1", "7", "999999"])
def test_an_arc_with_wrong_lengths_is_damage(read: Read, length: str) -> None:
    said = reasons(read(saved.arc((NEWS, saved.http()), (NEWS, saved.http()), length=length), "a.arc"))
    assert said
    assert any(text.startswith("damage: record ") for text in said), said


# -- MHTML -----------------------------------------------------------------------------------------------------------

HTML = {"Content-Type": "text/html; charset=utf-8"}
CAFE = saved.PAGE.replace(b"The bridge", "The café's bridge".encode())


@pytest.mark.parametrize(
    ("coding", "body"),
    [("quoted-printable", quopri.encodestring(CAFE)), ("base64", base64.encodebytes(CAFE)), ("8bit", CAFE), ("", CAFE)],
)
def test_parts_of_mhtml_are_decoded_and_placed(read: Read, coding: str, body: bytes) -> None:
    picture = ({"Content-Type": "image/png", "Content-Location": "https://news.example/p.png"}, b"\x89PNG")
    page = ({**HTML, "Content-Transfer-Encoding": coding, "Content-Location": NEWS}, body)
    [reading] = read(saved.mhtml(picture, page), "a.mhtml")
    [post] = reading.parsed.posts
    assert (post.url, post.text) == (NEWS, saved.WORDS.replace("The bridge", "The café's bridge"))
    [told] = read_bytes(saved.mhtml(page), "https://told.example/", "a.mhtml")
    assert told.url == "https://told.example/", "what the person says of the file counts first"


def test_the_page_is_chosen_by_start_then_by_address(read: Read) -> None:
    frame = (
        {**HTML, "Content-ID": "<frame@x>", "Content-Location": "https://ads.example/"},
        b"<html><p>Buy this</p></html>",
    )
    page = ({**HTML, "Content-ID": "<page@x>", "Content-Location": NEWS}, saved.PAGE)
    for data in (
        saved.mhtml(frame, page, start="<page@x>"),
        saved.mhtml(frame, page, location=NEWS),
        saved.mhtml(page, frame),
    ):
        assert texts(read(data, "a.mhtml")) == [saved.WORDS]


def test_a_post_in_a_frame_is_read_too(read: Read) -> None:
    frame = ({**HTML, "Content-Location": "https://t.me/river/12?embed=1"}, saved.PREVIEW)
    readings = read(saved.mhtml(({**HTML, "Content-Location": NEWS}, saved.PAGE), frame), "a.mhtml")
    assert texts(readings) == [saved.WORDS, "From the river"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (saved.mhtml((HTML, saved.PAGE)).replace(b'boundary="----Part"', b""), "no boundary"),
        (saved.mhtml((HTML, saved.PAGE)).partition(b"\r\n\r\n")[2].lstrip(), "no boundary"),
        (saved.mhtml(({"Content-Type": "image/png"}, b"\x89PNG")), "no page in it"),
        (saved.mhtml(), "no page in it"),
        (saved.mhtml(({**HTML, "Content-Transfer-Encoding": "base64"}, b"A")), "cannot be decoded"),
    ],
)
def test_broken_mhtml_is_a_typed_reason(read: Read, data: bytes, said: str) -> None:
    data = data.replace(
        b"------Part\r\nContent-Type: text/html",
        b"------Part\r\nContent-ID: <a>\r\nContent-Location: b\r\nContent-Type: text/html",
    )
    [reading] = read(data, "a.mhtml")
    assert (reading.outcome, reading.parsed.layout) == (Outcome.PARTIAL, "mhtml")
    assert said in str(reading.parsed.reason)


# -- anything --------------------------------------------------------------------------------------------------------

WHOLE = [
    *FORMS.values(), saved.multi_wacz({"a.wacz": saved.wacz()}), saved.zipped(dict(list(FORMS.items())[:4])),
    saved.tarred({"a.warc": saved.warc()}, "w"), saved.tarred({"a.warc": saved.warc()}), zstd.DICTIONARY_FRAME + b"\x04\0\0\0abcd",
]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    whole=st.sampled_from(WHOLE),
    cut=st.floats(0, 1),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), max_size=4),
    name=st.sampled_from(["a", "a.warc", "a.warc.zst", "a.arc", "a.zip", "a.wacz", "a.tar", "a.mhtml", "a.gz"]),
    pack=st.sampled_from(["", "zip", "tar", "gzip", "warc"]),
)
def test_any_bytes_in_any_container(
    tmp_path: Path, whole: bytes, cut: float, changes: list[tuple[float, bytes]], name: str, pack: str
) -> None:
    """Every file gives posts or typed reasons, and each reading has a line that can be written."""
    data = bytearray(whole)
    for place, change in changes:
        at = int(place * len(data))
        data[at : at + len(change)] = change
    if cut < 0.5:
        del data[int(2 * cut * len(data)) :]
    inside = {name: bytes(data)}
    packed = {
        "zip": lambda: saved.zipped(inside, zipfile.ZIP_STORED), "tar": lambda: saved.tarred(inside),
        "gzip": lambda: gzip.compress(bytes(data)), "warc": lambda: saved.warc(block=bytes(data)), "": lambda: bytes(data),
    }[pack]()  # fmt: skip
    path = tmp_path / name
    path.write_bytes(packed)
    for reading in read_file(path):
        assert reading.parsed.posts or reading.parsed.reason or reading.parsed.layout != "unknown"
        json.dumps(reading.line())
