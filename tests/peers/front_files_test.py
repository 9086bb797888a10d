#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files: nginx over the same tree answers with the same status and fields, curl and wget fetch parts, and a browser seeks in a recording."""
import contextlib
import gzip
import os
import re
import struct
import subprocess
import tempfile

from front import in_browser, is_second_run, program, url
from nginx import nginx
from rig import Weir, ask, run, same, until

LARGE = bytes(i * 7 + (i >> 8) & 255 for i in range(3 << 20))
OLD, OLD_DATE = 784111777, "Sun, 06 Nov 1994 08:49:37 GMT"
SECONDS = 120 # of the recording: longer than a browser reads ahead


def recording():
    """Two channels of silence of 16 bits, 44100 times a second."""
    data = bytes(SECONDS * 44100 * 4)
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, 44100, 44100 * 4, 4, 16) + b"data" + \
        struct.pack("<I", len(data)) + data


@contextlib.contextmanager
def serving(**more):
    """The gateway over a tree of files; gives the gateway and the tree."""
    with tempfile.TemporaryDirectory() as root:
        files = {"index.html": b"<p>start", "a.txt": b"0123456789", "a.txt.gz": gzip.compress(b"0123456789"), "empty.txt": b"", "large.bin": LARGE,
                 "sub/index.html": b"<p>sub", "style.css": b"p{}", "noending": b"x", "two words.txt": b"two", "packed.js": b"x=1;" * 999,
                 "packed.js.gz": gzip.compress(b"x=1;" * 999), **more}
        for name, content in files.items():
            path = os.path.join(root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
            os.utime(path, (OLD, OLD))
        with Weir("serve", config=f'listen: 127.0.0.1:0\nroutes:\n  - {{path: /f/*, file: {{root: "{root}", precompressed: true}}}}\n') as weir:
            yield weir, root


# ---- nginx ----

REQUESTS = [(path, fields) for path in ("a.txt", "large.bin", "empty.txt") for fields in (
    [], ["Range: bytes=0-0"], ["Range: bytes=-3"], ["Range: bytes=5-"], ["Range: bytes=99999999-"], ["Range: bytes=0-99999999999999"], ["Range: lines=0-1"],
    [f"If-Modified-Since: {OLD_DATE}"], ["If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT"], ["If-Modified-Since: Sun, 06 Nov 1994 08:49:38 GMT"],
    ["If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT"], [f"If-Unmodified-Since: {OLD_DATE}"], ['If-None-Match: "x"'], ["If-None-Match: *"], ["If-None-Match: ETAG"],
    ["If-None-Match: W/ETAG"], ['If-None-Match: "x"', f"If-Modified-Since: {OLD_DATE}"], ['If-Match: "x"'], ["If-Match: ETAG"], ["If-Match: *"], ["If-Match: W/ETAG"],
    ["Range: bytes=0-1", "If-Range: ETAG"], ["Range: bytes=0-1", 'If-Range: "x"'],
    ["Range: bytes=0-1", "If-Range: Sun, 06 Nov 1994 08:49:36 GMT"], ["Range: bytes=0-1", "If-None-Match: ETAG"], ['If-Match: "x"', "If-None-Match: ETAG"])
    if not (path == "empty.txt" and "Range: bytes" in str(fields))] # of an empty file we send the whole, nginx says 416 or 206
REQUESTS += [(path, []) for path in ("", "index.html", "sub", "sub?a=b", "sub/", "style.css", "noending", "two%20words.txt", "none", "a.txt/x", "none/", "a.txt/", ".%2e/x",
                                     "%00", "a.txt%00", "sub/../a.txt", "//a.txt", "A.TXT", "%61.txt")]
REQUESTS += [(path, [f"Accept-Encoding: {accept}"]) for path in ("a.txt", "packed.js", "style.css") for accept in ("gzip", "identity", "gzip;q=0", "br", "deflate, gzip", "*;q=0")]
SAME = ("content-length", "content-range", "content-encoding", "last-modified", "content-type", "location", "accept-ranges")


def seen(address, path, fields, method):
    """What is compared: status and fields, with the body."""
    fields = [field.split(": ", 1) for field in fields]
    if any("ETAG" in value for _, value in fields):
        etag = ask(address, "/f/" + path).headers["etag"]
        fields = [(name, value.replace("ETAG", etag)) for name, value in fields]
    got = ask(address, "/f/" + path, method, fields)
    if got.status >= 300 and got.status != 304: # an error page has no fields of the file
        return got.status, re.sub(r"^https?://[^/]+", "", got.headers.get("location", "")), got.headers.get("content-range")
    if got.status != 200 or "content-encoding" in got.headers: # nginx gives no parts of what is coded
        got.headers.pop("accept-ranges", None)
    if got.status == 304:
        got.headers.pop("content-type", None)
    return got.status, {name: got.headers.get(name) for name in SAME}, got.body


def nginx_answers_in_the_same_way():
    with serving() as (weir, root):
        types = "types { text/html html; text/plain txt; text/css css; text/javascript js; application/octet-stream bin; }"
        with nginx(f"charset utf-8; charset_types text/css text/plain text/javascript; {types}", f"""default_type application/octet-stream;
                location /f/ {{ alias {root}/; gzip_static on; gzip_vary on; if_modified_since before; }}""") as peer:
            for path, fields in REQUESTS:
                for method in ("GET", "HEAD"):
                    if method == "HEAD" and "Range" in str(fields):
                        continue # nginx gives a range of HEAD, for which Range has no meaning (RFC 9110, 14.2)
                    ours, theirs = (seen(address, path, fields, method) for address in (weir.address(), peer))
                    same(ours, theirs, f"{method} {path} {fields}")


def a_date_does_not_resume_what_has_siblings():
    """Siblings may have the same date, so that the part could be of another's bytes; nginx sends it."""
    with serving() as (weir, _):
        got = ask(weir.address(), "/f/a.txt", "GET", [("Range", "bytes=0-1"), ("If-Range", OLD_DATE)])
        same((got.status, got.body), (200, b"0123456789"), "If-Range with a date")


# ---- programs that fetch ----

def fetched(*command):
    done = subprocess.run(command, capture_output=True, timeout=300)
    same(done.returncode, 0, f"{command}: {done.stderr}")
    return done.stdout


def curl_fetches_parts_and_unpacks():
    with serving() as (weir, _):
        curl = (program("curl"), "-sSf")
        same(fetched(*curl, "--compressed", url(weir, "/f/packed.js")), b"x=1;" * 999)
        same(fetched(*curl, url(weir, "/f/large.bin")), LARGE)
        same(fetched(*curl, "-r", "1000000-2000000", url(weir, "/f/large.bin")), LARGE[1000000:2000001])
        same(fetched(*curl, "-r", "-5", url(weir, "/f/large.bin")), LARGE[-5:])
        same(fetched(*curl, "-L", url(weir, "/f/sub")), b"<p>sub")
        with tempfile.TemporaryDirectory() as folder: # keeps the tag, and asks again with it
            tag, out = os.path.join(folder, "tag"), os.path.join(folder, "out")
            fetched(*curl, "--etag-save", tag, "-o", out, url(weir, "/f/a.txt"))
            same(fetched(*curl, "--etag-compare", tag, "-o", os.devnull, "-w", "%{http_code}", url(weir, "/f/a.txt")), b"304")


def wget_goes_on_where_it_stopped():
    with serving() as (weir, _), tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "large.bin")
        with open(path, "wb") as file:
            file.write(LARGE[:1234567])
        fetched(program("wget"), "-q", "-c", "-O", path, url(weir, "/f/large.bin"))
        with open(path, "rb") as file:
            same(file.read(), LARGE)
        weir.wait_for(r"target=/f/large.bin .*status=206")
        fetched(program("wget"), "-q", "-N", "-P", folder, url(weir, "/f/a.txt"))
        fetched(program("wget"), "-q", "-N", "-P", folder, url(weir, "/f/a.txt")) # by its time: not again
        weir.wait_for(r"target=/f/a.txt .*status=304")


