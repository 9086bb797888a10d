/* SPDX-License-Identifier: MIT */
#include <weir/http_server.h>

#include "findings_rig.h"

/* A gateway without any fault. */
struct gateway {
    struct advice_route route;
    struct advice_input advice;
    struct finding_origin origin;
    struct findings_input in;
};

static void begin(struct gateway *g)
{
    *g = (struct gateway){
        .route = {.route = "/page", .requests = 600, .rate = 10, .loop = {1, 2}},
        .origin = {.origin = "http://127.0.0.1:8103",
                   .names = "reviews",
                   .routes = "/page",
                   .requests = 600,
                   .reason = "dns"},
    };
    g->advice = (struct advice_input){.loops = 2, .cpus = 2, .routes = &g->route, .route_count = 1};
    g->in = (struct findings_input){
        .advice = &g->advice,
        .origins = &g->origin,
        .origin_count = 1,
        .refused = {.requests = 600, .reason = "other", .route = "none"},
        .unserved =
            {.connections = 50, .connections_max = 10000, .fresh = 3, .left = 60, .head_timeout_s = 10},
        .host = {.wanted_ms = 500, .lacked_ms = 10, .cpus = 2, .pressed_share = -1, .quota_cgroup = ""},
    };
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

static void where_nothing_is_wrong_nothing_is_said(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    is_quiet(&g);
    g.origin.errors = 3; /* one in two hundred */
    is_quiet(&g);
    g.in.refused.refused = 3;
    is_quiet(&g);
    g.in.unserved.half_sent = 5; /* a client on a slow line */
    g.in.unserved.slow = 2;
    is_quiet(&g);
    memset(&g.in.refused, 0, sizeof g.in.refused); /* no requests at all */
    g.in.refused.reason = g.in.refused.route = "";
    g.origin.requests = g.origin.errors = 0;
    is_quiet(&g);
}

static void a_backend_that_fails_is_named_with_its_reason(void **state)
{
    static const char *const reasons[] = {"dns",    "connect", "closed",   "bad_response", "too_large",
                                          "status", "busy",    "deadline", "other"};
    struct gateway g;

    (void)state;
    begin(&g);
    g.origin.errors = g.origin.of_reason = g.origin.partial = 600;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        g.origin.reason = reasons[i];
        says(&g, "reviews (http://127.0.0.1:8103): 100 % of its 600 calls fail: ");
    }
    g.origin.reason = "connect";
    says(&g, "connect failed");
    says(&g, "600 answers of /page lacked a part");
    says(&g, "\"about\":\"origin\",\"name\":\"http://127.0.0.1:8103\",\"impact\":1,");
    g.origin.errors = 300;
    g.origin.of_reason = 150;
    g.origin.last_error = "connection refused";
    says(&g,
         "50 % of its 600 calls fail: no connection can be made (connect failed), in 50 % of the failures; "
         "last: connection refused");
    g.origin.names[0] = '\0';
    says(&g, "\"text\":\"http://127.0.0.1:8103: 50 %");
}

static void what_is_refused_is_said_with_what_helps(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    g.in.refused = (struct finding_refused){.requests = 1000,
                                            .refused = 410,
                                            .reason = "queueing",
                                            .of_reason = 400,
                                            .route = "/page",
                                            .of_route = 410};
    says(&g, "41 % of all requests are refused: 410 of 1000, 100 % of them on /page. Mostly for queueing");
    says(&g, "more than this machine can serve");
    g.advice.cpus = 8;
    says(&g, "use more loops (loops: 8)");
    g.route.loop.mean_ms = 150;
    g.route.kind = (struct advice_kind){.name = "burn", .pool = "compute", .on_loop = true};
    says(&g, "/page takes 75 % of a loop: compute it on a pool (on: compute)");
    g.route.kind = (struct advice_kind){.name = "gather", .asks_backends = true};
    says(&g, "/page takes 75 % of a loop; there are 8 CPUs");
    for (size_t i = 0; weir_refusal_at(i) != NULL; i++) {
        g.in.refused.reason = weir_refusal_at(i)->reason;
        says(&g, g.in.refused.reason);
    }
    g.in.refused.reason = "backend_open";
    says(&g, "backend_open (a backend has an open circuit breaker): see the finding on that backend");
    g.in.refused.reason = "app_busy";
    says(&g,
         "app_busy (all places of an application are taken): 'weir stalls' says which requests hold them");
    g.in.refused.reason = "app_unready";
    says(&g, "app_unready (no process of an application is ready): 'weir status' says of which, and what");
}

