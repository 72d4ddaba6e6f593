"""What stands in the place of a page: by its words, in every language of the table, and by its structure."""

from __future__ import annotations

import html

import pytest

from spiders.availability import KINDS
from spiders.html import tree_of
from spiders.page.parse import parse
from spiders.posts import Availability, Outcome
from spiders.walls.structure import DOUBT, EMPTY, EMPTY_SHELL, UNKNOWN_WORDING, Shape, Standing, standing
from spiders.walls.wordings import ANY_WORDS, PLACES, Row, plain, rows, said_by

LANGUAGES = ("en", "ru", "kk", "uk", "de", "tr", "ar", "fa")
ALSO = ("fr", "es", "it", "pt", "pl", "nl", "zh", "ja")
MEANS = {
    "not found", "removed", "unavailable", "login required", "private", "bot wall", "consent wall", "rate limit", "geo-blocked",
    "needs scripts", None,
}  # fmt: skip
URL = "https://site.example/2022/01/05/a-deep-page"
WORDS = {
    "en": "Witnesses said that shots were heard on the square in the evening and that people ran towards the school. ",
    "ru": "Очевидцы рассказали, что вечером на площади были слышны выстрелы и люди бежали в сторону школы. ",
    "kk": "Куәгерлер кешке алаңда атыс дауысы естілгенін және адамдардың мектепке қарай жүгіргенін айтты. ",
    "uk": "Очевидці розповіли, що ввечері на площі було чути постріли і люди бігли в бік школи. ",
    "de": "Zeugen sagten, dass am Abend auf dem Platz Schüsse zu hören waren und die Leute zur Schule liefen. ",
    "tr": "Tanıklar akşam meydanda silah sesleri duyulduğunu ve insanların okula doğru koştuğunu söyledi. ",
    "ar": "قال شهود إن إطلاق نار سمع في الساحة مساء وإن الناس ركضوا نحو المدرسة. ",
    "pl": "Świadkowie mówili, że wieczorem na placu słychać było strzały, a ludzie biegli w stronę szkoły. ",
    "it": "I testimoni hanno detto che la sera in piazza si sono sentiti spari e che la gente correva verso la scuola. ",
    "pt": "Testemunhas disseram que à noite se ouviram tiros na praça e que as pessoas correram para a escola. ",
    "nl": "Getuigen zeiden dat er 's avonds schoten te horen waren op het plein en dat mensen naar de school renden. ",
    "fr": "Des témoins ont dit que des tirs ont été entendus le soir sur la place et que les gens couraient vers l'école. ",
    "es": "Los testigos dijeron que por la noche se oyeron disparos en la plaza y que la gente corrió hacia la escuela. ",
    "zh": "目击者说，当天晚上广场上传来枪声，人们向学校方向奔跑。许多人在那里躲到了第二天早上才敢离开。",
    "ja": "目撃者によると、夕方に広場で銃声が聞こえ、人々は学校の方へ走って逃げた。翌朝までそこに隠れていた人も多い。",
    "uz": "Guvohlarning aytishicha, kechqurun maydonda o'q ovozlari eshitilgan va odamlar maktab tomon yugurgan. ",
    "fa": "شاهدان گفتند عصر در میدان صدای تیراندازی شنیده شد و مردم به سوی مدرسه دویدند. ",
}


def look(
    body: str, head: str = "", url: str | None = URL, article: str = "", says_article: bool = False
) -> Standing | None:
    document = tree_of(f"<html><head>{head}</head><body>{body}</body></html>")
    assert document is not None
    return standing(Shape(document, url, article, says_article))


def each_wording() -> list[tuple[Row, str]]:
    return [(row, words.replace(ANY_WORDS, "Ozen News")) for row in rows() for words in row.words]


# -- by words ------------------------------------------------------------------------------------------------------------