# ---- a browser ----

SEEK = """async () => {
  const sound = new Audio("/f/tone.wav");
  const happens = (name) => new Promise((resolve, reject) => {
    sound.addEventListener(name, resolve, { once: true });
    sound.addEventListener("error", () => reject(new Error(sound.error.message)), { once: true });
  });
  sound.preload = "metadata";
  await Promise.all([happens("loadedmetadata"), sound.load()]);
  const at = [];
  for (const time of [110, 5, 60]) {
    const seeked = happens("seeked");
    sound.currentTime = time;
    await seeked;
    at.push(Math.round(sound.currentTime));
  }
  return JSON.stringify([Math.round(sound.duration), at]);
}"""


def a_browser_seeks_in_a_recording():
    if is_second_run():
        return
    with serving(**{"tone.wav": recording()}) as (weir, _):
        same(in_browser(url(weir, "/f/"), SEEK), f"[{SECONDS},[110,5,60]]")

        def parts():
            return [line for line in weir.lines if line and "target=/f/tone.wav" in line and "status=206" in line]
        until("parts were fetched", lambda: len(parts()) >= 2)
        assert not [line for line in weir.lines if line and "target=/f/tone.wav" in line and "status=200" in line], "the whole was sent"


run(nginx_answers_in_the_same_way, a_date_does_not_resume_what_has_siblings, curl_fetches_parts_and_unpacks, wget_goes_on_where_it_stopped, a_browser_seeks_in_a_recording)
