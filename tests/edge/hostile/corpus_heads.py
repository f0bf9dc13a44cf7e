"""Hostile messages about what a head is: versions, methods, targets, Host, single lines, sizes."""

from __future__ import annotations

from tests.edge.hostile.cases import SMUGGLED, Hostile, get, normalised, refused

_HOST = b"Host: shop.test\r\n"
_PAGE = ("GET", "/page", b"")

_VERSIONS = [
    refused("HTTP/0.9", "RFC 1945, 5", b"GET /page\r\n\r\n"),
    refused("HTTP/0.9 with a bare LF", "RFC 1945, 5", b"GET /page\n"),
    refused("HTTP/0.9 with a version and no lines", "RFC 9112, 2.3", b"GET /page HTTP/0.9\r\n\r\n", 400, 505),
    refused("HTTP/0.9 with lines", "RFC 9112, 2.3", b"GET /page HTTP/0.9\r\n" + _HOST + b"\r\n", 505),
    refused("HTTP/1.2", "RFC 9112, 2.3", b"GET /page HTTP/1.2\r\n" + _HOST + b"\r\n", 400, 505),
    refused("HTTP/2.0 in a request line", "RFC 9112, 2.3", b"GET /page HTTP/2.0\r\n" + _HOST + b"\r\n", 505),
    refused("HTTP/2 without a minor version", "RFC 9112, 2.3", b"GET /page HTTP/2\r\n" + _HOST + b"\r\n"),
    refused("the HTTP/2 preface", "RFC 9113, 3.4", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04", 400, 505),
    refused("HTTP/3.0", "RFC 9112, 2.3", b"GET /page HTTP/3.0\r\n" + _HOST + b"\r\n", 505),
    refused("a version in small letters", "RFC 9112, 2.3", b"GET /page http/1.1\r\n" + _HOST + b"\r\n"),
    refused("a version of three digits", "RFC 9112, 2.3", b"GET /page HTTP/1.10\r\n" + _HOST + b"\r\n"),
    refused("a version with a zero before", "RFC 9112, 2.3", b"GET /page HTTP/01.1\r\n" + _HOST + b"\r\n"),
    refused("a version of another protocol", "RFC 9112, 2.3", b"GET /page HTTPS/1.1\r\n" + _HOST + b"\r\n"),
    refused("a version with a sign", "RFC 9112, 2.3", b"GET /page HTTP/+1.1\r\n" + _HOST + b"\r\n"),
    refused("a version and something", "RFC 9112, 3", b"GET /page HTTP/1.1 x\r\n" + _HOST + b"\r\n"),
    refused("a TLS hello on a plain port", "RFC 8446, 5.1", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    refused("SSH", "RFC 9112, 3", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    refused("a PROXY line that nobody asked for", "RFC 9112, 3",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + get()),
    refused("an answer instead of a request", "RFC 9112, 3", b"HTTP/1.1 200 OK\r\n" + _HOST + b"\r\n"),
    refused("an empty line that ends in a bare LF", "RFC 9112, 2.2", b"\n" + get()),
    refused("an empty line that ends in a bare CR", "RFC 9112, 2.2", b"\r" + get()),
    refused("a blank line before", "RFC 9112, 2.2", b" \r\n" + get()),
    refused("a NUL before", "RFC 9112, 3", b"\x00" + get()),
    refused("a byte order mark before", "RFC 9112, 3", b"\xef\xbb\xbf" + get()),
]  # fmt: skip

_REQUEST_LINES = [
    refused(f"the request line {line!r}"[:90], "RFC 9112, 3", line + b"\r\n" + _HOST + b"\r\n", *statuses)
    for line, statuses in [
        (b"GET  /page HTTP/1.1", (400,)),
        (b"GET\t/page HTTP/1.1", (400,)),
        (b"GET /page  HTTP/1.1", (400,)),
        (b"GET /page\tHTTP/1.1", (400,)),
        (b" GET /page HTTP/1.1", (400,)),
        (b"GET /page HTTP/1.1 ", (400,)),
        (b"GET\x00 /page HTTP/1.1", (400,)),
        (b"GET /pa\x00ge HTTP/1.1", (400,)),
        (b"GET /pa\rge HTTP/1.1", (400,)),
        (b"GET /pa\nge HTTP/1.1", (400,)),
        (b"GET /pa\x0bge HTTP/1.1", (400,)),
        (b"GET /page\x7f HTTP/1.1", (400,)),
        (b"GET /p\xc3\xa4ge HTTP/1.1", (400,)),
        (b"GET /page HTTP/1.1\r", (400,)),
        (b"GET", (400,)),
        (b"GET /page", (400,)),
        (b"/page HTTP/1.1", (400,)),
        (b"get /page HTTP/1.1", (400,)),
        (b"Get /page HTTP/1.1", (400,)),
        (b"G\xc3\x8bT /page HTTP/1.1", (400,)),
        (b"GE(T) /page HTTP/1.1", (400,)),
        (b"A" * 33 + b" /page HTTP/1.1", (400,)),
        (b"CONNECT shop.test:443 HTTP/1.1", (405, 400)),
        (b"CONNECT /page HTTP/1.1", (405,)),
        (b"CONNECT 127.0.0.1:22 HTTP/1.1", (405, 400)),
        (b"TRACE /page HTTP/1.1", (405,)),
        (b"GET /page#part HTTP/1.1", (400,)),
        (b"GET /page?a#part HTTP/1.1", (400,)),
        (b"GET # HTTP/1.1", (400,)),
        (b"GET page HTTP/1.1", (400,)),
        (b"GET ?page HTTP/1.1", (400,)),
        (b"GET * HTTP/1.1", (400,)),
        (b"GET shop.test:80 HTTP/1.1", (400,)),
        (b"GET @evil.test/ HTTP/1.1", (400,)),
        (b"GET file:///etc/passwd HTTP/1.1", (400,)),
        (b"GET ftp://shop.test/page HTTP/1.1", (400,)),
        (b"GET javascript:alert(1) HTTP/1.1", (400,)),
        (b"GET http://evil.test/page HTTP/1.1", (400,)),
        (b"GET http://shop.test:81/page HTTP/1.1", (400,)),
        (b"GET http://shop.test@evil.test/page HTTP/1.1", (400,)),
        (b"GET http://evil.test@shop.test/page HTTP/1.1", (400,)),
        (b"GET http://shop.test.evil.test/page HTTP/1.1", (400,)),
        (b"GET http://shop.test\\@evil.test/page HTTP/1.1", (400,)),
        (b"GET http://shop.test%00/page HTTP/1.1", (400,)),
        (b"GET http:///page HTTP/1.1", (400,)),
        (b"GET http:/page HTTP/1.1", (400,)),
        (b"GET http:page HTTP/1.1", (400,)),
        (b"GET http://shop.test//page HTTP/1.1", (400,)),
        (b"GET http://shop.test/../checkout HTTP/1.1", (400,)),
        (b"GET http://shop.test/x;/checkout HTTP/1.1", (400,)),
        (b"GET http://shop.test#/page HTTP/1.1", (400,)),
    ]
]

_REQUEST_LINES_MEANT_WELL = [
    normalised("absolute form", "RFC 9112, 3.2.2", get(target=b"http://shop.test/page"), _PAGE),
    normalised("absolute form in large letters", "RFC 9112, 3.2.2", get(target=b"HTTP://SHOP.TEST/page"), _PAGE),
    normalised("absolute form without a path", "RFC 9112, 3.2.2", get(target=b"http://shop.test"), ("GET", "/", b"")),
    normalised(
        "absolute form, a query without a path", "RFC 9112, 3.2.2", get(target=b"http://shop.test?x=/checkout/"),
        ("GET", "/?x=/checkout/", b""),
    ),
    normalised("an empty line before", "RFC 9112, 2.2", b"\r\n" + get(), _PAGE),
    normalised("empty lines before", "RFC 9112, 2.2", b"\r\n\r\n\r\n" + get(), _PAGE),
    normalised("OPTIONS *", "RFC 9112, 3.2.4", get(target=b"*").replace(b"GET", b"OPTIONS")),
    normalised("a method of one's own", "RFC 9110, 9.1", get().replace(b"GET", b"FROB"), ("FROB", "/page", b"")),
    normalised("a method that says another one", "RFC 9110, 9.1", get(b"X-Nothing: 1\r\n"), _PAGE),
]  # fmt: skip

_HOSTS = [
    refused(f"Host as {lines!r}"[:90], "RFC 9112, 3.2", get(host=lines), *statuses, stays=statuses == (421,))
    for lines, statuses in [
        (b"", (400,)),
        (b"Host:\r\n", (400,)),
        (b"Host: \r\n", (400,)),
        (_HOST + _HOST, (400,)),
        (_HOST + b"Host: evil.test\r\n", (400,)),
        (b"Host: evil.test\r\n" + _HOST, (400,)),
        (_HOST + b"hOST: evil.test\r\n", (400,)),
        (b"Host : shop.test\r\n", (400,)),
        (b" Host: shop.test\r\n", (400,)),
        (b"Host: shop.test, evil.test\r\n", (400,)),
        (b"Host: shop.test evil.test\r\n", (400,)),
        (b"Host: evil.test@shop.test\r\n", (400,)),
        (b"Host: shop.test/page\r\n", (400,)),
        (b"Host: shop.test\\page\r\n", (400,)),
        (b"Host: shop.test?a\r\n", (400,)),
        (b"Host: shop.test#a\r\n", (400,)),
        (b"Host: shop.test:\r\n", (400,)),
        (b"Host: shop.test:80a\r\n", (400,)),
        (b"Host: shop.test:-1\r\n", (400,)),
        (b"Host: shop.test:80:81\r\n", (400,)),
        (b"Host: shop.test:999999\r\n", (400,)),
        (b"Host: shop%2etest\r\n", (400,)),
        (b"Host: http://shop.test\r\n", (400,)),
        (b"Host: sh\xc3\xb6p.test\r\n", (400,)),
        (b"Host: shop.test\x00\r\n", (400,)),
        (b"Host: shop.test\x00evil.test\r\n", (400,)),
        (b"Host: [::1\r\n", (400,)),
        (b"Host: ::1\r\n", (400,)),
        (b"Host: <script>\r\n", (400,)),
        (b"Host:\r\n shop.test\r\n", (400,)),
        (b"Host: evil.test\r\n", (421,)),
        (b"Host: shop.test.evil.test\r\n", (421,)),
        (b"Host: shop.test.\r\n", (421,)),
        (b"Host: localhost\r\n", (421,)),
        (b"Host: 127.0.0.2\r\n", (421,)),
        (b"Host: evil.test\r\nX-Forwarded-Host: shop.test\r\n", (421,)),
        (b"Host: evil.test\r\nForwarded: host=shop.test\r\n", (421,)),
        (b"X-Forwarded-Host: shop.test\r\n", (400,)),
        (b"Host_: shop.test\r\n", (400,)),
    ]
]

_LINES = [
    refused(f"the line {line!r}"[:90], section, get(line + b"\r\n"))
    for section, lines in [
        ("RFC 9112, 5.1", [b"X : y", b"X\t: y", b" : y", b": y", b"X", b"X y: z", b"X=y", b"X\x0b: y", b"X\xa0: y"]),
        ("RFC 9112, 5.2", [b" X: y", b"\tX: y", b"X: y\r\n z", b"X: y\r\n\tz", b"X: y\r\n ", b"X:\r\n y"]),
        ("RFC 9112, 5.2", [b"X: y\r\n \r\nZ: z"]),
        ("RFC 9112, 2.2", [b"X: y\rZ: z", b"X: y\nZ: z", b"X: y\r", b"X: y\n", b"\rX: y", b"\nX: y", b"X\r: y"]),
        ("RFC 9112, 2.2", [b"X\n: y", b"X: y\n\nGET /smuggled HTTP/1.1\nHost: shop.test\n", b"X: y\r\r\nZ: z"]),
        ("RFC 9112, 2.2", [b"X: y\n\r\n" + SMUGGLED]),
        ("RFC 9110, 5.5", [b"X: \x00", b"X: y\x00", b"X\x00: y", b"X: \x01", b"X: \x08", b"X: \x0b", b"X: \x0c"]),
        ("RFC 9110, 5.5", [b"X: \x1f", b"X: \x7f", b"X: y\x00\r\nZ: z"]),
        ("RFC 9110, 5.6.2", [b"X(y): z", b"X,Y: z", b"X/Y: z", b"X;Y: z", b"X<Y>: z", b"X@Y: z", b"X[Y]: z"]),
        ("RFC 9110, 5.6.2", [b'"X": y', b"X{Y}: z", b"X\\Y: z", b"X?: y", b"\xc3\xa4: y", b"X\x7f: y", b"X\xff: y"]),
    ]
    for line in lines
]  # fmt: skip

_LINES_MEANT_WELL = [
    normalised("Expect that the edge knows", "RFC 9110, 10.1.1", get(b"Expect: 100-Continue\r\n"), _PAGE),
    normalised("bytes beyond ASCII in a value", "RFC 9110, 5.5", get(b"X-Name: J\xf6rg \xe2\x82\xac\r\n"), _PAGE),
    normalised("an empty value", "RFC 9110, 5.5", get(b"X-Empty:\r\nX-Blank: \t \r\n"), _PAGE),
    normalised("a line of blanks only", "RFC 9110, 5.5", get(b"X-Blank:" + b" " * 20_000 + b"\r\n"), _PAGE),
]

_UPGRADES = [
    normalised(
        f"an upgrade by {lines!r}"[:90],
        "RFC 9110, 7.8",
        get(lines),
        _PAGE,
        never=(b"upgrade", b"http2-settings", b"h2c"),
    )
    for lines in [
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
        b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
        b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
        b"Connection: Upgrade\r\nUpgrade: IRC/6.9, RTA/x11\r\n",
        b"Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n",
        b"Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket/13\r\n",
        b"Connection: Upgrade\r\nUpgrade:\r\n",
        b"Upgrade: websocket\r\n",
        b"Upgrade: h2c\r\n",
        b"Connection: close-not, Upgrade\r\n",
    ]
]

_SIZES = [
    refused("a request line of 9 KB", "RFC 9110, 15.5.15", get(target=b"/" + b"a" * 9000), 414),
    refused("a query of 9 KB", "RFC 9110, 15.5.15", get(target=b"/?" + b"a" * 9000), 414),
    refused("a request line without an end", "RFC 9110, 15.5.15", b"GET /" + b"a" * 100_000, 414),
    refused("a method without an end", "RFC 9110, 15.5.15", b"G" * 100_000, 414),
    refused("101 lines", "RFC 6585, 5", get(b"X: y\r\n" * 100), 431),
    refused("5000 lines", "RFC 6585, 5", get(b"X:\r\n" * 5000), 431),
    refused("one line of 40 KB", "RFC 6585, 5", get(b"X: " + b"y" * 40_000 + b"\r\n"), 431),
    refused("a cookie of 40 KB", "RFC 6585, 5", get(b"Cookie: a=" + b"b" * 40_000 + b"\r\n"), 431),
    refused("a name of 40 KB", "RFC 6585, 5", get(b"X" * 40_000 + b": y\r\n"), 431),
    refused("a head without an end", "RFC 6585, 5", get()[:-2] + b"X-Y: z\r\n" * 50_000, 431),
    refused("a line without an end", "RFC 6585, 5", get()[:-2] + b"X: " + b"y" * 400_000, 431),
    refused("a line of blanks and a NUL", "RFC 9110, 5.5", get(b"X:" + b" " * 30_000 + b"\x00\r\n")),
    normalised("a head as large as allowed", "RFC 6585, 5", get(b"Cookie: a=" + b"b" * 30_000 + b"\r\n"), _PAGE),
    normalised("as many lines as allowed", "RFC 6585, 5", get(b"X: y\r\n" * 99), _PAGE),
    refused("Expect of something else", "RFC 9110, 10.1.1", get(b"Expect: 200-ok\r\n"), 417),
    refused("Expect of two things", "RFC 9110, 10.1.1", get(b"Expect: 100-continue, x\r\n"), 417),
]

HEADS: list[Hostile] = [
    *_VERSIONS, *_REQUEST_LINES, *_REQUEST_LINES_MEANT_WELL, *_HOSTS, *_LINES, *_LINES_MEANT_WELL, *_UPGRADES, *_SIZES,
]  # fmt: skip
