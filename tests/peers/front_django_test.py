#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/front/django.md: a Django project as django-admin makes it, under gunicorn behind a Unix socket.

It is run by Debian's Python, which has Django and requests."""
import atexit
import contextlib
import functools
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

import requests

from front import HERE, Child, Page, listens_unix, program, url
from rig import PATIENCE, Weir, connect, receive, run, same, until

PAGE = Page("django")
ADDED = """
ROOT_URLCONF = "shop_urls"
DEBUG = False
"""


def png(width, height):
    """A picture of one colour."""
    def part(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\0" + b"\x20\x80\xc0" * width) * height
    return (b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            part(b"IDAT", zlib.compress(rows, 1)) + part(b"IEND", b""))


@functools.cache
def project():
    """The project, made once: django-admin startproject, the settings of the page, the views of the shop, a user."""
    folder = tempfile.mkdtemp(prefix="weir-front-")
    atexit.register(shutil.rmtree, folder)
    manage(folder, "-m", "django", "startproject", "shop", ".")
    with open(os.path.join(folder, "shop/settings.py"), "a", encoding="utf-8") as settings:
        settings.write(PAGE.files["settings.py"] + ADDED)
    shutil.copyfile(os.path.join(HERE, "django/shop.py"), os.path.join(folder, "shop_urls.py"))
    manage(folder, "manage.py", "migrate", "-v", "0")
    manage(folder, "manage.py", "createsuperuser", "--noinput", "--username", "ann", "--email", "ann@example.com")
    os.mkdir(os.path.join(folder, "media"))
    with open(os.path.join(folder, "media/cup.png"), "wb") as file:
        file.write(png(1000, 500))
    return folder


def manage(folder, *arguments):
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=4 * PATIENCE,
                          env={**os.environ, "DJANGO_SUPERUSER_PASSWORD": "a long word"})
    assert done.returncode == 0, f"Django (Debian package python3-django): {done.stderr}"


def gunicorn():
    """The command of the page."""
    socket = os.path.join(project(), "gunicorn.sock")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(socket) # that of one before, of which a worker may still be ending
    command = re.search(r"^    gunicorn (.*)$", open(os.path.join(HERE, "../../docs/front/django.md"), encoding="utf-8").read(), re.M)[1]
    assert "unix:/run/shop/gunicorn.sock shop.wsgi" in command, command
    return Child(program("gunicorn"), *command.replace("/run/shop/gunicorn.sock", socket).replace("workers 4", "workers 2").split(),
                 ready=lambda: listens_unix(socket), folder=project())


def gateway():
    return Weir("serve", config=PAGE.configured(**{"/run/shop/gunicorn.sock": os.path.join(project(), "gunicorn.sock"), "127.0.0.1:8081": "127.0.0.1:0", "deadline: 2s": "deadline: 2m",
                                                   "/srv/shop/media": os.path.join(project(), "media")}))


@contextlib.contextmanager
def shop():
    with gunicorn(), gateway() as weir, requests.Session() as session:
        yield weir, session


def token(answer):
    return re.search(r'csrfmiddlewaretoken["\']? value=["\']?(\w+)', answer.text)[1]


def forms_sessions_and_a_login_work():
    with shop() as (weir, session):
        same(session.get(url(weir, "/")).text, "<h1>shop</h1>")
        form = session.get(url(weir, "/contact"))
        said = session.post(url(weir, "/contact"), data={"text": "tea", "csrfmiddlewaretoken": token(form)})
        same((said.status_code, said.text, said.url), (200, "thanks for tea", url(weir, "/contact/thanks")))
        same(session.post(url(weir, "/contact"), data={"text": "tea"}).status_code, 403, "without the token")
        login = session.get(url(weir, "/account"))
        assert login.url.startswith(url(weir, "/admin/login/")), login.url
        inside = session.post(login.url, data={"username": "ann", "password": "a long word", "csrfmiddlewaretoken": token(login)})
        same((inside.status_code, inside.text, inside.url), (200, "ann", url(weir, "/account")))
        assert "Site administration" in session.get(url(weir, "/admin/")).text


