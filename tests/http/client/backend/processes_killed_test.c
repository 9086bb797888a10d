/* SPDX-License-Identifier: MIT */
/* A backend of several processes, which are killed at any moment of their lives: nothing of what they had
 * stays taken. */
#include "processes_rig.h"

enum { CHILDREN = 8, AT_ONCE = 3, CONNECTIONS = 4, LIMIT = 12 };

static void begin_life(struct rig *rig, int member)
{
    assert_int_equal(tell(rig, member, OPEN), 0);
    assert_int_equal(tell(rig, member, LIVE), 0);
}

/* The counts are at most what they may be, but for those who reach for the last at this moment, and whoever
 * asks is answered, or refused by a maximum. */
static void ask_between(void)
{
    struct seen seen = see();
    int err = ask(&cluster, "/", NULL);

    if (err != 0 && err != -WEIR_ELIMITED && err != -WEIR_EBUSY)
        fail_msg("%d, %s", err, weir_error_text(err));
    assert_in_range(seen.stats.in_use, 0, LIMIT + CHILDREN * LIVES);
    assert_in_range(seen.stats.connections, 0, CONNECTIONS + CHILDREN);
}

/* As many live at a time; whoever is killed is replaced. */
static int kill_one_after_the_other(struct rig *rig)
{
    weir_instant until;

    open_backend(rig);
    for (int i = 0; i < AT_ONCE; i++)
        begin_life(rig, i);
    for (int i = 0; i < CHILDREN; i++) {
        until = weir_after(weir_us((int64_t)weir_random_below(20000)));
        do
            ask_between();
        while (weir_now().ns < until.ns);
        kill_child(rig, i);
        if (i + AT_ONCE < CHILDREN)
            begin_life(rig, i + AT_ONCE);
    }
    assert_int_equal(ask(&cluster, "/", NULL), 0);
    assert_at_rest(&cluster);
    assert_int_equal(see().stats.connections, 1);
    assert_int_equal(weir__backend_sum(weir__backend_common(cluster.backend),
                                       &weir__backend_common(cluster.backend)->counts.queued),
                     0);
    assert_int_equal(ask_at_once(&cluster, CONNECTIONS, 0), CONNECTIONS);
    assert_int_equal(see().stats.connections, CONNECTIONS);
    return 0;
}

static void the_killed_leave_nothing_taken(void **state)
{
    (void)state;
#if defined(__SANITIZE_THREAD__)
    skip(); /* it sees nothing between processes, and runs out of stacks in so many connections */
#endif
    for (seed = seed_first(); seed <= seed_last(3); seed++)
        run_processes(CHILDREN,
                      (weir_backend_options){.connections_max = CONNECTIONS,
                                             .limit = LIMIT,
                                             .waiting_max = 6,
                                             .health = {.path = "/healthz", .every = weir_ms(5)}},
                      kill_one_after_the_other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_killed_leave_nothing_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
