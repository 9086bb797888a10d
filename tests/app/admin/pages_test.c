/* SPDX-License-Identifier: MIT */
/* The pages of the admin address of a gateway that runs, after traffic that is known. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "admin/yield.h"
#include "app/support/asking.h"
#include "app/support/console.h"
#include "app/support/given_json.h"
#include "app/support/running.h"
#include "commands/commands.h"
#include "support/run.h"

static const char configuration[] =
    "loops: 1\n"
    "access_log: false\n"
    "log_level: error\n"
    "admin_hosts: [gateway.example]\n"
    "pools: {compute: {workers: 1, queue: 0, wait: 10m}}\n"
    "stall: {after: 5ms}\n"
    "routes:\n"
    "  - {path: /hello, respond: {body: 'hello'}}\n"
    "  - {path: /sad, respond: {status: 500, body: 'x'}}\n"
    "  - {path: '/%%3Cb%%3E%%22/{id}', respond: {body: 'y'}}\n"
    "  - {path: /hash, hash: {}, limits: {body: 1KiB}}\n"
    "  - {path: /hold, burn: {cpu: 30ms}, on: loop}\n"
    "  - {path: /nap, sleep: {for: 1m}}\n"
    "  - {path: /page, gather: {deadline: 1m, require: none, calls: [\n"
    "      {name: near, url: 'http://%s/fine'}, {name: bad, url: 'http://%s/bad'},\n"
    "      {name: dead, url: 'http://127.0.0.1:1/'}]}}\n";

static const struct given_page backend[] = {{"/fine", 200, "1"}, {"/bad", 503, "2"}};

static struct running gateway;
static struct given_pages *backends;
static struct answer page;

static void visit(const char *path, int status)
{
    struct answer a = {0};

    ask(&a, gateway.address, path, NULL);
    assert_int_equal(a.status, status);
    answer_free(&a);
}

static int begin(void **state)
{
    char text[sizeof configuration + 128];

    (void)state;
    backends = given_pages_open(backend, 2);
    (void)snprintf(text, sizeof text, configuration, given_pages_address(backends),
                   given_pages_address(backends));
    running_start(&gateway, text);
    for (int i = 0; i < 3; i++)
        visit("/hello", 200);
    visit("/sad", 500);
    visit("/%3Cb%3E%22/7", 200);
    visit("/nowhere", 404);
    visit("/page", 200);
    visit("/hold", 200);
    return 0;
}

static int end(void **state)
{
    (void)state;
    answer_free(&page);
    running_stop(&gateway);
    (void)given_pages_close(backends, NULL);
    return 0;
}

static const char *look(const char *path)
{
    ask(&page, gateway.admin, path, NULL);
    assert_int_equal(page.status, 200);
    return page.body;
}

/* --- all pages --- */

static void answers_are_not_to_be_kept(void **state)
{
    static const char *const paths[] = {"/",      "/healthz", "/readyz", "/metrics", "/stats",
                                        "/guard", "/stalls",  "/advice", "/tasks",   "/profile?seconds=0"};
    char room[256];

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        (void)look(paths[i]);
        assert_string_equal(answer_field(&page, "cache-control", room), "no-store");
    }
    assert_string_equal(look("/healthz"), "alive\n");
    assert_string_equal(look("/readyz"), "ready\n");
    assert_string_equal(look("/guard"), "[]\n");
    ask(&page, gateway.admin, "/nowhere", NULL);
    assert_int_equal(page.status, 404);
    ask(&page, gateway.admin, "/stats", &(struct question){.method = "POST", .body = "", .bytes = 0});
    assert_int_equal(page.status, 405);
}

