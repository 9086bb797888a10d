/* SPDX-License-Identifier: MIT */
/* Pages that ask twelve services with long tails, with second attempts by the client: what these gain and
 * what they cost, in virtual time. Each seed is another run. */
#include "tail_world.h"

#include "support/one_thread.h"

enum { SEEDS = 1 };

struct asking {
    struct world *world;
    weir_client *client;
    weir_backend *backends[TAIL_CALLS];
};

struct call {
    struct asking *asking;
    const char *path;
    int service;
    int err;
};

static int call(void *arg)
{
    struct call *c = arg;
    weir_fetch_options options = {.backend = c->asking->backends[c->service], .url = c->path};
    weir_reply reply;

    c->err = weir_fetch(c->asking->client, &options, &reply);
    if (c->err < 0)
        return 0;
    c->err = reply.status == 200 ? 0 : -EBADMSG;
    weir_reply_free(&reply);
    return 0;
}

static int gather(struct world *w, uint64_t number, void *arg)
{
    struct call calls[TAIL_CALLS];
    char path[32];
    weir_scope scope;
    int err = 0;

    snprintf(path, sizeof path, "/item/%llu", (unsigned long long)number);
    weir_scope_open(&scope, weir_after(w->deadline), WEIR_COLLECT);
    for (int i = 0; i < TAIL_CALLS; i++) {
        calls[i] = (struct call){.asking = arg, .path = path, .service = i};
        assert_int_equal(weir_spawn(&scope, "call", call, &calls[i]), 0);
    }
    (void)weir_scope_close(&scope);
    for (int i = 0; i < TAIL_CALLS; i++)
        err = calls[i].err < 0 ? calls[i].err : err;
    return err;
}

static void open_backend(struct asking *a, int service)
{
    struct world *w = a->world;
    const char *urls[INSTANCES_MAX];
    char name[24];
    weir_backend_options options = {
        .name = name, .urls = urls, .hedge = w->hedge, .retry = w->retry, .health = w->health};

    snprintf(name, sizeof name, "service%d", service);
    for (int i = 0; i < w->instances; i++)
        urls[options.url_count++] = w->all[service][i].url;
    assert_int_equal(weir_backend_open(&options, &a->backends[service]), 0);
}

static int whole_world(void *arg)
{
    struct asking a = {.world = arg};
    struct world *w = arg;
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    instances_open(w, &scope);
    assert_int_equal(weir_client_open(NULL, &a.client), 0);
    for (int i = 0; i < TAIL_CALLS; i++)
        open_backend(&a, i);
    w->ask = gather;
    w->arg = &a;

    world_measure(w);

    for (int i = 0; i < TAIL_CALLS; i++)
        weir_backend_close(a.backends[i]);
    weir_client_close(a.client);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    assert_true(only_first_task_is_left(weir__loop_current()));
    return 0;
}

/* --- the figures --- */

static struct world usual(void)
{
    return (struct world){
        .instances = 2, .measured_s = measured_s(30), .deadline = weir_seconds(10), .slower = 1};
}

static struct figures figures(const struct world *w)
{
    return figures_of(w, whole_world, seed_first(), seed_last(SEEDS));
}

static struct figures figures_hedged(weir_hedge_options hedge)
{
    struct world w = usual();

    w.hedge = hedge;
    return figures(&w);
}

static weir_hedge_options after_p95(void)
{
    return (weir_hedge_options){.percentile = 95};
}

/* A fixed threshold, which is so many times the 95th percentile. */
static weir_hedge_options after_p95s(double factor)
{
    return (weir_hedge_options){.after = {(int64_t)(factor * (double)tail_p95_ns())}};
}

static void test_halves_the_tail_for_five_percent_more(void **state)
{
    struct figures without = figures_hedged((weir_hedge_options){0});
    struct figures with = figures_hedged(after_p95());

    (void)state;
    assert_true(without.more == 0 && without.failed == 0 && with.failed == 0);
    EXPECT(fabs(without.p99_ms * 1e6 / (double)tail_page_p99_ns() - 1) < 0.2);
    EXPECT(with.p99_ms * 1e6 <= 0.56 * (double)tail_page_p99_ns());
    EXPECT(with.more > 0.04 && with.more <= 0.053);
}

/* Calculated: 0 % and 5.2 %, see tests/http/client/attempts/model_test.c, which has more pages. */
static void test_a_threshold_that_is_wrong_by_15_percent_matters_little(void **state)
{
    struct figures right, low, high;

    (void)state;
    skip_under_tsan();
    right = figures_hedged(after_p95s(1));
    low = figures_hedged(after_p95s(0.85));
    high = figures_hedged(after_p95s(1.15));
    EXPECT(fabs(low.p99_ms / right.p99_ms - 1) < 0.05);
    EXPECT(fabs(high.p99_ms / right.p99_ms - 1) < 0.1);
    EXPECT(low.more <= 0.053 && high.more <= 0.053);
}

static void test_a_brownout_gets_no_more_than_the_budget(void **state)
{
    struct world w = usual();
    struct figures without, with;

    (void)state;
    skip_under_tsan();
    w.slower = 3;
    w.measured_s = measured_s(60);
    without = figures(&w);
    w.hedge = after_p95();
    with = figures(&w);
    EXPECT(with.more <= 0.055);
    EXPECT(with.p99_ms < without.p99_ms);
}

static struct world three_instances(void)
{
    struct world w = usual();

    w.instances = 3;
    w.hedge = after_p95();
    w.retry.on = WEIR_RETRY_CONNECT | WEIR_RETRY_RESET;
    w.deadline = weir_seconds(2); /* all but one in a hundred million delays are shorter */
    return w;
}

static void test_a_dead_instance_of_three_fails_nothing_after_a_second(void **state)
{
    struct world w = three_instances();

    (void)state;
    w.loses_one = true;
    assert_int_equal(figures(&w).failed_late, 0);
}

static void test_so_does_one_that_is_silent_where_instances_are_checked(void **state)
{
    struct world w = three_instances();

    (void)state;
    w.stops_answering = true;
    w.health = (weir_backend_health){
        .path = "/healthz", .every = weir_ms(300), .failed = 2}; /* down within 0.6 to 0.9 s */
    assert_int_equal(figures(&w).failed_late, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halves_the_tail_for_five_percent_more),
        cmocka_unit_test(test_a_threshold_that_is_wrong_by_15_percent_matters_little),
        cmocka_unit_test(test_a_brownout_gets_no_more_than_the_budget),
        cmocka_unit_test(test_a_dead_instance_of_three_fails_nothing_after_a_second),
        cmocka_unit_test(test_so_does_one_that_is_silent_where_instances_are_checked),
    };

    return cmocka_run_group_tests_name("tail", tests, NULL, NULL);
}
