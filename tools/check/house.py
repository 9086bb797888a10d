# SPDX-License-Identifier: MIT
"""The layers of the library and their order, for the checks of includes and of symbols."""

# A layer may use itself and layers of a lower rank; layers of equal rank must not use each other.
RANK = {"base": 0, "http/message": 1, "io": 1, "core": 2, "symbols": 3, "names": 3, "net": 4, "guard": 5, "pool": 6, "process": 7, "watch": 7, "tls/context": 7, "tls/transport": 8,
        "run": 9, "http/server": 10, "http/client": 10, "db": 10, "http/pump": 11}

# HTTP reaches the kernel through streams: it includes nothing of the seam, and needs no symbol of it except the clock of core/loop.h.
BEHIND_STREAMS, ABOVE_STREAMS = "io", ["http/server", "http/client", "http/pump"]
CLOCK = "weir__io_now_ns"

# Outside the layers: a library of its own, which includes only the file that it shares with libweir.
PRELOAD, PRELOAD_LINK = "guard/preload", "guard/link.h"

# The largest allowed circle of files that need each other, by layer or program; elsewhere CIRCLE_MAX.
CIRCLE_MAX = 3
CIRCLES_MAX = {"http/client": 1, "http/message": 1, "net": 1, "http/server": 1, "app": 1}

# The rooms of the program: each may use those of a lower rank. main.c stands above them all.
ROOMS = {"jobs": 0, "text": 0, "config": 1, "http": 2, "apps": 2, "auth": 3, "files": 3, "edge": 3, "routes": 4, "metrics": 5, "outliers": 6, "admin": 7, "gateway": 8,
         "supervisor": 9, "commands": 10}


def layer_of(path):
    """Returns the layer of a file, by its path from src/; None: it is in no layer."""
    if path.startswith(PRELOAD + "/"):
        return PRELOAD
    parts = path.split("/")
    for layer in ("/".join(parts[:2]), parts[0]):
        if layer in RANK:
            return layer
    return None


def may_use(layer, other):
    if other == BEHIND_STREAMS and layer in ABOVE_STREAMS:
        return False
    return layer == other or RANK[other] < RANK[layer]


def below(layer):
    return [each for each in RANK if may_use(layer, each)]


def circle_max(path):
    """Returns the largest allowed circle for a file, by its path from the root."""
    top, rest = path.split("/", 1)
    return CIRCLES_MAX.get(layer_of(rest) if top == "src" else top, CIRCLE_MAX)
