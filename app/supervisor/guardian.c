/* SPDX-License-Identifier: MIT */
#include "supervisor/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/app_user.h"
#include "supervisor/children.h"

enum { NAP_MS_MAX = 32, ATTEMPTS_IN_VAIN = 30 };

struct guardian {
    pid_t app;
    int status; /* of app, once it has ended */
    bool ended;
    int signals; /* a signalfd of all of them */
};

/* --- the application's process --- */

static void say(const char *what, const char *program, int error)
{
    dprintf(STDERR_FILENO, "%s%s: %s\n", what, program, strerror(error));
}

static void reveal_variables(void)
{
    const size_t length = strlen(GUARDIAN_HIDES);

    for (char **at = environ; at != NULL && *at != NULL; at++)
        if (strncmp(*at, GUARDIAN_HIDES, length) == 0)
            *at += length;
}

/* What is left of a fork: becomes the application. */
static _Noreturn void become_app(pid_t guardian, const struct app_user *user, char **command)
{
    sigset_t none;

    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    (void)setsid(); /* so that a signal to its own group does not reach the guardian */
    if (user != NULL && app_user_become(user) < 0) {
        say("cannot become user ", user->name, EPERM);
        _exit(GUARDIAN_NOT_EXECUTED);
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* behind the change of user, which resets it */
    if (getppid() != guardian)
        _exit(GUARDIAN_NOT_EXECUTED);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    reveal_variables();
    execvp(command[0], command);
    say("cannot execute ", command[0], errno);
    _exit(GUARDIAN_NOT_EXECUTED);
}

static int start(struct guardian *g, const struct app_user *user, char **command)
{
    const pid_t self = getpid();

    g->app = fork();
    if (g->app == 0)
        become_app(self, user, command);
    if (g->app < 0)
        return -errno;
    dprintf(GUARDIAN_FD, "%d\n", g->app);
    return 0;
}

/* --- children --- */

/* Kills the application's group at once: none of it forks meanwhile. Its number is not another's before the
 * application's process is waited for. */
static void kill_group(const struct guardian *g)
{
    if (!g->ended)
        (void)kill(-g->app, SIGKILL);
}

/* Collects the processes that have ended, descendants that have lost their parent included.
 * Returns: whether any child is left. */
static bool reap(struct guardian *g)
{
    for (;;) {
        siginfo_t info = {0};
        int status = 0;

        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
            return errno != ECHILD;
        if (info.si_pid == 0)
            return true;
        if (info.si_pid == g->app)
            kill_group(g);
        (void)waitpid(info.si_pid, &status, WNOHANG);
        if (info.si_pid == g->app) {
            g->status = status;
            g->ended = true;
        }
    }
}

static void kill_one(void *arg, pid_t pid)
{
    size_t *killed = arg;

    *killed += kill(pid, SIGKILL) == 0 || errno == ESRCH; /* it is being killed, or has been */
}

/* Kills all descendants: the children of those that die become children of the guardian. */
static void kill_all(struct guardian *g)
{
    int in_vain = 0, nap_ms = 1;

    kill_group(g);
    while (reap(g)) {
        size_t killed = 0;

        (void)children_each(kill_one, &killed);
        in_vain = killed > 0 ? 0 : in_vain + 1;
        if (in_vain == ATTEMPTS_IN_VAIN) {
            dprintf(STDERR_FILENO, "processes of another user are left, which cannot be killed\n");
            return;
        }
        (void)poll(NULL, 0, nap_ms);
        nap_ms = nap_ms < NAP_MS_MAX ? 2 * nap_ms : NAP_MS_MAX;
    }
}

/* --- waiting --- */

static void pass_on(struct guardian *g)
{
    struct signalfd_siginfo info;

    while (read(g->signals, &info, sizeof info) == sizeof info)
        if (info.ssi_signo != SIGCHLD && !g->ended)
            (void)kill(g->app, (int)info.ssi_signo);
}

/* Waits until the application has ended, or the supervisor is gone. */
static void watch(struct guardian *g)
{
    struct pollfd fds[] = {{.fd = GUARDIAN_FD, .events = POLLIN}, {.fd = g->signals, .events = POLLIN}};
    char byte;

    while (!g->ended) {
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[1].revents != 0)
            pass_on(g);
        (void)reap(g);
        if (fds[0].revents != 0 && read(GUARDIAN_FD, &byte, 1) <= 0)
            return;
    }
}

/* Ends as the application has. */
static int end_alike(const struct guardian *g)
{
    const struct rlimit none = {0, 0};
    sigset_t all;

    if (!g->ended)
        return GUARDIAN_NOT_EXECUTED;
    if (WIFEXITED(g->status))
        return WEXITSTATUS(g->status);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(WTERMSIG(g->status), SIG_DFL);
    (void)kill(getpid(), WTERMSIG(g->status));
    sigemptyset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    return 128 + WTERMSIG(g->status);
}

int guardian_main(int argc, char **argv)
{
    struct guardian g = {0};
    struct app_user user;
    sigset_t all;
    int err;

    (void)prctl(PR_SET_PDEATHSIG, 0); /* it has to live when the supervisor dies, and to kill */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void)prctl(PR_SET_NAME, GUARDIAN_COMMAND);
    if (argc < 3 || fcntl(GUARDIAN_FD, F_SETFD, FD_CLOEXEC) < 0) {
        dprintf(STDERR_FILENO, "weir " GUARDIAN_COMMAND " is started by weir serve alone\n");
        return 2;
    }
    if (strcmp(argv[1], "-") != 0 && app_user_find(argv[1], &user) < 0) {
        say("cannot become user ", argv[1], ESRCH);
        return GUARDIAN_NOT_EXECUTED;
    }
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    g.signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    err = g.signals >= 0 ? start(&g, strcmp(argv[1], "-") != 0 ? &user : NULL, argv + 2) : -errno;
    if (err < 0) {
        say("cannot start ", argv[2], -err);
        return GUARDIAN_NOT_EXECUTED;
    }
    watch(&g);
    kill_all(&g);
    return end_alike(&g);
}
