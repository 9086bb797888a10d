/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gateway/access_log.h"

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

/* Checks by the way that no header may be shown under a key that a line has. */
static const weir_kv *find(const char *key)
{
    for (size_t i = 0; i < line.count; i++)
        assert_true(access_log_has_key(line.pairs[i].key));
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
    assert_null(find("client"));
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
        {.category = WEIR_CHARGE_RUN, .share = {200000}},
        {.category = WEIR_CHARGE_QUEUE, .share = {900}},
        {.category = WEIR_CHARGE_SEND, .share = {100}},
        {.category = WEIR_CHARGE_CONNECT, .name = "orders", .share = {298000}},
        {.category = WEIR_CHARGE_BACKEND, .name = "orders", .share = {1001000}},
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
        {.category = WEIR_CHARGE_QUEUE,
         .share = {700000},
         .held_by = "GET /a",
         .held_route = "/a",
         .held = {5}},
        {.category = WEIR_CHARGE_READY,
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

static void a_partial_gather_names_who_failed(void **state)
{
    static const struct gather_call calls[] = {{.name = "user"}, {.name = "reviews"}, {.name = "stock"}};
    static const struct gather_settings settings = {.calls = calls, .call_count = 3};
    struct gather_note *note = calloc(1, sizeof *note + 3 * sizeof note->ends[0]);
    weir_exchange_record record = fine;

    (void)state;
    *note = (struct gather_note){.settings = &settings, .succeeded = 3, .answered = true};
    record.note = note;
    access_log_fill(&line, &record, &(struct access_log_more){.peer = "unix"});
    assert_null(find("partial"));
    assert_null(find("failed"));
    note->succeeded = 1;
    note->ends[1] = (struct gather_call_end){.end = GATHER_CONNECT};
    note->ends[2] = (struct gather_call_end){.end = GATHER_STATUS, .status = 503};
    access_log_fill(&line, &record, &(struct access_log_more){.peer = "unix"});
    assert_text(find("partial"), "1/3");
    assert_text(find("failed"), "reviews connect failed, stock status 503");
    note->answered = false; /* the client had left */
    access_log_fill(&line, &record, &(struct access_log_more){.peer = "unix"});
    assert_null(find("partial"));
    free(note);
}

/* All names are listed, or counted when there is no room. */
static void a_gather_of_many_that_fail_counts_them(void **state)
{
    enum { CALLS = 256 };
    static char names[CALLS][65];
    static struct gather_call calls[CALLS];
    const struct gather_settings settings = {.calls = calls, .call_count = CALLS};
    struct gather_note *note = calloc(1, sizeof *note + CALLS * sizeof note->ends[0]);
    const weir_attempts_made hedged = {
        .made = 2, .taken = 2, .good = true, .last = WEIR_ATTEMPT_HEDGE, .last_after = {41000000}};
    char text[GATHER_FAILED_BYTES];

    (void)state;
    for (size_t length = 1; length <= 64; length++) {
        size_t commas;

        *note = (struct gather_note){.settings = &settings, .answered = true};
        for (int i = 0; i < CALLS; i++) {
            memset(names[i], 'x', length);
            names[i][length] = '\0';
            calls[i].name = names[i];
            note->ends[i].end = GATHER_DEADLINE;
            gather_note_attempts(note, (size_t)i, &hedged);
        }
        gather_attempts(text, note);
        assert_in_range(strlen(text), GATHER_FAILED_BYTES - 200, GATHER_FAILED_BYTES - 1);
        assert_non_null(strstr(text, ", and "));
        gather_failed(text, note);
        assert_in_range(strlen(text), GATHER_FAILED_BYTES - 120, GATHER_FAILED_BYTES - 1);
        commas = 0;
        for (const char *c = text; *c; c++)
            commas += *c == ',';
        assert_int_equal(atoi(strstr(text, ", and ") + 6), CALLS - (int)commas);
    }
    free(note);
}

static void second_attempts_are_told(void **state)
{
    static const struct {
        weir_attempts_made made;
        const char *says;
    } table[] = {
        {{.made = 0}, NULL},
        {{.made = 1, .taken = 1}, NULL},
        {{.made = 2, .taken = 2, .good = true, .last = WEIR_ATTEMPT_HEDGE, .last_after = {41000000}},
         "hedge 41ms won"},
        {{.made = 2, .taken = 1, .good = true, .last = WEIR_ATTEMPT_HEDGE, .last_after = {41200000}},
         "hedge 41.2ms lost"},
        {{.made = 2, .taken = 0, .last = WEIR_ATTEMPT_HEDGE, .last_after = {1000000}}, "hedge 1ms failed"},
        {{.made = 2, .taken = 2, .last = WEIR_ATTEMPT_RETRY, .last_after = {3000000}}, "retry 3ms failed"},
        {{.made = 4, .taken = 4, .good = true, .last = WEIR_ATTEMPT_RETRY, .last_after = {1500000000}},
         "retry 1.5s won (4 attempts)"},
    };
    struct proxy_note note = {.base.kind = ROUTE_NOTE_PROXY};
    weir_exchange_record record = fine;

    (void)state;
    record.note = &note;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        note.attempts = table[i].made;
        access_log_fill(&line, &record, &(struct access_log_more){.peer = "unix"});
        if (table[i].says != NULL)
            assert_text(find("attempts"), table[i].says);
        else
            assert_null(find("attempts"));
        assert_null(find("failed"));
    }
}

static void second_attempts_of_a_gather_are_listed(void **state)
{
    static const struct gather_call calls[] = {{.name = "user"}, {.name = "orders"}, {.name = "stock"}};
    static const struct gather_settings settings = {.calls = calls, .call_count = 3};
    static const weir_attempts_made made[] = {
        {.made = 1, .taken = 1},
        {.made = 2, .taken = 2, .good = true, .last = WEIR_ATTEMPT_HEDGE, .last_after = {41000000}},
        {.made = 2, .taken = 0, .last = WEIR_ATTEMPT_RETRY, .last_after = {3000000}},
    };
    struct gather_note *note = calloc(1, sizeof *note + 3 * sizeof note->ends[0]);
    weir_exchange_record record = fine;

    (void)state;
    *note = (struct gather_note){.settings = &settings, .succeeded = 2, .answered = true};
    note->ends[2].end = GATHER_CLOSED;
    record.note = note;
    access_log_fill(&line, &record, &(struct access_log_more){.peer = "unix"});
    assert_null(find("attempts"));
    for (size_t i = 0; i < 3; i++)
        gather_note_attempts(note, i, &made[i]);
    access_log_fill(&line, &record, &(struct access_log_more){.peer = "unix"});
    assert_text(find("attempts"), "orders hedge 41ms won, stock retry 3ms failed");
    assert_text(find("failed"), "stock connection closed");
    note->answered = false; /* the client has left */
    access_log_fill(&line, &record, &(struct access_log_more){.peer = "unix"});
    assert_text(find("attempts"), "orders hedge 41ms won, stock retry 3ms failed");
    free(note);
}

static void headers_are_last(void **state)
{
    const struct access_fields fields = {.count = 2,
                                         .pairs = {WEIR_KV("host", "a"), WEIR_KV("referer", "b")}};
    weir_exchange_record record = fine;

    (void)state;
    record.refused = "busy";
    access_log_fill(&line, &record,
                    &(struct access_log_more){.peer = "unix", .client = "c", .user = "u", .sample = 10});
    assert_int_equal(find("sample")->value.real * 10, 1);
    access_log_fill(&line, &record,
                    &(struct access_log_more){.peer = "unix", .sample = 10, .fields = &fields});
    assert_string_equal(line.pairs[line.count - 3].key, "sample");
    assert_string_equal(line.pairs[line.count - 2].key, "host");
    assert_string_equal(line.pairs[line.count - 1].key, "referer");
    assert_text(&line.pairs[line.count - 1], "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_exchange_says_what_and_how_long),
        cmocka_unit_test(what_broke_off_says_so),
        cmocka_unit_test(where_the_time_went_is_told_largest_first),
        cmocka_unit_test(who_held_the_loop_is_named),
        cmocka_unit_test(a_partial_gather_names_who_failed),
        cmocka_unit_test(a_gather_of_many_that_fail_counts_them),
        cmocka_unit_test(second_attempts_are_told),
        cmocka_unit_test(second_attempts_of_a_gather_are_listed),
        cmocka_unit_test(headers_are_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
