"""One capture, from its target to its sealed folder; and many of them, from a list or a walk.

engine, session         open captures of a home; one of them, and what it is made of
context                 all that the helpers of one capture may see
attachments, fetcher    files that a post or page names, fetched once; `file_tasks`, `resume`, `dedup`
media, segments         films and sounds: yt-dlp, HLS (`hls_playlist`) and DASH; `assemblies`, `media_proof`
posts, screenshot       what is written of a post (`post_digests`), and the page as a browser shows it
inventory, exchanges    what was discovered, and what was recorded
verdict, outcomes       the outcome of both, pure; `result` is what a person is told of it
scrapy_driver           runs a spider for a capture, by `scrapy_settings`
batch, walk             many links (`link_lists`, `result_sheet`); a channel to its end (`walk_state`)
services                what captures of all processes share; `blocked_hosts` what those of a run do
options, support        what a person asks for, and what can be captured; `known_secrets`
"""
