# SPDX-License-Identifier: MIT
"""Shared by the checks: the files of the project, and the report of a finding."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ["include", "src", "app", "examples", "tests", "bench", "docs", "tools", ".ci"]

found = 0


def files(*endings, under=FOLDERS):
    """Returns paths relative to the root, sorted: all files, or files whose names have the given endings."""
    paths = []
    for folder in under:
        for where, folders, names in os.walk(os.path.join(ROOT, folder)):
            folders[:] = [name for name in folders if name not in ("__pycache__", "corpus")]
            paths += [os.path.relpath(os.path.join(where, name), ROOT) for name in names]
    return sorted(path for path in paths if not endings or path.endswith(endings))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def blank(match):
    """Returns spaces instead of the match, so that offsets and lines do not change."""
    return re.sub(r"[^\n]", " ", match[0])


def without_comments(text):
    """The text with blanks for comments; what looks like one in a string is none."""
    return re.sub(r'("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')|/\*.*?\*/|//[^\n]*', lambda found: found[1] or blank(found), text, flags=re.S)


def includes(path):
    """Yields the includes of a file: line, < or ", and the name between."""
    text = without_comments(read(path))
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', text, re.M):
        yield line_of(text, match.start()), match[1], match[2]


def finding(path, line, what, expected):
    global found
    found += 1
    print(f"{path}:{line}: {what}, expected {expected}", file=sys.stderr)


def finish():
    sys.exit(1 if found else 0)
