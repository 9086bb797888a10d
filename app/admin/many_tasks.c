/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/many.h"
#include "admin/page_tasks.h"

/* The loops of all processes one after the other, passed on as they come: a tree may be of any size. */
static const char before[] = "{\"loops\":[";
static const char whole[] = "],\"truncated\":false}\n", cut[] = "],\"truncated\":true}\n";

enum {
    PIECE_BYTES = 16 << 10,
    END_BYTES = sizeof whole - 1, /* the longer of the two ends */
    PATH_BYTES = 1536,
    APPS_BYTES_MAX = 1 << 20,
    WITHIN_MS = 30000,
    SILENT_BYTES_MAX = 4096
};

/* One answer to a client. */
struct passing {
    struct admin_of_many *admin;
    weir_response *res;
    bool begun, truncated;
    size_t loops; /* processes whose loops have been passed on */
    struct text_out silent;
};

/* The end of what was read, which may be the end of the page, is held back. */
struct tail {
    char text[PIECE_BYTES + END_BYTES];
    size_t held;
};

static int begin(struct passing *p)
{
    int err = p->begun ? 0 : weir_respond_begin(p->res, 200, "application/json", -1);

    if (err == 0 && !p->begun)
        err = weir_respond_write(p->res, before, sizeof before - 1);
    p->begun = true;
    return err;
}

/* Reads exactly so many bytes. Returns: 0; -WEIR_ETRUNCATED. */
static int read_whole(weir_fetch_stream *f, char *out, size_t bytes)
{
    while (bytes > 0) {
        const ssize_t n = weir_fetch_read(f, out, bytes);
        if (n <= 0)
            return n < 0 ? (int)n : -WEIR_ETRUNCATED;
        out += n;
        bytes -= (size_t)n;
    }
    return 0;
}

/* Passes on all but the end, which must be one of the two. */
static int pass_loops(struct passing *p, weir_fetch_stream *f, struct tail *tail)
{
    ssize_t n;
    int err = begin(p);

    if (err == 0 && p->loops > 0)
        err = weir_respond_write(p->res, ",", 1);
    tail->held = 0;
    while (err == 0 && (n = weir_fetch_read(f, tail->text + tail->held, PIECE_BYTES)) != 0) {
        size_t ready;
        if (n < 0)
            return (int)n;
        tail->held += (size_t)n;
        ready = tail->held > END_BYTES ? tail->held - END_BYTES : 0;
        err = ready > 0 ? weir_respond_write(p->res, tail->text, ready) : 0;
        memmove(tail->text, tail->text + ready, tail->held - ready);
        tail->held -= ready;
    }
    return err;
}

/* Passes on what stands before the end. Returns: -WEIR_EPROTOCOL: there is no such end. */
static int pass_end(struct passing *p, const struct tail *tail)
{
    const size_t cut_bytes = sizeof cut - 1;

    if (tail->held == END_BYTES && memcmp(tail->text, whole, END_BYTES) == 0)
        return 0;
    if (tail->held < cut_bytes || memcmp(tail->text + tail->held - cut_bytes, cut, cut_bytes) != 0)
        return -WEIR_EPROTOCOL;
    p->truncated = true;
    return tail->held > cut_bytes ? weir_respond_write(p->res, tail->text, tail->held - cut_bytes) : 0;
}

/* Returns: 0; 1: the process has not answered; < 0: it broke off in the midst, or the client left. */
static int pass(struct passing *p, weir_fetch_stream *f)
{
    struct tail *tail;
    weir_reply reply;
    char head[sizeof before - 1];
    int err = weir_fetch_head(f, &reply);

    if (err < 0 || reply.status != 200 || read_whole(f, head, sizeof head) < 0 ||
        memcmp(head, before, sizeof head) != 0)
        return err == -WEIR_ECANCELED ? err : 1;
    tail = malloc(sizeof *tail);
    if (tail == NULL)
        return -ENOMEM;
    err = pass_loops(p, f, tail);
    if (err == 0)
        err = pass_end(p, tail);
    free(tail);
    p->loops++;
    return err;
}

static int ask(struct passing *p, const struct admin_process *process, const char *query, bool many)
{
    char url[PATH_BYTES];
    const char *between = query[0] != '\0' ? "&" : "";
    weir_fetch_options options = {.url = url, .address = process->address, .identity = true};
    weir_fetch_stream *f;
    int err;

    if (many)
        snprintf(url, sizeof url, "http://localhost/tasks?%s%s" PAGE_TASKS_PROCESS "=%d", query, between,
                 process->number);
    else
        snprintf(url, sizeof url, "http://localhost/tasks?%s", query);
    err = weir_fetch_open(p->admin->client, &options, 0, &f);
    if (err < 0)
        return err == -WEIR_ECANCELED ? err : 1;
    err = pass(p, f);
    weir_fetch_close(f);
    return err;
}

/* --- the whole --- */

static int write_rest(struct passing *p)
{
    struct admin_supervisor *supervisor = &p->admin->supervisor;
    struct text_out out;
    int err = begin(p);

    text_out_init(&out, APPS_BYTES_MAX);
    text_out_add(&out, "]");
    if (supervisor->app_tasks != NULL) {
        text_out_add(&out, ",\"apps\":[");
        supervisor->app_tasks(supervisor->arg, &out);
        text_out_add(&out, "]");
    }
    if (p->silent.text.len > 0) {
        text_out_add(&out, ",\"silent\":[");
        text_out_bytes(&out, p->silent.text.data, p->silent.text.len);
        text_out_add(&out, "]");
    }
    text_out_printf(&out, ",\"truncated\":%s}\n", p->truncated ? "true" : "false");
    err = err < 0 ? err : out.err;
    if (err == 0)
        err = weir_respond_write(p->res, out.text.data, out.text.len);
    weir_buffer_free(&out.text);
    return err;
}

static int pass_all(struct passing *p, const struct asked *list, int count, const char *query)
{
    int err = 0;

    for (int i = 0; i < count && err >= 0; i++) {
        const struct admin_process *process = list[i].process;
        weir_scope scope;
        weir_scope_open(&scope, weir_after_ms(WITHIN_MS), 0);
        err = many_is_silent(p->admin, process) ? 1 : ask(p, process, query, count > 1);
        (void)weir_scope_close(&scope);
        if (err > 0)
            text_out_printf(&p->silent, "%s%d", p->silent.text.len > 0 ? "," : "", (int)process->pid);
    }
    if (err < 0)
        return err;
    if (p->loops == 0 && p->admin->supervisor.app_tasks == NULL)
        return weir_respond_fault(p->res, 503, "not_running", "no gateway process answers");
    return write_rest(p);
}

int many_page_tasks(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    const char *query = weir_request_query(req), *fault = page_tasks_fault(weir_bytes_of(query));
    struct passing p = {.admin = admin, .res = res};
    struct asked *list;
    int count, err;

    if (fault != NULL)
        return weir_respond_fault(res, 400, "query", fault);
    count = many_list(admin, &list);
    if (count < 0)
        return count;
    text_out_init(&p.silent, SILENT_BYTES_MAX);
    err = pass_all(&p, list, count, query);
    weir_buffer_free(&p.silent.text);
    many_free(list, count);
    return err;
}
