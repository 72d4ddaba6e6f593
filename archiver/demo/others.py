"""The web around the miniature platforms: short links, a mirror, platforms without a reader, news sites, and what stands in
the place of a page: walls, captchas, and pages that answer 200 and have nothing.
"""

from __future__ import annotations

import html

from archiver.demo.server import Answer, Asked, Site

NEWS, FORUM = "news.ozen.example", "forum.ozen.example"
HLS = "application/vnd.apple.mpegurl"
_TELEGRAM, _X = "https://t.me/ozen_today", "https://x.com/ozen_today/status"
_REPORT = (
    "Вечером пятого января у больницы в Жаңаөзене собрались родственники раненых. Врач, который вышел к ним, прочитал "
    "фамилии по списку. Список он держал в руке и снимать его не разрешил.",
    "Люди говорили, что их записи в сетях исчезают: «страница не найдена», «видео удалено», «войдите, чтобы продолжить». "
    "Редакция сохранила то, что успела, и просит присылать копии.",
    "К полуночи связь в городе отключили. Последнее сообщение очевидца пришло в 23:41 по местному времени; он писал, что "
    "у школы слышны одиночные выстрелы и что свет на улице Сатпаева погас.",
)


def page(title: str, body: str, head: str = "", lang: str = "ru") -> Answer:
    """Return an answer with a whole page, at 200."""
    text = f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"><title>{html.escape(title)}</title>{head}</head>'
    return Answer(body=f"{text}<body>{body}</body></html>".encode())


def report(title: str, more: str = "", head: str = "") -> Answer:
    """Return an answer with an article, between a menu with "Войти" and a footer, as news sites have them."""
    words = "".join(f"<p>{text}</p>" for text in _REPORT)
    around = '<nav><a href="/">Новости</a> <a href="/login">Войти</a></nav>', "<footer>Озен, 2022</footer>"
    body = f"{around[0]}<main><article><h1>{html.escape(title)}</h1>{words}{more}</article></main>{around[1]}"
    return page(f"{title} | Озен", body, f'<meta property="og:type" content="article">{head}')


def to(url: str, status: int = 301) -> Answer:
    """Return a redirect."""
    return Answer(status, headers=[("Location", url)])


class Others:
    """Sites by host and path. `answers`: `host/path` → what is answered; anything else is not found."""

    def __init__(self, film: bytes, picture: bytes, segments: tuple[bytes, ...]) -> None:
        self.answers = {**_leading_on(), **_of_platforms(), **_in_place(), **_articles(film, picture, segments)}
        self._hosts = sorted({place.partition("/")[0] for place in self.answers})

    def sites(self) -> dict[str, Site]:
        """Return the sites by host."""
        return dict.fromkeys(self._hosts, self.web)

    def web(self, asked: Asked) -> Answer:
        """Answer for any of the hosts."""
        missing = page("404", "<h1>404</h1><p>Nothing is here.</p>", lang="en")
        missing.status = 404
        return self.answers.get(f"{asked.host}{asked.path}", missing)


def _leading_on() -> dict[str, Answer]:
    """Short links, and a page that has moved to a platform."""
    return {
        "t.co/0zenThread": to(f"{_X}/1478660000000000006?s=20"),
        "bit.ly/ozen-loop": to("https://clck.ru/ozen-loop"),
        "clck.ru/ozen-loop": to("https://bit.ly/ozen-loop"),
        "clck.ru/ozen-gone": to(f"https://{NEWS}/ru/gone"),
        f"{NEWS}/moved": to(f"{_TELEGRAM}/22"),
    }


