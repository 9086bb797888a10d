#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/apps/flask.md: Flask under gunicorn with threads. Debian packages python3-flask and gunicorn."""
from app_cases import Shop
from rig import run

SHOP = Shop("flask", [("gunicorn",)], processes=2, places=4, line=r"shop.py:\d+")

run(*SHOP.cases(), interfaces=(None,))
