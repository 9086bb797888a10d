#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The result of `make install`: a foreign program builds against it by pkg-config and by CMake, static and shared, and finds
# only weir_ names.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/e2e/tap.sh
BUILD=${BUILD:-build}
dir=$(mktemp -d)
said=("$dir/output")
trap 'rm -rf "$dir"' EXIT

installs() {
    DESTDIR=$dir meson install -C "$BUILD" --no-rebuild --quiet
    prefix=$(dirname "$(dirname "$(find "$dir" -name libweir.a)")")
    export PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig:$(pkg-config --variable pc_path pkg-config)
    pkg() { pkg-config --define-variable=prefix="$prefix" "$@"; }
    [ -f "$prefix/include/weir/error.h" ] && [ -e "$prefix/lib/libweir.so" ] && [ -f "$prefix/share/weir/weir-gdb.py" ] && [ -f "$prefix/share/weir/weir_app.py" ] && [ -f "$prefix/share/weir/weir_app.cjs" ] &&
        diff -x meson.build docs "$prefix/share/doc/weir/docs" && diff -r -x meson.build examples "$prefix/share/doc/weir/examples"
}

links_of() { # DOCUMENT: its relative links, without those in code
    awk '/^ *```/ { code = !code } !code' "$1" | sed 's/`[^`]*`//g' | grep -oE '\]\([^) ]+\)' | sed 's/^](//; s/)$//; s/#.*//' |
        grep -vE '^$|^[a-z]+:'
}

