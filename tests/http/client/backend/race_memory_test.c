/* SPDX-License-Identifier: MIT */
/* Every allocation of a request with second attempts fails once: the 1st, the 2nd, … until none is reached
 * any more. Where a second attempt can't be made for want of memory, the first goes on. Leaks are ASan's to
 * find.
 */
#include "support/fault.h"

#include "attempts_rig.h"

static struct cluster cluster;

static bool is_expected(int err)
{
    return err == -ENOMEM || err == -WEIR_ETRUNCATED || err == -ECONNRESET || err == -EPIPE;
}

/* Asks while the nth allocation, also of the servers, fails. Returns: whether there were so many. */
static bool ask_without(long n, bool in_pieces, int *answered)
{
    struct asked asked;
    bool struck;

    fault_at(n);
    asked = in_pieces ? ask_in_pieces(&cluster, (weir_fetch_options){0}) : ask_for(&cluster, "GET");
    struck = fault_end();
    assert_true(asked.err == 0 || (struck && is_expected(asked.err)));
    *answered += asked.err == 0;
    until_at_rest(&cluster);
    return struck;
}

/* Both answers come in the end, so that either attempt may be the one that lacks memory. */
static int disturbed(void *arg)
{
    weir_backend_options options = hedging();
    int answered;
    long n;

    (void)arg;
    options.hedge.after = options.hedge.floor = weir_ms(2);
    options.retry = (weir_retry_options){.on = WEIR_RETRY_502, .extra_percent = 100};
    options.eject.after = -1;
    cluster_open(&cluster, 2, serve_by_plan, &options);
    fill_budget(&cluster);
    for (int way = 0; way < 4; way++) {
        plan[0] = (struct answer){.after_us = way < 2 ? 30000 : 100,
                                  .text = way < 2 ? ANSWER("a!") : FAILED("502")};
        plan[1] = (struct answer){.text = ANSWER("b!")};
        answered = 0;
        for (n = 1; ask_without(n, way % 2 == 1, &answered); n++)
            assert_true(n < 200);
        assert_true(n > 1);
        assert_true(answered > 1); /* to lack memory for a second attempt alone is no failure */
        fill_budget(&cluster);
    }
    cluster_close(&cluster);
    return 0;
}

static void each_allocation_of_a_race_may_fail(void **state)
{
    (void)state;
    /* The simulated kernel needs memory itself. */
    assert_int_equal(weir_run(&(weir_options){.io = WEIR_IO_EPOLL}, disturbed, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_of_a_race_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
