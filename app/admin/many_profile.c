/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/pool.h>

#include "admin/flame_graph.h"
#include "admin/flame_stacks.h"
#include "admin/many.h"
#include "admin/page_profile.h"

enum { BYTES_MAX = 4 << 20, SPARE_S = 5, PATH_BYTES = 64 };

/* The samples of all processes. */
struct adding {
    struct profile_query query;
    struct asked *asked;
    int count;
    struct text_out folded, graph;
};

/* --- on the blocking pool, since sorting takes time --- */

static bool is_same(const struct flame_stack *a, const struct flame_stack *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* Makes stacks that are the same one. */
static void unite(struct flame_stacks *stacks)
{
    size_t kept = 0;

    for (size_t i = 0; i < stacks->count; i++)
        if (kept > 0 && is_same(&stacks->list[kept - 1], &stacks->list[i]))
            stacks->list[kept - 1].samples += stacks->list[i].samples;
        else
            stacks->list[kept++] = stacks->list[i];
    stacks->count = kept;
}

/* Those with most samples come first; of equal ones those whose text does, which is where they lie. */
static int by_samples(const void *a, const void *b)
{
    const struct flame_stack *x = a, *y = b;

    if (x->samples != y->samples)
        return x->samples < y->samples ? 1 : -1;
    return x->text < y->text ? -1 : x->text > y->text;
}

static void write_sums(struct text_out *out, struct flame_stacks *stacks)
{
    unite(stacks);
    if (stacks->count > 1)
        qsort(stacks->list, stacks->count, sizeof *stacks->list, by_samples);
    for (size_t i = 0; i < stacks->count; i++) {
        text_out_bytes(out, stacks->list[i].text, stacks->list[i].len);
        text_out_add(out, " ");
        text_out_count(out, stacks->list[i].samples);
        text_out_add(out, "\n");
    }
}

static int add(struct adding *a, struct text_out *all)
{
    struct flame_stacks stacks;
    int err = all->err < 0 ? all->err : flame_stacks_open(&stacks, weir_buffer_bytes(&all->text));

    if (err < 0)
        return err;
    write_sums(&a->folded, &stacks);
    flame_stacks_close(&stacks);
    return a->folded.err;
}

static int work(weir_job *job, void *arg)
{
    struct adding *a = arg;
    struct text_out all;
    char title[PROFILE_TITLE_BYTES];
    int err;

    (void)job;
    text_out_init(&all, 2 * BYTES_MAX);
    for (int i = 0; i < a->count; i++)
        if (a->asked[i].err == 0 && a->asked[i].status == 200) {
            text_out_bytes(&all, a->asked[i].reply.body, a->asked[i].reply.body_bytes);
            text_out_add(&all, "\n");
        }
    err = add(a, &all);
    weir_buffer_free(&all.text);
    if (err < 0 || !a->query.svg)
        return err;
    err = flame_graph_write(&a->graph, weir_buffer_bytes(&a->folded.text),
                            profile_title(title, a->query.length));
    return err < 0 ? err : a->graph.err;
}

/* --- the page --- */

static int reply(weir_response *res, const struct adding *a)
{
    return a->query.svg ? weir_respond_buffer(res, 200, "image/svg+xml", &a->graph.text)
                        : weir_respond_buffer(res, 200, "text/plain; charset=utf-8", &a->folded.text);
}

/* None has answered well: the first one says why. */
static int reply_refusal(weir_response *res, const struct adding *a)
{
    for (int i = 0; i < a->count; i++)
        if (a->asked[i].err == 0)
            return weir_respond_bytes(res, a->asked[i].status, "application/json", a->asked[i].reply.body,
                                      a->asked[i].reply.body_bytes);
    return weir_respond_fault(res, 503, "not_running", "no gateway process answers");
}

static bool any_is_good(const struct adding *a)
{
    for (int i = 0; i < a->count; i++)
        if (a->asked[i].err == 0 && a->asked[i].status == 200)
            return true;
    return false;
}

static int answer(weir_response *res, struct adding *a)
{
    const weir_offload_options waiting = {.when_full = WEIR_WAIT};
    int err;

    if (!any_is_good(a))
        return reply_refusal(res, a);
    err = weir_offload_with(weir_pool_blocking(), "adding samples", work, a, &waiting);
    if (err == 0)
        err = many_tell_silent(res, a->asked, a->count);
    return err < 0 ? err : reply(res, a);
}

/* Asks those that are not known to be silent. */
static int ask(struct admin_of_many *admin, const char *path, weir_duration within, struct asked **out)
{
    int kept = 0, count = many_list(admin, out), err;

    if (count < 0)
        return count;
    for (int i = 0; i < count; i++)
        if (!many_is_silent(admin, (*out)[i].process))
            (*out)[kept++] = (*out)[i];
    err = kept > 0 ? asking_all(admin->client, *out, (size_t)kept, path, within, BYTES_MAX / (uint64_t)kept)
                   : 0;
    if (err == 0)
        return kept;
    many_free(*out, kept);
    return err;
}

int many_page_profile(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    struct adding a = {0};
    const char *fault = "";
    char path[PATH_BYTES];
    weir_duration within;
    int err;

    if (profile_query_read(weir_bytes_of(weir_request_query(req)), &a.query, &fault) < 0)
        return weir_respond_fault(res, 400, "malformed", fault);
    if (a.query.length.ns == 0) /* the client only asks whether there is such a page */
        return weir_respond_text(res, 200, "");
    snprintf(path, sizeof path, "/profile?seconds=%.9g&format=folded", (double)a.query.length.ns / 1e9);
    within = (weir_duration){a.query.length.ns + SPARE_S * INT64_C(1000000000)};
    a.count = ask(admin, path, within, &a.asked);
    if (a.count < 0)
        return a.count;
    text_out_init(&a.folded, 2 * BYTES_MAX);
    text_out_init(&a.graph, 4 * BYTES_MAX);
    err = answer(res, &a);
    weir_buffer_free(&a.graph.text);
    weir_buffer_free(&a.folded.text);
    many_free(a.asked, a.count);
    return err;
}
