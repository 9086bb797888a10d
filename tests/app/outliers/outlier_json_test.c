/* SPDX-License-Identifier: MIT */
/* The JSON of an outlier: valid whatever clients send, and without what is secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "app/support/given_json.h"
#include "config/load.h"
#include "outliers/outlier_json.h"
#include "outliers/stalls_during.h"
#include "routes/gather_note.h"
#include "routes/proxy_note.h"
#include "routes/table.h"

static const char file[] =
    "listen: 127.0.0.1:0\n"
    "backends: {shop: {urls: ['http://127.0.0.1:1']}}\n"
    "routes:\n"
    "  - path: '/page/{id}'\n"
    "    gather: {calls: [{name: user, url: 'http://127.0.0.1:2/'},\n"
    "      {name: orders, backend: shop, path: /o}]}\n"
    "  - path: /twice\n"
    "    gather: {calls: [{name: a, backend: shop, path: /a}, {name: b, backend: shop, path: /b}]}\n";

static struct config config;

static int begin(void **state)
{
    struct config_faults faults;

    (void)state;
    config_faults_open(&faults, "test.yaml");
    return config_parse(&config, file, sizeof file - 1, &route_kinds, &faults);
}

static int end(void **state)
{
    (void)state;
    config_free(&config);
    return 0;
}

static const weir_charge charges[] = {
    {.category = WEIR_CHARGE_RUN, .share = {1000000}, .took = {1000000}, .waits = 1},
    {.category = WEIR_CHARGE_BACKEND, .name = "user", .share = {20000000}, .took = {30000000}, .waits = 2},
    {.category = WEIR_CHARGE_CONNECT, .name = "shop", .share = {1000000}, .took = {2000000}, .waits = 1},
    {.category = WEIR_CHARGE_BACKEND, .name = "shop", .share = {200000000}, .took = {210000000}, .waits = 1},
    {.category = WEIR_CHARGE_BACKEND,
     .name = "shop (hedge)",
     .share = {10000000},
     .took = {170000000},
     .waits = 1},
    {.category = WEIR_CHARGE_READY,
     .share = {22000000},
     .took = {22000000},
     .waits = 1,
     .held_by = "GET /report\x1b[31m",
     .held_route = "/report",
     .held = {22000000}},
};

/* Returns: the outlier of a request, as JSON; the caller's. */
static json_t *written(const char *target, const void *note, size_t route)
{
    const weir_exchange_record record = {
        .method = "GET",
        .target = target,
        .route = config.routes[route].name,
        .data = (void *)(uintptr_t)&config.routes[route],
        .note = note,
        .status = 200,
        .complete = true,
        .took = weir_ms(312),
    };
    const struct outlier_facts facts = {
        .config = &config,
        .reason = REQUEST_OUTLIER_LEARNED,
        .limit = weir_ms(120),
        .began = {1000000000},
        .charges = charges,
        .charge_count = sizeof charges / sizeof *charges,
    };
    struct outlier *o = outlier_new(route, record.took, 7);
    json_t *json;
    char *text;

    outlier_json_begin(o, &record, &facts);
    stalls_during_write(o, NULL, weir_ms(10));
    outlier_json_end(o);
    assert_int_equal(o->text.err, 0);
    assert_null(memchr(o->text.text.data, '\n', o->text.text.len));
    text = strndup(o->text.text.data, o->text.text.len);
    json = read_json(text);
    free(text);
    outlier_free(o);
    return json;
}

static struct gather_note *note_of(size_t route)
{
    const struct gather_settings *settings = config.routes[route].settings;
    struct gather_note *note = calloc(1, sizeof *note + settings->call_count * sizeof note->ends[0]);

    assert_non_null(note);
    note->base.kind = ROUTE_NOTE_GATHER;
    note->settings = settings;
    note->began = (weir_instant){1002000000};
    return note;
}

static void it_says_what_took_the_time(void **state)
{
    json_t *o = written("/page/7?x=1", NULL, 0);

    (void)state;
    assert_int_equal(number_at(o, "version"), 1);
    assert_string_equal(text_at(o, "kind"), "weir outlier");
    assert_string_equal(text_at(o, "route"), "/page/{id}");
    assert_string_equal(text_at(o, "target"), "/page/7?x=1");
    assert_string_equal(text_at(o, "reason"), "learned");
    assert_true(number_at(o, "limit_ms") == 120 && number_at(o, "took_ms") == 312);
    assert_string_equal(text_at(o, "mostly.what"), "shop");
    assert_true(number_at(o, "mostly.ms") == 200);
    assert_int_equal(json_array_size(json_object_get(o, "ledger")), 6);
    assert_string_equal(text_at(o, "ledger.2.what"), "connect shop");
    assert_string_equal(text_at(o, "ledger.5.held_by"), "GET /report\x1b[31m");
    assert_true(number_at(o, "ledger.5.held_ms") == 22);
    assert_int_equal(json_array_size(json_object_get(o, "calls")), 1); /* not of a gather: its backend */
    assert_string_equal(text_at(o, "calls.0.backend"), "user");
    assert_non_null(strstr(text_at(o, "config"), "sha256:"));
    assert_true(number_at(o, "ended") - number_at(o, "began") > 0.31);
    json_decref(o);
}

