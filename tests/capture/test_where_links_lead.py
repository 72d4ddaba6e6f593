"""What a link leads to is captured as what it is, and what is kept as a page only says so: through the real commands."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.demo.scene import platforms as start_platforms
from archiver.demo.server import Answer, Asked, Platforms
from archiver.home.home import Home
from storage.lines import read_lines
from tests.conftest import Shell
from tests.support.captures import ended, folder_of, posts

X_POST = "https://x.com/ozen_today/status/1478660000000000006"
GONE = "https://x.com/ozen_today/status/1478660000000000008"
FACEBOOK_POST = "https://www.facebook.com/ozen.today/posts/10157000000000001"
WORDS = "<p>" + "Words enough for an article that anybody would find on this page. " * 12 + "</p>"
PAGE = f"<html><head><title>A page</title></head><body><article>{WORDS}</article></body></html>".encode()
ONLY_A_PAGE = "kept as a page only, this form of link is not known"


def to(url: str, status: int = 301) -> Answer:
    return Answer(status, headers=[("Location", url)])


class Others:
    """Short links, mirrors and other hosts around the miniature platforms. `answers`: host and path → answer."""

    hosts = (
        "t.co",
        "bit.ly",
        "nitter.net",
        "www.tiktok.com",
        "web.archive.org",
        "a.example",
        "tgstat.ru",
    )

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}

    def __call__(self, asked: Asked) -> Answer:
        return self.answers.get(
            f"{asked.host}{asked.path}", Answer(404, body=b"<html><body>nothing here</body></html>")
        )


class Wide:
    """The platforms with the others around them, in the shape of a `World`."""

    def __init__(self, folder: Path) -> None:
        self.scene = start_platforms(folder)
        self.others = Others()
        sites = {**self.scene.served.sites, **dict.fromkeys(Others.hosts, self.others)}
        for host in ("x.com", "www.facebook.com"):
            sites[host] = self._before(self.scene.served.sites[host])
        self.served = Platforms(folder / "wide", sites)
        self.network = self.served.network

    def _before(self, site: Any) -> Any:
        def answer(asked: Asked) -> Answer:
            own = self.others.answers.get(f"{asked.host}{asked.path}")
            return own if own is not None else site(asked)

        return answer

    def stop(self) -> None:
        self.served.stop()
        self.scene.served.stop()


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wide]:
    made = Wide(tmp_path_factory.mktemp("wide"))
    yield made
    made.stop()


@pytest.fixture
def archiver(home: Home, wide: Wide, capsys: pytest.CaptureFixture[str]) -> Shell:
    wide.others.answers.clear()
    wide.served.log.clear()
    return Shell(home.path, wide, capsys)  # type: ignore[arg-type]


def asked(wide: Wide) -> list[str]:
    return [f"{one.host}{one.path}" for one in wide.served.log]


def target_line(shell: Shell, result: dict[str, Any]) -> dict[str, Any]:
    return next(read_lines(folder_of(shell, result) / "inventory.jsonl"))


# -- redirects -----------------------------------------------------------------------------------------------------


def test_a_short_link_is_captured_as_the_post_it_leads_to(archiver: Shell, wide: Wide) -> None:
    wide.others.answers |= {"t.co/a": to("https://bit.ly/b"), "bit.ly/b": to(f"{X_POST}?s=20", 302)}
    code, [result] = archiver.json("capture", "https://t.co/a")
    assert (code, result["outcome"], result["reason"]) == (0, "captured", None)
    assert (result["target"], result["url"]) == ("page:page:https://t.co/a", "https://t.co/a"), "what was asked for"
    assert result["led_to"] == X_POST
    assert posts(archiver, result)["1478660000000000006"]["role"] == "target"
    ends = ended(archiver, result)
    assert ends["redirect 1"]["reason"] == "leads to https://bit.ly/b"
    assert ends["redirect 2"]["reason"] == f"leads to {X_POST}?s=20"
    assert ends["redirect 1"]["record"]
    assert ends["redirect 2"]["record"]
    assert "x.com/ozen_today/status/1478660000000000006" in asked(wide), (
        "X's page is asked by its spider, beside the post"
    )
    assert archiver("check")[0] == 0


@pytest.mark.parametrize(
    "body",
    [
        f'<head><noscript><META http-equiv="refresh" content="0;URL={X_POST}"></noscript><title>{X_POST}</title></head>',
        f'<script>window.opener = null; location.replace("{X_POST}")</script>'.replace("/", r"\/").replace(
            r"<\/", "</"
        ),
        f"<html><head><meta http-equiv='refresh' content='0; url={X_POST}'></head></html>",
    ],
    ids=["noscript", "script", "refresh"],
)
def test_a_short_link_that_sends_browsers_on_by_its_page(archiver: Shell, wide: Wide, body: str) -> None:
    wide.others.answers["t.co/a"] = Answer(body=body.encode())
    code, [result] = archiver.json("capture", "https://t.co/a")
    assert (code, result["outcome"], result["led_to"]) == (0, "captured", X_POST)


def test_a_page_that_moved_to_a_platform(archiver: Shell, wide: Wide) -> None:
    wide.others.answers["a.example/moved"] = to("https://t.me/ozen_today/12")
    code, [result] = archiver.json("capture", "https://a.example/moved")
    assert (code, result["outcome"], result["led_to"]) == (0, "captured", "https://t.me/ozen_today/12")
    assert "ozen_today/12" in posts(archiver, result)


def test_a_share_link_of_facebook_is_the_post_it_shares(archiver: Shell, wide: Wide) -> None:
    wide.others.answers["www.facebook.com/share/p/AbC123/"] = to(f"{FACEBOOK_POST}?rdid=x", 302)
    code, [result] = archiver.json("capture", "https://www.facebook.com/share/p/AbC123/")
    assert (code, result["outcome"]) == (0, "captured")
    assert list(posts(archiver, result)) == ["10157000000000001"]
    assert ended(archiver, result)["redirect 1"]["reason"] == f"leads to {FACEBOOK_POST}?rdid=x"


def test_a_redirect_to_a_login_page_is_refused(archiver: Shell, wide: Wide) -> None:
    wall = b"<html><head><title>Anything</title></head><body>...</body></html>"
    wide.others.answers |= {
        "t.co/a": to("https://x.com/i/flow/login?redirect_after_login=%2Fa"), "x.com/i/flow/login": Answer(body=wall),
        "www.facebook.com/share/p/AbC123/": to("https://www.facebook.com/login/?next=x", 302),
        "www.facebook.com/login/": Answer(body=wall), "www.facebook.com/plugins/post.php": Answer(body=wall),
    }  # fmt: skip
    for link in ("https://t.co/a", "https://www.facebook.com/share/p/AbC123/"):
        code, [result] = archiver.json("capture", link)
        assert (code, result["outcome"]) == (3, "refused")
        assert "led to a login page" in str(result["reason"])


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"t.co/a": "https://bit.ly/b", "bit.ly/b": "https://t.co/a"}, "a loop of redirects: https://t.co/a leads back to itself"),
        ({"t.co/a": "https://t.co/a"}, "more than ten redirects, or a redirect that leads nowhere"),
        ({f"t.co/{n}": f"https://t.co/{n + 1}" for n in range(20)} | {"t.co/a": "https://t.co/0"}, "a chain of more than 10 links"),
    ],
    ids=["two", "itself", "long"],
)  # fmt: skip
def test_redirects_without_end_fail_with_a_reason(
    archiver: Shell, wide: Wide, answers: dict[str, str], said: str
) -> None:
    wide.others.answers |= {place: to(url) for place, url in answers.items()}
    code, [result] = archiver.json("capture", "https://t.co/a")
    assert (code, result["outcome"]) == (4, "failed")
    assert said in str(result["reason"])
    assert archiver("check")[0] == 0


def test_a_short_link_into_a_network_says_where_it_led(archiver: Shell, wide: Wide) -> None:
    wide.others.answers |= {"t.co/a": to("http://anna:hunter2@10.0.0.7/admin"), "t.co/b": to("http://10.0.0.7/admin")}
    code, [result] = archiver.json("capture", "https://t.co/b")
    assert (code, result["outcome"], result["led_to"]) == (2, "skipped", "http://10.0.0.7/admin")
    assert str(result["reason"]).startswith("it led to http://10.0.0.7/admin: an address that is never contacted")
    assert "hunter2" not in archiver("capture", "https://t.co/a")[1]


def test_a_short_link_to_a_plain_page_and_to_nothing(archiver: Shell, wide: Wide) -> None:
    wide.others.answers |= {
        "t.co/a": to("https://a.example/b"),
        "a.example/b": Answer(body=PAGE),
        "t.co/c": Answer(body=PAGE),
    }
    code, [result] = archiver.json("capture", "https://t.co/a")
    assert (code, result["outcome"], result["led_to"]) == (0, "captured", "https://a.example/b")
    code, [result] = archiver.json("capture", "https://t.co/c")
    assert (code, result["outcome"]) == (2, "partial")
    assert result["reason"] == "kept as a page only: this short link led to no other page"


def test_a_crawl_of_a_short_link_crawls_what_it_leads_to(archiver: Shell, wide: Wide) -> None:
    wide.others.answers["t.co/a"] = to("https://t.me/s/ozen_today")
    code, [short, walk] = archiver.json("crawl", "https://t.co/a", "--no-media", "--limit", "2")
    assert (short["url"], short["led_to"]) == ("https://t.co/a", "https://t.me/s/ozen_today")
    assert ended(archiver, short)["redirect 1"]["reason"] == "leads to https://t.me/s/ozen_today"
    assert (code, walk["outcome"], walk["posts"]) == (0, "captured", 2)
    assert (walk["target"], walk["led_to"]) == ("telegram:channel:ozen_today", None)


@pytest.mark.parametrize(
    ("leads", "code", "outcome", "said"),
    [
        (FACEBOOK_POST, 1, "captured", f"nothing to crawl: the short link leads to {FACEBOOK_POST} (Facebook post)"),
        ("https://a.example/b", 1, "captured", "nothing to crawl: the short link leads to https://a.example/b (page)"),
        (None, 3, "unavailable", "not found (HTTP 404)"),
    ],
)  # fmt: skip
def test_a_crawl_of_a_short_link_that_leads_to_no_list_captures_it(
    archiver: Shell, wide: Wide, leads: str | None, code: int, outcome: str, said: str
) -> None:
    wide.others.answers |= {"t.co/a": to(leads) if leads else Answer(404), "a.example/b": Answer(body=PAGE)}
    ended_with, out, _ = archiver("crawl", "https://t.co/a")
    assert ended_with == code
    assert out.count(" sealed as event ") == 1
    assert f"{outcome}" in out
    assert said in " ".join(out.split())


def test_a_schedule_for_a_short_link_says_what_finds_out_where_it_leads(archiver: Shell) -> None:
    code, _, err = archiver("schedule", "add", "crawl https://t.co/a every 10m")
    assert code == 1
    assert "archiver capture https://t.co/a finds what it leads to; crawl that" in " ".join(err.split())


# -- forms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("https://x.com/ozen_today/never/seen", ONLY_A_PAGE),
        ("https://www.facebook.com/never/seen/before", ONLY_A_PAGE),
        ("https://x.com/i/spaces/1abcDEF", "kept as a page only: a Space of X is not captured by this release"),
        ("https://www.tiktok.com/@anna/video/7", "layout of this platform is not read (TikTok): kept as a page only"),
        (f"https://web.archive.org/web/2022/{X_POST}", "an archive's copy, not the platform's"),
        ("https://nitter.net/about/us/more", "a mirror's copy, not the platform's"),
    ],
)
def test_a_page_in_place_of_what_a_link_promises_is_partial(archiver: Shell, wide: Wide, link: str, said: str) -> None:
    wide.others.answers[link.removeprefix("https://")] = Answer(body=PAGE)
    code, [result] = archiver.json("capture", link)
    assert (code, result["outcome"]) == (2, "partial")
    assert str(result["reason"]).partition("; its media: ")[0] == said
    assert result["kept"]["article" if "article" in result["kept"] else "page"] == 1, "the page is kept"
    assert target_line(archiver, result)["form"]


def test_a_form_that_is_not_known_and_not_there_is_said_to_be_not_there(archiver: Shell, wide: Wide) -> None:
    wide.others.answers["x.com/ozen_today/never/seen"] = Answer(404, body=PAGE)
    code, [result] = archiver.json("capture", "https://x.com/ozen_today/never/seen")
    assert (code, result["outcome"], result["reason"]) == (3, "unavailable", "not found (HTTP 404)")


def test_a_mistyped_id_is_asked_of_nobody(archiver: Shell, wide: Wide) -> None:
    code, out, err = archiver("capture", f"{X_POST}abc", "https://t.me/ozen_today/12abc")
    assert code == 1
    assert "found '1478660000000000006abc'" in err
    assert "found '12abc'" in err
    assert "captured" not in out
    assert wide.served.log == []


# -- mirrors -------------------------------------------------------------------------------------------------------


def test_the_original_of_a_mirror_is_captured_and_the_mirror_not_asked(archiver: Shell, wide: Wide) -> None:
    link = X_POST.replace("x.com", "nitter.net")
    code, [result] = archiver.json("capture", link)
    assert (code, result["outcome"], result["url"]) == (0, "captured", X_POST)
    assert not [place for place in asked(wide) if place.startswith("nitter")]
    line = target_line(archiver, result)
    assert (line["url"], line["mirror"], line["given"]) == (X_POST, link, link)


def test_where_the_original_is_gone_the_mirror_shows_a_copy(archiver: Shell, wide: Wide) -> None:
    link = GONE.replace("x.com", "nitter.net")
    wide.others.answers[link.removeprefix("https://")] = Answer(body=PAGE)
    code, [result] = archiver.json("capture", link)
    assert (code, result["outcome"]) == (2, "partial")
    assert str(result["reason"]).startswith(
        "a mirror's copy, not the platform's; the original: unavailable, X's public syndication"
    )
    assert ended(archiver, result)["mirror"]["outcome"] == "captured"
    [page] = posts(archiver, result).values()
    assert (page["platform"], page["url"]) == ("page", link), "it is never a post of the platform"
    assert archiver("check")[0] == 0


def test_an_original_that_is_there_in_part_is_not_asked_of_a_mirror(archiver: Shell, wide: Wide) -> None:
    code, [result] = archiver.json("capture", "https://tgstat.ru/channel/@ozen_today/20")
    assert (code, result["outcome"], result["url"]) == (2, "partial", "https://t.me/ozen_today/20")
    assert "mirror" not in str(result["reason"])
    assert not [place for place in asked(wide) if place.startswith("tgstat")]


def test_where_both_are_gone_the_platform_has_the_word(archiver: Shell, wide: Wide) -> None:
    code, [result] = archiver.json("capture", GONE.replace("x.com", "nitter.net"))
    assert (code, result["outcome"]) == (3, "unavailable")
    assert str(result["reason"]).endswith("; the mirror: unavailable, not found (HTTP 404)")


def test_a_mirror_that_nobody_named_is_not_asked(archiver: Shell, wide: Wide) -> None:
    code, [result] = archiver.json("capture", GONE)
    assert (code, result["outcome"]) == (3, "unavailable")
    wide.others.answers["t.co/a"] = to(GONE.replace("x.com", "nitter.net"))
    code, [result] = archiver.json("capture", "https://t.co/a")
    assert (code, result["outcome"]) == (3, "unavailable")
    assert not [place for place in asked(wide) if place.startswith("nitter")]


def test_a_mirror_that_a_page_links_to_is_the_original_to_who_follows_it(archiver: Shell, wide: Wide) -> None:
    link = GONE.replace("x.com", "nitter.net")
    wide.others.answers["a.example/b"] = Answer(
        body=PAGE.replace(b"</body>", f'<a href="{link}">here</a></body>'.encode())
    )
    code, results = archiver.json("capture", "https://a.example/b", "--follow-embeds")
    assert [result["url"] for result in results] == ["https://a.example/b", GONE]
    assert code == 3
    assert not [place for place in asked(wide) if place.startswith("nitter")]


def test_what_a_program_did_is_judged_alike_whatever_link_it_is_about(archiver: Shell) -> None:
    words = ("curl", "-s", "-o", "/dev/null", "https://x.com/ozen_today/never/seen")
    code, [result] = archiver.json("record", "--about", words[-1], "--", *words)
    assert (code, result["outcome"]) == (2, "partial")
    assert "nothing was read in it" in str(result["reason"])


# -- every way in --------------------------------------------------------------------------------------------------


def test_dirty_links_of_a_list_are_one_post_and_say_what_was_given(archiver: Shell, tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    dirty = "⁨https://t.me/ozen_today/12⁩"
    rows = [
        dirty,
        "https://t.me/ozen_today/12.",
        "look: https://t[.]me/ozen_today/12",
        "see hxxps://t.me/ozen_today/12)",
        "https://t.me/ozen_today/12abc",
    ]
    path.write_text("\n".join(["link", *rows]), "utf-8")
    sheet = tmp_path / "sheet.csv"
    code, results = archiver.json("capture", "--list", str(path), "--sheet", str(sheet))
    captures = [result for result in results if "capture" in result]
    assert [result["target"] for result in captures] == ["telegram:post:ozen_today/12"]
    assert target_line(archiver, captures[0])["given"].strip("⁨⁩") == "https://t.me/ozen_today/12"
    assert code == 1
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        statuses = [row["status"] for row in csv.DictReader(stream)]
    assert statuses == ["kept whole", *["same as another row"] * 3, "not a link"]


def test_a_queued_link_keeps_its_mirror_and_its_literal(archiver: Shell, home: Home) -> None:
    link = GONE.replace("x.com", "nitter.net")
    code, out, _ = archiver("--json", "jobs", "add", link, "https://t.me/ozen_today/12\u2069")
    assert code == 0
    queued = [json.loads(line) for line in out.splitlines()]
    assert link in json.dumps(queued)
    assert "12\\u2069" in json.dumps(queued)
