/* SPDX-License-Identifier: MIT */
/* The limit of a backend that follows what its server can do: with requests under simulation, and options. */
#include "cluster.h"

#include "support/one_thread.h"

enum { WORKERS = 8, ASKING = 60, MIN = 2, MAX = 64 };

static const weir_backend_options follows = {.auto_limit = {MIN, MAX}, .eject.after = -1};

/* A server with so many workers: what is more waits for its turn. */
static int working, status;
static int64_t work_us;

static int work(struct backend *b, weir_stream *s, int number)
{
    char answer[64];

    (void)number;
    while (read_request(b, s) > 0) {
        int waits = ++working > WORKERS ? working : WORKERS;
        int err = weir_sleep(weir_us(work_us * waits / WORKERS));
        working--;
        if (err < 0)
            break;
        (void)snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n", status);
        if (send_text(s, answer) < 0)
            break;
    }
    return 0;
}

struct load {
    struct cluster *c;
    weir_instant until;
    weir_duration deadline;
    int answered, limited;
};

static int ask_again_and_again(void *arg)
{
    struct load *load = arg;

    while (weir_now().ns < load->until.ns) {
        weir_scope scope;
        int err;
        weir_scope_open(&scope, load->deadline.ns > 0 ? weir_after(load->deadline) : weir_never(), 0);
        err = ask(load->c, "/", NULL);
        (void)weir_scope_close(&scope);
        assert_true(err == 0 || err == -WEIR_ELIMITED || err == -WEIR_EDEADLINE || err == status);
        load->answered += err == 0;
        load->limited += err == -WEIR_ELIMITED;
        if (err == -WEIR_ELIMITED && weir_sleep(weir_ms(10 + (int64_t)weir_random_below(40))) < 0)
            break;
    }
    return 0;
}

static struct load run_load(struct cluster *c, int count, weir_duration period, weir_duration deadline)
{
    struct load load = {.c = c, .until = weir_after(period), .deadline = deadline};
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < count; i++)
        assert_int_equal(weir_spawn(&scope, "asking", ask_again_and_again, &load), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    return load;
}

static void begin_work(struct cluster *c)
{
    working = 0;
    status = 200;
    work_us = 10000;
    cluster_open(c, 1, work, &follows);
    assert_true(see().stats.limit_is_auto);
    assert_int_equal(see().stats.limit, 11); /* between its bounds: the root of 2 × 64 */
}

static int follow(void *arg)
{
    struct cluster c;
    struct load load;

    (void)arg;
    begin_work(&c);
    (void)run_load(&c, 2, weir_seconds(2), (weir_duration){0});
    assert_int_equal(see().stats.limit, 11); /* half of it is not used */
    (void)run_load(&c, ASKING, weir_seconds(10), (weir_duration){0});
    load = run_load(&c, ASKING, weir_seconds(5), (weir_duration){0});
    assert_in_range(see().stats.limit, WORKERS, 2 * WORKERS);
    assert_true(load.limited > 100);
    assert_true(load.answered > 5 * 100 * WORKERS * 9 / 10); /* all workers work */
    assert_true(see().stats.refused[WEIR_BACKEND_LIMITED] > 100);
    work_us *= 4;
    (void)run_load(&c, ASKING, weir_seconds(10), (weir_duration){0});
    load = run_load(&c, ASKING, weir_seconds(5), (weir_duration){0});
    assert_in_range(see().stats.limit, WORKERS / 2, 2 * WORKERS);
    assert_true(load.answered > 5 * 25 * WORKERS * 6 / 10);
    assert_int_equal(see().stats.in_use, 0);
    cluster_close(&c);
    return 0;
}

static void it_follows_a_server(void **state)
{
    (void)state;
    skip_under_tsan();
    for (uint64_t seed = seed_first(); seed <= seed_last(2); seed++)
        run_simulated(seed, follow, NULL);
}

static int refuse_all(void *arg)
{
    struct cluster c;

    (void)arg;
    begin_work(&c);
    status = 503;
    (void)run_load(&c, 8, weir_seconds(5), (weir_duration){0});
    assert_int_equal(see().stats.limit, MIN);
    status = 200;
    (void)run_load(&c, 8, weir_seconds(5), (weir_duration){0});
    assert_true(see().stats.limit >= WORKERS);
    cluster_close(&c);
    return 0;
}

