#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The computing routes of the real program: hash, compress, json and thumbnail, as clients see them."""
import contextlib
import gzip
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import zlib

from rig import JOB_WAIT, PATIENCE, Weir, ask, connect, receive, run, same, until


def patient(pools=None):
    """Pools in which jobs wait as long as it takes, unless a pool's wait is given."""
    return {name: {"wait": JOB_WAIT, **pool} for name, pool in {"compute": {}, "blocking": {}, **(pools or {})}.items()}


@contextlib.contextmanager
def gateway(*routes, pools=None, **top):
    """Gives a running gateway."""
    config = {"listen": "127.0.0.1:0", "loops": 1, "limits": {"body": "1GiB"}, "pools": patient(pools), "routes": list(routes), **top}
    with Weir("serve", config=json.dumps(config)) as weir: # JSON is YAML
        weir.at = weir.address()
        yield weir


def post(weir, path, body, headers=None, method="POST"):
    """Sends a request with http.client, which sends everything and then reads; returns the answer."""
    connection = http.client.HTTPConnection(*weir.at, timeout=PATIENCE)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    answer.body = answer.read()
    connection.close()
    return answer


def fault(answer):
    return json.loads(answer.body)["error"]


def sample(size):
    line = b"%08d the quick brown fox jumps over the lazy dog\n"
    return b"".join(line % i for i in range(size // 50 + 1))[:size]


# ---- hash ----

def digests_are_right():
    routes = [{"path": f"/{name}", "hash": {"algorithm": name}} for name in ("sha256", "sha512", "blake2b", "xxh3")]
    with gateway(*routes) as weir:
        for name in ("sha256", "sha512", "blake2b"):
            for size in (0, 3, 100000, 262144, 1000000):
                body = sample(size)
                answer = post(weir, f"/{name}", body)
                same(answer.status, 200)
                same(answer.getheader("content-type"), "application/json")
                same(json.loads(answer.body), {"algorithm": name, "hex": hashlib.new(name, body).hexdigest()})
        same(json.loads(post(weir, "/xxh3", b"").body)["hex"], "2d06800538d394c2")
        chunked = post(weir, "/sha256", (sample(70000) for _ in range(10)))
        same(json.loads(chunked.body)["hex"], hashlib.sha256(sample(70000) * 10).hexdigest())


def methods_and_limits_hold():
    with gateway({"path": "/h", "hash": {}, "limits": {"body": "1000"}}, {"path": "/j", "json": {"pick": ""}},
                 {"path": "/c", "compress": {"encoding": "gzip"}}) as weir:
        for path in ("/h", "/j", "/c"):
            answer = ask(weir.at, path)
            same((answer.status, answer.headers["allow"]), (405, "POST"))
        same(json.loads(post(weir, "/h", b"x" * 1000).body)["algorithm"], "sha256") # the default
        same(post(weir, "/h", b"x" * 1001).status, 413)
        same(post(weir, "/h", (b"x" * 600 for _ in range(2))).status, 413)


def many_at_a_time_get_their_own():
    with gateway({"path": "/h", "hash": {}}, pools={"compute": {"workers": 2, "queue": 1000}}, loops=2) as weir:
        wrong = []
        def one(number):
            body = b"%d" % number * 50000
            answer = post(weir, "/h", body)
            if answer.status != 200 or json.loads(answer.body)["hex"] != hashlib.sha256(body).hexdigest():
                wrong.append((number, answer.status, answer.body))
        threads = [threading.Thread(target=one, args=(number,)) for number in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        same(wrong, [])


def a_full_pool_refuses_and_others_go_on():
    routes = [{"path": "/burn", "burn": {"cpu": "60s"}}, {"path": "/h", "hash": {}},
              {"path": "/other", "hash": {}, "on": "second"}, {"path": "/hello", "respond": {"body": "hi"}}]
    pools = {"compute": {"workers": 1, "queue": 0}, "second": {"workers": 1}}
    with gateway(*routes, pools=pools) as weir, connect(weir.at) as burning:
        burning.sendall(b"GET /burn HTTP/1.1\r\nHost: h\r\n\r\n")
        def refused():
            answer = post(weir, "/h", b"abc")
            if answer.status == 503:
                same(fault(answer)["code"], "busy")
                assert int(answer.getheader("retry-after")) >= 1
            return answer.status == 503
        until("a refusal", refused)
        same(post(weir, "/other", b"abc").status, 200)
        same(ask(weir.at, "/hello").status, 200)
        burning.close() # a client that leaves frees the worker
        until("an answer", lambda: post(weir, "/h", b"abc").status == 200)


def who_leaves_while_queued_makes_room():
    routes = [{"path": "/burn", "burn": {"cpu": "60s"}}, {"path": "/h", "hash": {}}]
    request = b"POST /h HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    with gateway(*routes, admin="127.0.0.1:0", pools={"compute": {"workers": 1, "queue": 1}}) as weir, \
            connect(weir.at) as burning, connect(weir.at) as waiting, connect(weir.at) as last:
        admin = weir.address("admin")
        def pool():
            return next(each for each in json.loads(ask(admin, "/stats").body)["pools"] if each["pool"] == "compute")
        burning.sendall(b"GET /burn HTTP/1.1\r\nHost: h\r\n\r\n")
        until("the burn runs", lambda: pool()["busy"] == 1)
        waiting.sendall(request)
        until("the other waits", lambda: pool()["queued"] == 1)
        same(post(weir, "/h", b"abc").status, 503)
        waiting.close()
        until("it has left", lambda: pool()["queued"] == 0)
        last.sendall(request)
        until("the next waits", lambda: pool()["queued"] == 1)
        burning.close()
        same(receive(last).status, 200)


# ---- compress ----

def unpack(encoding, data):
    if encoding == "gzip":
        return gzip.decompress(data)
    tool = {"br": "brotli", "zstd": "zstd"}[encoding]
    if not shutil.which(tool):
        return None
    return subprocess.run([tool, "-dc"], input=data, capture_output=True, check=True).stdout


def what_was_compressed_comes_back():
    routes = [{"path": f"/{encoding}{level}", "compress": {"encoding": encoding, "level": level}}
              for encoding, level in (("gzip", 1), ("gzip", 9), ("br", 0), ("br", 9), ("zstd", 1), ("zstd", 15))]
    types = {"gzip": "application/gzip", "br": "application/x-brotli", "zstd": "application/zstd"}
    with gateway(*routes) as weir:
        for route in routes:
            for size in (0, 10, 262144, 2000000):
                answer = post(weir, route["path"], sample(size))
                encoding = route["compress"]["encoding"]
                same(answer.status, 200)
                same(answer.getheader("content-type"), types[encoding])
                same(answer.getheader("content-encoding"), None) # the answer is a file, not a content coding
                assert unpack(encoding, answer.body) in (None, sample(size)), route
                assert size < 1000 or len(answer.body) < size / 3, route
            same(post(weir, route["path"], (sample(100000) for _ in range(9))).status, 200)


def resident(weir):
    with open(f"/proc/{weir.gateway}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def large_bodies_take_no_more_memory():
    piece = sample(1 << 20)
    with gateway({"path": "/z", "compress": {"encoding": "zstd", "level": 1}}, {"path": "/h", "hash": {"algorithm": "xxh3"}}) as weir:
        def stream(path, pieces):
            got = [0]
            with connect(weir.at) as connection:
                connection.sendall(f"POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                                   f"Content-Length: {pieces << 20}\r\n\r\n".encode())
                def read():
                    while data := connection.recv(1 << 16):
                        got[0] += len(data)
                reader = threading.Thread(target=read)
                reader.start()
                for _ in range(pieces):
                    connection.sendall(piece)
                reader.join()
            return got[0]
        stream("/z", 16), stream("/h", 16)
        before = resident(weir)
        assert stream("/z", 200) > 200000
        assert stream("/h", 200) > 50
        grown = resident(weir) - before
        assert grown < 8 << 10, f"{grown} KiB"


def too_many_compressors_are_refused():
    with gateway({"path": "/z", "compress": {"encoding": "zstd", "at_once": 1}}) as weir, connect(weir.at) as slow:
        slow.sendall(b"POST /z HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab")
        until("a refusal", lambda: post(weir, "/z", b"abc").status == 503)
        slow.sendall(b"cd")
        same(receive(slow).status, 200)
        same(post(weir, "/z", b"abc").status, 200)


# ---- bodies with a content coding ----


def coded_bodies_are_decoded_or_refused():
    body = json.dumps({"a": "x" * 200000, "b": 7}).encode()
    with gateway({"path": "/j", "json": {"pick": "/b"}}, {"path": "/l", "json": {"pick": "/b"}, "on": "loop"},
                 {"path": "/small", "json": {"pick": "/b"}, "limits": {"body": "1000"}},
                 {"path": "/c", "compress": {"encoding": "gzip"}}, {"path": "/h", "hash": {}},
                 {"path": "/t/*", "thumbnail": {"width": 8, "height": 8}}) as weir:
        coded = gzip.compress(body)
        for path in ("/j", "/l"):
            for headers in ({"Content-Encoding": "gzip"}, {"Content-Encoding": "identity, GZIP"}):
                answer = post(weir, path, coded, headers)
                same((answer.status, answer.body), (200, b"7"))
            same(post(weir, path, zlib.compress(b'{"b":1}'), {"Content-Encoding": "deflate"}).body, b"1")
            answer = post(weir, path, coded[:-9], {"Content-Encoding": "gzip"})
            same((answer.status, fault(answer)["code"]), (422, "undecodable"))
            answer = post(weir, path, coded, {"Content-Encoding": "br"})
            same((answer.status, fault(answer)["message"]), (422, "the body is not what its content-encoding says"))
            answer = post(weir, path, coded, {"Content-Encoding": "compress"})
            same((answer.status, answer.getheader("accept-encoding")), (415, "gzip, deflate, br, zstd"))
        same(post(weir, "/small", coded, {"Content-Encoding": "gzip"}).status, 413) # small, but it decodes to much
        same(post(weir, "/h", coded, {"Content-Encoding": "gzip"}).status, 200) # of the bytes as they were sent
        for path in ("/c", "/t/x"):
            answer = post(weir, path, coded, {"Content-Encoding": "gzip"})
            same((answer.status, answer.getheader("accept-encoding")), (415, "identity"))


def brotli_is_never_undone_on_a_loop():
    small = bytes.fromhex("0b03807b2262223a317d03") # {"b":1}
    bomb = bytes.fromhex("cbffff3f00042672a42dc10c2ffab82d10b4f77f7706ffffff00900088c302d0bdffe3ffff1f001200715800baf77ffcffff034002200e0b40f7fe8f"
                         "ffff7f004800c46101e8deffc100202020202020317d03") # the same document with 40 MiB of spaces
    with gateway({"path": "/j", "json": {"pick": "/b"}}, admin="127.0.0.1:0") as weir:
        def jobs():
            page = ask(weir.address("admin"), "/metrics").body.decode()
            return int(re.search(r'^weir_pool_run_seconds_count\{pool="compute"\} (\d+)', page, re.M)[1])
        for body, coding, status, more in ((gzip.compress(b'{"b":1}'), "gzip", 200, 1), (small, "br", 200, 2), (bomb, "br", 413, 1)):
            before = jobs()
            same(post(weir, "/j", body, {"Content-Encoding": coding}).status, status)
            same(jobs() - before, more, coding)


# ---- json ----

def documents_are_reshaped():
    pick = {"name": "/user/name", "ids": {"each": "/items", "pick": "/id"}, "two": ["/big", "/nothing"]}
    document = b'{"user":{"name":"\\u00e4"},"items":[{"id":1},{"id":12345678901234567890}],"big":1e999}'
    with gateway({"path": "/null", "json": {"pick": pick}}, {"path": "/omit", "json": {"pick": pick, "missing": "omit"}},
                 {"path": "/fault", "json": {"pick": pick, "missing": "fault"}},
                 {"path": "/flat", "json": {"pick": "", "depth": 3}}) as weir:
        answer = post(weir, "/null", document)
        same((answer.status, answer.getheader("content-type")), (200, "application/json"))
        same(answer.body, b'{"name":"\\u00e4","ids":[1,12345678901234567890],"two":[1e999,null]}')
        same(post(weir, "/omit", document).body, b'{"name":"\\u00e4","ids":[1,12345678901234567890],"two":[1e999]}')
        table = [("/fault", document, "incomplete", "/nothing"), ("/null", b"{", "undecodable", "byte 1"),
                 ("/null", b"", "undecodable", "byte 0"), ("/null", b'"\xff"', "undecodable", "byte 1"),
                 ("/flat", b"[[[[]]]]", "too_large", "3 levels"), ("/null", b"[" * 100000, "too_large", "64 levels")]
        for path, body, code, says in table:
            answer = post(weir, path, body)
            same((answer.status, fault(answer)["code"]), (422, code), path)
            assert says in fault(answer)["message"], fault(answer)


# ---- compress_response ----

def answers_are_compressed_on_their_way():
    text = sample(30000).decode()
    routes = [{"path": "/fixed", "respond": {"body": text}, "compress_response": True},
              {"path": "/never", "respond": {"body": text}},
              {"path": "/pick", "json": {"pick": ["", ""]}, "compress_response": {"encodings": ["gzip"], "levels": {"gzip": 9}, "min": "100"}}]
    with gateway(*routes, loops=2) as weir:
        for encoding in ("gzip", "br", "zstd"):
            for _ in range(4): # the first answer is computed, the others are cached
                answer = ask(weir.at, "/fixed", headers=[("Accept-Encoding", encoding)])
                same((answer.headers["content-encoding"], answer.headers["vary"]), (encoding, "accept-encoding"))
                assert len(answer.body) < 10000
                assert unpack(encoding, answer.body) in (None, text.encode())
        same(ask(weir.at, "/fixed", headers=[("Accept-Encoding", "gzip, deflate, br, zstd")]).headers["content-encoding"], "br")
        for path, accept in (("/fixed", "identity"), ("/fixed", "br;q=0"), ("/never", "gzip")):
            answer = ask(weir.at, path, headers=[("Accept-Encoding", accept)])
            same((answer.body, answer.headers.get("content-encoding")), (text.encode(), None))
        same(ask(weir.at, "/fixed", method="HEAD", headers=[("Accept-Encoding", "gzip")]).headers.get("content-length"), None)
        same(ask(weir.at, "/fixed", method="HEAD").headers["content-length"], "30000")
        answer = post(weir, "/pick", json.dumps(text), {"Accept-Encoding": "br, gzip"})
        same(answer.getheader("content-encoding"), "gzip")
        same(json.loads(gzip.decompress(answer.body)), [text, text])
        answer = post(weir, "/pick", "{", {"Accept-Encoding": "gzip"})
        same((answer.status, fault(answer)["code"]), (422, "undecodable"))


# ---- thumbnail ----

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, alpha=False):
    pixel = lambda x, y: bytes([255 * x // width, 255 * y // height, 128] + ([0 if x < width // 2 else 255] if alpha else []))
    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(width)) for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6 if alpha else 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def kind_of(data):
    for magic, kind in ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG", "image/png"), (b"RIFF", "image/webp")):
        if data.startswith(magic):
            return kind
    return None


def size_of_png(data):
    return struct.unpack(">II", data[16:24])


def thumbnails_are_made_of_files_and_bodies():
    with tempfile.TemporaryDirectory() as root:
        with open(f"{root}/plain.png", "wb") as file:
            file.write(png(100, 50))
        with open(f"{root}/alpha b.png", "wb") as file:
            file.write(png(100, 50, alpha=True))
        with open(f"{root}/cut.png", "wb") as file:
            file.write(png(100, 50)[:200])
        with open(f"{root}/.hidden.png", "wb") as file:
            file.write(png(10, 10))
        with open(f"{root}/page.svg", "wb") as file:
            file.write(b"<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>")
        os.symlink("/etc/passwd", f"{root}/out.png")
        settings = {"root": root, "width": 20, "height": 20}
        with gateway({"path": "/auto/*", "thumbnail": settings}, {"path": "/png/*", "thumbnail": {**settings, "format": "png"}},
                     {"path": "/few/*", "thumbnail": {**settings, "pixels": 4999}},
                     {"path": "/post", "thumbnail": {"width": 20, "height": 20}, "limits": {"body": "100KiB"}}) as weir:
            table = [("/auto/plain.png", "image/webp,*/*", "image/webp"), ("/auto/plain.png", None, "image/jpeg"),
                     ("/auto/plain.png", "*/*", "image/jpeg"), ("/auto/alpha%20b.png", "image/png", "image/png"),
                     ("/auto/alpha%20b.png", "image/webp", "image/webp"), ("/png/plain.png", "image/webp", "image/png"),
                     ("/auto/plain.png", "image/webp;q=0.1,image/jpeg", "image/jpeg"), ("/auto/plain.png", "image/webp;q=0", "image/jpeg")]
            for path, accept, kind in table:
                answer = post(weir, path, None, {"Accept": accept} if accept else {}, method="GET")
                same((answer.status, answer.getheader("content-type"), kind_of(answer.body)), (200, kind, kind), path)
                same(answer.getheader("vary"), "accept" if path.startswith("/auto") else None)
            same(size_of_png(post(weir, "/png/plain.png", None, method="GET").body), (20, 10))
            same(size_of_png(post(weir, "/png/x", png(10, 4)).body), (10, 4)) # an image is never enlarged

            first = post(weir, "/auto/plain.png", None, method="GET")
            head = ask(weir.at, "/auto/plain.png", method="HEAD")
            same((head.status, head.headers["content-length"], head.body), (200, str(len(first.body)), b""))
            etag, modified = first.getheader("etag"), first.getheader("last-modified")
            for headers in ({"If-None-Match": etag}, {"If-None-Match": f'"x", W/{etag}'}, {"If-Modified-Since": modified}):
                again = post(weir, "/auto/plain.png", None, headers, method="GET")
                same((again.status, again.body, again.getheader("etag")), (304, b"", etag))
            webp = post(weir, "/auto/plain.png", None, {"If-None-Match": etag, "Accept": "image/webp"}, method="GET")
            same(webp.status, 200) # another format is another representation
            shutil.copy2(f"{root}/plain.png", f"{root}/copy.png") # another inode, as on another machine
            same(post(weir, "/auto/copy.png", None, method="GET").getheader("etag"), etag)
            os.utime(f"{root}/copy.png", (1, 1))
            assert post(weir, "/auto/copy.png", None, method="GET").getheader("etag") != etag

            table = [("/auto/nothing.png", 404, "not_found"), ("/auto/", 404, "not_found"), ("/auto/out.png", 404, "not_found"),
                     ("/auto/.hidden.png", 404, "not_found"), ("/auto/%2e%2e%2fetc/passwd", 400, "malformed"),
                     ("/auto/cut.png", 422, "undecodable"), ("/few/plain.png", 422, "too_large"), ("/auto/page.svg", 415, "unsupported_type")]
            for path, status, code in table:
                answer = post(weir, path, None, method="GET")
                same((answer.status, fault(answer)["code"], answer.getheader("etag")), (status, code, None), path)
            same(post(weir, "/post", png(100, 100)).status, 200)
            same(post(weir, "/post", b"hello").status, 415)
            same(post(weir, "/post", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xc3\x50\0\0\xc3\x50\x08\x02\0\0\0\0\0\0\0\0\0\0\0").status, 422)
            same(post(weir, "/post", b"\0" * (100 << 10) + b"\0").status, 413)
            answer = post(weir, "/post", None, method="GET")
            same((answer.status, answer.getheader("allow")), (405, "POST"))


PROGRESSIVE = b"\xff\xd8\xff\xc2\0\x11\x08\x0f\xa0\x17\x70\x03\x01\x11\0\x02\x11\x01\x03\x11\x01" \
              b"\xff\xda\0\x0c\x03\x01\0\x02\x11\x03\x11\0\x3f\0\x12\xff\xd9" # 6000 x 4000, 4:4:4


def what_would_take_too_much_memory_is_told_so_undecoded():
    with gateway({"path": "/t", "thumbnail": {"width": 32, "height": 32, "memory": "120MiB"}}) as weir:
        answer = post(weir, "/t", PROGRESSIVE)
        same((answer.status, fault(answer)["code"]), (422, "too_large"))
        said = re.fullmatch("the image would take ([0-9.]+) MiB of memory in this form, more than the 120.0 MiB that it may; "
                            "send a smaller one, or a baseline JPEG", fault(answer)["message"])
        assert said and 137.3 < float(said[1]) < 145, answer.body # the coefficients, and some rows
        same(fault(post(weir, "/t", PROGRESSIVE.replace(b"\x01\x11\0", b"\x01\x22\0")))["code"], "undecodable") # in 4:2:0 it is accepted


def what_would_take_too_much_computing_is_given_up():
    white = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 20000, 5000, 8, 2, 0, 0, 0))
             + chunk(b"IDAT", zeros(300 << 20)) + chunk(b"IEND", b"")) # 100 megapixels in 300 KB: a second of decoding
    with gateway({"path": "/t", "thumbnail": {"width": 32, "height": 32}}, pools={"compute": {"cpu": "20ms"}}) as weir:
        answer = post(weir, "/t", white)
        same((answer.status, fault(answer)["code"]), (422, "too_large"))
        assert "more CPU time than is allowed" in fault(answer)["message"], answer.body
        same(post(weir, "/t", png(10, 10)).status, 200)


def zeros(count):
    """Makes the zlib stream of this many bytes without holding them."""
    packer, piece = zlib.compressobj(9), bytes(1 << 20)
    return b"".join(packer.compress(piece) for _ in range(count >> 20)) + packer.flush()


def bombs_do_not_go_off():
    """Small files that decode to much: in pixels, behind the pixels, in a colour profile, in a text."""
    head = lambda width, height, *more: (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
                                         + b"".join(more) + chunk(b"IEND", b""))
    row = zlib.compress(b"\0" + bytes(3 * 10))
    bomb = zeros(400 << 20)
    bombs = {"pixels": head(9000, 9000, chunk(b"IDAT", bomb)), "more than its pixels": head(10, 10, chunk(b"IDAT", bomb)),
             "profile": head(10, 1, chunk(b"iCCP", b"p\0\0" + bomb), chunk(b"IDAT", row)),
             "text": head(10, 1, chunk(b"zTXt", b"t\0\0" + bomb), chunk(b"IDAT", row)),
             "claim": head(50000, 50000, chunk(b"IDAT", row))}
    with gateway({"path": "/t", "thumbnail": {"width": 32, "height": 32}}) as weir:
        same(post(weir, "/t", png(10, 10)).status, 200)
        before = resident(weir)
        for what, body in bombs.items():
            assert len(body) < 1 << 20, what
            answer = post(weir, "/t", body)
            assert answer.status in (200, 422) and (what != "claim" or fault(answer)["code"] == "too_large"), (what, answer.status)
            grown = resident(weir) - before
            assert grown < 100 << 10, f"{what}: {grown} KiB"
        same(post(weir, "/t", png(10, 10)).status, 200)


def documents_nested_too_deep_are_refused():
    with gateway({"path": "/j", "json": {"pick": "/a/a"}, "limits": {"body": "64MiB"}}) as weir:
        for body in (b"[" * 10_000_000, b'{"a":' * 1_000_000, b'[{"a":' * 1_000_000, b"[" * 65 + b"]" * 65):
            answer = post(weir, "/j", body)
            same((answer.status, fault(answer)["code"]), (422, "too_large"))
        same(post(weir, "/j", b'{"a":' * 64 + b"1" + b"}" * 64).status, 200)


def a_root_that_is_not_there_stops_the_start():
    config = {"listen": "127.0.0.1:0", "routes": [{"path": "/t/*", "thumbnail": {"root": "/nonexistent", "width": 1, "height": 1}}]}
    with Weir("serve", config=json.dumps(config)) as weir:
        weir.wait_for("thumbnail.root is '/nonexistent', which cannot be opened")
        same(weir.exit(), 1)


def make_images(folder):
    os.mkdir(f"{folder}/images")
    with open(f"{folder}/images/a.png", "wb") as file:
        file.write(png(100, 50))
    os.symlink("a.png", f"{folder}/images/b.png")
    os.symlink("../gateway.yaml", f"{folder}/images/out.png")


def a_root_begins_at_the_file_and_is_opened_without_openat2():
    """root does not depend on the working directory; and loading libvips does not stall a loop."""
    with tempfile.TemporaryDirectory() as folder:
        make_images(folder)
        thumbnail = {"root": "images", "width": 20, "height": 20}
        with open(f"{folder}/gateway.yaml", "w") as file:
            json.dump({"listen": "127.0.0.1:0", "loops": 1, "stall": {"then": "abort"}, "pools": patient(), "routes": [
                {"path": "/t/*", "thumbnail": thumbnail}, {"path": "/u/*", "thumbnail": {**thumbnail, "root": "./images"}}]}, file)
        for without in (None, "openat2", "openat2=ENOSYS"):
            with Weir("serve", f"{folder}/gateway.yaml", without=without, preexec=lambda: os.chdir("/")) as weir:
                weir.at = weir.address()
                for path, status in (("/t/a.png", 200), ("/u/b.png", 200), ("/t/out.png", 404), ("/t/nothing.png", 404)):
                    same(post(weir, path, None, method="GET").status, status, path)
                weir.signal(signal.SIGTERM)
                same(weir.exit(), 0)
                same(sum("openat2 is refused" in (line or "") for line in weir.lines), 1 if without else 0)
        with Weir("serve", f"{folder}/gateway.yaml") as weir:
            weir.at = weir.address()
            same(post(weir, "/t/a.png", None, method="GET").status, 200)
            shutil.rmtree(f"{folder}/images")
            same(post(weir, "/t/a.png", None, method="GET").status, 404)
            make_images(folder)
            until("the root is found again", lambda: post(weir, "/t/a.png", None, method="GET").status == 200)


run(digests_are_right, methods_and_limits_hold, many_at_a_time_get_their_own, a_full_pool_refuses_and_others_go_on,
    who_leaves_while_queued_makes_room, what_was_compressed_comes_back, large_bodies_take_no_more_memory,
    too_many_compressors_are_refused, documents_are_reshaped, coded_bodies_are_decoded_or_refused, brotli_is_never_undone_on_a_loop, answers_are_compressed_on_their_way, thumbnails_are_made_of_files_and_bodies,
    what_would_take_too_much_memory_is_told_so_undecoded, what_would_take_too_much_computing_is_given_up, bombs_do_not_go_off, documents_nested_too_deep_are_refused,
    a_root_that_is_not_there_stops_the_start, a_root_begins_at_the_file_and_is_opened_without_openat2)
