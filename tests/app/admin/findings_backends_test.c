/* SPDX-License-Identifier: MIT */
/* What is said of backends: findings, and advice. */
#include "admin/advice_backends.h"
#include "findings_rig.h"

static const int64_t second = INT64_C(1000000000);

/* A backend of three instances without any fault. */
struct gateway {
    struct advice_input advice;
    weir_backend_options options;
    struct snapshot_instance instances[3];
    struct snapshot_backend backend;
    struct finding_backend finding;
    struct findings_input in;
};

static void begin(struct gateway *g)
{
    static char *const addresses[] = {"10.0.0.7:7101", "10.0.0.8:7101", "10.0.0.9:7101"};

    *g = (struct gateway){
        .advice = {.loops = 2, .cpus = 2},
        .options = {.name = "orders",
                    .limit = 50,
                    .connections_max = 20,
                    .waiting_max = 100,
                    .eject = {.after = 5},
                    .health = {.path = "/healthz"},
                    .breaker = {.failed_percent = 60}},
    };
    for (size_t i = 0; i < 3; i++)
        g->instances[i] = (struct snapshot_instance){.address = addresses[i], .since = {80 * second}};
    g->backend =
        (struct snapshot_backend){.options = &g->options, .instances = g->instances, .instance_count = 3};
    g->backend.requests.last[LAST_60S].numbers[BACKEND_REQUESTS] = 600;
    g->finding = (struct finding_backend){.backend = &g->backend, .routes = "/page"};
    g->in = (struct findings_input){
        .advice = &g->advice,
        .backends = &g->finding,
        .backend_count = 1,
        .now = {100 * second},
        .refused = {.requests = 1200, .reason = "other", .route = "none"},
        .host = {.wanted_ms = 500, .cpus = 2, .pressed_share = -1, .quota_cgroup = ""},
    };
}

static void refused(struct gateway *g, enum weir_backend_refusal refusal, uint64_t count)
{
    g->backend.requests.last[LAST_60S].numbers[BACKEND_REFUSED + (int)refusal] = count;
}

static const char *write_all(const struct gateway *g)
{
    return findings_text(&g->in);
}

static void says(const struct gateway *g, const char *wanted)
{
    findings_say(&g->in, wanted);
}

static void is_quiet(const struct gateway *g)
{
    assert_string_equal(write_all(g), "[]");
}

static void of_a_backend_that_works_nothing_is_said(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    is_quiet(&g);
    refused(&g, WEIR_BACKEND_LIMITED, 5); /* of 600 */
    refused(&g, WEIR_BACKEND_OPEN, 5);
    is_quiet(&g);
    g.instances[0].last_error = "connection refused"; /* an hour ago, maybe */
    g.instances[2].state = WEIR_INSTANCE_GONE;
    is_quiet(&g);
    g.backend.requests.last[LAST_60S].numbers[BACKEND_REQUESTS] = 0;
    g.in.refused.requests = 0;
    refused(&g, WEIR_BACKEND_LIMITED, 0);
    refused(&g, WEIR_BACKEND_OPEN, 0);
    is_quiet(&g);
}

static void an_instance_that_is_down_is_named_with_what_the_check_found(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    g.instances[1].state = WEIR_INSTANCE_DOWN;
    g.instances[1].last_check = "connection refused";
    says(&g, "\"about\":\"backend\",\"name\":\"orders\",\"impact\":0.167,");
    says(&g, "orders (/page): 1 of 3 instances is down by the health checks (GET /healthz): "
             "10.0.0.8:7101 for 20 s (connection refused). No requests are sent there");
    g.instances[2].state = WEIR_INSTANCE_PROBING;
    says(&g, "2 of 3 instances are down");
    says(&g, ", 10.0.0.9:7101 for 20 s (its latest check was good)");
    says(&g, "\"down\":2,\"instances\":3,\"up\":1");
    g.finding.routes[0] = '\0';
    says(&g, "\"text\":\"orders: 2 of 3");
}

static void many_instances_are_counted(void **state)
{
    struct snapshot_instance many[9];
    struct gateway g;

    (void)state;
    begin(&g);
    for (size_t i = 0; i < 9; i++) {
        many[i] = g.instances[0];
        many[i].state = WEIR_INSTANCE_DOWN;
    }
    g.backend.instances = many;
    g.backend.instance_count = 9;
    says(&g, ", and 6 more. ");
    says(&g, "9 of 9 instances are down");
}

