/* SPDX-License-Identifier: MIT */
#include "process/child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/sanitizer.h"
#include "process/found.h"
#include "process/raw.h"
#include "process/user.h"

enum { SIGNAL_MAX = 64, SIGNAL_BYTES = 8 };

#ifdef WITH_TSAN
/* Another name of clone(), which TSan takes for a fork(). */
extern int __clone(int (*fn)(void *), void *stack, int flags, void *arg, ...); /* NOLINT */
#define clone __clone
#endif

/* The kernel's struct sigaction, of all zeros: the default action. */
struct default_action {
    unsigned long words[4];
};

/* The handlers are this program's and must not run here: signals are blocked until they are gone. */
WEIR__RAW static void reset_signals(void)
{
    static const struct default_action usual;

    for (int number = 1; number <= SIGNAL_MAX; number++)
        (void)syscall(SYS_rt_sigaction, number, &usual, NULL, SIGNAL_BYTES);
}

WEIR__RAW static void allow_signals(void)
{
    static const uint64_t none;

    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, SIGNAL_BYTES);
}

WEIR__RAW static int set_limit(int which, const struct weir__child_limit *limit)
{
    const uint64_t values[2] = {limit->soft, limit->hard};

    return limit->is_set ? weir__raw(SYS_prlimit64, 0, which, values, NULL) : 0;
}

/* The starter has those of the loop that has made it: so it runs as soon as it is woken. */
WEIR__RAW static void restore_scheduling(const struct weir__found *found)
{
    if (found->timer_slack_ns > 0)
        (void)syscall(SYS_prctl, PR_SET_TIMERSLACK, (long)found->timer_slack_ns, 0, 0, 0);
    if (found->has_scheduling)
        (void)syscall(SYS_sched_setattr, 0, &found->scheduling, 0);
}

/* By system calls: the C library's functions change the user of all threads of this program. */
WEIR__RAW static int set_user(const struct weir__user *user)
{
    int err = weir__raw(SYS_setgroups, user->group_count, user->groups);

    if (err == 0)
        err = weir__raw(SYS_setresgid, user->gid, user->gid, user->gid);
    if (err == 0)
        err = weir__raw(SYS_setresuid, user->uid, user->uid, user->uid);
    return err;
}

/* A change of the user clears it, so it comes after that. The parent may be gone by then. */
WEIR__RAW static int die_with(pid_t parent)
{
    int err = weir__raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

    return err == 0 && syscall(SYS_getppid) != parent ? -ESRCH : err;
}

/* As execvp(3): a file that may not be executed is remembered, and the search goes on. */
WEIR__RAW static int execute(const struct weir__child *c)
{
    int err = -ENOENT, denied = 0;

    for (size_t i = 0; c->paths[i] != NULL; i++) {
        err = weir__raw(SYS_execve, c->paths[i], c->argv, c->env);
        if (err == -EACCES)
            denied = err;
        else if (err != -ENOENT && err != -ENOTDIR && err != -ESTALE && err != -ENODEV && err != -ETIMEDOUT)
            return err;
    }
    return denied != 0 ? denied : err;
}

WEIR__RAW static int run(struct weir__child *c)
{
    int err = weir__raw(SYS_setsid);

    reset_signals();
    restore_scheduling(c->found);
    if (err == 0)
        err = weir__descriptors_arrange(&c->descriptors);
    if (err == 0)
        err = set_limit(RLIMIT_NOFILE, &c->files);
    if (err == 0)
        err = set_limit(RLIMIT_DATA, &c->data);
    if (err == 0 && c->user != NULL)
        err = set_user(c->user);
    if (err == 0)
        err = die_with(c->parent);
    if (err == 0 && c->folder != NULL)
        err = weir__raw(SYS_chdir, c->folder);
    if (err < 0)
        return err;
    allow_signals();
    return execute(c);
}

WEIR__RAW static int begin(void *arg)
{
    struct weir__child *c = arg;

    c->err = run(c);
    (void)syscall(SYS_exit_group, 127);
    return 0;
}

/* A child that becomes another user takes from the memory that both have that it may be dumped: as long as
 * they share it, it keeps that user's processes from reading it. */
static void restore_dumpable(int before)
{
    if (before == 1)
        (void)prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL);
}

pid_t weir__child_start(struct weir__child *child, char *stack, int *pidfd, atomic_int *begun)
{
    int dumpable = prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
    sigset_t all, before;
    pid_t pid;

    child->err = 0;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid =
        clone(begin, stack + WEIR__CHILD_STACK_BYTES,
              CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CHILD_SETTID | SIGCHLD, child, pidfd, NULL, begun);
    if (pid < 0)
        pid = -errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (child->user != NULL)
        restore_dumpable(dumpable);
    return pid;
}
