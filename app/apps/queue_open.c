/* SPDX-License-Identifier: MIT */
/* The queue of a loop, opened and closed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/linger.h"
#include "apps/queue.h"

enum {
    KEPT_MS = 1000,          /* an unused connection: less than any server of applications grants */
    CONNECTIONS_MAX = 16384, /* never reached: places are fewer */
};

static void name(struct app_queue *queue)
{
    const char *app = queue->here->app->name;

    (void)snprintf(queue->waits_for, sizeof queue->waits_for, "a place of %s", app);
    for (int kind = 0; kind < WEIR_ATTEMPT_KINDS; kind++)
        (void)snprintf(queue->name_of[kind], sizeof queue->name_of[kind],
                       kind == WEIR_ATTEMPT_FIRST ? "%s" : "%s (%s)", app,
                       weir_attempt_kind_name((enum weir_attempt_kind)kind));
}

static int open_client(struct app_queue *queue, const weir_client_options *options)
{
    weir_client_options ours = *options;

    ours.connections_per_origin = ours.idle_connections = CONNECTIONS_MAX;
    ours.idle_timeout = weir_ms(KEPT_MS);
    ours.quiet = true; /* processes come and go; what there is to tell is told of the application */
    return weir_client_open(&ours, &queue->client);
}

static int open_attempts(struct app_queue *queue)
{
    const struct config_app *app = queue->here->app;
    char text[16 + CONFIG_APP_NAME_BYTES];
    const weir_attempts_options options = {.name = text, .hedge = app->hedge, .retry = app->retry};

    if (!config_app_has_attempts(app))
        return 0;
    (void)snprintf(text, sizeof text, "app %s", app->name);
    return weir_attempts_open(&options, &queue->attempts);
}

int app_queue_open(struct app_here *here, const weir_client_options *options, struct app_queue **out)
{
    struct app_queue *queue = calloc(1, sizeof *queue);
    int err;

    if (queue == NULL)
        return -ENOMEM;
    queue->here = here;
    queue->loop = weir_loop_index();
    queue->slot = &here->slots[queue->loop];
    weir_event_init(&queue->lingered);
    name(queue);
    err = open_attempts(queue);
    if (err == 0)
        err = open_client(queue, options);
    if (err < 0) {
        weir_attempts_close(queue->attempts);
        free(queue);
        return err;
    }
    queue->slot->queue = queue;
    queue->slot->look = app_queue_look;
    app_gate_enter(here->gate);
    *out = queue;
    return 0;
}

void app_queue_close(struct app_queue *queue)
{
    if (queue == NULL)
        return;
    app_linger_end(queue);
    app_gate_leave(queue->here->gate);
    queue->slot->queue = NULL;
    weir_client_close(queue->client);
    weir_attempts_close(queue->attempts);
    free(queue);
}
