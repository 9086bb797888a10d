/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "routes/gather_answer.h"

struct rig {
    struct gather_answer answer;
    struct gather_part parts[8];
    struct gather_tally tally;
    struct gather_call_end end;
};

static void open_rig(struct rig *rig, size_t most)
{
    rig->answer = (struct gather_answer){.parts = rig->parts};
    weir_buffer_init(&rig->answer.text, most);
    rig->tally = (struct gather_tally){0};
}

static struct gather_outcome came(int status, const char *type, const char *body)
{
    return (struct gather_outcome){.status = status, .type = type, .body = weir_bytes_of(body)};
}

static void assert_part(struct gather_outcome outcome, const char *expected)
{
    struct rig rig;

    open_rig(&rig, 4096);
    assert_int_equal(gather_add(&rig.answer, "a", &outcome, &rig.tally, &rig.end), 0);
    assert_string_equal(rig.answer.text.data, expected);
    weir_buffer_free(&rig.answer.text);
}

static void json_is_embedded_as_it_came(void **state)
{
    const char *body, *expected;

    (void)state;
    body = "{ \"b\":[1.50, 1e3,\"\\u00e9\"] }\n";
    expected = "\"a\":{\"status\":200,\"body\":{ \"b\":[1.50, 1e3,\"\\u00e9\"] }\n}";
    assert_part(came(200, "application/json", body), expected);
    assert_part(came(200, "Application/JSON; charset=utf-8", body), expected);
    assert_part(came(200, "application/problem+json", body), expected);
    assert_part(came(200, "text/json", "null"), "\"a\":{\"status\":200,\"body\":null}");
}

static void what_is_not_json_is_a_string(void **state)
{
    (void)state;
    assert_part(came(200, "application/json", "{\"b\":"), "\"a\":{\"status\":200,\"body\":\"{\\\"b\\\":\"}");
    assert_part(came(200, "application/json", ""), "\"a\":{\"status\":200,\"body\":\"\"}");
    assert_part(came(200, "text/plain", "{}"), "\"a\":{\"status\":200,\"body\":\"{}\"}");
    assert_part(came(200, "application/jsonp", "{}"), "\"a\":{\"status\":200,\"body\":\"{}\"}");
    assert_part(came(200, NULL, "h\xc3\xa9\n"), "\"a\":{\"status\":200,\"body\":\"h\xc3\xa9\\n\"}");
}

static void other_bytes_are_base64(void **state)
{
    (void)state;
    assert_part(came(200, "image/png", "\xff\xfe"), "\"a\":{\"status\":200,\"body\":{\"base64\":\"//4=\"}}");
    assert_part(came(200, "application/json", "\"\xff\""),
                "\"a\":{\"status\":200,\"body\":{\"base64\":\"Iv8i\"}}");
}

/* A body nested as deep as the limit would exceed it inside the answer. */
static void json_too_deep_for_the_answer_is_a_string(void **state)
{
    char body[2 * 1024 + 1];
    struct rig rig;
    struct gather_outcome outcome;

    (void)state;
    for (int i = 0; i < 1024; i++) {
        body[i] = '[';
        body[1024 + i] = ']';
    }
    body[2048] = '\0';
    open_rig(&rig, 8192);
    outcome = came(200, "application/json", body);
    assert_int_equal(gather_add(&rig.answer, "a", &outcome, &rig.tally, &rig.end), 0);
    assert_true(rig.answer.text.data[sizeof "\"a\":{\"status\":200,\"body\":" - 1] == '"');
    weir_buffer_free(&rig.answer.text);
}