def uploads_and_streams_pass():
    with shop() as (weir, session):
        body = os.urandom(20 << 20)
        answer = session.post(url(weir, "/upload"), files={"file": ("a b.bin", body)})
        same(answer.json(), {"name": "a b.bin", "size": len(body), "sha256": hashlib.sha256(body).hexdigest()})
        with session.get(url(weir, "/report"), stream=True) as report:
            pieces = list(report.raw.stream(decode_content=False))
        same(b"".join(pieces), b"".join(b"line %d\n" % number for number in range(5)))
        assert len(pieces) > 1, "the lines came all at once"


def the_client_is_seen_rightly():
    with shop() as (weir, session):
        seen = session.get(url(weir, "/seen/a%20b/c?x=1&x=%2F"), headers={"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "X-Odd": "1",
                                                                         "Connection": "keep-alive, x-odd"}).json()
        host = "%s:%d" % weir.address()
        same((seen["HTTP_HOST"], seen["HTTP_X_FORWARDED_FOR"], seen["HTTP_X_FORWARDED_PROTO"], seen["link"], seen["path"], seen["HTTP_X_ODD"]),
             (host, "127.0.0.1", "http", f"http://{host}/a", "/seen/a%20b/c?x=1&x=%2F", None), seen)
        same(session.get(url(weir, "/"), headers={"Host": "evil.example"}).status_code, 400, "a host that Django doesn't know")
        same([session.head(url(weir, "/")).status_code, session.get(url(weir, "/nowhere")).status_code, session.get(url(weir, "/crash")).status_code,
              session.options(url(weir, "/")).status_code], [200, 404, 500, 200])


def hot_routes_are_answered_in_front():
    with shop() as (weir, session):
        same(session.get(url(weir, "/robots.txt")).text, "User-agent: *\nDisallow: /admin/\n")
        small = session.get(url(weir, "/media/small/cup.png"))
        same((small.status_code, small.headers["content-type"]), (200, "image/jpeg"))
        assert struct.pack(">HH", 160, 320) in small.content, "no JPEG of 320 x 160 pixels"
        page = session.get(url(weir, "/api/page/7"), headers={"Cookie": "user=ann"})
        same(page.json(), {"product": {"status": 200, "body": {"number": 7, "user": "ann"}}, "reviews": {"status": 200, "body": ["7", "good"]}})


def slow_clients_hold_no_worker():
    """Two workers, and four clients that have sent a part of a form. They get their answers when they go on."""
    with gunicorn() as child, gateway() as weir, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connect(weir.address())) for _ in range(4)]
        for client in slow:
            client.sendall(b"POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1075\r\n\r\n"
                           b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n')
        for _ in range(10):
            same(requests.get(url(weir, "/"), timeout=PATIENCE).status_code, 200)
        assert "WORKER TIMEOUT" not in child.words(), child.words()
        for client in slow:
            client.sendall(b"x" * 1000 + b"\r\n--b--\r\n")
            same(receive(client).status, 200)


def it_dies_and_comes_back():
    with gateway() as weir, requests.Session() as session:
        with gunicorn() as child:
            same(session.get(url(weir, "/")).status_code, 200)
            os.unlink(os.path.join(project(), "gunicorn.sock"))
            child.end()
        dead = session.get(url(weir, "/"))
        same((dead.status_code, dead.json()["error"]["code"]), (502, "bad_gateway"))
        weir.wait_for('status=502 .*failed="?connect failed')
        same(session.get(url(weir, "/robots.txt")).status_code, 200)
        with gunicorn():
            until("Django answers again", lambda: session.get(url(weir, "/")).status_code == 200)


run(forms_sessions_and_a_login_work, uploads_and_streams_pass, the_client_is_seen_rightly, hot_routes_are_answered_in_front, slow_clients_hold_no_worker,
    it_dies_and_comes_back)
