/* SPDX-License-Identifier: MIT */
/* The rate of a route in a configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/support/reading.h"

#define WITH(rate) "listen: 127.0.0.1:8080\nroutes:\n  - {path: /, respond: {}, rate: " rate "}\n"

static const struct reading_fault table[] = {
    {WITH("5"), 3, 34, "a mapping"},
    {WITH("[]"), 3, 34, "a mapping"},
    {WITH("{}"), 3, 34, "no 'requests'"},
    {WITH("{per: 1s}"), 3, 34, "a number of requests"},
    {WITH("{requests: 0}"), 3, 45, "1"},
    {WITH("{requests: -1}"), 3, 45, NULL},
    {WITH("{requests: 1.5}"), 3, 45, NULL},
    {WITH("{requests: 1000001}"), 3, 45, "1000000"},
    {WITH("{requests: x}"), 3, 45, NULL},
    {WITH("{requests: [1]}"), 3, 45, NULL},
    {WITH("{requests: 5, per: 0s}"), 3, 53, "1ms"},
    {WITH("{requests: 5, per: 500us}"), 3, 53, NULL},
    {WITH("{requests: 5, per: 25h}"), 3, 53, "24h"},
    {WITH("{requests: 5, per: 5}"), 3, 53, NULL},
    {WITH("{requests: 5, per: minute}"), 3, 53, NULL},
    {WITH("{requests: 5, burst: 0}"), 3, 55, NULL},
    {WITH("{requests: 5, burst: 1000001}"), 3, 55, "1000000"},
    {WITH("{requests: 1001, per: 1ms}"), 3, 34, "more than 1000000 requests a second"},
    {WITH("{requests: 5, by: user}"), 3, 52, "client, route or header:NAME"},
    {WITH("{requests: 5, by: Client}"), 3, 52, "client, route or header:NAME"},
    {WITH("{requests: 5, by: 'header:'}"), 3, 52, "client, route or header:NAME"},
    {WITH("{requests: 5, by: 'header: X'}"), 3, 52, "client, route or header:NAME"},
    {WITH("{requests: 5, by: header}"), 3, 52, "client, route or header:NAME"},
    {WITH("{requests: 5, by: [client]}"), 3, 52, "expected text"},
    {WITH("{requests: 5, by: {header: X}}"), 3, 52, "expected text"},
    {WITH("{requests: 5, key: client}"), 3, 48, "unknown key 'key' in rate"},
    {WITH("{request: 5}"), 3, 35, "did you mean 'requests'?"},
    {"rate: {requests: 5}\n" WITH("{requests: 5}"), 1, 1, "unknown key 'rate'"},
};

static void each_fault_says_where_and_what(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        reading_has(&table[i]);
}

static struct config_rate rate_in(const char *text)
{
    struct config config;
    struct config_rate rate;

    reading_fine(text, &config);
    assert_non_null(config.routes[0].rate);
    rate = *config.routes[0].rate;
    if (rate.header != NULL)
        assert_string_equal(rate.header, "X-Api-Key");
    config_free(&config);
    return rate;
}

static void what_is_not_said_has_a_default(void **state)
{
    struct config_rate rate = rate_in(WITH("{requests: 5}"));
    struct config config;

    (void)state;
    assert_int_equal(rate.requests, 5);
    assert_int_equal(rate.per.ns, 1000000000);
    assert_int_equal(rate.burst, 5);
    assert_int_equal(rate.by, CONFIG_RATE_CLIENT);
    reading_fine("listen: 127.0.0.1:1\nroutes:\n  - {path: /, respond: {}}\n", &config);
    assert_null(config.routes[0].rate);
    config_free(&config);
}

static void what_is_said_is_read(void **state)
{
    struct config_rate rate =
        rate_in(WITH("{requests: 1000, per: 1ms, burst: 1000000, by: 'header:X-Api-Key'}"));

    (void)state;
    assert_int_equal(rate.requests, 1000);
    assert_int_equal(rate.per.ns, 1000000);
    assert_int_equal(rate.burst, 1000000);
    assert_int_equal(rate.by, CONFIG_RATE_HEADER);
    assert_non_null(rate.header);
    assert_int_equal(rate_in(WITH("{requests: 1, per: 24h, by: route}")).by, CONFIG_RATE_ROUTE);
    assert_int_equal(rate_in(WITH("{requests: 1, by: client}")).by, CONFIG_RATE_CLIENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_says_where_and_what),
        cmocka_unit_test(what_is_not_said_has_a_default),
        cmocka_unit_test(what_is_said_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
