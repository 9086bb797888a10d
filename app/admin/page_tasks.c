/* SPDX-License-Identifier: MIT */
#include "admin/page_tasks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/pool.h>
#include <weir/scope.h>

#include "text/query.h"

enum {
    PIECE_BYTES = 32 << 10,
    PIECE_BYTES_MAX = 256 << 10,
    FILTER_BYTES = 256,
    NUMBER_BYTES = 16,
    TASKS_MAX = 2000000, /* when no limit is given, and the greatest */
    STACKS_TASKS_MAX = 500,
    LOOKS_MAX = 4,   /* at once: each may hold a good part of a gigabyte */
    TURN_MS = 10000, /* whoever waits longer for one of them is refused */
    FRAME_BYTES = 512
};

/* --- a task --- */

static void text_or_null(struct text_out *out, const char *text)
{
    if (text != NULL)
        text_out_json(out, text);
    else
        text_out_add(out, "null");
}

static void frame(struct text_out *out, const weir_frame *f)
{
    char text[FRAME_BYTES];

    if (f->file != NULL && f->line > 0)
        snprintf(text, sizeof text, "%s %s:%d", f->function, f->file, f->line);
    else
        snprintf(text, sizeof text, "%s", f->function);
    text_out_json(out, text);
}

static void left_ms(struct text_out *out, weir_instant deadline, weir_instant seen)
{
    if (weir_is_never(deadline))
        text_out_add(out, "null");
    else
        text_out_printf(out, "%lld", (long long)(weir_between(seen, deadline).ns / 1000000));
}

static void stack(struct text_out *out, const weir_task_info *info)
{
    text_out_add(out, ",\"stack\":[");
    for (size_t i = 0; i < info->stack_depth; i++) {
        if (i > 0)
            text_out_add(out, ",");
        frame(out, &info->stack[i]);
    }
    text_out_add(out, "]");
}

/* But for what closes it. */
static void open_task(struct text_out *out, const weir_task_info *info)
{
    static const char *const states[] = {"ready", "running", "parked"};

    text_out_printf(out, "{\"id\":%llu,\"name\":", (unsigned long long)info->id);
    text_out_json(out, info->name);
    text_out_printf(out, ",\"state\":\"%s\",\"waits_for\":", states[info->state]);
    text_or_null(out, info->waits_for);
    text_out_printf(out, ",\"age_ms\":%lld,\"deadline_ms\":",
                    (long long)(weir_between(info->created, info->seen).ns / 1000000));
    left_ms(out, info->deadline, info->seen);
    text_out_add(out, ",\"route\":");
    text_or_null(out, info->route);
    text_out_add(out, ",\"spawned_at\":");
    if (info->spawned_at.function != NULL)
        frame(out, &info->spawned_at);
    else
        text_out_add(out, "null");
    stack(out, info);
    text_out_add(out, ",\"scopes\":[");
}

/* --- the tree --- */

