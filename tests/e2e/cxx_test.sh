#!/usr/bin/env bash
# A C++ program on libweir: the headers are C++ too, and an exception in flight belongs to the task that threw it.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/program.cc" <<'CXX'
#include <weir.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

static int catch_across_waits(void *arg)
{
    const std::string mine = std::to_string(*static_cast<int *>(arg));
    for (int i = 0; i < 20; i++) {
        try {
            if (weir_yield() < 0)
                return -1;
            throw std::runtime_error(mine);
        } catch (const std::exception &) {
            // others throw and catch while we are in here
            if (weir_sleep(weir_us(10)) < 0 || std::uncaught_exceptions() != 0)
                return -2;
            try {
                throw; // must be ours
            } catch (const std::exception &again) {
                if (again.what() != mine)
                    return -3;
            }
        }
        if (std::current_exception() != nullptr)
            return -4;
    }
    return 0;
}

static int first(void *)
{
    weir_scope scope;
    int numbers[10];

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 10; i++) {
        numbers[i] = i;
        weir_spawn(&scope, "thrower", catch_across_waits, &numbers[i]);
    }
    return weir_scope_close(&scope);
}

int main()
{
    weir_options options = {};
    options.io = WEIR_IO_SIM;
    int result = weir_run(&options, first, nullptr);
    if (result != 0)
        std::fprintf(stderr, "ended with %d\n", result);
    return result == 0 ? 0 : 1;
}
CXX

echo "1..2"
if g++ -std=c++17 -Wall -Wextra -Werror -Iinclude -o "$work/program" "$work/program.cc" "$build/libweir.a" -luring -lm -pthread; then
    echo "ok 1 - a C++ program builds"
else
    echo "not ok 1 - a C++ program builds"
fi
if [ -x "$work/program" ] && "$work/program"; then
    echo "ok 2 - exceptions stay with their tasks"
else
    echo "not ok 2 - exceptions stay with their tasks"
fi
