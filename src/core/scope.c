/* SPDX-License-Identifier: MIT */
#include "core/scope.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "core/account/attribution.h"
#include "core/misuse.h"
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
    *s = (struct weir__scope){
        .loop = loop, .owner = owner, .flags = flags, .deadline_ns = INT64_MAX, .own_ns = INT64_MAX};
    weir__timeout_init(&s->timeout, deadline_passed);
    weir__list_init(&s->children);
    weir__list_init(&s->sibling);
    weir__list_init(&s->tasks);
}

void weir__scope_init_root(struct weir__scope *s, struct weir__loop *loop)
{
    init(s, loop, NULL, WEIR_COLLECT);
}

void weir__scope_init_below_root(struct weir__scope *s, struct weir__loop *loop)
{
    init(s, loop, NULL, WEIR_COLLECT);
    s->parent = loop->root;
    weir__list_push_back(&loop->root->children, &s->sibling);
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
    s->loop = NULL;
}

/* --- deadlines --- */

/* Applies the scope's own deadline and that around it, here and in all scopes below. An outer deadline that
 * comes first cancels this scope when it fires there: one timer is enough. */
static void apply_deadlines(struct weir__scope *s, int64_t outer_ns)
{
    bool is_own = s->own_ns <= outer_ns || (s->flags & WEIR_SHIELD) != 0;

    s->deadline_ns = is_own ? s->own_ns : outer_ns;
    if (s->cause != 0)
        return;
    weir__timeout_cancel(s->loop, &s->timeout);
    if (is_own && s->own_ns != INT64_MAX) {
        if (s->own_ns > weir_now().ns)
            weir__timeout_set(s->loop, &s->timeout, s->own_ns);
        else
            deadline_passed(&s->timeout);
    }
    weir__list_each (node, &s->children)
        apply_deadlines(weir__container_of(node, struct weir__scope, sibling), s->deadline_ns);
}

int weir_scope_set_deadline(weir_scope *scope, weir_instant deadline)
{
    struct weir__task *self = weir__calling_task(__func__);
    struct weir__scope *s = weir__scope_of(scope);
    int64_t latest_ns;

    weir__check_object(s->loop, self->loop, __func__, "a scope");
    if (s->cause != 0)
        return s->cause;
    if (s->owner != self && deadline.ns > s->deadline_ns)
        return -EPERM;
    latest_ns = (s->flags & WEIR_SHIELD) != 0 ? s->shield_ns : INT64_MAX;
    s->own_ns = deadline.ns < latest_ns ? deadline.ns : latest_ns;
    apply_deadlines(s, s->parent->deadline_ns);
    return 0;
}

/* --- opening and closing --- */

/* Opens a scope, whose deadline is for now that of the scope around it. */
static inline void open_scope(struct weir__task *self, struct weir__scope *s, unsigned flags,
                              const void *opened_at)
{
    struct weir__scope *outer = self->scope;

    init(s, self->loop, self, flags);
    s->id = ++s->loop->last_scope_id;
    s->parent = outer;
    s->deadline_ns = outer->deadline_ns;
    s->shield_ns = INT64_MAX;
    s->activity = self->activity;
    s->opened_at = opened_at;
    weir__list_push_back(&outer->children, &s->sibling);
    self->scope = s;
    if ((flags & WEIR_SHIELD) == 0)
        s->cause = outer->cause;
}

static void set_first_deadline(struct weir__scope *s, int64_t own_ns, int64_t shield_ns)
{
    s->shield_ns = shield_ns;
    s->own_ns = own_ns < shield_ns ? own_ns : shield_ns;
    apply_deadlines(s, s->deadline_ns);
}

void weir_scope_open(weir_scope *scope, weir_instant deadline, unsigned flags)
{
    struct weir__task *self = weir__calling_task(__func__);
    struct weir__scope *s = weir__scope_of(scope);

    if (__builtin_expect(self->scope == s, 0))
        weir__misuse_at(__func__, "on a scope that is open already",
                        "close it first, or use another weir_scope", "opened_at", s->opened_at);
    open_scope(self, s, flags, __builtin_return_address(0));
    if ((flags & WEIR_SHIELD) != 0)
        set_first_deadline(s, deadline.ns, weir_after_ms(WEIR_SHIELD_MAX_MS).ns);
    else if (deadline.ns != INT64_MAX)
        set_first_deadline(s, deadline.ns, INT64_MAX);
}

void weir__scope_open(struct weir__scope *s, struct weir__task *self)
{
    open_scope(self, s, WEIR_COLLECT, NULL);
}

