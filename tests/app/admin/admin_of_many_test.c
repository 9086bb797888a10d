/* SPDX-License-Identifier: MIT */
/* The admin address of a supervisor: what many gateway processes tell, added up and merged. */
#include "app/admin/many_rig.h"

/* --- totals --- */

static int sixteen_are_added_up(void *arg)
{
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};

    (void)arg;
    begin(&w, &scope, FAKES_MAX);
    ask_until_all_told(&w, &reply);
    has(reply.body, "weir_request_seconds_count{route=\"/a\"} 136\n");
    has(reply.body, "weir_exchanges 32\n");
    has(reply.body, "weir_tasks{loop=\"0\",process=\"16\"} 7\n");
    has(reply.body, "weir_processes{state=\"ready\"} 16\n");
    w.fakes[3].requests += 10;
    has(ask_until_all_told(&w, &reply),
        "weir_request_seconds_count{route=\"/a\"} 146\n"); /* of this moment */
    has(ask(&w, "/stats", &reply), "\"exchanges\":32");
    has(reply.body, "{\"loop\":0,\"process\":1,");
    has(ask(&w, "/advice", &reply), "\"loops\":16");
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

/* What one has told before stays, and the others are asked all the same. */
static int one_that_misbehaves_changes_nothing(void *arg)
{
    static const enum way ways[] = {SILENT, HALF, GARBAGE, TOO_MUCH, OTHER_VERSION, REFUSES};
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};

    (void)arg;
    begin(&w, &scope, 3);
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 6\n");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        char expected[96];
        w.fakes[1].way = ways[i];
        w.fakes[1].requests++; /* not told */
        w.fakes[2].requests++;
        snprintf(expected, sizeof expected, "weir_request_seconds_count{route=\"/a\"} %zu\n", 7 + 2 * i);
        has(ask(&w, "/metrics", &reply), expected);
        has(reply.body, "weir_processes_silent 1\n");
        has(ask(&w, "/processes", &reply), "\"pid\":1001,\"generation\":1,\"state\":\"ready\"");
        assert_null(strstr(strstr(reply.body, "\"pid\":1001"), "\"silent_s\":null,\"pid\":1001"));
        w.fakes[1].way = WELL;
        snprintf(expected, sizeof expected, "weir_request_seconds_count{route=\"/a\"} %zu\n", 8 + 2 * i);
        has(ask(&w, "/metrics", &reply), expected);
        has(reply.body, "weir_processes_silent 0\n");
    }
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

static int what_has_ended_keeps_its_counts(void *arg)
{
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};
    struct text_out last;

    (void)arg;
    begin(&w, &scope, 3);
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 6\n");
    w.fakes[0].requests = 100;
    admin_of_many_retire(w.many, &w.fakes[0].is); /* told in time */
    w.fakes[0].listed = false;
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 105\n");
    w.fakes[1].requests = 50; /* left behind: by this process, so under its number */
    w.fakes[1].is.pid = getpid();
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 155\n"); /* a new one */
    w.fakes[1].requests = 60;
    write_totals(&last, &w.fakes[1]);
    last_totals_leave(w.fakes[1].is.address, weir_buffer_bytes(&last.text));
    weir_buffer_free(&last.text);
    w.fakes[1].listed = false;
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 165\n");
    has(reply.body, "weir_tasks{loop=\"0\",process=\"3\"} 7\n"); /* alone, and still by its number */
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 165\n");
    w.fakes[2].is.draining = true;
    w.fakes[2].is.ready = false;
    assert_int_equal(ask_with(&w, (weir_fetch_options){.url = "/readyz"}, &reply), 503);
    assert_int_equal(ask_with(&w, (weir_fetch_options){.url = "/healthz"}, &reply), 200);
    has(ask(&w, "/metrics", &reply), "weir_ready 0\n");
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

/* Counts in the memory of a process, as if it was then killed. Returns: the memory. */
static int counted_in(const struct config *config, int times)
{
    const int memory = cells_left_make();
    const weir_exchange_record record = {.method = "GET",
                                         .target = "/a",
                                         .route = "/a",
                                         .data = (void *)(uintptr_t)&config->routes[0],
                                         .status = 200,
                                         .complete = true,
                                         .took = weir_ms(5)};
    struct request_counts_loop *loop;
    struct request_counts *counts;

    assert_true(memory >= 0);
    assert_int_equal(request_counts_open(config, &counts), 0);
    assert_int_equal(request_counts_share(counts, memory), 0);
    assert_non_null(loop = request_counts_loop_open(counts));
    for (int i = 0; i < times; i++)
        request_counts_add(loop, &record);
    request_counts_free(counts);
    return memory;
}

