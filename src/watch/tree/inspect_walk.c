/* SPDX-License-Identifier: MIT */
/* Walks the arenas of stacks of each loop, one task record after another. */
#include <errno.h>
#include <stdlib.h>

#include "core/runtime.h"
#include "watch/tree/inspect_inside.h"
#include "watch/tree/mapped.h"
#include "watch/watch.h"

/* ROUNDS: a parent that is missing may have been born in a place that was walked already; so may its own
 * parent. */
enum { SEEN_ROOM_MIN = 256, SEEN_MAX = 1 << 30, ROUNDS = 8 };

struct walk {
    weir_runtime *runtime;
    weir_tasks *tasks;
    struct weir__look look;
    struct weir__naming naming;
    struct weir__span *mapped;
    struct weir__task_view_room room;
    struct weir__task_view view;
    int loop;
};

/* --- one task --- */

static struct weir__seen *new_seen(weir_tasks *tasks)
{
    size_t room = tasks->room == 0 ? SEEN_ROOM_MIN : 2 * tasks->room;
    struct weir__seen *seen;

    if (tasks->count == tasks->room) {
        seen = tasks->count < SEEN_MAX ? realloc(tasks->seen, room * sizeof *seen) : NULL;
        if (seen == NULL)
            return NULL;
        tasks->seen = seen;
        tasks->room = room;
    }
    return &tasks->seen[tasks->count++];
}

static bool take_scopes(weir_tasks *tasks, const struct weir__task_view *view, weir_task_info *info)
{
    weir_scope_info *scopes;

    info->scope_count = view->scope_count;
    if (view->scope_count == 0)
        return true;
    info->scopes = scopes = weir__intern_room(&tasks->texts, view->scope_count * sizeof *scopes);
    for (unsigned i = 0; i < view->scope_count && scopes != NULL; i++) {
        const struct weir__scope_view *s = &view->scopes[view->scope_count - 1 - i];
        scopes[i] =
            (weir_scope_info){.id = s->id, .deadline = {s->deadline_ns}, .cause = s->cause, .tasks = s->live};
    }
    return scopes != NULL;
}

static bool take_texts(struct walk *w, const struct weir__task_view *view, weir_task_info *info)
{
    struct weir__intern *texts = &w->tasks->texts;

    info->name = weir__intern_keep(texts, view->name);
    if (view->route[0] != '\0' && (info->route = weir__intern_keep(texts, view->route)) == NULL)
        return false;
    if (view->state == WEIR__TASK_VIEW_PARKED &&
        (info->waits_for = weir__intern_keep(texts, view->wait.text)) == NULL)
        return false;
    return info->name != NULL &&
           (view->spawned_at == NULL || weir__naming_place(&w->naming, view->spawned_at, &info->spawned_at));
}

/* The stack of a task that lay still is in the view already. That of a running task the watch may get. */
static bool take_stack(struct walk *w, struct weir__task *record, weir_task_info *info)
{
    struct weir__registers registers;
    struct weir__stack_copy copy;

    if (w->view.state != WEIR__TASK_VIEW_RUNNING || w->room.room == 0)
        return weir__naming_stack(&w->naming, &w->view, w->room.stack, info);
    return !weir__watch_stack(w->runtime, w->loop, record, w->view.id, &registers, &copy, w->room.stack,
                              w->room.room) ||
           weir__naming_running(&w->naming, &registers, &copy, info);
}

static int take(struct walk *w, struct weir__task *record)
{
    const struct weir__task_view *view = &w->view;
    struct weir__seen *s = new_seen(w->tasks);

    if (s == NULL)
        return -ENOMEM;
    *s = (struct weir__seen){.record = record,
                             .owner = view->owner,
                             .queue = view->wait.queue,
                             .ticket = view->wait.ticket,
                             .parent = WEIR__NO_SEEN};
    s->info = (weir_task_info){.id = view->id,
                               .parent = view->parent,
                               .scope = view->home,
                               .loop = w->loop,
                               .state = (enum weir_task_state)view->state,
                               .created = {view->created_ns},
                               .seen = {w->look.now_ns},
                               .deadline = {view->deadline_ns}};
    return take_texts(w, view, &s->info) && take_scopes(w->tasks, view, &s->info) &&
                   take_stack(w, record, &s->info)
               ? 0
               : -ENOMEM;
}

/* --- all tasks --- */

static int walk_arena(struct walk *w, const struct weir__stacks *stacks, struct weir__stack_arena *a)
{
    int err = 0;

    for (size_t i = a->count; err == 0 && i-- > atomic_load_explicit(&a->unused, memory_order_acquire);) {
        struct weir__task *record = weir__task_on(stacks, a->memory + i * stacks->stride);
        if (atomic_load_explicit(&record->id, memory_order_relaxed) != 0 &&
            weir__task_view_take(&w->look, record, w->room, &w->view))
            err = take(w, record);
    }
    return err;
}

static int walk_loop(struct walk *w, struct weir__loop *loop)
{
    struct weir__stack_arena *a = atomic_load_explicit(&loop->stacks.arenas, memory_order_acquire);
    size_t before = w->tasks->count;
    int err = 0;

    w->loop = loop->index;
    for (; a != NULL && err == 0; a = a->next)
        err = walk_arena(w, &loop->stacks, a);
    w->tasks->on_loop[loop->index] = w->tasks->count - before;
    return err;
}

