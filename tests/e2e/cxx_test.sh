#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# C++ programs on libweir: the headers are valid C++, an exception in flight belongs to the task that threw it, the
# guard catches the calls that the C++ standard library makes, and the example in C++ does what its comment says.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/e2e/tap.sh
build=${BUILD:-build}
work=$(mktemp -d)
said=("$work/output")
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
    for (size_t i = 0; weir_guard_call_name(i) != nullptr; i++)
        if (weir_guard_call_count(weir_guard_call_name(i)) > 0)
            std::printf("%s %d\n", weir_guard_call_name(i), static_cast<int>(weir_guard_call_count(weir_guard_call_name(i))));
    return 0;
}
CXX

libraries=("$build/libweir.a" -luring -ldw -lcares -lssl -lcrypto -lm -pthread)
strict=(-Wall -Wextra -Wshadow -Wconversion -Wpedantic -Werror)

headers_compile() { # in each standard, together; that each compiles alone is checked by tools/check/headers
    local standard
    for standard in c++17 c++20 c++23; do
        g++ -std=$standard "${strict[@]}" -Iinclude -fsyntax-only -include weir.h -x c++ /dev/null || return
    done
    if command -v clang++; then
        for standard in c++17 c++20; do
            clang++ -std=$standard "${strict[@]}" -Iinclude -fsyntax-only -include weir.h -x c++ /dev/null || return
        done
    fi
}

keeps_exceptions() {
    g++ -std=c++17 "${strict[@]}" -Iinclude -o "$work/program" "$work/program.cc" "${libraries[@]}" && "$work/program"
}

is_guarded() {
    g++ -O1 -std=c++17 -Wall -Wextra -Werror -Iinclude -o "$work/guarded" "$work/guarded.cc" "$build/libweir-guard.so" \
        "${libraries[@]}" && LD_LIBRARY_PATH=$build "$work/guarded" >"$work/said" || return
    cat "$work/said"
    [ "$(cut -d' ' -f1 "$work/said" | tr '\n' ' ')" = "nanosleep pthread_cond_clockwait pthread_join pthread_mutex_lock " ]
}

serves() { # the example: answers, an exception for the client, one for the log
    local port server status=0
    g++ -O1 -std=c++17 "${strict[@]}" -Iinclude -o "$work/example" examples/11_cxx.cc "${libraries[@]}" || return
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$work/example" "127.0.0.1:$port" 2>"$work/log" &
    server=$!
    asked() { curl -sS -w ' %{http_code}' "http://127.0.0.1:$port$1" 2>/dev/null | tr -d '\n'; }
    while kill -0 "$server" && ! curl -s -o "$work/nothing" "http://127.0.0.1:$port/"; do
        sleep 0.05
    done
    [ "$(asked /sums/10)" = "385 3025 200" ] && [ "$(asked /sums/ten)" = "not a number 400" ] &&
        [[ "$(asked /sums/1001)" == *' 500' ]] && [ "$(asked /sums/0)" = "0 0 200" ] || status=1
    kill "$server" && wait "$server" || status=2
    cat "$work/log"
    grep -q 'error handler exception="n is 1001"' "$work/log" || status=3
    return $status
}

echo "1..4"
check "the headers are C++17, 20 and 23" headers_compile
check "exceptions stay with their tasks" keeps_exceptions
check "the guard sees through C++" is_guarded
check "the example in C++ answers, and turns exceptions into answers" serves