/* A page of another site could have its own name lead here. */
static void other_names_are_refused(void **state)
{
    static const struct {
        const char *host;
        int status;
    } hosts[] = {
        {"127.0.0.1:8081", 200},       {"localhost", 200},
        {"LOCALHOST.:80", 200},        {"[::1]:80", 200},
        {"gateway.example", 200},      {"evil.example", 403},
        {"gateway.example.evil", 403}, {"127.0.0.1.evil", 403},
    };
    char fields[300];

    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        (void)snprintf(fields, sizeof fields, "Host: %s\r\n", hosts[i].host);
        ask(&page, gateway.admin, "/healthz", &(struct question){.fields = fields});
        if (page.status != hosts[i].status)
            fail_msg("%s: %d", hosts[i].host, page.status);
        if (page.status == 403) {
            console_has(page.body, "to accept this name, write admin_hosts: [");
            console_has(page.body, hosts[i].host);
        }
    }
    (void)snprintf(fields, sizeof fields, "Host: %0260d\r\n", 0);
    ask(&page, gateway.admin, "/healthz", &(struct question){.fields = fields});
    assert_int_equal(page.status, 403);
    console_has(page.body, "admin_hosts: [NAME]");
}

static void a_browser_runs_nothing_but_the_dashboard(void **state)
{
    char room[256];

    (void)state;
    console_has(look("/"), "<!doctype html");
    assert_non_null(answer_field(&page, "content-security-policy", room));
    console_has(room, "default-src 'none'");
    assert_string_equal(answer_field(&page, "x-content-type-options", room), "nosniff");
}

static void pages_are_compressed_for_clients_that_take_it(void **state)
{
    static const struct {
        const char *accept;
        bool packed;
    } cases[] = {
        {"gzip", true}, {"gzip;q=0", false}, {"identity, gzip;q=0.5", false}, {"br", false}, {"*", true}};
    char fields[128], room[256];
    size_t whole;

    (void)state;
    (void)look("/metrics");
    whole = page.bytes;
    assert_true(whole > 1024);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(fields, sizeof fields, "Host: localhost\r\nAccept-Encoding: %s\r\n", cases[i].accept);
        ask(&page, gateway.admin, "/metrics", &(struct question){.fields = fields});
        if ((answer_field(&page, "content-encoding", room) != NULL) != cases[i].packed)
            fail_msg("'%s'", cases[i].accept);
        if (cases[i].packed)
            assert_true(page.bytes < whole / 2 && memcmp(page.body, "\x1f\x8b", 2) == 0);
        assert_string_equal(answer_field(&page, "vary", room), "accept, accept-encoding");
    }
}

/* --- figures --- */

static const json_t *named(const json_t *list, const char *key, const char *name)
{
    size_t i;
    const json_t *item;

    json_array_foreach(list, i, item) if (strcmp(text_at(item, key), name) == 0) return item;
    fail_msg("there is no %s", name);
    return NULL;
}

static void statistics_count_what_was_asked(void **state)
{
    json_t *stats = read_json(look("/stats"));
    const json_t *routes = json_at(stats, "routes"), *origins = json_at(stats, "origins"), *hello,
                 *page_route, *fine, *dead;

    (void)state;
    hello = named(routes, "route", "/hello");
    assert_string_equal(text_at(hello, "kind"), "respond");
    assert_true(number_at(hello, "last_10s.requests") == 3);
    assert_true(number_at(hello, "last_60s.errors") == 0);
    assert_true(number_at(hello, "last_60s.p50") <= number_at(hello, "last_60s.p999"));
    assert_true(number_at(named(routes, "route", "/sad"), "last_60s.errors") == 1);
    assert_true(number_at(named(routes, "route", "none"), "last_60s.requests") == 1);
    assert_true(number_at(named(routes, "route", "/%3Cb%3E%22/{id}"), "last_60s.requests") == 1);
    assert_true(number_at(named(routes, "route", "/nap"), "last_60s.requests") == 0);
    page_route = named(routes, "route", "/page");
    assert_true(number_at(page_route, "last_60s.partial") == 1);
    fine = named(origins, "origin", "http://127.0.0.1:1");
    assert_true(number_at(fine, "last_60s.requests") == 1);
    assert_true(number_at(fine, "last_60s.errors") == 1);
    assert_true(number_at(fine, "last_60s.reasons.connect") == 1);
    dead = json_object_get(fine, "last_error");
    assert_true(json_is_object(dead));
    assert_true(number_at(stats, "loops.0.tasks") >= 1);
    assert_true(number_at(stats, "connections") >= 0);
    assert_string_equal(text_at(named(json_at(stats, "pools"), "pool", "compute"), "pool"), "compute");
    json_decref(stats);
}