links_lead_somewhere() { # every relative link of an installed document
    local document link links=0 dead=0
    for document in "$prefix"/share/doc/weir/*.md "$prefix"/share/doc/weir/docs/*.md; do
        for link in $(links_of "$document"); do
            links=$((links + 1))
            [ -e "$(dirname "$document")/$link" ] || { echo "$document: $link" && dead=1; }
        done
    done
    [ $dead = 0 ] && [ $links -gt 60 ]
}

agree_on_the_version() {
    local version soname
    version=$(pkg --modversion weir)
    echo "pkg-config: $version"
    "$prefix/bin/weir" --version
    soname=$(objdump -p "$prefix/lib/libweir.so" | awk '$1 == "SONAME" {print $2}')
    grep -q "#define WEIR_VERSION \"$version\"" "$prefix/include/weir/version.h" &&
        [ "$("$prefix/bin/weir" --version)" = "weir $version" ] && [ "$soname" = "libweir.so.${version%.*}" ] &&
        grep -q "\"weir $version\"" docs/weir.1 && grep -q "\"weir $version\"" docs/weir.yaml.5
}

write_program() { # a program with an llhttp of its own, and names that libweir uses for static functions
    cat >"$dir/program.c" <<'END'
#include <weir.h>
#include <stdio.h>
#include <string.h>
#if !WEIR_VERSION_AT_LEAST(0, 2, 0) || WEIR_VERSION_AT_LEAST(0, 2, 99) || WEIR_VERSION_AT_LEAST(1, 0, 0)
#error "WEIR_VERSION_AT_LEAST() compares wrongly"
#endif
int llhttp_init(void);
int llhttp_init(void)
{
    return 7;
}
int llhttp_execute(void);
int llhttp_execute(void)
{
    return 8;
}
static const char *const said[] = {"Hello"};
static int hello(weir_request *req, weir_response *res, void *state)
{
    (void)req;
    (void)state;
    return weir_respond_text(res, 200, said[0]);
}
static void ask(void *event, weir_server *server)
{
    (void)server;
    weir_event_set(event);
}
static int serve(void *event)
{
    weir_route route = {.path = "/", .handler = hello};
    weir_server_options options = {.listen = "127.0.0.1:1", .on_listening = ask, .arg = event};
    return weir_server_run(&options, &route, 1);
}
static int first(void *arg)
{
    weir_event listening;
    weir_scope scope;
    weir_client *client;
    weir_reply reply = {0};
    int err;
    (void)arg;
    weir_event_init(&listening);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "server", serve, &listening);
    err = weir_event_wait(&listening);
    if (err == 0 && (err = weir_client_open(NULL, &client)) == 0) {
        err = weir_get(client, "http://127.0.0.1:1/", &reply);
        if (err == 0)
            printf("%d %s\n", reply.status, reply.body);
        weir_reply_free(&reply);
        weir_client_close(client);
    }
    weir_scope_cancel(&scope);
    weir_scope_close(&scope);
    return err;
}
int main(void)
{
    weir_options options = {.io = WEIR_IO_SIM};
    if (strcmp(weir_version(), WEIR_VERSION) != 0 || llhttp_init() != 7 || llhttp_execute() != 8)
        return 2;
    return weir_run(&options, first, NULL) != 0;
}
END
}

answers() { # PROGRAM
    [ "$(LD_LIBRARY_PATH=$prefix/lib "$1")" = "200 Hello" ]
}

runs_shared() {
    # shellcheck disable=SC2046
    gcc -o "$dir/shared" "$dir/program.c" $(pkg --cflags --libs weir) && answers "$dir/shared"
}

# In three ways: the library alone linked into the program, by each pkg-config file, and everything.
runs_static() {
    # shellcheck disable=SC2046
    gcc -o "$dir/static" "$dir/program.c" $(pkg --cflags --libs weir-static) && answers "$dir/static" &&
        ! ldd "$dir/static" | grep -q libweir &&
        gcc -o "$dir/static" "$dir/program.c" "$prefix/lib/libweir.a" $(pkg --cflags --libs --static weir | sed 's/-lweir //') &&
        answers "$dir/static" && ! ldd "$dir/static" | grep -q libweir &&
        gcc -static -o "$dir/static" "$dir/program.c" $(pkg --cflags --libs --static weir) 2>&1 && answers "$dir/static"
}

# Link-time optimisation of the program, beside functions of llhttp's names, finds nothing twice.
runs_with_lto() {
    # shellcheck disable=SC2046
    gcc -O2 -flto -o "$dir/lto" "$dir/program.c" $(pkg --cflags --libs weir-static) && answers "$dir/lto"
}

# A frame of 100 KiB on a stack of 64 KiB hits the guard page, when the flags of the package are used.
probes_stacks() {
    cat >"$dir/deep.c" <<'END'
#include <weir.h>
#include <string.h>
static int deep(void *arg)
{
    char large[100 << 10];
    volatile char *first = large;
    (void)arg;
    *first = 1;
    return *first;
}
static int first(void *arg)
{
    weir_scope scope;
    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "neighbour", deep, NULL);
    weir_spawn(&scope, "deep", deep, NULL);
    return weir_scope_close(&scope);
}
int main(void)
{
    return weir_run(NULL, first, NULL);
}
END
    # shellcheck disable=SC2046
    gcc -o "$dir/deep" "$dir/deep.c" $(pkg --cflags --libs weir-static) && ! "$dir/deep" 2>"$dir/said" &&
        cat "$dir/said" && grep -q "ran out of stack" "$dir/said"
}

write_project() {
    mkdir "$dir/project"
    cp examples/10_guard.c "$dir/project/guarded.c"
    cp "$dir/program.c" "$dir/project"
    cat >"$dir/project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(try C)
find_package(weir 9 QUIET)
if(weir_FOUND)
    message(FATAL_ERROR "this is no version 9")
endif()
find_package(weir 0.2.99 QUIET)
if(weir_FOUND)
    message(FATAL_ERROR "this is older than 0.2.99")
endif()
find_package(weir 0.1 QUIET)
if(weir_FOUND)
    message(FATAL_ERROR "0.2 cannot stand for 0.1")
endif()
find_package(weir 0.2 REQUIRED)
set(CMAKE_C_FLAGS "${CMAKE_C_FLAGS} -Wall -Wextra -Werror")
add_link_options(-Wl,--as-needed)
add_executable(shared program.c)
target_link_libraries(shared PRIVATE weir::weir)
add_executable(static program.c)
target_link_libraries(static PRIVATE weir::weir-static)
add_executable(guarded guarded.c)
target_link_libraries(guarded PRIVATE weir::guard weir::weir)
add_executable(guarded-static guarded.c)
target_link_libraries(guarded-static PRIVATE weir::guard weir::weir-static)
END
}

builds_by_cmake() {
    write_project
    CC=gcc cmake -S "$dir/project" -B "$dir/built" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON &&
        cmake --build "$dir/built" && [ "$("$dir/built/shared")" = "200 Hello" ] && [ "$("$dir/built/static")" = "200 Hello" ] &&
        ! ldd "$dir/built/static" | grep -q libweir &&
        [ "$(grep -c -- -fstack-clash-protection "$dir/built/compile_commands.json")" = 4 ] || return
    for program in guarded guarded-static; do
        WEIR_GUARD=count "$dir/built/$program" >"$dir/said" && grep -q '^nanosleep at .*, 3 times' "$dir/said" || return
    done
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
    gcc -g -o "$dir/unguarded" examples/10_guard.c $(pkg --cflags --libs weir-static) && WEIR_GUARD=count "$dir/unguarded" >"$dir/said" && [ ! -s "$dir/said" ] &&
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
    [ -n "$names" ] && ! echo "$names" | grep -qv '^weir_[a-z0-9]' || return
    # In the static library, weir__ as well: our files need each other's functions.
    names=$(nm -g --defined-only "$prefix/lib/libweir.a" | awk 'NF == 3 {print $3}')
    echo "$names" | grep -v '^weir_'
    [ -n "$names" ] && ! echo "$names" | grep -qv '^weir_'
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

units_are_valid() { # of systemd; the program is not where it will be
    local units=$prefix/lib/systemd/system
    grep -q "^ExecStart=/.*bin/weir serve /etc/weir/weir.yaml$" "$units/weir.service" || return 1
    mkdir "$dir/units"
    sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$units/weir.service" >"$dir/units/weir.service"
    cp "$units/weir.socket" "$dir/units"
    (cd "$dir/units" && systemd-analyze verify --man=no ./weir.service ./weir.socket) &&
        systemd-analyze security --offline=yes --threshold=25 --no-pager "$dir/units/weir.service" # 0 (good) to 100
}

echo 1..14
write_program
check "make install puts headers, libraries, guide and examples in place" installs
check "every link of an installed document leads to a file" links_lead_somewhere
check "header, program, packages and manual agree on the version" agree_on_the_version
check "a program with an llhttp of its own links the shared library" runs_shared
check "and the static library" runs_static
check "and the static library, optimised at link time" runs_with_lto
check "a frame larger than the guard page does not jump over it" probes_stacks
if command -v cmake >/dev/null; then
    check "a project finds the libraries through CMake" builds_by_cmake
else
    skip "no cmake (package cmake)"
fi
if command -v systemd-analyze >/dev/null; then
    check "the units of systemd are valid" units_are_valid
else
    skip "no systemd-analyze (package systemd)"
fi
check "a program chooses the guard through pkg-config" chooses_guard
check "the guard can be loaded into a program that does not know it" is_guarded_by_preloading
check "the installed program finds its guard" runs_with_guard
check "the libraries show weir_ names alone" shows_only_weir_names
check "every function a header declares is in the library" declared_functions_are_there
