/* SPDX-License-Identifier: MIT */
/* Connecting: one address, or several that race (RFC 8305). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/scope.h>
#include <weir/sync.h>
#include <weir/task.h>
#include <weir/time.h>

#include "core/loop.h"
#include "core/spare.h"
#include "core/task.h"
#include "core/wait.h"
#include "names/resolve.h"
#include "net/address.h"
#include "net/connect.h"
#include "net/network.h"
#include "net/stream.h"

enum {
    ATTEMPT_DELAY_MS = 250, /* RFC 8305, 5 */
    FULL_QUEUE_MS = 5000,
    FULL_QUEUE_DELAY_MS_MAX = 16,
};

static bool describe_connecting(const struct weir__look *look, const struct weir__task *task,
                                struct weir__wait_words *out)
{
    char text[WEIR_ADDRESS_BYTES];
    struct sockaddr_storage to;
    struct weir__transport_wait w;

    if (!weir__peek(&look->peek, task->wait_arg, &w, sizeof w) || w.op.addr_len > sizeof to ||
        !weir__peek(&look->peek, w.op.addr, &to, w.op.addr_len))
        return false;
    weir__address_format((struct sockaddr *)&to, w.op.addr_len, text);
    (void)snprintf(out->text, sizeof out->text, "connecting to %s", text);
    return true;
}

static const struct weir__wait_class connecting = {"connecting", describe_connecting,
                                                   .charge = WEIR_CHARGE_CONNECT};

static int connect_once(const struct weir__address *address, size_t extra_bytes, weir_stream **out)
{
    const struct weir__network *network = weir__network_here();
    weir_stream *s = weir__stream_new(extra_bytes);
    struct weir__transport_wait w;
    int err;

    if (s == NULL)
        return -ENOMEM;
    err = network->open(network, &s->socket, address->any.sa_family, &s->transport);
    if (err < 0) {
        err = weir__spare_await(err);
        if (err == 0)
            err = network->open(network, &s->socket, address->any.sa_family, &s->transport);
    }
    if (err == 0) {
        memset(&w, 0, sizeof w);
        w.transport = s->transport;
        w.op.type = WEIR__IO_CONNECT;
        w.op.addr = (struct sockaddr *)(uintptr_t)&address->any;
        w.op.addr_len = address->len;
        err = weir__transport_wait(&w, &connecting);
    }
    if (err < 0)
        weir__stream_close(s);
    else
        *out = s;
    return err;
}

/* A Unix socket whose queue is full refuses at once, where a TCP one drops the first segment, which is sent
 * again: the server is busy, not gone. */
static int connect_one(const struct weir__address *address, size_t extra_bytes, weir_stream **out)
{
    weir_instant until = weir_after_ms(FULL_QUEUE_MS);
    int delay_ms = 1;

    for (;;) {
        int err = connect_once(address, extra_bytes, out);
        if (err != -EAGAIN || address->any.sa_family != AF_UNIX || weir_now().ns >= until.ns)
            return err;
        err = weir_sleep(weir_ms(delay_ms));
        if (err < 0)
            return err;
        delay_ms = delay_ms < FULL_QUEUE_DELAY_MS_MAX ? 2 * delay_ms : FULL_QUEUE_DELAY_MS_MAX;
    }
}

/* --- several --- */

/* The addresses of a race. Those of the other family of a name may be added while the race runs. */
struct field {
    int count, room;
    bool is_open;        /* more may come */
    const char *address; /* as the caller named it */
    struct weir__address addresses[];
};

struct race {
    weir_scope scope;
    struct field *field;
    size_t extra_bytes;
    weir_event news; /* the attempt that began last has failed, or addresses have come, or no more will */
    int begun;
    bool has_failed; /* the attempt that began last */
    weir_stream *winner;
    int err; /* of the last address that has failed, in the order of the list */
    int err_of;
};

struct attempt {
    struct race *race;
    const struct weir__address *address;
    int number;
};

