#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The core on aarch64, where a cross compiler and qemu-user are installed: the switch, stacks, scopes, timers.
# liburing, libdw, c-ares and OpenSSL are missing there: the io_uring backend and TLS are left out; names of places and DNS are only
# compiled.
# epoll and the simulation are complete.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/e2e/tap.sh
cc=aarch64-linux-gnu-gcc
echo "1..3"
if ! command -v $cc >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
    for _ in 1 2 3; do
        skip "no $cc or no qemu-aarch64 (packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)"
    done
    exit 0
fi
work=$(mktemp -d)
said=("$work/said")
trap 'rm -rf "$work"' EXIT

cat >"$work/no_uring.c" <<'END'
#include <errno.h>
#include "io/backend.h"

static int open_none(const struct weir__io_options *options, struct weir__io **out)
{
    (void)options, (void)out;
    return -ENOSYS;
}

const struct weir__io_backend weir__io_uring = {.name = "uring", .open = open_none};
END

cat >"$work/no_names.c" <<'END'
#include <errno.h>
#include "symbols/symbols.h"

int weir__symbols_open(struct weir__symbols **out)
{
    static char none;
    *out = (struct weir__symbols *)(void *)&none;
    return 0;
}

struct weir__symbols *weir__symbols_share(struct weir__symbols *s)
{
    return s;
}

void weir__symbols_close(struct weir__symbols *s)
{
    (void)s;
}

bool weir__symbols_is_system(struct weir__symbols *s, uintptr_t address)
{
    (void)s, (void)address;
    return false;
}

size_t weir__symbols_name(struct weir__symbols *s, uintptr_t address, bool is_return, weir_frame *out, size_t room)
{
    (void)s, (void)is_return;
    out[0] = (weir_frame){.function = "?", .address = address};
    return room > 0;
}

size_t weir__symbols_unwind(struct weir__symbols *s, const struct weir__registers *r, const struct weir__stack_copy *stack,
                            uintptr_t *out, size_t room, bool *complete)
{
    (void)s, (void)r, (void)stack, (void)out, (void)room;
    *complete = false;
    return 0;
}
END

cat >"$work/no_dns.c" <<'END'
#include <errno.h>
#include "names/source.h"

static int ask_none(struct weir__lookup *lookup, const char *name)
{
    (void)lookup, (void)name;
    return -ENOSYS;
}

static void end_none(struct weir__resolver *resolver)
{
    (void)resolver;
}

const struct weir__name_source weir__dns_source = {.ask = ask_none, .end = end_none};
END

cat >"$work/no_tls.c" <<'END'
#include "tls/context/runtime.h"
#include "tls/transport/turn.h"

void weir__tls_turn_free(struct weir__tls_turn *turn)
{
    (void)turn;
}

void weir__tls_runtime_init(struct weir__tls_runtime *r)
{
    (void)r;
}

void weir__tls_runtime_free(struct weir__tls_runtime *r)
{
    (void)r;
}
END

cat >"$work/guarded.c" <<'END'
#include <unistd.h>
#include <weir/guard.h>
#include <weir/runtime.h>

static int first(void *arg)
{
    (void)arg;
    usleep(1);
    return 0;
}

int main(void)
{
    usleep(1);
    return weir_run(NULL, first, NULL) < 0 || weir_guard_call_count("usleep") != 1;
}
END

cat >"$work/program.c" <<'END'
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <weir/runtime.h>
#include <weir/scope.h>
#include <weir/sync.h>
#include <weir/task.h>

/* Fills the registers that a call must keep, d8 to d15 among them, and waits meanwhile. */
static int keeps_registers(void *arg)
{
    double a = *(int *)arg, b = a + 0.5, c = a * 3, d = a * 5, e = a * 7, f = a * 11, g = a * 13, h = a * 17;
    long i = *(int *)arg, j = i + 1, k = i + 2, l = i + 3, m = i + 4, n = i + 5, o = i + 6, p = i + 7, q = i + 8;

    for (int round = 0; round < 50; round++) {
        errno = (int)i;
        if (weir_yield() < 0 || errno != (int)i)
            return -1;
        a += 1, b += 1, c += 1, d += 1, e += 1, f += 1, g += 1, h += 1;
        j += i, k += i, l += i, m += i, n += i, o += i, p += i, q += i;
    }
    if (((uintptr_t)__builtin_frame_address(0) & 15) != 0)
        return -2;
    if (a + b + c + d + e + f + g + h != *(int *)arg * 58.0 + 0.5 + 8 * 50)
        return -3;
    return j + k + l + m + n + o + p + q == 8 * i + 36 + 8 * 50 * i ? 0 : -4;
}