static int what_was_killed_has_left_its_memory(void *arg)
{
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};
    struct admin_process never_listed;
    struct text_out last;

    (void)arg;
    begin(&w, &scope, 3);
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 6\n");
    w.fakes[0].listed = false; /* it had said 1 */
    admin_of_many_ended(w.many, &w.fakes[0].is, counted_in(&w.config, 11));
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 16\n");
    has(reply.body, "weir_requests_total{route=\"/a\",method=\"GET\",status=\"200\"} 11\n");
    never_listed = w.fakes[0].is;
    never_listed.pid = 4000;
    admin_of_many_ended(w.many, &never_listed, counted_in(&w.config, 7));
    never_listed.pid = 4001;
    admin_of_many_ended(w.many, &never_listed, counted_in(&w.config, 2));
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 25\n");
    never_listed.pid = getpid(); /* what it has left as it ended is all of it */
    w.fakes[1].requests = 40;
    write_totals(&last, &w.fakes[1]);
    last_totals_leave(never_listed.address, weir_buffer_bytes(&last.text));
    weir_buffer_free(&last.text);
    w.fakes[1].requests = 2;
    admin_of_many_ended(w.many, &never_listed, counted_in(&w.config, 5));
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 65\n");
    admin_of_many_ended(w.many, &never_listed, cells_left_make()); /* killed as it began */
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 65\n");
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

/* --- lists --- */

static int lists_are_merged(void *arg)
{
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};

    (void)arg;
    begin(&w, &scope, 4);
    w.fakes[0].stalls = "[{\"task\":\"a\",\"kind\":\"computing\",\"last\":3},"
                        "{\"task\":\"d\",\"kind\":\"starved\",\"last\":9}]\n";
    w.fakes[1].stalls = "[{\"task\":\"b\",\"kind\":\"blocked\",\"stack\":[\"f } ] x.c:1\"],\"last\":5.5}]\n";
    w.fakes[2].stalls = "[{\"task\":\"lost"; /* all or nothing */
    w.fakes[3].way = SILENT;
    assert_string_equal(ask(&w, "/stalls", &reply),
                        "[{\"process\":2,\"task\":\"b\",\"kind\":\"blocked\",\"stack\":[\"f } ] "
                        "x.c:1\"],\"last\":5.5},"
                        "{\"process\":1,\"task\":\"a\",\"kind\":\"computing\",\"last\":3},"
                        "{\"process\":1,\"task\":\"d\",\"kind\":\"starved\",\"last\":9}]\n");
    assert_string_equal(weir_reply_header(&reply, "x-weir-silent"), "1002, 1003");
    w.fakes[0].guard = "[{\"function\":\"read\",\"count\":3}]";
    w.fakes[1].guard = "[{\"function\":\"usleep\",\"count\":30}]";
    assert_string_equal(ask(&w, "/guard", &reply), "[{\"process\":2,\"function\":\"usleep\",\"count\":30},"
                                                   "{\"process\":1,\"function\":\"read\",\"count\":3}]\n");
    w.fakes[0].folded = "/a;GET /a;f 3\n/a;GET /a;g 1\n";
    w.fakes[1].folded = "/a;GET /a;f 4";
    assert_string_equal(ask(&w, "/profile?seconds=0.1", &reply), "/a;GET /a;f 7\n/a;GET /a;g 1\n");
    has(ask(&w, "/profile?seconds=0.1&format=svg", &reply), "CPU time, 0.1 s");
    assert_int_equal(ask_with(&w, (weir_fetch_options){.url = "/profile?seconds=x"}, &reply), 400);
    w.fakes[1].listed = w.fakes[2].listed = w.fakes[3].listed = false; /* one is as it is */
    has(ask(&w, "/stalls", &reply), "[{\"task\":\"a\",");
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

static int tasks_are_listed_by_process(void *arg)
{
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};

    (void)arg;
    begin(&w, &scope, 3);
    w.fakes[1].way = SILENT;
    has(ask(&w, "/metrics", &reply), "weir_processes_silent 1\n"); /* so that it is not waited for */
    assert_string_equal(
        ask(&w, "/tasks?limit=9", &reply),
        "{\"loops\":[{\"loop\":0,\"query\":\"limit=9&process=1\"},"
        "{\"loop\":0,\"query\":\"limit=9&process=3\"}],\"silent\":[1001],\"truncated\":false}\n");
    assert_int_equal(ask_with(&w, (weir_fetch_options){.url = "/tasks?limit=x"}, &reply), 400);
    w.fakes[1].listed = w.fakes[2].listed = false;
    assert_string_equal(ask(&w, "/tasks", &reply),
                        "{\"loops\":[{\"loop\":0,\"query\":\"\"}],\"truncated\":false}\n");
    w.fakes[0].listed = false;
    assert_int_equal(ask_with(&w, (weir_fetch_options){.url = "/tasks"}, &reply), 503);
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

/* --- the table --- */

static void test_sixteen_are_added_up(void **state)
{
    (void)state;
    run_everywhere(sixteen_are_added_up, NULL);
}

TEST(one_that_misbehaves_changes_nothing)
TEST(what_has_ended_keeps_its_counts)
TEST(what_was_killed_has_left_its_memory)
TEST(lists_are_merged)
TEST(tasks_are_listed_by_process)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sixteen_are_added_up),
        cmocka_unit_test(test_one_that_misbehaves_changes_nothing),
        cmocka_unit_test(test_what_has_ended_keeps_its_counts),
        cmocka_unit_test(test_what_was_killed_has_left_its_memory),
        cmocka_unit_test(test_lists_are_merged),
        cmocka_unit_test(test_tasks_are_listed_by_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