static void connections_without_a_request_are_named_and_whose_they_are(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    g.in.unserved.connections = 3010;
    g.in.unserved.half_sent = 3000;
    g.in.unserved.clients[0] = (struct finding_client){"192.0.2.7", 2990, 0};
    g.in.unserved.clients[1] = (struct finding_client){"2001:db8::/64", 10, 4};
    says(&g, "3000 of 3010 connections have sent only a part of a request's head");
    says(&g, ". From 192.0.2.7: 2990 waiting, 0 ended; 2001:db8::/64: 10 waiting, 4 ended. ");
    says(&g, "head_timeout");
    says(&g, "\"about\":\"connections\",\"name\":\"192.0.2.7\"");
    begin(&g);
    g.in.unserved.slow = 40;
    says(&g, "40 ended in the middle of a head (408 after 10 s)");
    begin(&g);
    g.in.unserved.left = 5000;
    says(&g, "5000 were closed by the client");
    says(&g, "connections_per_client limits the connections of one address");
    begin(&g);
    g.in.unserved.over = 70;
    g.in.unserved.per_client_max = 8;
    says(&g, "70 more were refused, because their client had 8 (connections_per_client)");
    assert_null(strstr(out.text.data, "bounds what"));
}

static void a_machine_without_cpu_is_named(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    g.in.host.lacked_ms = 300;
    g.in.host.others_cpus = 1.7;
    says(&g,
         "the loops did not get one for 60 % of the time in which they had something to do (starved). Other "
         "processes use 1.7 of 2 CPUs. No route");
    g.in.host.stolen_cpus = 0.25;
    g.in.host.pressed_share = 0.9;
    says(&g, "the hypervisor gives 0.25 to other machines (steal); some process waits for a CPU 90 % of the "
             "time (PSI)");
    g.in.host.quota_cpus = 0.5;
    g.in.host.quota_cgroup = "/a/b";
    g.in.host.stopped_share = 0.4;
    g.in.host.periods = 10;
    g.in.host.used_up = 8;
    says(&g, "The CPU quota of the cgroup /a/b, 0.5 CPUs, is used up in 8 of 10 periods a second, and all "
             "threads are stopped for the rest of each, 40 % of the time");
    assert_null(strstr(out.text.data, "starved)")); /* the quota explains all that was lacking */
    g.in.host.stopped_share = 0.1;
    says(&g, "for 20 % of the time in which they had something to do");
    says(&g, "quota");
}

static void the_most_important_comes_first(void **state)
{
    struct gateway g;
    const char *text, *origin, *stall, *refused;

    (void)state;
    begin(&g);
    g.in.refused.refused = 60; /* a tenth */
    g.origin.errors = 590;
    g.in.stall = (struct finding_stall){.task = "GET /trap",
                                        .cause = "computing",
                                        .place = "do_unit burn.c:57",
                                        .held_max_ms = 400,
                                        .count = 7};
    text = write_all(&g);
    origin = strstr(text, "\"about\":\"origin\"");
    stall = strstr(text, "\"about\":\"stall\"");
    refused = strstr(text, "\"about\":\"refused\"");
    assert_true(origin != NULL && stall != NULL && refused != NULL && origin < stall && stall < refused);
    says(&g, "GET /trap has held its loop 7 times, for 400 ms at most (computing, in do_unit burn.c:57)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_nothing_is_wrong_nothing_is_said),
        cmocka_unit_test(a_backend_that_fails_is_named_with_its_reason),
        cmocka_unit_test(what_is_refused_is_said_with_what_helps),
        cmocka_unit_test(connections_without_a_request_are_named_and_whose_they_are),
        cmocka_unit_test(a_machine_without_cpu_is_named),
        cmocka_unit_test(the_most_important_comes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