static int miss_all(void *arg)
{
    struct cluster c;

    (void)arg;
    begin_work(&c);
    work_us = 1000000;
    (void)run_load(&c, 8, weir_seconds(5), weir_ms(20));
    assert_int_equal(see().stats.limit, MIN);
    cluster_close(&c);
    return 0;
}

/* What says nothing of how much a server can do. */
static int say_nothing(void *arg)
{
    static const int statuses[] = {429, 500, 502};
    struct cluster c;

    (void)arg;
    begin_work(&c);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        status = statuses[i];
        (void)run_load(&c, 8, weir_seconds(1), (weir_duration){0});
        assert_int_equal(see().stats.limit, 11);
    }
    cluster_close(&c);
    return 0;
}

static void deadlines_and_503_make_it_sink(void **state)
{
    (void)state;
    run_simulated(1, refuse_all, NULL);
    run_simulated(1, miss_all, NULL);
    run_simulated(1, say_nothing, NULL);
}

/* The first server never answers. */
static int work_or_not(struct backend *b, weir_stream *s, int number)
{
    const struct cluster *c = b->arg;

    return b == &c->servers[0] ? (void)weir_sleep(weir_seconds(60)), 0 : work(b, s, number);
}

static int ask_in_time(void *arg)
{
    struct load *load = arg;
    weir_scope scope;
    int err;

    weir_scope_open(&scope, weir_after(load->deadline), 0);
    err = ask(load->c, "/", NULL);
    (void)weir_scope_close(&scope);
    load->answered += err == 0;
    load->limited += err == -WEIR_ELIMITED;
    return 0;
}

/* Two requests are in progress at a time, and those that are not answered. */
static int lose_one(void *arg)
{
    struct cluster c;
    struct load load = {.c = &c, .deadline = weir_ms(700)};
    weir_scope scope;

    working = 0;
    status = 200;
    work_us = 10000;
    cluster_open(&c, 3, work_or_not, arg);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 400; i++) {
        assert_int_equal(weir_spawn(&scope, "asking", ask_in_time, &load), 0);
        assert_int_equal(weir_sleep(weir_ms(5)), 0);
    }
    (void)weir_scope_close(&scope);
    assert_int_equal(load.limited, 0);
    assert_in_range(load.answered, 400 - 4 * 3, 400); /* each 700 ms, its share of 12 */
    cluster_close(&c);
    return 0;
}

static void an_instance_that_is_silent_does_not_take_all_of_it(void **state)
{
    weir_backend_options options = {.balance = WEIR_BALANCE_ROUND_ROBIN, .limit = 12, .eject.after = -1};

    (void)state;
    run_simulated(1, lose_one, &options);
}

static const struct option_case {
    int limit, min, max;
    int err, starts_at;
} cases[] = {
    {5, 1, 2, -EINVAL, 0},       {0, -1, 0, -EINVAL, 0}, {0, 0, -1, -EINVAL, 0}, {0, 3, 2, -EINVAL, 0},
    {0, 1, 1 << 25, -EINVAL, 0}, {0, 7, 7, 0, 7},        {0, 0, 2, 0, 2},        {0, 1, 0, 0, 16},
    {0, 400, 0, 0, 400},         {0, 0, 100, 0, 20},
};

static int open_wrong(void *arg)
{
    static const char *const urls[] = {"http://127.0.0.1:1"};
    weir_backend *backend, *other;

    (void)arg;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weir_backend_options options = {.name = "orders",
                                        .urls = urls,
                                        .url_count = 1,
                                        .limit = cases[i].limit,
                                        .auto_limit = {cases[i].min, cases[i].max}};
        assert_int_equal(weir_backend_open(&options, &backend), cases[i].err);
        if (cases[i].err < 0)
            continue;
        assert_int_equal(see().stats.limit, cases[i].starts_at);
        options.auto_limit.max = 99;
        options.auto_limit.min = 9;
        assert_int_equal(weir_backend_open(&options, &other), -WEIR_ECONFIG);
        options.auto_limit = (weir_backend_auto_limit){0};
        options.limit = cases[i].max > 0 ? cases[i].max : 256; /* not the same as a fixed one */
        assert_int_equal(weir_backend_open(&options, &other), -WEIR_ECONFIG);
        weir_backend_close(backend);
    }
    return 0;
}

static void its_options_are_checked(void **state)
{
    (void)state;
    run_simulated(1, open_wrong, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_follows_a_server),
        cmocka_unit_test(deadlines_and_503_make_it_sink),
        cmocka_unit_test(an_instance_that_is_silent_does_not_take_all_of_it),
        cmocka_unit_test(its_options_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
