"""Other people's programs, each behind one module: nothing else starts them.

chromium                    pages as a browser shows them, through the recorder
ffmpeg, probe, exiftool     what a media file is; `c2pa_reader` reads content credentials in a process of its own
reencode, object_tracking   copies without metadata, with boxes that may follow what they cover
ytdlp_pool, ytdlp_worker    warm yt-dlp processes; `ytdlp_info` is what of their answers is kept
"""
