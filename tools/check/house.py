# SPDX-License-Identifier: MIT
"""The layers of the library, and who may know whom: for the checks of includes and of symbols."""

# A layer may use those of a lower rank, and itself; layers of one rank don't know each other.
RANK = {"base": 0, "http/message": 1, "io": 1, "core": 2, "symbols": 3, "net": 3, "guard": 4, "pool": 5, "watch": 6, "run": 7,
        "http/server": 8, "http/client": 8, "db": 8}

# HTTP reaches the kernel by way of streams: it includes nothing of the seam, and needs no symbol of it but the clock of core/loop.h.
BEHIND_STREAMS, ABOVE_STREAMS = "io", ["http/server", "http/client"]
CLOCK = "weir__io_now_ns"

# Beside the layers: a library of its own, that knows the file of libweir that both share.
PRELOAD, PRELOAD_LINK = "guard/preload", "guard/link.h"

# Files that need each other: at most so many in one circle of a layer or of a program; elsewhere CIRCLE_MAX.
CIRCLE_MAX = 3
CIRCLES_MAX = {"http/message": 4, "http/server": 1, "app": 1}


def layer_of(path):
    """The layer of a file, by its path from src/; None: it stands in none."""
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
    """Of a file, by its path from the root."""
    top, rest = path.split("/", 1)
    return CIRCLES_MAX.get(layer_of(rest) if top == "src" else top, CIRCLE_MAX)
