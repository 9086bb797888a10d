/* SPDX-License-Identifier: MIT */
/* The stack of a task that holds its loop, seen from another thread. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/tree.h"

struct holder {
    weir_runtime *runtime;
    pthread_t thread;
    const char *function; /* that must be on its stack */
    atomic_bool seen;
    int pipe[2];
};

static bool has_frame(const weir_task_info *info, const char *function)
{
    for (size_t i = 0; i < info->stack_depth; i++)
        if (strcmp(info->stack[i].function, function) == 0)
            return true;
    return false;
}

static void *look_until_seen(void *arg)
{
    const weir_tasks_options options = {.stacks = true};
    struct holder *h = arg;
    ssize_t written;

    while (!atomic_load(&h->seen)) {
        weir_tasks *tasks;
        int err = weir_tasks_open(h->runtime, &options, &tasks);
        const weir_task_info *main;
        assert(err == 0);
        main = task_named(tasks, "main");
        if (main->state == WEIR_TASK_RUNNING && has_frame(main, h->function))
            atomic_store(&h->seen, true);
        weir_tasks_close(tasks);
    }
    written = write(h->pipe[1], "", 1);
    assert(written == 1);
    return NULL;
}

__attribute__((noinline)) static void compute_until_seen(struct holder *h)
{
    while (!atomic_load(&h->seen))
        ;
}

__attribute__((noinline)) static void block_until_seen(struct holder *h)
{
    char byte;

    /* The call must not be ended by a signal. It is not read(), which a sanitizer wraps. */
    assert_int_equal(syscall(SYS_read, h->pipe[0], &byte, 1), 1);
    assert_true(atomic_load(&h->seen));
}

static int hold(void *arg)
{
    struct holder *h = arg;

    h->runtime = weir_runtime_here();
    assert_int_equal(pthread_create(&h->thread, NULL, look_until_seen, h), 0);
    if (strcmp(h->function, "block_until_seen") == 0)
        block_until_seen(h);
    else
        compute_until_seen(h);
    pthread_join(h->thread, NULL);
    return 0;
}

static void who_holds_a_loop_has_a_stack(void **state)
{
    static const char *const functions[] = {"compute_until_seen", "block_until_seen"};
    static const enum weir_io kernels[] = {WEIR_IO_AUTO, WEIR_IO_EPOLL};

    (void)state;

    for (size_t i = 0; i < 4; i++) {
        struct holder h = {.function = functions[i / 2]};
        const weir_options options = {.io = kernels[i % 2], .stall_after = weir_seconds(60)};
        assert_int_equal(pipe(h.pipe), 0);
        assert_int_equal(weir_run(&options, hold, &h), 0);
        close(h.pipe[0]);
        close(h.pipe[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_holds_a_loop_has_a_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
