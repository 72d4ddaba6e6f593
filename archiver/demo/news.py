"""A small news site and a blog of 2011 with twelve comments: threaded order is not time order, "12:43 pm" has no zone."""

from __future__ import annotations

import gzip
import html
from dataclasses import replace

from archiver.demo.server import Answer, Asked, Site

HOST = "blog.ozen.example"

_COMMENTS = [
    # (id, depth, author, time as printed, text)
    (101, 0, "Айгүл", "December 18, 2011 at 12:43 pm", "Бұл қай көше? Мен осы жерден өттім."),
    (107, 1, "reader_kz", "December 19, 2011 at 9:02 am", "Улица Сатпаева, у гостиницы «Аруана»."),
    (109, 2, "Айгүл", "December 19, 2011 at 11:15 am", "Рақмет."),
    (102, 0, "M.", "December 18, 2011 at 1:10 pm", "I recognise the hotel behind the smoke."),
    (103, 0, "Ержан", "December 18, 2011 at 2:27 pm", "Түсірген адам кім?"),
    (104, 1, "admin", "December 18, 2011 at 2:31 pm", "Автор просил не называть имени."),
    (111, 2, "Ержан", "December 20, 2011 at 8:44 pm", "Түсінікті."),
    (105, 0, "oilworker", "December 18, 2011 at 6:05 pm", "Второе видео снято с крыши школы."),
    (106, 0, "guest", "December 18, 2011 at 11:59 pm", "12:43 pm by whose clock?"),
    (108, 0, "N. K.", "December 19, 2011 at 10:20 am", "Saved a copy, in case this page goes."),
    (110, 1, "admin", "December 19, 2011 at 3:00 pm", "Спасибо."),
    (112, 0, "Гүлнар", "December 22, 2011 at 7:30 am", "Менің бауырым осы видеода."),
]


class News:
    """The blog and its files. `video` is played by the page itself."""

    def __init__(self, video: bytes, image: bytes) -> None:
        self._video, self._image = video, image
        self.trouble: dict[str, Answer] = {}

    def sites(self) -> dict[str, Site]:
        return {HOST: self.web, "web.archive.org": self.archive}

    def archive(self, asked: Asked) -> Answer:
        """An archive's copy of the article, as that archive serves it."""
        kept = f"/web/20111218064300im_/http://{HOST}"
        if asked.path.startswith(kept):
            return self.web(replace(asked, path=asked.path.removeprefix(kept)))
        if asked.path != f"/web/20111218064300/http://{HOST}/2011/12/17/square":
            return Answer(
                404,
                body=b"<html><body><h1>Hrm.</h1><p>The Wayback Machine has not archived that URL.</p></body></html>",
            )
        toolbar = "<!-- BEGIN WAYBACK TOOLBAR INSERT --><div id='wm-ipp-base'>3 captures</div><!-- END WAYBACK TOOLBAR INSERT -->"
        body = self._article().replace("<body>", f"<body>{toolbar}")
        for name in ("src", "poster", "href"):
            body = body.replace(f'{name}="/', f'{name}="{kept}/')
        said = [("Memento-Datetime", "Sun, 18 Dec 2011 06:43:00 GMT"), ("X-Archive-Orig-Server", "nginx")]
        return Answer(body=body.encode(), headers=said)

    def web(self, asked: Asked) -> Answer:
        if asked.path in self.trouble:
            return self.trouble[asked.path]
        if asked.path == "/2011/12/17/square":
            page = self._article().encode()
            if "gzip" in asked.headers.get("accept-encoding", ""):
                return Answer(
                    body=gzip.compress(page, mtime=0),
                    headers=[("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")],
                )
            return Answer(body=page)
        if asked.path == "/style.css":
            return Answer(
                content_type="text/css",
                body=b"body{font:16px serif;background:url(/paper.png)} @import '/print.css';",
            )
        if asked.path == "/print.css":
            return Answer(content_type="text/css", body=b".comment{page-break-inside:avoid}")
        if asked.path in ("/paper.png", "/square.png", "/favicon.ico"):
            return Answer(content_type="image/png", body=self._image)
        if asked.path == "/square.mp4":
            return Answer(content_type="video/mp4", body=self._video)
        if asked.path == "/gone":
            return Answer(410, body=b"<html><body><h1>Gone</h1></body></html>")
        if asked.path == "/limited":
            return Answer(429, "text/plain", b"slow down\n", [("Retry-After", "1")])
        if asked.path == "/inside":
            return Answer(302, "text/plain", b"", [("Location", "http://127.0.0.1/admin")])
        if asked.path == "/loop":
            return Answer(302, "text/plain", b"", [("Location", f"https://{HOST}/loop")])
        return Answer(404, body=b"<html><body><h1>404</h1><p>Not here.</p></body></html>")

    def _article(self) -> str:
        comments = "\n".join(
            f'<li class="comment depth-{depth + 1}" id="comment-{number}"><cite class="fn">{html.escape(author)}</cite> '
            f'<a class="comment-date" href="#comment-{number}">{when}</a><p>{html.escape(text)}</p></li>'
            for number, depth, author, when, text in _COMMENTS
        )
        return f"""<!DOCTYPE html>
<html lang="ru">
<head>
<meta charset="utf-8">
<title>Жаңаөзен: что видно на трёх записях | Blog Ozen</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/favicon.ico">
<meta property="article:published_time" content="2011-12-17T21:40:00+05:00">
<link rel="canonical" href="https://{HOST}/2011/12/17/square">
</head>
<body>
<article>
<h1>Жаңаөзен: что видно на трёх записях</h1>
<p class="byline">Автор: Серік О.</p>
<p>Вечером шестнадцатого декабря на площади в Жаңаөзене были слышны выстрелы. На записи, которую передал очевидец,
люди бегут от линии щитов; в кадре гостиница и угол школы. Мы публикуем видео целиком и без монтажа.</p>
<p>Запись сделана на телефон. Время на экране телефона не совпадает со временем публикации: публикация сделана на
следующий день, когда связь восстановили. Мы просим тех, кто узнал место, написать об этом в комментариях.</p>
<video src="/square.mp4" poster="/square.png" controls></video>
<p>Вторая и третья записи опубликованы в канале <a href="https://t.me/ozen_today/12">t.me/ozen_today</a>. Сохраните их,
пока они доступны. Если запись исчезнет, останется копия.</p>
<img src="/square.png" alt="площадь">
<p><iframe src="https://www.youtube.com/embed/Zh5janSq001?rel=0" width="560" height="315"></iframe></p>
<blockquote class="twitter-tweet"><p>Видео с площади</p>&mdash; Өзен бүгін <a href="https://twitter.com/ozen_today/status/1478660000000000001">5 января</a></blockquote>
</article>
<ol class="commentlist">
{comments}
</ol>
</body>
</html>
"""
