/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/task.h>

#include "admin/admin_pages.h"
#include "admin/many.h"

enum { TEXT_BYTES_MAX = 1 << 20, RELOADS_MAX = 16 };

/* --- what there is --- */

static const char *state_of(const struct admin_process *is)
{
    return is->pid == 0 ? "waiting" : is->draining ? "draining" : is->ready ? "ready" : "starting";
}

static void write_process(struct text_out *out, const struct many_process *known,
                          const struct admin_process *is, weir_instant now)
{
    text_out_printf(out, "{\"process\":%d,\"pid\":", is->number);
    text_out_number(out, is->pid > 0, is->pid);
    text_out_printf(out,
                    ",\"generation\":%u,\"state\":\"%s\",\"since_s\":%.3f,\"in_flight\":", is->generation,
                    state_of(is), (double)weir_between(is->since, now).ns / 1e9);
    text_out_number(out, known != NULL && known->exchanges >= 0, known != NULL ? known->exchanges : 0);
    text_out_printf(out, ",\"restarts\":%u,\"last_end\":", is->restarts);
    text_out_json_or_null(out, is->last_end[0] != '\0' ? is->last_end : NULL);
    text_out_add(out, ",\"silent_s\":");
    text_out_number(out, known != NULL && known->err < 0,
                    known != NULL ? (double)weir_between(known->answered, now).ns / 1e9 : 0);
    text_out_add(out, "}");
}

static const struct many_process *find(const struct admin_of_many *admin, pid_t pid)
{
    for (size_t i = 0; i < ADMIN_PROCESSES_MAX && pid > 0; i++)
        if (admin->processes[i].used && admin->processes[i].is.pid == pid)
            return &admin->processes[i];
    return NULL;
}

static void write_all(struct text_out *out, const struct admin_of_many *admin)
{
    const weir_instant now = weir_now();

    text_out_printf(out, "{\"pid\":%d,\"uptime_s\":%.3f,", (int)getpid(),
                    (double)weir_between(admin->started, now).ns / 1e9);
    admin->supervisor.status(admin->supervisor.arg, out);
    text_out_add(out, ",\"processes\":[");
    for (size_t i = 0; i < admin->listed; i++) {
        text_out_add(out, i > 0 ? "," : "");
        write_process(out, find(admin, admin->list[i].pid), &admin->list[i], now);
    }
    text_out_add(out, "]}\n");
}

int many_page_processes(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    const weir_instant since = weir_now();
    struct text_out out;
    int err = weir_mutex_lock(&admin->lock);

    (void)req;
    if (err < 0)
        return err;
    text_out_init(&out, TEXT_BYTES_MAX);
    err = many_round(admin, since);
    if (err == 0) {
        admin->listed = admin->supervisor.processes(admin->supervisor.arg, admin->list, ADMIN_PROCESSES_MAX);
        write_all(&out, admin);
        err = out.err;
    }
    weir_mutex_unlock(&admin->lock);
    if (err == 0)
        err = weir_respond_buffer(res, 200, "application/json", &out.text);
    weir_buffer_free(&out.text);
    return err;
}

/* --- what is done: never for a page of another origin, which cannot send this header without asking --- */

static bool is_meant(const weir_request *req)
{
    return weir_request_header(req, ADMIN_ACTION_HEADER) != NULL;
}

static int refuse(weir_response *res)
{
    return weir_respond_fault(res, 403, "not_meant",
                              "this needs the header " ADMIN_ACTION_HEADER
                              ": 1, which pages of other sites cannot send");
}

/* One reload, which goes on when the client that asked has left. */
struct reload {
    struct admin_of_many *admin;
    struct text_out out;
    weir_event done;
    int err;
    int users; /* the task and the request */
};

static void leave(struct reload *r)
{
    if (--r->users > 0)
        return;
    weir_buffer_free(&r->out.text);
    free(r);
}

static int reload(void *arg)
{
    struct reload *r = arg;
    struct admin_of_many *admin = r->admin;

    r->err = weir_mutex_lock(&admin->control);
    if (r->err == 0) {
        r->err = admin->supervisor.reload(admin->supervisor.arg, &r->out);
        weir_mutex_unlock(&admin->control);
    }
    admin->reloads--;
    weir_event_set(&r->done);
    leave(r);
    return 0;
}

static int answer_reload(weir_response *res, const struct reload *r)
{
    static const char type[] = "text/plain; charset=utf-8";

    if (r->out.err < 0)
        return r->out.err;
    if (r->err == 0 || r->err == -WEIR_ECONFIG)
        return weir_respond_buffer(res, r->err == 0 ? 200 : 422, type, &r->out.text);
    if (r->err == -WEIR_ECLOSED)
        return weir_respond_buffer(res, 409, type, &r->out.text);
    return weir_respond_fault(res, 500, "reload", weir_error_text(r->err));
}

int many_page_reload(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    struct reload *r;
    int err;

    if (!is_meant(req))
        return refuse(res);
    if (admin->reloads == RELOADS_MAX)
        return weir_respond_fault(res, 503, "reloads", "as many reloads are waiting as may");
    r = calloc(1, sizeof *r);
    if (r == NULL)
        return weir_respond_error(res, -ENOMEM);
    *r = (struct reload){.admin = admin, .users = 2};
    text_out_init(&r->out, TEXT_BYTES_MAX);
    weir_event_init(&r->done);
    err = weir_spawn(admin->scope, "reload", reload, r);
    if (err < 0) {
        r->users--;
    } else {
        admin->reloads++;
        err = weir_event_wait(&r->done);
    }
    if (err == 0)
        err = answer_reload(res, r);
    leave(r);
    return err;
}

int many_page_drain(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    int err;

    if (!is_meant(req))
        return refuse(res);
    err = weir_respond_text(res, 200, "draining\n");
    admin->supervisor.drain(admin->supervisor.arg);
    return err;
}