static void note_failure(struct race *race, int number, int err)
{
    if (number >= race->err_of) {
        race->err = err;
        race->err_of = number;
    }
    if (number == race->begun - 1) {
        race->has_failed = true;
        weir_event_set(&race->news);
    }
}

static int attempt(void *arg)
{
    struct attempt *a = arg;
    struct race *race = a->race;
    weir_stream *s;
    int err = connect_one(a->address, race->extra_bytes, &s);

    if (err == 0 && race->winner == NULL) {
        race->winner = s;
        weir_scope_cancel(&race->scope);
    } else if (err == 0) {
        weir__stream_close(s);
    } else if (race->winner == NULL) {
        note_failure(race, a->number, err);
    }
    return 0;
}

static void begin_attempt(struct race *race, struct attempt *a)
{
    int number = race->begun++, err;

    *a = (struct attempt){race, &race->field->addresses[number], number};
    race->has_failed = false;
    err = weir_spawn(&race->scope, "connecting", attempt, a);
    if (err < 0)
        note_failure(race, number, err);
}

/* Waits until the next attempt may be due: at an instant, after a failure, or once its address has come. */
static void await_turn(struct race *race, weir_instant next)
{
    weir_scope delay;
    int why;

    weir_event_reset(&race->news);
    weir_scope_open(&delay, race->begun < race->field->count ? next : weir_never(), 0);
    why = weir_event_wait(&race->news); /* news, the time, or the end of the race: each means to go on */
    (void)why;
    (void)weir_scope_close(&delay);
}

static void run_race(struct race *race, struct attempt *attempts)
{
    const struct field *field = race->field;
    weir_instant next = weir_now();

    while (weir_scope_cause(&race->scope) == 0 && (race->begun < field->count || field->is_open)) {
        bool is_due = race->has_failed || race->begun == 0 || weir_now().ns >= next.ns;

        if (race->begun < field->count && is_due) {
            next = weir_after_ms(ATTEMPT_DELAY_MS);
            begin_attempt(race, &attempts[race->begun]);
        } else {
            await_turn(race, next);
        }
    }
}

/* find_more: a task that adds to the field; NULL: none. */
static int connect_several(struct field *field, size_t extra_bytes, int (*find_more)(void *race),
                           weir_stream **out)
{
    struct attempt attempts[WEIR__ADDRESSES_MAX];
    struct race race = {.field = field, .extra_bytes = extra_bytes};
    int cause;

    weir_event_init(&race.news);
    weir_scope_open(&race.scope, weir_never(), WEIR_COLLECT);
    if (find_more != NULL && weir_spawn(&race.scope, "resolving", find_more, &race) < 0)
        field->is_open = false;
    run_race(&race, attempts);
    cause = weir_scope_close(&race.scope);
    if (race.winner != NULL) {
        *out = race.winner;
        return 0;
    }
    return cause < 0 ? cause : race.err;
}

static struct field *new_field(int room)
{
    struct field *f = malloc(sizeof *f + (size_t)room * sizeof f->addresses[0]);

    if (f != NULL)
        *f = (struct field){.room = room};
    return f;
}

int weir__connect_first(const struct weir__address *addresses, int count, size_t extra_bytes,
                        weir_stream **out)
{
    struct field *f;
    int err;

    if (count == 1)
        return connect_one(&addresses[0], extra_bytes, out);
    f = new_field(count);
    if (f == NULL)
        return -ENOMEM;
    f->count = count;
    memcpy(f->addresses, addresses, (size_t)count * sizeof *addresses);
    err = connect_several(f, extra_bytes, NULL, out);
    free(f);
    return err;
}

/* --- names --- */

static bool has(const struct field *f, const struct weir__address *a)
{
    for (int i = 0; i < f->count; i++)
        if (f->addresses[i].len == a->len && memcmp(&f->addresses[i].any, &a->any, a->len) == 0)
            return true;
    return false;
}

/* Adds the addresses of a name that a field does not have, the families in turn. Each use of a name begins
 * with another address, so that all are used. */
