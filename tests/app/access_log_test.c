/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "access_log.h"

static const weir_exchange_record fine = {
    .method = "GET",
    .target = "/a?b",
    .route = "/a",
    .status = 200,
    .complete = true,
    .reply_bytes = 13,
    .took = {1500000},
};

static struct access_log_line line;

static const weir_kv *find(const char *key)
{
    for (size_t i = 0; i < line.count; i++)
        if (strcmp(line.pairs[i].key, key) == 0)
            return &line.pairs[i];
    return NULL;
}

static void assert_text(const weir_kv *pair, const char *text)
{
    assert_non_null(pair);
    assert_int_equal(pair->value.bytes.len, strlen(text));
    assert_memory_equal(pair->value.bytes.data, text, strlen(text));
}

static void a_whole_exchange_says_what_and_how_long(void **state)
{
    static const weir_trace trace = {.id_high = 1, .id_low = 0xa};
    (void)state;
    access_log_fill(&line, &fine, &(struct access_log_more){.peer = "127.0.0.1:9", .trace = &trace});
    assert_text(find("method"), "GET");
    assert_text(find("target"), "/a?b");
    assert_text(find("route"), "/a");
    assert_int_equal(find("status")->value.integer, 200);
    assert_int_equal(find("sent")->value.integer, 13);
    assert_int_equal(find("took")->value.integer, 1500000);
    assert_null(find("ended"));
    assert_null(find("received"));
    assert_text(find("peer"), "127.0.0.1:9");
    assert_text(find("trace"), "0000000000000001000000000000000a");
}

static void what_broke_off_says_so(void **state)
{
    weir_exchange_record record = fine;
    (void)state;
    record.complete = false;
    access_log_fill(&line, &record, &(struct access_log_more){.peer = "127.0.0.1:9"});
    assert_text(find("ended"), "cut");
    record.status = 0;
    record.route = "";
    access_log_fill(&line, &record, &(struct access_log_more){.peer = "127.0.0.1:9"});
    assert_null(find("trace"));
    assert_text(find("ended"), "client left");
    assert_null(find("status"));
    assert_null(find("route"));
}

static void assert_part(size_t i, const char *name, int64_t ns)
{
    const weir_kv *spent = find("spent");
    assert_non_null(spent);
    assert_true(i < spent->value.durations.count);
    assert_string_equal(spent->value.durations.parts[i].name, name);
    assert_int_equal(spent->value.durations.parts[i].duration.ns, ns);
}

static void where_the_time_went_is_told_largest_first(void **state)
{
    static const weir_charge charges[] = {
        {.kind = WEIR_CHARGE_RUN, .share = {200000}},
        {.kind = WEIR_CHARGE_QUEUE, .share = {900}},
        {.kind = WEIR_CHARGE_SEND, .share = {100}},
        {.kind = WEIR_CHARGE_CONNECT, .name = "orders", .share = {298000}},
        {.kind = WEIR_CHARGE_BACKEND, .name = "orders", .share = {1001000}},
    };
    weir_exchange_record record = fine;
    (void)state;
    access_log_fill(&line, &record, &(struct access_log_more){.peer = "unix"});
    assert_null(find("spent"));
    access_log_fill(&line, &record,
                    &(struct access_log_more){.peer = "unix", .charges = charges, .charge_count = 5});
    assert_part(0, "orders", 1001000);
    assert_part(1, "connect orders", 298000);
    assert_part(2, "run", 200000);
    assert_part(3, "rest", 1000);
    assert_int_equal(find("spent")->value.durations.count, 4);
    assert_null(find("held_by"));
}

static void who_held_the_loop_is_named(void **state)
{
    weir_charge charges[] = {
        {.kind = WEIR_CHARGE_QUEUE, .share = {700000}, .held_by = "GET /a", .held_route = "/a", .held = {5}},
        {.kind = WEIR_CHARGE_READY,
         .share = {800000},
         .held_by = "GET /report",
         .held_route = "/report",
         .held = {799999}},
    };
    const struct access_log_more more = {.peer = "unix", .charges = charges, .charge_count = 2};
    weir_exchange_record record = fine;
    (void)state;
    access_log_fill(&line, &record, &more);
    assert_text(find("held_by"), "GET /report");
    assert_int_equal(find("held")->value.integer, 799999);
    charges[1].held_by = "user";
    charges[1].held_route = "/page/{id}";
    access_log_fill(&line, &record, &more);
    assert_text(find("held_by"), "user of /page/{id}");
    charges[1].held_by = "a task of nobody's";
    charges[1].held_route = NULL;
    access_log_fill(&line, &record, &more);
    assert_text(find("held_by"), "a task of nobody's");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_exchange_says_what_and_how_long),
        cmocka_unit_test(what_broke_off_says_so),
        cmocka_unit_test(where_the_time_went_is_told_largest_first),
        cmocka_unit_test(who_held_the_loop_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
