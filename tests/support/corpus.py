"""At least 200 ordinary and hostile HTTP answers, one property each; the name says it."""

from __future__ import annotations

import gzip
import random
import zlib
from dataclasses import dataclass

from archiver.recorder.framing import Flaw


@dataclass(frozen=True)
class Case:
    name: str
    raw: bytes
    payload: bytes | None = None
    flaw: Flaw | None = None
    method: bytes = b"GET"
    keeps_open: bool = False


def _build() -> list[Case]:
    cases: list[Case] = []
    noise = random.Random(20261122)

    def add(
        name: str, raw: bytes, payload: bytes | None = None, flaw: Flaw | None = None, method: bytes = b"GET"
    ) -> None:
        cases.append(Case(name, raw, payload, flaw, method))

    def ok(name: str, head: str, body: bytes, payload: bytes | None = None, status: str = "200 OK") -> None:
        raw = f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body
        add(name, raw, body if payload is None else payload)

    # -- content-length ------------------------------------------------------------------------------
    for size in (0, 1, 2, 15, 16, 17, 255, 4095, 4096, 16383, 16384, 16385, 65535, 65536, 70000, 300000):
        ok(
            f"length-{size}",
            f"Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n",
            noise.randbytes(size),
        )
    for status in (
        200, 201, 202, 203, 206,
        300, 301, 302, 303, 307, 308,
        400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416, 418, 421, 422, 425, 426, 428, 429, 431, 451,
        500, 501, 502, 503, 504, 505, 511, 599,
    ):  # fmt: skip
        ok(
            f"status-{status}",
            "Content-Type: text/plain\r\nContent-Length: 5\r\n",
            b"hello",
            status=f"{status} Whatever",
        )
    for status in (204, 304):
        add(
            f"status-{status}-without-body",
            f'HTTP/1.1 {status} X\r\nETag: "a"\r\nContent-Length: 12\r\n\r\n'.encode(),
            b"",
        )
    add("head-answer-with-length", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"", method=b"HEAD")
    add("head-answer-chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"", method=b"HEAD")
    ok("length-leading-zeros", "Content-Length: 0005\r\n", b"hello")
    ok("length-repeated-equal", "Content-Length: 5\r\nContent-Length: 5\r\n", b"hello")
    ok("length-list-equal", "Content-Length: 5, 5\r\n", b"hello")
    ok(
        "range-206",
        "Content-Range: bytes 0-4/100\r\nContent-Length: 5\r\nContent-Type: video/mp4\r\n",
        b"\0\1\2\3\4",
        status="206 Partial Content",
    )
    ok("no-reason-phrase", "Content-Length: 2\r\n", b"ok", status="200 ")
    add("no-space-after-status", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok")
    ok("reason-latin1", "Content-Length: 2\r\n", b"ok", status="200 D\xe9j\xe0 vu")
    # -- header shapes -------------------------------------------------------------------------------
    ok("odd-case", "cOnTeNt-LeNgTh: 2\r\nX-ODD: 1\r\n", b"ok")
    ok("spaces-around-value", "X-A:    spaced   \t \r\nContent-Length:2\r\n", b"ok")
    ok("empty-value", "X-Empty:\r\nContent-Length: 2\r\n", b"ok")
    ok("repeated-fields", "".join(f"X-Same: {n}\r\n" for n in range(20)) + "Content-Length: 2\r\n", b"ok")
    ok("folded-field", "X-Folded: one\r\n  two\r\n\tthree\r\nContent-Length: 2\r\n", b"ok")
    ok("space-before-colon", "X-Space : 1\r\nContent-Length: 2\r\n", b"ok")
    ok("latin1-value", "X-Name: caf\xe9\r\nContent-Length: 2\r\n", b"ok")
    ok("utf8-value", "X-Name: " + "қазақ".encode().decode("latin-1") + "\r\nContent-Length: 2\r\n", b"ok")
    ok("long-field", "X-Long: " + "a" * 60000 + "\r\nContent-Length: 2\r\n", b"ok")
    ok("many-fields", "".join(f"X-{n}: {n}\r\n" for n in range(900)) + "Content-Length: 2\r\n", b"ok")
    ok("colon-in-value", "X-Url: http://a:b@c:1/\r\nContent-Length: 2\r\n", b"ok")
    ok("quotes-and-commas", 'Cache-Control: max-age=0, private="a, b"\r\nContent-Length: 2\r\n', b"ok")
    ok("high-bytes", "X-Bytes: " + "".join(chr(c) for c in range(0x80, 0x100)) + "\r\nContent-Length: 2\r\n", b"ok")
    ok("connection-close", "Connection: close\r\nContent-Length: 2\r\n", b"ok")
    ok("connection-list", "Connection: Keep-Alive, X-Foo\r\nX-Foo: 1\r\nContent-Length: 2\r\n", b"ok")
    ok("date-and-server", "Date: Sun, 22 Nov 2026 05:15:26 GMT\r\nServer: nginx/1.22.1\r\nContent-Length: 2\r\n", b"ok")
    ok("warc-like-field", "WARC-Type: response\r\nContent-Length: 2\r\n", b"ok")
    ok("archiver-field-forged", "Archiver-Error: forged host unreachable\r\nContent-Length: 2\r\n", b"ok")
    add("lf-only-lines", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"ok")
    add("mixed-line-ends", b"HTTP/1.1 200 OK\r\nX: 1\nContent-Length: 2\r\n\nok", b"ok")
    # -- chunked -------------------------------------------------------------------------------------
    chunked = "Transfer-Encoding: chunked\r\n"

    def chunks(parts: list[bytes], extension: str = "", last: bytes = b"0\r\n\r\n") -> bytes:
        return b"".join(f"{len(p):x}{extension}\r\n".encode() + p + b"\r\n" for p in parts) + last

    ok("chunked-simple", chunked, chunks([b"hello", b" world"]), b"hello world")
    ok("chunked-empty", chunked, b"0\r\n\r\n", b"")
    ok("chunked-upper-hex", chunked, b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789")
    ok("chunked-zero-padded", chunked, b"000000a\r\n0123456789\r\n000\r\n\r\n", b"0123456789")
    ok("chunked-extension", chunked, chunks([b"abc"], ";name=value"), b"abc")
    ok("chunked-extension-quoted", chunked, chunks([b"abc"], ';a="b c";d'), b"abc")
    ok("chunked-space-before-extension", chunked, chunks([b"abc"], " ; a=b"), b"abc")
    ok("chunked-trailer", chunked, chunks([b"abc"], last=b"0\r\nX-Checksum: 1\r\nX-More: 2\r\n\r\n"), b"abc")
    ok("chunked-last-with-extension", chunked, chunks([b"abc"], last=b"0;end\r\n\r\n"), b"abc")
    ok(
        "chunked-single-bytes",
        chunked,
        chunks([bytes([65 + n % 26]) for n in range(300)]),
        bytes(65 + n % 26 for n in range(300)),
    )
    ok(
        "chunked-binary",
        chunked,
        chunks([bytes(range(256)), b"\r\n\r\n0\r\n\r\n"]),
        bytes(range(256)) + b"\r\n\r\n0\r\n\r\n",
    )
    large = noise.randbytes(200000)
    ok("chunked-large", chunked, chunks([large[:100001], large[100001:]]), large)
    ok("chunked-name-odd-case", "TRANSFER-ENCODING: Chunked\r\n", chunks([b"abc"]), b"abc")
    ok(
        "chunked-gzip-coding",
        "Transfer-Encoding: gzip, chunked\r\n",
        chunks([gzip.compress(b"abc", mtime=0)]),
        gzip.compress(b"abc", mtime=0),
    )
    for count in (2, 3, 5, 8, 13, 21, 34, 55, 89):
        parts = [noise.randbytes(noise.randint(1, 300)) for _ in range(count)]
        ok(f"chunked-random-{count}", chunked, chunks(parts), b"".join(parts))
    # -- content coding: kept as received --------------------------------------------------------------
    text = ("Алаңда адамдар жиналып жатыр. " * 40).encode()
    ok(
        "gzip-body",
        "Content-Encoding: gzip\r\n" + f"Content-Length: {len(gzip.compress(text, mtime=0))}\r\n",
        gzip.compress(text, mtime=0),
    )
    ok(
        "deflate-body",
        "Content-Encoding: deflate\r\n" + f"Content-Length: {len(zlib.compress(text))}\r\n",
        zlib.compress(text),
    )
    ok(
        "gzip-chunked",
        "Content-Encoding: gzip\r\n" + chunked,
        chunks([gzip.compress(text, mtime=0)]),
        gzip.compress(text, mtime=0),
    )
    ok("gzip-claimed-but-not", "Content-Encoding: gzip\r\nContent-Length: 5\r\n", b"plain")
    ok("unknown-coding", "Content-Encoding: x-secret\r\nContent-Length: 5\r\n", b"plain")
    bomb = gzip.compress(bytes(30_000_000), mtime=0)
    ok("gzip-bomb", f"Content-Encoding: gzip\r\nContent-Type: text/html\r\nContent-Length: {len(bomb)}\r\n", bomb)
    # -- close-delimited -------------------------------------------------------------------------------
    for size in (0, 1, 100, 20000, 200000):
        ok(f"until-close-{size}", "Content-Type: text/plain\r\n", noise.randbytes(size))
    add("http10-until-close", b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<p>old</p>", b"<p>old</p>")
    add("http10-length", b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold", b"old")
    add("http10-keep-alive", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nold", b"old")
    # -- interim -----------------------------------------------------------------------------------------
    final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    add("interim-100", b"HTTP/1.1 100 Continue\r\n\r\n" + final, b"ok")
    add("interim-102", b"HTTP/1.1 102 Processing\r\n\r\n" + final, b"ok")
    add("interim-103-with-links", b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + final, b"ok")
    add(
        "interim-three",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + final,
        b"ok",
    )
    # -- content types: stored and deflated members --------------------------------------------------------
    for kind in (
        "text/html; charset=utf-8",
        "application/json",
        "image/png",
        "image/svg+xml",
        "video/mp4",
        "audio/ogg",
        "application/zip",
        "font/woff2",
        "application/pdf",
        "text/css",
        "application/x-mpegurl",
        "multipart/byteranges; boundary=x",
        "",
        "nonsense",
    ):
        body = noise.randbytes(500) + b"text text text " * 100
        ok(
            f"type-{kind.split(';')[0].replace('/', '-') or 'empty'}",
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n",
            body,
        )
    ok("two-content-types", "Content-Type: text/html\r\nContent-Type: image/png\r\nContent-Length: 2\r\n", b"ok")
    ok("body-looks-like-warc", "Content-Length: 42\r\n", b"WARC/1.1\r\nWARC-Type: response\r\n\r\n" + b"x" * 9)
    ok("body-looks-like-http", f"Content-Length: {len(final)}\r\n", final)
    ok("body-of-crlf", "Content-Length: 8\r\n", b"\r\n\r\n\r\n\r\n")
    ok("body-of-zeros", "Content-Length: 5000\r\n", bytes(5000))
    for n in range(40):
        size = noise.randint(0, 3000)
        fields = "".join(f"X-R{k}: {noise.randrange(10**9)}\r\n" for k in range(noise.randint(0, 8)))
        ok(f"random-{n:02d}", f"{fields}Content-Length: {size}\r\n", noise.randbytes(size))
    # -- hostile: typed outcome, bytes kept ------------------------------------------------------------------
    add(
        "two-lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", flaw=Flaw.TWO_LENGTHS
    )
    add("two-lengths-in-list", b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello!", flaw=Flaw.TWO_LENGTHS)
    add(
        "length-and-chunked",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        flaw=Flaw.LENGTH_AND_CHUNKED,
    )
    add("length-negative", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", flaw=Flaw.BAD_LENGTH)
    add("length-plus", b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", flaw=Flaw.BAD_LENGTH)
    add("length-hex", b"HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello", flaw=Flaw.BAD_LENGTH)
    add("length-words", b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello", flaw=Flaw.BAD_LENGTH)
    add("length-empty", b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello", flaw=Flaw.BAD_LENGTH)
    add("length-huge", b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\nhello", flaw=Flaw.BAD_LENGTH)
    add(
        "chunked-twice",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        flaw=Flaw.TRANSFER_CODING,
    )
    add(
        "chunked-not-last", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nabc", flaw=Flaw.TRANSFER_CODING
    )
    add("transfer-coding-unknown", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\nabc", flaw=Flaw.TRANSFER_CODING)
    add(
        "transfer-coding-on-http10",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        flaw=Flaw.TRANSFER_CODING,
    )
    add("bare-cr-in-header", b"HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\nContent-Length: 2\r\n\r\nok", flaw=Flaw.BARE_CR)
    add("nul-in-header", b"HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 2\r\n\r\nok", flaw=Flaw.FIELD)
    for name, line in {
        "field-without-colon": "nonsense",
        "field-with-space-in-name": "X A: 1",
        "field-with-slash-in-name": "X/A: 1",
        "field-in-quotes": '"X-XSS-Protection: 0"',
        "field-without-name": ": 1",
        "field-odd-and-folded": "X A: 1\r\n more",
    }.items():
        ok(name, f"{line}\r\nContent-Length: 2\r\n", b"ok")
    for name, line in {
        "framing-in-quotes": b'"Content-Length: 3"',
        "framing-with-space-in-name": b"Content Length: 3",
        "framing-odd-and-folded": b"X A: 1\r\n Transfer-Encoding: chunked",
    }.items():
        add(name, b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 2\r\n\r\nok", flaw=Flaw.FIELD)
    add("fold-before-any-field", b"HTTP/1.1 200 OK\r\n folded\r\nContent-Length: 2\r\n\r\nok", flaw=Flaw.FIELD)
    add("http09", b"<html>no header at all</html>", flaw=Flaw.STATUS_LINE)
    add("icy", b"ICY 200 OK\r\nicy-name: radio\r\n\r\nmusic", flaw=Flaw.STATUS_LINE)
    add("http2-preface-answer", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18), flaw=Flaw.STATUS_LINE)
    add("http-version-3", b"HTTP/3.0 200 OK\r\nContent-Length: 2\r\n\r\nok", flaw=Flaw.STATUS_LINE)
    add("status-two-digits", b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok", flaw=Flaw.STATUS_LINE)
    add("status-words", b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok", flaw=Flaw.STATUS_LINE)
    add("ssh-banner", b"SSH-2.0-OpenSSH_9.2p1\r\n", flaw=Flaw.STATUS_LINE)
    add("smtp-banner", b"220 mail.example.org ESMTP\r\n", flaw=Flaw.STATUS_LINE)
    add("binary-noise", noise.randbytes(5000), flaw=Flaw.STATUS_LINE)
    add("blank-lines-first", b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", flaw=Flaw.STATUS_LINE)
    add(
        "chunk-size-not-hex",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
        flaw=Flaw.BAD_CHUNK,
    )
    add(
        "chunk-size-negative",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
        flaw=Flaw.BAD_CHUNK,
    )
    add(
        "chunk-size-overflow",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc",
        flaw=Flaw.BAD_CHUNK,
    )
    add(
        "chunk-without-crlf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
        flaw=Flaw.BAD_CHUNK,
    )
    add("chunk-lf-only", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n", flaw=Flaw.CUT)
    add(
        "trailer-malformed",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\x01\x02 x\r\n\r\n",
        flaw=Flaw.TRAILER,
    )
    add("cut-in-head", b"HTTP/1.1 200 OK\r\nContent-Len", flaw=Flaw.CUT)
    add("cut-in-status-line", b"HTTP/1.1 20", flaw=Flaw.CUT)
    add("cut-in-length-body", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", flaw=Flaw.CUT)
    add("cut-in-chunk-size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5", flaw=Flaw.CUT)
    add("cut-in-chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", flaw=Flaw.CUT)
    add("cut-before-last-chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", flaw=Flaw.CUT)
    add("cut-in-trailer", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-A: ", flaw=Flaw.CUT)
    add("cut-after-head", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", flaw=Flaw.CUT)
    add("cut-after-interim", b"HTTP/1.1 100 Continue\r\n\r\n", flaw=Flaw.CUT)
    add(
        "upgrade-101",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05hello",
        flaw=Flaw.UPGRADE,
    )
    # -- where a body ends, and whether it is in chunks -------------------------------------------------
    for status in (204, 304):
        chunked_head = f"HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        add(f"status-{status}-chunked", chunked_head, b"")
        add(f"head-answer-{status}-chunked", chunked_head, b"", method=b"HEAD")
    both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    in_chunks = b"3\r\nabc\r\n0\r\n\r\n"
    add("head-answer-length-and-chunked", b"HTTP/1.1 200 OK\r\n" + both, b"", method=b"HEAD")
    folded = b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n"
    add("chunked-folded", folded + in_chunks, b"abc")
    for name, lines in {
        "chunked-then-identity": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "chunked-then-gzip": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
        "xchunked": b"Transfer-Encoding: xchunked\r\n",
        "chunked-form-feed": b"Transfer-Encoding: chunked\x0c\r\n",
        "vertical-tab-chunked": b"Transfer-Encoding: \x0bchunked\r\n",
    }.items():
        add(name, b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n" + in_chunks, flaw=Flaw.TRANSFER_CODING)
    ok("length-twice-zero-padded", "Content-Length: 5\r\nContent-Length: 05\r\n", b"hello")
    add("length-vertical-tab", b"HTTP/1.1 200 OK\r\nContent-Length: \x0b5\r\n\r\nhello", flaw=Flaw.BAD_LENGTH)
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    add("trailer-without-colon", start + b"3\r\nabc\r\n0\r\nnonsense\r\n\r\n", flaw=Flaw.TRAILER)
    add("trailers-long", start + b"3\r\nabc\r\n0\r\n" + b"X-A: 1\r\n" * 9000 + b"\r\n", flaw=Flaw.TRAILER)
    add("chunk-line-long", start + b"3;" + b"x" * 17000 + b"\r\nabc\r\n0\r\n\r\n", flaw=Flaw.BAD_CHUNK)
    add("broken-after-a-chunk", start + b"3\r\nabc\r\nzz\r\n" + b"more" * 20000, flaw=Flaw.BAD_CHUNK)
    add("interim-without-end", b"HTTP/1.1 100 Continue\r\n\r\n" * 40, flaw=Flaw.INTERIM)
    add("head-too-long-at-once", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000 + b"\r\n\r\n", flaw=Flaw.HEAD_TOO_LONG)
    # -- fields that our own reading of them must not stumble over --------------------------------------
    far = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"
    for name, status, field in (
        ("date-in-no-calendar", "200 OK", f"Date: {far}"),
        ("date-of-year-zero", "200 OK", "Date: Mon, 00 Jan 0000 00:00:00 +9999"),
        ("retry-superscript", "429 Too Many", "Retry-After: \xb2"),
        ("retry-digits", "429 Too Many", "Retry-After: " + "9" * 4301),
        ("retry-in-no-calendar", "503 Busy", f"Retry-After: {far}"),
        ("retry-far", "503 Busy", "Retry-After: Fri, 31 Dec 9999 23:59:59 -1200"),
        ("age-superscript", "200 OK", "Age: \xb2\r\nContent-Range: bytes \xb2-3/\xb2"),
    ):
        ok(name, f"{field}\r\nContent-Length: 5\r\n", b"hello", status=status)
    return cases


CORPUS = _build()
