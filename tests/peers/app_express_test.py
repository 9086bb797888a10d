#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/apps/express.md: Express on Node. Debian packages nodejs and node-express."""
from app_cases import Shop
from rig import run

SHOP = Shop("express", [("node", "nodejs")], processes=2, places=100, line=r"server.js:\d+")

run(*SHOP.cases(), interfaces=(None,))
