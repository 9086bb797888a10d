/* SPDX-License-Identifier: MIT */
#include "admin/tasks_json.h"

#include <errno.h>
#include <stdlib.h>

#include "text/frame_json.h"

enum { PIECE_BYTES = 32 << 10 };

/* --- a task --- */

static void left_ms(struct text_out *out, weir_instant deadline, weir_instant seen)
{
    if (weir_is_never(deadline))
        text_out_add(out, "null");
    else
        text_out_printf(out, "%lld", (long long)(weir_between(seen, deadline).ns / 1000000));
}

/* Writes a task without its scopes and its end. */
static void open_task(struct text_out *out, const weir_task_info *info)
{
    static const char *const states[] = {"ready", "running", "parked"};

    text_out_printf(out, "{\"id\":%llu,\"name\":", (unsigned long long)info->id);
    text_out_json(out, info->name);
    text_out_printf(out, ",\"state\":\"%s\",\"waits_for\":", states[info->state]);
    text_out_json_or_null(out, info->waits_for);
    text_out_printf(out, ",\"age_ms\":%lld,\"deadline_ms\":",
                    (long long)(weir_between(info->created, info->seen).ns / 1000000));
    left_ms(out, info->deadline, info->seen);
    text_out_add(out, ",\"route\":");
    text_out_json_or_null(out, info->route);
    text_out_add(out, ",\"spawned_at\":");
    if (info->spawned_at.function != NULL)
        frame_json_write(out, &info->spawned_at);
    else
        text_out_add(out, "null");
    text_out_add(out, ",\"stack\":");
    frame_json_stack(out, info->stack, info->stack_depth);
    text_out_add(out, ",\"scopes\":[");
}

/* --- the tree --- */

/* A task whose end has not been written yet. */
struct level {
    const weir_task_info *task;
    size_t scopes;  /* how many of its scopes have begun */
    uint64_t scope; /* the id of the one that is open; 0: none */
    bool has_scope, has_task;
};

struct writer {
    struct text_out *out;
    struct level *levels;
    size_t depth, room;
    bool has_root;
};

static void end_scope(struct writer *w, struct level *level)
{
    if (level->scope)
        text_out_add(w->out, "]}");
    level->scope = 0;
}

static void begin_scope(struct writer *w, struct level *level, uint64_t id, const weir_scope_info *known)
{
    end_scope(w, level);
    text_out_printf(w->out, "%s{\"id\":%llu,\"deadline_ms\":", level->has_scope ? "," : "",
                    (unsigned long long)id);
    left_ms(w->out, known != NULL ? known->deadline : weir_never(), level->task->seen);
    text_out_add(w->out, ",\"tasks\":[");
    level->has_scope = true;
    level->has_task = false;
    level->scope = id;
}

/* Opens the scope of a task that follows. Scopes, and the tasks in them, come in the order of their ids. A
 * scope that is not among those of its task was opened after that task had been read.
 */
static void go_to_scope(struct writer *w, struct level *level, uint64_t id)
{
    const weir_task_info *task = level->task;

    while (level->scope != id && level->scopes < task->scope_count && task->scopes[level->scopes].id <= id) {
        const weir_scope_info *known = &task->scopes[level->scopes++];
        begin_scope(w, level, known->id, known);
    }
    if (level->scope != id)
        begin_scope(w, level, id, NULL);
}

static void end_task(struct writer *w)
{
    struct level *level = &w->levels[--w->depth];

    while (level->scopes < level->task->scope_count) {
        const weir_scope_info *known = &level->task->scopes[level->scopes++];
        begin_scope(w, level, known->id, known);
    }
    end_scope(w, level);
    text_out_add(w->out, "]}");
}

static void write_task(struct writer *w, const weir_task_info *info)
{
    const size_t depth = (size_t)info->depth;
    bool *has_sibling;
    struct level *above;

    while (w->depth > depth)
        end_task(w);
    if (w->depth == w->room) {
        const size_t room = w->room ? 2 * w->room : 64;
        struct level *levels = realloc(w->levels, room * sizeof *levels);
        if (levels == NULL) {
            w->out->err = -ENOMEM;
            return;
        }
        w->levels = levels;
        w->room = room;
    }
    above = depth > 0 ? &w->levels[depth - 1] : NULL;
    if (above != NULL)
        go_to_scope(w, above, info->scope);
    has_sibling = above != NULL ? &above->has_task : &w->has_root;
    if (*has_sibling)
        text_out_add(w->out, ",");
    *has_sibling = true;
    open_task(w->out, info);
    w->levels[w->depth++] = (struct level){.task = info};
}

static int pour_some(struct text_out *out, int (*pour)(void *arg, struct text_out *out), void *arg)
{
    if (out->err == 0 && out->text.len >= PIECE_BYTES)
        out->err = pour(arg, out);
    return out->err;
}

int tasks_json_write(const weir_tasks *tasks, int process, struct text_out *out,
                     int (*pour)(void *arg, struct text_out *out), void *arg)
{
    struct writer w = {.out = out};
    size_t i = 0;

    text_out_add(out, "{\"loops\":[");
    for (int loop = 0; loop < weir_tasks_loop_count(tasks) && out->err == 0; loop++) {
        const weir_task_info *info;
        text_out_printf(out, "%s{\"loop\":%d,", loop > 0 ? "," : "", loop);
        if (process > 0)
            text_out_printf(out, "\"process\":%d,", process);
        text_out_printf(out, "\"tasks\":%zu,\"tree\":[", weir_tasks_on_loop(tasks, loop));
        w.has_root = false;
        for (; (info = weir_tasks_at(tasks, i)) != NULL && info->loop == loop; i++) {
            write_task(&w, info);
            if (pour_some(out, pour, arg) < 0)
                break;
        }
        while (w.depth > 0)
            end_task(&w);
        text_out_add(out, "]}");
    }
    text_out_printf(out, "],\"truncated\":%s}\n", weir_tasks_are_truncated(tasks) ? "true" : "false");
    free(w.levels);
    if (out->err == 0)
        out->err = pour(arg, out);
    return out->err;
}
