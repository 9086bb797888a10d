/* SPDX-License-Identifier: MIT */
/* Backends in the snapshot: what a reading of the library becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/support/reading.h"
#include "metrics/collector_parts.h"

static const char file[] =
    "listen: 127.0.0.1:0\n"
    "backends:\n"
    "  orders: {urls: ['http://127.0.0.1:7101', 'http://127.0.0.1:7102'], limit: 9,\n"
    "           connections: {max: 5, queue: 7}}\n"
    "  stock: {urls: ['unix:/run/stock.sock']}\n"
    "routes:\n"
    "  - path: /page/{id}\n"
    "    gather:\n"
    "      calls:\n"
    "        - {name: near, url: 'http://127.0.0.1/x'}\n"
    "        - {name: mine, backend: orders, path: '/of/{id}', deadline: 200ms}\n"
    "        - {name: set, backend: orders, path: '/x', method: POST}\n"
    "        - {name: add, backend: orders, path: '/x', method: POST, repeatable: true}\n"
    "  - {path: /shop/*, proxy: {backend: stock}}\n"
    "  - {path: /get/*, methods: [GET, HEAD], proxy: {backend: stock}}\n"
    "  - {path: /put/*, methods: [PUT, POST], proxy: {backend: stock}}\n"
    "  - {path: /any/*, proxy: {backend: stock, repeatable: true}}\n"
    "  - {path: /old/*, proxy: {to: 'http://127.0.0.1/x'}}\n"
    "  - {path: /app/*, proxy: {to: 'unix:/run/app.sock'}}\n";

static struct config config;
static struct snapshot s;

static int begin(void **state)
{
    (void)state;
    reading_fine(file, &config);
    s = (struct snapshot){.config = &config};
    return open_backends(&s) < 0 || open_calls(&s) < 0;
}

static int end(void **state)
{
    (void)state;
    close_backends(&s);
    close_calls(&s);
    config_free(&config);
    return 0;
}

static const uint64_t *numbers_of(size_t backend, size_t instance)
{
    return s.backends[backend].instances[instance].requests.numbers;
}

static void every_backend_of_the_file_is_there_from_the_start(void **state)
{
    (void)state;
    assert_int_equal(s.backend_count, 2);
    assert_string_equal(s.backends[0].options->name, "orders");
    assert_int_equal(s.backends[0].options->limit, 9);
    assert_int_equal(s.backends[0].options->connections_max, 5);
    assert_int_equal(s.backends[0].options->waiting_max, 7);
    assert_int_equal(s.backends[1].options->connections_max, 256);
    assert_int_equal(s.backends[1].instance_count, 0);
    for (int i = 0; i < BACKEND_NUMBERS; i++)
        assert_int_equal(s.backends[0].requests.numbers[i], 0);
}

static void a_reading_is_taken_over(void **state)
{
    const weir_instance_stats instances[] = {
        {.address = "127.0.0.1:7101", .in_use = 2, .requests = 10, .failures = 1, .last_error = "it broke"},
        {.address = "127.0.0.1:7102", .state = WEIR_INSTANCE_DOWN, .since = {7}, .last_check = "Not Found"},
    };
    const weir_backend_stats stats = {.name = "orders",
                                      .instances = instances,
                                      .instance_count = 2,
                                      .in_use = 3,
                                      .waiting = 1,
                                      .connections = 4,
                                      .requests = 12,
                                      .refused = {[WEIR_BACKEND_LIMITED] = 2, [WEIR_BACKEND_OPEN] = 5},
                                      .open = true,
                                      .open_since = {8},
                                      .opened = 1,
                                      .panics = true,
                                      .limit = 7,
                                      .attempts = {.attempts = {[WEIR_ATTEMPT_HEDGE][WEIR_ATTEMPT_LOST] = 3},
                                                   .denied = {[WEIR_ATTEMPT_OPEN] = 4},
                                                   .hedge_after = {41},
                                                   .hedge_saved = {42},
                                                   .budget = 1.5,
                                                   .shared_id = 43}};
    const struct snapshot_backend *b = &s.backends[0];

    (void)state;
    take_backend(&s, &stats);
    assert_int_equal(b->in_use, 3);
    assert_int_equal(b->waiting, 1);
    assert_int_equal(b->connections, 4);
    assert_true(b->open && b->open_since.ns == 8);
    assert_false(b->panics); /* one has come back since a request saw that all were out */
    assert_int_equal(b->requests.numbers[BACKEND_REQUESTS], 12);
    assert_int_equal(b->requests.numbers[BACKEND_OPENED], 1);
    assert_int_equal(b->requests.numbers[BACKEND_REFUSED + WEIR_BACKEND_BUSY], 0);
    assert_int_equal(b->requests.numbers[BACKEND_REFUSED + WEIR_BACKEND_LIMITED], 2);
    assert_int_equal(snapshot_backend_refused(b->requests.numbers), 7);
    assert_int_equal(b->limit, 7);
    assert_int_equal(snapshot_attempts_of(b->attempts.ended.numbers, WEIR_ATTEMPT_HEDGE), 3);
    assert_int_equal(snapshot_attempts_of(b->attempts.ended.numbers, WEIR_ATTEMPT_FIRST), 0);
    assert_int_equal(
        snapshot_attempts_ended(b->attempts.ended.numbers, WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_LOST), 3);
    assert_int_equal(snapshot_attempts_denied(b->attempts.ended.numbers), 4);
    assert_int_equal(b->attempts.ended.numbers[ATTEMPTS_DENIED + WEIR_ATTEMPT_OPEN], 4);
    assert_int_equal(b->attempts.ended.numbers[ATTEMPTS_SAVED_NS], 42);
    assert_true(b->attempts.hedge_after.ns == 41 && b->attempts.budget == 1.5);
    assert_int_equal(b->attempts.shared_id, 43);
    assert_int_equal(b->instance_count, 2);
    assert_string_equal(b->instances[0].address, "127.0.0.1:7101");
    assert_string_equal(b->instances[0].last_error, "it broke");
    assert_int_equal(b->instances[0].in_use, 2);
    assert_int_equal(numbers_of(0, 0)[INSTANCE_REQUESTS], 10);
    assert_int_equal(numbers_of(0, 0)[INSTANCE_FAILURES], 1);
    assert_int_equal(b->instances[1].state, WEIR_INSTANCE_DOWN);
    assert_int_equal(b->instances[1].since.ns, 7);
    assert_string_equal(b->instances[1].last_check, "Not Found");
    assert_int_equal(snapshot_backend_instances(b), 2);
    assert_int_equal(snapshot_backend_up(b), 1);
    assert_int_equal(s.backends[1].requests.numbers[BACKEND_REQUESTS], 0);
}