/* Whether a task is among the first `count`, which are ordered by id. */
static bool is_among(weir_tasks *tasks, size_t count, uint64_t id)
{
    size_t all = tasks->count;
    bool found;

    tasks->count = count;
    found = weir__inspect_find(tasks, id) != WEIR__NO_SEEN;
    tasks->count = all;
    return found;
}

/* Finds the parents that are missing because they were born in places that had been walked already. A child
 * knows the record of its parent.
 * Returns: how many were found; -ENOMEM. */
static int find_parents(struct walk *w)
{
    weir_tasks *tasks = w->tasks;
    size_t known = tasks->count;
    uint64_t last = 0;
    int err = 0;

    for (size_t i = 0; i < known && err == 0; i++) {
        uint64_t parent = tasks->seen[i].info.parent;
        struct weir__task *record = tasks->seen[i].owner;
        /* While the child lives, so does its parent, and the record is valid. */
        if (parent == 0 || parent == last ||
            !weir__task_view_lives(tasks->seen[i].record, tasks->seen[i].info.id))
            continue;
        if (is_among(tasks, known, parent) || !weir__task_view_take(&w->look, record, w->room, &w->view) ||
            w->view.id != parent)
            continue;
        w->loop = tasks->seen[i].info.loop;
        tasks->on_loop[w->loop]++;
        last = parent;
        err = take(w, record);
    }
    return err < 0 ? err : (int)(tasks->count - known);
}

/* Drops doubles: several children may have found the same parent. */
static void drop_doubles(weir_tasks *tasks)
{
    size_t n = 0;

    for (size_t i = 0; i < tasks->count; i++) {
        if (n > 0 && tasks->seen[n - 1].info.id == tasks->seen[i].info.id)
            tasks->on_loop[tasks->seen[i].info.loop]--;
        else
            tasks->seen[n++] = tasks->seen[i];
    }
    tasks->count = n;
}

/* Links each task to its parent. A task whose parent is missing is dropped if it has ended, else it has none.
 */
static void link_parents(weir_tasks *tasks)
{
    size_t n = 0;

    for (size_t i = 0; i < tasks->count; i++) {
        struct weir__seen s = tasks->seen[i];
        size_t count = tasks->count;
        if (s.info.parent != 0) {
            tasks->count = n;
            s.parent = weir__inspect_find(tasks, s.info.parent);
            tasks->count = count;
        }
        if (s.info.parent != 0 && s.parent == WEIR__NO_SEEN && !weir__task_view_lives(s.record, s.info.id))
            tasks->on_loop[s.info.loop]--;
        else
            tasks->seen[n++] = s;
    }
    tasks->count = n;
}

static int see_all(struct walk *w)
{
    weir_runtime *r = w->runtime;
    int err = 0;

    for (int i = 0; i < r->loop_count && err == 0; i++)
        err = walk_loop(w, &r->loops[i]);
    for (int i = 0; i < ROUNDS && err >= 0; i++) {
        weir__inspect_sort(w->tasks);
        drop_doubles(w->tasks);
        err = find_parents(w);
        if (err == 0)
            break;
    }
    if (err < 0)
        return err;
    weir__inspect_sort(w->tasks);
    drop_doubles(w->tasks);
    link_parents(w->tasks);
    return 0;
}

/* --- opening and closing --- */

static void close_walk(struct walk *w)
{
    weir__naming_close(&w->naming);
    weir__peek_close(&w->look.peek);
    free(w->mapped);
    free(w->room.stack);
}

static int open_walk(struct walk *w, weir_runtime *r, weir_tasks *tasks)
{
    int err;

    w->look.peek.memory = -1;
    tasks->loop_count = r->loop_count;
    tasks->on_loop = calloc((size_t)r->loop_count, sizeof *tasks->on_loop);
    if (tasks->on_loop == NULL)
        return -ENOMEM;
    w->runtime = r;
    w->tasks = tasks;
    w->look.here = weir__loop_current();
    err = weir__peek_open(&w->look.peek);
    if (err < 0)
        return err;
    w->mapped = weir__mapped_spans(r, &w->look.peek.mapped_count);
    w->look.peek.mapped = w->mapped;
    return w->mapped != NULL ? weir__naming_open(&w->naming, r->symbols, &tasks->texts) : -ENOMEM;
}

static int make_room_for_stacks(struct walk *w)
{
    w->room.room = w->runtime->loops[0].stacks.bytes;
    w->room.stack = malloc(w->room.room);
    return w->room.stack != NULL ? 0 : -ENOMEM;
}

int weir__inspect_walk(weir_runtime *runtime, bool stacks, weir_tasks *tasks)
{
    struct walk *w = calloc(1, sizeof *w);
    int err;

    if (w == NULL)
        return -ENOMEM;
    err = open_walk(w, runtime, tasks);
    if (err == 0 && stacks)
        err = make_room_for_stacks(w);
    if (err == 0)
        err = see_all(w);
    close_walk(w);
    free(w);
    return err;
}
