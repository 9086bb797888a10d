/* SPDX-License-Identifier: MIT */
/* Idle connections that give way where descriptors are used up: which of them, and what waits for it. */
#include "core/spare.h"
#include "support/run.h"

#include <weir/fd.h>

#include "core/loop.h"
#include "core/task.h"

struct idle {
    struct weir__spare spare;
    int64_t since_ns;
    int closed;
    bool later; /* the descriptor comes free some turns after the close */
};

static int64_t since(struct weir__spare *spare)
{
    return weir__container_of(spare, struct idle, spare)->since_ns;
}

static void close_idle(struct weir__spare *spare)
{
    struct idle *idle = weir__container_of(spare, struct idle, spare);

    idle->since_ns = INT64_MAX;
    idle->closed++;
    if (!idle->later)
        weir__spare_closed(weir__loop_current());
}

static void add(struct idle *idle, int64_t since_ns)
{
    *idle = (struct idle){.spare = {.idle_since_ns = since, .close_idle = close_idle}, .since_ns = since_ns};
    weir__spare_add(weir__loop_current(), &idle->spare);
}

static int the_oldest(void *arg)
{
    const int64_t ages[] = {20, INT64_MAX, 10, 30};
    struct idle idle[4];

    (void)arg;
    assert_int_equal(weir_fd_make_room(), -ENOENT);
    for (int i = 0; i < 4; i++)
        add(&idle[i], ages[i]);
    assert_int_equal(weir_fd_make_room(), 0);
    assert_int_equal(idle[2].closed, 1);
    assert_int_equal(weir__spare_await(-ENFILE), 0);
    assert_int_equal(idle[0].closed, 1);
    assert_int_equal(weir__spare_await(-ENOMEM), -ENOMEM); /* another error closes none */
    weir__list_remove(&idle[3].spare.node);
    assert_int_equal(weir__spare_await(-EMFILE), -EMFILE); /* none is left */
    assert_int_equal(idle[1].closed + idle[3].closed, 0);
    for (int i = 0; i < 3; i++)
        weir__list_remove(&idle[i].spare.node);
    return 0;
}

static void the_one_idle_longest_is_closed(void **state)
{
    (void)state;
    run_simulated(1, the_oldest, NULL);
}

static int make_room(void *arg)
{
    *(int *)arg = weir_fd_make_room();
    return 0;
}

/* The first that asked gets the first descriptor that comes free. */
static int in_turn(void *arg)
{
    int result[2] = {1, 1};
    struct idle idle[2];
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 2; i++) {
        add(&idle[i], i);
        idle[i].later = true;
        assert_int_equal(weir_spawn(&scope, "asking", make_room, &result[i]), 0);
        while (idle[i].closed == 0)
            assert_int_equal(weir_yield(), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(result[i], 1);
        weir__spare_closed(weir__loop_current());
        while (result[i] == 1)
            assert_int_equal(weir_yield(), 0);
        assert_int_equal(result[i], 0);
    }
    assert_int_equal(weir_scope_close(&scope), 0);
    for (int i = 0; i < 2; i++)
        weir__list_remove(&idle[i].spare.node);
    return 0;
}

static void descriptors_are_given_in_the_order_of_asking(void **state)
{
    (void)state;
    run_simulated(1, in_turn, NULL);
}

static int cancelled(void *arg)
{
    int result = 1;
    struct idle idle;
    weir_scope scope;

    (void)arg;
    add(&idle, 0);
    idle.later = true;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "asking", make_room, &result), 0);
    while (idle.closed == 0)
        assert_int_equal(weir_yield(), 0);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    assert_int_equal(result, -WEIR_ECANCELED);
    weir__spare_closed(weir__loop_current()); /* is told to none */
    weir__list_remove(&idle.spare.node);
    return 0;
}

static void the_wait_can_be_cancelled(void **state)
{
    (void)state;
    run_simulated(1, cancelled, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_one_idle_longest_is_closed),
        cmocka_unit_test(descriptors_are_given_in_the_order_of_asking),
        cmocka_unit_test(the_wait_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
