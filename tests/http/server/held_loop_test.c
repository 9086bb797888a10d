/* SPDX-License-Identifier: MIT */
/* Loops that are held: connections are taken, and served, by those that run. */
#include "http/server/forked.h"

enum { CLIENTS = 20, LOOPS_MAX = 5 };

struct held_case {
    int loops;
    const char *path; /* what holds them */
    bool shared;
};

/* Holds all loops but one, and connects: each connection is answered while they are held. */
static void hold_all_but(int free_loop, const struct held_case *c, pid_t server)
{
    int holding[LOOPS_MAX], count = 0;

    atomic_store(&common->holds, true);
    for (int i = 0; i < c->loops; i++)
        if (i != free_loop)
            holding[count++] = connect_to(server, i);
    for (int i = 0; i < count; i++)
        (void)ask_for(holding[i], c->path);
    wait_until_held(count);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(ask_once().loop, free_loop);
    assert_int_equal(atomic_load(&common->held), count);
    atomic_store(&common->holds, false);
    for (int i = 0; i < count; i++) {
        (void)answer_of(holding[i]);
        (void)close(holding[i]);
    }
}

static void check(const struct held_case *c)
{
    static const enum weir_io kinds[] = {WEIR_IO_EPOLL, WEIR_IO_URING};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        pid_t server;
        if (!io_is_here(kinds[i]))
            continue;
        open_queue();
        server = fork_server(kinds[i], c->loops, c->shared);
        for (int loop = 0; loop < c->loops; loop++)
            hold_all_but(loop, c, server);
        end_server(server);
        close_queue();
    }
}

static void of_two_loops_the_other_answers(void **state)
{
    (void)state;
    check(&(struct held_case){2, "/hold", false});
    check(&(struct held_case){2, "/block", false});
    check(&(struct held_case){2, "/hold", true});
}

/* Those that accept are held, and the watch has another take their place. */
static void of_many_loops_the_last_answers(void **state)
{
    (void)state;
    check(&(struct held_case){LOOPS_MAX, "/block", false});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_loops_the_other_answers),
        cmocka_unit_test(of_many_loops_the_last_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
