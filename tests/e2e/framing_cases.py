# SPDX-License-Identifier: MIT
"""Raw requests with the status that each is answered with. GET of / is answered 200, of another path 404; the limits are those of
framing_test.py."""

GET = "GET / HTTP/1.1\r\nHost: h\r\n"
POST = "POST / HTTP/1.1\r\nHost: h\r\n"

# name: (bytes, status); each is answered with the status and its connection closed
REFUSED = {
    "transfer-encoding beside content-length":
        (POST + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "content-length beside transfer-encoding":
        (POST + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
    "content-length twice, equal": (POST + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", 400),
    "content-length twice, different": (POST + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", 400),
    "content-length as a list": (POST + "Content-Length: 2, 2\r\n\r\nab", 400),
    "content-length empty": (POST + "Content-Length:\r\n\r\n", 400),
    "content-length signed": (POST + "Content-Length: +2\r\n\r\nab", 400),
    "content-length negative": (POST + "Content-Length: -2\r\n\r\nab", 400),
    "content-length hex": (POST + "Content-Length: 0x2\r\n\r\nab", 400),
    "content-length with a space inside": (POST + "Content-Length: 1 2\r\n\r\nab", 400),
    "content-length beyond 64 bits": (POST + "Content-Length: 99999999999999999999\r\n\r\nab", 400),
    "last coding not chunked": (POST + "Transfer-Encoding: chunked, gzip\r\n\r\n", 400),
    "chunked twice": (POST + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    "unknown coding": (POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "identity coding": (POST + "Transfer-Encoding: identity\r\n\r\n", 400),
    "transfer-encoding in HTTP/1.0":
        ("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "bare LF after the request line": ("GET / HTTP/1.1\nHost: h\r\n\r\n", 400),
    "bare LF after a field": ("GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", 400),
    "bare LF as the empty line": ("GET / HTTP/1.1\r\nHost: h\r\n\n", 400),
    "bare CR in a value": (GET + "A: b\rc\r\n\r\n", 400),
    "bare CR in the target": ("GET /\r HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "NUL in a value": (GET + "A: b\0c\r\n\r\n", 400),
    "NUL in a name": (GET + "A\0: b\r\n\r\n", 400),
    "NUL in the target": ("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "obs-fold": (GET + "A: b\r\n c\r\n\r\n", 400),
    "obs-fold on the first field": ("GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400),
    "space before a colon": (GET + "A : b\r\n\r\n", 400),
    "space before a colon of content-length": (POST + "Content-Length : 2\r\n\r\nab", 400),
    "a field without a colon": (GET + "A\r\n\r\n", 400),
    "a field without a name": (GET + ": b\r\n\r\n", 400),
    "a character that is no part of a name": (GET + "A(b: c\r\n\r\n", 400),
    "a name with a high byte": (GET + "A\xe9: c\r\n\r\n", 400),
    "a method that is no token": ("G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "no host": ("GET / HTTP/1.1\r\n\r\n", 400),
    "host twice": ("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400),
    "host invalid": ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "host with a path": ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "two spaces in the request line": ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "no version": ("GET /\r\nHost: h\r\n\r\n", 400),
    "an unknown version": ("GET / HTTP/3.7\r\nHost: h\r\n\r\n", 505),
    "a target that is no path": ("GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "%00 in the path": ("GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "a TLS hello": ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "chunk size not hex": (POST + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
    "chunk size signed": (POST + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
    "chunk size with 0x": (POST + "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400),
    "chunk size overflowing": (POST + "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n", 400),
    "chunk with a bare LF": (POST + "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400),
    "chunk longer than it said": (POST + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 400),
    "a head that is too large": (GET + "A: " + "b" * 5000 + "\r\n\r\n", 431),
    "too many fields": (GET + "A: b\r\n" * 25 + "\r\n", 431),
    "a target that is too long": ("GET /" + "a" * 5000 + " HTTP/1.1\r\nHost: h\r\n\r\n", 414),
}

# name: (bytes, status); answered with the status, and the connection stays open
KEPT = {
    "a plain request": (GET + "\r\n", 200),
    "a body with a length": (POST + "Content-Length: 2\r\n\r\nab", 200),
    "a chunked body": (POST + "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nA: b\r\n\r\n", 200),
    "an empty line before a request": ("\r\n" + GET + "\r\n", 200),
    "an absolute target": ("GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 200),
    "an unknown path": ("GET /x HTTP/1.1\r\nHost: h\r\n\r\n", 404),
    "an empty value": (GET + "A:\r\n\r\n", 200),
    "encoded dots": ("GET /a/%2e%2E/ HTTP/1.1\r\nHost: h\r\n\r\n", 200),
}
