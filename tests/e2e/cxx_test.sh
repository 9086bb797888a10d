#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# C++ programs on libweir: the headers are valid C++, an exception in flight belongs to the task that threw it, and the
# guard catches the calls that the C++ standard library makes.
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

cat >"$work/guarded.cc" <<'CXX'
#include <weir.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

using namespace std::chrono_literals;

static int first(void *)
{
    std::mutex mutex;
    std::condition_variable changed;

    std::this_thread::sleep_for(1us);
    std::thread([] {}).join();
    {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait_for(lock, 1us);
    }
    std::lock_guard<std::mutex> held(mutex);
    return weir_yield();
}

int main()
{
    weir_guard_options options = {};
    options.mode = WEIR_GUARD_COUNT;
    if (weir_guard_configure(&options) < 0 || weir_run(nullptr, first, nullptr) < 0)
        return 1;
    for (size_t i = 0; weir_guard_name(i) != nullptr; i++)
        if (weir_guard_calls(weir_guard_name(i)) > 0)
            std::printf("%s %d\n", weir_guard_name(i), static_cast<int>(weir_guard_calls(weir_guard_name(i))));
    return 0;
}
CXX

echo "1..3"
if g++ -std=c++17 -Wall -Wextra -Werror -Iinclude -o "$work/program" "$work/program.cc" "$build/libweir.a" -luring -ldw -lm -pthread; then
    echo "ok 1 - a C++ program builds"
else
    echo "not ok 1 - a C++ program builds"
fi
if [ -x "$work/program" ] && "$work/program"; then
    echo "ok 2 - exceptions stay with their tasks"
else
    echo "not ok 2 - exceptions stay with their tasks"
fi
if g++ -O1 -std=c++17 -Wall -Wextra -Werror -Iinclude -o "$work/guarded" "$work/guarded.cc" "$build/libweir-guard.so" \
    "$build/libweir.a" -luring -ldw -lm -pthread &&
    LD_LIBRARY_PATH=$build "$work/guarded" >"$work/said" &&
    [ "$(cut -d' ' -f1 "$work/said" | tr '\n' ' ')" = "nanosleep pthread_cond_clockwait pthread_join pthread_mutex_lock " ]; then
    echo "ok 3 - the guard sees through C++"
else
    echo "not ok 3 - the guard sees through C++"
    sed 's/^/# /' "$work/said"
fi
