/* SPDX-License-Identifier: MIT */
/* Connections of attempts that have lost: which are kept, for how long, and what becomes of them. */
#include "attempts_rig.h"

#include "http/client/backend/linger.h"

static struct cluster cluster;

/* Opens a backend, and teaches that its answers take 40 ms. Hedges are made after 10 ms. */
static void open_taught(void)
{
    weir_backend_options options = hedging();

    cluster_open(&cluster, 2, serve_by_plan, &options);
    for (int i = 0; i < ATTEMPTS_MAX; i++)
        plan[i] = (struct answer){.after_us = 40000, .text = ANSWER("ok")};
    for (int i = 0; i < 250; i++)
        assert_int_equal(ask(&cluster, "/", NULL), 0);
    while (see().stats.in_use > 0)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    forget();
}

/* The hedge loses after 5 ms, and would have answered like this after 10. */
static void lose(struct answer hedge)
{
    struct asked asked;

    plan[0] = (struct answer){.after_us = 20000, .text = ANSWER("a!")};
    plan[1] = hedge;
    asked = ask_for(&cluster, "GET");
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "a!");
    assert_int_equal(asked.made.made, 2);
}

static uint64_t connected(void)
{
    uint64_t n = 0;

    for (int i = 0; i < cluster.count; i++)
        n += (uint64_t)cluster.servers[i].connections;
    return n;
}

static void with_seeds(int (*fn)(void *arg), uint64_t seeds)
{
    for (uint64_t seed = seed_first(); seed <= seed_last(seeds); seed++)
        run_simulated(seed, fn, NULL);
}

/* --- kept --- */

static int due(void *arg)
{
    uint64_t before;

    (void)arg;
    open_taught();
    lose((struct answer){.after_us = 20000, .text = ANSWER("b!")});
    assert_int_equal(cluster.backend->lingering_count, 1);
    assert_int_equal(see().stats.in_use, 1); /* it counts */
    until_at_rest(&cluster);
    assert_int_equal(cluster.backend->lingering_count, 0);
    before = connected();
    for (int i = 0; i < 10; i++) {
        lose((struct answer){.after_us = 20000, .text = ANSWER("b!")});
        until_at_rest(&cluster);
    }
    assert_int_equal(connected(), before); /* all of them on the same connections */
    cluster_close(&cluster);
    return 0;
}

static void a_connection_whose_answer_is_due_is_used_again(void **state)
{
    (void)state;
    with_seeds(due, 5);
}

/* --- closed --- */

static char long_answer[(64 << 10) + 200];

static int not_kept(void *arg)
{
    const struct answer answers[] = {
        {.then = HANGS},                                                                /* no head comes */
        {.after_us = 20000, .text = OK_HEAD "b", .then = HANGS},                        /* no whole body */
        {.after_us = 20000, .text = "HTTP/1.1 200 OK\r\ncont", .then = HANGS},          /* half a head */
        {.after_us = 20000, .text = "HTTP/9\r\n\r\n", .then = HANGS},                   /* none */
        {.after_us = 20000, .text = ANSWER("b!") "HTTP/1.1 200 OK\r\n", .then = HANGS}, /* too much */
        {.after_us = 20000, .text = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", .then = HANGS},
        {.after_us = 20000, .text = long_answer, .then = HANGS},
        {.after_us = 20000, .then = CLOSES},
    };
    int len = snprintf(long_answer, sizeof long_answer, "HTTP/1.1 200 OK\r\ncontent-length: 65537\r\n\r\n");

    (void)arg;
    memset(long_answer + len, 'x', 65537);
    open_taught();
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        int64_t began;
        lose(answers[i]);
        assert_int_equal(cluster.backend->lingering_count, 1);
        began = weir_now().ns;
        until_at_rest(&cluster);
        assert_true(weir_now().ns - began < INT64_C(1000000) * (WEIR__LINGER_BODY_MS + 50));
    }
    cluster_close(&cluster);
    return 0;
}

static void what_comes_late_or_is_no_whole_answer_closes_it(void **state)
{
    (void)state;
    with_seeds(not_kept, 5);
}

/* A first attempt that loses has taken longer than most by then: its answer is not due. */
static int a_first_one(void *arg)
{
    struct asked asked;

    (void)arg;
    open_taught();
    plan[0] = (struct answer){.then = HANGS};
    plan[1] = (struct answer){.after_us = 35000, .text = ANSWER("b!")};
    asked = ask_for(&cluster, "GET");
    assert_string_equal(asked.body, "b!");
    assert_int_equal(cluster.backend->lingering_count, 0);
    while (came.left == 0)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    until_at_rest(&cluster);
    cluster_close(&cluster);
    return 0;
}

static void one_that_is_not_due_is_closed_at_once(void **state)
{
    (void)state;
    with_seeds(a_first_one, 5);
}

/* --- how many --- */

static int lose_one(void *arg)
{
    struct asked asked = ask_for(arg, "GET");

    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "a!");
    return 0;
}

static int many(void *arg)
{
    weir_scope scope;

    (void)arg;
    open_taught();
    plan[0] = (struct answer){.after_us = 20000, .text = ANSWER("a!")};
    plan[1] = (struct answer){.after_us = 25000, .text = ANSWER("b!")};
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(weir_spawn(&scope, "asking", lose_one, &cluster), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(came.attempts[1], 20);
    assert_int_equal(cluster.backend->lingering_count, WEIR__LINGER_MAX);
    until_at_rest(&cluster);
    cluster_close(&cluster);
    return 0;
}

static void no_more_than_eight_linger(void **state)
{
    (void)state;
    with_seeds(many, 5);
}

/* --- the end --- */

static int closed_meanwhile(void *arg)
{
    (void)arg;
    open_taught();
    lose((struct answer){.then = HANGS});
    assert_int_equal(cluster.backend->lingering_count, 1);
    cluster_close(&cluster);
    return 0;
}

static void closing_the_backend_ends_them(void **state)
{
    (void)state;
    with_seeds(closed_meanwhile, 5);
}

/* The client that asked is not needed any more. */
static int client_closed(void *arg)
{
    (void)arg;
    open_taught();
    lose((struct answer){.after_us = 20000,
                         .text = "HTTP/1.1 200 OK\r\na: b\r\nc: d\r\ncontent-length: 1\r\n\r\nx"});
    assert_int_equal(cluster.backend->lingering_count, 1);
    weir_client_close(cluster.client);
    cluster.client = NULL;
    until_at_rest(&cluster);
    cluster_close(&cluster);
    return 0;
}

static void the_client_that_asked_may_be_closed(void **state)
{
    (void)state;
    with_seeds(client_closed, 5);
}

/* A warning reports the backend and the client; ASan sees that all is freed. */
static int left_open(void *arg)
{
    (void)arg;
    open_taught();
    lose((struct answer){.then = HANGS});
    assert_int_equal(cluster.backend->lingering_count, 1);
    for (int i = 0; i < cluster.count; i++)
        weir_event_set(&cluster.tasks[i].end);
    (void)weir_scope_close(&cluster.scope);
    return 0;
}

static void a_backend_that_is_left_open_ends_them(void **state)
{
    (void)state;
    with_seeds(left_open, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_whose_answer_is_due_is_used_again),
        cmocka_unit_test(what_comes_late_or_is_no_whole_answer_closes_it),
        cmocka_unit_test(one_that_is_not_due_is_closed_at_once),
        cmocka_unit_test(no_more_than_eight_linger),
        cmocka_unit_test(closing_the_backend_ends_them),
        cmocka_unit_test(the_client_that_asked_may_be_closed),
        cmocka_unit_test(a_backend_that_is_left_open_ends_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
