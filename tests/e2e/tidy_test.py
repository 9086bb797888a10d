#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/tidy finds the faults it exists for: each case puts one fault into a small clean tree."""
import os
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

SPDX = "SPDX-License-Identifier: MIT"

CLEAN = {
    "include/weir/thing.h": """/* Things.
 * Threading: any thread.
 */
#ifndef WEIR_THING_H
#define WEIR_THING_H

#ifdef __cplusplus
extern "C" {
#endif

enum weir_color { WEIR_RED = 1, WEIR_BLUE };

typedef int (*weir_visit)(void *arg, int n);

/* Counts things.
 * Returns: how many.
 * Where:   any thread.
 */
int weir_thing_count(void);

/* Forgets things.
 * Where:   any thread.
 */
void weir_thing_clear(int (*visit)(void *), void *arg) __attribute__((nonnull(1)));

static inline int weir_thing_twice(int n)
{
    return 2 * n;
}

#ifdef __cplusplus
}
#endif
#endif
""",
    "src/base/list.h": "#ifndef LIST_H\n#define LIST_H\n#endif\n",
    "src/base/thing.c": '#include <weir/thing.h>\n#include "base/list.h"\n',
    "src/base/meson.build": "base_sources = files('thing.c')\n",
    "src/io/up.c": "int weir__up(void);\nint weir__up(void)\n{\n    return 1;\n}\n",
    "src/io/meson.build": "io_sources = files('up.c')\n",
    "src/io/io.h": '#ifndef IO_H\n#define IO_H\n#include "base/list.h"\n#endif\n',
    "src/http/client/parse.h": "#ifndef PARSE_H\n#define PARSE_H\n#endif\n",
    "src/db/wire.h": "#ifndef WIRE_H\n#define WIRE_H\n#endif\n",
    "src/guard/link.h": "#ifndef LINK_H\n#define LINK_H\n#endif\n",
    "src/guard/preload/look.c": '#include "guard/link.h"\n',
    "src/guard/meson.build": "preload_sources = files('preload/look.c')\n",
    "app/main.c": '#include <weir/thing.h>\n#include "own.h"\n',
    "app/own.h": "#ifndef OWN_H\n#define OWN_H\n#endif\n",
    "app/meson.build": "app_main = files('main.c')\n",
    "tests/base/meson.build": "base_tests = []\n",
    "examples/one.c": "#include <weir.h>\n/* [main] */\nint main(void);\n/* [/main] */\n",
    "examples/meson.build": "example_names = ['one']\n",
    "docs/guide.md": "Text. include/weir/thing.h\n\n<!-- quote examples/one.c main -->\n```c\nint main(void);\n```\n",
}

CALLS_UP = "int weir__up(void);\nint weir__down(void);\nint weir__down(void)\n{\n    return weir__up();\n}\n"

# Files that call each other in a ring.
RING = {f"src/net/ring{i}.c": f"int weir__ring{(i + 1) % 4}(void);\nint weir__ring{i}(void);\n"
                              f"int weir__ring{i}(void)\n{{\n    return weir__ring{(i + 1) % 4}();\n}}\n" for i in range(4)}

