"""Packages of other tools, whole and damaged."""

from __future__ import annotations

import pytest

from spiders.page import parse as page

SHORT_PAGE = 4096
"""Bytes. What example.com answers is shorter."""


def read_short_pages_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the pages in archives, read no articles: that takes most of the time, and has tests of its own."""
    read = page.parse
    monkeypatch.setattr(
        page, "parse", lambda data, *about, **more: read(data if len(data) < SHORT_PAGE else b"", *about, **more)
    )


INTACT = [
    "browsertrix/example-2.wacz", "browsertrix/example.wacz", "chatnoir-resiliparse/warcfile.warc.gz",
    "jwarc/cc.warc.gz", "jwat/small_BNF.arc",
    "jwat/valid-warcfile-fields-continuation.warc", "jwat/valid-warcfile-non-warc-headers.warc",
    "jwat/valid-warcfile-upper-lower-case.warc", "jwat/valid-warcfile-utf8.warc", "py-wacz/example-collection-with-lists.warc",
    "py-wacz/example-warcinfo-metadata.warc", "py-wacz/valid_example_2.wacz",
    "pywb/dupes.warc.gz", "pywb/example-wget-1-14.warc.gz", "pywb/httpbin-resource.warc.gz", "pywb/iana.warc.gz",
    "pywb/valid_example_1.wacz", "replayweb.page/example.wacz", "scoop/example.com.wacz",
    "warc-specifications/20130729-heritrix-original.warc.gz", "warc-specifications/hello-world.warc",
    "warc-specifications/20130729-heritrix-revisit-with-http-headers.warc.gz",
    "warc-specifications/20141124-heritrix-server-not-modified.warc.gz", "warc/alexa_short_header.arc.gz", "warc/test.warc.gz",
    "warcio/example-bad.warc.gz.bad", "warcio/example-resource.warc.gz", "warcio/example-space-in-target-uri.warc.gz",
    "warcio/example.arc", "warcio/example.arc.gz", "warcio/example.warc", "warcio/example.warc.gz", "warcio/post-test.warc.gz",
    "webarchive-commons/IAH-urls-wget.warc.gz", "jwat/invalid-warcfile-duplicate-fields.warc",
]  # fmt: skip

UNCHECKED = {
    "integrity-preprocessor/good-domain-sig.wacz": "the chain of the signer's certificate",
    "jwat/invalid-warcfile-segment-number-continuation.warc": "several segments",
    "jwat/invalid-warcfile-segment-number-response.warc": "several segments",
    "py-wacz/valid_signed_example_1.wacz": "the chain of the signer's certificate",
}
"""What states something that is not computed here."""

DAMAGED = {
    "chatnoir-resiliparse/clipped.warc.gz": "truncated gzip stream",
    "integrity-preprocessor/bad-anon-sig.wacz": "the signature does not fit the package",
    "jwat/invalid-warcfile-digest-fields.warc": "the block is not what its digest says",
    "jwat/invalid-warcfile-lonely-monkeys.warc": "no length",
    "pywb/invalid_example_1.wacz": "listed and missing",
    "warcio/example-digest.warc": "the payload digest cannot be true",
    "warcio/example-trunc.warc": "the block is not what its digest says",
}
