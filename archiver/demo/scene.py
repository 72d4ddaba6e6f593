"""What the demo shows: a witness on Telegram, YouTube and X, in Kazakh, Russian and English, and a blog post of 2011."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archiver.demo import media
from archiver.demo.facebook import Facebook, Shared
from archiver.demo.news import News
from archiver.demo.others import Others
from archiver.demo.server import Platforms
from archiver.demo.telegram import DemoChannel, DemoPost, Medium, Telegram
from archiver.demo.x import Clip, Picture, Tweet, X
from archiver.demo.youtube import YouTube
from archiver.demo.youtube_model import Comment, Format, Video
from storage.times import system_clock

START = datetime(2022, 1, 5, 9, 0, 0, tzinfo=UTC)


def channel(folder: Path, posts: int = 45) -> tuple[DemoChannel, bool]:
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
            comments=[
                (501, "Айгүл", "Бұл Сәтбаев көшесі."), (502, "reader_kz", "Время на видео?"), (503, "M.", "12:40."),
                (505, "Ержан", "Рақмет."), (506, "guest", "Saved."),
            ],
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
    return DemoChannel(
        "ozen_today", "Өзен бүгін / Озен сегодня", -1001500000001, listed, "Хабарлар. Новости города."
    ), real


def witness_on_youtube(folder: Path) -> YouTube:
    """A channel with one video in separate streams, one stream that is over, and videos that cannot be had."""
    whole, _ = media.video(folder, 4, 521, "160x90")
    picture, sound = media.separate(folder, 4, 520)
    captions = {
        "ru": "WEBVTT\nKind: captions\nLanguage: ru\n\n00:00:00.000 --> 00:00:02.000\nСтреляют со стороны школы.\n\n00:00:02.000 --> 00:00:04.000\nУходите с площади!\n",
        "kk-auto": "WEBVTT\nKind: captions\nLanguage: kk\n\n00:00:00.000 --> 00:00:02.000\nатып жатыр\n",
    }
    comments = [
        Comment("UgzDemo1AaABAg", "ozen_today", "Съёмка с крыши, 12:40 по местному.", "4 years ago (edited)", "41", pinned=True, creator=True),
        Comment("UgzDemo2AaABAg", "reader_kz", "Это улица Сатпаева.", "4 years ago", "12", [
            Comment("UgzDemo2AaABAg.9aA", "aigul", "Иә, мектептің жаны.", "4 years ago"),
            Comment("UgzDemo2AaABAg.9aB", "ozen_today", "Рақмет.", "3 years ago", creator=True),
            Comment("UgzDemo2AaABAg.9aC", "guest", "When was this?", "3 years ago"),
        ]),
        Comment("UgzDemo3AaABAg", "m_k", "Saved a copy.", "11 months ago"),
    ]  # fmt: skip
    formats = [
        Format(134, 'video/mp4; codecs="avc1.4d401e"', picture, 320, 180),
        Format(140, 'audio/mp4; codecs="mp4a.40.2"', sound),
        Format(18, 'video/mp4; codecs="avc1.42001E, mp4a.40.2"', whole, 160, 90, merged=True),
    ]
    segments = list(media.segments(6))
    chat = [
        (number * 900, f"viewer {number}", text)
        for number, text in enumerate(["Где это?", "Жаңаөзен", "what city?", "держитесь", "🙏"])
    ]
    videos = [
        Video(
            "Zh5janSq001",
            "Жаңаөзен, 5 января: площадь",
            "Снято с крыши школы.\n0:00 площадь\n0:02 выстрелы",
            START + timedelta(hours=3),
            4,
            formats,
            captions,
            comments,
        ),
        Video(
            "StreamOver1",
            "Прямой эфир с площади (запись)",
            "Запись эфира.",
            START + timedelta(hours=4),
            6,
            chat=chat,
            segments=segments,
            tab="streams",
        ),
        Video("Sh0rtOzen01", "Площадь за минуту", "", START + timedelta(hours=6), 4, formats, tab="shorts"),
        Video("Pr1vateVid0", "", "", START, 0, status="LOGIN_REQUIRED", reason="This video is private", details=False),
        Video(
            "B0tWa11Vid0",
            "",
            "",
            START,
            0,
            status="LOGIN_REQUIRED",
            reason="Sign in to confirm you’re not a bot",
            details=False,
        ),
        Video("AgeGateVid0", "Раненые", "", START, 30, status="LOGIN_REQUIRED", reason="Sign in to confirm your age"),
        Video(
            "GeoB1ockVd0",
            "Репортаж",
            "",
            START,
            30,
            status="UNPLAYABLE",
            reason="The uploader has not made this video available in your country",
        ),
        Video(
            "MembersVid0",
            "Для спонсоров",
            "",
            START,
            30,
            status="UNPLAYABLE",
            reason="This video is available to this channel's members on level: Friends (or any higher level).",
        ),
        Video(
            "UpcomingVd0",
            "Эфир в пятницу",
            "",
            START,
            0,
            status="LIVE_STREAM_OFFLINE",
            reason="This live event will begin in 2 days.",
            scheduled=START + timedelta(days=2),
        ),
    ]
    tube = YouTube(videos, media.picture(shade=70))
    tube.clips["UgkxOzenC1ip001"] = "Zh5janSq001"
    tube.lists.posts["UgkxOzenPost001"] = "Кто узнаёт эту улицу? Пишите в комментариях."
    tube.lists.playlists["PLozenJanuary"] = ("Жаңаөзен", ["Zh5janSq001", "Sh0rtOzen01"], None)
    return tube


def witness_on_x(folder: Path) -> X:
    """An account with an edited post, a quote, a thread, a long post, a poll, and posts that are gone."""
    film, _ = media.video(folder, 2, 700)
    when = START + timedelta(hours=2)
    return X(
        [
            Tweet(
                "1478660000000000001",
                when,
                "Видео с площади, 12:40.",
                [Clip("demo0001clip", film), Picture("demo0001photo", media.picture(shade=90))],
            ),
            Tweet(
                "1478660000000000003",
                when,
                "Уточнение: 12:43, не 12:40.",
                versions=("1478660000000000002", "1478660000000000003"),
            ),
            Tweet("1478660000000000004", when, "Смотрите это видео.", quotes="1478660000000000001"),
            Tweet(
                "1478660000000000005",
                when,
                "1/2 Что известно о площади.",
                [Picture("demo0005photo", media.picture(shade=150))],
            ),
            Tweet("1478660000000000006", when, "2/2 Список больниц.", answers="1478660000000000005"),
            Tweet(
                "1478660000000000007",
                when,
                "Свидетельство полностью: я стоял у школы, когда…",
                long="Свидетельство полностью: я стоял у школы, когда начали стрелять. " * 8,
            ),
            Tweet("1478660000000000008", when, "", missing=True),
            Tweet("1478660000000000009", when, "", gone="This Post was deleted by the Post author. Learn more"),
            Tweet(
                "1478660000000000010",
                when,
                "",
                gone="Age-restricted adult content. This content might not be appropriate for people under 18 years old.",
            ),
            Tweet("1478660000000000011", when, "Где вы были в 12:40?", poll={"на площади": 31, "дома": 12}),
        ]
    )


def witness_on_facebook(folder: Path) -> Facebook:
    """A post with a photo, a video, one that only embeds show, and one that nobody is shown."""
    film, _ = media.video(folder, 2, 880)
    when = START + timedelta(hours=5)
    book = Facebook(
        [
            Shared("10157000000000001", when, "Алаң, 12:40. / The square, 12:40.", photo=media.picture(shade=110)),
            Shared("10157000000000002", when, "Видео с балкона.", film=film),
            Shared("10157000000000003", when, "Список раненых.", photo=media.picture(shade=180), walled=True),
            Shared("10157000000000004", when, "", private=True),
        ]
    )
    book.shares |= {"0zenPost1": "/ozen.today/posts/10157000000000001?rdid=x", "0zenWa11": "/login/?next=%2Fshare"}
    return book


@dataclass
class Scene:
    """Everything that the demo and the tests talk to."""

    served: Platforms
    telegram: Telegram
    news: News
    youtube: YouTube
    x: X
    facebook: Facebook
    others: Others
    real: bool
    """Whether the videos are real (ffmpeg was there)."""


def platforms(folder: Path, posts: int = 45) -> Scene:
    """Everything started."""
    shown, real = channel(folder / "media", posts)
    telegram = Telegram([shown], media.picture(64, 64, 10), system_clock)
    film, _ = media.video(folder / "media", 2, 440)
    news = News(film, media.picture(shade=160))
    youtube, x = witness_on_youtube(folder / "media"), witness_on_x(folder / "media")
    facebook = witness_on_facebook(folder / "media")
    others = Others(film, media.picture(shade=130), media.segments(6)[:2])
    sites = {**others.sites(), **telegram.sites(), **news.sites(), **youtube.sites(), **x.sites(), **facebook.sites()}
    return Scene(Platforms(folder / "certificates", sites), telegram, news, youtube, x, facebook, others, real)