static void metrics_have_the_same_counts(void **state)
{
    const char *text = look("/metrics");
    char room[256];

    (void)state;
    assert_string_equal(answer_field(&page, "content-type", room),
                        "text/plain; version=0.0.4; charset=utf-8");
    console_has(text, "# TYPE weir_requests_total counter\n");
    console_has(text, "weir_requests_total{route=\"/hello\",method=\"GET\",status=\"200\"} 3\n");
    console_has(text, "weir_requests_total{route=\"/sad\",method=\"GET\",status=\"500\"} 1\n");
    console_has(text, "weir_requests_total{route=\"none\",method=\"GET\",status=\"404\"} 1\n");
    console_has(text, "weir_request_errors_total{route=\"/sad\"} 1\n");
    console_has(text, "weir_request_seconds_count{route=\"/hello\"} 3\n");
    console_has(text, "weir_gather_calls_total{route=\"/page\",call=\"near\",outcome=\"ok\"} 1\n");
    console_has(text, "weir_gather_calls_total{route=\"/page\",call=\"bad\",outcome=\"status\"} 1\n");
    console_has(text,
                "weir_gather_calls_total{route=\"/page\",call=\"dead\",outcome=\"connect_failed\"} 1\n");
    console_has(text, "weir_gather_partial_total{route=\"/page\"} 1\n");
    console_has(text, "weir_origin_errors_total{origin=\"http://127.0.0.1:1\",reason=\"connect\"} 1\n");
    console_has(text, "weir_pool_workers{pool=\"compute\"} 1\n");
    console_has(text, "weir_pool_queue_max{pool=\"compute\"} 0\n");
    console_has(text, "weir_ready 1\n");
    console_has(text, "process_open_fds ");
    console_lacks(text, "nan");
    ask(&page, gateway.admin, "/metrics",
        &(struct question){.fields = "Host: localhost\r\nAccept: application/openmetrics-text\r\n"});
    assert_int_equal(strncmp(answer_field(&page, "content-type", room), "application/openmetrics-text", 28),
                     0);
    console_has(page.body, "\n# EOF\n");
}

/* Connections without a request, and who has them. */
static void connections_without_a_request_are_told(void **state)
{
    const int half = begin_asking(gateway.address, NULL);
    json_t *stats = NULL;

    (void)state;
    do {
        json_decref(stats);
        stats = read_json(look("/stats"));
    } while (number_at(stats, "unserved.half_sent") < 1);
    assert_string_equal(text_at(stats, "unserved.clients.0.address"), "127.0.0.1");
    assert_true(number_at(stats, "unserved.clients.0.half_sent") == 1);
    json_decref(stats);
    (void)close(half);
}

static void refusals_have_their_reasons(void **state)
{
    static char large[2000];
    struct answer a = {0};
    json_t *stats;

    (void)state;
    ask(&a, gateway.address, "/hash",
        &(struct question){.method = "POST", .body = large, .bytes = sizeof large});
    assert_int_equal(a.status, 413);
    answer_free(&a);
    console_has(look("/metrics"), "weir_refused_total{route=\"/hash\",reason=\"too_large\"} 1\n");
    console_has(page.body, "weir_refused_total{route=\"/hash\",reason=\"pool_full\"} 0\n");
    console_lacks(page.body, "weir_refused_total{route=\"/hash\",reason=\"no_route\"}");
    stats = read_json(look("/stats"));
    assert_true(number_at(stats, "refused.last_60s.requests") >= 9);
    assert_true(number_at(stats, "refused.last_60s.refused") ==
                0); /* too large is the client's fault, not too much to do */
    json_decref(stats);
}

/* A stall that the watch is not certain of, because the machine is busy, is none: the loop is held again
 * until there is one. */
static void a_task_that_held_its_loop_is_a_stall(void **state)
{
    json_t *stalls;
    const json_t *first;

    (void)state;
    for (;;) {
        stalls = read_json(look("/stalls"));
        first = json_array_get(stalls, 0);
        if (first != NULL && strcmp(text_at(first, "task"), "GET /hold") == 0)
            break;
        json_decref(stalls);
        visit("/hold", 200);
    }
    assert_string_equal(text_at(first, "route"), "/hold");
    assert_true(number_at(first, "loop") == 0);
    assert_true(number_at(first, "held_max_ms") >= 5);
    assert_true(number_at(first, "count") >= 1);
    assert_string_equal(text_at(first, "scope"), "server > GET /hold");
    json_decref(stalls);
    console_has(look("/metrics"), "weir_stalls_total{route=\"/hold\",kind=\"");
}

