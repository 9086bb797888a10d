#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The result of `make install`: a foreign program builds against it, static and shared, and finds only weir_ names.
set -uo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
number=0

check() { # NAME COMMAND…
    local name=$1
    shift
    number=$((number + 1))
    if "$@" >"$dir/output" 2>&1; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        sed 's/^/# /' "$dir/output"
    fi
}

installs() {
    DESTDIR=$dir meson install -C "$BUILD" --no-rebuild --quiet
    prefix=$(dirname "$(dirname "$(find "$dir" -name libweir.a)")")
    export PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig:$(pkg-config --variable pc_path pkg-config)
    pkg() { pkg-config --define-variable=prefix="$prefix" "$@" weir; }
    [ -f "$prefix/include/weir/error.h" ] && [ -e "$prefix/lib/libweir.so" ] && [ -f "$prefix/share/weir/weir-gdb.py" ] &&
        [ -f "$prefix/share/doc/weir/operations.md" ] && [ -f "$prefix/share/doc/weir/SECURITY.md" ]
}

write_program() {
    cat >"$dir/program.c" <<'END'
#include <weir/error.h>
#include <string.h>
int main(void)
{
    return strcmp(weir_error_name(-WEIR_EBUSY), "WEIR_EBUSY") != 0;
}
END
}

runs_shared() {
    # shellcheck disable=SC2046
    gcc -o "$dir/shared" "$dir/program.c" $(pkg --cflags --libs) && LD_LIBRARY_PATH=$prefix/lib "$dir/shared"
}

runs_static() {
    # shellcheck disable=SC2046
    gcc -o "$dir/static" "$dir/program.c" $(pkg --cflags) "$prefix/lib/libweir.a" $(pkg --static --libs-only-other) \
        -luring -ldw -lelf -pthread -lm && "$dir/static"
}

chooses_guard() {
    # shellcheck disable=SC2046
    gcc -g -o "$dir/guarded" examples/10_guard.c $(PKG_CONFIG_SYSROOT_DIR='' pkg-config --define-variable=prefix="$prefix" \
        --cflags --libs weir-guard) && LD_LIBRARY_PATH=$prefix/lib WEIR_GUARD=count "$dir/guarded" >"$dir/said" &&
        grep -q '^nanosleep at .*, 3 times' "$dir/said"
}

# The guard by LD_PRELOAD: in a program with static libweir, and in one without libweir.
is_guarded_by_preloading() {
    # shellcheck disable=SC2046
    gcc -g -o "$dir/unguarded" examples/10_guard.c $(pkg --cflags) "$prefix/lib/libweir.a" $(pkg --static --libs-only-other) \
        -luring -ldw -pthread -lm && WEIR_GUARD=count "$dir/unguarded" >"$dir/said" && [ ! -s "$dir/said" ] &&
        LD_PRELOAD=$prefix/lib/libweir-guard.so WEIR_GUARD=count "$dir/unguarded" >"$dir/said" &&
        grep -q '^nanosleep at .*, 3 times' "$dir/said" && [ "$(LD_PRELOAD=$prefix/lib/libweir-guard.so sh -c 'sleep 0; echo fine')" = fine ]
}

runs_with_guard() {
    "$prefix/bin/weir" --version && ldd "$prefix/bin/weir" | grep "libweir-guard.so.0 => $prefix/bin/../lib/"
}

shows_only_weir_names() {
    local names
    names=$(nm -D --defined-only "$prefix/lib/libweir.so" | awk '{print $3}')
    echo "$names" | grep -v '^weir_[a-z0-9]'
    [ -n "$names" ] && ! echo "$names" | grep -qv '^weir_[a-z0-9]'
}

declared_functions_are_there() {
    local declared missing
    (cd include && for header in weir/*.h; do echo "#include <$header>"; done) |
        gcc -xc -Iinclude -fsyntax-only -aux-info "$dir/prototypes" -
    declared=$(grep '^/\* include/weir/' "$dir/prototypes" | grep -v ' static ' | grep -oE 'weir_[a-z0-9_]+ \(' | tr -d ' (' |
        sort -u)
    missing=$(comm -23 <(echo "$declared") <(nm -D --defined-only "$prefix/lib/libweir.so" | awk '{print $3}' | sort -u))
    echo "declared in a header, not in the library:" $missing
    [ -n "$declared" ] && [ -z "$missing" ]
}

echo 1..8
write_program
check "make install puts headers and libraries in place" installs
check "a program links the shared library through pkg-config" runs_shared
check "a program links the static library" runs_static
check "a program chooses the guard through pkg-config" chooses_guard
check "the guard can be loaded into a program that does not know it" is_guarded_by_preloading
check "the installed program finds its guard" runs_with_guard
check "the shared library shows weir_ names alone" shows_only_weir_names
check "every function a header declares is in the library" declared_functions_are_there
