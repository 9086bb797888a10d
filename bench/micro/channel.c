/* SPDX-License-Identifier: MIT */
/* An item through a channel, from one task to another. */
#include "measure.h"

struct bench {
    weir_channel *channel;
    int64_t n;
};

static int produce(void *arg)
{
    struct bench *b = arg;

    for (int64_t i = 0; i < b->n; i++)
        if (weir_channel_send(b->channel, &i) < 0)
            return -1;
    return 0;
}

static void items(void *arg, int64_t n)
{
    struct bench b = {.n = n};
    weir_scope scope;
    int64_t item;

    if (weir_channel_open(sizeof item, *(size_t *)arg, &b.channel) < 0)
        abort();
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "producer", produce, &b);
    for (int64_t i = 0; i < n; i++)
        if (weir_channel_receive(b.channel, &item) < 0)
            abort();
    (void)weir_scope_close(&scope);
    weir_channel_close(b.channel);
}

static int run(void *arg)
{
    static const size_t capacities[] = {1, 16, 256};
    int64_t n = *(int64_t *)arg;

    for (int i = 0; i < 3; i++) {
        size_t capacity = capacities[i];
        char what[64];
        snprintf(what, sizeof what, "item through a channel of %zu", capacity);
        measure(what, n, items, &capacity);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int64_t n = operations(argc, argv, 50000);

    return run_bench(run, &n, 0);
}
