/* SPDX-License-Identifier: MIT */
#include "admin/page_tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/pool.h>
#include <weir/scope.h>
#include <weir/url.h>

#include "admin/tasks_json.h"

enum {
    PIECE_BYTES_MAX = 256 << 10,
    FILTER_BYTES = 256,
    NUMBER_BYTES = 16,
    TASKS_MAX = 2000000, /* the greatest limit, and the one when none is given */
    STACKS_TASKS_MAX = 500,
    READS_MAX = 4,  /* at once: each may hold a good part of a gigabyte */
    TURN_MS = 10000 /* a request that waits longer for its turn is refused */
};

/* One request. */
struct reading {
    struct gateway_status *status;
    weir_tasks_options options;
    char filter[FILTER_BYTES];
    int process;       /* its number; 0: none is written */
    bool has_stacks;   /* the query says whether to write stacks */
    weir_tasks *tasks; /* NULL: the gateway does not run */
};

static size_t count_tasks(weir_runtime *runtime)
{
    weir_loop_stats counts;
    size_t sum = 0;

    for (int i = 0; weir_loop_stats_get(runtime, i, &counts) == 0; i++)
        sum += counts.tasks;
    return sum;
}

static int read_tasks(weir_job *job, void *arg)
{
    struct reading *r = arg;
    weir_runtime *runtime = gateway_status_hold(r->status);
    int err;

    (void)job;
    if (runtime == NULL)
        return 0;
    if (!r->has_stacks)
        r->options.stacks = count_tasks(runtime) <= STACKS_TASKS_MAX;
    err = weir_tasks_open(runtime, &r->options, &r->tasks);
    gateway_status_release(r->status);
    return err;
}

static int pour(void *arg, struct text_out *out)
{
    int err = weir_respond_write(arg, out->text.data, out->text.len);

    weir_buffer_clear(&out->text);
    return err;
}

/* Returns: what is wrong with the query; NULL: nothing. */
static const char *read_query(weir_bytes query, struct reading *r)
{
    char text[NUMBER_BYTES], *end;
    int found = weir_query_find(query, "filter", r->filter, sizeof r->filter);

    if (found < 0 && found != -ENOENT)
        return "filter is too long, or no text";
    r->options.filter = found > 0 ? r->filter : NULL;
    found = weir_query_find(query, "limit", text, sizeof text);
    r->options.tasks_max = found != -ENOENT ? strtoul(text, &end, 10) : TASKS_MAX;
    if (found != -ENOENT &&
        (found < 0 || text[0] < '1' || text[0] > '9' || *end != '\0' || r->options.tasks_max > TASKS_MAX))
        return "limit is a number, 1 to 2000000";
    if (weir_query_find(query, PAGE_TASKS_PROCESS, text, sizeof text) > 0)
        r->process = atoi(text);
    found = weir_query_find(query, "stacks", text, sizeof text);
    r->has_stacks = found != -ENOENT;
    r->options.stacks = strcmp(text, "1") == 0;
    return r->has_stacks && !r->options.stacks && strcmp(text, "0") != 0 ? "stacks is 0 or 1" : NULL;
}

const char *page_tasks_fault(weir_bytes query)
{
    struct reading reading = {0};

    return read_query(query, &reading);
}

/* Waits for the pool however full it is: tasks are asked for when the machine is busy. */
static int answer(weir_response *res, struct reading *r)
{
    const weir_offload_options waiting = {.when_full = WEIR_WAIT};
    struct text_out out;
    int err = weir_offload_with(weir_pool_blocking(), "tasks", read_tasks, r, &waiting);

    if (err < 0)
        return weir_respond_error(res, err);
    if (r->tasks == NULL)
        return weir_respond_fault(res, 503, "not_running", "the gateway is not running yet, or no longer");
    text_out_init(&out, PIECE_BYTES_MAX);
    err = weir_respond_begin(res, 200, "application/json", -1);
    if (err == 0)
        err = tasks_json_write(r->tasks, r->process, &out, pour, res);
    weir_buffer_free(&out.text);
    return err;
}

static int wait_for_turn(weir_semaphore *reads)
{
    weir_scope scope;
    int err;

    weir_scope_open(&scope, weir_after_ms(TURN_MS), 0);
    err = weir_semaphore_acquire(reads);
    (void)weir_scope_close(&scope);
    return err == -WEIR_EDEADLINE ? -WEIR_EBUSY : err;
}

void page_tasks_open(struct admin_state *state)
{
    weir_semaphore_init(&state->tree_reads, READS_MAX);
}

int page_tasks(weir_request *req, weir_response *res, struct admin_state *state)
{
    struct reading reading = {.status = state->status};
    const char *fault = read_query(weir_bytes_of(weir_request_query(req)), &reading);
    int err;

    if (fault != NULL)
        return weir_respond_fault(res, 400, "query", fault);
    err = wait_for_turn(&state->tree_reads);
    if (err < 0)
        return weir_respond_error(res, err);
    err = answer(res, &reading);
    weir_tasks_close(reading.tasks);
    weir_semaphore_release(&state->tree_reads);
    return err;
}
