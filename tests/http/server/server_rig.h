/* SPDX-License-Identifier: MIT */
/* A server and a client of raw bytes in one run, for the tests of the server.
 *
 * Threading: all of it is one loop's.
 */
#ifndef TEST_HTTP_SERVER_RIG_H
#define TEST_HTTP_SERVER_RIG_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weir.h>

#include "support/memory.h"
#include "support/run.h"

struct rig {
    weir_server_options options;
    const weir_route *routes;
    size_t route_count;
    void (*prepare)(struct rig *rig); /* before the server is opened; or NULL */
    int (*test)(struct rig *rig);
    void (*finish)(struct rig *rig); /* after it is closed; or NULL */
    weir_listener_options listener;  /* beside its address; of the server's one listener */
    weir_server *server;             /* NULL: it is closed */
    char address[WEIR_ADDRESS_BYTES];
    weir_event listening;
    weir_scope serving;
    int served; /* what weir_server_run() returned */
    weir_exchange_record last;
    weir_charge charges[WEIR_CHARGES_MAX]; /* of the last; its names are gone unless they are constants */
    size_t charge_count;
    char held_by[64];
    bool unrecorded;
    bool unsecured; /* not with TLS below: there a client is refused, or waits, before it can write */
    int records;
    void (*noted)(struct rig *rig, const weir_exchange_record *record); /* with each; or NULL */
    weir_event recorded;
    void *data;
};

static inline void rig_listening(void *arg, weir_server *server)
{
    struct rig *rig = arg;

    (void)snprintf(rig->address, sizeof rig->address, "%s", weir_server_address(server, 0));
    rig->server = server;
    weir_event_set(&rig->listening);
}

/* Every nanosecond of an exchange is charged once. */
static inline void rig_check_charges(struct rig *rig, const weir_exchange_record *record)
{
    weir_charge *charges = rig->charges;
    size_t count = rig->charge_count = weir_exchange_charges(record, charges);
    int64_t sum_ns = 0;

    if (rig->options.ledger_off) {
        assert_int_equal(count, 0);
        return;
    }
    rig->held_by[0] = '\0';
    assert_true(count > 0 || record->took.ns == 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(charges[i].share.ns >= 0);
        assert_true(charges[i].share.ns <= charges[i].took.ns + 1);
        sum_ns += charges[i].share.ns;
        if (charges[i].held_by != NULL)
            (void)snprintf(rig->held_by, sizeof rig->held_by, "%s", charges[i].held_by);
    }
    assert_int_equal(sum_ns, record->took.ns);
}

static inline void rig_record(void *arg, const weir_exchange_record *record)
{
    struct rig *rig = arg;

    rig_check_charges(rig, record);
    rig->last = *record;
    rig->records++;
    if (rig->noted != NULL)
        rig->noted(rig, record);
    weir_event_set(&rig->recorded);
}

static inline int rig_serve(void *arg)
{
    struct rig *rig = arg;

    rig->served = weir_server_run(&rig->options, rig->routes, rig->route_count);
    rig->server = NULL;
    return 0;
}

static inline int rig_main(void *arg)
{
    struct rig *rig = arg;
    int result;

    if (rig->prepare != NULL)
        rig->prepare(rig);
    rig->listener.address = "127.0.0.1:0";
    rig->options.listeners = &rig->listener;
    rig->options.listener_count = 1;
    rig->options.on_listening = rig_listening;
    rig->options.on_exchange = rig->unrecorded ? NULL : rig_record;
    rig->options.arg = rig;
    rig->records = 0;
    weir_event_init(&rig->listening);
    weir_event_init(&rig->recorded);
    weir_scope_open(&rig->serving, weir_never(), 0);
    assert_int_equal(weir_spawn(&rig->serving, "server", rig_serve, rig), 0);
    assert_int_equal(weir_event_wait(&rig->listening), 0);
    result = rig->test(rig);
    weir_scope_cancel(&rig->serving);
    (void)weir_scope_close(&rig->serving);
    assert_true(rig->served == -WEIR_ECANCELED || rig->served == 0); /* cancelled, or drained by the test */
    if (rig->finish != NULL)
        rig->finish(rig);
    return result;
}

/* Runs rig->test beside the server, on every kernel interface there is, and with all connections in memory.
 */
static inline void rig_run(struct rig *rig)
{
    run_on_plain_transports(rig_main, rig);
    if (!rig->unsecured)
        run_securely(1, rig_main, rig);
}

/* The same in virtual time alone. */
static inline void rig_run_simulated(struct rig *rig)
{
    run_simulated_plainly(1, rig_main, rig);
    if (!rig->unsecured)
        run_securely(1, rig_main, rig);
}

static inline weir_stream *rig_connect(struct rig *rig)
{
    weir_stream *s = NULL;

    assert_int_equal(weir_connect(rig->address, &s), 0);
    return s;
}

static inline void rig_send(weir_stream *s, const char *text)
{
    assert_int_equal(weir_write(s, text, strlen(text)), 0);
}

/* Reads one answer with its body (by content-length) into text. Returns its status; 0 when the end came
 * instead; < 0 the connection broke. */
static inline int rig_answer(weir_stream *s, char *text, size_t room)
{
    size_t len = 0, want = SIZE_MAX;

    while (len < want) {
        ssize_t n = weir_read(s, text + len, want == SIZE_MAX ? 1 : want - len);
        if (n <= 0)
            return len == 0 ? (int)n : -WEIR_ETRUNCATED;
        len += (size_t)n;
        assert_true(len + 1 < room);
        text[len] = '\0';
        if (want == SIZE_MAX && len >= 4 && strcmp(text + len - 4, "\r\n\r\n") == 0) {
            const char *length = strstr(text, "content-length: ");
            want = len + (length != NULL ? strtoul(length + 16, NULL, 10) : 0);
            assert_true(want < room);
        }
    }
    return atoi(text + 9);
}

static inline weir_server_stats rig_stats(const struct rig *rig)
{
    weir_server_stats stats;

    weir_server_stats_get(rig->server, &stats);
    return stats;
}

/* Waits until so many connections have ended without a request in one way. */
static inline void rig_wait_for_ended(const struct rig *rig, enum weir_unserved way, uint64_t count)
{
    while (rig_stats(rig).unserved[way] != count)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
}

/* True when the peer has closed, in order or by a reset. */
static inline bool rig_is_closed(weir_stream *s)
{
    char c;

    return weir_read(s, &c, 1) <= 0;
}

#endif
