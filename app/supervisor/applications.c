/* SPDX-License-Identifier: MIT */
#include "supervisor/applications.h"

#include <weir/log.h>
#include <weir/task.h>

enum { LOOK_MS = 10 };

struct opening {
    struct applications *a;
    const struct apps_place *place;
    weir_event opened;
    int err;
};

static int open_in(weir_scope *scope, struct applications *a, const struct apps_place *place)
{
    int err = apps_open(scope, place, &a->apps);

    if (err < 0 || place->simulate != NULL)
        return err;
    err = app_watch_open(scope, a->apps, place->shared, place->folder, &a->watch);
    if (err < 0)
        weir_log(WEIR_LOG_WARN, "stalls of applications are not seen", WEIR_KV_ERROR("why", err));
    return 0;
}

/* The task of the applications. */
static int run(void *arg)
{
    struct opening *opening = arg;
    struct applications *a = opening->a;
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    opening->err = open_in(&scope, a, opening->place);
    a->scope = &scope;
    weir_event_set(&opening->opened); /* which is not there any more, afterwards */
    if (a->apps != NULL && weir_event_wait(&a->ending) == 0)
        apps_stop(a->apps);
    weir_scope_cancel(&scope);
    a->scope = NULL;
    (void)weir_scope_close(&scope);
    app_watch_close(a->watch);
    apps_close(a->apps);
    a->watch = NULL;
    a->apps = NULL;
    weir_event_set(&a->ended);
    return 0;
}

int applications_open(struct applications *a, weir_scope *scope, const struct apps_place *place)
{
    struct opening opening = {.a = a, .place = place};
    int err;

    *a = (struct applications){0};
    weir_event_init(&a->ending);
    weir_event_init(&a->ended);
    weir_event_init(&opening.opened);
    err = weir_spawn(scope, "applications", run, &opening);
    if (err < 0)
        return err;
    while (!opening.opened.is_set) /* run() sets it, whatever becomes of this wait */
        (void)!weir_event_wait(&opening.opened);
    return opening.err;
}

void applications_prepare(struct applications *a, const struct config *config, const int *enough)
{
    const weir_instant until = weir_after(weir_seconds(APPLICATIONS_PATIENCE_S));

    if (a->apps == NULL || config->app_count == 0)
        return;
    apps_add(a->apps, config);
    while (a->apps != NULL && *enough == 0 && !apps_serve(a->apps, config)) {
        if (weir_between(weir_now(), until).ns <= 0) {
            weir_log(WEIR_LOG_WARN, "applications are not ready yet, and are waited for no longer");
            return;
        }
        if (weir_sleep(weir_ms(LOOK_MS)) < 0)
            return;
    }
}

void applications_end(struct applications *a)
{
    weir_event_set(&a->ending);
    (void)!weir_event_wait(&a->ended);
}

void applications_hurry(struct applications *a)
{
    if (a->scope != NULL)
        weir_scope_cancel(a->scope);
}
