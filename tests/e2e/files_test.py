#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""file: what a folder holds is sent, whole and in parts, coded and conditional; nothing else is ever sent."""
import contextlib
import email
import email.utils
import gzip
import os
import shutil
import socket
import tempfile
import time

from rig import PATIENCE, POOLS, Weir, ask, connect, read_head, receive, receive_body, run, same, until

SECRET = b"nobody may read this"
LARGE = bytes(i * 7 + (i >> 8) & 255 for i in range(200000)) # not in the memory of the cache
KEPT = 64 << 10 # the largest file that is
OLD = 784111777 # Sun, 06 Nov 1994 08:49:37 GMT
OLD_DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


class Tree:
    """A folder with the root 'public' and, beside it, what is not to be reached."""

    def __init__(self, stack):
        self.folder = stack.enter_context(tempfile.TemporaryDirectory())
        self.root = os.path.join(self.folder, "public")
        os.mkdir(self.root)
        self.put("../secret.txt", SECRET)
        for name, content in (("index.html", b"<p>start"), ("a.txt", b"0123456789"), ("empty.txt", b""), ("large.bin", LARGE), ("kept.bin", LARGE[:KEPT]),
                              ("more.bin", LARGE[:KEPT + 1]), ("two words.txt", b"two"), ("\u00e4.txt", b"umlaut"), ("50%.txt", b"half"), ("noending", b"x"),
                              ("sub/index.html", b"<p>sub"), ("list/a.txt", b"a"), ("list/index.html/x", b"x"), (".hidden", SECRET), (".git/config", SECRET),
                              (".well-known/token", b"token")):
            self.put(name, content)

    def put(self, name, content, when=OLD):
        """Writes a file as a whole, so that a reader finds the old or the new one."""
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "wb") as file:
            file.write(content)
        os.utime(path + ".new", (when, when))
        os.rename(path + ".new", path)

    def path(self, name):
        return os.path.join(self.root, name)


@contextlib.contextmanager
def serving(route="", more="", prepare=None, **options):
    """A gateway with the tree below /f; route: further keys of 'file'; more: of its route."""
    with contextlib.ExitStack() as stack:
        tree = Tree(stack)
        if prepare:
            prepare(tree)
        weir = stack.enter_context(Weir("serve", config=f"""
listen: 127.0.0.1:0
loops: 1
{POOLS}
routes:
  - {{path: /f/*, file: {{root: "{tree.root}"{route}}}{more}}}
""", **options))
        tree.weir = weir
        yield tree, weir.address()


def raw(address, target, headers=""):
    with connect(address) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: h\r\n{headers}\r\n".encode("latin-1"))
        return receive(connection)


def files_are_sent_whole():
    with serving(', cache_control: "max-age=60", types: {bin: application/x-own}') as (_, address):
        for name, body, kind in (("", b"<p>start", "text/html; charset=utf-8"), ("index.html", b"<p>start", "text/html; charset=utf-8"),
                                 ("a.txt", b"0123456789", "text/plain; charset=utf-8"), ("empty.txt", b"", "text/plain; charset=utf-8"),
                                 ("large.bin", LARGE, "application/x-own"), ("kept.bin", LARGE[:KEPT], "application/x-own"),
                                 ("more.bin", LARGE[:KEPT + 1], "application/x-own"), ("two%20words.txt", b"two", "text/plain; charset=utf-8"),
                                 ("%C3%A4.txt", b"umlaut", "text/plain; charset=utf-8"), ("50%25.txt", b"half", "text/plain; charset=utf-8"),
                                 ("noending", b"x", "application/octet-stream"), ("sub/", b"<p>sub", "text/html; charset=utf-8"),
                                 ("%61.txt", b"0123456789", "text/plain; charset=utf-8"), ("sub/../a.txt", b"0123456789", "text/plain; charset=utf-8"),
                                 ("a.txt?x=../y", b"0123456789", "text/plain; charset=utf-8"), ("/a.txt", b"0123456789", "text/plain; charset=utf-8")):
            for method in ("GET", "HEAD", "GET"):
                got = ask(address, "/f/" + name, method)
                same((got.status, got.body, got.headers["content-type"]), (200, body if method == "GET" else b"", kind), f"{method} {name}")
                same(got.headers.get("content-length"), str(len(body)), name)
                same((got.headers["last-modified"], got.headers["accept-ranges"], got.headers["cache-control"]), (OLD_DATE, "bytes", "max-age=60"), name)
                assert got.headers["etag"].startswith('"') and "vary" not in got.headers, got.headers


