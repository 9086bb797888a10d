# SPDX-License-Identifier: MIT
"""The shop of docs/apps/django.md: an application that knows nothing of weir."""
import hashlib
import os
import re
import time

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views.static import serve


def upload(request):
    size, digest = 0, hashlib.sha256()
    while piece := request.read(65536):
        size += len(piece)
        digest.update(piece)
    return JsonResponse({"size": size, "sha256": digest.hexdigest()})


def seen(request):
    return JsonResponse({"client": request.headers["X-Forwarded-For"], "host": request.get_host()})


def wait(request):
    time.sleep(float(request.GET["seconds"]))
    return HttpResponse(str(os.getpid()))


def regex(request):
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        re.match("(a+)+$", "a" * 20 + "!")
    return HttpResponse("no match")


urlpatterns = [
    path("", lambda request: HttpResponse("shop")),
    path("healthz", lambda request: HttpResponse()),
    path("upload", upload),
    path("seen", seen),
    path("pid", lambda request: HttpResponse(str(os.getpid()))),
    path("big", lambda request: HttpResponse("x" * 200000)),
    path("wait", wait),
    path("regex", regex),
    path("static/<path:path>", serve, {"document_root": os.path.join(settings.BASE_DIR, "static")}),
]