# The faults: the check that must report it, the file, the text that is replaced in it ("" appends), the replacement (None: the ring
# is added), and the report.
FAULTS = [
    ("format", "src/base/thing.c", "", "int  a;\n", "src/base/thing.c:3: not formatted"),
    ("layers", "src/base/thing.c", '"base/list.h"', '"io/io.h"',
     "src/base/thing.c:2: src/base includes io/io.h"),
    ("layers", "src/http/client/parse.h", "#endif", '#include "db/wire.h"\n#endif',
     "src/http/client/parse.h:3: src/http/client includes db/wire.h"),
    ("layers", "src/base/thing.c", "<weir/thing.h>", "<weir.h>",
     "src/base/thing.c:1: the library includes all of <weir.h>"),
    ("layers", "src/base/thing.c", '"base/list.h"', '"guard/preload/look.h"',
     'src/base/thing.c:2: "guard/preload/look.h" is not a path'),
    ("layers", "src/base/thing.c", '"base/list.h"', '"guard/link.h"', "src/base/thing.c:2: src/base includes guard/link.h"),
    ("symbols", "src/base/thing.c", "", CALLS_UP, "src/base/thing.c:1: src/base needs weir__up() of src/io/up.c"),
    ("symbols", "src/net/ring0.c", "", None, "4 files need each other: src/net/ring0, src/net/ring1"),
    ("layers", "src/guard/preload/look.c", "guard/link.h", "base/list.h",
     "src/guard/preload/look.c:1: src/guard/preload includes base/list.h"),
    ("layers", "app/main.c", '"own.h"', '"base/list.h"', 'app/main.c:2: "base/list.h" is not one of app/'),
    ("layers", "app/main.c", '"own.h"', "<base/list.h>", "app/main.c:2: <base/list.h> is included"),
    ("lengths", "app/main.c", "", "\n" * 700, "app/main.c:701: 702 lines"),
    ("contracts", "include/weir/thing.h", " * Returns: how many.\n", "",
     "include/weir/thing.h:18: the contract of weir_thing_count"),
    ("contracts", "include/weir/thing.h", " * Where:   any thread.\n", "", "has no Where:"),
    ("contracts", "include/weir/thing.h", " how many.\n *", " how many.", "Where: stands within a line"),
    ("contracts", "include/weir/thing.h", "Where:   any thread.", "Where:   task. Waits.", "has no Cancel:"),
    ("contracts", "include/weir/thing.h", " * Threading: any thread.\n", "", "include/weir/thing.h:1: no word on threads"),
    ("contracts", "include/weir/thing.h", "#ifdef __cplusplus\n}",
     "int weir_bare(void);\n#ifdef __cplusplus\n}",
     "weir_bare has no contract"),
    ("contracts", "include/weir/thing.h", "WEIR_BLUE", "BLUE", "include/weir/thing.h:11: the constant BLUE"),
    ("contracts", "include/weir/thing.h", "weir_visit", "visitor",
     "include/weir/thing.h:13: the type visitor"),
    ("contracts", "include/weir/thing.h", "int weir_thing_count", "int thing_count",
     "include/weir/thing.h:19: the function thing_count"),
    ("contracts", "include/weir/thing.h", "int weir_thing_count", "int weir__count",
     "weir__count stands in a public header"),
    ("contracts", "include/weir/thing.h", "WEIR_THING_H\n#define WEIR_THING_H", "THING_H\n#define THING_H",
     "include/weir/thing.h:5: the macro THING_H"),
    ("headers", "include/weir/thing.h", "int n)\n", "size_t n)\n",
     "include/weir/thing.h:26: unknown type name 'size_t'"),
    ("headers", "include/weir/thing.h", "2 * n", "n; int class; class = n", "(c++)"),
    ("headers", "src/base/list.h", "#endif", "extern uint8_t a;\n#endif",
     "src/base/list.h:3: unknown type name 'uint8_t'"),
    ("lists", "src/base/meson.build", "'thing.c'", "", "src/base/thing.c:1: it is in no list"),
    ("lists", "docs/guide.md", " include/weir/thing.h", "", "include/weir/thing.h:1: docs/guide.md does not name it"),
    ("lists", "tests/base/lost_test.c", "", "", "tests/base/lost_test.c:1: it is in no list"),
    ("lists", "src/names/resolver.h", "", "/* name.c: a name. */\n", "src/names/resolver.h:1: it lists name, which is not there"),
    ("quotes", "examples/one.c", "int main(void);", "int main(int);",
     "docs/guide.md:3: not what stands in examples/one.c"),
    ("quotes", "examples/one.c", "[main]", "[start]", "docs/guide.md:3: examples/one.c has no part main"),
    ("quotes", "docs/guide.md", "```c\nint main(void);\n```\n", "", "docs/guide.md:3: not what stands in"),
    ("quotes", "docs/guide.md", "Text.", "```c\nint never;\n```", "docs/guide.md:1: C that nobody compiles"),
    ("style", "src/io/up.c", "return 1;", 'const char *x = "";\n\n    return x ? 1 : 2;',
     "src/io/up.c:6: the pointer x is taken for a bool"),
    ("style", "src/io/up.c", "int weir__up(void)\n{", "/* --- ups */\nint weir__up(void)\n{",
     "src/io/up.c:2: the section mark /* --- ups */"),
    ("style", "src/io/up.c", "    return 1;", "    int a = 1;\n    return a;",
     "src/io/up.c:5: a statement right behind declarations"),
    ("licence", "app/own.h", "#ifndef", "\n\n/* " + SPDX + " */\n#ifndef", "app/own.h:1: no licence"),
    ("leftovers", "app/main.c", "", "/* TO" + "DO */\n", "app/main.c:3: TO" + "DO is left"),
]