def other_methods_are_told_which_there_are():
    for more, others in (("", ("POST", "DELETE", "OPTIONS", "TRACE", "PROPFIND")), (', methods: [GET, OPTIONS], cors: {origins: "*"}', ("OPTIONS",))):
        with serving(more=more) as (_, address):
            for method in others:
                got = ask(address, "/f/a.txt", method, body=b"x")
                same((got.status, got.headers["allow"]), (405, "GET, HEAD"), method)
    with serving() as (_, address):
        same(ask(address, "/f/a.txt", body=b"a body of a GET").body, b"0123456789")


def folders_lead_to_their_slash():
    with serving() as (tree, address):
        os.mkdir(tree.path("bare"))
        for target, location in (("/f", "/f/"), ("/f?a=b&c=/", "/f/?a=b&c=/"), ("/f/sub", "/f/sub/"), ("/f/sub?q", "/f/sub/?q"), ("/f/%73ub", "/f/%73ub/"),
                                 ("/f/list/index.html", "/f/list/index.html/"), ("/f//sub", "/f//sub/")):
            got = raw(address, target)
            same((got.status, got.headers.get("location"), got.body), (301, location, b""), target)
        for target in ("/f/bare/", "/f/list/", "/f/list/index.html/", "/f/a.txt/", "/f/none/", "/f/sub/none"): # no listing, no index that is a folder
            same(raw(address, target).status, 404, target)


def a_redirect_never_leads_to_another_host():
    with contextlib.ExitStack() as stack:
        tree = Tree(stack)
        os.mkdir(tree.path("evil.com"))
        weir = stack.enter_context(Weir("serve", config=f'listen: 127.0.0.1:0\nloops: 1\n{POOLS}routes:\n  - {{path: /*, file: {{root: "{tree.root}"}}}}\n'))
        for target in ("//evil.com", "///evil.com", "//evil.com?a", "/.//evil.com", "/x/..//evil.com"):
            got = raw(weir.address(), target)
            if got.status == 301:
                assert got.headers["location"].startswith("/evil.com/"), (target, got.headers)


TRICKS = [
    "/f/../secret.txt", "/f/%2e%2e/secret.txt", "/f/.%2e/secret.txt", "/f/..%2fsecret.txt", "/f/%2e%2e%2fsecret.txt", "/f/sub/../../secret.txt",
    "/f/sub/%2e%2e/%2e%2e/secret.txt", "/f/%252e%252e/secret.txt", "/f/..%252fsecret.txt", "/f/%c0%ae%c0%ae/secret.txt", "/f/%c0%2e%c0%2e/secret.txt",
    "/f/%e0%80%ae%e0%80%ae/secret.txt", "/f/%uff0e%uff0e/secret.txt", "/f/..\\secret.txt", "/f/..%5csecret.txt", "/f/%5c..%5csecret.txt",
    "/f/.../secret.txt", "/f/.../.../secret.txt", "/f/..;/secret.txt", "/f/..%3b/secret.txt", "/f/..%00/secret.txt", "/f/a.txt%00.html", "/f/%00",
    "/f/a.txt.", "/f/a.txt..", "/f/a.txt%20", "/f/A.TXT", "/f/Sub/index.html", "/f/a.txt::$DATA", "/f/a.txt/", "/f/a.txt/x", "/f/a.txt/../../secret.txt",
    "/f/a.txt/%2e", "/f//../secret.txt", "/f/%2f..%2fsecret.txt", "/f/%2fetc%2fpasswd", "/f//etc/passwd", "/f/proc/self/environ", "/f/.", "/f/%2e", "/f/./..",
    "/f/.hidden", "/f/%2ehidden", "/f/.git/config", "/f/.git/", "/f/sub/../.git/config", "/f/.well-known/token", "/f/a%", "/f/a%2", "/f/a%zz",
    "/f/~root", "/f/*", "/f/" + "x" * 300, "/f/" + "x/" * 3000, "/f/" + "%41" * 2000, "/f/" + "../" * 500 + "secret.txt", "/f/sub/" + "./" * 500 + "x",
    "/f/absolute", "/f/relative", "/f/out/secret.txt", "/f/out", "/f/loop", "/f/magic", "/f/magic/self/environ", "/f/fifo", "/f/socket", "/f/null", "/f/fifo/",
]