static void failures_say_why(void **state)
{
    static const struct {
        int err;
        const char *text;
    } table[] = {
        {-WEIR_EDEADLINE, "deadline exceeded"},
        {-WEIR_EDNS, "dns failed"},
        {-ECONNREFUSED, "connect failed"},
        {-ETIMEDOUT, "connect failed"},
        {-EHOSTUNREACH, "connect failed"},
        {-WEIR_ETRUNCATED, "connection closed"},
        {-ECONNRESET, "connection closed"},
        {-EPIPE, "connection closed"},
        {-WEIR_EPROTOCOL, "bad response"},
        {-WEIR_ETOOLARGE, "reply too large"},
        {-WEIR_EBUSY, "busy"},
        {-ENOMEM, "busy"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char expected[80];
        snprintf(expected, sizeof expected, "\"a\":{\"error\":\"%s\"}", table[i].text);
        assert_part((struct gather_outcome){.err = table[i].err}, expected);
    }
    assert_part(came(503, "application/json", "{\"x\":1}"), "\"a\":{\"status\":503,\"body\":{\"x\":1}}");
}

static void failures_say_more_when_they_are_to(void **state)
{
    (void)state;
    assert_part((struct gather_outcome){.err = -WEIR_EPROTOCOL, .why = "a \"quote\""},
                "\"a\":{\"error\":\"bad response\"}");
    assert_part((struct gather_outcome){.err = -WEIR_EPROTOCOL, .why = "a \"quote\"", .detail = true},
                "\"a\":{\"error\":\"bad response\",\"detail\":\"a \\\"quote\\\"\"}");
    assert_part((struct gather_outcome){.err = -ECONNREFUSED, .detail = true},
                "\"a\":{\"error\":\"connect failed\",\"detail\":\"connection refused\"}");
}

/* A part that does not fit is removed and becomes an error; the text before it stays. */
static void a_part_too_large_becomes_an_error(void **state)
{
    struct rig rig;
    struct gather_outcome small = came(200, NULL, "x"),
                          large = came(200, NULL, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");

    (void)state;
    open_rig(&rig, 75);
    assert_int_equal(gather_add(&rig.answer, "a", &small, &rig.tally, &rig.end), 0);
    assert_int_equal(gather_add(&rig.answer, "b", &large, &rig.tally, &rig.end), 0);
    assert_string_equal(rig.answer.text.data,
                        "\"a\":{\"status\":200,\"body\":\"x\"}\"b\":{\"error\":\"reply too large\"}");
    assert_int_equal(rig.tally.calls, 2);
    assert_int_equal(rig.tally.succeeded, 1);
    assert_int_equal(gather_add(&rig.answer, "c", &large, &rig.tally, &rig.end), -WEIR_ETOOLARGE);
    weir_buffer_free(&rig.answer.text);
}

/* --- large bodies --- */

enum { LARGE_BYTES = GATHER_COPIED_BYTES_MAX + 8 };

static char large[LARGE_BYTES];

static struct gather_outcome came_large(const char *type, char first, char fill, char last)
{
    memset(large, fill, sizeof large);
    large[0] = first;
    large[sizeof large - 1] = last;
    return (struct gather_outcome){.status = 200, .type = type, .body = {large, sizeof large}};
}

/* The answer as a client sees it. */
static void join(const struct rig *rig, weir_buffer *out)
{
    size_t at = 0;

    weir_buffer_init(out, 1 << 20);
    for (size_t i = 0; i < rig->answer.part_count; i++) {
        const struct gather_part *part = &rig->parts[i];
        assert_int_equal(weir_buffer_append(out, rig->answer.text.data + at, part->at - at), 0);
        assert_int_equal(weir_buffer_append(out, part->body.data, part->body.len), 0);
        at = part->at;
    }
    assert_int_equal(weir_buffer_append(out, rig->answer.text.data + at, rig->answer.text.len - at), 0);
}

static void close_rig(struct rig *rig)
{
    for (size_t i = 0; i < rig->answer.part_count; i++)
        (void)gather_part_free(&rig->parts[i]);
    weir_buffer_free(&rig->answer.text);
}

static void large_json_stays_where_it_is(void **state)
{
    struct rig rig;
    struct gather_outcome outcome = came_large("application/json", '"', 'x', '"');
    weir_buffer joined;
    struct gather_outcome small;

    (void)state;
    open_rig(&rig, 1 << 20);
    assert_int_equal(gather_add(&rig.answer, "a", &outcome, &rig.tally, &rig.end), 0);
    assert_true(gather_lends(&rig.answer, outcome.body));
    assert_int_equal(rig.answer.part_count, 1);
    assert_ptr_equal(rig.parts[0].body.data, large);
    small = came(200, "application/json", "1");
    assert_int_equal(gather_add(&rig.answer, "b", &small, &rig.tally, &rig.end), 0);
    assert_false(gather_lends(&rig.answer, small.body));
    join(&rig, &joined);
    assert_int_equal(joined.len, sizeof "\"a\":{\"status\":200,\"body\":}\"b\":{\"status\":200,\"body\":1}" -
                                     1 + LARGE_BYTES);
    assert_memory_equal(joined.data, "\"a\":{\"status\":200,\"body\":\"xx", 27);
    weir_buffer_free(&joined);
    close_rig(&rig);
}

static size_t held_bytes;
static int held_result;

static int note_hold(void *arg, size_t bytes)
{
    (void)arg;
    held_bytes += held_result == 0 ? bytes : 0;
    return held_result;
}

static void other_large_bodies_are_made_and_held(void **state)
{
    static const struct {
        char fill;
        const char *begins;
    } table[] = {{'"', "\"a\":{\"status\":200,\"body\":\"\\\""},
                 {'\xff', "\"a\":{\"status\":200,\"body\":{\"base64\":\"//"}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rig rig;
        struct gather_outcome outcome = came_large("text/plain", table[i].fill, table[i].fill, table[i].fill);
        weir_buffer joined;
        open_rig(&rig, 1 << 20);
        rig.answer.hold = note_hold;
        held_bytes = 0;
        held_result = 0;
        assert_int_equal(gather_add(&rig.answer, "a", &outcome, &rig.tally, &rig.end), 0);
        assert_false(gather_lends(&rig.answer, outcome.body));
        assert_true(held_bytes >= LARGE_BYTES);
        join(&rig, &joined);
        assert_memory_equal(joined.data, table[i].begins, strlen(table[i].begins));
        assert_int_equal(gather_part_free(&rig.parts[0]), held_bytes);
        assert_int_equal(gather_part_free(&rig.parts[0]), 0);
        weir_buffer_free(&joined);
        close_rig(&rig);
        open_rig(&rig, 1 << 20);
        rig.answer.hold = note_hold;
        held_result = -WEIR_EBUSY;
        assert_int_equal(gather_add(&rig.answer, "a", &outcome, &rig.tally, &rig.end), 0);
        assert_string_equal(rig.answer.text.data, "\"a\":{\"error\":\"busy\"}");
        assert_int_equal(rig.end.end, GATHER_BUSY);
        close_rig(&rig);
    }
}

/* Also when only the text after the part does not fit. */
static void a_large_body_too_many_becomes_an_error(void **state)
{
    (void)state;
    for (size_t most = 60; most < LARGE_BYTES + 200; most++) {
        struct rig rig;
        struct gather_outcome outcome = came_large("application/json", '"', 'x', '"');
        weir_buffer joined;
        open_rig(&rig, most);
        assert_int_equal(gather_add(&rig.answer, "a", &outcome, &rig.tally, &rig.end), 0);
        join(&rig, &joined);
        if (rig.end.end == GATHER_TOO_LARGE)
            assert_string_equal(joined.data, "\"a\":{\"error\":\"reply too large\"}");
        else
            assert_int_equal(joined.len, LARGE_BYTES + sizeof "\"a\":{\"status\":200,\"body\":}" - 1);
        assert_true(joined.len <= most);
        weir_buffer_free(&joined);
        close_rig(&rig);
    }
}

static struct gather_tally tally_of(size_t calls, size_t succeeded, size_t late)
{
    return (struct gather_tally){calls, succeeded, late};
}

static void the_status_follows_what_is_required(void **state)
{
    static const struct {
        enum gather_require require;
        size_t calls, succeeded, late;
        int status;
    } table[] = {
        {GATHER_ALL, 3, 3, 0, 200},  {GATHER_ALL, 3, 2, 0, 502}, {GATHER_ALL, 3, 2, 1, 504},
        {GATHER_ALL, 3, 1, 1, 502},  {GATHER_ANY, 3, 1, 2, 200}, {GATHER_ANY, 3, 0, 3, 504},
        {GATHER_ANY, 3, 0, 2, 502},  {GATHER_ANY, 3, 0, 0, 502}, {GATHER_NONE, 3, 0, 0, 200},
        {GATHER_NONE, 3, 0, 3, 200},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gather_tally tally = tally_of(table[i].calls, table[i].succeeded, table[i].late);
        assert_int_equal(gather_status(table[i].require, &tally), table[i].status);
    }
}

static void partial_counts_successes(void **state)
{
    char text[GATHER_PARTIAL_BYTES];
    struct gather_tally all = tally_of(3, 3, 0), some = tally_of(12, 11, 0), none = tally_of(2, 0, 2);

    (void)state;
    assert_null(gather_partial(text, &all));
    assert_string_equal(gather_partial(text, &some), "11/12");
    assert_string_equal(gather_partial(text, &none), "0/2");
}

static void outcomes_are_counted(void **state)
{
    struct rig rig;
    const struct gather_outcome outcomes[] = {
        came(200, NULL, ""), came(404, NULL, ""),      came(499, NULL, ""),    came(302, NULL, ""),
        came(500, NULL, ""), {.err = -WEIR_EDEADLINE}, {.err = -ECONNREFUSED},
    };

    (void)state;
    open_rig(&rig, 4096);
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        assert_int_equal(gather_add(&rig.answer, "a", &outcomes[i], &rig.tally, &rig.end), 0);
    assert_int_equal(rig.tally.calls, 7);
    assert_int_equal(rig.tally.succeeded, 4);
    assert_int_equal(rig.tally.late, 1);
    weir_buffer_free(&rig.answer.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_embedded_as_it_came),
        cmocka_unit_test(what_is_not_json_is_a_string),
        cmocka_unit_test(other_bytes_are_base64),
        cmocka_unit_test(json_too_deep_for_the_answer_is_a_string),
        cmocka_unit_test(failures_say_why),
        cmocka_unit_test(failures_say_more_when_they_are_to),
        cmocka_unit_test(a_part_too_large_becomes_an_error),
        cmocka_unit_test(large_json_stays_where_it_is),
        cmocka_unit_test(other_large_bodies_are_made_and_held),
        cmocka_unit_test(a_large_body_too_many_becomes_an_error),
        cmocka_unit_test(the_status_follows_what_is_required),
        cmocka_unit_test(partial_counts_successes),
        cmocka_unit_test(outcomes_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
