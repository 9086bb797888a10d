/* SPDX-License-Identifier: MIT */
/* Setting and cancelling a deadline, as every request does, with and without other timers; and the clock. */
#include "measure.h"

static void scopes(void *arg, int64_t n)
{
    weir_instant deadline = *(weir_instant *)arg;

    for (int64_t i = 0; i < n; i++) {
        weir_scope scope;
        weir_scope_open(&scope, deadline, 0);
        (void)weir_scope_close(&scope);
    }
}

static void clocks(void *arg, int64_t n)
{
    volatile int64_t sink;

    (void)arg;

    for (int64_t i = 0; i < n; i++)
        sink = weir_now().ns;
    (void)sink;
}

static int sleep_long(void *arg)
{
    (void)arg;
    return weir_sleep(weir_ms(1000 + (int64_t)weir_random_below(100000)));
}

static int run(void *arg)
{
    int64_t n = *(int64_t *)arg;
    weir_instant never = weir_never(), later = weir_after_ms(3600000);
    weir_scope others;

    measure("weir_now()", n, clocks, NULL);
    measure("scope opened and closed", n, scopes, &never);
    measure("the same with a deadline", n, scopes, &later);
    weir_scope_open(&others, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 10000; i++)
        weir_spawn(&others, "sleeper", sleep_long, NULL);
    (void)weir_yield();
    measure("the same beside 10 000 sleepers", n, scopes, &later);
    weir_scope_cancel(&others);
    (void)weir_scope_close(&others);
    return 0;
}

int main(int argc, char **argv)
{
    int64_t n = operations(argc, argv, 50000);

    return run_bench(run, &n, 0);
}