static void an_instance_that_is_ejected_is_named_with_its_error(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    g.instances[0].state = WEIR_INSTANCE_EJECTED;
    g.instances[0].last_error = "Internal Server Error";
    says(&g, "1 of 3 instances is ejected after 5 failures in a row: 10.0.0.7:7101 for 20 s (Internal Server "
             "Error). The health checks are good all the same");
    g.options.health.path = NULL;
    says(&g, "There are no health checks (health: {path: …})");
}

static void that_all_are_out_is_said(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    g.backend.panics = true;
    for (size_t i = 0; i < 3; i++)
        g.instances[i].state = i == 0 ? WEIR_INSTANCE_DOWN : WEIR_INSTANCE_EJECTED;
    says(&g, "all 3 instances are down or ejected, so requests are sent to all of them as if none were");
    assert_non_null(strstr(out.text.data, "1 of 3 instances is down"));
    assert_non_null(strstr(out.text.data, "2 of 3 instances are ejected"));
}

static void a_breaker_that_is_open_is_said(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    g.backend.open = true;
    g.backend.open_since = (weir_instant){88 * second};
    g.instances[0].last_error = "connection refused";
    g.instances[0].last_error_at = (weir_instant){50 * second};
    g.instances[2].last_error = "Bad Gateway";
    g.instances[2].last_error_at = (weir_instant){60 * second};
    refused(&g, WEIR_BACKEND_OPEN, 300);
    says(
        &g,
        "its circuit breaker has been open for 12 s, and has refused 300 of 600 requests (open): 60 % of its "
        "requests or more had failed; last: Bad Gateway. It lets a single request through");
    g.backend.open = false;
    says(&g, "its circuit breaker was open, and has refused 300 of 600");
    assert_null(strstr(out.text.data, "single request"));
}

static void what_is_refused_is_said_with_what_helps(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    refused(&g, WEIR_BACKEND_LIMITED, 60);
    says(&g, "10 % of its 600 requests are refused: limited (50 requests are in progress, limit: 50)");
    says(&g, "\"impact\":0.05,");
    g.options.auto_limit.max = 40;
    g.backend.limit = 7;
    says(&g, "10 % of its 600 requests are refused: limited (limit: auto, 7 at present). It sinks where");
    g.options.auto_limit.max = 0;
    refused(&g, WEIR_BACKEND_LIMITED, 0);
    refused(&g, WEIR_BACKEND_BUSY, 300);
    says(&g, "50 % of its 600 requests are refused: busy (100 requests wait for one of 20 connections, "
             "connections: "
             "{max: 20, queue: 100})");
    refused(&g, WEIR_BACKEND_BUSY, 0);
    refused(&g, WEIR_BACKEND_NO_INSTANCE, 600);
    says(&g, "100 % of its 600 requests are refused: dns failed (its name has never had an address)");
}

static void ended(struct gateway *g, enum weir_attempt_kind kind, enum weir_attempt_outcome outcome,
                  uint64_t count)
{
    g->backend.attempts.ended.last[LAST_60S]
        .numbers[ATTEMPTS_ENDED + (int)kind * (int)WEIR_ATTEMPT_OUTCOMES + (int)outcome] = count;
}

static void denied(struct gateway *g, enum weir_attempt_denial why, uint64_t count)
{
    g->backend.attempts.ended.last[LAST_60S].numbers[ATTEMPTS_DENIED + (int)why] = count;
}

static void a_budget_that_does_not_suffice_is_said(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    g.options.hedge.extra_percent = 5;
    ended(&g, WEIR_ATTEMPT_FIRST, WEIR_ATTEMPT_ANSWERED, 600);
    ended(&g, WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_ANSWERED, 30);
    denied(&g, WEIR_ATTEMPT_NO_BUDGET, 30); /* no more than were made */
    is_quiet(&g);
    denied(&g, WEIR_ATTEMPT_NO_BUDGET, 90);
    says(&g, "orders (/page): it is slower, or fails more, than its budget of second attempts pays for "
             "(extra: 5%): 90 were denied and 30 made of 600 requests");
    says(&g, "\"impact\":0.075,");                              /* half of the traffic, of which 15 % */
    ended(&g, WEIR_ATTEMPT_FIRST, WEIR_ATTEMPT_ANSWERED, 6000); /* 1.5 % */
    is_quiet(&g);
    ended(&g, WEIR_ATTEMPT_FIRST, WEIR_ATTEMPT_ANSWERED, 600);
    ended(&g, WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_ANSWERED, 0);
    denied(&g, WEIR_ATTEMPT_NO_BUDGET, 19);
    is_quiet(&g);
    denied(&g, WEIR_ATTEMPT_NO_ROOM, 500); /* not a matter of the budget */
    is_quiet(&g);
}

