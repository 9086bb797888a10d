#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The documents are true where a program can tell: their links lead somewhere, what they name exists, the
configurations they show are valid. (That the C they show compiles is for tools/check/quotes.)"""
import glob
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WEIR = os.environ.get("WEIR", os.path.join(ROOT, "build/weir"))
FOLDERS = ("include", "src", "app", "examples", "tests", "tools", "bench", "docs")

documents = sorted(glob.glob("*.md", root_dir=ROOT) + glob.glob("docs/**/*.md", root_dir=ROOT, recursive=True))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def prose(text):
    """Without blocks of code."""
    return re.sub(r"^```.*?^```$|^ {4}[^\n]*$", "", text, flags=re.M | re.S)


def anchors(text):
    """As GitHub makes them of headings."""
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", text, re.M)}


def broken_links():
    for document in documents:
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(read(document))):
            if target.startswith(("http://", "https://")):
                continue
            path, _, anchor = target.partition("#")
            full = os.path.normpath(os.path.join(os.path.dirname(document), path)) if path else document
            if not os.path.exists(os.path.join(ROOT, full)):
                yield f"{document}: {target} is not there"
            elif anchor and anchor not in anchors(read(full)):
                yield f"{document}: {full} has no heading #{anchor}"


def source():
    paths = [path for folder in FOLDERS for path in glob.glob(folder + "/**/*.[chS]", root_dir=ROOT, recursive=True)]
    return "".join(map(read, paths))


def missing_names():
    words = set(re.findall(r"\w+", source()))
    files = [path for folder in FOLDERS for path in glob.glob(folder + "/**/*", root_dir=ROOT, recursive=True)]
    for document in documents:
        for quoted in re.findall(r"`([^`\n]+)`", prose(read(document))):
            for name in re.findall(r"\bweir_\w+\b(?!…)", quoted, re.I):
                if name not in words and name != "weir_noun_verb" and not name.endswith("_"):
                    yield f"{document}: there is no {name}"
            path = re.fullmatch(r"(?:%s)/[\w./-]+" % "|".join(FOLDERS), quoted)
            if path and not re.search(r"[A-Z]{3}", quoted) and not os.path.exists(os.path.join(ROOT, quoted)):
                yield f"{document}: there is no {quoted}"
            if re.fullmatch(r"[a-z]\w*\.(c|h|S)", quoted) and not any(file.endswith("/" + quoted) for file in files):
                yield f"{document}: there is no file {quoted}"


def invalid_configurations():
    for document in documents:
        for block in re.findall(r"^```yaml\n(.*?)^```$", read(document), re.M | re.S):
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(block)
                file.flush()
                done = subprocess.run([WEIR, "check", file.name], capture_output=True, text=True, timeout=20)
            if done.returncode != 0:
                yield f"{document}: {done.stderr.strip() or done.stdout.strip()}"


CASES = [("links lead somewhere", broken_links), ("what is named exists", missing_names),
         ("configurations are valid", invalid_configurations)]
print(f"1..{len(CASES)}")
failed = 0
for number, (title, case) in enumerate(CASES, 1):
    found = list(case())
    failed |= bool(found)
    print(f"{'not ok' if found else 'ok'} {number} - {title}")
    for line in found:
        print("# " + line.replace("\n", "\n# "))
sys.exit(failed)
