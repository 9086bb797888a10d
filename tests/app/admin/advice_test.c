/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <weir/json.h>

#include "admin/advice.h"
#include "admin/advice_pools.h"
#include "admin/advice_routes.h"

static struct advice_route quiet_route(void)
{
    return (struct advice_route){.route = "/page/{id}",
                                 .requests = 6000,
                                 .rate = 100,
                                 .took_ms = 15,
                                 .loop = {0.1, 0.3},
                                 .loop_square_ms2 = 0.02,
                                 .wait_ms = 14.8,
                                 .ready_ms = 0.1};
}

static struct advice_pool calm_pool(void)
{
    return (struct advice_pool){
        .pool = "compute", .computes = true, .workers = 2, .rate = 10, .run = {60, 62}, .queue = {1, 9}};
}

static void assert_says(struct text_out *out, const struct advice_route *route,
                        const struct advice_pool *pool, const char *wanted)
{
    const struct advice_input in = {.loops = 2,
                                    .cpus = 4,
                                    .routes = route,
                                    .route_count = route != NULL,
                                    .pools = pool,
                                    .pool_count = pool != NULL};

    text_out_init(out, 1 << 20);
    text_out_add(out, "{");
    advice_write(out, &in);
    text_out_add(out, "}");
    assert_int_equal(out->err, 0);
    assert_true(weir_json_is_valid(out->text.data, out->text.len, 10));
    if (strstr(out->text.data, wanted) == NULL)
        fail_msg("\"%s\" is not in %s", wanted, out->text.data);
}

static void says(const struct advice_route *route, const struct advice_pool *pool, const char *wanted)
{
    struct text_out out;

    assert_says(&out, route, pool, wanted);
    weir_buffer_free(&out.text);
}

static void never_says(const struct advice_route *route, const struct advice_pool *pool, const char *unwanted)
{
    struct text_out out;

    assert_says(&out, route, pool, "{");
    assert_null(strstr(out.text.data, unwanted));
    weir_buffer_free(&out.text);
}

static void a_route_is_bound_by_what_it_spends_most_on(void **state)
{
    struct advice_route r;

    (void)state;
    r = quiet_route();
    assert_int_equal(advice_class_of(&r), ADVICE_IO_BOUND);
    r.wait_ms = 0.02;
    assert_int_equal(advice_class_of(&r), ADVICE_CPU_BOUND);
    r.wait_ms = 0.2;
    assert_int_equal(advice_class_of(&r), ADVICE_MIXED);
    r.pool_ms = 9; /* computing, on a pool */
    assert_int_equal(advice_class_of(&r), ADVICE_CPU_BOUND);
    r.requests = 0;
    assert_int_equal(advice_class_of(&r), ADVICE_IDLE);
    says(&r, NULL, "\"class\":\"idle\"");
}

static void time_on_the_loop_is_to_be_offloaded(void **state)
{
    struct advice_route r;

    (void)state;
    r = quiet_route();
    never_says(&r, NULL, "offload");
    says(&r, NULL, "tasks are right for it");
    r.route = "/report";
    r.kind = (struct advice_kind){.name = "burn", .pool = "compute", .on_loop = true};
    r.rate = 20;
    r.loop = (struct advice_time){10, 14};
    r.loop_square_ms2 = 110;
    says(&r, NULL, "/report spends 14 ms on the loop at p99");
    says(&r, NULL, "\"loop_share\":0.1,");          /* 20 a second x 10 ms over two loops */
    says(&r, NULL, "\"delay_to_others_ms\":0.55,"); /* 10 a second on a loop x 110 ms2 / 2 */
    says(&r, NULL, "offload it (on: compute)");
    never_says(&r, NULL, "tasks are right");
}

/* Advice is limited to what the configuration of a route can take. */
static void only_what_can_be_is_advised(void **state)
{
    struct advice_route r;

    (void)state;
    r = quiet_route();
    r.kind = (struct advice_kind){.name = "gather", .asks_backends = true};
    r.loop = (struct advice_time){10, 14};
    says(&r, NULL,
         "/page/{id} spends 14 ms on the loop at p99, to check and pass on the answers of its backends");
    says(&r, NULL, "limits: {reply:");
    says(&r, NULL, "more loops"); /* there are 4 CPUs for 2 */
    never_says(&r, NULL, "on: ");
    never_says(&r, NULL, "offload");
    r.kind =
        (struct advice_kind){.name = "burn", .pool = "compute", .on_loop = false}; /* it is there already */
    never_says(&r, NULL, "offload");
    r.kind = (struct advice_kind){.name = "respond"};
    never_says(&r, NULL, "offload");
    r.loop = (struct advice_time){0.1, 0.3};
    r.pool_ms = 0.02;
    never_says(&r, NULL, "on: loop");
    r = quiet_route();
    r.kind.name = "sleep";
    r.slowest = "timer";
    r.took_ms = r.slowest_ms = 40;
    never_says(&r, NULL, "deadline of its own");
}