static void each_call_has_its_end_time_and_attempts(void **state)
{
    struct gather_note *note = note_of(0);
    json_t *o;

    (void)state;
    note->ends[0].status = 200;
    note->ends[1].end = GATHER_DEADLINE;
    note->ends[1].attempts =
        (weir_attempts_made){.made = 2, .taken = 1, .last = WEIR_ATTEMPT_HEDGE, .last_after = weir_ms(41)};
    o = written("/page/7", note, 0);
    assert_string_equal(text_at(o, "calls.0.name"), "user");
    assert_string_equal(text_at(o, "calls.0.origin"), "http://127.0.0.1:2");
    assert_true(json_is_null(json_at(o, "calls.0.backend")) && json_is_null(json_at(o, "calls.0.error")));
    assert_true(json_is_null(json_at(o, "calls.0.attempts")));
    assert_int_equal(number_at(o, "calls.0.status"), 200);
    assert_true(number_at(o, "calls.0.took_ms") == 30 && number_at(o, "calls.0.began_ms") == 2);
    assert_string_equal(text_at(o, "calls.1.backend"), "shop");
    assert_string_equal(text_at(o, "calls.1.error"), "deadline exceeded");
    assert_true(number_at(o, "calls.1.took_ms") == 212);
    assert_int_equal(number_at(o, "calls.1.attempts.made"), 2);
    assert_string_equal(text_at(o, "calls.1.attempts.last"), "hedge");
    assert_true(number_at(o, "calls.1.attempts.after_ms") == 41);
    json_decref(o);
    free(note);
}

static void calls_of_one_backend_are_told_apart_by_the_client_alone(void **state)
{
    struct gather_note *note = note_of(1);
    json_t *o = written("/twice", note, 1);

    (void)state;
    assert_true(json_is_null(json_at(o, "calls.0.took_ms")) && json_is_null(json_at(o, "calls.1.took_ms")));
    assert_true(json_is_null(json_at(o, "calls.0.instance")));
    json_decref(o);
    gather_note_reply(note, 0, &(weir_reply){.took = weir_ms(17), .instance = 2});
    gather_note_reply(note, 1, &(weir_reply){.took = weir_ms(203), .instance = 1});
    o = written("/twice", note, 1);
    assert_true(number_at(o, "calls.0.took_ms") == 17 && number_at(o, "calls.1.took_ms") == 203);
    json_decref(o);
    free(note);
}

static void a_proxied_request_has_one_call(void **state)
{
    const struct proxy_note note = {.base.kind = ROUTE_NOTE_PROXY, .failed = "connect failed", .why = "so"};
    json_t *o = written("/x", &note, 0);

    (void)state;
    assert_int_equal(json_array_size(json_object_get(o, "calls")), 1);
    assert_string_equal(text_at(o, "calls.0.error"), "connect failed");
    assert_string_equal(text_at(o, "calls.0.why"), "so");
    assert_int_equal(number_at(o, "calls.0.status"), 0);
    json_decref(o);
    o = written("/x", NULL, 0);
    assert_int_equal(number_at(o, "calls.0.status"), 200);
    json_decref(o);
}

/* Its hedge has waited at the same time. */
static void a_hedged_request_is_not_longer_for_that(void **state)
{
    json_t *o = written("/x", NULL, 0);

    (void)state;
    assert_true(number_at(o, "calls.0.took_ms") == 30 + 2 + 210);
    json_decref(o);
}

/* jansson refuses what is not UTF-8. */
static void odd_bytes_stay_valid_json(void **state)
{
    char target[4096] = "/";
    json_t *o;

    (void)state;
    for (int c = 1; c < 256; c++)
        target[c] = (char)c;
    target[256] = '\0';
    json_decref(written(target, NULL, 0));
    memset(target, '\x01', sizeof target - 1); /* each becomes six characters */
    target[sizeof target - 1] = '\0';
    o = written(target, NULL, 0);
    assert_int_equal(strlen(text_at(o, "target")), OUTLIER_TARGET_BYTES);
    assert_true(json_is_true(json_at(o, "target_is_cut")));
    json_decref(o);
    for (size_t i = 0; i + 1 < sizeof target; i++) /* the cut is inside a character */
        target[i] = "a\xe2\x82\xac"[i % 4];
    json_decref(written(target, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_took_the_time),
        cmocka_unit_test(each_call_has_its_end_time_and_attempts),
        cmocka_unit_test(calls_of_one_backend_are_told_apart_by_the_client_alone),
        cmocka_unit_test(a_proxied_request_has_one_call),
        cmocka_unit_test(a_hedged_request_is_not_longer_for_that),
        cmocka_unit_test(odd_bytes_stay_valid_json),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
