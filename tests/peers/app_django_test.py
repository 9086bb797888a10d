#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/apps/django.md: Django under gunicorn. Debian packages python3-django and gunicorn."""
from app_cases import Shop
from rig import run

SHOP = Shop("django", [("gunicorn",)], processes=4, places=1, line=r"shop/urls.py:\d+")

run(*SHOP.cases(), interfaces=(None,))