static void hedges_that_never_win_are_said(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    ended(&g, WEIR_ATTEMPT_FIRST, WEIR_ATTEMPT_ANSWERED, 1000);
    ended(&g, WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_LOST, 47);
    ended(&g, WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_ANSWERED, 2);
    is_quiet(&g); /* 49 */
    ended(&g, WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_LOST, 48);
    says(&g, "orders (/page): 2 of 50 hedges won: second attempts are as slow as the first");
    says(&g, "common to its instances");
    g.backend.instance_count = 1;
    says(&g, "It has one instance, where both wait for the same");
    ended(&g, WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_ANSWERED, 3);
    is_quiet(&g);
}

/* --- advice --- */

static void advises(const struct gateway *g, const char *wanted)
{
    weir_buffer_free(&out.text);
    text_out_init(&out, 1 << 20);
    advice_write_backend(&out, &g->backend);
    assert_int_equal(out.err, 0);
    assert_true(weir_json_is_valid(out.text.data, out.text.len, 10));
    if (strstr(out.text.data, wanted) == NULL)
        fail_msg("\"%s\" is not in %s", wanted, out.text.data);
}

static void instance_counts(struct gateway *g, size_t i, uint64_t requests, uint64_t failures)
{
    g->instances[i].requests.last[LAST_60S].numbers[INSTANCE_REQUESTS] = requests;
    g->instances[i].requests.last[LAST_60S].numbers[INSTANCE_FAILURES] = failures;
}

static void health_checks_are_advised_where_an_instance_failed(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    advises(&g, "orders answers from all of its 3 instances: right as it is");
    g.options.health.path = NULL;
    instance_counts(&g, 0, 200, 4);
    instance_counts(&g, 1, 200, 50);
    g.instances[1].requests.last[LAST_60S].numbers[INSTANCE_EJECTIONS] = 2;
    advises(
        &g,
        "orders has no health checks, and its instance 10.0.0.8:7101 failed 50 of 200 requests (ejected 2 "
        "times): with health: {path: …}");
    advises(&g, "\"failures\":54,");
    g.options.health.path = "/healthz";
    advises(&g, "right as it is");
    instance_counts(&g, 1, 200, 4);
    g.options.health.path = NULL;
    advises(&g, "right as it is");
}

static void a_breaker_is_advised_where_most_requests_fail(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    instance_counts(&g, 0, 600, 400);
    advises(&g, "right as it is");
    g.options.breaker.failed_percent = 0;
    advises(&g, "orders fails 66.7 % of its requests, and each has waited for that: breaker: {failed: 50%}");
    g.backend.requests.last[LAST_60S].numbers[BACKEND_REQUESTS] = 19;
    advises(&g, "right as it is");
}

static void more_connections_are_advised_where_requests_wait(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    g.backend.connections = 20;
    advises(&g, "right as it is"); /* idle ones, for example */
    g.backend.waiting = 12;
    advises(&g, "orders has reached its maximum of 20 connections, and 12 requests wait for one: raise it");
    g.backend.connections = 19;
    advises(&g, "right as it is");
    g.instances[0].state = WEIR_INSTANCE_DOWN;
    advises(&g, "\"advice\":[]}"); /* a finding says so */
    g.backend.requests.last[LAST_60S].numbers[BACKEND_REQUESTS] = 0;
    g.instances[0].state = WEIR_INSTANCE_UP;
    advises(&g, "\"advice\":[]}");
}

static int release(void **state)
{
    (void)state;
    weir_buffer_free(&out.text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_backend_that_works_nothing_is_said),
        cmocka_unit_test(an_instance_that_is_down_is_named_with_what_the_check_found),
        cmocka_unit_test(many_instances_are_counted),
        cmocka_unit_test(an_instance_that_is_ejected_is_named_with_its_error),
        cmocka_unit_test(that_all_are_out_is_said),
        cmocka_unit_test(a_breaker_that_is_open_is_said),
        cmocka_unit_test(what_is_refused_is_said_with_what_helps),
        cmocka_unit_test(a_budget_that_does_not_suffice_is_said),
        cmocka_unit_test(hedges_that_never_win_are_said),
        cmocka_unit_test(health_checks_are_advised_where_an_instance_failed),
        cmocka_unit_test(a_breaker_is_advised_where_most_requests_fail),
        cmocka_unit_test(more_connections_are_advised_where_requests_wait),
    };

    return cmocka_run_group_tests(tests, NULL, release);
}
