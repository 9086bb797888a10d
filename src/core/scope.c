/* SPDX-License-Identifier: MIT */
#include "core/scope.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "core/account/attribution.h"
#include "core/task.h"
#include "core/wait.h"

static void deadline_passed(struct weir__timeout *timeout)
{
    struct weir__scope *s = weir__container_of(timeout, struct weir__scope, timeout);
    bool shielded = (s->flags & WEIR_SHIELD) != 0 && s->parent->cause != 0;

    s->expired = !shielded;
    weir__scope_cancel(s, shielded ? s->parent->cause : -WEIR_EDEADLINE);
}

static void init(struct weir__scope *s, struct weir__loop *loop, struct weir__task *owner, unsigned flags)
{
    *s = (struct weir__scope){.loop = loop, .owner = owner, .flags = flags, .deadline_ns = INT64_MAX};
    weir__timeout_init(&s->timeout, deadline_passed);
    weir__list_init(&s->children);
    weir__list_init(&s->sibling);
    weir__list_init(&s->tasks);
}

void weir__scope_init_root(struct weir__scope *s, struct weir__loop *loop)
{
    init(s, loop, NULL, WEIR_COLLECT);
}

void weir__scope_init_detached(struct weir__scope *s, struct weir__loop *loop, const char *name)
{
    init(s, loop, NULL, WEIR_COLLECT | WEIR_SHIELD);
    s->name = name;
    s->id = ++loop->last_scope_id;
    s->parent = loop->root;
    weir__list_push_back(&loop->root->children, &s->sibling);
}

void weir__scope_end_detached(struct weir__scope *s)
{
    assert(s->live == 0);
    weir__list_remove(&s->sibling);
}

static void open_scope(weir_scope *scope, weir_instant deadline, unsigned flags, weir_instant shield_until)
{
    struct weir__task *self = weir__task_current();
    struct weir__scope *s = weir__scope_of(scope);
    struct weir__scope *outer = self->scope;
    int64_t own_ns = deadline.ns;

    init(s, self->loop, self, flags);
    s->id = ++s->loop->last_scope_id;
    s->parent = outer;
    s->activity = self->activity;
    weir__list_push_back(&outer->children, &s->sibling);
    self->scope = s;
    if ((flags & WEIR_SHIELD) != 0) {
        s->deadline_ns = own_ns < shield_until.ns ? own_ns : shield_until.ns;
    } else {
        s->deadline_ns = own_ns < outer->deadline_ns ? own_ns : outer->deadline_ns;
        s->cause = outer->cause;
    }
    /* An outer deadline that comes first cancels this scope when it fires there: one timer is enough. */
    if (s->cause == 0 && s->deadline_ns != INT64_MAX &&
        (s->deadline_ns == own_ns || (flags & WEIR_SHIELD) != 0)) {
        if (s->deadline_ns > weir_now().ns)
            weir__timeout_set(self->loop, &s->timeout, s->deadline_ns);
        else
            deadline_passed(&s->timeout);
    }
}

void weir_scope_open(weir_scope *scope, weir_instant deadline, unsigned flags)
{
    bool shield = (flags & WEIR_SHIELD) != 0;

    open_scope(scope, deadline, flags, shield ? weir_after_ms(WEIR_SHIELD_MAX_MS) : weir_never());
}

void weir__scope_open_long_shield(weir_scope *scope, weir_instant deadline)
{
    open_scope(scope, deadline, WEIR_SHIELD, weir_never());
}

void weir__scope_cancel(struct weir__scope *s, int cause)
{
    if (s->cause != 0)
        return;
    s->cause = cause;
    weir__timeout_cancel(s->loop, &s->timeout);
    if (s->owner != NULL && s->owner->scope == s)
        weir__task_cancel(s->owner);
    weir__list_each (node, &s->tasks) {
        struct weir__task *task = weir__container_of(node, struct weir__task, sibling);
        if (task->scope == s)
            weir__task_cancel(task);
    }
    weir__list_each (node, &s->children) {
        struct weir__scope *child = weir__container_of(node, struct weir__scope, sibling);
        if ((child->flags & WEIR_SHIELD) == 0)
            weir__scope_cancel(child, cause);
    }
}

