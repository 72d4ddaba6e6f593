"""Link → Target: every spelling, and nothing that is no link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.link_forms import Form
from spiders.targets import NoTarget, Target, parse_target

pytestmark = pytest.mark.thorough("parsers")

TABLE = [
    ("https://t.me/durov/523", "telegram:post:durov/523"),
    ("http://t.me/durov/523/", "telegram:post:durov/523"),
    ("t.me/durov/523", "telegram:post:durov/523"),
    ("https://t.me/s/Durov/523?embed=1&mode=tme", "telegram:post:durov/523"),
    ("https://t.me/durov/523?single", "telegram:post:durov/523?single"),
    ("https://telegram.me/durov/0523", "telegram:post:durov/523"),
    ("https://durov.t.me/523", "telegram:post:durov/523"),
    ("https://t.me/durov/12/523", "telegram:post:durov/523"),
    ("https://t.me/durov/523?comment=77", "telegram:comment:durov/523#77"),
    ("https://t.me/s/durov?before=100", "telegram:channel:durov"),
    ("https://t.me/durov", "telegram:channel:durov"),
    ("@durov", "telegram:channel:durov"),
    ("tg://resolve?domain=durov&post=523", "telegram:post:durov/523"),
    ("tg:resolve?domain=durov", "telegram:channel:durov"),
    (
        "https://www.facebook.com/plugins/post.php?href=https%3A%2F%2Fwww.facebook.com%2Fa.b%2Fposts%2F77&show_text=true",
        "facebook:post:77",
    ),
    ("https://x.com/search?q=Zhanaozen%202011&src=typed_query&f=live", "x:search:Zhanaozen 2011"),
    ("https://t.me/c/1006503122/99", "telegram:private post:1006503122/99"),
    ("https://t.me/c/1006503122", "telegram:private channel:1006503122"),
    ("https://t.me/c/1006503122/7/99?thread=7", "telegram:private post:1006503122/99"),
    ("https://t.me/c/1006503122/99?comment=5", "telegram:comment:c/1006503122/99#5"),
    ("https://t.me/durov/523?thread=500", "telegram:post:durov/523"),
    ("https://t.me/Durov/s/7", "telegram:story:durov/s/7"),
    ("-1001006503122", "telegram:private channel:1006503122"),
    ("-4200", "telegram:private group:4200"),
    ("tg://openmessage?chat_id=-1001006503122&message_id=99", "telegram:private post:1006503122/99"),
    ("tg://join?invite=AbCdEf123", "telegram:invite:AbCdEf123"),
    ("https://web.telegram.org/k/#@durov", "telegram:channel:durov"),
    ("https://web.telegram.org/a/#-1001006503122", "telegram:private channel:1006503122"),
    ("tg://privatepost?channel=1006503122&post=99", "telegram:private post:1006503122/99"),
    ("https://t.me/+AbCdEf123", "telegram:invite:AbCdEf123"),
    ("https://t.me/joinchat/AbCdEf123", "telegram:invite:AbCdEf123"),
    ("https://x.com/jack/status/20", "x:post:20"),
    ("https://twitter.com/jack/status/20?s=20&t=abc", "x:post:20"),
    ("https://mobile.twitter.com/i/web/status/20/photo/1", "x:post:20"),
    ("https://x.com/jack", "x:profile:jack"),
    ("https://x.com/Jack/with_replies", "x:profile:jack"),
    ("https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=10&list=PL1", "youtube:video:dQw4w9WgXcQ"),
    ("https://youtu.be/dQw4w9WgXcQ?si=x", "youtube:video:dQw4w9WgXcQ"),
    ("https://m.youtube.com/shorts/dQw4w9WgXcQ", "youtube:video:dQw4w9WgXcQ"),
    ("https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ", "youtube:video:dQw4w9WgXcQ"),
    ("https://www.youtube.com/live/dQw4w9WgXcQ", "youtube:video:dQw4w9WgXcQ"),
    ("https://www.youtube.com/playlist?list=PLabc", "youtube:playlist:PLabc"),
    ("https://www.youtube.com/@NASA/videos", "youtube:channel:@nasa"),
    ("https://www.youtube.com/channel/UCLA_DiR1FfKNvjuUpBHmylQ", "youtube:channel:UCLA_DiR1FfKNvjuUpBHmylQ"),
    ("https://www.facebook.com/page.name/posts/1234567890", "facebook:post:1234567890"),
    ("https://www.facebook.com/page/posts/pfbid02abc", "facebook:post:pfbid02abc"),
    ("https://m.facebook.com/story.php?story_fbid=123&id=456", "facebook:post:123"),
    ("https://www.facebook.com/groups/somegroup/permalink/123/", "facebook:post:123"),
    ("https://www.facebook.com/watch/?v=123", "facebook:video:123"),
    ("https://fb.watch/abc123/", "facebook:share link:abc123"),
    ("https://www.facebook.com/reel/123", "facebook:video:123"),
    ("https://www.facebook.com/Zuck", "facebook:profile:zuck"),
    ("https://example.org/a?utm_source=x&id=1#part", "page:page:https://example.org/a?id=1"),
    ("https://EXAMPLE.org", "page:page:https://example.org/"),
    ("example.org/a", "page:page:https://example.org/a"),
    ("https://t.me:8443/durov/1", "page:page:https://t.me:8443/durov/1"),
    ("https://not-t.me/durov/1", "page:page:https://not-t.me/durov/1"),
    ("https://t.me.evil.example/durov/1", "page:page:https://t.me.evil.example/durov/1"),
    ("https://пример.рф/статья", "page:page:https://пример.рф/статья"),
]


@pytest.mark.parametrize(("link", "key"), TABLE, ids=[link for link, _ in TABLE])
def test_table(link: str, key: str) -> None:
    target = parse_target(link)
    assert isinstance(target, Target)
    assert target.key == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "hello",
        "ftp://x/y",
        "javascript:alert(1)",
        "https://",
        "file:///etc/passwd",
        "http://[::1",
        "https://a b/",
        "data:text/html,x",
        "https://t.me/addstickers/x",
        "tg://msg?text=x",
        "tg://[x",
        "tg://openmessage?chat_id=²",
        f"tg://openmessage?chat_id={'9' * 5000}",
        "http://[x",
        "http://ü.example:abc/",
        "http://x.example/\r\nHost: y",
        "http://x.example/a\x00b",
        "http://x.example/\x7f",
        "http://x.example/\udcff",
        "https://example.org/my photo.jpg",
        "https://host:0/",
        "https://a..b/",
        "https://[fe80::1%25eth0]/",
        f"https://{'a' * 300}.example/",
        "https://user:hunter2@t.me/durov/523",
        "https://user:hunter2@example.org/",
        "https://user:hunter2/x@example.org/",
        "user:hunter2@example.org/",
        "https://℀hunter2.example/",
    ],
)
def test_what_is_no_link_is_told_why(text: str) -> None:
    found = parse_target(text)
    assert isinstance(found, NoTarget)
    assert found.reason
    assert found.next_step
    assert "hunter2" not in found.reason + found.next_step


def test_what_is_wrong_with_a_link_is_named() -> None:
    for text, said in (
        ("http://x/\r\nHost: y", "a control character in the link"),
        ("https://example.org/my photo.jpg", "a blank in the link"),
    ):
        found = parse_target(text)
        assert isinstance(found, NoTarget)
        assert found.reason == said


def test_a_backslash_leads_to_no_other_host() -> None:
    found = parse_target(r"https://blog.example\@evil.example\q?a\b")
    assert isinstance(found, Target)
    assert found.url == r"https://blog.example/@evil.example/q?a\b"
    assert isinstance(same := parse_target(r"https:\\t.me\durov\523"), Target)
    assert same.key == "telegram:post:durov/523"


@pytest.mark.parametrize("link", ["https://@example.org/a", "https://:@example.org/a"])
def test_an_empty_name_before_a_host_is_left_out(link: str) -> None:
    found = parse_target(link)
    assert isinstance(found, Target)
    assert found.url == "https://example.org/a"


@pytest.mark.parametrize("mark", ["@", "%40", "＠"])
def test_a_password_is_refused_as_one(mark: str) -> None:
    found = parse_target(f"https://user:hunter2{mark}example.org/a")
    assert isinstance(found, NoTarget)
    assert found.reason == "a name or password in the link"


def test_a_number_that_no_post_can_have_is_refused() -> None:
    found = parse_target(f"https://t.me/durov/{'9' * 5000}")
    assert isinstance(found, NoTarget)
    assert "not a post of Telegram: expected a number up to 2147483647" in found.reason
    assert len(found.reason) < 200


def test_case_of_a_youtube_id_is_kept() -> None:
    one, other = parse_target("https://youtu.be/dQw4w9WgXcQ"), parse_target("https://youtu.be/dQw4w9WgXcq")
    assert isinstance(one, Target)
    assert isinstance(other, Target)
    assert one.key != other.key


@given(st.text(max_size=120) | st.from_regex(r"(?:https?://|tg:(?://)?)[\w.@:\[\]%-]{0,30}/[^\s]{0,60}"))
def test_any_text_gives_a_target_or_a_reason(text: str) -> None:
    found = parse_target(text)
    if isinstance(found, Target):
        assert found.url
        again = parse_target(found.url)
        assert isinstance(again, Target | NoTarget)


@pytest.mark.parametrize(
    "host",
    ["x%2ecom", "%78.com", "\N{MATHEMATICAL BOLD SMALL X}.com", "\N{CIRCLED LATIN SMALL LETTER X}.com", "X.com."],
)
def test_a_platform_is_known_however_its_host_is_written(host: str) -> None:
    found = parse_target(f"https://{host}/ozen/status/12345")
    assert isinstance(found, Target)
    assert found.key == "x:post:12345"


@pytest.mark.parametrize("host", ["web.archive.org.", "web.archive.org:443", "web.archive.org/", "web%2Earchive.org"])
def test_an_archive_is_known_however_its_host_is_written(host: str) -> None:
    found = parse_target(f"https://{host}/web/2022/https://x.com/ozen/status/12345")
    assert isinstance(found, Target)
    assert found.form is Form.ARCHIVE


@pytest.mark.parametrize(
    ("host", "unwrapped"),
    [("google.com.tr", True), ("google.kz", True), ("google.attack", False), ("google.x.com", False)],
)
def test_only_google_carries_links_of_google(host: str, unwrapped: bool) -> None:
    found = parse_target(f"https://www.{host}/url?q=https://t.me/durov/523")
    assert isinstance(found, Target)
    assert (found.key == "telegram:post:durov/523") is unwrapped
