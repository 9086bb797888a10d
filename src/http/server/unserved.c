/* SPDX-License-Identifier: MIT */
#include "http/server/unserved.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "net/stream.h"

enum { CLIENT_TEXT_BYTES = INET6_ADDRSTRLEN + sizeof "/64" };

const char *weir_unserved_name(enum weir_unserved way)
{
    static const char *const names[WEIR_UNSERVED_WAYS] = {
        [WEIR_UNSERVED_HEAD_TIMEOUT] = "head_timeout",
        [WEIR_UNSERVED_IDLE_TIMEOUT] = "idle_timeout",
        [WEIR_UNSERVED_CLOSED] = "closed",
        [WEIR_UNSERVED_RESET] = "reset",
        [WEIR_UNSERVED_MADE_ROOM] = "made_room",
        [WEIR_UNSERVED_CLIENT_LIMIT] = "client_limit",
        [WEIR_UNSERVED_MEMORY] = "memory",
        [WEIR_UNSERVED_DRAINED] = "drained",
        [WEIR_UNSERVED_TLS] = "tls",
        [WEIR_UNSERVED_PROXY_HEADER] = "proxy_header",
    };

    return (unsigned)way < WEIR_UNSERVED_WAYS ? names[way] : "?";
}

/* --- numbers with one writer --- */

static uint64_t get(const _Atomic uint64_t *n)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)n, memory_order_acquire);
}

static int get_int(const atomic_int *n)
{
    return atomic_load_explicit((atomic_int *)(uintptr_t)n, memory_order_acquire);
}

static void set(_Atomic uint64_t *n, uint64_t value)
{
    atomic_store_explicit(n, value, memory_order_release);
}

static void add(atomic_int *n, int more)
{
    atomic_store_explicit(n, get_int(n) + more, memory_order_release);
}

/* --- rows --- */

static bool key_of(weir_stream *stream, struct weir__client_key *key)
{
    struct sockaddr_storage addr;
    socklen_t len;

    if (weir__stream_peer_address(stream, &addr, &len) < 0)
        return false;
    *key = weir__client_key_of(&addr);
    return true;
}

static void give_away(struct weir__unserved_row *row, const struct weir__client_key *key)
{
    uint64_t version = get(&row->version), weight = get(&row->weight);

    atomic_store(&row->version, version + 1);
    set(&row->bits, key->bits);
    set(&row->family, key->family);
    set(&row->inherited, weight);
    atomic_store_explicit(&row->half_sent, 0, memory_order_release);
    for (size_t i = 0; i < WEIR_UNSERVED_WAYS; i++)
        set(&row->ended[i], 0);
    set(&row->version, version + 2);
}

/* Finds or makes the row of an address, and counts an event there. */
static struct weir__unserved_row *row_of(struct weir__unserved *u, const struct weir__client_key *key)
{
    struct weir__unserved_row *least = &u->rows[0], *row = NULL;

    for (size_t i = 0; row == NULL && i < WEIR__UNSERVED_ROWS; i++) {
        if (get(&u->rows[i].family) == key->family && get(&u->rows[i].bits) == key->bits)
            row = &u->rows[i];
        else if (get(&u->rows[i].weight) < get(&least->weight))
            least = &u->rows[i];
    }
    if (row == NULL) {
        row = least;
        give_away(row, key);
    }
    set(&row->weight, get(&row->weight) + 1);
    return row;
}

/* The row of a connection in the stage HALF_SENT; NULL: it has been given away. */
static struct weir__unserved_row *row_of_half_sent(struct weir__unserved_connection c)
{
    struct weir__unserved_row *row = &c.unserved->rows[c.place->row];

    return (uint16_t)get(&row->version) == c.place->version ? row : NULL;
}

/* --- events ---
 * Rows are counted before the sums: a reader of a sum, and then of the rows, finds there what it counts. */

void weir__unserved_begins(struct weir__unserved_connection c)
{
    *c.stage = WEIR__STAGE_FRESH;
    add(&c.unserved->fresh, 1);
}

/* Ends the stage of a connection. Returns: the row of its address; NULL: the row is to be looked for. */
static struct weir__unserved_row *leave_stage(struct weir__unserved_connection c)
{
    struct weir__unserved_row *row = NULL;