void weir_scope_cancel(weir_scope *scope)
{
    weir__scope_cancel(weir__scope_of(scope), -WEIR_ECANCELED);
}

static bool describe_closing(const struct weir__look *look, const struct weir__task *task,
                             struct weir__wait_words *out)
{
    struct weir__scope scope;

    if (!weir__peek(&look->peek, task->wait_arg, &scope, sizeof scope))
        return false;
    (void)snprintf(out->text, sizeof out->text, "the tasks of its scope (%u left)", scope.live);
    return true;
}

static const struct weir__wait_class closing = {"the tasks of its scope", describe_closing,
                                                .charge = WEIR__CHARGE_NONE};

void weir__scope_await_detached(struct weir__scope *s)
{
    s->owner = weir__task_current(); /* is woken when the last task has ended */
    while (s->live > 0) {
        s->closing = true;
        (void)weir__park(&closing, NULL, s);
    }
    s->owner = NULL;
}

int weir_scope_close(weir_scope *scope)
{
    struct weir__task *self = weir__task_current();
    struct weir__scope *s = weir__scope_of(scope);

    assert(s->owner == self && self->scope == s && "scopes are closed by their owner, innermost first");
    while (s->live > 0) {
        s->closing = true;
        (void)weir__park(&closing, NULL, s);
    }
    weir__timeout_cancel(s->loop, &s->timeout);
    weir__list_remove(&s->sibling);
    self->scope = s->parent;
    return s->failure != 0 ? s->failure : s->cause;
}

int weir_scope_cause(const weir_scope *scope)
{
    return ((const struct weir__scope *)(const void *)scope)->cause;
}

bool weir_scope_expired(const weir_scope *scope)
{
    return ((const struct weir__scope *)(const void *)scope)->expired;
}

weir_instant weir_scope_deadline(const weir_scope *scope)
{
    return (weir_instant){((const struct weir__scope *)(const void *)scope)->deadline_ns};
}

static void note_failure(struct weir__scope *s, int outcome)
{
    bool merely_cancelled = s->cause != 0 && outcome == s->cause;

    if ((s->flags & WEIR_COLLECT) != 0 || s->failure != 0 || merely_cancelled)
        return;
    s->failure = outcome;
    weir__scope_cancel(s, -WEIR_ECANCELED);
}

static inline int spawn(struct weir__scope *s, const char *name, int (*fn)(void *), void *arg,
                        struct weir__activity *activity, const void *spawned_at, struct weir__task **out)
{
    struct weir__task *task;
    char *stack;

    if (s->cause != 0)
        return s->cause;
    stack = weir__stack_take(&s->loop->stacks);
    if (stack == NULL)
        return -ENOMEM;
    task = weir__task_create(s, stack, name, fn, arg);
    task->activity = activity;
    task->spawned_at = spawned_at;
    weir__attribution_spawned(task);
    weir__task_show(s->loop, task);
    weir__list_push_back(&s->tasks, &task->sibling);
    s->live++;
    if (out != NULL)
        *out = task;
    return 0;
}

int weir__spawn(struct weir__scope *s, const char *name, int (*fn)(void *), void *arg,
                struct weir__task **out)
{
    return spawn(s, name, fn, arg, NULL, NULL, out);
}

int weir_spawn(weir_scope *scope, const char *name, int (*fn)(void *), void *arg)
{
    struct weir__scope *s = weir__scope_of(scope);
    struct weir__task *self = weir__task_current(), *task = NULL;
    int err;

    assert(s->loop == self->loop && "a scope is of one loop; see weir_loop_call()");
    err = spawn(s, name, fn, arg, s->activity, __builtin_return_address(0), &task);
    if (err < 0)
        note_failure(s, err);
    else if (s->activity == self->activity)
        task->attribution = self->attribution;
    return err;
}

void weir__scope_task_ended(struct weir__scope *s, struct weir__task *task, int outcome)
{
    assert(task->scope == s && "a task closes the scopes it opened");
    weir__list_drop(&task->sibling);
    s->live--;
    if (outcome < 0)
        note_failure(s, outcome);
    if (s->live == 0 && s->closing) {
        s->closing = false;
        weir__wake(s->owner, 0);
    }
}
