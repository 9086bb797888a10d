/* SPDX-License-Identifier: MIT */
#include "routes/serving.h"

#include <errno.h>
#include <string.h>

#include <weir/scope.h>
#include <weir/task.h>

#include "routes/proxy_exchange.h"

/* --- asking --- */

/* Notes the request with the process, so that a stall of it can be explained. */
static void note_request(struct serving *s)
{
    const char *path = weir_request_path_written(s->p.req);

    app_process_note(&s->state->queue->here->block->processes[s->place.entry], weir_request_method(s->p.req),
                     path, strlen(path));
}

int serving_begin(struct serving *s)
{
    note_request(s);
    s->p.address = app_place_address(s->state->queue, &s->place, s->address);
    return s->p.address != NULL ? proxy_exchange_begin(&s->p) : -ENOENT;
}

bool serving_is_refused(int err)
{
    return err == -ECONNREFUSED || err == -ENOENT || err == -EAGAIN;
}

/* --- the end --- */

/* How the application has done, if err is the result of asking it: a failure is its own unless the client has
 * left or has sent what it should not. */
static enum app_outcome outcome_of(const struct serving *s, int err)
{
    if (err == 0)
        return s->p.reply.status == 101 ? APP_UNMEASURED : s->outcome;
    if (err == -WEIR_EDEADLINE && client_deadline_passed(s->p.until))
        return APP_UNMEASURED; /* a client in a hurry has no process replaced */
    return s->p.client_err < 0 || weir_cancelled() < 0 ? APP_UNMEASURED : APP_FAILED;
}

void serving_gives(struct serving *s, int err)
{
    if (serving_is_refused(err))
        app_place_refused(s->state->queue, &s->place);
    else
        app_place_give(s->state->queue, &s->place, outcome_of(s, err));
}

void serving_ends(struct serving *s, int err)
{
    if (!s->p.uploads) {
        weir_fetch_close(s->p.fetch);
        s->p.fetch = NULL;
    }
    app_place_give(s->state->queue, &s->place, outcome_of(s, err));
}

ssize_t serving_read(struct serving *s, void *data, size_t bytes)
{
    weir_scope time;
    ssize_t got;

    weir_scope_open(&time, weir_after(s->p.state->settings->timeout), 0);
    got = weir_fetch_read(s->p.fetch, data, bytes);
    (void)weir_scope_close(&time);
    return got == -WEIR_EDEADLINE && weir_scope_expired(&time) ? -WEIR_EIDLE : got;
}
