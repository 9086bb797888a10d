/* SPDX-License-Identifier: MIT */
/* A program that is killed takes its processes with it; one that ends leaves none behind. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/process_rig.h"

enum { PROCESSES = 3 };

/* The program: writes the numbers of its processes, and waits. */
static int start_some(void *arg)
{
    static const char *const argv[] = {"sleep", "1000", NULL};
    weir_process_options options = {.argv = argv, .output = WEIR_PROCESS_NULL};
    pid_t pids[PROCESSES];
    weir_process *process;
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < PROCESSES; i++) {
        if (weir_process_start(&scope, &options, &process) < 0)
            _exit(99);
        pids[i] = weir_process_id(process);
    }
    if (write(*(int *)arg, pids, sizeof pids) != sizeof pids)
        _exit(98);
    return weir_scope_close(&scope);
}

/* A task of another loop than the first starts them: the thread that does is the runtime's, not the loop's.
 */
static int be_program(void *arg)
{
    return weir_loop_call(1, "start", start_some, arg);
}

static void end_program(void (*end)(pid_t program))
{
    weir_options options = {.loops = 2, .io = WEIR_IO_EPOLL};
    pid_t pids[PROCESSES], program;
    int ends[2], status;

    assert_int_equal(pipe(ends), 0);
    program = fork();
    assert_true(program >= 0);
    if (program == 0)
        _exit(weir_run(&options, be_program, &ends[1]));
    assert_int_equal(read(ends[0], pids, sizeof pids), sizeof pids);
    for (int i = 0; i < PROCESSES; i++)
        assert_true(is_alive(pids[i]));
    end(program);
    assert_int_equal(waitpid(program, &status, 0), program);
    for (int i = 0; i < PROCESSES; i++)
        while (is_alive(pids[i]))
            usleep(1000);
    close(ends[0]);
    close(ends[1]);
}

static void by_kill(pid_t program)
{
    assert_int_equal(kill(program, SIGKILL), 0);
}

static void by_term(pid_t program)
{
    assert_int_equal(kill(program, SIGTERM), 0);
}

static void processes_die_with_their_program(void **state)
{
    (void)state;
    end_program(by_kill);
    end_program(by_term);
}

/* --- a program that ends --- */

static int leaves_one(void *arg)
{
    static const char *const argv[] = {"sleep", "1000", NULL};
    weir_process_options options = {.argv = argv, .output = WEIR_PROCESS_NULL};
    weir_process *process;
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    *(pid_t *)arg = weir_process_id(process);
    weir_runtime_stop(weir_runtime_here());
    return weir_scope_close(&scope) == -WEIR_ECANCELED ? 0 : -1;
}

static void a_runtime_that_is_stopped_ends_its_processes(void **state)
{
    weir_options options = {.io = WEIR_IO_EPOLL};
    pid_t pid;

    (void)state;
    assert_int_equal(weir_run(&options, leaves_one, &pid), 0);
    assert_false(is_alive(pid));
    assert_int_equal(weir_run(&options, leaves_one, &pid), 0); /* another runtime has another starter */
    assert_false(is_alive(pid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_die_with_their_program),
        cmocka_unit_test(a_runtime_that_is_stopped_ends_its_processes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
