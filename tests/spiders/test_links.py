"""Links as browsers read them, and what cannot be asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.links import HttpLink, LinkProblem, mask_userinfo, read_http, safe_join, with_slashes, without_userinfo

BASE = "https://blog.example/2011/12/square?x#y"


@pytest.mark.parametrize(
    ("link", "joined"),
    [
        (r"img\photo.png", "https://blog.example/2011/12/img/photo.png"),
        (r"\img\photo.png", "https://blog.example/img/photo.png"),
        (r"..\a?b\c#d\e", r"https://blog.example/2011/a?b\c#d\e"),
        (r"//blog.example\@evil.example/q.png", "https://blog.example/@evil.example/q.png"),
        (r"\\other.example\a", "https://other.example/a"),
        (r"/\other.example/a", "https://other.example/a"),
        ("///other.example/a", "https://other.example/a"),
        (r"http:\\other.example\a", "http://other.example/a"),
        ("http:other.example/a", "http://other.example/a"),
        ("HTTPS:a", "https://blog.example/2011/12/a"),
        (r"file:C:\a\b", r"file:C:\a\b"),
        (r"mailto:a\b@c", r"mailto:a\b@c"),
        ("http://[x", None),
    ],
)
def test_a_backslash_is_a_slash_to_the_web(link: str, joined: str | None) -> None:
    """URL Standard 4.4: in special schemes, before the query."""
    assert safe_join(BASE, link) == joined


def test_elsewhere_a_backslash_is_none() -> None:
    assert safe_join("ftp://a/b", r"c\d") == r"ftp://a/c\d"


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("https://host:0/", LinkProblem.PORT),
        ("https://a..b/", LinkProblem.HOST),
        ("https://[fe80::1%25eth0]/", LinkProblem.HOST),
        ("https://[fe80::1%25]/", LinkProblem.HOST),
        (f"https://{'a.' * 150}example/", LinkProblem.HOST),
        ("https://a@b/", LinkProblem.USERINFO),
        ("https://:x@b/", LinkProblem.USERINFO),
        ("https://::@b/", LinkProblem.USERINFO),
        ("https://a:x%40b/", LinkProblem.USERINFO),
        ("https://a:x＠b/", LinkProblem.USERINFO),
        ("https://a﹫b/", LinkProblem.USERINFO),
        ("mailto:a@b", LinkProblem.SCHEME),
    ],
)
def test_what_cannot_be_asked_for(link: str, problem: LinkProblem) -> None:
    assert read_http(link) is problem


def test_an_empty_name_is_none() -> None:
    read = read_http("https://@b.example:81/c")
    assert isinstance(read, HttpLink)
    assert (read.host, read.port, read.tail) == ("b.example", 81, "/c")


SECRET = "hunter2"


@pytest.mark.parametrize(
    "link",
    [
        "https://user: hunter2@host.example/a",
        "https://user:80 hunter2@host.example/a",
        "https://some user:hunter2@host.example/a",
        "https://my hunter2@host.example/a",
        "https:user:hunter2@host.example/a",
        "https:///user:hunter2@host.example/a",
        "1https://user:hunter2@host.example/a",
        "--https://user:hunter2@host.example/a",
        "https://user@mail.example:a/hunter2@host.example/a",
        "https://user:hunter2%40host.example/a",
        "https://user:hunter2＠host.example/a",
        "https://hunter2%40host.example/a",
        "user@one:hunter2@host.example/a",
        "user:hunter2%40host.example/a",
        "(user:hunter2@host.example/a)",
        "https://user:hunter2@host.example/a",
        "HTTP:\\\\user:hunter2@host.example/a",
        "https://hunter2@host.example/a",
        "https://user:hun@hunter2@host.example/a",
        "https://user:a/hunter2@host.example/a",
        "https://user:a?hunter2@host.example/a",
        "https://user:a hunter2@host.example/a",
        "ftp://user:hunter2@host.example/a",
        "//user:hunter2@host.example/a",
        "user:hunter2@host.example/a",
        "see https://user:hunter2@host.example/a and https://user:hunter2@host.example/b",
    ],
)
def test_a_password_is_masked(link: str) -> None:
    shown = without_userinfo(link)
    assert SECRET not in shown
    assert "withheld@host.example/a" in shown


USERINFO = st.text(st.sampled_from("bo:@ \u00a0'\"<[]=.-%40＠﹫8ü"), min_size=1, max_size=12)


@given(st.sampled_from(["https://", "HTTP://", "https:\\\\"]), USERINFO, USERINFO, st.sampled_from("@%＠﹫"))
def test_what_is_read_as_a_password_is_masked(scheme: str, name: str, rest: str, mark: str) -> None:
    link = f"{scheme}{name}{SECRET}{rest}{'%40' if mark == '%' else mark}host.example/a"
    if read_http(with_slashes(link)) is LinkProblem.USERINFO:
        assert SECRET not in mask_userinfo(link)
        assert SECRET not in without_userinfo(link)
        if not {"'", '"'} <= set(link):  # else `repr` writes a backslash, which ends a host
            assert SECRET not in without_userinfo(f"expected a link; found {link!r}: it is none. Leave out its @.")


@pytest.mark.parametrize(
    "link",
    [
        "https://@host.example/a",
        "https://:@host.example/@a",
        "12:40@площадь",
        "12:40@площадь.Горит",
        "file:///a@2x.png",
        "tag:user@host.example,2005:1",
        "'https://host.example': leave out what stands before the @.",
        "https://www.youtube.com/@NASA",
        "https://host.example:8080/@a",
        "https://host.example/a:b@c",
        "http://[::1]:80/@a",
        "https://www.flickr.com/photos/12345@N00/1",
        "mailto:a@host.example",
        "write to a@host.example",
        "@name",
        "https://host.example//@a",
    ],
)
def test_what_is_no_password_stays(link: str) -> None:
    assert without_userinfo(link) == mask_userinfo(link) == link


ODD = st.lists(
    st.sampled_from(["http:", "//", "/", "\\", "@", ":", "a", "b.c", "?", "#", " ", "[", "]", "%", "ü", "8"]),
    max_size=12,
)


@given(ODD.map("".join), st.sampled_from(["", BASE, "ftp://a/", "a"]))
def test_any_link_is_read_without_a_fault(link: str, base: str) -> None:
    joined = safe_join(base, link)
    whole = with_slashes(joined if joined is not None else link)
    read = read_http(whole)
    if isinstance(read, HttpLink):
        assert "@" not in read.host
        assert mask_userinfo(whole) == whole, "what can be asked for has nothing to be masked"
        assert mask_userinfo(f"{read.scheme}://{read.host}{read.tail}") == f"{read.scheme}://{read.host}{read.tail}"
    without_userinfo(link)
