"""Scrapy settings: each non-default with its reason."""

import os

from spiders.platforms import PLATFORMS

BOT_NAME = "archiver"
_USES = [kind.capture for platform in PLATFORMS for kind in platform.kinds.values()]
_WALKS = [kind.walk for platform in PLATFORMS for kind in platform.kinds.values()]
_SPIDERS = {use.spider for use in (*_USES, *(walk.use for walk in _WALKS if walk)) if use}
SPIDER_MODULES = sorted({name.partition(":")[0] for name in _SPIDERS})

# Every request goes through the recorder or is refused.
DOWNLOAD_HANDLERS = {
    "http": "spiders.download_handler.RecorderHandler",
    "https": "spiders.download_handler.RecorderHandler",
    "ftp": None,
    "s3": None,
    "file": None,
    "data": None,
}
RECORDER_PROXY = os.environ.get("ARCHIVER_RECORDER")  # set by `archiver record -- …`

# The environment's proxy settings are not ours: the recorder knows the proxy of the case.
HTTPPROXY_ENABLED = False
# Scrapy's own retries know neither Retry-After nor growing pauses: `spiders.retries` asks again.
RETRY_ENABLED = False
RETRIES = 2
# A 404 or 429 is an answer, and evidence.
HTTPERROR_ALLOW_ALL = True
# robots.txt speaks to search engines; investigators preserve evidence under their own policy. Fetching it would also
# tell the site more than the page view does.
ROBOTSTXT_OBEY = False
# No cookies unless a case brings its own: a jar would link one capture to the next.
COOKIES_ENABLED = False
# The Limiter in the recorder is the one place for politeness.
DOWNLOAD_DELAY = 0
AUTOTHROTTLE_ENABLED = False
CONCURRENT_REQUESTS_PER_DOMAIN = 4
# Pages beyond this are recorded whole but not read into memory.
DOWNLOAD_MAXSIZE = 64 << 20
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_TIMEOUT = 300
REDIRECT_MAX_TIMES = 10
# A target is requested because a person asked for it, also twice in one run.
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"
TELNETCONSOLE_ENABLED = False
# Scrapy would read and parse the source of each callback in each capture, to warn of `return` in a generator.
WARN_ON_GENERATOR_RETURN_VALUE = False
LOG_LEVEL = "WARNING"
LOG_STDERR = True
REFERRER_POLICY = "no-referrer"  # which page led us there is nobody's business
USER_AGENT = os.environ.get("ARCHIVER_USER_AGENT") or (  # an empty variable counts as not set
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en",
    # What a recorded page was compressed with must stay readable for decades.
    "Accept-Encoding": "gzip",
}
# Only what is used is imported: each capture is a crawler of its own, and one link should not wait for the rest.
EXTENSIONS_BASE = {
    "scrapy.extensions.feedexport.FeedExporter": 0,  # -O FILE
    "scrapy.extensions.logstats.LogStats": 0,
    "scrapy.extensions.closespider.CloseSpider": 0,
}
FEED_EXPORTERS = {
    **dict.fromkeys(("jsonl", "jsonlines", "jl"), "spiders.feeds.PostsAsJsonLines"),
    "json": "spiders.feeds.PostsAsJson",
    "xml": "spiders.feeds.PostsAsXml",
}
# In a crawl behind `archiver record`, what is read goes to the open capture. A string: this room does not know that one.
ITEM_PIPELINES = {"archiver.scrapy_pipeline.CapturePipeline": 900}
DOWNLOADER_MIDDLEWARES_BASE = {
    "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 500,
    "spiders.redirects.Refreshes": 580,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": 590,
    "spiders.redirects.Redirects": 600,
    "spiders.retries.Retries": 700,
}