/* A task whose end is still to be written. */
struct level {
    const weir_task_info *task;
    size_t scopes;  /* of its own, so many are begun */
    uint64_t scope; /* the one that is open; 0: none */
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

/* Scopes, and the tasks in them, come in the order of their ids. One that is not among the task's own was
 * opened after that had been looked at.
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

int admin_tasks_write(const weir_tasks *tasks, struct text_out *out,
                      int (*pour)(void *arg, struct text_out *out), void *arg)
{
    struct writer w = {.out = out};
    size_t i = 0;

    text_out_add(out, "{\"loops\":[");
    for (int loop = 0; loop < weir_tasks_loops(tasks) && out->err == 0; loop++) {
        const weir_task_info *info;
        text_out_printf(out, "%s{\"loop\":%d,\"tasks\":%zu,\"tree\":[", loop > 0 ? "," : "", loop,
                        weir_tasks_on_loop(tasks, loop));
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
    text_out_printf(out, "],\"truncated\":%s}\n", weir_tasks_are_cut(tasks) ? "true" : "false");
    free(w.levels);
    if (out->err == 0)
        out->err = pour(arg, out);
    return out->err;
}

/* --- the page --- */

struct look {
    struct gateway_status *status;
    weir_tasks_options options;
    char filter[FILTER_BYTES];
    bool stacks_are_said;
    weir_tasks *tasks; /* NULL: the gateway does not run */
};

static size_t count_tasks(weir_runtime *runtime)
{
    weir_loop_stats counts;
    size_t sum = 0;

    for (int i = 0; weir_loop_read(runtime, i, &counts) == 0; i++)
        sum += counts.tasks;
    return sum;
}

static int take(weir_job *job, void *arg)
{
    struct look *look = arg;
    weir_runtime *runtime = gateway_status_hold(look->status);
    int err;

    (void)job;
    if (runtime == NULL)
        return 0;
    if (!look->stacks_are_said)
        look->options.stacks = count_tasks(runtime) <= STACKS_TASKS_MAX;
    err = weir_tasks_take(runtime, &look->options, &look->tasks);
    gateway_status_release(look->status);
    return err;
}

static int pour(void *arg, struct text_out *out)
{
    int err = weir_reply_write(arg, out->text.data, out->text.len);

    weir_buffer_clear(&out->text);
    return err;
}

/* Returns: what is wrong with the query; NULL: nothing. */
static const char *read_query(const char *query, struct look *look)
{
    char text[NUMBER_BYTES], *end;
    int found;

    if (query_value(query, "filter", look->filter, sizeof look->filter) < 0)
        return "filter is too long, or no text";
    look->options.filter = look->filter[0] ? look->filter : NULL;
    found = query_value(query, "limit", text, sizeof text);
    look->options.tasks_max = found > 0 ? strtoul(text, &end, 10) : TASKS_MAX;
    if (found < 0 || (found > 0 && (text[0] < '1' || text[0] > '9' || *end != '\0' ||
                                    look->options.tasks_max > TASKS_MAX)))
        return "limit is a number, 1 to 2000000";
    found = query_value(query, "stacks", text, sizeof text);
    look->stacks_are_said = found > 0;
    look->options.stacks = strcmp(text, "1") == 0;
    if (found < 0 || (found > 0 && !look->options.stacks && strcmp(text, "0") != 0))
        return "stacks is 0 or 1";
    return NULL;
}

/* Whatever else the pool does: who looks, looks because the machine is busy. */
static int answer(weir_response *res, struct look *look)
{
    const weir_offload_options waiting = {.when_full = WEIR_WAIT};
    struct text_out out;
    int err = weir_offload_with(weir_pool_blocking(), "tasks", take, look, &waiting);

    if (err < 0)
        return weir_reply_error(res, err);
    if (look->tasks == NULL)
        return weir_reply_fault(res, 503, "not_running", "the gateway is not running, or no more");
    text_out_init(&out, PIECE_BYTES_MAX);
    err = weir_reply_begin(res, 200, "application/json", -1);
    if (err == 0)
        err = admin_tasks_write(look->tasks, &out, pour, res);
    weir_buffer_free(&out.text);
    return err;
}

static int wait_for_turn(weir_semaphore *looks)
{
    weir_scope scope;
    int err;

    weir_scope_open(&scope, weir_after_ms(TURN_MS), 0);
    err = weir_semaphore_acquire(looks);
    (void)weir_scope_close(&scope);
    return err == -WEIR_EDEADLINE ? -WEIR_EBUSY : err;
}

void admin_tasks_open(struct gateway_status *status)
{
    weir_semaphore_init(&status->looks, LOOKS_MAX);
}

int admin_tasks(weir_request *req, weir_response *res, struct gateway_status *status)
{
    struct look look = {.status = status};
    const char *fault = read_query(weir_request_query(req), &look);
    int err;

    if (fault != NULL)
        return weir_reply_fault(res, 400, "query", fault);
    err = wait_for_turn(&status->looks);
    if (err < 0)
        return weir_reply_error(res, err);
    err = answer(res, &look);
    weir_tasks_free(look.tasks);
    weir_semaphore_release(&status->looks);
    return err;
}