def _of_platforms() -> dict[str, Answer]:
    """A mirror's copy of a post that X does not show any more, and pages of platforms without a reader."""
    copy = f'<div class="tweet-content">{_REPORT[2]}</div><span>5 Jan 2022</span>'
    app = '<div id="app"></div><script src="/main.js"></script>'
    login = '<form><input name="username"><input type="password" name="password"><button>Log in</button></form>'
    return {
        "nitter.net/ozen_today/status/1478660000000000017": page("Өзен бүгін (@ozen_today)", copy),
        "www.tiktok.com/@ozen_today/video/7049900000000000001": page("Площадь | TikTok", f"<p>{_REPORT[0]}</p>{app}"),
        "www.instagram.com/p/CYozenPost1/": page("Login • Instagram", f"<h1>Log in to continue</h1>{login}", lang="en"),
        "www.instagram.com/ozen.closed/": page(
            "ozen.closed • Instagram", "<h2>This account is private</h2><p>Follow to see their photos.</p>", lang="en"
        ),
    }


def _in_place() -> dict[str, Answer]:
    """What stands in the place of a page, always at 200."""
    login = '<form action="/enter" method="post"><input name="name"><input name="pass" type="password"><button>Войти</button></form>'
    challenge = '<h1>Just a moment...</h1><script>window._cf_chl_opt={cType:"managed"}</script>'
    robot = (
        '<h1>Подтвердите, что вы не робот</h1><form><div class="smart-captcha"></div><button>Я не робот</button></form>'
    )
    menu = '<nav><a href="/">Forum</a> <a href="/new">New topics</a></nav>'
    return {
        f"{NEWS}/ru/gone": page("Новости | Озен", "<h1>Материал удалён</h1><p>Публикация снята редакцией.</p>"),
        f"{NEWS}/kk/gone": page("Озен жаңалықтары", "<h1>Бұл бет жойылған</h1><p>Басты бетке оралыңыз.</p>", lang="kk"),
        f"{NEWS}/tr/gone": page("Haberler", "<h1>Bu haber yayından kaldırılmıştır.</h1>", lang="tr"),
        f"{NEWS}/ar/gone": page("الأخبار", '<h1 dir="rtl">تم حذف هذا المنشور</h1>', lang="ar"),
        f"{NEWS}/app": page("Ozen", '<div id="root"></div><script src="/bundle.js"></script>', lang="en"),
        f"{NEWS}/bundle.js": Answer(content_type="text/javascript", body=b"start()"),
        f"{FORUM}/topic/1": page("Page not found | Forum", f"{menu}<h1>Page not found</h1><p>Try a search.</p>", lang="en"),
        f"{FORUM}/topic/2": page("Форум", f"<h1>Вход на сайт</h1>{login}"),
        "gate.ozen.example/photo/3": page("Just a moment...", challenge, lang="en"),
        "shield.ozen.example/photo/4": page("Проверка", robot),
    }  # fmt: skip


def _articles(film: bytes, picture: bytes, segments: tuple[bytes, ...]) -> dict[str, Answer]:
    """Articles with their media: a film that the head names, a stream in pieces, and a film that is no film."""
    pieces = "".join(f"#EXTINF:1.0,\n{number}.ts\n" for number in range(len(segments)))
    stream = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n{pieces}#EXT-X-ENDLIST\n"
    head = f'<meta property="og:video" content="https://{NEWS}/hospital.mp4"><meta property="og:video:type" content="video/mp4">'
    return {
        f"{NEWS}/2022/hospital": report("У больницы", '<img src="/hospital.png" alt="">', head),
        f"{NEWS}/hospital.mp4": Answer(content_type="video/mp4", body=film),
        f"{NEWS}/hospital.png": Answer(content_type="image/png", body=picture),
        f"{NEWS}/2022/stream": report("Эфир с площади", '<video controls><source src="/live/list.m3u8"></video>'),
        f"{NEWS}/live/list.m3u8": Answer(content_type=HLS, body=stream.encode()),
        **{
            f"{NEWS}/live/{number}.ts": Answer(content_type="video/mp2t", body=piece)
            for number, piece in enumerate(segments)
        },
        f"{NEWS}/2022/player": report("Запись с балкона", '<video src="/balcony.mp4" controls></video>'),
        f"{NEWS}/balcony.mp4": page("Озен", "<h1>Войдите, чтобы смотреть</h1>"),
    }
