/* SPDX-License-Identifier: MIT */
#include "routes/serving.h"

#include <weir/scope.h>
#include <weir/task.h>

enum app_outcome serving_outcome(const struct serving *s, int err)
{
    if (err == 0)
        return s->p.reply.status == 101 ? APP_UNMEASURED : s->outcome;
    return s->p.client_err < 0 || weir_cancelled() < 0 ? APP_UNMEASURED : APP_FAILED;
}

void serving_ends(struct serving *s, int err)
{
    if (!s->p.uploads) {
        weir_fetch_close(s->p.fetch);
        s->p.fetch = NULL;
    }
    app_place_give(s->state->queue, &s->place, serving_outcome(s, err));
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