def test_the_table_covers_every_language_and_meaning() -> None:
    have = {(row.language, row.kind) for row in rows()}
    assert {(language, kind) for language in LANGUAGES for kind in MEANS} <= have
    some = MEANS - {"private", "consent wall", "rate limit", "geo-blocked"}
    assert {(language, kind) for language in ALSO for kind in some} <= have
    assert {("uz", kind) for kind in ("not found", "removed", "login required")} <= have


def test_every_row_is_whole() -> None:
    for row in rows():
        assert row.source
        assert row.words
        assert set(row.places) <= set(PLACES)
        assert row.kind is None or row.kind in KINDS or row.kind == "needs scripts"


def test_no_wording_means_two_things() -> None:
    meant: dict[str, tuple[str | None, Outcome]] = {}
    for row, words in each_wording():
        assert meant.setdefault(plain(words), (row.kind, row.outcome)) == (row.kind, row.outcome), words


@pytest.mark.parametrize("place", PLACES)
def test_every_wording_is_found_where_it_may_stand(place: str) -> None:
    for row, words in each_wording():
        if place not in row.places:
            continue
        shown = html.escape(words)
        title = f"<title>{shown} | Ozen News</title>" if place == "title" else "<title>Ozen News</title>"
        body = {
            "title": "<p>x</p>",
            "heading": f"<h1>{shown}!</h1><p>x</p>",
            "text": f"<div>{shown.upper()}. 17 x.</div>",
            "whole": f"<header>Ozen News</header><div>{shown}…</div><script>1</script>",
        }[place]
        found = look(body, title)
        assert found is not None, (place, words)
        assert found.outcome is row.outcome, (place, words, found)
        if row.kind in KINDS:
            assert found.absence.state is KINDS[row.kind or ""][0], (place, words)


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.language} {row.kind}")
def test_an_article_that_quotes_the_wordings_is_an_article(row: Row) -> None:
    """Headline, subheadings, quotations: none of them is the site speaking for itself."""
    quoted = [html.escape(words.replace(ANY_WORDS, "Ozen News")) for words in row.words]
    sentences = "".join(
        f"<h2>{words}</h2><p>“{words}.” {WORDS.get(row.language, WORDS['en']) * 2}</p>" for words in quoted
    )
    text = f"<p>{WORDS.get(row.language, WORDS['en']) * 8}</p>"
    for page in (
        f"<title>{quoted[0]}</title><body><article><h1>{quoted[0]}</h1>{text}{sentences}</article>",
        f"<title>What “{quoted[0]}” means</title><body><h1>{quoted[0]}</h1>{text}{sentences}",
        f"<title>Ozen News</title><body><article><h1>{quoted[0]}</h1><p>{quoted[0]}. {WORDS['en']}</p></article>",
    ):
        parsed = parse(f"<html><head><meta charset='utf-8'>{page}</body></html>".encode(), URL)
        assert parsed.outcome is None, (parsed.reason, page[:120])
        assert parsed.posts[0].outcome is Outcome.CAPTURED


@pytest.mark.parametrize(
    "text",
    [
        "Access denied to thousands at the border", "Not found: the missing of Zhanaozen", "Слишком много запросов на воду, говорят жители",
        "Видео удалено: кто и зачем стирает память", "404 days", "Error analysis of ballistic reports", "Privat", "Oturum",
    ],
)  # fmt: skip
def test_headlines_that_begin_like_a_wording(text: str) -> None:
    assert [said_by(place, text) for place in PLACES] == [None] * len(PLACES)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Page not found – The Daily", "not found"), ("404: Страница не найдена", "not found"), ("Ошибка 404. Страница не найдена", "not found"),
        ("۴۰۴ | صفحه مورد نظر یافت نشد", "not found"), ("Sorry, this page isn’t available.", "unavailable"), ("ЗАПИСЬ УДАЛЕНА", "removed"),
        ("عذراً، تعذَّر العثور على الصفحة المطلوبة.", "not found"), ("Bu gönderi silindi", "removed"), ("reddit.com: over 18?", "age-restricted"),
        ("页面没有找到_新浪网", "not found"), ("お探しのページは見つかりませんでした｜朝の新聞", "not found"), ("Sahifa oʻchirilgan", "removed"),
        ("Прежде чем перейти к Google Поиску", "consent wall"), ("Bevor Sie zu YouTube weitergehen", "consent wall"),
    ],
)  # fmt: skip
def test_titles_of_recorded_walls(text: str, kind: str) -> None:
    said = said_by("title", text)
    assert said is not None
    assert said.row.kind == kind