static void advice_tells_of_each_route(void **state)
{
    json_t *advice = read_json(look("/advice"));
    const json_t *hold = named(json_at(advice, "routes"), "route", "/hold");

    (void)state;
    assert_true(number_at(advice, "window_s") == 60);
    assert_true(number_at(advice, "loops") == 1);
    assert_true(number_at(hold, "requests") >= 1);
    assert_true(json_is_array(json_at(advice, "findings")));
    json_decref(advice);
}

static void tasks_are_a_tree(void **state)
{
    struct console c = {0};
    json_t *tree;

    (void)state;
    tree = read_json(look("/tasks?filter=server&stacks=0"));
    assert_true(json_array_size(json_at(tree, "loops")) == 1);
    json_decref(tree);
    tree = read_json(look("/tasks?limit=1"));
    assert_true(json_is_true(json_at(tree, "truncated")));
    json_decref(tree);
    RUN(&c, command_tasks, "tasks", gateway.admin);
    assert_int_equal(c.code, EXIT_FINE);
    console_has(c.out, "loop 0  ");
    RUN(&c, command_top, "top", "--once", gateway.admin);
    assert_int_equal(c.code, EXIT_FINE);
    console_has(c.out, "/hello");
    RUN(&c, command_advise, "advise", gateway.admin);
    assert_int_equal(c.code, EXIT_FINE);
    console_has(c.out, "/hello  ");
    console_free(&c);
}

static void queries_that_mean_nothing_are_refused(void **state)
{
    static const struct {
        const char *path, *said;
    } faults[] = {
        {"/tasks?limit=0", "limit is a number, 1 to 2000000"},
        {"/tasks?limit=2000001", "limit is"},
        {"/tasks?limit=1x", "limit is"},
        {"/tasks?stacks=2", "stacks is 0 or 1"},
        {"/tasks?filter=%00", "filter is too long, or no text"},
        {"/profile?seconds=61", "seconds is a number from 0 to 60"},
        {"/profile?seconds=-1", "seconds is"},
        {"/profile?seconds=nan", "seconds is"},
        {"/profile?seconds=x", "seconds is"},
        {"/profile?seconds=1&format=png", "format is folded or svg"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        ask(&page, gateway.admin, faults[i].path, NULL);
        assert_int_equal(page.status, 400);
        console_has(page.body, faults[i].said);
    }
}

static void a_profile_has_folded_stacks_or_is_drawn(void **state)
{
    char room[256];

    (void)state;
    (void)look("/profile?seconds=0.02");
    assert_string_equal(answer_field(&page, "content-type", room), "text/plain; charset=utf-8");
    console_has(look("/profile?seconds=0.02&format=svg"), "<svg");
    assert_string_equal(answer_field(&page, "content-type", room), "image/svg+xml");
}

static void an_address_that_is_in_use_is_not_given_up(void **state)
{
    (void)state;
    ask(&page, gateway.admin, ADMIN_YIELD_PATH, &(struct question){.method = "POST", .body = "", .bytes = 0});
    assert_int_equal(page.status, 409);
    console_has(page.body, "this gateway does not drain: it keeps its admin address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_not_to_be_kept),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(a_browser_runs_nothing_but_the_dashboard),
        cmocka_unit_test(pages_are_compressed_for_clients_that_take_it),
        cmocka_unit_test(statistics_count_what_was_asked),
        cmocka_unit_test(metrics_have_the_same_counts),
        cmocka_unit_test(connections_without_a_request_are_told),
        cmocka_unit_test(refusals_have_their_reasons),
        cmocka_unit_test(a_task_that_held_its_loop_is_a_stall),
        cmocka_unit_test(advice_tells_of_each_route),
        cmocka_unit_test(tasks_are_a_tree),
        cmocka_unit_test(queries_that_mean_nothing_are_refused),
        cmocka_unit_test(a_profile_has_folded_stacks_or_is_drawn),
        cmocka_unit_test(an_address_that_is_in_use_is_not_given_up),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
