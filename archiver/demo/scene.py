"""What the demo shows: a channel with posts in Kazakh, Russian and English, and a blog post of 2011."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from archiver.demo import media
from archiver.demo.news import News
from archiver.demo.server import Platforms
from archiver.demo.telegram import Channel, DemoPost, Medium, Telegram
from storage.times import system_clock

START = datetime(2022, 1, 5, 9, 0, 0, tzinfo=UTC)


def channel(folder: Path, posts: int = 45) -> tuple[Channel, bool]:
    """The channel `ozen_today`; id 14 is missing, 16–19 are an album. Second value: whether the videos are real."""
    first, real = media.video(folder, 2, 440)
    second, _ = media.video(folder, 3, 660)
    scenes = {
        1: DemoPost(1, START, "Channel created", service=True),
        11: DemoPost(
            11, START, "<b>Жаңаөзен, 5 қаңтар.</b><br/>Алаңда адамдар жиналып жатыр. Полиция көшені жауып тастады.",
            [Medium("photo", "square-11.jpg", media.picture(shade=40), "image/jpeg")],
        ),
        12: DemoPost(
            12, START, "Видео с площади, снято около полудня. Слышны хлопки на 0:01.",
            [Medium("video", "a1b2c3d412.mp4?token=abc", first)], edited=True, views="18.4K",
        ),
        13: DemoPost(13, START, "Eyewitness: &quot;They fired from the roof of the school.&quot; Do not post faces.", reply_to=12),
        16: DemoPost(
            16, START, "Төрт файл: екі видео, екі сурет / Four files: two videos, two photos",
            [
                Medium("video", "album-16.mp4?token=x1", first, id=16),
                Medium("photo", "album-17.jpg", media.picture(shade=120), "image/jpeg", id=17),
                Medium("video", "album-18.mp4?token=x2", second, id=18),
                Medium("photo", "album-19.jpg", media.picture(shade=200), "image/jpeg", id=19),
            ],
        ),
        20: DemoPost(20, START, "Полная запись, 40 минут.", [Medium("too big", seconds=2400)]),
        21: DemoPost(21, START, "Тізім / список", [Medium("document", "list of the detained.pdf")]),
    }  # fmt: skip
    listed = []
    for number in [n for n in range(1, posts + 1) if n not in (14, 17, 18, 19)]:
        post = scenes.get(number) or DemoPost(
            number, START, f"Хабар № {number}: жол жабық, связь с перебоями. Update {number}."
        )
        post.when = START + timedelta(minutes=7 * number)
        listed.append(post)
    for post in listed:
        for item in post.media:
            item.name = item.name.partition("?")[0]
    return Channel("ozen_today", "Өзен бүгін / Озен сегодня", -1001500000001, listed, "Хабарлар. Новости города."), real


def platforms(folder: Path, posts: int = 45) -> tuple[Platforms, Telegram, News, bool]:
    """Everything started. The last value: whether the videos are real (ffmpeg was there)."""
    shown, real = channel(folder / "media", posts)
    telegram = Telegram([shown], media.picture(64, 64, 10), system_clock)
    film, _ = media.video(folder / "media", 2, 440)
    news = News(film, media.picture(shade=160))
    return Platforms(folder / "certificates", {**telegram.sites(), **news.sites()}), telegram, news, real