def test_sentences_without_blanks_between_them() -> None:
    found = look("<div>您访问的页面不存在。请返回首页！</div>", "<title>新闻</title>")
    assert found is not None
    assert found.outcome is Outcome.UNAVAILABLE


def test_a_sentence_tells_more_than_a_title_that_says_error() -> None:
    page = "<title>Ошибка | Сайт</title><body><h1>Ошибка</h1><div>Запись удалена или недоступна.</div></body>"
    parsed = parse(f"<html><head><meta charset='utf-8'>{page}</html>".encode(), URL)
    assert parsed.outcome is Outcome.UNAVAILABLE
    assert parsed.reason is not None
    assert "Запись удалена" in parsed.reason
    alone = parse(
        "<html><head><meta charset='utf-8'><title>Ошибка | Сайт</title></head><body><p>Сбой</p></body>".encode(), URL
    )
    assert alone.outcome is Outcome.PARTIAL, "what the error is stands nowhere"


def test_a_wall_that_explains_itself_at_length() -> None:
    """Reddit's: title and heading say so, and 800 characters say why."""
    why = "If you are running a script, please register with your developer credentials. " * 10
    body = f"<h1>whoa there, pardner!</h1><p>{why}</p>"
    found = look(body, "<title>Blocked</title>", article=why)
    assert found is not None
    assert found.outcome is Outcome.BLOCKED
    assert look(body, "<title>Rodeo</title>", article=why) is None


@pytest.mark.parametrize(
    "head",
    [
        "<meta property='og:type' content='article'>",
        '<script type=\'application/ld+json\'>{"@type": "NewsArticle"}</script>',
    ],
)
def test_a_promised_article_that_is_not_there(head: str) -> None:
    page = f"<html><head><title>Օզեն</title>{head}</head><body><h1>Էջը չի գտնվել</h1></body></html>"
    parsed = parse(page.encode(), URL)
    assert parsed.outcome is Outcome.PARTIAL
    assert (parsed.reason or "").startswith(UNKNOWN_WORDING)
    assert "Էջը չի գտնվել" in (parsed.reason or "")
    assert parsed.posts[0].outcome is Outcome.PARTIAL
    assert parsed.absence is not None
    assert parsed.absence.state is Availability.UNKNOWN


def test_a_headline_alone_is_no_article() -> None:
    """What stands below it, "to read on, subscribe" in a language that the table lacks, tells nothing of the thing."""
    headline = "ოზენი: სიები საავადმყოფოდან"
    body = f"<article><h1>{headline}</h1><p>გამოიწერეთ რომ განაგრძოთ</p></article>"
    found = look(body, article=f"{headline}\nგამოიწერეთ რომ განაგრძოთ", says_article=True)
    assert found is not None
    assert found.reason.startswith(UNKNOWN_WORDING)
    assert look(f"{body}<img src='/a.jpg'>", article=headline, says_article=True) is None
    assert look(body, article=f"{headline}\n{WORDS['en']}", says_article=True) is None


@pytest.mark.parametrize("said", ["false", '"False"'])
def test_an_article_for_subscribers_is_perhaps_only_its_beginning(said: str) -> None:
    def page(free: str) -> bytes:
        stated = f'{{"@type": "NewsArticle", "isAccessibleForFree": {free}}}'
        head = f"<script type='application/ld+json'>{stated}</script>"
        return f"<html><head>{head}</head><body><article><p>{WORDS['en'] * 8}</p></article></body></html>".encode()

    [post] = parse(page(said), URL).posts
    assert post.outcome is Outcome.PARTIAL
    assert (post.reason or "").startswith("for subscribers")
    assert post.text
    assert parse(page("true"), URL).posts[0].outcome is Outcome.CAPTURED


