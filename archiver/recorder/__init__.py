"""The recorder: the only way in. A proxy on loopback, one port for each open capture, in a thread of its own.

    framing   message boundaries, pure             streams   sockets and TLS as byte streams
    redact    secrets out of heads                 dial      resolution, refused addresses, the proxy
    tls       both TLS legs, throw-away authority  exchange  one request and its answer
    listener  the proxy's clients                  upstream  connections to servers
    url       links as they go over the wire, pure
    missing_certificates  what servers omit, where a setting has it fetched

Clients: Scrapy in absolute form, Chromium and yt-dlp by CONNECT, our own fetcher by `Port.fetch`, which needs no
second connection. All of them end in `exchange`.
"""