static void who_lacks_a_cpu_is_told_so(void **state)
{
    struct advice_route r;

    (void)state;
    r = quiet_route();
    r.took_ms = 25;
    r.starved_ms = 10;
    says(&r, NULL, "/page/{id} is stopped for 10 of its 25 ms, because other processes have the CPU");
    says(&r, NULL, "\"starved_ms\":10,");
    r.throttled_ms = 11;
    says(&r, NULL, "is stopped for 21 of its 25 ms, because the CPU quota of its cgroup is used up");
    r.took_ms = 2500;
    never_says(&r, NULL, "is stopped");
}

static void slow_clients_are_no_fault_of_a_backend(void **state)
{
    struct advice_route r;

    (void)state;
    r = quiet_route();
    r.took_ms = 80;
    r.client_ms = 70;
    says(&r, NULL, "waits 70 of its 80 ms for its clients");
}

static void whoever_holds_the_loop_is_what_to_offload(void **state)
{
    struct advice_route r;

    (void)state;
    r = quiet_route();
    r.ready_ms = 6;
    says(&r, NULL, "its loop has too much to do");
    r.held_by = "GET /report";
    says(&r, NULL, "/page/{id} waits 6 of its 15 ms to be run, mostly for GET /report");
    never_says(&r, NULL, "offload"); /* the configuration of that route is not known */
    r.held_by = "GET /page/{id}";
    r.kind = (struct advice_kind){.name = "burn", .pool = "compute", .on_loop = true};
    says(&r, NULL, "mostly for GET /page/{id}: offload that route (on: compute)");
    r.took_ms = 80; /* a small share */
    never_says(&r, NULL, "to be run");
}

static void tiny_jobs_are_done_where_they_are(void **state)
{
    struct advice_route r;

    (void)state;
    r = quiet_route();
    r.pool_ms = 0.02;
    r.kind = (struct advice_kind){.name = "hash", .pool = "compute"};
    says(&r, NULL, "less than the hand-over costs");
    r.pool_ms = 5;
    says(&r, NULL, "right as it is");
    never_says(&r, NULL, "way there");
}

static void the_slowest_backend_is_named(void **state)
{
    struct advice_route r;

    (void)state;
    r = quiet_route();
    r.took_ms = 80;
    r.slowest = "orders";
    r.kind.asks_backends = true;
    r.slowest_ms = 68;
    says(&r, NULL, "waits 68 of its 80 ms for orders");
    says(&r, NULL, "a deadline of its own");
    r.kind = (struct advice_kind){.name = "proxy"}; /* has one call, whose answer is the whole */
    says(&r, NULL, "waits 68 of its 80 ms for orders: make that backend faster, or give it more instances");
    r.took_ms = 31234.5; /* figures of seconds are whole, not 3.12e+04 */
    r.slowest_ms = 30000.4;
    says(&r, NULL, "waits 30000 of its 31234 ms for orders");
    r.took_ms = 80;
    r.slowest_ms = 30;
    never_says(&r, NULL, "ms for orders");
}

static void workers_follow_littles_law(void **state)
{
    struct advice_pool p;

    (void)state;
    p = calm_pool();
    assert_int_equal(advice_workers_needed(&p), 1); /* 0.6 busy */
    says(NULL, &p, "\"busy\":0.6,\"in_pool\":0.61,");
    says(NULL, &p, "has enough workers: 0.6 of 2");
    p.rate = 30;
    assert_int_equal(advice_workers_needed(&p), 3); /* 1.8 busy, seven in ten */
    says(NULL, &p, "compute needs 3 workers at this rate (30 jobs a second \xc3\x97 60 ms) and has 2");
    p.refused_rate = 30;
    assert_int_equal(advice_workers_needed(&p), 6); /* refused jobs included */
    says(NULL, &p, "there are 4 CPUs: it refuses the excess, which is right");
    p.computes = false; /* workers that sleep need no CPU */
    says(NULL, &p, "needs 6 workers at this rate");
}

static void bursts_want_a_queue_not_workers(void **state)
{
    struct advice_pool p;

    (void)state;
    p = calm_pool();
    p.refused_rate = 1;
    says(NULL, &p, "the jobs come in bursts");
    p.refused_rate = 0.05;
    never_says(NULL, &p, "bursts");
    p.rate = p.refused_rate = 0;
    says(NULL, &p, "\"advice\":[]");
}

static void names_are_text_whatever_is_in_them(void **state)
{
    struct advice_route r;

    (void)state;
    r = quiet_route();
    r.route = "/a\"b\\c\n";
    says(&r, NULL, "\"route\":\"/a\\\"b\\\\c\\n\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_is_bound_by_what_it_spends_most_on),
        cmocka_unit_test(time_on_the_loop_is_to_be_offloaded),
        cmocka_unit_test(only_what_can_be_is_advised),
        cmocka_unit_test(who_lacks_a_cpu_is_told_so),
        cmocka_unit_test(slow_clients_are_no_fault_of_a_backend),
        cmocka_unit_test(whoever_holds_the_loop_is_what_to_offload),
        cmocka_unit_test(tiny_jobs_are_done_where_they_are),
        cmocka_unit_test(the_slowest_backend_is_named),
        cmocka_unit_test(workers_follow_littles_law),
        cmocka_unit_test(bursts_want_a_queue_not_workers),
        cmocka_unit_test(names_are_text_whatever_is_in_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