def test_a_short_page_that_asks_not_to_be_indexed() -> None:
    noindex = "<title>Օզեն</title><meta name='robots' content='noindex, follow'>"
    found = look("<h1>Էջը չի գտնվել</h1><p>17</p>", noindex)
    assert found is not None
    assert found.reason.startswith(UNKNOWN_WORDING)
    assert look("<h1>Fotos</h1><img src='/a.jpg'>", noindex) is None
    assert look("<h1>Index of /</h1><pre><a href='a'>a</a></pre>", noindex) is None


# -- by structure ----------------------------------------------------------------------------------------------------------

SCRIPTS = "<script src='/app.js'></script>"
STANDING = {
    "an app's root": (f"<div id='root'></div>{SCRIPTS}", "", "partial", EMPTY_SHELL),
    "a splash while it loads": (f"<div id='app'><div class='splash'><img src='/logo.svg'></div>Loading…</div>{SCRIPTS}", "", "partial", EMPTY_SHELL),
    "the data of a page in a script": ("<div id='__nuxt'></div><script type='application/json'>{}</script>", "", "partial", EMPTY_SHELL),
    "words for browsers without scripts": (f"<noscript>You need scripts.</noscript><div></div>{SCRIPTS}", "", "partial", EMPTY_SHELL),
    "nothing at all": ("<div></div>", "<title>A title</title>", "partial", EMPTY),
    "a form with a password": ("<h1>Ozen</h1><form><input name='u'><input type='PASSWORD'></form>", "", "refused", "login required"),
    "a challenge of Cloudflare": ("<p>wait</p><script>window._cf_chl_opt={}</script>", "", "blocked", "bot wall"),
    "a challenge of DataDome": ("<p>wait</p><iframe src='https://geo.captcha-delivery.com/captcha/'></iframe>", "", "blocked", "bot wall"),
    "a challenge of Instagram": (
        "<span id='root'></span><script>window._sharedData = {\"entry_data\":{\"Challenge\":[{}]}};</script>", "", "blocked", "bot wall",
    ),
    "a captcha and nothing else": ("<p>?</p><form><div class='h-captcha'></div></form>", "", "blocked", "bot wall"),
    "a form that asks for consent": ("<p>?</p><form action='https://consent.youtube.com/s'>Ja</form>", "", "blocked", "consent wall"),
    "the class of a theme": ("<div class='page error-404'><h1>չի գտնվել</h1></div>", "", "unavailable", "not found"),
    "the front page's address": ("<h1>Էջ</h1>", "<link rel='canonical' href='/'>", "partial", UNKNOWN_WORDING),
    "a login page's address": ("<h1>Էջ</h1>", "<link rel='canonical' href='/login?next=1'>", "refused", "login required"),
}  # fmt: skip


@pytest.mark.parametrize("name", STANDING)
def test_by_structure(name: str) -> None:
    body, head, outcome, reason = STANDING[name]
    found = look(body, head)
    assert found is not None
    assert (str(found.outcome), found.reason[: len(reason)]) == (outcome, reason)


def test_a_consent_page_by_its_host() -> None:
    found = look("<p>x</p>", url="https://consent.youtube.com/m?continue=x")
    assert found is not None
    assert found.reason == "consent wall in place of the page (consent.youtube.com)"


