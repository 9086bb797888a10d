/* SPDX-License-Identifier: MIT */
/* The rates of a configuration in shared memory: which are found again, and what happens when there is no
 * room. */
#include "app/support/reading.h"

#include <stdio.h>
#include <unistd.h>

#include "edge/rate_places.h"
#include "edge/rates.h"

enum { SHARED_BYTES = 300 << 20, ROOM = 1 << 17, RELOADS = 2000 };

#define ROUTE(path, rate) "  - {path: " path ", respond: {}, rate: {" rate "}}\n"
#define HEAD "listen: 127.0.0.1:1\nroutes:\n"

/* A process: its configuration and its rates. */
struct process {
    struct config config;
    struct rates *rates;
};

/* Shared memory with one member. */
static weir_shared *shared_new(size_t bytes)
{
    weir_shared *shared;
    int fd;

    assert_int_equal(weir_shared_make(bytes, &fd), 0);
    assert_int_equal(weir_shared_open(fd, 0, &shared), 0);
    assert_int_equal(close(fd), 0);
    return shared;
}

static void process_open(struct process *p, weir_shared *shared, const char *text)
{
    reading_fine(text, &p->config);
    assert_int_equal(rates_open(&p->config, shared, &p->rates), 0);
    assert_non_null(p->rates);
}

static void process_close(struct process *p)
{
    rates_close(p->rates);
    config_free(&p->config);
}

static size_t tables_in(weir_shared *shared)
{
    struct rate_places places;

    assert_int_equal(rate_places_open(&places, shared), 0);
    return rate_places_begun(&places);
}

static void a_table_is_found_again_unless_rate_or_route_differ(void **state)
{
    static const struct {
        const char *text;
        size_t tables; /* once there is a process with it, too */
    } cases[] = {
        {HEAD ROUTE("/a", "requests: 5, by: route"), 1},
        {HEAD ROUTE("/a", "requests: 5, by: route, per: 1000ms, burst: 5"), 1},
        /* its place in the file does not matter */
        {HEAD "  - {path: /b, respond: {}}\n" ROUTE("/a", "requests: 5, by: route"), 1},
        {HEAD ROUTE("/a", "requests: 6, by: route"), 2},
        {HEAD ROUTE("/a", "requests: 5, by: route, burst: 6"), 3},
        {HEAD ROUTE("/a", "requests: 5, by: route, per: 2s"), 4},
        {HEAD ROUTE("/b", "requests: 5, by: route"), 5},
        {HEAD ROUTE("/a, host: h", "requests: 5, by: route"), 6},
        {HEAD ROUTE("/a, methods: GET", "requests: 5, by: route"), 7},
        {HEAD ROUTE("/a", "requests: 5, by: client"), 8},
        {HEAD ROUTE("/a", "requests: 5, by: 'header:A'"), 9},
        {HEAD ROUTE("/a", "requests: 5, by: 'header:B'"), 10},
        {HEAD ROUTE("/a, scheme: http", "requests: 5, by: route"), 11},
    };
    enum { CASES = sizeof cases / sizeof *cases };
    weir_shared *shared = shared_new(SHARED_BYTES);
    struct process processes[CASES];

    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        process_open(&processes[i], shared, cases[i].text);
        assert_int_equal(rates_own(processes[i].rates), 0);
        assert_int_equal(tables_in(shared), cases[i].tables);
    }
    for (size_t i = 0; i < CASES; i++)
        process_close(&processes[i]);
    weir_shared_close(shared);
}

static void write_many(char text[static ROOM], int routes)
{
    size_t used = (size_t)snprintf(text, ROOM, HEAD);

    for (int i = 0; i < routes; i++)
        used += (size_t)snprintf(text + used, ROOM - used,
                                 "  - {path: /%d, respond: {}, rate: {requests: 5, by: route}}\n", i);
    assert_true(used < ROOM);
}

static void more_rates_than_are_shared_are_counted_by_each_process(void **state)
{
    weir_shared *shared = shared_new(SHARED_BYTES), *small = shared_new(1 << 20);
    static char text[ROOM];
    struct process many, others;

    (void)state;
    write_many(text, RATE_PLACES + 3);
    process_open(&many, shared, text);
    assert_int_equal(rates_own(many.rates), 3);
    assert_int_equal(tables_in(shared), RATE_PLACES);
    process_open(&others, shared, HEAD ROUTE("/x", "requests: 5"));
    assert_int_equal(rates_own(others.rates), 1);
    process_close(&others);
    process_close(&many);
    write_many(text, RATE_PLACES);
    process_open(&many, shared, text); /* what no process has is free */
    assert_int_equal(rates_own(many.rates), 0);
    process_close(&many);

    process_open(&many, small, text); /* without room for any */
    assert_int_equal(rates_own(many.rates), RATE_PLACES);
    process_close(&many);
    process_open(&many, NULL, text);
    assert_int_equal(rates_own(many.rates), RATE_PLACES);
    process_close(&many);
    weir_shared_close(small);
    weir_shared_close(shared);
}

/* A reload begins while the process of the configuration before still serves. */
static void reloads_may_change_rates_for_ever(void **state)
{
    weir_shared *shared = shared_new(SHARED_BYTES);
    struct process processes[2];
    char text[256];

    (void)state;
    for (int i = 0; i < RELOADS; i++) {
        (void)snprintf(text, sizeof text,
                       HEAD "  - {path: /a, respond: {}, rate: {requests: %d}}\n" ROUTE("/b", "requests: 1"),
                       i + 1);
        process_open(&processes[i % 2], shared, text);
        assert_int_equal(rates_own(processes[i % 2].rates), 0);
        if (i > 0)
            process_close(&processes[(i + 1) % 2]);
    }
    assert_int_equal(tables_in(shared), 3); /* that of /b is kept */
    process_close(&processes[(RELOADS + 1) % 2]);
    weir_shared_close(shared);
}

/* A process that begins anew after the only one has died, with one rate more. */
static void what_is_there_is_found_before_a_place_is_taken(void **state)
{
    weir_shared *shared = shared_new(SHARED_BYTES);
    struct process process;

    (void)state;
    process_open(&process, shared, HEAD ROUTE("/b", "requests: 5"));
    process_close(&process);
    process_open(&process, shared, HEAD ROUTE("/a", "requests: 5") ROUTE("/b", "requests: 5"));
    assert_int_equal(tables_in(shared), 2);
    process_close(&process);
    weir_shared_close(shared);
}

static void a_configuration_without_rates_takes_nothing(void **state)
{
    struct config config;
    struct rates *rates;

    (void)state;
    reading_fine(HEAD "  - {path: /, respond: {}}\n", &config);
    assert_int_equal(rates_open(&config, NULL, &rates), 0);
    assert_null(rates);
    rates_close(rates);
    config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_found_again_unless_rate_or_route_differ),
        cmocka_unit_test(more_rates_than_are_shared_are_counted_by_each_process),
        cmocka_unit_test(reloads_may_change_rates_for_ever),
        cmocka_unit_test(what_is_there_is_found_before_a_place_is_taken),
        cmocka_unit_test(a_configuration_without_rates_takes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
