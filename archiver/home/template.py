"""The commented settings that a new home begins with."""

from __future__ import annotations

TEMPLATE = """\
# archiver: settings of this home. Written on {date}; edit freely, a comment explains each.
format = 1

# The name under which events are signed. A pseudonym: it stays in the ledger's events and travels in packages.
pseudonym = {pseudonym}
# What that person does, as events say: collector, analyst or reviewer. Others who work in this home get keys of their own:
# archiver keys new NAME --role reviewer; then archiver --as NAME …
role = "collector"

[sites]
# How sites see us. The User-Agent is sent with every request and recorded.
user_agent = {user_agent}
# The way out: empty for this machine's own address, or a proxy. Names are then resolved by the proxy, and if it
# fails the capture stops; there is no falling back. Examples: "socks5h://127.0.0.1:9050" (Tor), "http://proxy:3128"
proxy = {proxy}
# A second way out, in another country if possible. A watch that misses a post then asks again by it at once, instead of an hour
# later: what is only withheld from one place, or from one address, is not taken for gone.
second_proxy = ""
# Seconds between two requests to one host, and how many may run at once.
interval = 0.5
concurrency = 4
# How often a page is asked for again when a host is busy (429, 5xx), after the time it names or growing pauses.
retries = 2
# A case may have a way out of its own: add a table like
#   [cases.almaty]
#   proxy = "socks5h://127.0.0.1:9050"

[limits]
# A response longer than this many bytes, or slower than this many seconds, is cut and marked as cut.
response_bytes = 68719476736
response_seconds = 21600
# A capture larger than this many bytes, or longer than this many seconds, asks for nothing more. 0: no limit.
capture_bytes = 0
capture_seconds = 0

[secrets]
# Values that must never reach a record, such as tokens in links. Best kept out of this file: name an environment
# variable that holds them, one per line.
from_environment = "ARCHIVER_SECRETS"

[media]
# How many extractor processes (yt-dlp) run at most, and how long one may look for the media of a page, in seconds.
extractors = 2
extract_seconds = 180
# A live stream is recorded until it ends, is stopped, or this many minutes have passed.
live_minutes = 60
# Say what ffprobe and exiftool find in videos, where these are installed.
probe = true
# Stop taking media when fewer than this many bytes would be left on the disk.
reserve_bytes = 268435456

[pages]
# Also keep the page as a browser shows it (first view, full page, PDF, DOM), where Chromium is installed.
rendered = true

[accounts]
# A cookies.txt (Netscape format) of an account of your own, exported from a browser. Empty: nobody is logged in.
# What is then seen is what that account sees. Its values never reach a record.
cookies = ""
# One for a single platform counts there instead: x = "x.txt", youtube = "youtube.txt", facebook = "facebook.txt"

[telegram]
# The account that asks where several are logged in (archiver telegram login --account NAME). Its name stands in records.
account = ""
# How the account shows itself to Telegram; its owner sees these words in the list of devices.
device = "Desktop"
system = "Linux"
app = "1.0"
# The longest pause, in seconds, that is waited for when Telegram asks for one, and the pause between two requests.
patience = 300
interval = 0.5
# A way out for Telegram alone: an MTProxy link, like "tg://proxy?server=…&port=443&secret=…". Else [sites] proxy counts.
mtproxy = ""

[doctor]
# A live post for each platform by which `archiver doctor --platforms` sees whether its pages have changed, instead of
# those it knows: telegram = "https://t.me/…". Empty text: that platform is left out.

[jobs]
# Where the queue of jobs, schedules and watches is. Empty: in this home. Many machines share one in PostgreSQL, and with it
# the pauses between requests to a host: "postgresql://user@host/name". Best kept out of this file, if a password stands in
# it: the environment variable ARCHIVER_JOBS counts instead.
database = ""

# Who is told of what, through apprise: mail, Signal, Matrix, Slack and a hundred more (its addresses: github.com/caronc/apprise).
# Messages say ids only; with content = true also the link and the platform's words. Try it: archiver notify
#   [[notify]]
#   name = "team"
#   from_environment = "ARCHIVER_NOTIFY_TEAM"      the variable that holds the address, or target = "…"
#   events = ["unavailable", "dead"]               also changed, seen-again
#   case = "almaty"                                only of this case

[copies]
# Where the second copy goes: a folder on another disk, or s3://bucket/prefix. Sent there encrypted: `archiver recovery new`
# makes the key that opens it again. Copies are made after captures and by `archiver sync`.
second = {second}
after_captures = true
# Bytes a second that are sent at most; 0: no limit.
bandwidth = 0
# How long an object stays locked once its capture was looked at (`archiver triage`), in days, where the place knows locks.
lock_days = 3650
# More places, each with its own table. `own = true` says that it is yours: nothing is then encrypted by us.
#   [[copies.destination]]
#   name = "archive"
#   where = "s3://bucket/prefix"
#   endpoint = "https://…"        for S3 that is not Amazon's; also region, profile, sse = "AES256" or "aws:kms", kms_key
#   proxy = "http://…"            or direct = true, where captures go out by a proxy
# Credentials are those that boto3 finds: the environment, ~/.aws, or the machine's role.

[timestamps]
# Whether outsiders may stamp checkpoints of the ledger, after each capture and by `archiver seal`. They see a digest, the
# time, and the address of the way out; not what was captured. Where not, every result says NOT TIMESTAMPED.
wanted = {timestamps}
# OpenTimestamps: calendars that bring a salted digest into Bitcoin, complete after hours. [] for none.
calendars = [{calendars}]

# Authorities (RFC 3161), best in different countries. `root`: the SHA-256 of the root certificate that their answers must
# lead to, one of Mozilla's or a PEM file in keys/roots/. Add `chain`, a PEM file, for one that leaves certificates out.
{authorities}"""