LONG = WORDS["en"] * 8
SMALL = {
    "a word": "<p>x</p>",
    "a text": "<h1>Notice</h1><p>The office is closed on Monday.</p>",
    "a directory": "<h1>Index of /a</h1><pre><a href='b'>b</a></pre>",
    "a picture": "<img src='/a.jpg'>",
    "a picture and a script": f"<img src='/a.jpg'>{SCRIPTS}",
    "a film": f"<video src='/a.mp4'></video>{SCRIPTS}",
    "a frame of its own": f"<iframe src='/a.html'></iframe>{SCRIPTS}",
    "a search": f"<form><input name='q'></form>{SCRIPTS}",
    "a number": "<h1>17</h1>",
    "a heading for browsers without scripts": "<p>Text of this page.</p><noscript><h1>JavaScript is required</h1></noscript>",
    "an album above which one can log in": "<h2>Log in</h2>" + "<img src='/a.jpg'>" * 5,
    "a form to write to us, with a captcha": "<p>Write</p><form><textarea></textarea><div class='g-recaptcha'></div></form>",
    "a page behind Cloudflare": "<p>Text.</p><script>a.src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'</script>",
    "a page where nothing was found for others": "<p>Text of this page.</p><div class='not-found' hidden></div>",
}


def test_log_in_beside_a_film_that_scripts_show() -> None:
    head = "<title>A film</title><meta property='og:video:url' content='https://player.example/1'>"
    assert look("<div><a>Log in</a></div><div>Text below the film.</div>", head) is None
    assert look("<div><a>Log in</a></div><div>Text below the film.</div>", "<title>A film</title>") is not None


@pytest.mark.parametrize("name", SMALL)
def test_pages_that_are_honestly_small(name: str) -> None:
    assert look(SMALL[name], "<title>Ozen</title>") is None


@pytest.mark.parametrize(
    "body",
    [
        f"<form><input type='password'></form><p>{LONG}</p>", f"<form action='/consent'></form><p>{LONG * 4}</p>",
        f"<div class='h-captcha'></div><script>_cf_chl_opt</script><p>{LONG}</p>", f"<body class='error404'><p>{LONG}</p>",
    ],
)  # fmt: skip
def test_nothing_counts_beside_an_article(body: str) -> None:
    assert look(body, "<title>404</title>", article=LONG) is None


def test_a_login_page_that_was_asked_for() -> None:
    form = "<form><input type='password'></form>"
    assert look(form, "<title>Ozen</title>", url="https://site.example/login") is None
    assert look(form, "<title>Ozen</title>", url="https://site.example/login?next=/post/7") is not None


@pytest.mark.parametrize("around", ["header", "nav", "aside", "footer"])
def test_a_login_form_that_stands_around_every_page_is_no_wall(around: str) -> None:
    form = f"<{around}><form><input><input type='password'></form></{around}>"
    brief = "Fire at the market, two people were hurt."
    assert look(f"{form}<main><p>{brief}</p></main>", "<title>Fire</title>", article=brief) is None


# -- a notice among much else, and a page that speaks of one ---------------------------------------------------------------

GONE = "<h1>Page not found</h1><p>Try the search, or read on:</p>"
TITLED = "<title>Page not found | Ozen News</title>"


def teasers(form: str = "<article><h3><a href='/{n}'>Report {n}</a></h3><p>{text}</p></article>") -> str:
    return "".join(form.format(n=n, text=WORDS["en"] * 2) for n in range(12))


@pytest.mark.parametrize(
    "form",
    [
        "<article><h3><a href='/{n}'>Report {n}</a></h3><p>{text}</p></article>",
        "<li><div><h4><a href='/{n}'>Report {n}</a></h4></div><p>{text}</p></li>",
        "<div class='card'><a href='/{n}'><h2>Report {n}</h2><p>{text}</p></a></div>",
        "<p><a href='/{n}'>Report {n}: {text}</a></p>",
    ],
)
@pytest.mark.parametrize(
    ("head", "above", "outcome"),
    [
        (TITLED, GONE, "unavailable"),
        ("<title>Ozen News</title>", GONE, "partial"),
        ("<title>Ozen News</title><meta name='robots' content='noindex'>", GONE, "unavailable"),
        ("<title>Ozen News</title><link rel='canonical' href='/'>", GONE, "unavailable"),
        ("<title>Ozen News</title>", f"<div class='error404'>{GONE}</div>", "unavailable"),
        (TITLED, "<h1>Ozen News</h1>", "partial"),
        ("<title>Ozen</title>", "<div class='error-404'><h1>Էջը չի գտնվել</h1></div>", "unavailable"),
        ("<title>Ozen</title><link rel='canonical' href='/'>", "<h1>Էջը չի գտնվել</h1>", "partial"),
    ],
)
def test_a_notice_above_teasers_of_other_pages(form: str, head: str, above: str, outcome: str) -> None:
    page = f"<html><head><meta charset='utf-8'>{head}</head><body>{above}{teasers(form)}</body></html>"
    parsed = parse(page.encode(), URL)
    # Where no finder takes the teasers for an article, one sign is enough.
    assert str(parsed.outcome) in {outcome, "unavailable"}, parsed.reason
    list_of_reports = f"<html><head><title>Reports</title></head><body><h1>Reports</h1>{teasers(form)}</body></html>"
    assert parse(list_of_reports.encode(), URL).outcome is None