void weir__scope_open_long_shield(weir_scope *scope, weir_instant deadline)
{
    struct weir__scope *s = weir__scope_of(scope);

    open_scope(weir__task_current(), s, WEIR_SHIELD, NULL);
    set_first_deadline(s, deadline.ns, INT64_MAX);
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
    struct weir__scope *s = weir__scope_of(scope);

    weir__check_loop(s->loop, __func__, "a scope");
    weir__scope_cancel(s, -WEIR_ECANCELED);
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

/* Ends the program: a task closes a scope that is not its innermost. */
__attribute__((noreturn, cold, noinline)) static void closed_wrongly(const struct weir__task *self,
                                                                     const struct weir__scope *s,
                                                                     const char *function)
{
    if (s->owner != self)
        weir__misuse_at(function, "by another task than the one that opened the scope",
                        "close it in the task that opened it; weir_scope_cancel() ends it from here",
                        "opened_at", s->opened_at);
    weir__misuse_at(
        function, "of a scope while a scope that was opened inside it is open",
        "close scopes in the reverse order of opening, first the one that was opened at opened_at",
        "opened_at", self->scope->opened_at);
}

/* A flag beside those of weir_scope_flags: a scope has no room for a list of what it owns, which is rare. */
enum { OWNS = 1 << 16 };

void weir__scope_own(struct weir__scope *s, struct weir__owned *owned, void (*end)(struct weir__owned *owned))
{
    s->flags |= OWNS;
    owned->scope = s;
    owned->end = end;
    weir__list_push_back(&s->loop->owned, &owned->node);
}

static void end_owned(const struct weir__scope *s)
{
    weir__list_each_safe (node, &s->loop->owned) {
        struct weir__owned *owned = weir__container_of(node, struct weir__owned, node);

        if (owned->scope != s)
            continue;
        weir__list_remove(node);
        owned->end(owned);
    }
}

int weir__scope_close(struct weir__scope *s, struct weir__task *self)
{
    while (s->live > 0) {
        s->closing = true;
        (void)weir__park(&closing, NULL, s);
    }
    if (__builtin_expect((s->flags & OWNS) != 0, 0))
        end_owned(s);
    weir__timeout_cancel(s->loop, &s->timeout);
    weir__list_remove(&s->sibling);
    self->scope = s->parent;
    s->loop = NULL;
    return s->failure != 0 ? s->failure : s->cause;
}

static int close_scope(struct weir__scope *s, const char *function)
{
    struct weir__task *self = weir__calling_task(function);

    weir__check_object(s->loop, self->loop, function, "a scope");
    if (__builtin_expect(s->owner != self || self->scope != s, 0))
        closed_wrongly(self, s, function);
    return weir__scope_close(s, self);
}

int weir_scope_close(weir_scope *scope)
{
    return close_scope(weir__scope_of(scope), __func__);
}

void weir_scope_leave(weir_scope *scope)
{
    struct weir__scope *s = weir__scope_of(scope);

    if (s->loop == NULL)
        return;
    weir__check_loop(s->loop, __func__, "a scope");
    weir__scope_cancel(s, -WEIR_ECANCELED);
    (void)close_scope(s, __func__);
}

/* The scope lies on a part of the stack that has been left. It is read only if it still looks like one. */
static const void *place_of_open(const struct weir__task *task)
{
    const struct weir__scope *s = task->scope;

    return s->owner == task && s->loop == task->loop ? s->opened_at : NULL;
}

void weir__scope_check_innermost(const struct weir__scope *s, const char *what)
{
    const struct weir__task *self = weir__task_current();
    char wrong[96];

    if (__builtin_expect(self->scope == s, 1))
        return;
    (void)snprintf(wrong, sizeof wrong, "was not called: %s returned with a scope open", what);
    weir__misuse_at("weir_scope_close", wrong,
                    "close each scope before the return, or open it with weir_scope_auto()", "opened_at",
                    place_of_open(self));
}

/* --- asking --- */

/* What a scope says may be read after its close, too. */
static const struct weir__scope *readable(const weir_scope *scope, const char *function)
{
    const struct weir__scope *s = (const struct weir__scope *)(const void *)scope;

    if (__builtin_expect(s->loop != weir__loop_current() && s->loop != NULL, 0))
        weir__misuse_of_loop(s->loop, function, "a scope");
    return s;
}

int weir_scope_cause(const weir_scope *scope)
{
    return readable(scope, __func__)->cause;
}

bool weir_scope_expired(const weir_scope *scope)
{
    return readable(scope, __func__)->expired;
}

weir_instant weir_scope_deadline(const weir_scope *scope)
{
    return (weir_instant){readable(scope, __func__)->deadline_ns};
}

/* --- tasks --- */

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
    return s->cause != 0 ? s->cause : spawn(s, name, fn, arg, NULL, NULL, out);
}

int weir__spawn_inside(struct weir__scope *s, const char *name, int (*fn)(void *), void *arg)
{
    if (s->cause != 0)
        return s->cause;
    weir__attribution_spawning(s->loop, s->activity);
    return spawn(s, name, fn, arg, s->activity, NULL, NULL);
}

int weir__spawn_cancelled(struct weir__scope *s, const char *name, int (*fn)(void *), void *arg)
{
    return spawn(s, name, fn, arg, NULL, NULL, NULL);
}

int weir_spawn(weir_scope *scope, const char *name, int (*fn)(void *), void *arg)
{
    struct weir__scope *s = weir__scope_of(scope);
    struct weir__task *self = weir__calling_task(__func__), *task = NULL;
    int err;

    weir__check_object(s->loop, self->loop, __func__, "a scope");
    err = s->cause;
    if (err == 0)
        err = spawn(s, name, fn, arg, s->activity, __builtin_return_address(0), &task);
    if (err < 0)
        note_failure(s, err);
    else if (s->activity == self->activity)
        task->attribution = self->attribution;
    return err;
}

void weir__scope_task_ended(struct weir__scope *s, struct weir__task *task, int outcome)
{
    if (__builtin_expect(task->scope != s, 0))
        weir__scope_check_innermost(s, "a task");
    weir__list_drop(&task->sibling);
    s->live--;
    if (outcome < 0)
        note_failure(s, outcome);
    if (s->live == 0 && s->closing) {
        s->closing = false;
        weir__wake(s->owner, 0);
    }
}
