/* SPDX-License-Identifier: MIT */
/* A start whose child is held before it executes the program: in a folder that does not answer (here a filter
 * of chdir(2) whose listener says nothing), or stopped by another process. The start ends, and the next one
 * succeeds. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/fd.h>

#include "core/runtime.h"
#include "process/process_rig.h"
#include "process/starter.h"
#include "support/child.h"

enum { SKIPPED = 77, SHORT_NS = 20000000 };

/* --- holding --- */

/* Has a listener decide about chdir(2), from now on and in all descendants. Returns: it; -1: not possible. */
static int listen_for_chdir(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_chdir, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

struct held {
    int listener;
    bool stops; /* the child is stopped by a signal */
    weir_scope *call;
};

static int start_in(const char *folder)
{
    static const char *const argv[] = {"true", NULL};
    weir_process_options options = {.argv = argv, .output = WEIR_PROCESS_NULL, .folder = folder};
    weir_process *process;
    weir_process_end end = {.status = -1};
    weir_scope scope;
    siginfo_t child;
    int err;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    err = weir_process_start(&scope, &options, &process);
    if (err == 0)
        err = weir_process_wait(process, &end);
    (void)weir_scope_close(&scope);
    assert_int_equal(waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT), -1);
    assert_int_equal(errno, ECHILD);
    return err < 0 ? err : end.status;
}

/* --- too long --- */

static int takes_too_long(void *arg)
{
    struct weir__starter *starter = weir__loop_current()->runtime->starter;
    int64_t usual = starter->limit_ns;

    (void)arg;
    starter->limit_ns = SHORT_NS;
    assert_int_equal(start_in("/"), -ETIMEDOUT);
    starter->limit_ns = usual;
    assert_int_equal(start_in(NULL), 0);
    return 0;
}

/* --- cancelled --- */

/* The signal also ends the child's wait for an answer: it is stopped, and in no call. */
static void stop_child(int listener)
{
    struct seccomp_notif held;

    memset(&held, 0, sizeof held);
    assert_int_equal(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &held), 0);
    assert_int_equal(kill((pid_t)held.pid, SIGSTOP), 0);
}

static int cancels(void *arg)
{
    const struct held *h = arg;

    assert_true(weir_wait_fd(h->listener, POLLIN) > 0);
    if (h->stops)
        stop_child(h->listener);
    weir_scope_cancel(h->call);
    return 0;
}

static int is_cancelled(void *arg)
{
    struct held *h = arg;
    weir_scope outer, call;

    h->call = &call;
    weir_scope_open(&outer, weir_never(), 0);
    weir_scope_open(&call, weir_never(), 0);
    assert_int_equal(weir_spawn(&outer, "cancels", cancels, h), 0);
    assert_int_equal(start_in("/"), -WEIR_ECANCELED);
    (void)weir_scope_close(&call);
    assert_int_equal(weir_scope_close(&outer), 0);
    assert_int_equal(start_in(NULL), 0);
    return 0;
}

/* --- programs of their own: a filter stays --- */

struct program {
    int (*fn)(void *arg);
    bool stops;
};

static int be_program(void *arg)
{
    const struct program *p = arg;
    struct held h = {.listener = listen_for_chdir(), .stops = p->stops};

    if (h.listener < 0)
        return SKIPPED;
    run_really(p->fn, &h);
    return 0;
}

static void run_program(int (*fn)(void *arg), bool stops)
{
    struct program p = {fn, stops};
    char said[4096];
    int status = run_in_child(be_program, &p, said, sizeof said);

    if (status == SKIPPED << 8)
        skip();
    if (status != 0)
        fail_msg("status %#x: %s", (unsigned)status, said);
}

static void a_start_ends_when_it_takes_too_long(void **state)
{
    (void)state;
    run_program(takes_too_long, false);
}

static void a_start_in_a_folder_that_hangs_can_be_cancelled(void **state)
{
    (void)state;
    run_program(is_cancelled, false);
}

static void a_start_of_a_child_that_is_stopped_can_be_cancelled(void **state)
{
    (void)state;
    run_program(is_cancelled, true);
}

/* --- a child that cannot even be killed --- */

struct stuck {
    struct weir__start_work work;
    sem_t goes_on;
    atomic_int begun, hurried, dropped;
    bool commits;
};

static void is_stuck(struct weir__start_work *work, char *stack)
{
    struct stuck *s = weir__container_of(work, struct stuck, work);

    (void)stack;
    assert_true(!s->commits || weir__start_commit(work));
    atomic_store(&s->begun, 1);
    while (sem_wait(&s->goes_on) < 0)
        continue;
}

static void note_hurry(struct weir__start_work *work)
{
    (void)atomic_fetch_add(&weir__container_of(work, struct stuck, work)->hurried, 1);
}

static void note_drop(struct weir__start_work *work)
{
    (void)atomic_fetch_add(&weir__container_of(work, struct stuck, work)->dropped, 1);
}

static void init_stuck(struct stuck *s, bool commits)
{
    memset(s, 0, sizeof *s);
    s->work.run = is_stuck;
    s->work.hurry = note_hurry;
    s->work.drop = note_drop;
    s->commits = commits;
    (void)sem_init(&s->goes_on, 0, 0);
}

static int do_one(void *arg)
{
    struct stuck *s = arg;

    return weir__starter_do(weir__loop_current()->runtime->starter, &s->work);
}

static int waits_for_the_stuck(void *arg)
{
    struct stuck *all = arg, queued;
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "stuck", do_one, &all[0]), 0);
    while (!atomic_load(&all[0].begun))
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    weir_scope_cancel(&scope);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    assert_int_equal(all[0].dropped, 0);
    weir__loop_current()->runtime->starter->limit_ns = SHORT_NS;
    init_stuck(&queued, false);
    assert_int_equal(do_one(&queued), -ETIMEDOUT);
    assert_int_equal(queued.dropped, 1);
    (void)sem_post(&all[0].goes_on);
    assert_int_equal(do_one(&all[1]), -ETIMEDOUT);
    (void)sem_post(&all[1].goes_on);
    return 0;
}

static void what_does_not_end_is_left(void **state)
{
    weir_options options = {.io = WEIR_IO_EPOLL};
    struct stuck all[2];

    (void)state;
    init_stuck(&all[0], true);
    init_stuck(&all[1], false);
    assert_int_equal(weir_run(&options, waits_for_the_stuck, all), 0);
    assert_true(all[0].hurried > 1);
    assert_int_equal(all[0].dropped, 1);
    assert_int_equal(all[1].hurried, 0);
    assert_int_equal(all[1].dropped, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_ends_when_it_takes_too_long),
        cmocka_unit_test(a_start_in_a_folder_that_hangs_can_be_cancelled),
        cmocka_unit_test(a_start_of_a_child_that_is_stopped_can_be_cancelled),
        cmocka_unit_test(what_does_not_end_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
