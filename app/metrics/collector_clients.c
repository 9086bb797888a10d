/* SPDX-License-Identifier: MIT */
#include "metrics/collector_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- collecting --- */

static struct snapshot_client *find(struct snapshot *s, const char *address)
{
    struct snapshot_client *client;

    for (size_t i = 0; i < s->client_count; i++)
        if (strcmp(s->clients[i].address, address) == 0)
            return &s->clients[i];
    if (s->clients == NULL)
        s->clients = calloc(SNAPSHOT_CLIENTS_MAX, sizeof *s->clients);
    if (s->clients == NULL || s->client_count == SNAPSHOT_CLIENTS_MAX)
        return NULL;
    client = &s->clients[s->client_count++];
    *client = (struct snapshot_client){0};
    snprintf(client->address, sizeof client->address, "%s", address);
    return client;
}

void add_client(struct snapshot *s, const char *address, int half_sent, const uint64_t *ended)
{
    struct snapshot_client *client = find(s, address);

    if (client == NULL)
        return;
    client->known = true;
    client->half_sent += half_sent;
    for (int way = 0; way < WEIR_UNSERVED_WAYS; way++)
        client->ended[way] += ended[way];
}

static void add(void *arg, const weir_server_client *read)
{
    add_client(arg, read->address, read->half_sent, read->unserved);
}

void begin_clients(struct snapshot *s)
{
    for (size_t i = 0; i < s->client_count; i++) {
        s->clients[i].known = false;
        s->clients[i].half_sent = 0;
        memset(s->clients[i].ended, 0, sizeof s->clients[i].ended);
    }
}

/* A loop that forgot an address and counts it anew has nothing but new connections. */
static void count_new(struct snapshot_client *client, size_t second)
{
    uint64_t all = 0;
    uint64_t new;

    for (int way = 0; way < WEIR_UNSERVED_WAYS; way++)
        all += client->ended[way];
    new = all >= client->total ? all - client->total : all;
    client->seconds[second] += (uint32_t)(new < UINT32_MAX / 2 ? new : UINT32_MAX / 2);
    client->total = all;
}

void end_clients(struct snapshot *s, const struct window_clock *clock)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->client_count; i++) {
        if (!s->clients[i].known)
            continue;
        count_new(&s->clients[i], clock->present);
        if (kept != i)
            s->clients[kept] = s->clients[i];
        kept++;
    }
    s->client_count = kept;
}

void collect_clients(struct snapshot *s, const struct window_clock *clock, const weir_server *server)
{
    begin_clients(s);
    weir_server_clients_each(server, add, s);
    end_clients(s, clock);
}

void clear_client_second(struct snapshot *s, size_t second)
{
    for (size_t i = 0; i < s->client_count; i++)
        s->clients[i].seconds[second] = 0;
}

/* --- windows --- */

static uint64_t sum_of(const struct snapshot_client *client, const struct window_clock *clock, size_t past)
{
    size_t at = clock->present;
    uint64_t sum = client->seconds[at];

    for (; past > 0; past--) {
        at = window_clock_before(at);
        sum += client->seconds[at];
    }
    return sum;
}

static int by_connections(const void *a, const void *b)
{
    const struct snapshot_client *x = a, *y = b;
    const uint64_t of_x = (uint64_t)x->half_sent + x->last[LAST_60S];
    const uint64_t of_y = (uint64_t)y->half_sent + y->last[LAST_60S];

    return of_x != of_y ? (of_x < of_y) - (of_x > of_y) : strcmp(x->address, y->address);
}

void collect_client_windows(struct snapshot *s, const struct window_clock *clock)
{
    const size_t past_10s = window_clock_past(clock, s->at, WINDOW_SHORT_S);
    const size_t past_60s = window_clock_past(clock, s->at, WINDOW_LONG_S);

    for (size_t i = 0; i < s->client_count; i++) {
        s->clients[i].last[LAST_10S] = sum_of(&s->clients[i], clock, past_10s);
        s->clients[i].last[LAST_60S] = sum_of(&s->clients[i], clock, past_60s);
    }
    if (s->client_count > 1)
        qsort(s->clients, s->client_count, sizeof *s->clients, by_connections);
}
