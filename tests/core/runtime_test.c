/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "support/child.h"
#include "support/run.h"

/* --- what weir_run() returns --- */

static int forty_two(void *arg)
{
    (void)arg;
    return 42;
}

static int fails(void *arg)
{
    (void)arg;
    return -EPIPE;
}

static int run_inside(void *arg)
{
    (void)arg;
    return weir_run(NULL, forty_two, NULL);
}

static void it_returns_what_the_first_task_returned(void **state)
{
    weir_options sim = {.io = WEIR_IO_SIM};

    (void)state;

    assert_int_equal(weir_run(NULL, forty_two, NULL), 42);
    assert_int_equal(weir_run(&sim, forty_two, NULL), 42);
    assert_int_equal(weir_run(&sim, fails, NULL), -EPIPE);
    assert_int_equal(weir_run(&sim, run_inside, NULL), -EBUSY);
}

/* Of the kernel's table, in which there is room for so many descriptors. */
static int descriptors_room(void *arg)
{
    char line[128];
    int room = 0;
    FILE *status = fopen("/proc/self/status", "re");

    (void)arg;

    assert_non_null(status);
    while (room == 0 && fgets(line, sizeof line, status) != NULL)
        (void)sscanf(line, "FDSize: %d", &room);
    fclose(status);
    return room;
}

/* While the table of descriptors grows, opening a descriptor blocks. */
static void there_is_room_for_descriptors_before_they_are_opened(void **state)
{
    struct rlimit limit;
    int least;

    (void)state;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    least = limit.rlim_cur < 10000 ? (int)limit.rlim_cur : 10000;
    assert_true(weir_run(NULL, descriptors_room, NULL) >= least);
}

static void impossible_options_are_refused(void **state)
{
    weir_options bad[] = {
        {.loops = -1},
        {.stall_after = {1}},
        {.reserved = {[sizeof((weir_options *)0)->reserved - 1] = 1}},
        {.loops = 1 << 20},
        {.loops = 2, .io = WEIR_IO_SIM},
        {.io = (enum weir_io)77},
        {.io = WEIR_IO_SIM, .stack_bytes = 1000},
        {.io = WEIR_IO_SIM, .stack_bytes = 4096},
        {.io = WEIR_IO_SIM, .stack_bytes = (size_t)1 << 40},
    };

    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(weir_run(&bad[i], forty_two, NULL), -EINVAL);
}

/* --- seeds --- */

struct draw {
    uint64_t numbers[4];
};

static int draw(void *arg)
{
    struct draw *d = arg;

    for (int i = 0; i < 4; i++)
        d->numbers[i] = i % 2 == 0 ? weir_random_u64() : weir_random_below(1000);
    return 0;
}

static void a_seed_is_a_run(void **state)
{
    weir_options one = {.io = WEIR_IO_SIM, .seed = 1}, two = {.io = WEIR_IO_SIM, .seed = 2};
    weir_options none = {.io = WEIR_IO_EPOLL};
    struct draw a, b, c, d, e;

    (void)state;

    assert_int_equal(weir_run(&one, draw, &a), 0);
    assert_int_equal(weir_run(&one, draw, &b), 0);
    assert_int_equal(weir_run(&two, draw, &c), 0);
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_not_equal(&a, &c, sizeof a);
    assert_int_equal(weir_run(&none, draw, &d), 0); /* from the system */
    assert_int_equal(weir_run(&none, draw, &e), 0);
    assert_memory_not_equal(&d, &e, sizeof d);
}

/* --- nothing can ever happen again --- */

static int wait_for_ever(void *arg)
{
    weir_event never;

    (void)arg;

    weir_event_init(&never);
    return weir_event_wait(&never);
}

static int lock_and_wait(void *arg)
{
    int err = weir_mutex_lock(arg);

    if (err < 0)
        return err;
    err = wait_for_ever(NULL);
    weir_mutex_unlock(arg);
    return err;
}

static int deadlocked(void *arg)
{
    int *result = arg;
    weir_mutex mutex;
    weir_scope scope;

    weir_mutex_init(&mutex);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    weir_spawn(&scope, "holder", lock_and_wait, &mutex);
    weir_spawn(&scope, "waiter", lock_and_wait, &mutex);
    *result = weir_scope_close(&scope);
    return 0;
}

static int run_deadlocked(void *arg)
{
    weir_options sim = {.io = WEIR_IO_SIM};
    int result = 0;
    int err = weir_run(&sim, deadlocked, &result);

    (void)arg;

    return err == -EDEADLK && result == -EDEADLK ? 7 : 8;
}

static void a_deadlock_is_reported_and_ends(void **state)
{
    char said[4096];
    int status = run_in_child(run_deadlocked, NULL, said, sizeof said);

    (void)state;

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_non_null(strstr(said, "task=holder"));
    assert_non_null(strstr(said, "waits_for=\"an event\""));
    assert_non_null(strstr(said, "task=waiter"));
    assert_non_null(strstr(said, "waits_for=\"a mutex\""));
    assert_non_null(strstr(said, "task=main"));
    assert_non_null(strstr(said, "waits_for=\"the tasks of its scope\""));
}

/* --- several loops --- */

static int loops_are_there(void *arg)
{
    (void)arg;
    assert_int_equal(weir_loop_count(), 3);
    assert_int_equal(weir_loop_index(), 0);
    assert_true(strcmp(weir_loop_io(), "uring") == 0 || strcmp(weir_loop_io(), "epoll") == 0);
    assert_int_equal(weir_loop_ready(-1), 0);
    assert_int_equal(weir_loop_ready(3), 0);
    assert_non_null(weir_runtime_here());
    return weir_sleep(weir_ms(1));
}

static void several_loops_start_and_stop(void **state)
{
    static const enum weir_io real[] = {WEIR_IO_EPOLL, WEIR_IO_URING};

    (void)state;

    for (int i = 0; i < 2; i++) {
        weir_options options = {.io = real[i], .loops = 3};
        if (io_is_here(real[i]))
            assert_int_equal(weir_run(&options, loops_are_there, NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_returns_what_the_first_task_returned),
        cmocka_unit_test(there_is_room_for_descriptors_before_they_are_opened),
        cmocka_unit_test(impossible_options_are_refused),
        cmocka_unit_test(a_seed_is_a_run),
        cmocka_unit_test(a_deadlock_is_reported_and_ends),
        cmocka_unit_test(several_loops_start_and_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
