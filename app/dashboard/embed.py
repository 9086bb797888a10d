#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds the dashboard: its files as one page, and the page as a C header.

embed.py                   prints the page
embed.py --header FILE     writes a C header with the page and its Content-Security-Policy

The policy allows these scripts and styles alone, by their hashes, and requests to the gateway alone. The page never
makes elements from text, so trusted types are required and none is allowed.
"""
import base64
import hashlib
import os
import re
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
MOST_BYTES = 112 << 10
POLICY = ("default-src 'none'; script-src {scripts}; style-src {styles}; connect-src 'self'; img-src data:; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")


def is_comment(line):
    """Whether a line, which no string goes across, is one comment and nothing else."""
    return line.startswith("/*") and line.find("*/") == len(line) - 2


def dense(name, text):
    """Returns the text without comments that are lines of their own, and without indents; no string may go across lines."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if line.count("`") % 2 or line.endswith("\\"):
            sys.exit(f"embed.py: {name}:{number}: a string goes across lines")
    return "".join(line + "\n" for line in (line.strip(" ") for line in lines) if not is_comment(line))


def page():
    """Returns the whole page and its policy."""
    hashes = {"script": [], "style": []}

    def inline(tag):
        def replace(match):
            with open(os.path.join(FOLDER, match[1]), encoding="utf-8") as file:
                text = "\n" + dense(match[1], file.read())
            if f"</{tag}" in text.lower():
                sys.exit(f"embed.py: {match[1]} holds </{tag}, which would end it early")
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            hashes[tag].append(f"'sha256-{digest}'")
            return f"<{tag}>{text}</{tag}>"
        return replace

    with open(os.path.join(FOLDER, "index.html"), encoding="utf-8") as file:
        html = file.read()
    html = re.sub(r'<link rel="stylesheet" href="([\w.]+)">', inline("style"), html)
    html = re.sub(r'<script src="([\w.]+)"></script>', inline("script"), html)
    left = re.search(r'<script src|<link rel="stylesheet"|\sstyle="|\son\w+="', html)
    if left:
        sys.exit(f"embed.py: '{left[0].strip()}' is left in the page, which its policy would not let through")
    size = len(html.encode())
    if size > MOST_BYTES:
        sys.exit(f"embed.py: the page has {size} bytes, at most {MOST_BYTES} are allowed")
    return html, POLICY.format(scripts=" ".join(hashes["script"]), styles=" ".join(hashes["style"]))


def header(html, policy):
    data = html.encode()
    lines = (",".join(map(str, data[at:at + 32])) for at in range(0, len(data), 32))
    return ("/* Made by app/dashboard/embed.py. */\n"
            f'static const char dashboard_policy[] = "{policy}";\n'
            "static const unsigned char dashboard_page[] = {\n" + ",\n".join(lines) + "};\n")


def main():
    html, policy = page()
    if sys.argv[1:2] != ["--header"]:
        sys.stdout.write(html)
        return
    with open(sys.argv[2], "w", encoding="ascii") as file:
        file.write(header(html, policy))


if __name__ == "__main__":
    main()