def strange_things(tree):
    os.symlink(os.path.join(tree.folder, "secret.txt"), tree.path("absolute"))
    os.symlink("../secret.txt", tree.path("relative"))
    os.symlink("..", tree.path("out"))
    os.symlink("loop", tree.path("loop"))
    os.symlink("/proc", tree.path("magic"))
    os.symlink("/dev/null", tree.path("null"))
    os.symlink("sub/index.html", tree.path("inside"))
    os.mkfifo(tree.path("fifo"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(tree.path("socket"))
    with contextlib.suppress(OSError): # needs a privilege
        os.mknod(tree.path("device"), 0o20666, os.makedev(1, 3))


def no_trick_leads_out_of_the_root(without=None):
    with serving(prepare=strange_things, without=without) as (tree, address):
        for target in TRICKS + ["/f/device"] * os.path.exists(tree.path("device")):
            got = raw(address, target)
            if target in ("/f/.", "/f/%2e"): # resolved, as everywhere
                same(got.status in (200, 301), True, target)
                continue
            assert got.status in (400, 404), (target, got.status, got.body)
            assert SECRET not in got.body and b"root:" not in got.body, (target, got.body)
        same(raw(address, "/f/inside").body, b"<p>sub") # a link that stays inside is followed


def no_trick_leads_out_without_openat2():
    no_trick_leads_out_of_the_root(without="openat2=ENOSYS")


def what_may_not_be_read_does_not_exist():
    def close(tree):
        os.chmod(tree.path("a.txt"), 0)
        os.chmod(tree.path("sub"), 0)
        os.chmod(tree.path("list"), 0o100) # may be searched, not read
    ordinary = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    with serving(prepare=close, command=ordinary) as (tree, address):
        same([raw(address, "/f/" + name).status for name in ("a.txt", "sub/index.html", "sub/", "list/a.txt", "index.html")], [404, 404, 404, 200, 200])
        tree.weir.wait_for('warn a file is not sent path=a.txt why="the gateway.s user may not read it')
        for name in ("sub", "list"):
            os.chmod(tree.path(name), 0o700) # so that it can be removed


def the_log_says_which_file_is_there_and_is_not_sent():
    for name, why in (("relative", "a symbolic link leads out"), ("absolute", "a symbolic link leads out"), ("loop", "too many symbolic links"), ("fifo", "it is neither")):
        with serving(prepare=strange_things) as (tree, address):
            for target in ("/f/nothing", "/f/a.txt/x", "/f/" + "x" * 300): # what is not there is no operator's matter
                same(raw(address, target).status, 404, target)
            same(raw(address, "/f/" + name).status, 404, name)
            tree.weir.wait_for(f'warn a file is not sent path={name} why="{why}.*more=0')


def rules_hold_for_every_spelling_of_a_path():
    """A file may lie below the roots of two routes. What asks for it in another spelling is led to the route that its plain path has."""
    with contextlib.ExitStack() as stack:
        tree = Tree(stack)
        for name in ("own/s.txt", "@own/s.txt", "one.txt"):
            tree.put(name, SECRET)
        tree.put("../tokens", b"t\n")
        guard = f'auth: {{bearer: "{tree.folder}/tokens"}}'
        weir = stack.enter_context(Weir("serve", config=f"""
listen: 127.0.0.1:0
routes:
  - {{path: /own/*, file: {{root: "{tree.root}/own"}}, {guard}}}
  - {{path: /@own/*, file: {{root: "{tree.root}/@own"}}, {guard}}}
  - {{path: /one.txt, respond: {{body: x}}, {guard}}}
  - {{path: /two.txt, methods: [POST], respond: {{body: x}}, {guard}}}
  - {{path: /a.txt, host: other, respond: {{body: x}}, {guard}}}
  - {{path: /*, file: {{root: "{tree.root}", fallback: index.html}}}}
"""))
        address = weir.address()
        for target, location in (("//own/s.txt", "/own/s.txt"), ("/.//own//s.txt", "/own/s.txt"), ("/x/..//own/s.txt?a=/b", "/own/s.txt?a=/b"), ("http://h//own/s.txt", "/own/s.txt"),
                                 ("/%40own/s.txt", "/@own/s.txt"), ("//%40own/s.txt?q", "/@own/s.txt?q"), ("//one.txt", "/one.txt"), ("//own", "/own"), ("///own///", "/own/")):
            got = raw(address, target)
            same((got.status, got.headers.get("location"), got.body), (301, location, b""), target)
            same(raw(address, location).status, 401, location)
        for target in ("//a.txt", "/list//a.txt", "//two%20words.txt", "/sub//..//a.txt", "/%5Cown/s.txt"): # of this route in any spelling
            got = raw(address, target)
            assert got.status == 200 and got.body != SECRET, target
        same(raw(address, "/own%2Fs.txt").status, 404)


def dot_files_are_sent_when_named():
    with serving(", dot_files: [.well-known]") as (_, address):
        same(raw(address, "/f/.well-known/token").body, b"token")
        same(raw(address, "/f/%2ewell-known/token").body, b"token")
        for target in ("/f/.hidden", "/f/.git/config", "/f/.well-known/../.hidden", "/f/.well-known2/token"):
            same(raw(address, target).status, 404, target)


def conditions_are_heeded():
    with serving() as (tree, address):
        etag = raw(address, "/f/a.txt").headers["etag"]
        for headers, status in ((f"If-None-Match: {etag}", 304), (f"If-None-Match: W/{etag}", 304), ('If-None-Match: "x"', 200), ("If-None-Match: *", 304),
                                (f'If-None-Match: "x"\r\nIf-None-Match: {etag}', 304), (f"If-Modified-Since: {OLD_DATE}", 304),
                                ("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 200), ("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", 304),
                                ("If-Modified-Since: junk", 200), (f'If-None-Match: "x"\r\nIf-Modified-Since: {OLD_DATE}', 200),
                                ('If-Match: "x"', 412), (f"If-Match: {etag}", 200), (f"If-Match: W/{etag}", 412), ("If-Match: *", 200),
                                ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 412), (f"If-Unmodified-Since: {OLD_DATE}", 200),
                                (f'If-Match: "x"\r\nIf-None-Match: {etag}', 412), (f"If-Range: {etag}\r\nRange: bytes=0-1", 206),
                                (f"If-Range: {OLD_DATE}\r\nRange: bytes=0-1", 206), ('If-Range: "x"\r\nRange: bytes=0-1', 200),
                                (f"If-Range: W/{etag}\r\nRange: bytes=0-1", 200), ("If-Range: Sun, 06 Nov 1994 08:49:38 GMT\r\nRange: bytes=0-1", 200),
                                ('If-Range: "x"\r\nRange: bytes=99-', 200), (f"If-Range: {etag}\r\nRange: bytes=99-", 416),
                                (f"If-None-Match: {etag}\r\nRange: bytes=0-1", 304)):
            got = raw(address, "/f/a.txt", headers + "\r\n")
            same(got.status, status, headers)
            if status in (200, 206, 304):
                same((got.headers["etag"], got.headers["last-modified"]), (etag, OLD_DATE), headers)
        tree.put("a.txt", b"9876543210", OLD + 1)
        until("the new version is seen", lambda: raw(address, "/f/a.txt", f"If-None-Match: {etag}\r\n").status == 200)
        future = time.time() + 1e6
        tree.put("future.txt", b"x", future)
        assert email.utils.parsedate_to_datetime(raw(address, "/f/future.txt").headers["last-modified"]).timestamp() <= time.time()


def ranges_are_sent():
    with serving() as (_, address):
        for name, whole in (("a.txt", b"0123456789"), ("large.bin", LARGE)):
            size = len(whole)
            for text, part in (("0-0", slice(0, 1)), ("2-5", slice(2, 6)), ("5-", slice(5, size)), ("-3", slice(size - 3, size)), ("0-99999999999999999999", slice(0, size)),
                               (f"-{size + 5}", slice(0, size)), ("0-3,2-6", slice(0, 7)), (f"{size}-,1-1", slice(1, 2))):
                got = raw(address, f"/f/{name}", f"Range: bytes={text}\r\n")
                same((got.status, got.body, got.headers.get("content-range")),
                     (206, whole[part], f"bytes {part.start}-{part.stop - 1}/{size}"), f"{name} {text}")
            for text in (f"{size}-", "99999999999999999999-", "-0", f"{size}-,{size + 5}-"):
                got = raw(address, f"/f/{name}", f"Range: bytes={text}\r\n")
                same((got.status, got.headers.get("content-range")), (416, f"bytes */{size}"), f"{name} {text}")
            many = "bytes=" + ",".join(f"{i}-" for i in range(1000))
            for text in ("lines=0-1", "bytes=5-2", "bytes=x", "bytes", "bytes=0-1\r\nRange: bytes=2-3", many):
                got = raw(address, f"/f/{name}", f"Range: {text}\r\n")
                same((got.status, got.body), (200, whole), f"{name} {text[:30]}")
            with connect(address) as connection:
                connection.sendall(f"HEAD /f/{name} HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\n\r\n".encode())
                same(receive(connection, "HEAD").headers["content-length"], str(size)) # Range is of GET alone
        same(raw(address, "/f/empty.txt", "Range: bytes=0-\r\n").status, 200)


def several_ranges_are_parts():
    with serving() as (_, address):
        for name, whole in (("a.txt", b"0123456789"), ("large.bin", LARGE)):
            size = len(whole)
            wanted = [(0, 1), (size - 2, size - 1), (4, 5)] if size < 100 else [(0, 9), (100000, 180000), (50, 70000)]
            got = raw(address, f"/f/{name}", "Range: bytes=" + ", ".join(f"{a}-{b}" for a, b in wanted) + "\r\n")
            same(got.status, 206)
            message = email.message_from_bytes(b"Content-Type: " + got.headers["content-type"].encode() + b"\r\n\r\n" + got.body)
            parts = message.get_payload()
            same([part["content-range"] for part in parts], [f"bytes {a}-{b}/{size}" for a, b in wanted])
            boundary = got.headers["content-type"].partition("boundary=")[2].encode()
            pieces = got.body.split(b"\r\n--" + boundary)[1:-1]
            same([piece.partition(b"\r\n\r\n")[2] for piece in pieces], [whole[a:b + 1] for a, b in wanted])
            assert "content-range" not in got.headers and got.headers["accept-ranges"] == "bytes", got.headers


def siblings_are_sent_by_the_clients_weights():
    def prepare(tree):
        tree.put("page.txt", b"page")
        for ending in ("br", "zst", "gz"):
            tree.put(f"page.txt.{ending}", f"packed by {ending}".encode())
        tree.put("packed.txt", LARGE)
        tree.put("packed.txt.gz", gzip.compress(LARGE))
        tree.put("only.txt.gz", b"x")
        os.mkdir(tree.path("a.txt.gz"))
    with serving(", precompressed: true", prepare=prepare) as (_, address):
        tags = set()
        for accept, coding in ((None, None), ("", None), ("gzip", "gzip"), ("GZIP", "gzip"), ("br, gzip, zstd", "br"), ("gzip, zstd", "zstd"), ("gzip, br;q=0.5", "gzip"),
                               ("*", "br"), ("br;q=0, *", "zstd"), ("*;q=0", None), ("identity", None), ("identity;q=0", None), ("identity;q=0, gzip", "gzip"),
                               ("identity, gzip;q=0.5", None), ("identity;q=0.2, gzip;q=0.5", "gzip"), ("gzip;q=0", None), ("gzip;q=x", None), ("deflate", None),
                               ("br;q=0.001\r\nAccept-Encoding: gzip", "gzip")):
            got = raw(address, "/f/page.txt", "" if accept is None else f"Accept-Encoding: {accept}\r\n")
            ending = {"gzip": "gz", "zstd": "zst"}.get(coding, coding)
            same((got.status, got.body, got.headers.get("content-encoding")), (200, f"packed by {ending}".encode() if coding else b"page", coding), accept)
            same((got.headers["vary"], got.headers["content-type"]), ("accept-encoding", "text/plain; charset=utf-8"), accept)
            tags.add((got.headers["etag"], coding))
        same(len({tag for tag, _ in tags}), 4, f"a tag for each coding: {tags}")
        tag = dict((coding, tag) for tag, coding in tags)
        same(raw(address, "/f/page.txt", f"Accept-Encoding: br\r\nIf-None-Match: {tag['br']}\r\n").status, 304)
        got = raw(address, "/f/page.txt", f"Accept-Encoding: br\r\nIf-None-Match: {tag['gzip']}\r\n")
        same((got.status, got.headers["vary"]), (200, "accept-encoding"))
        got = raw(address, "/f/page.txt", f"Accept-Encoding: br\r\nIf-Range: {tag['br']}\r\nRange: bytes=0-5\r\n") # of the coded bytes
        same((got.status, got.body, got.headers["content-encoding"]), (206, b"packed", "br"))
        same(raw(address, "/f/page.txt", f"Accept-Encoding: gzip\r\nIf-Range: {tag['br']}\r\nRange: bytes=0-5\r\n").status, 200)
        same(gzip.decompress(raw(address, "/f/packed.txt", "Accept-Encoding: gzip\r\n").body), LARGE)
        same(raw(address, "/f/only.txt", "Accept-Encoding: gzip\r\n").status, 404) # a sibling is no file of its own …
        same(raw(address, "/f/only.txt.gz").headers["content-type"], "application/gzip") # … but can be asked for
        same(raw(address, "/f/page.txt.gz").headers.get("content-encoding"), None)
        same(raw(address, "/f/a.txt", "Accept-Encoding: gzip\r\n").body, b"0123456789") # a folder is no sibling


def siblings_are_left_alone_unless_asked_for():
    with serving(prepare=lambda tree: tree.put("a.txt.gz", b"packed")) as (_, address):
        got = raw(address, "/f/a.txt", "Accept-Encoding: gzip\r\n")
        same((got.body, got.headers.get("content-encoding"), got.headers.get("vary")), (b"0123456789", None, None))


def missing_files_fall_back():
    with serving(", fallback: /index.html, precompressed: true", prepare=lambda tree: tree.put("index.html.gz", gzip.compress(b"<p>start"))) as (tree, address):
        for target in ("/f/users/5", "/f/none.js", "/f/none/", "/f/a.txt/x", "/f/list/", "/f/users?id=5"):
            got = raw(address, target)
            same((got.status, got.body, got.headers["content-type"]), (200, b"<p>start", "text/html; charset=utf-8"), target)
        got = raw(address, "/f/users/5", "Accept-Encoding: gzip\r\n")
        same((got.headers["content-encoding"], gzip.decompress(got.body)), ("gzip", b"<p>start"))
        same(raw(address, "/f/users/5", f"If-None-Match: {got.headers['etag']}\r\nAccept-Encoding: gzip\r\n").status, 304)
        for target in ("/f/.git/config", "/f/%2ehidden", "/f/a%2zb"): # never asked of the tree, so never missing
            same(raw(address, target).status in (400, 404), True, target)
        same((raw(address, "/f/a.txt").body, raw(address, "/f/sub").status), (b"0123456789", 301))
        os.unlink(tree.path("index.html"))
        until("it has gone", lambda: raw(address, "/f/users/5").status == 404)


def a_fallback_is_asked_for_anew():
    """The assets of an application have names that change with them, so they may be kept; its page has not."""
    for keep, wanted in (("public, max-age=31536000, immutable", "no-cache"), (None, "no-cache"), ("private, max-age=60", "no-cache, private"),
                         ("max-age=60, no-transform", "no-cache, no-transform"), ("no-store", "no-store"), ("No-Cache, a=b", "No-Cache, a=b"),
                         ('a="x, private"', "no-cache")):
        own = "" if keep is None else f", cache_control: '{keep}'"
        with serving(f", fallback: index.html{own}") as (_, address):
            etag = raw(address, "/f/users/5").headers["etag"]
            for target, field, status in (("/f/users/5", "", 200), ("/f/none.js", "", 200), ("/f/none/", f"If-None-Match: {etag}\r\n", 304),
                                          ("/f/none", "Range: bytes=0-1\r\n", 206)):
                got = raw(address, target, field)
                same((got.status, got.headers["cache-control"], got.headers["etag"]), (status, wanted, etag), f"{keep} {target}")
            for target in ("/f/a.txt", "/f/", "/f/index.html", "/f/sub/"): # by their own names they are files of the route
                same((raw(address, target).status, raw(address, target).headers.get("cache-control")), (200, keep), f"{keep} {target}")


def answers_may_be_compressed():
    text = b"some text that repeats itself, " * 500

    def prepare(tree):
        tree.put("long.txt", text)
        tree.put("long.txt.br", b"packed before")
    with serving(more=", compress_response: true", prepare=prepare) as (_, address):
        same(raw(address, "/f/long.txt").headers["vary"], "accept-encoding")
        same(raw(address, "/f/long.txt", f"If-Modified-Since: {OLD_DATE}\r\n").headers["vary"], "accept-encoding")
    with serving(", precompressed: true", more=", compress_response: {encodings: [gzip]}", prepare=prepare) as (_, address):
        got = raw(address, "/f/long.txt", "Accept-Encoding: gzip\r\n")
        same((got.headers["content-encoding"], gzip.decompress(got.body), got.headers.get("accept-ranges")), ("gzip", text, None))
        assert got.headers["etag"].startswith('W/"'), got.headers
        known = raw(address, "/f/long.txt", f"Accept-Encoding: gzip\r\nIf-None-Match: {got.headers['etag']}\r\n")
        same((known.status, known.headers["vary"], known.headers["etag"]), (304, "accept-encoding", got.headers["etag"]))
        same(raw(address, "/f/long.txt", f"Range: bytes=0-3\r\nIf-Range: {OLD_DATE}\r\n").status, 200) # a date may be that of the packed bytes
        same(raw(address, "/f/long.txt", f"Range: bytes=0-3\r\nIf-Range: {got.headers['etag']}\r\n").status, 200) # of other bytes
        got = raw(address, "/f/long.txt", "Accept-Encoding: br, gzip\r\n")
        same((got.headers["content-encoding"], got.body, got.headers["vary"]), ("br", b"packed before", "accept-encoding"))
        got = raw(address, "/f/long.txt", "Accept-Encoding: gzip\r\nRange: bytes=0-3\r\n")
        same((got.status, got.body, got.headers.get("content-encoding")), (206, text[:4], None))


def a_head_has_the_headers_of_its_get():
    """But for a length that only the body tells."""
    def prepare(tree):
        tree.put("long.txt", b"some text that repeats itself, " * 500)
        tree.put("large.txt", b"some text that repeats itself, " * 5000)
        tree.put("noise.txt", os.urandom(5000))
        tree.put("long.txt.br", b"packed before")
    for more in ("", ", compress_response: true"):
        with serving(", precompressed: true, fallback: a.txt, cache_control: 'max-age=5'", more=more, prepare=prepare) as (_, address):
            etag = raw(address, "/f/long.txt").headers["etag"]
            for name in ("long.txt", "large.txt", "noise.txt", "a.txt", "empty.txt", "large.bin", "none", "sub", "sub/", ".hidden"):
                for fields in ("", "Accept-Encoding: gzip\r\n", "Accept-Encoding: br\r\n", "Accept-Encoding: zstd, gzip;q=0.5\r\n", f"If-None-Match: {etag}\r\n",
                               'If-Match: "x"\r\n'):
                    got = raw(address, "/f/" + name, fields)
                    with connect(address) as connection:
                        connection.sendall(f"HEAD /f/{name} HTTP/1.1\r\nHost: h\r\n{fields}\r\n".encode())
                        head = receive(connection, "HEAD")
                    wanted, has = ({key: value for key, value in one.headers.items() if key not in ("date", "transfer-encoding")} for one in (got, head))
                    if "content-length" not in has and "content-encoding" in has:
                        wanted.pop("content-length", None)
                    same((head.status, has), (got.status, wanted), f"{more} {name} {fields}")


def a_file_that_is_cut_breaks_its_answer_off():
    size = 256 << 20 # more than sockets hold

    def prepare(tree):
        tree.put("huge.bin", b"")
        os.truncate(tree.path("huge.bin"), size)
    for headers in ("", "Range: bytes=5-\r\n", f"Range: bytes=0-1,10-{size - 5}\r\n"):
        with serving(prepare=prepare) as (tree, address), connect(address) as connection:
            connection.sendall(f"GET /f/huge.bin HTTP/1.1\r\nHost: h\r\n{headers}\r\n".encode())
            head = read_head(connection)
            assert b"200 OK" in head or b"206 " in head, head
            connection.recv(1000)
            os.truncate(tree.path("huge.bin"), 1000)
            got = 1000
            with contextlib.suppress(ConnectionResetError):
                while piece := connection.recv(1 << 20):
                    got += len(piece)
            assert got < size - 1000, "the answer looks whole"
            tree.weir.wait_for('warn a file is not sent path=huge.bin why="it became shorter while it was sent"')
            same(raw(address, "/f/a.txt").body, b"0123456789")


def a_file_that_is_replaced_is_sent_as_it_was():
    size = 64 << 20

    def prepare(tree):
        tree.put("huge.bin", b"")
        os.truncate(tree.path("huge.bin"), size)
    with serving(prepare=prepare) as (tree, address), connect(address) as connection:
        connection.sendall(b"GET /f/huge.bin HTTP/1.1\r\nHost: h\r\n\r\n")
        head = read_head(connection)
        tree.put("huge.bin", b"new")
        body = receive_body(connection, {"content-length": str(size)})
        same((len(body), body.count(0)), (size, size), head)
        connection.sendall(b"GET /f/a.txt HTTP/1.1\r\nHost: h\r\n\r\n") # the connection goes on
        same(receive(connection).body, b"0123456789")
        until("the new file is seen", lambda: raw(address, "/f/huge.bin").body == b"new")


def a_large_file_that_is_changed_in_place_is_seen_at_once():
    """Its tag and length are those of the bytes that are sent: a log that grows, and one that was cut by logrotate's copytruncate."""
    with serving(prepare=lambda tree: tree.put("app.log", LARGE)) as (tree, address):
        tags = set()
        for size in (len(LARGE), 2 * len(LARGE), len(LARGE) // 2):
            with open(tree.path("app.log"), "r+b") as file:
                file.write(LARGE * 2)
                file.truncate(size)
            got = raw(address, "/f/app.log")
            same((got.status, got.body == (LARGE * 2)[:size]), (200, True), size)
            tags.add(got.headers["etag"])
        same(len(tags), 3)


def tags_and_contents_belong_together_while_a_tree_changes():
    with serving() as (tree, address), connect(address) as connection:
        versions, seen = {}, set()
        for number in range(6):
            content = bytes([65 + number]) * (10 + number if number % 2 else 100000 + number) # kept in memory, and not
            tree.put("changing.txt", content, OLD + number)

            def is_seen(content=content):
                connection.sendall(b"GET /f/changing.txt HTTP/1.1\r\nHost: h\r\n\r\n")
                got = receive(connection)
                same(len(set(got.body)), 1, "a mixture of versions")
                same(versions.setdefault(got.headers["etag"], got.body), got.body, "the content of a tag")
                seen.add(got.headers["etag"])
                return got.body == content
            until("the new version is seen", is_seen)
        same(len(seen), 6)
        os.unlink(tree.path("changing.txt"))
        until("it has gone", lambda: raw(address, "/f/changing.txt").status == 404)
        os.mkdir(tree.path("changing.txt"))
        until("it is a folder", lambda: raw(address, "/f/changing.txt").status == 301)


def a_root_that_is_made_anew_is_found_again():
    """As builds do, which remove what they made before. What is in its place meanwhile by another name is not it."""
    with serving(", fallback: index.html") as (tree, address):
        same(raw(address, "/f/a.txt").body, b"0123456789")
        shutil.rmtree(tree.root)
        until("all has gone", lambda: raw(address, "/f/a.txt").status == 404 and raw(address, "/f/none").status == 404)
        os.mkdir(tree.root)
        tree.put("a.txt", b"anew")
        tree.put("index.html", b"<p>anew")
        until("it is there again", lambda: raw(address, "/f/a.txt").body == b"anew" and raw(address, "/f/none").body == b"<p>anew")
        shutil.rmtree(tree.root)
        os.mkdir(tree.root)
        tree.put("b.txt", b"at once")
        time.sleep(1.1) # it is looked for again a second after the last look
        same(raw(address, "/f/b.txt").body, b"at once")
        tree.put("a.txt", b"anew")
        tree.put("index.html", b"<p>anew")
        until("all is there again", lambda: raw(address, "/f/a.txt").body == b"anew" and raw(address, "/f/none").body == b"<p>anew")
        os.rename(tree.root, tree.root + ".old") # a folder that was not removed stays the root until a reload
        os.mkdir(tree.root)
        tree.put("a.txt", b"another")
        for _ in range(3):
            same((raw(address, "/f/a.txt").body, raw(address, "/f/none").body), (b"anew", b"<p>anew"))


def requests_may_come_together():
    with serving() as (_, address), connect(address) as connection:
        names = ("a.txt", "large.bin", "none", "a.txt", "more.bin")
        connection.sendall("".join(f"GET /f/{name} HTTP/1.1\r\nHost: h\r\n\r\n" for name in names).encode())
        same([(got.status, len(got.body)) for got in (receive(connection) for _ in names) if got.status == 200],
             [(200, 10), (200, len(LARGE)), (200, 10), (200, KEPT + 1)])


def a_slow_reader_gets_all_of_many_files():
    """When a head is to be sent the socket has room for a part of it, or for none."""
    count = 200
    with serving() as (_, address), socket.socket() as client:
        client.settimeout(PATIENCE)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client.connect(address)
        client.sendall(b"GET /f/large.bin HTTP/1.1\r\nHost: a\r\n\r\n" * count)
        with client.makefile("rb") as answers:
            for _ in range(count):
                while (line := answers.readline()) != b"\r\n":
                    same(bool(line), True)
                same(answers.read(len(LARGE)) == LARGE, True)


run(files_are_sent_whole, other_methods_are_told_which_there_are, folders_lead_to_their_slash, a_redirect_never_leads_to_another_host,
    no_trick_leads_out_of_the_root, no_trick_leads_out_without_openat2, what_may_not_be_read_does_not_exist,
    the_log_says_which_file_is_there_and_is_not_sent, rules_hold_for_every_spelling_of_a_path, dot_files_are_sent_when_named,
    conditions_are_heeded, ranges_are_sent, several_ranges_are_parts, siblings_are_sent_by_the_clients_weights, siblings_are_left_alone_unless_asked_for,
    missing_files_fall_back, a_fallback_is_asked_for_anew, answers_may_be_compressed, a_head_has_the_headers_of_its_get, a_file_that_is_cut_breaks_its_answer_off, a_file_that_is_replaced_is_sent_as_it_was,
    a_large_file_that_is_changed_in_place_is_seen_at_once, tags_and_contents_belong_together_while_a_tree_changes, a_root_that_is_made_anew_is_found_again, requests_may_come_together, a_slow_reader_gets_all_of_many_files)
