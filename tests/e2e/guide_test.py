#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The documents are correct as far as a program can check: their links have targets, the names in them exist, the
configurations in them are valid. (tools/check/quotes checks that their C compiles.)"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from authority import Authority

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WEIR = os.environ.get("WEIR", os.path.join(ROOT, "build/weir"))
FOLDERS = ("include", "src", "app", "examples", "tests", "tools", "bench", "docs")

documents = sorted(glob.glob("*.md", root_dir=ROOT) + glob.glob("docs/**/*.md", root_dir=ROOT, recursive=True))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def prose(text):
    """The text without blocks of code."""
    return re.sub(r"^```.*?^```$|^ {4}[^\n]*$", "", text, flags=re.M | re.S)


def anchors(text):
    """The anchors that GitHub makes of headings."""
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


def wrong_lengths():
    """A link that reads "N lines" tells how long the file is."""
    for document in documents:
        for told, path in re.findall(r"\[(\d+) lines\]\(([^)\s#]+)\)", prose(read(document))):
            lines = read(os.path.normpath(os.path.join(os.path.dirname(document), path))).count("\n")
            if lines != int(told):
                yield f"{document}: {path} has {lines} lines, not {told}"


def source():
    paths = [path for folder in FOLDERS for path in glob.glob(folder + "/**/*.[chS]", root_dir=ROOT, recursive=True)]
    return "".join(map(read, paths))


def is_known(name, words):
    """Reports whether the sources have the name; series of a histogram are known by its base name."""
    return name in words or re.sub(r"_(bucket|sum|count)$", "", name) in words


def missing_names():
    words = set(re.findall(r"\w+", source()))
    files = [path for folder in FOLDERS for path in glob.glob(folder + "/**/*", root_dir=ROOT, recursive=True)]
    for document in documents:
        text = re.sub(r"\(was [^)]*\)", "", prose(read(document))) # of which a name is gone
        for quoted in re.findall(r"`([^`\n]+)`", text):
            for name in re.findall(r"\bweir_\w+\b(?!…)", quoted, re.I):
                if not is_known(name, words) and name != "weir_noun_verb" and not name.endswith("_"):
                    yield f"{document}: there is no {name}"
            path = re.fullmatch(r"(?:%s)/[\w./-]+" % "|".join(FOLDERS), quoted)
            if path and not re.search(r"[A-Z]{3}", quoted) and not os.path.exists(os.path.join(ROOT, quoted)):
                yield f"{document}: there is no {quoted}"
            if re.fullmatch(r"[a-z]\w*\.(c|h|S)", quoted) and not any(file.endswith("/" + quoted) for file in files):
                yield f"{document}: there is no file {quoted}"


def yaml_blocks():
    for document in documents:
        for block in re.findall(r"^```yaml\n(.*?)^```$", read(document), re.M | re.S):
            yield document, block


def are_alerts(block):
    """The rules for Prometheus in the documents."""
    return block.startswith("groups:")


def with_certificates(block, issued, authority):
    """The block with files that exist in place of those that the reader is to have."""
    for name, path in (("cert", issued.cert), ("key", issued.key), ("ca", authority.path), ("client_ca", authority.path)):
        block = re.sub(rf"\b{name}: *[\w./-]+\.pem|\b{name}: *[\w./-]+\.key", f"{name}: {path}", block)
    return block


def invalid_configurations():
    with Authority() as authority:
        issued = authority.issue("shop.example.com")
        for document, block in yaml_blocks():
            if not are_alerts(block):
                yield from faults_of(document, with_certificates(block, issued, authority))


# The files that auth reads.
CREDENTIALS = {"bearer": "robot: 0123456789abcdef\n", "basic": "ann:$6$saltsalt$" + "a" * 86 + "\n"}


def completed(block):
    """A part of a configuration as a whole one."""
    if not re.search(r"^listen:", block, re.M):
        block = "listen: 127.0.0.1:8080\n" + block
    return block if re.search(r"^routes:", block, re.M) else block + "\nroutes: [{path: /, respond: {body: hello}}]\n"


def faults_of(document, block):
    with tempfile.TemporaryDirectory() as folder:
        for root in re.findall(r"\broot: *([\w./-]+)", block): # which the reader is to have
            os.makedirs(os.path.join(folder, root), exist_ok=True)
        os.mkdir(os.path.join(folder, "outliers"))
        with open(os.path.join(folder, "gateway.yaml"), "w", encoding="utf-8") as file:
            file.write(re.sub(r"/var/(log|lib)/weir\b", folder, completed(block)))
        for kind, name in re.findall(r"\b(bearer|basic): *([\w.-]+)", block):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(CREDENTIALS[kind])
        done = subprocess.run([WEIR, "check", "gateway.yaml"], cwd=folder, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        yield f"{document}: {done.stderr.strip() or done.stdout.strip()}"


def invalid_alerts():
    words = set(re.findall(r"\w+", source()))
    for document, block in yaml_blocks():
        if not are_alerts(block):
            continue
        for name in sorted(set(re.findall(r"\bweir_\w+", block))):
            if not is_known(name, words):
                yield f"{document}: there is no metric {name}"
        if shutil.which("promtool"): # Debian's prometheus has it
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(block)
                file.flush()
                done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True, timeout=60)
            if done.returncode != 0:
                yield f"{document}: {done.stderr.strip() or done.stdout.strip()}"


PARSERS = {"python": [sys.executable, "-c", "import ast, sys; ast.parse(sys.stdin.read())"], "js": ["node", "--input-type=module", "--check"]}


def invalid_programs():
    """Of those in other languages, which stand beside those in C. What has no parser here is not looked at."""
    for document in documents:
        for language, block in re.findall(r"^```(js|python)\n(.*?)^```$", read(document), re.M | re.S):
            if shutil.which(PARSERS[language][0]):
                done = subprocess.run(PARSERS[language], input=block, capture_output=True, text=True, timeout=60)
                if done.returncode != 0:
                    yield f"{document}: {done.stderr.strip()}"


CASES = [("links lead somewhere", broken_links), ("files are as long as is said", wrong_lengths), ("what is named exists", missing_names),
         ("configurations are valid", invalid_configurations), ("alerts name metrics that are", invalid_alerts),
         ("programs in other languages are valid", invalid_programs)]
print(f"1..{len(CASES)}")
failed = 0
for number, (title, case) in enumerate(CASES, 1):
    found = list(case())
    failed |= bool(found)
    print(f"{'not ok' if found else 'ok'} {number} - {title}")
    for line in found:
        print("# " + line.replace("\n", "\n# "))
sys.exit(failed)