    if (*c.stage == WEIR__STAGE_FRESH)
        add(&c.unserved->fresh, -1);
    if (*c.stage == WEIR__STAGE_HALF_SENT) {
        row = row_of_half_sent(c);
        if (row != NULL)
            add(&row->half_sent, -1);
        add(&c.unserved->half_sent, -1);
    }
    *c.stage = WEIR__STAGE_SERVED;
    return row;
}

/* Counts a connection in the row of its address. */
static struct weir__unserved_place count_half_sent(struct weir__unserved_connection c)
{
    struct weir__unserved_row *row;
    struct weir__client_key key;

    if (!key_of(c.stream, &key))
        return (struct weir__unserved_place){0, 1}; /* of no row: versions at rest are even */
    row = row_of(c.unserved, &key);
    add(&row->half_sent, 1);
    return (struct weir__unserved_place){(uint16_t)(row - c.unserved->rows), (uint16_t)get(&row->version)};
}

void weir__unserved_half_sent(struct weir__unserved_connection c)
{
    if (*c.stage == WEIR__STAGE_HALF_SENT)
        return;
    (void)leave_stage(c);
    *c.stage = WEIR__STAGE_HALF_SENT;
    *c.place = count_half_sent(c);
    add(&c.unserved->half_sent, 1);
}

void weir__unserved_served(struct weir__unserved_connection c)
{
    (void)leave_stage(c);
}

void weir__unserved_ends(struct weir__unserved_connection c, enum weir_unserved way)
{
    struct weir__unserved *u = c.unserved;
    struct weir__unserved_row *row;
    struct weir__client_key key;

    if (*c.stage == WEIR__STAGE_SERVED)
        return;
    row = leave_stage(c);
    if (row == NULL && key_of(c.stream, &key))
        row = row_of(u, &key);
    if (row != NULL)
        set(&row->ended[way], get(&row->ended[way]) + 1);
    set(&u->ended[way], get(&u->ended[way]) + 1);
}

/* --- reading --- */

void weir__unserved_read(const struct weir__unserved *u, weir_server_stats *stats)
{
    stats->fresh += get_int(&u->fresh);
    stats->half_sent += get_int(&u->half_sent);
    for (size_t i = 0; i < WEIR_UNSERVED_WAYS; i++)
        stats->unserved[i] += get(&u->ended[i]);
}

static const char *format(const struct weir__client_key *key, char text[static CLIENT_TEXT_BYTES])
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr network = {0};

    if (key->family == AF_INET6) {
        memcpy(&network, &key->bits, sizeof key->bits);
        snprintf(text, CLIENT_TEXT_BYTES, "%s/64", inet_ntop(AF_INET6, &network, address, sizeof address));
        return text;
    }
    if (key->family == AF_INET)
        return inet_ntop(AF_INET, &(struct in_addr){(in_addr_t)key->bits}, text, CLIENT_TEXT_BYTES);
    return key->family == AF_UNIX ? "unix" : "?";
}

/* Returns: false: the row is free, or was given away meanwhile. */
static bool read_row(const struct weir__unserved_row *row, struct weir__client_key *key,
                     weir_server_client *out)
{
    uint64_t version = get(&row->version);

    *key = (struct weir__client_key){get(&row->bits), get(&row->family)};
    *out = (weir_server_client){.half_sent = get_int(&row->half_sent), .inherited = get(&row->inherited)};
    for (size_t i = 0; i < WEIR_UNSERVED_WAYS; i++)
        out->unserved[i] = get(&row->ended[i]);
    return key->family != 0 && version % 2 == 0 && get(&row->version) == version;
}

void weir__unserved_each(const struct weir__unserved *u,
                         void (*fn)(void *arg, const weir_server_client *client), void *arg)
{
    char text[CLIENT_TEXT_BYTES];
    struct weir__client_key key;
    weir_server_client client;

    for (size_t i = 0; i < WEIR__UNSERVED_ROWS; i++)
        if (read_row(&u->rows[i], &key, &client)) {
            client.address = format(&key, text);
            fn(arg, &client);
        }
}
