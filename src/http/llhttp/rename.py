#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a header that includes llhttp's own and gives each of its functions a name that begins with weir__.

usage: rename.py OUT HEADER SOURCE…"""
import re
import sys

out, header, *sources = sys.argv[1:]
names = set()
for path in [header, *sources]:
    with open(path, encoding="utf-8") as file:
        names |= set(re.findall(r"\b(llhttp_\w+)\s*\(", file.read()))
with open(out, "w", encoding="utf-8") as file:
    file.write("/* Made by rename.py. */\n")
    file.writelines(f"#define {name} weir__{name}\n" for name in sorted(names))
    file.write(f'#include "{header}"\n')
