"""What media files of a package are called: by their item, with an ending that a double-click opens and does not run."""

from __future__ import annotations

import re

from archiver.lookup.items import MediaFile


class MediaNames:
    """Names of media files: `data/media/I0001-1.mp4`, and `-2` behind them where several belong to one attachment."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def new(self, number: str, attachment: int, ending: str) -> str:
        """Return a name that no other file has, in any ending."""
        stem = wanted = f"data/media/{number}-{attachment + 1}"
        more = 2
        while stem in self._taken:
            stem, more = f"{wanted}-{more}", more + 1
        self._taken.add(stem)
        return f"{stem}.{ending}"


def ending_of(media: MediaFile) -> str:
    """Return the ending of a file: by what its bytes are, else as it was called, if a double-click opens such a file and runs nothing."""
    known = _ENDINGS.get((media.media_type or "").partition(";")[0].strip().lower())
    named = media.name.rpartition(".")[2].lower() if "." in media.name else ""
    return known or (named if named in SAFE_ENDINGS else "bin")


_ENDINGS = {
    "video/mp4": "mp4", "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "audio/mp4": "m4a",
    "audio/mpeg": "mp3", "audio/ogg": "ogg", "video/webm": "webm", "text/vtt": "vtt", "application/pdf": "pdf",
    "image/gif": "gif", "image/heic": "heic", "image/heif": "heif", "image/avif": "avif", "image/tiff": "tif",
    "audio/wav": "wav", "audio/aac": "aac", "audio/amr": "amr", "audio/flac": "flac", "video/quicktime": "mov",
    "video/3gpp": "3gp", "video/vnd.avi": "avi", "video/mp2t": "ts", "video/x-matroska": "mkv", "text/plain": "txt",
    "text/csv": "csv", "text/html": "txt", "application/json": "json", "application/rtf": "rtf", "message/rfc822": "eml",
    "application/msword": "doc", "application/vnd.ms-excel": "xls", "application/zip": "zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt", "application/vnd.oasis.opendocument.spreadsheet": "ods",
}  # fmt: skip
"""A page is shown as text: as a page it would run what stands in it."""
SAFE_ENDINGS = frozenset(
    re.findall(
        r"\w+",
        "3gp 7z aac amr avi avif bin csv doc docx eml flac gif gz heic heif jpg json m4a m4v mkv mov mp3 mp4 mpg odp ods odt oga "
        "ogg ogv opus pdf png ppt pptx rar rtf srt tar tif ts txt vcf vtt wacz warc wav webm webp wma wmv xls xlsx zip",
    )
)
"""The only endings that files of a package have: nothing that a double-click runs."""
MADE_ANEW = {"video": "mp4", "round video": "mp4", "photo": "png", "audio": "m4a", "voice": "m4a", "sticker": "png"}
