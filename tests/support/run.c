/* SPDX-License-Identifier: MIT */
#include "base/sanitizer.h"
#include "support/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/loop.h"
#include "support/memory.h"
#include "support/secure_network.h"

enum { SECURE_EACH = 4 };

static bool without_uring; /* the present test could not use io_uring */
static const struct CMUnitTest *present;

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

const char *io_name(enum weir_io io)
{
    return io == WEIR_IO_SIM ? "sim" : io == WEIR_IO_URING ? "uring" : io == WEIR_IO_EPOLL ? "epoll" : "auto";
}

bool io_is_here(enum weir_io io)
{
    weir_options options = {.io = io};
    int err = weir_run(&options, nothing, NULL);

    if (err < 0 && (io != WEIR_IO_URING || (err != -ENOSYS && err != -EPERM)))
        fail_msg("%s can't be opened: %s", io_name(io), weir_error_text(err));
    without_uring |= err < 0;
    return err == 0;
}

/* --- cases --- */

static pid_t program; /* that runs the cases */

/* Ends the program where a case has failed in a task, or in the child of a fork(): what runs on would run on
 * the stack of a runtime that has not ended, or twice, and may hang. */
static void end_if_astray(void)
{
    if (weir__loop_current() == NULL && getpid() == program)
        return;
    if (getpid() == program)
        printf("Bail out! A case has failed within its runtime, so that no other can follow\n");
    (void)fflush(stdout);
    (void)syscall(SYS_exit_group, 1); /* not _exit(), before which ASan looks at the stack */
}

static int begin_case(void **state)
{
    end_if_astray();
    present = *state;
    *state = present->initial_state;
    without_uring = false;
    return present->setup_func == NULL ? 0 : present->setup_func(state);
}

static void run_case(void **state)
{
    present->test_func(state);
    if (without_uring) {
        printf("# %s has passed, but not on io_uring: that is forbidden here\n", present->name);
        skip();
    }
}

/* Wraps each case; its initial state points to the original. A state of the group is not supported. */
int run_cases(const char *group, const struct CMUnitTest *tests, size_t count, CMFixtureFunction setup,
              CMFixtureFunction teardown)
{
    struct CMUnitTest *ours = calloc(count, sizeof *ours);
    int failed;

    if (ours == NULL)
        abort();
    program = getpid();
    for (size_t i = 0; i < count; i++) {
        ours[i] = tests[i];
        ours[i].setup_func = begin_case;
        ours[i].test_func = run_case;
        ours[i].initial_state = (void *)(uintptr_t)&tests[i];
    }
    failed = _cmocka_run_group_tests(group, ours, count, setup, teardown);
    end_if_astray();
    free(ours);
    return failed;
}

/* --- seeds --- */

bool seed_is_alone(void)
{
    return getenv("WEIR_SEED") != NULL;
}

uint64_t seed_first(void)
{
    const char *from = getenv(seed_is_alone() ? "WEIR_SEED" : "WEIR_SEED_FROM");

    return from != NULL ? strtoull(from, NULL, 10) : 1;
}

/* A simulation is one thread, in which TSan finds nothing that depends on the seed. */
uint64_t seed_last(uint64_t count)
{
#ifdef WITH_TSAN
    count = (count + 3) / 4;
#endif
    return seed_is_alone() ? seed_first() : seed_first() + count - 1;
}

uint64_t seed_count(uint64_t count)
{
    return seed_last(count) - seed_first() + 1;
}

/* --- running --- */

static void run_on(enum weir_io io, uint64_t seed, int (*fn)(void *arg), void *arg)
{
    weir_options options = {.io = io, .seed = seed};
    int result = weir_run(&options, fn, arg);

    if (result != 0)
        fail_msg("on %s, seed %llu: %d, %s", io_name(io), (unsigned long long)seed, result,
                 weir_error_text(result));
}

void run_everywhere(int (*fn)(void *arg), void *arg)
{
    static const enum weir_io all[] = {WEIR_IO_SIM, WEIR_IO_URING, WEIR_IO_EPOLL};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (io_is_here(all[i]))
            run_on(all[i], 0, fn, arg);
}

void run_in_memory(uint64_t seed, int (*fn)(void *arg), void *arg)
{
    weir_options options = {.seed = seed};
    int result = memory_run(&options, fn, arg);

    if (result != 0)
        fail_msg("in memory, seed %llu: %d, %s", (unsigned long long)seed, result, weir_error_text(result));
}

void run_securely(uint64_t seed, int (*fn)(void *arg), void *arg)
{
    weir_options options = {.seed = seed};
    int result = secure_run(&options, fn, arg);

    if (result != 0)
        fail_msg("with TLS, seed %llu: %d, %s", (unsigned long long)seed, result, weir_error_text(result));
}

void run_on_plain_transports(int (*fn)(void *arg), void *arg)
{
    run_everywhere(fn, arg);
    run_in_memory(1, fn, arg);
}

void run_on_all_transports(int (*fn)(void *arg), void *arg)
{
    run_on_plain_transports(fn, arg);
    run_securely(1, fn, arg);
}

void run_simulated_plainly(uint64_t seed, int (*fn)(void *arg), void *arg)
{
    run_simulated(seed, fn, arg);
    run_in_memory(seed, fn, arg);
}

void run_simulated_and_in_memory(uint64_t seed, int (*fn)(void *arg), void *arg)
{
    run_simulated_plainly(seed, fn, arg);
    if (seed % SECURE_EACH == 1) /* contexts take milliseconds to make */
        run_securely(seed, fn, arg);
}

void run_simulated(uint64_t seed, int (*fn)(void *arg), void *arg)
{
    run_on(WEIR_IO_SIM, seed, fn, arg);
}
