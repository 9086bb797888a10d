/* SPDX-License-Identifier: MIT */
/* Connecting: one address, or several that race (RFC 8305). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/scope.h>
#include <weir/sync.h>
#include <weir/time.h>

#include "core/loop.h"
#include "core/task.h"
#include "core/wait.h"
#include "net/address.h"
#include "net/connect.h"
#include "net/network.h"
#include "net/stream.h"

enum { ATTEMPT_DELAY_MS = 250 }; /* RFC 8305, 5 */

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

static int connect_one(const struct weir__address *address, size_t extra_bytes, weir_stream **out)
{
    const struct weir__network *network = weir__network_here();
    weir_stream *s = weir__stream_new(extra_bytes);
    struct weir__transport_wait w;
    int err;

    if (s == NULL)
        return -ENOMEM;
    err = network->open(network, &s->socket, address->any.sa_family, &s->transport);
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

/* --- several --- */

struct race {
    weir_scope scope;
    size_t extra_bytes;
    weir_event failed; /* the attempt that began last */
    int begun;
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
    if (number == race->begun - 1)
        weir_event_set(&race->failed);
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

/* Waits until it is time for the next attempt. */
static void wait_a_little(struct race *race)
{
    weir_scope delay;
    int why;

    weir_scope_open(&delay, weir_after_ms(ATTEMPT_DELAY_MS), 0);
    why =
        weir_event_wait(&race->failed); /* a failure, the time, or the end of the race: each means to go on */
    (void)why;
    (void)weir_scope_close(&delay);
}

static int connect_several(const struct weir__address *addresses, int count, size_t extra_bytes,
                           weir_stream **out)
{
    struct attempt attempts[WEIR__ADDRESSES_MAX];
    struct race race = {.extra_bytes = extra_bytes};
    int cause;

    weir_event_init(&race.failed);
    weir_scope_open(&race.scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < count && weir_scope_cause(&race.scope) == 0; i++) {
        int err;

        attempts[i] = (struct attempt){&race, &addresses[i], i};
        race.begun = i + 1;
        weir_event_reset(&race.failed);
        err = weir_spawn(&race.scope, "connecting", attempt, &attempts[i]);
        if (err < 0)
            note_failure(&race, i, err);
        if (i + 1 < count)
            wait_a_little(&race);
    }
    cause = weir_scope_close(&race.scope);
    if (race.winner != NULL) {
        *out = race.winner;
        return 0;
    }
    return cause < 0 ? cause : race.err;
}

int weir__connect_first(const struct weir__address *addresses, int count, size_t extra_bytes,
                        weir_stream **out)
{
    return count == 1 ? connect_one(&addresses[0], extra_bytes, out)
                      : connect_several(addresses, count, extra_bytes, out);
}

/* The addresses in exactly as much memory as they need: the maximum would be half a page for each task that
 * waits. */
static int resolve(const struct weir__endpoint *endpoint, struct weir__address **out)
{
    struct weir__address *all = calloc(WEIR__ADDRESSES_MAX, sizeof *all);
    int count = all != NULL ? weir__resolve(endpoint, all) : -ENOMEM;

    *out = count > 0 ? malloc((size_t)count * sizeof *all) : NULL;
    if (*out != NULL)
        memcpy(*out, all, (size_t)count * sizeof *all);
    free(all);
    return count > 0 && *out == NULL ? -ENOMEM : count;
}

/* Not inlined, so that its stack is free again while the task waits for a connection. Returns: how many; < 0.
 */
__attribute__((noinline)) static int find_addresses(const char *address, struct weir__address **out)
{
    struct weir__endpoint endpoint;
    int err = weir__endpoint_parse(address, &endpoint);

    return err < 0 ? err : resolve(&endpoint, out);
}

int weir__connect(const char *address, size_t extra_bytes, weir_stream **out)
{
    struct weir__address *addresses;
    int err = find_addresses(address, &addresses);

    if (err < 0)
        return err;
    err = weir__connect_first(addresses, err, extra_bytes, out);
    free(addresses);
    return err;
}