/* An instance that is gone is shown until its requests have ended, then forgotten; its sums are no other's.
 */
static void instances_come_and_go(void **state)
{
    weir_instance_stats instances[] = {{.address = "a:1", .requests = 5},
                                       {.address = "b:1", .requests = 6},
                                       {.address = "c:1", .requests = 7}};
    weir_backend_stats stats = {.name = "stock", .instances = instances, .instance_count = 3};
    const struct snapshot_backend *b = &s.backends[1];

    (void)state;
    take_backend(&s, &stats);
    instances[1].state = WEIR_INSTANCE_GONE;
    take_backend(&s, &stats);
    assert_int_equal(b->instance_count, 3);
    assert_int_equal(snapshot_backend_instances(b), 2);
    assert_int_equal(snapshot_backend_up(b), 2);
    instances[1] = instances[2];
    stats.instance_count = 2;
    take_backend(&s, &stats);
    assert_int_equal(b->instance_count, 2);
    assert_string_equal(b->instances[1].address, "c:1");
    assert_int_equal(numbers_of(1, 1)[INSTANCE_REQUESTS], 7);
    instances[1] = (weir_instance_stats){.address = "b:1", .requests = 1};
    take_backend(&s, &stats);
    assert_string_equal(b->instances[1].address, "b:1");
    assert_int_equal(numbers_of(1, 1)[INSTANCE_REQUESTS], 1);
    instances[0].state = WEIR_INSTANCE_EJECTED;
    instances[1].state = WEIR_INSTANCE_DOWN;
    stats.panics = true;
    take_backend(&s, &stats);
    assert_true(b->panics);
    stats.instance_count = 0;
    take_backend(&s, &stats);
    assert_int_equal(b->instance_count, 0);
    stats.name = "another program's";
    take_backend(&s, &stats); /* is none of the file's */
}

static void windows_have_what_was_new(void **state)
{
    weir_instance_stats instances[] = {{.address = "a:1", .requests = 5, .failures = 1},
                                       {.address = "b:1", .requests = 6}};
    weir_backend_stats stats = {.name = "stock", .instances = instances, .instance_count = 2, .requests = 11};
    struct snapshot_backend *b = &s.backends[1];
    struct window_clock clock;
    const weir_instant now = weir_now();

    (void)state;
    window_clock_init(&clock, now);
    take_backend(&s, &stats);
    instances[1].failures = 3;
    take_backend(&s, &stats);
    for (size_t i = 0; i < 2; i++)
        series_work_out(&b->instances[i].requests, &clock, now);
    assert_int_equal(b->instances[1].requests.last[LAST_10S].numbers[INSTANCE_FAILURES], 3);
    assert_int_equal(snapshot_backend_failures(b, LAST_60S), 4);
}

static void calls_have_an_origin_or_a_backend(void **state)
{
    (void)state;
    assert_int_equal(s.call_count, 10);
    assert_string_equal(s.calls[0].origin, "http://127.0.0.1:80");
    assert_null(s.calls[0].backend);
    assert_null(s.calls[1].origin);
    assert_string_equal(s.calls[1].backend, "orders");
    assert_string_equal(s.calls[4].backend, "stock");
    assert_string_equal(s.calls[4].route, "/shop/*");
    assert_null(s.calls[4].call);
    assert_string_equal(s.calls[8].origin, "http://127.0.0.1:80");
    assert_string_equal(s.calls[9].origin, "http://localhost:80 at unix:/run/app.sock");
}

static void calls_may_be_sent_twice_or_not(void **state)
{
    static const enum snapshot_call_repeats wanted[] = {
        CALL_REPEATS_ALWAYS, CALL_REPEATS_ALWAYS, CALL_REPEATS_NEVER, CALL_REPEATS_ALWAYS,
        CALL_REPEATS_SOME,   CALL_REPEATS_ALWAYS, CALL_REPEATS_NEVER, CALL_REPEATS_ALWAYS};

    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        assert_int_equal(s.calls[i].repeats, wanted[i]);
    assert_int_equal(s.calls[0].deadline.ns, weir_ms(1000).ns); /* that of the whole */
    assert_int_equal(s.calls[1].deadline.ns, weir_ms(200).ns);
    assert_int_equal(s.calls[4].deadline.ns, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_backend_of_the_file_is_there_from_the_start, begin, end),
        cmocka_unit_test_setup_teardown(a_reading_is_taken_over, begin, end),
        cmocka_unit_test_setup_teardown(instances_come_and_go, begin, end),
        cmocka_unit_test_setup_teardown(windows_have_what_was_new, begin, end),
        cmocka_unit_test_setup_teardown(calls_have_an_origin_or_a_backend, begin, end),
        cmocka_unit_test_setup_teardown(calls_may_be_sent_twice_or_not, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