static void add_found(struct field *f, const struct weir__name *n, uint16_t port)
{
    int four_count = n->count - n->count6, six = 0, four = 0;
    unsigned turn = n->turn;

    while (f->count < f->room && (six < n->count6 || four < four_count)) {
        bool is_six = six < n->count6 && (six <= four || four >= four_count);
        unsigned at = is_six ? (unsigned)six++ : (unsigned)four++;
        const struct weir__ip *ip = is_six ? &n->ips[(at + turn) % n->count6]
                                           : &n->ips[n->count6 + (at + turn) % (unsigned)four_count];
        struct weir__address a = weir__address_of_ip(ip, port);
        if (!has(f, &a))
            f->addresses[f->count++] = a;
    }
}

/* Not inlined, so that its stack is free again while the task waits for a connection. */
__attribute__((noinline)) static void add_rest(struct field *f)
{
    struct weir__endpoint endpoint;
    struct weir__found found;

    if (weir__endpoint_parse(f->address, &endpoint) == 0 &&
        weir__names_resolve(endpoint.host, endpoint.host_len, WEIR__WANT_ALL, &found) == 0)
        add_found(f, found.name, endpoint.port);
}

/* Waits for the other family of a name. */
static int find_rest(void *arg)
{
    struct race *race = arg;

    add_rest(race->field);
    race->field->is_open = false;
    weir_event_set(&race->news);
    return 0;
}

/* Returns: a field with one address; NULL: no memory. */
static struct field *field_of_one(const struct weir__address *address)
{
    struct field *f = new_field(1);

    if (f != NULL)
        f->addresses[f->count++] = *address;
    return f;
}

static int resolve_name(const struct weir__endpoint *endpoint, struct field **out,
                        struct weir__connect_note *note)
{
    struct weir__found found = {0};
    int err, room;

    note->is_resolving = true;
    err = weir__names_resolve(endpoint->host, endpoint->host_len, WEIR__WANT_FIRST, &found);
    note->is_resolving = err == -WEIR_EDEADLINE || err == -WEIR_ECANCELED;
    if (err == -WEIR_EDNS)
        note->why = found.name->why;
    if (err < 0)
        return err;
    room =
        found.is_pending || found.name->count > WEIR__ADDRESSES_MAX ? WEIR__ADDRESSES_MAX : found.name->count;
    *out = new_field(room);
    if (*out == NULL)
        return -ENOMEM;
    (*out)->is_open = found.is_pending;
    add_found(*out, found.name, endpoint->port);
    found.name->turn++;
    return 0;
}

/* Not inlined: as above. */
__attribute__((noinline)) static int find_addresses(const char *address, struct field **out,
                                                    struct weir__connect_note *note)
{
    struct weir__endpoint endpoint;
    struct weir__address literal;
    int err = weir__endpoint_parse(address, &endpoint);

    if (err < 0)
        return err;
    if (!endpoint.is_unix && endpoint.host_type == WEIR_HOST_NAME)
        return resolve_name(&endpoint, out, note);
    if (!endpoint.is_unix)
        err = weir__address_of_literal(endpoint.host, endpoint.port, &literal);
    if (err == 0)
        *out = field_of_one(endpoint.is_unix ? &endpoint.unix_path : &literal);
    return err < 0 ? err : *out == NULL ? -ENOMEM : 0;
}

int weir__connect_noting(const char *address, size_t extra_bytes, weir_stream **out,
                         struct weir__connect_note *note)
{
    struct field *f = NULL;
    int err;

    *note = (struct weir__connect_note){0};
    err = find_addresses(address, &f, note);
    if (err < 0)
        return err;
    f->address = address;
    if (f->count == 1 && !f->is_open)
        err = connect_one(&f->addresses[0], extra_bytes, out);
    else
        err = connect_several(f, extra_bytes, f->is_open ? find_rest : NULL, out);
    free(f);
    return err;
}

int weir__connect(const char *address, size_t extra_bytes, weir_stream **out)
{
    struct weir__connect_note note;

    return weir__connect_noting(address, extra_bytes, out, &note);
}
