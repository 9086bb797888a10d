/* SPDX-License-Identifier: MIT */
#include "gateway/memory_watch.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include <weir/http_server.h>

#include "gateway/memory_need.h"

/* The interval while there is plenty of memory, and while a burst could take all of it. */
enum { LOOK_MS = 1000, LOOK_CLOSELY_MS = 20 };

struct memory_watch {
    struct gateway_status *status;
    uint64_t exchange_bytes;
    int exchanges; /* the limit */
    weir_memory *memory;
    bool held;  /* the last look allowed no more requests */
    bool binds; /* the last look allowed fewer than the limit */
    pthread_t thread;
    pthread_mutex_t lock; /* guards the end */
    pthread_cond_t ends;
    bool ended;
};

uint64_t memory_reserve(uint64_t limit_bytes)
{
    const uint64_t most = UINT64_C(512) << 20;

    return limit_bytes / 10 < most ? limit_bytes / 10 : most;
}

int memory_allows(const weir_memory_stats *use, int in_progress, uint64_t exchange_bytes, bool held)
{
    uint64_t reserve = memory_reserve(use->limit_bytes), room = use->limit_bytes - use->used_bytes;
    uint64_t more;

    if (use->limit_bytes == 0)
        return INT_MAX;
    if (room <= reserve || (held && room <= reserve + reserve / 2))
        return 0;
    more = (room - reserve) / exchange_bytes;
    return more < (uint64_t)(INT_MAX - in_progress) ? in_progress + (int)more : INT_MAX;
}

/* Reads the memory in use, and sets the number of requests that the server may take.
 * Returns: the milliseconds until the next look. */
static int look(struct memory_watch *w)
{
    weir_memory_stats use;
    weir_server_stats stats;
    bool binds;
    int most;

    weir_memory_stats_get(w->memory, &use);
    if (gateway_status_hold(w->status) == NULL)
        return LOOK_CLOSELY_MS;
    weir_server_stats_get(w->status->server, &stats);
    most = memory_allows(&use, stats.exchanges, w->exchange_bytes, w->held);
    w->held = most == 0;
    binds = most < w->exchanges;
    if (binds || w->binds)
        weir_server_hold(w->status->server, most);
    w->binds = binds;
    gateway_status_release(w->status);
    return binds || use.used_bytes > use.limit_bytes / 2 ? LOOK_CLOSELY_MS : LOOK_MS;
}

static void wait_ms(struct memory_watch *w, int ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&w->ends, &w->lock, &until);
}

static void *run(void *arg)
{
    struct memory_watch *w = arg;

    pthread_mutex_lock(&w->lock);
    while (!w->ended) {
        int ms;

        pthread_mutex_unlock(&w->lock);
        ms = look(w);
        pthread_mutex_lock(&w->lock);
        if (!w->ended)
            wait_ms(w, ms);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void free_watch(struct memory_watch *w)
{
    weir_memory_close(w->memory);
    pthread_cond_destroy(&w->ends);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

int memory_watch_open(const struct config *config, struct gateway_status *status, const char *root,
                      struct memory_watch **out)
{
    struct memory_watch *w = calloc(1, sizeof *w);
    int err;
    pthread_condattr_t monotonic;

    *out = NULL;
    if (w == NULL)
        return -ENOMEM;
    w->status = status;
    w->exchanges = config->limits.exchanges;
    w->exchange_bytes = memory_of_exchange(config);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->ends, &monotonic);
    pthread_condattr_destroy(&monotonic);
    err = weir_memory_open(root, &w->memory);
    if (err == 0)
        err = -pthread_create(&w->thread, NULL, run, w);
    if (err < 0)
        free_watch(w);
    else
        *out = w;
    return err;
}

void memory_watch_close(struct memory_watch *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->ended = true;
    pthread_cond_signal(&w->ends);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    free_watch(w);
}
