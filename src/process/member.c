/* SPDX-License-Identifier: MIT */
/* A process as a member of its scope: the task that waits for its end, and how it is asked to end and killed.
 */
#include "process/member.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/log.h>
#include <weir/task.h>

#include "core/handle.h"
#include "core/sync.h"
#include "core/task.h"
#include "core/wait_queue.h"

/* --- in words --- */

static bool describe(const struct weir__look *look, const struct weir__task *task,
                     struct weir__wait_words *out)
{
    struct weir__waiting w;
    weir_process_options *options;
    const struct weir_process *p;
    const char *there;
    char name[64];
    pid_t pid;

    if (!weir__peek(&look->peek, task->wait_arg, &w, sizeof w))
        return false;
    p = w.object;
    if (!weir__peek(&look->peek, weir__peek_at(p, pid), &pid, sizeof pid) ||
        !weir__peek(&look->peek, weir__peek_at(p, options), &options, sizeof options) ||
        !weir__peek(&look->peek, weir__peek_at(options, name), &there, sizeof there) ||
        !weir__peek_text(&look->peek, there, name, sizeof name))
        return false;
    (void)snprintf(out->text, sizeof out->text, "process %s (pid %d) to end", name, (int)pid);
    return true;
}

static const struct weir__wait_class its_end = {"a process to end", describe, .charge = WEIR_CHARGE_OTHER};
static const struct weir__wait_class its_lines = {"the lines of a process", NULL,
                                                  .charge = WEIR_CHARGE_OTHER};

/* --- signals --- */

int weir__process_send(struct weir_process *p, int number, bool to_group)
{
    if (p->is_dead)
        return -ESRCH;
    if (!to_group && (number == SIGKILL || number == p->options->stop_signal) && !p->end.asked) {
        p->end.asked = true;
        p->end.asked_by = number != SIGKILL ? number : 0;
        p->asked_ns = weir__loop_now_ns(p->handle.loop);
    }
    return p->body->send(p, number, to_group);
}

static void kill_all(struct weir_process *p)
{
    int err = p->body->send(p, SIGKILL, false);

    (void)p->body->send(p, SIGKILL, true);
    if (err < 0 && err != -ESRCH)
        weir_log(WEIR_LOG_ERROR, "process cannot be killed", WEIR_KV("process", p->options->name),
                 WEIR_KV_INT("pid", p->pid), WEIR_KV_ERROR("error", err));
}

static void grace_is_over(struct weir__timeout *timeout)
{
    kill_all(weir__container_of(timeout, struct weir_process, kill));
}

/* A process that is stopped gets the signal once it goes on. */
static void ask(struct weir_process *p)
{
    int err = weir__process_send(p, p->options->stop_signal, false);

    (void)p->body->send(p, SIGCONT, false);
    if (err < 0 && err != -ESRCH)
        weir_log(WEIR_LOG_ERROR, "process cannot be asked to end", WEIR_KV("process", p->options->name),
                 WEIR_KV_INT("pid", p->pid), WEIR_KV_ERROR("error", err));
}

void weir__process_ask(struct weir_process *p, weir_duration grace)
{
    int64_t kill_ns = weir_after(grace).ns;

    if (p->is_dead)
        return;
    if (grace.ns < 0) {
        if (!p->end.asked)
            p->asked_ns = weir_now().ns;
        p->end.asked = true;
        kill_all(p);
        return;
    }
    if (!p->end.asked)
        ask(p);
    if (!weir__timer_is_set(&p->kill.timer) || kill_ns < p->kill.timer.expires_ns)
        weir__timeout_set(p->handle.loop, &p->kill, kill_ns);
}

/* --- its tasks --- */

static void note_end(struct weir_process *p)
{
    int64_t now_ns = weir_now().ns;

    p->is_dead = true;
    weir__timeout_cancel(p->handle.loop, &p->kill);
    p->end.took.ns = now_ns - p->began_ns;
    if (p->end.asked)
        p->end.after_asked.ns = now_ns - p->asked_ns;
    p->body->kill_rest(p);
}

static void tell_waiters(struct weir_process *p)
{
    p->is_over = true;
    while (weir__queue_serve(&p->waiters, NULL, NULL, 0, false) != NULL)
        continue;
}

static int live(void *arg)
{
    struct weir_process *p = arg;
    weir_scope rest;
    int err;

    if (p->is_void)
        return 0;
    err = p->body->await(p, &its_end);
    weir__scope_open_long_shield(&rest, weir_never());
    if (err < 0)
        weir__process_ask(p, p->options->grace);
    while (err < 0)
        err = p->body->await(p, &its_end);
    note_end(p);
    p->body->end_reading(p);
    while (!p->lines_given.is_set)
        (void)!weir__event_wait(&p->lines_given, &its_lines);
    p->body->finish(p);
    (void)weir_scope_close(&rest);
    tell_waiters(p);
    return 0;
}

static int read_lines(void *arg)
{
    struct weir_process *p = arg;

    if (p->is_void)
        return 0;
    weir_task_set_name("lines of %s", p->options->name);
    p->body->read(p);
    weir_event_set(&p->lines_given);
    return 0;
}

void weir__process_give(struct weir_process *p, bool is_error, const char *line, size_t length)
{
    const weir_process_options *o = p->options;

    if (o->line != NULL) {
        o->line(o->arg, is_error, line, length);
        weir__scope_check_innermost(weir__task_current()->home, "the function for lines");
        return;
    }
    weir_log(WEIR_LOG_INFO, "process says", WEIR_KV("process", o->name), WEIR_KV_INT("pid", p->pid),
             WEIR_KV("to", is_error ? "stderr" : "stdout"),
             WEIR_KV_BYTES("line", ((weir_bytes){line, length})));
}

/* --- its record --- */

static bool end_handle(struct weir__handle *h)
{
    (void)h; /* its scope has ended it */
    return true;
}

static void free_handle(struct weir__handle *h)
{
    struct weir_process *p = weir__container_of(h, struct weir_process, handle);

    p->body->free(p);
}

static const struct weir__handle_type processes = {"processes", end_handle, free_handle};

static void scope_closes(struct weir__owned *owned)
{
    struct weir_process *p = weir__container_of(owned, struct weir_process, owned);

    weir__handle_close(&p->handle);
    weir__handle_free(&p->handle);
}

void weir__process_init(struct weir_process *p, const struct weir__body *body, weir_process_options *options)
{
    p->body = body;
    p->options = options;
    weir_event_init(&p->lines_given);
    weir__list_init(&p->waiters);
    weir__timeout_init(&p->kill, grace_is_over);
    weir__list_init(&p->owned.node);
}

static int spawn_tasks(struct weir_process *p, struct weir__scope *scope)
{
    int err = weir__spawn(scope, p->options->name, live, p, NULL);

    if (err < 0)
        return err;
    if (p->options->output == WEIR_PROCESS_LINES)
        return weir__spawn(scope, "lines of a process", read_lines, p, NULL);
    weir_event_set(&p->lines_given);
    return 0;
}

int weir__process_join(struct weir_process *p, struct weir__scope *scope, const void *opened_at)
{
    int err;

    weir__handle_open(&p->handle, &processes, opened_at);
    weir__scope_own(scope, &p->owned, scope_closes);
    err = spawn_tasks(p, scope);
    p->is_void = err < 0;
    return err;
}

int weir__process_await(struct weir_process *p, const char *function)
{
    struct weir__task *self = weir__task_current();
    int err = weir__wait_begin_of(self);

    if (err < 0 || p->is_over)
        return err;
    return weir__queue_wait(self, &p->waiters, NULL, p, &its_end, function);
}
