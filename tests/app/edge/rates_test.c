/* SPDX-License-Identifier: MIT */
/* The rates of a configuration in shared memory: which are found again, and what happens when there is no
 * room. */
#include "app/support/reading.h"

#include <stdio.h>
#include <unistd.h>

#include "edge/rate_table.h"
#include "edge/rates.h"

enum { SHARED_BYTES = 1 << 20, ROOM = 1 << 17 };

/* Shared memory with one member. */
static weir_shared *shared_new(void)
{
    weir_shared *shared;
    int fd;

    assert_int_equal(weir_shared_make(SHARED_BYTES, &fd), 0);
    assert_int_equal(weir_shared_open(fd, 0, &shared), 0);
    assert_int_equal(close(fd), 0);
    return shared;
}

/* Opens and closes the rates of a configuration. Returns: how many tables are listed in the memory. */
static size_t listed_after(weir_shared *shared, const char *text)
{
    struct config config;
    struct rates *rates;
    _Atomic uint64_t *digests;
    void *block;
    size_t count = 0;

    reading_fine(text, &config);
    assert_int_equal(rates_open(&config, shared, &rates), 0);
    assert_non_null(rates);
    rates_close(rates);
    config_free(&config);
    if (shared == NULL)
        return 0;
    assert_int_equal(
        weir_shared_block(shared, "rates", 0, RATES_SHARED_MAX * sizeof(_Atomic uint64_t), &block), 0);
    for (digests = block; count < RATES_SHARED_MAX && atomic_load(&digests[count]) != 0;)
        count++;
    return count;
}

#define ROUTE(path, rate) "  - {path: " path ", respond: {}, rate: {" rate "}}\n"
#define HEAD "listen: 127.0.0.1:1\nroutes:\n"

static void a_table_is_found_again_unless_rate_or_route_differ(void **state)
{
    weir_shared *shared = shared_new();

    (void)state;
    assert_int_equal(listed_after(shared, HEAD ROUTE("/a", "requests: 5, by: route")), 1);
    assert_int_equal(listed_after(shared, HEAD ROUTE("/a", "requests: 5, by: route, per: 1000ms, burst: 5")),
                     1);
    assert_int_equal(
        listed_after(shared, HEAD "  - {path: /b, respond: {}}\n" ROUTE("/a", "requests: 5, by: route")),
        1); /* its place in the file does not matter */
    assert_int_equal(listed_after(shared, HEAD ROUTE("/a", "requests: 6, by: route")), 2);
    assert_int_equal(listed_after(shared, HEAD ROUTE("/a", "requests: 5, by: route, burst: 6")), 3);
    assert_int_equal(listed_after(shared, HEAD ROUTE("/a", "requests: 5, by: route, per: 2s")), 4);
    assert_int_equal(listed_after(shared, HEAD ROUTE("/b", "requests: 5, by: route")), 5);
    assert_int_equal(listed_after(shared, HEAD ROUTE("/a, host: h", "requests: 5, by: route")), 6);
    assert_int_equal(listed_after(shared, HEAD ROUTE("/a, methods: GET", "requests: 5, by: route")), 7);
    assert_int_equal(listed_after(shared, HEAD ROUTE("/a", "requests: 5, by: client")), 8);
    /* there is no room for a second table with keys: it is this process's own */
    assert_int_equal(listed_after(shared, HEAD ROUTE("/a", "requests: 5, by: 'header:A'")), 9);
    assert_int_equal(listed_after(shared, HEAD ROUTE("/a", "requests: 5, by: 'header:B'")), 10);
    weir_shared_close(shared);
}

static void more_rates_than_are_shared_are_counted_by_each_process(void **state)
{
    weir_shared *shared = shared_new();
    static char text[ROOM];
    size_t used = (size_t)snprintf(text, sizeof text, HEAD);

    (void)state;
    for (int i = 0; i < RATES_SHARED_MAX + 3; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "  - {path: /%d, respond: {}, rate: {requests: 5, by: route}}\n", i);
    assert_true(used < sizeof text);
    assert_int_equal(listed_after(shared, text), RATES_SHARED_MAX);
    assert_int_equal(listed_after(shared, text), RATES_SHARED_MAX);
    assert_int_equal(listed_after(NULL, text), 0);
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
        cmocka_unit_test(a_configuration_without_rates_takes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
