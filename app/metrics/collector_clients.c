/* SPDX-License-Identifier: MIT */
#include "metrics/collector_clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t second_ns = INT64_C(1000000000);

static struct observed_client *find(struct observed_clients *o, const char *address)
{
    struct observed_client *client;

    for (size_t i = 0; i < o->count; i++)
        if (strcmp(o->list[i].address, address) == 0)
            return &o->list[i];
    if (o->list == NULL)
        o->list = calloc(OBSERVED_CLIENTS_MAX, sizeof *o->list);
    if (o->list == NULL || o->count == OBSERVED_CLIENTS_MAX)
        return NULL;
    client = &o->list[o->count++];
    *client = (struct observed_client){0};
    snprintf(client->address, sizeof client->address, "%s", address);
    return client;
}

static void add(void *arg, const weir_server_client *seen)
{
    struct observed_client *client = find(arg, seen->address);

    if (client == NULL)
        return;
    client->known = true;
    client->half_sent += seen->half_sent;
    for (int way = 0; way < WEIR_UNSERVED_WAYS; way++)
        client->ended[way] += seen->unserved[way];
}

static void begin(struct observed_clients *o)
{
    for (size_t i = 0; i < o->count; i++) {
        o->list[i].known = false;
        o->list[i].half_sent = 0;
        memset(o->list[i].ended, 0, sizeof o->list[i].ended);
    }
}

/* What a loop gave up counting, and began anew, is new as a whole. */
static void count_new(struct observed_client *client, size_t second)
{
    uint64_t all = 0;
    uint64_t new;

    for (int way = 0; way < WEIR_UNSERVED_WAYS; way++)
        all += client->ended[way];
    new = all >= client->seen ? all - client->seen : all;
    client->seconds[second] += (uint32_t)(new < UINT32_MAX / 2 ? new : UINT32_MAX / 2);
    client->seen = all;
}

void observed_clients_look(struct observed_clients *o, weir_runtime *runtime,
                           const struct rolling_clock *clock)
{
    size_t kept = 0;

    begin(o);
    weir_server_clients_each(runtime, add, o);
    for (size_t i = 0; i < o->count; i++) {
        if (!o->list[i].known)
            continue;
        count_new(&o->list[i], clock->present);
        if (kept != i)
            o->list[kept] = o->list[i];
        kept++;
    }
    o->count = kept;
}

void observed_clients_next(struct observed_clients *o, const struct rolling_clock *clock)
{
    for (size_t i = 0; i < o->count; i++)
        o->list[i].seconds[clock->present] = 0;
}

void observed_clients_close(struct observed_clients *o)
{
    free(o->list);
}

uint64_t observed_client_ended(const struct observed_client *client, const struct rolling_clock *clock,
                               weir_instant now, int seconds)
{
    const int64_t from_ns = now.ns - seconds * second_ns - second_ns / 2;
    size_t at = clock->present;
    uint64_t sum = client->seconds[at];

    for (size_t n = 1; n < clock->count; n++) {
        at = (at + ROLLING_SECONDS - 1) % ROLLING_SECONDS;
        if (clock->began_ns[at] < from_ns)
            break;
        sum += client->seconds[at];
    }
    return sum;
}

/* --- order --- */

struct order {
    const struct rolling_clock *clock;
    weir_instant now;
};

static uint64_t weight(const struct observed_client *client, const struct order *order)
{
    return (uint64_t)client->half_sent +
           observed_client_ended(client, order->clock, order->now, ROLLING_LONG_S);
}

static int compare(const void *a, const void *b, void *arg)
{
    const uint64_t x = weight(a, arg), y = weight(b, arg);

    return x != y ? (x < y) - (x > y)
                  : strcmp(((const struct observed_client *)a)->address,
                           ((const struct observed_client *)b)->address);
}

void observed_clients_sort(struct observed_clients *o, const struct rolling_clock *clock, weir_instant now)
{
    struct order order = {clock, now};

    if (o->count > 1)
        qsort_r(o->list, o->count, sizeof *o->list, compare, &order);
}