static int deep(int n)
{
    volatile char frame[256] = {(char)n};
    return n == 0 ? weir_yield() : deep(n - 1) + frame[0] - frame[0];
}

static int deep_task(void *arg)
{
    (void)arg;
    return deep(100);
}

static int producer(void *arg)
{
    for (int i = 0; i < 100; i++)
        if (weir_channel_send(arg, &i) < 0)
            return -5;
    weir_channel_end(arg);
    return 0;
}

static int first(void *arg)
{
    int numbers[20], item, sum = 0, err;
    weir_channel *channel;
    weir_scope scope;
    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 20; i++) {
        numbers[i] = i;
        weir_spawn(&scope, "registers", keeps_registers, &numbers[i]);
        weir_spawn(&scope, "deep", deep_task, NULL);
    }
    err = weir_scope_close(&scope);
    if (err < 0 || weir_channel_open(sizeof item, 3, &channel) < 0)
        return err < 0 ? err : -6;
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "producer", producer, channel);
    while (weir_channel_receive(channel, &item) == 0)
        sum += item;
    err = weir_scope_close(&scope);
    weir_channel_close(channel);
    if (err < 0 || sum != 4950)
        return -7;
    weir_scope_open(&scope, weir_after_ms(5), 0);
    if (weir_sleep_until(weir_never()) != -WEIR_EDEADLINE || weir_scope_close(&scope) != -WEIR_EDEADLINE)
        return -8;
    return 0;
}

int main(void)
{
    static const enum weir_io all[] = {WEIR_IO_SIM, WEIR_IO_EPOLL};

    for (int i = 0; i < 2; i++) {
        weir_options options = {.io = all[i]};
        int result = weir_run(&options, first, NULL);
        if (result != 0) {
            fprintf(stderr, "backend %d ended with %d\n", i, result);
            return 1;
        }
    }
    return 0;
}
END

flags=(-std=gnu11 -D_GNU_SOURCE -O1 -fno-omit-frame-pointer -fPIC -Wall -Wextra -Werror -Iinclude -Isrc)
builds() {
    local sources=("$work"/no_*.c src/core/switch_aarch64.S) names=(src/symbols/{modules,names,symbols,unwind}.c src/names/{dns,dns_socket}.c)
    while read -r file; do
        case " src/io/uring.c ${names[*]} " in
        *" $file "*) ;;
        *) sources+=("$file") ;;
        esac
    done < <(find src/{base,io,core,symbols,names,guard,pool,process,watch,run} -name '*.c' -not -path '*/preload/*')
    mkdir "$work/objects"
    for file in "${sources[@]}"; do echo "$file $work/objects/${file//\//_}.o"; done |
        xargs -P 2 -L 1 sh -c "$cc ${flags[*]} -c -o \"\$1\" \"\$0\"" &&
        $cc "${flags[@]}" -idirafter /usr/include -fsyntax-only "${names[@]}" &&
        $cc "${flags[@]}" -static -pthread -o "$work/program" "$work/program.c" "$work"/objects/*.o -lm
}

guards() {
    $cc "${flags[@]}" -shared -fvisibility=hidden -Wl,-soname,libweir-guard.so.0 -o "$work/libweir-guard.so.0" src/guard/preload/*.c &&
        $cc "${flags[@]}" -pthread -o "$work/guarded" "$work/guarded.c" "$work"/objects/*.o "$work/libweir-guard.so.0" -lm &&
        WEIR_GUARD=count timeout 60 qemu-aarch64 -E LD_LIBRARY_PATH="$work" -L /usr/aarch64-linux-gnu "$work/guarded"
}

check "builds for aarch64" builds
check "tasks switch, wait and end there" timeout 60 qemu-aarch64 "$work/program"
check "the guard sees there" guards
