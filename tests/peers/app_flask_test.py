#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/apps/flask.md: Flask under gunicorn with threads. Debian packages python3-flask and gunicorn."""
import os
import re

from app_cases import Shop, get, text_of
from rig import run, same, until

SHOP = Shop("flask", [("gunicorn",)], processes=2, places=4, line=r"shop.py:\d+")


def one_that_does_not_start_says_why_until_it_does():
    with SHOP.serving(**{'"shop:app"': '"shop:later"', "wait: 60s": "wait: 500ms"}) as weir:
        def broken():
            answer = get(weir, "/")
            assert answer.status == 503 and "retry-after" in answer.headers, (answer.status, answer.headers, answer.body)
            return answer.body.decode() if b"does not start" in answer.body else None
        said = until("the last line is told", broken)
        assert "Reason: App failed to load." in said, said # gunicorn's last line
        folder = re.search(r"^    cwd: (\S+)$", open(os.path.join(weir.directory.name, "gateway.yaml"), encoding="utf-8").read(), re.M)[1]
        with open(os.path.join(folder, "shop.py"), "a", encoding="utf-8") as file:
            file.write("\nlater = app\n")
        until("it runs, without a reload", lambda: get(weir, "/").status == 200)
        same(text_of(weir, "/static/app.css")[:4], "body")


def one_that_is_never_ready_is_tried_again():
    with SHOP.serving(**{"/healthz": "/nowhere", "within: 60s": "within: 2s", "wait: 60s": "wait: 500ms", "processes: 2": "processes: 1"}) as weir:
        weir.address()
        for _ in range(2):
            weir.wait_for("not ready")
        same(get(weir, "/").status, 503)


run(*SHOP.cases(), one_that_does_not_start_says_why_until_it_does, one_that_is_never_ready_is_tried_again, interfaces=(None,))
