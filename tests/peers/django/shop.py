# SPDX-License-Identifier: MIT
"""A shop as Django has it: forms with CSRF, a login, uploads, a streamed answer. It knows nothing of any gateway."""
import hashlib
import json
import time

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


def contact(request):
    if request.method == "POST":
        request.session["said"] = request.POST["text"]
        return redirect("/contact/thanks")
    return HttpResponse(f"<form method=post><input name=text><input type=hidden name=csrfmiddlewaretoken value={get_token(request)}></form>")


@csrf_exempt
def upload(request):
    file = request.FILES["file"]
    digest = hashlib.sha256()
    for piece in file.chunks():
        digest.update(piece)
    return JsonResponse({"name": file.name, "size": file.size, "sha256": digest.hexdigest()})


def report(request):
    def lines():
        for number in range(5):
            yield f"line {number}\n"
            time.sleep(0.05)
    return StreamingHttpResponse(lines(), content_type="text/plain")


def seen(request):
    names = ("HTTP_HOST", "REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_VIA", "HTTP_CONNECTION", "HTTP_X_ODD")
    return JsonResponse({**{name: request.META.get(name) for name in names}, "link": request.build_absolute_uri("/a"), "path": request.get_full_path()})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", lambda request: HttpResponse()),
    path("", lambda request: HttpResponse("<h1>shop</h1>")),
    path("contact", contact),
    path("contact/thanks", lambda request: HttpResponse("thanks for " + request.session["said"])),
    path("account", login_required(lambda request: HttpResponse(request.user.username), login_url="/admin/login/")),
    path("upload", upload),
    path("report", report),
    path("seen/<path:rest>", lambda request, rest: seen(request)),
    path("api/products/<int:number>", lambda request, number: JsonResponse({"number": number, "user": request.COOKIES.get("user")})),
    path("api/reviews", lambda request: HttpResponse(json.dumps([request.GET["product"], "good"]), content_type="application/json")),
    path("crash", lambda request: 1 // 0),
]