def licensed(path, text):
    """Returns the file with its licence at the end of the first line, so that no line moves."""
    first, rest = text.split("\n", 1) if "\n" in text else ("", text)
    inside = first.startswith("/*") and "*/" not in first
    mark = SPDX if inside else f"# {SPDX}" if path.endswith(".build") else f"/* {SPDX} */"
    return f"{first} {mark}\n{rest}".lstrip(" ")


def write(root, files):
    for path, text in files.items():
        if not path.endswith(".md") and SPDX not in text:
            text = licensed(path, text)
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)


def build(root):
    """Builds the library of the tree, as the build would."""
    objects = []
    for folder, _, names in os.walk(os.path.join(root, "src")):
        for name in sorted(name for name in names if name.endswith(".c") and "preload" not in folder):
            path = os.path.relpath(os.path.join(folder, name), root)
            objects.append(path.replace("/", "_") + ".o")
            subprocess.run(["cc", "-c", "-Iinclude", "-Isrc", path, "-o", objects[-1]], cwd=root, check=True)
    os.makedirs(os.path.join(root, "build"))
    subprocess.run(["ar", "rcs", "build/libweir.a", *objects], cwd=root, check=True)
    for path in objects:
        os.remove(os.path.join(root, path))


def tidy(files, *checks):
    with tempfile.TemporaryDirectory() as root:
        shutil.copytree(os.path.join(ROOT, "tools"), os.path.join(root, "tools"))
        shutil.copy(os.path.join(ROOT, ".clang-format"), root)
        for folder in ("include", "src", "app", "examples", "tests", "bench", "docs"):
            os.makedirs(os.path.join(root, folder))
        write(root, files)
        if not checks or "symbols" in checks:
            build(root)
        env = {name: value for name, value in os.environ.items() if name != "BUILD"}
        done = subprocess.run(["tools/tidy", *checks], cwd=root, env=env, text=True, capture_output=True)
        return done.returncode, done.stdout + done.stderr


def broken(path, old, new):
    if new is None:
        return {**CLEAN, **RING}
    text = CLEAN.get(path, "")
    assert old in text, f"{path} has no {old!r}"
    return {**CLEAN, path: text.replace(old, new, 1) if old else text + new}


print(f"1..{1 + len(FAULTS)}")
status, said = tidy(CLEAN)
print(("ok" if status == 0 and ": " not in said else "not ok") + " 1 - a clean tree passes")
if status != 0:
    print("# " + said.replace("\n", "\n# "))
for number, (check, path, old, new, expected) in enumerate(FAULTS, 2):
    status, said = tidy(broken(path, old, new), check)
    good = status == 1 and expected in said
    print(("ok" if good else "not ok") + f" {number} - {expected}")
    if not good:
        print("# exit status", status, "\n# " + said.strip().replace("\n", "\n# "))
