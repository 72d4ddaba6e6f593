"""Every form of link that a platform has, and what it is: a target, a page only, another link's wrapping, or a typo."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.cleaning import clean, in_ascii
from spiders.link_forms import Form
from spiders.targets import NoTarget, Target, leads_to, parse_target

pytestmark = pytest.mark.thorough("parsers")
N = "1500000000000000007"
V = "Ab3-_xYz019"
UC = "UC" + "abcdefghij0123456789-_"

KNOWN = {
    "telegram:post:square/45": [
        "https://t.me/square/45", "https://t.me/s/square/45?before=50", "https://t.me/square/45?embed=1&mode=tme",
        "https://t.me/square/45?thread=4", "https://t.me/square/7/45", "https://square.t.me/45", "https://www.square.t.me/45",
        "https://telegram.me/s/square/45", "https://telegram.dog/square/45", "tg://resolve?domain=square&post=45",
        "tg://resolve?domain=square&post=45&thread=2", "TG://resolve?domain=square&post=45", "https://t.me/square/0045",
        f"https://web.telegram.org/k/#?tgaddr={quote('tg://resolve?domain=square&post=45', safe='')}",
        "https://web.telegram.org/k/#@square/45", "https://web.telegram.org/k/#@square?post=45",
        "https://t.me/square/４５", "https://t.me/square/٤٥", "https://T.ME/Square/45", "https://t.me:443/square/45",
    ],
    "telegram:post:square/45?single": ["https://t.me/square/45?single", "tg://resolve?domain=square&post=45&single"],
    "telegram:comment:square/45#9": ["https://t.me/square/45?comment=9", "tg://resolve?domain=square&post=45&comment=9"],
    "telegram:story:square/s/3": ["https://t.me/square/s/3", "https://t.me/square?story=3", "tg://resolve?domain=square&story=3"],
    "telegram:channel:square": [
        "https://t.me/square", "https://t.me/s/square?q=word", "https://square.t.me", "@square", "https://t.me/square?profile",
        "https://web.telegram.org/k/#@square", "https://web.telegram.org/#/im?p=@square", "https://webk.telegram.org/#@square",
    ],
    "telegram:channel:town_square_24": [
        "https://t.me/town_square_24", "https://web.telegram.org/k/#@town_square_24", "https://web.telegram.org/a/#town_square_24",
        "https://web.telegram.org/#/im?p=@town_square_24",
    ],
    "telegram:private post:1500000001/45": [
        "https://web.telegram.org/k/#-1500000001?post=45",
        "https://t.me/c/1500000001/45", "https://t.me/c/1500000001/7/45", "https://t.me/c/1500000001/45?thread=7",
        "tg://privatepost?channel=1500000001&post=45&thread=3", "https://web.telegram.org/a/#-1001500000001_45",
        "https://web.telegram.org/z/#-1001500000001_45",
    ],
    "telegram:private channel:1500000001": [
        "https://t.me/c/1500000001", "https://web.telegram.org/a/#-1001500000001", "https://web.telegram.org/k/#-1500000001",
        "https://web.telegram.org/#/im?p=c1500000001_9988776655", "-1001500000001",
    ],
    "telegram:private group:4200": ["-4200", "https://web.telegram.org/k/#-4200", "https://web.telegram.org/#/im?p=g4200"],
    f"x:post:{N}": [
        f"https://x.com/anna/status/{N}", f"https://x.com/anna/statuses/{N}", f"https://x.com/i/status/{N}",
        f"https://x.com/i/web/status/{N}", f"https://x.com/anna/status/{N}/photo/1", f"https://x.com/anna/status/{N}/history",
        f"https://x.com/anna/status/{N}/retweets/with_comments", f"https://x.com/anna/status/{N}?s=46&t=abc",
        f"https://twitter.com/statuses/{N}", f"https://twitter.com/i/videos/tweet/{N}", f"https://twitter.com/i/videos/{N}",
        f"https://twitter.com/#!/anna/status/{N}", f"https://twitter.com/@anna/status/{N}", f"HTTPS://X.COM/ANNA/STATUS/{N}",
        f"https://mobile.twitter.com/anna/status/{N}", f"https://platform.twitter.com/embed/Tweet.html?dnt=1&id={N}",
        f"https://cdn.syndication.twimg.com/tweet-result?id={N}&token=a",
        f"https://publish.twitter.com/?query={quote(f'https://twitter.com/anna/status/{N}', safe='')}",
    ],
    "x:profile:anna": [
        "https://x.com/anna", "https://x.com/@anna", "https://x.com/anna/highlights", "https://x.com/anna/articles",
        "https://x.com/intent/user?screen_name=anna", "https://x.com/intent/follow?screen_name=@Anna",
    ],
    "x:search:#square": ["https://x.com/hashtag/square?src=hashtag_click", "https://x.com/search?q=%23square&f=media"],
    "x:search:١٢": ["https://x.com/search?q=%D9%A1%D9%A2"],
    f"youtube:video:{V}": [
        f"https://www.youtube.com/watch?v={V}&t=1h2m", f"https://www.youtube.com/watch?list=PLx&v={V}", f"https://youtu.be/{V}?t=3",
        f"https://www.youtube.com/watch?v={V}%26t=3", f"https://www.youtube.com/watch?v={V}%3Fsi=x", f"https://www.youtube.com/watch/{V}",
        f"https://www.youtube.com/shorts/{V}", f"https://www.youtube.com/live/{V}?feature=share", f"https://youtu.be/{V},",
        f"https://www.youtube-nocookie.com/embed/{V}?rel=0", f"https://www.youtubekids.com/watch?v={V}",
        f"https://gaming.youtube.com/watch?v={V}", f"https://m.youtube.com/#/watch?v={V}", f"https://studio.youtube.com/video/{V}/edit",
        f"https://www.youtube.com/attribution_link?a=x&u={quote(f'/watch?v={V}&feature=share', safe='')}",
        f"https://www.youtube.com/oembed?url={quote(f'https://www.youtube.com/watch?v={V}', safe='')}",
        f"http://www.youtube.com:80/watch?v={V}", f"https://www.youtube.com/v/{V}&hl=en", f"https://music.youtube.com/watch?v={V}",
    ],
    "youtube:playlist:PLsquare": [
        "https://www.youtube.com/playlist?list=PLsquare", "https://www.youtube.com/embed/videoseries?list=PLsquare",
        "https://www.youtube.com/watch?list=PLsquare", "https://www.youtube.com/feeds/videos.xml?playlist_id=PLsquare",
    ],
    f"youtube:channel:{UC}": [
        f"https://www.youtube.com/channel/{UC}/videos", f"https://www.youtube.com/feeds/videos.xml?channel_id={UC}",
    ],
    "youtube:channel:@anna": ["https://www.youtube.com/@anna", "https://www.youtube.com/@Anna/podcasts", "https://www.youtube.com/@anna/releases"],
    "youtube:channel:@өзен": ["https://www.youtube.com/@Өзен", f"https://www.youtube.com/@{quote('Өзен')}/shorts"],
    "youtube:channel:anna": ["https://www.youtube.com/c/anna", "https://www.youtube.com/user/anna", "https://www.youtube.com/anna"],
    "facebook:post:456": [
        "https://www.facebook.com/anna/posts/456", "https://www.facebook.com/anna/posts/some-slug/456",
        "https://www.facebook.com/groups/12/posts/456/", "https://www.facebook.com/groups/12/permalink/456/?comment_id=7",
        "https://www.facebook.com/groups/12/?multi_permalinks=456", "https://m.facebook.com/story.php?story_fbid=456&id=1",
        "https://ar-ar.facebook.com/anna/posts/456", "https://touch.facebook.com/anna/posts/456", "https://0.facebook.com/anna/posts/456",
        "https://free.facebook.com/anna/posts/456", "https://www.facebook.com/имя/posts/456",
        "https://facebookwkhpilnemxj7asaniu7vnjjbiltxjqhye3mhbshg7kx5tfyd.onion/anna/posts/456",
        f"https://www.facebook.com/plugins/post.php?href={quote('https://www.facebook.com/anna/posts/456', safe='')}",
    ],
    "facebook:post:pfbid02abc": [
        "https://www.facebook.com/anna/posts/pfbid02abc?comment_id=7", "https://www.facebook.com/permalink.php?story_fbid=pfbid02abc&id=1",
    ],
    "facebook:video:456": [
        "https://www.facebook.com/reel/456", "https://www.facebook.com/reels/456", "https://www.facebook.com/watch?v=456&ref=sharing",
        "https://www.facebook.com/watch/live/?ref=watch_permalink&v=456", "https://www.facebook.com/anna/videos/a-title/456/",
        "https://www.facebook.com/anna/videos/vb.12/456/", "https://www.facebook.com/video.php?v=456",
        "https://www.facebook.com/video/embed?video_id=456",
    ],
    "facebook:photo:456": [
        "https://www.facebook.com/photo.php?fbid=456&set=a.1", "https://www.facebook.com/photo/?fbid=456",
        "https://www.facebook.com/anna/photos/a.12/456/?type=3", "https://www.facebook.com/anna/photos/456",
        "https://www.facebook.com/anna/photos/pcb.12/456",
    ],
    "facebook:profile:1000123": [
        "https://www.facebook.com/people/Anna-B/1000123", "https://www.facebook.com/p/Anna-B-1000123/",
        "https://www.facebook.com/profile.php?id=1000123",
    ],
    "facebook:share link:AbC123": [
        *(f"https://www.facebook.com/share/{kind}AbC123/" for kind in ("", "p/", "v/", "r/", "g/")), "https://fb.watch/AbC123/",
    ],
}  # fmt: skip
"""Key → the links that name it."""


@pytest.mark.parametrize(("key", "link"), [(key, link) for key, links in KNOWN.items() for link in links])
def test_what_a_known_form_names(key: str, link: str) -> None:
    target = parse_target(link)
    assert isinstance(target, Target)
    assert (target.key, target.form) == (key, Form.KNOWN)


PAGES = {
    "t.me": ["/square?boost", "/boost/square", "/boost?c=15", "/c/15?boost", "/giftcode/abc", "/nft/Gift-1", "/m/abc", "/addlist/abc",
             "/call/abc", "/square/a/3", "/square?direct", "/square?videochat", "/square?livestream", "/square?start=abc"],
    "x.com": ["/i/article/15", "/anna/article/15", "/i/broadcasts/1ab", "/i/spaces/1ab", "/i/spaces/1ab/peek", "/i/events/15",
              "/i/moments/15", "/i/lists/15", "/anna/lists/friends", "/i/communities/15", "/i/birdwatch/n/15", "/i/birdwatch/t/15",
              "/i/grok/share/ab", "/i/trending/15", "/intent/user?user_id=12", "/i/user/12", "/anna/followers"],
    "www.youtube.com": ["/@anna/live", "/c/anna/live", "/hashtag/square", "/results?search_query=a", f"/watch_videos?video_ids={V},{V}",
                        "/@anna/search?query=a", f"/embed/live_stream?channel={UC}"],
    "www.facebook.com": ["/groups/12", "/groups/a.name/", "/media/set/?set=a.12", "/stories/123/abc/", "/events/123", "/notes/a/b/123",
                         "/anna/live", "/ads/library/?id=123", "/story/graphql_permalink/?graphql_id=abc", "/hashtag/a",
                         "/marketplace/item/12", "/anna/about", "/anna/photos"],
}  # fmt: skip


@pytest.mark.parametrize("link", [f"https://{host}{path}" for host, paths in PAGES.items() for path in paths])
def test_what_is_known_and_not_captured_is_named(link: str) -> None:
    target = parse_target(link)
    assert isinstance(target, Target)
    assert target.form is Form.NOT_CAPTURED
    assert re.fullmatch(r"an? .+ of (?:Telegram|X|YouTube|Facebook)", target.what or "")


@pytest.mark.parametrize("path", ["/post/Ugkx_1", "/@anna/community?lb=Ugkx_1", f"/channel/{UC}/community?lb=Ugkx_1"])
def test_a_post_of_a_channel_has_one_key(path: str) -> None:
    target = parse_target(f"https://www.youtube.com{path}")
    assert isinstance(target, Target)
    assert (target.key, target.url) == ("youtube:community post:Ugkx_1", "https://www.youtube.com/post/Ugkx_1")


def test_a_clip_is_a_target_of_its_own() -> None:
    target = parse_target("https://youtube.com/clip/Ugkx_1?si=abc")
    assert isinstance(target, Target)
    assert (target.key, target.url) == ("youtube:clip:Ugkx_1", "https://www.youtube.com/clip/Ugkx_1")
    assert isinstance(parse_target("https://youtube.com/clip/Ugkx.1"), NoTarget)


def test_no_two_pages_that_differ_have_one_key() -> None:
    links = [f"https://{host}{path}" for host, paths in PAGES.items() for path in paths]
    links += [
        "https://www.youtube.com/results?search_query=b", "https://www.youtube.com/@anna/search?query=b", "https://t.me/circle/a/3",
        "https://x.com/anna/following", "https://x.com/boris/lists/friends", "https://www.facebook.com/search/top?q=a",
        "https://www.facebook.com/search/top?q=b", "https://www.facebook.com/ads/library/?id=124", "https://www.facebook.com/boris/about",
        "https://www.facebook.com/media/set/?set=a.13", "https://www.facebook.com/story/graphql_permalink/?graphql_id=b",
    ]  # fmt: skip
    same = {
        "https://t.me/boost/square", "https://t.me/c/15?boost", "https://x.com/i/spaces/1ab/peek", "https://x.com/anna/article/15",
        "https://t.me/square?livestream", "https://x.com/i/user/12",
    }  # fmt: skip
    targets = [parse_target(link) for link in links if link not in same]
    assert len({target.key for target in targets if isinstance(target, Target)}) == len(targets)


@pytest.mark.parametrize(
    ("link", "platform"),
    [
        ("https://t.me/", "telegram"),
        ("https://t.me/du", "telegram"),
        ("https://t.me/_square/5", "telegram"),
        ("https://t.me/канал/5", "telegram"),
        ("https://t.me/square/about", "telegram"),
        ("https://web.telegram.org/", "telegram"),
        ("https://x.com/", "x"),
        ("https://x.com/home", "x"),
        ("https://x.com/anna/never/seen", "x"),
        ("https://www.youtube.com/", "youtube"),
        ("https://www.youtube.com/feed/trending", "youtube"),
        ("https://www.youtube.com/never/seen", "youtube"),
        ("https://www.facebook.com/", "facebook"),
        ("https://www.facebook.com/home.php", "facebook"),
        ("https://www.facebook.com/login/?next=x", "facebook"),
        ("https://www.facebook.com/anna/never/seen/before", "facebook"),
        ("https://www.facebook.com/anna/posts/new", "facebook"),
    ],
)
def test_a_form_that_no_table_has_is_no_page_in_disguise(link: str, platform: str) -> None:
    target = parse_target(link)
    assert isinstance(target, Target)
    assert (target.platform, target.form) == (platform, Form.UNKNOWN)


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("https://t.me/square/45abc", "45abc"),
        ("https://t.me/square/45-50", "45-50"),
        ("https://t.me/square/0", "0"),
        ("https://t.me/square/99999999999", "99999999999"),
        ("https://t.me/square/45?comment=7x", "7x"),
        ("https://t.me/c/15x/45", "15x"),
        ("https://t.me/c/1500000001/45x", "45x"),
        ("https://t.me/square/٤٥x", "٤٥x"),
        ("https://t.me/square/४५", "४५"),
        ("tg://resolve?domain=square&post=45abc", "45abc"),
        (f"https://x.com/anna/status/{N}abc", f"{N}abc"),
        ("https://x.com/anna/status/99999999999999999999", "99999999999999999999"),
        ("https://x.com/i/web/status/12x", "12x"),
        (f"https://nitter.net/anna/status/{N}abc", f"{N}abc"),
        (f"https://www.youtube.com/watch?v={V[:-1]}", V[:-1]),
        (f"https://youtu.be/{V}x", f"{V}x"),
        ("https://www.youtube.com/watch?v=videoseries", "videoseries"),
        (f"https://www.youtube.com/shorts/{V}x", f"{V}x"),
        ("https://www.facebook.com/anna/posts/456x", "456x"),
        ("https://www.facebook.com/watch/?v=456x", "456x"),
        ("https://www.facebook.com/reel/99999999999999999999", "99999999999999999999"),
    ],
)
def test_a_mistyped_id_is_refused_with_what_was_expected_and_found(link: str, found: str) -> None:
    said = parse_target(link)
    assert isinstance(said, NoTarget)
    assert re.search(r"not a .+: expected .+, found ", said.reason)
    assert repr(found) in said.reason
    assert said.next_step == "Check the link for missing or extra characters."


@pytest.mark.parametrize(
    ("link", "key"),
    [
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Ft.me%2Fsquare%2F45&h=x", "telegram:post:square/45"),
        ("https://lm.facebook.com/l.php?u=https%3A%2F%2Fa.example%2Fb", "page:page:https://a.example/b"),
        ("https://l.instagram.com/?u=https%3A%2F%2Fa.example%2Fb&e=x", "page:page:https://a.example/b"),
        ("https://www.google.com/url?sa=t&q=https://t.me/square/45", "telegram:post:square/45"),
        ("https://out.reddit.com/t3_a?url=https%3A%2F%2Fa.example%2Fb&token=x", "page:page:https://a.example/b"),
        ("https://t.me/iv?url=https%3A%2F%2Fa.example%2Fb&rhash=1", "page:page:https://a.example/b"),
        ("https://www.youtube.com/redirect?event=x&q=https%3A%2F%2Fa.example%2Fb", "page:page:https://a.example/b"),
        ("https://www.google.com/amp/s/a.example/b", "page:page:https://a.example/b"),
        ("https://a-example.cdn.ampproject.org/c/s/a.example/b", "page:page:https://a.example/b"),
        ("https://a--b-example.translate.goog/b?x=1&_x_tr_sl=ru", "page:page:https://a-b.example/b?x=1"),
        ("https://translate.google.com/translate?sl=ru&tl=en&u=https://a.example/b", "page:page:https://a.example/b"),
        ("https://vk.com/away.php?to=https%3A%2F%2Ft.me%2Fsquare%2F45", "telegram:post:square/45"),
        (
            f"https://l.facebook.com/l.php?u={quote('https://www.google.com/url?q=https://t.me/square/45', safe='')}",
            "telegram:post:square/45",
        ),
    ],
)
def test_a_link_inside_another_is_read_and_the_outer_one_kept(link: str, key: str) -> None:
    target = parse_target(link)
    assert isinstance(target, Target)
    assert (target.key, target.form, target.given) == (key, Form.KNOWN, link)
    assert parse_target(target.link) == target, "what is queued by its link is the same target again"


IN_A_BUTTON = quote("https://t.me/square/45", safe="")


@pytest.mark.parametrize(
    "button",
    [
        f"https://t.me/share/url?url={IN_A_BUTTON}&text=see%20https%3A%2F%2Fa.example",
        f"https://telegram.me/share/?text=see%20{IN_A_BUTTON}",
        f"https://www.facebook.com/sharer/sharer.php?u={IN_A_BUTTON}&quote=x",
        f"https://m.facebook.com/sharer.php?u={IN_A_BUTTON}",
        f"https://www.facebook.com/v19.0/dialog/share?app_id=1&href={IN_A_BUTTON}",
        f"https://twitter.com/intent/tweet?text=see&url={IN_A_BUTTON}",
        f"https://x.com/intent/post?text=see%20({IN_A_BUTTON}).",
        f"https://twitter.com/share?url={IN_A_BUTTON}",
        f"https://wa.me/?text=see%20{IN_A_BUTTON}",
        f"https://api.whatsapp.com/send?phone=7700&text={IN_A_BUTTON}%20{IN_A_BUTTON}",
        f"https://vk.com/share.php?url={IN_A_BUTTON}",
        f"https://connect.ok.ru/offer?url={IN_A_BUTTON}",
        f"https://www.linkedin.com/sharing/share-offsite/?url={IN_A_BUTTON}",
        f"https://www.reddit.com/submit?url={IN_A_BUTTON}",
    ],
)
def test_a_share_button_is_what_it_shares(button: str) -> None:
    target = parse_target(button)
    assert isinstance(target, Target)
    assert (target.key, target.form, target.given) == ("telegram:post:square/45", Form.KNOWN, button)
    assert parse_target(target.link) == target


@pytest.mark.parametrize(
    ("button", "form"),
    [
        ("https://t.me/share/url?url=&text=words", None),
        ("https://wa.me/77001234567?text=words", Form.NO_READER),
        ("https://vk.com/share.php?url=", Form.NO_READER),
        ("https://www.facebook.com/sharer/sharer.php?u=words", Form.UNKNOWN),
        ("https://x.com/intent/post?text=https%3A%2F%2Fa.example%2F1%20https%3A%2F%2Fa.example%2F2", Form.UNKNOWN),
    ],
)
def test_a_share_button_that_names_no_single_link_is_no_page_like_any_other(button: str, form: Form | None) -> None:
    target = parse_target(button)
    assert (target.form if isinstance(target, Target) else None) == form


@pytest.mark.parametrize("path", [f"like?tweet_id={N}", f"tweet?in_reply_to={N}", f"retweet?tweet_id={N}"])
def test_a_button_of_a_post_names_the_post(path: str) -> None:
    target = parse_target(f"https://twitter.com/intent/{path}")
    assert isinstance(target, Target)
    assert target.key == f"x:post:{N}"
    assert isinstance(parse_target(f"https://twitter.com/intent/{path}x"), NoTarget)


@pytest.mark.parametrize(
    ("link", "key", "url"),
    [
        (f"https://x.com/anna/status/1/../{N}", f"x:post:{N}", f"https://x.com/anna/status/{N}"),
        (f"https://x.com/anna/status/1/%2E./{N}", f"x:post:{N}", f"https://x.com/anna/status/{N}"),
        (rf"https://x.com\boris\..\anna\status\{N}", f"x:post:{N}", f"https://x.com/anna/status/{N}"),
        ("t.me/square/./45", "telegram:post:square/45", "https://t.me/square/45"),
        ("https://t.me//square//45", "telegram:post:square/45", "https://t.me/square/45"),
        ("https://a.example/a/../b?c=/../d", "page:page:https://a.example/b?c=/../d", "https://a.example/b?c=/../d"),
        ("https://a.example/a//b/.", "page:page:https://a.example/a//b/", "https://a.example/a//b/"),
        ("https://a.example/../a/.b", "page:page:https://a.example/a/.b", "https://a.example/a/.b"),
    ],
)
def test_dots_in_a_path_are_read_as_browsers_read_them(link: str, key: str, url: str) -> None:
    target = parse_target(link)
    assert isinstance(target, Target)
    assert (target.key, target.url) == (key, url)
    assert target.given == (None if "//square" in link else link), "slashes that are doubled name nothing else"
    assert parse_target(target.link) == target


def test_an_ipv6_address_in_a_key_is_told_from_its_port() -> None:
    links = ("[2001:db8::1]:8443", "[2001:DB8:0:0:0:0:0:1]:8443", "[2001:db8::1:8443]")
    keys = [found.key for link in links if isinstance(found := parse_target(f"https://{link}/a"), Target)]
    assert keys == [
        *["page:page:https://[2001:db8::1]:8443/a"] * 2,
        "page:page:https://[2001:db8::1:8443]/a",
    ]


def test_a_frame_of_what_a_channel_shows_live_is_the_link_that_leads_there() -> None:
    frame, link = (
        parse_target(f"https://www.youtube.com/{path}")
        for path in (f"embed/live_stream?channel={UC}", f"channel/{UC}/live")
    )
    assert isinstance(frame, Target)
    assert isinstance(link, Target)
    assert (frame.key, frame.url) == (link.key, link.url)
    assert isinstance(parse_target("https://www.youtube.com/embed/live_stream?channel=UCshort"), NoTarget)


def test_a_password_inside_another_link_is_refused() -> None:
    said = parse_target("https://l.facebook.com/l.php?u=https%3A%2F%2Fanna%3Ahunter2%40a.example%2F")
    assert isinstance(said, NoTarget)
    assert "password" in said.reason
    assert "hunter2" not in said.reason


MIRRORED = {
    f"x:post:{N}": [
        *(f"https://{host}/anna/status/{N}" for host in (
            "nitter.net", "nitter.poast.org", "xcancel.com", "fxtwitter.com", "vxtwitter.com", "fixupx.com", "fixvx.com", "twittpr.com",
            "girlcockx.com", "d.fxtwitter.com",
        )),
        f"https://nitter.net/anna/status/{N}#m", f"https://fxtwitter.com/anna/status/{N}/en",
        f"https://threadreaderapp.com/thread/{N}.html",
    ],
    f"youtube:video:{V}": [
        *(f"https://{host}/watch?v={V}" for host in ("yewtu.be", "invidious.io", "inv.nadeko.net", "piped.video", "piped.kavin.rocks")),
        f"https://yewtu.be/embed/{V}",
    ],
    "telegram:post:square/45": [
        "https://tgstat.ru/channel/@square/45", "https://tgstat.com/en/channel/@square/45/stat", "https://telemetr.me/@square/45",
        "https://telegram.im/square/45",
    ],
    "telegram:channel:square": [
        "https://tlgrm.ru/channels/@square", "https://telemetr.io/en/channels/15-square/posts", "https://telegram.im/@square",
        "https://tg.i-c-a.su/rss/square", "https://rsshub.app/telegram/channel/square",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("key", "link"), [(key, link) for key, links in MIRRORED.items() for link in links])
def test_a_mirror_leads_back_to_the_original(key: str, link: str) -> None:
    target = parse_target(link)
    assert isinstance(target, Target)
    assert (target.key, target.form, target.mirror) == (key, Form.KNOWN, link.partition("#")[0])
    assert "nitter" not in target.url
    assert parse_target(target.link) == target


@pytest.mark.parametrize(
    ("link", "form"),
    [
        ("https://nitter.net/about/us/more", Form.MIRROR),
        (f"https://web.archive.org/web/2022/https://twitter.com/anna/status/{N}", Form.ARCHIVE),
        ("https://web.archive.org/web/2022/https://www.tiktok.com/@anna/video/7", Form.ARCHIVE),
        ("https://web.archive.org/web/2022/https://a.example/b", Form.KNOWN),
        *((f"https://{host}{path}https://x.com/anna/status/{N}", Form.ARCHIVE) for host, paths in (
            ("web.archive.org/web/", ("2/", "", "2022id_/", "*/")),
            ("archive.ph/", ("newest/", "", "20220105101112/", "2022.01.05-101112/")),
        ) for path in paths),
        ("https://archive.today/newest/https://a.example/b", Form.KNOWN),
        ("https://archive.ph/AbC12", Form.KNOWN),
        *((f"https://{host}/AbC", Form.SHORT) for host in ("t.co", "bit.ly", "pic.twitter.com", "vm.tiktok.com", "clck.ru", "redd.it")),
        *((f"https://{link}", Form.NO_READER) for link in (
            "www.tiktok.com/@anna/video/7", "www.instagram.com/p/Cabc/", "vk.com/wall-1_2", "m.vk.com/wall-1_2", "vkvideo.ru/video-1_2",
            "ok.ru/video/1", "rutube.ru/video/0/", "bsky.app/profile/a/post/3k", "www.reddit.com/r/a/comments/b/c/", "dzen.ru/a/b",
            "www.threads.com/@anna/post/C", "anything.example/@anna/110000000000000001", "rumble.com/v1-a.html",
        )),
        ("https://a.example/b", Form.KNOWN),
        ("https://nottiktok.com/x", Form.KNOWN),
        ("https://tiktok.com.example/x", Form.KNOWN),
        ("https://t.co:8443/AbC", Form.KNOWN),
    ],
)  # fmt: skip
def test_what_is_known_of_other_hosts(link: str, form: Form) -> None:
    target = parse_target(link)
    assert isinstance(target, Target)
    assert (target.platform, target.form, target.url) == ("page", form, link)


def test_who_shared_a_link_is_no_part_of_what_it_names() -> None:
    one, other = (
        parse_target(f"https://www.facebook.com/never/seen/before{end}") for end in ("", "?mibextid=abc&ref=share")
    )
    assert isinstance(one, Target)
    assert isinstance(other, Target)
    assert one.key == other.key
    plain = parse_target("https://a.example/?s=words&t=1&fbclid=x")
    assert isinstance(plain, Target)
    assert plain.id == "https://a.example/?s=words&t=1"
    assert plain.url == "https://a.example/?s=words&t=1&fbclid=x", "it is asked for as it was given"


def test_the_literal_is_kept_only_where_it_says_more() -> None:
    for text, given_ in (
        ("https://t.me/square/45\u2069", "https://t.me/square/45\u2069"),
        ("t.me/square/45", None),
        (" @square ", None),
    ):
        target = parse_target(text)
        assert isinstance(target, Target)
        assert target.given == given_
    hashed = parse_target("https://web.telegram.org/#/im?p=c1500000001_9988776655.")
    assert isinstance(hashed, Target)
    assert hashed.given == "https://web.telegram.org/#/im?p=c1500000001.", "what belongs to an account is not kept"


# -- redirects ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "url", "key"),
    [
        ("https://t.co/a", f"https://x.com/anna/status/{N}", f"x:post:{N}"),
        ("https://t.co/a", "https://a.example/b", "page:page:https://a.example/b"),
        ("https://t.co/a", "https://bit.ly/b", "page:page:https://bit.ly/b"),
        ("https://t.co/a", f"https://nitter.net/anna/status/{N}", f"x:post:{N}"),
        ("https://t.co/a", f"https://x.com/anna/status/{N}x", f"x:page:https://x.com/anna/status/{N}x"),
        ("https://t.co/a", "https://www.tiktok.com/@a/video/7", "page:page:https://www.tiktok.com/@a/video/7"),
        ("https://a.example/b", "https://t.me/square/45", "telegram:post:square/45"),
        ("https://a.example/b", "https://www.a.example/b", None),
        ("https://a.example/b", "https://x.com/i/flow/login?redirect=x", None),
        ("https://www.facebook.com/share/p/AbC/", "https://www.facebook.com/login/?next=x", None),
        (
            "https://www.facebook.com/share/p/AbC/",
            "https://www.facebook.com/anna/posts/456?rdid=x",
            "facebook:post:456",
        ),
        ("https://www.facebook.com/share/p/AbC/", "https://m.facebook.com/share/p/AbC/", None),
        ("https://www.tiktok.com/@a/video/7", "https://www.tiktok.com/@a/video/7?lang=en", None),
        ("https://www.youtube.com/@anna/live", f"https://www.youtube.com/watch?v={V}", f"youtube:video:{V}"),
        ("https://x.com/never/seen/before", "https://x.com/never/seen/again", None),
    ],
)
def test_where_a_redirect_leads(link: str, url: str, key: str | None) -> None:
    current = parse_target(link)
    assert isinstance(current, Target)
    found = leads_to(current, url)
    assert (found.key if found else None) == key
    if found is not None:
        assert found.mirror is None, "no mirror is asked that a person did not name"


# -- no string makes a wrong id ----------------------------------------------------------------------------------

HOSTS = st.sampled_from([
    "t.me", "square.t.me", "x.com", "twitter.com", "youtu.be", "www.youtube.com", "m.youtube.com", "www.facebook.com", "fb.watch",
    "web.telegram.org", "nitter.net", "yewtu.be",
])  # fmt: skip
PARTS = st.sampled_from([
    "/", "//", "/../", "/%2e/", "?", "&", "#", "=", "status", "i", "web", "watch", "v", "embed", "shorts", "posts", "videos", "groups", "reel",
    "share", "p",
    "c", "s", "photo.php", "fbid", "story_fbid", "comment", "single", "anna", "square", "45", "0045", "1500000001", N, V, "abc", "x", "٤٥",
    "４５", "४५", "²", "\u200b", "\u2069", ".", ")", "%26t=3", "%20", "%E2%80%8B", "-", "_", "&amp;", "pfbid02abc", UC, "@", "!", "'",
])  # fmt: skip
NUMBERED = {"post", "private post", "private channel", "comment", "story", "video", "photo", "share link", "playlist"}


@given(HOSTS, st.lists(PARTS, max_size=12).map("".join))
def test_an_id_always_stands_delimited_in_the_cleaned_text(host: str, rest: str) -> None:
    text = f"https://{host}/{rest}"
    target = parse_target(text)
    if not isinstance(target, Target) or target.form is not Form.KNOWN or target.platform == "page":
        return
    plain = unquote(in_ascii(clean(text).link))
    if host == "web.telegram.org":  # `#NAME_NUMBER`
        plain = plain.replace("_", "/")
    for part in re.split(r"[/#]", target.id) if target.kind in NUMBERED else []:
        if part in ("s", "c"):
            continue
        number = part.isascii() and part.isdecimal()
        lead = "0*" if number and target.platform == "telegram" else ""
        # As it was written, or a number with zeros before it; never a piece of something longer.
        edge = r"[A-Za-z0-9_-]" if target.platform == "youtube" else r"\w"
        assert re.search(rf"(?<!{edge}){lead}{re.escape(part)}(?!{edge})", plain, re.IGNORECASE), (part, plain)


@given(
    st.text(max_size=80)
    | st.builds(lambda host, rest: f"https://{host}/{rest}", HOSTS, st.lists(PARTS, max_size=10).map("".join))
)
def test_the_same_target_comes_from_its_own_link(text: str) -> None:
    target = parse_target(text)
    if isinstance(target, Target):
        again = parse_target(target.link)
        assert isinstance(again, Target)
        assert (again.key, again.form, again.mirror) == (target.key, target.form, target.mirror)
