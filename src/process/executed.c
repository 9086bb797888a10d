/* SPDX-License-Identifier: MIT */
#include "process/executed.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/fd.h>
#include <weir/task.h>

#include "core/fd.h"
#include "core/runtime.h"
#include "core/task.h"
#include "process/launch.h"
#include "process/options.h"
#include "process/output.h"
#include "process/member.h"
#include "process/starter.h"

enum { LOOK_AGAIN_MS = 10 };

struct executed {
    struct weir_process process;
    struct weir__start_work work;
    struct weir__launch launch;
    weir_fd *death;              /* polls the pidfd */
    struct weir__output *output; /* or NULL */
    bool is_foreign;             /* another part of the program has reaped it: the number may be another's */
};

static struct executed *executed_of(struct weir_process *p)
{
    return weir__container_of(p, struct executed, process);
}

static void free_executed(struct weir_process *p)
{
    struct executed *e = executed_of(p);

    free(p->options);
    free(e);
}

/* --- its end --- */

static int send_signal(struct weir_process *p, int number, bool to_group)
{
    long result = to_group ? kill(-p->pid, number)
                           : syscall(SYS_pidfd_send_signal, executed_of(p)->launch.pidfd, number, NULL, 0);

    return result < 0 ? -errno : 0;
}

static void note_status(weir_process_end *end, const siginfo_t *info, const struct rusage *use)
{
    bool exited = info->si_code == CLD_EXITED;

    end->status = exited ? info->si_status : -1;
    end->signal = exited ? 0 : info->si_status;
    end->dumped_core = info->si_code == CLD_DUMPED;
    end->cpu.ns = (use->ru_utime.tv_sec + use->ru_stime.tv_sec) * INT64_C(1000000000) +
                  (use->ru_utime.tv_usec + use->ru_stime.tv_usec) * INT64_C(1000);
    end->memory_bytes_max = (uint64_t)use->ru_maxrss * 1024;
}

/* Looks without waiting. The C library's waitid() does not give what the process has used. Returns: whether
 * it has ended, also if another part of the program has reaped it. */
static bool has_ended(struct executed *e, int options)
{
    weir_process_end *end = &e->process.end;
    siginfo_t info = {.si_pid = 0};
    struct rusage use;

    memset(&use, 0, sizeof use);
    if (syscall(SYS_waitid, P_PIDFD, e->launch.pidfd, &info, WEXITED | WNOHANG | options, &use) < 0) {
        e->is_foreign = true;
        end->status = -1;
        return true;
    }
    if (info.si_pid == 0)
        return false;
    note_status(end, &info, &use);
    return true;
}

/* What cannot be polled, without memory for it, is looked at now and then. */
static int await_end(struct weir_process *p, const struct weir__wait_class *wait_class)
{
    struct executed *e = executed_of(p);
    int err;

    do {
        err = weir__fd_wait(e->death, POLLIN, wait_class, p);
        if (err < 0 && err != -WEIR_ECANCELED && err != -WEIR_EDEADLINE)
            err = weir_sleep(weir_ms(LOOK_AGAIN_MS));
        if (err < 0)
            return err;
    } while (!has_ended(e, WNOWAIT));
    return 0;
}

static void kill_rest(struct weir_process *p)
{
    const struct executed *e = executed_of(p);

    if (!e->is_foreign)
        (void)kill(-p->pid, SIGKILL);
}

static void read_output(struct weir_process *p)
{
    weir__output_read(executed_of(p)->output, p);
}

static void end_reading(struct weir_process *p)
{
    if (executed_of(p)->output != NULL)
        weir__output_end(executed_of(p)->output);
}

/* Gives up the polling. */
static void unwatch(struct executed *e)
{
    weir_fd_close(e->death);
    if (e->output != NULL)
        weir__output_close(e->output);
    free(e->output);
    e->output = NULL;
}

static void finish(struct weir_process *p)
{
    struct executed *e = executed_of(p);
    weir_process_end end = p->end;

    (void)has_ended(e, 0); /* reaps */
    p->end = end;
    unwatch(e);
    weir__launch_close(&e->launch);
}

static const struct weir__body body = {
    send_signal, await_end, kill_rest, read_output, end_reading, finish, free_executed,
};

/* --- its start --- */

static bool commit(struct weir__launch *launch)
{
    return weir__start_commit(&weir__container_of(launch, struct executed, launch)->work);
}

static void launch(struct weir__start_work *work, char *stack)
{
    weir__launch(&weir__container_of(work, struct executed, work)->launch, stack, commit);
}

static void undo_launch(struct weir__start_work *work, char *stack)
{
    (void)stack;
    weir__launch_undo(&weir__container_of(work, struct executed, work)->launch);
}

static void hurry(struct weir__start_work *work)
{
    weir__launch_kill(&weir__container_of(work, struct executed, work)->launch);
}

static void drop(struct weir__start_work *work)
{
    struct executed *e = weir__container_of(work, struct executed, work);

    weir__launch_undo(&e->launch);
    free_executed(&e->process);
}

static struct executed *make(const weir_process_options *options)
{
    struct executed *e = calloc(1, sizeof *e);
    weir_process_options *copy = weir__process_options_copy(options);

    if (e == NULL || copy == NULL) {
        free(e);
        free(copy);
        return NULL;
    }
    weir__process_init(&e->process, &body, copy);
    weir__launch_init(&e->launch, copy);
    e->work.drop = drop;
    e->work.hurry = hurry;
    return e;
}

/* Kills what was just started. */
static void undo(struct executed *e)
{
    unwatch(e);
    e->work.run = undo_launch;
    weir__starter_do_surely(weir__loop_current()->runtime->starter, &e->work);
}

static int watch(struct executed *e)
{
    int err = weir_fd_open(e->launch.pidfd, &e->death);

    if (err == 0 && e->process.options->output == WEIR_PROCESS_LINES)
        err = weir__output_open(e->launch.output, &e->output);
    return err;
}

/* Has the starter start it. Returns: 0: it runs, and is watched; < 0: it is gone. */
static int start(struct weir__scope *scope, struct executed *e)
{
    int err;

    e->work.run = launch;
    err = weir__starter_do(scope->loop->runtime->starter, &e->work);
    if (err < 0)
        return err;
    err = e->launch.err;
    if (err == 0) {
        e->process.pid = e->launch.pid;
        e->process.began_ns = e->launch.began_ns;
        err = weir_cancelled(); /* a cancel may have come too late to end the wait */
        if (err == 0)
            err = e->work.hurried > 0 ? -ETIMEDOUT : watch(e);
        if (err < 0)
            undo(e);
    } else {
        weir__launch_close(&e->launch);
    }
    if (err < 0)
        free_executed(&e->process);
    return err;
}

int weir__process_execute(struct weir__scope *scope, const weir_process_options *options,
                          const void *opened_at, weir_process **out)
{
    struct executed *e = make(options);
    int err = e != NULL ? start(scope, e) : -ENOMEM;

    if (err < 0)
        return err;
    err = weir__process_join(&e->process, scope, opened_at);
    if (err < 0)
        undo(e);
    else
        *out = &e->process;
    return err;
}
