/* SPDX-License-Identifier: MIT */
#include "routes/serve_refusal.h"

#include <stdio.h>

#include <weir/text.h>

enum { MESSAGE_BYTES = 128 + APP_LINE_BYTES };

static int refuse_busy(struct serving *s, const char *message)
{
    return weir_respond_busy(s->p.res, "app_busy", app_queue_retry_after(s->state->queue), message);
}

static int refuse_unready(struct serving *s, const char *message)
{
    return weir_respond_busy(s->p.res, "app_unready", weir_seconds(1), message);
}

int serve_refuse(struct serving *s, enum app_refusal why)
{
    char message[MESSAGE_BYTES], time[WEIR_DURATION_TEXT_MAX], line[APP_LINE_BYTES];
    const char *wait = weir_duration_format(time, sizeof time, s->state->settings->app->wait);

    switch (why) {
    case APP_FULL:
        return refuse_busy(s, "as many requests wait for the application as may (app.queue)");
    case APP_SLOW:
        (void)snprintf(message, sizeof message,
                       "the wait for the application would be longer than %s (app.wait)", wait);
        return refuse_busy(s, message);
    case APP_LATE:
        return refuse_busy(s,
                           "the wait for the application would be longer than the deadline of the request");
    case APP_BROKEN:
        if (!app_block_is_broken(s->state->queue->here->block, line) || line[0] == '\0')
            return refuse_unready(s, "the application does not start");
        (void)snprintf(message, sizeof message, "the application does not start: %s", line);
        return refuse_unready(s, message);
    case APP_UNREADY:
        (void)snprintf(message, sizeof message,
                       "no process of the application was ready within %s (app.wait)", wait);
        return refuse_unready(s, message);
    default:
        (void)snprintf(message, sizeof message,
                       "no process of the application had room for the request within %s (app.wait)", wait);
        return refuse_busy(s, message);
    }
}
