/* SPDX-License-Identifier: MIT */
#include "metrics/collector_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/backend.h"

/* --- opening and closing --- */

int open_backends(struct snapshot *s)
{
    const struct config *config = s->config;
    int err = 0;

    s->backends = calloc(config->backend_count + 1, sizeof *s->backends);
    if (s->backends == NULL)
        return -ENOMEM;
    while (err == 0 && s->backend_count < config->backend_count) {
        struct snapshot_backend *b = &s->backends[s->backend_count];
        b->options = &config->backends[s->backend_count].options;
        b->limit = b->options->limit;
        err = series_open_plain(&b->requests, BACKEND_NUMBERS);
        if (err == 0)
            err = open_attempts(&b->attempts);
        s->backend_count++; /* half open ones are closed, too */
    }
    return err;
}

static void close_instance(struct snapshot_instance *instance)
{
    series_close(&instance->requests);
    free(instance->address);
}

void close_backends(struct snapshot *s)
{
    for (size_t i = 0; i < s->backend_count; i++) {
        struct snapshot_backend *b = &s->backends[i];
        for (size_t k = 0; k < b->instance_count; k++)
            close_instance(&b->instances[k]);
        free(b->instances);
        series_close(&b->requests);
        series_close(&b->attempts.ended);
    }
    free(s->backends);
}

/* --- instances --- */

/* Returns: NULL when there is no memory. */
static struct snapshot_instance *add_instance(struct snapshot_backend *b, const char *address)
{
    struct snapshot_instance *more = realloc(b->instances, (b->instance_count + 1) * sizeof *more);
    struct snapshot_instance *instance;

    if (more == NULL)
        return NULL;
    b->instances = more;
    instance = &more[b->instance_count];
    *instance = (struct snapshot_instance){.address = strdup(address)};
    if (instance->address != NULL && series_open_plain(&instance->requests, INSTANCE_NUMBERS) == 0) {
        b->instance_count++;
        return instance;
    }
    close_instance(instance);
    return NULL;
}

static struct snapshot_instance *find_instance(struct snapshot_backend *b, const char *address)
{
    for (size_t i = 0; i < b->instance_count; i++)
        if (strcmp(b->instances[i].address, address) == 0)
            return &b->instances[i];
    return add_instance(b, address);
}

static void take_instance(struct snapshot_backend *b, const weir_instance_stats *stats)
{
    struct snapshot_instance *instance = find_instance(b, stats->address);
    const uint64_t numbers[INSTANCE_NUMBERS] = {
        [INSTANCE_REQUESTS] = stats->requests,
        [INSTANCE_FAILURES] = stats->failures,
        [INSTANCE_EJECTIONS] = stats->ejections,
    };

    if (instance == NULL)
        return;
    instance->known = true;
    instance->state = stats->state;
    instance->since = stats->since;
    instance->in_use = stats->in_use;
    instance->last_error = stats->last_error;
    instance->last_error_at = stats->last_error_at;
    instance->last_check = stats->last_check;
    series_update(&instance->requests, NULL, numbers);
}

static void drop_unknown(struct snapshot_backend *b)
{
    size_t kept = 0;

    for (size_t i = 0; i < b->instance_count; i++) {
        if (b->instances[i].known)
            b->instances[kept++] = b->instances[i];
        else
            close_instance(&b->instances[i]);
    }
    b->instance_count = kept;
}

/* --- collecting --- */

void take_backend(struct snapshot *s, const weir_backend_stats *stats)
{
    uint64_t numbers[BACKEND_NUMBERS] = {
        [BACKEND_REQUESTS] = stats->requests, [BACKEND_OPENED] = stats->opened};
    struct snapshot_backend *b = s->backends, *end = s->backends + s->backend_count;

    while (b < end && strcmp(b->options->name, stats->name) != 0)
        b++;
    if (b == end)
        return;
    b->shared_id = stats->shared_id;
    b->in_use = stats->in_use;
    b->limit = stats->limit;
    b->waiting = stats->waiting;
    b->connections = stats->connections;
    b->open = stats->open;
    b->open_since = stats->open_since;
    memcpy(numbers + BACKEND_REFUSED, stats->refused, sizeof stats->refused);
    series_update(&b->requests, NULL, numbers);
    take_attempts(&b->attempts, &stats->attempts);
    for (size_t i = 0; i < b->instance_count; i++)
        b->instances[i].known = false;
    for (size_t i = 0; i < stats->instance_count; i++)
        take_instance(b, &stats->instances[i]);
    drop_unknown(b);
    b->panics = stats->panics && snapshot_backend_up(b) == 0; /* as a request saw it, and it is still so */
}

static void take(void *arg, const weir_backend_stats *stats)
{
    take_backend(arg, stats);
}

void collect_backends(struct snapshot *s, weir_runtime *runtime)
{
    weir_backend_each(runtime, take, s);
}