def test_an_article_above_teasers_is_the_article() -> None:
    body = f"<h1>Page not found</h1><p>{LONG}</p>{teasers()}"
    assert parse(f"<title>Ozen</title><body>{body}".encode(), URL).outcome is None
    doubt = parse(f"<title>Page not found</title><body>{body.replace('article', 'div')}{LONG * 2}".encode(), URL)
    assert doubt.outcome is not None


BRIEF = "Two people were hurt when the market hall burned on Tuesday evening, the fire service of Ozen said. The cause is not known."
ITS_OWN = {
    "a brief beside a login form": (f"<h1>Fire at the market</h1><p>{BRIEF}</p><div><form><input><input type='password'></form></div>", "partial"),
    "a brief marked as an article beside a login form": (
        f"<article><h1>Fire at the market</h1><p>{BRIEF}</p></article><div><form><input><input type='password'></form></div>", None,
    ),
    "words in quotation marks": (f"<h1>Ministry's site is down</h1><p>“Page not found.” That was to be read. {BRIEF}</p>", None),
    "words as a quotation": (f"<h1>Ministry's site is down</h1><blockquote>Page not found.</blockquote><p>{BRIEF}</p>", None),
    "words within a paragraph": (f"<p>The reports are gone from the site. Page not found. {BRIEF}</p>", "partial"),
    "words below a headline": (f"<h1>Ministry's site is down</h1><p>Page not found.</p><p>{BRIEF}</p>", "partial"),
    "words as a subheading": (f"<h1>What the codes of servers mean</h1><h2>Not found</h2><p>{BRIEF}</p>", "partial"),
    "a notice": ("<h1>Ozen</h1><p>Page not found.</p><p>It may have been moved.</p>", "unavailable"),
    "a notice with an exclamation": (f"<p>Oops! Page not found. {BRIEF}</p>", "unavailable"),
}  # fmt: skip


@pytest.mark.parametrize("name", ITS_OWN)
def test_a_short_page_that_has_something_to_say(name: str) -> None:
    body, outcome = ITS_OWN[name]
    parsed = parse(
        f"<html><head><meta charset='utf-8'><title>Ozen</title></head><body>{body}</body></html>".encode(), URL
    )
    assert (parsed.outcome and str(parsed.outcome)) == outcome, parsed.reason
    if outcome == "partial":
        assert (parsed.reason or "").startswith(DOUBT)
        assert parsed.posts[0].outcome is Outcome.PARTIAL


@pytest.mark.parametrize(
    ("inner", "outcome"),
    [
        (f"<time datetime='2022-01-05'>5 January</time><p>{BRIEF}</p>", None), (f"<p>{BRIEF}</p>", "partial"),
        ("<p>You cannot read this.</p>", "blocked"), (f"<p>{BRIEF}</p><form><input name='s'></form>", "blocked"),
    ],
)  # fmt: skip
def test_news_in_brief_under_the_title_of_a_wall(inner: str, outcome: str | None) -> None:
    page = f"<title>Access denied | Ozen News</title><body><article><h1>Access denied</h1>{inner}</article>"
    parsed = parse(page.encode(), URL)
    assert (parsed.outcome and str(parsed.outcome)) == outcome, parsed.reason
