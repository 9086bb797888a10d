/* SPDX-License-Identifier: MIT */
/* The call into another loop: a task there does the work, the caller waits here, and a cancel follows the
 * call over. */
#include <weir/runtime.h>

#include <errno.h>
#include <stdio.h>

#include "core/account/attribution.h"
#include "core/misuse.h"
#include "core/runtime.h"
#include "core/scope.h"
#include "core/task.h"
#include "core/wait.h"

/* Lies on the caller's stack. Each message goes over or back once; the caller stays until all that can come
 * have come, so none outlives the call. */
struct call {
    struct weir__message start, cancel, home, cancel_home;
    struct weir__loop *here, *there;
    struct weir__task *caller;
    const char *name;
    int (*fn)(void *);
    void *arg;
    /* written here */
    int cause;
    bool cancel_sent, is_home, cancel_is_home;
    /* written there, read here once `home` has come */
    weir_scope scope;
    int result;
    bool running, cancel_seen, ended;
    bool ended_cancelled; /* the cancel came before the end: nothing follows after `home` */
};

static void wake_caller(struct call *c)
{
    if (c->caller->state == WEIR__TASK_PARKED)
        weir__wake(c->caller, 0);
}

static void came_home(struct weir__message *message)
{
    struct call *c = weir__container_of(message, struct call, home);

    c->is_home = true;
    wake_caller(c);
}

static void cancel_came_home(struct weir__message *message)
{
    struct call *c = weir__container_of(message, struct call, cancel_home);

    c->cancel_is_home = true;
    wake_caller(c);
}

static void go_home(struct call *c, int result)
{
    c->result = result;
    c->ended = true;
    c->ended_cancelled = c->cancel_seen;
    c->home.deliver = came_home;
    weir__loop_post(c->here, &c->home);
}

static int work_there(void *arg)
{
    struct call *c = arg;
    int result;

    if (c->cancel_seen) {
        result = c->cause;
    } else {
        weir_scope_open(&c->scope, weir_never(), WEIR_COLLECT);
        c->running = true;
        result = c->fn(c->arg);
        (void)weir_scope_close(&c->scope);
        c->running = false;
    }
    go_home(c, result);
    return 0;
}

static void start_there(struct weir__message *message)
{
    struct call *c = weir__container_of(message, struct call, start);
    int err = weir__spawn(c->there->root, c->name, work_there, c, NULL);

    if (err < 0)
        go_home(c, err);
}

static void cancel_there(struct weir__message *message)
{
    struct call *c = weir__container_of(message, struct call, cancel);

    if (c->ended) {
        c->cancel_home.deliver = cancel_came_home;
        weir__loop_post(c->here, &c->cancel_home);
        return;
    }
    c->cancel_seen = true;
    if (c->running)
        weir__scope_cancel(weir__scope_of(&c->scope), c->cause);
}

static void send_cancel(struct weir__task *task)
{
    struct call *c = task->wait_arg;

    c->cancel_sent = true;
    c->cause = task->scope->cause;
    c->cancel.deliver = cancel_there;
    weir__loop_post(c->there, &c->cancel);
}

static bool describe_call(const struct weir__look *look, const struct weir__task *task,
                          struct weir__wait_words *out)
{
    struct call c;
    int index;

    if (!weir__peek(&look->peek, task->wait_arg, &c, sizeof c) ||
        !weir__peek(&look->peek, weir__peek_at(c.there, index), &index, sizeof index))
        return false;
    (void)snprintf(out->text, sizeof out->text, "a call on loop %d", index);
    return true;
}

static const struct weir__wait_class a_call = {"a call on another loop", describe_call,
                                               .charge = WEIR_CHARGE_CALL};

int weir_loop_call(int loop, const char *name, int (*fn)(void *arg), void *arg)
{
    struct weir__task *self = weir__calling_task(__func__);
    struct weir_runtime *r = self->loop->runtime;
    struct call c = {.caller = self, .here = self->loop, .name = name, .fn = fn, .arg = arg};
    struct weir__attribution before;
    int err = weir__wait_begin_of(self);

    if (loop < 0 || loop >= r->loop_count)
        weir__misuse(__func__, "of a loop that does not exist",
                     "use a number from 0 to weir_loop_count() - 1");
    if (err < 0)
        return err;
    c.there = &r->loops[loop];
    c.start.deliver = start_there;
    weir__loop_post(c.there, &c.start);
    before = weir__attribution_on(self, WEIR_CHARGE_CALL, c.there->label);
    while (!c.is_home || (c.cancel_sent && !c.ended_cancelled && !c.cancel_is_home))
        (void)weir__park(&a_call, c.cancel_sent ? NULL : send_cancel, &c);
    weir__attribution_back(self, before);
    return c.result;
}
