/* SPDX-License-Identifier: MIT */
#include "http/client/backend/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/random.h>
#include <weir/task.h>

#include "core/runtime.h"
#include "core/scope.h"
#include "http/client/backend/lookup.h"
#include "http/client/backend/outcome.h"
#include "http/client/client.h"

enum { CHECKED_BYTES_MAX = 1 << 20, JITTER_PERCENT = 10 };

/* --- health checks --- */

/* One check of one instance. */
struct check {
    weir_backend *backend;
    weir_client *client;
    int number;
    uint32_t generation;
    char address[WEIR__INSTANCE_ADDRESS_BYTES];
    const char *origin; /* of the URL that has it */
};

/* Counts a check, unless the place of its instance has another one by now. */
static void count(const struct check *check, const struct weir__backend_check_end *end)
{
    struct weir__backend_shared *s = check->backend->member.shared;
    struct weir__instance *instance = &s->common->instances[check->number];
    bool is_same;

    if (!weir__backend_try_lock(s))
        return;
    is_same = instance->generation == check->generation && instance->presence == WEIR__INSTANCE_HERE;
    weir__backend_unlock(s);
    if (is_same)
        weir__backend_checked(s, instance, end, weir__loop_now_ns(check->backend->member.loop));
}

static struct weir__backend_check_end ask(const struct check *check)
{
    const weir_backend_options *o = weir__backend_options(check->backend);
    const weir_header host = {"host", o->host};
    weir_fetch_options options = {.address = check->address,
                                  .headers = &host,
                                  .header_count = o->host != NULL,
                                  .reply_bytes_max = CHECKED_BYTES_MAX};
    struct weir__backend_check_end end = {.err = -ENOMEM};
    weir_reply reply;
    weir_scope time;
    char *url;

    if (asprintf(&url, "%s%s", check->origin, o->health.path) < 0)
        return end;
    options.url = url;
    weir_scope_open(&time, weir_after(o->health.timeout), 0);
    end.err = weir_fetch(check->client, &options, &reply);
    (void)weir_scope_close(&time);
    end.status = reply.status;
    end.why = reply.why;
    weir_reply_free(&reply);
    free(url);
    return end;
}

static int run_check(void *arg)
{
    struct check *check = arg;
    const weir_duration every = weir__backend_options(check->backend)->health.every;
    uint64_t jitter_ns = (uint64_t)(every.ns / 100 * JITTER_PERCENT);
    struct weir__backend_check_end end;
    int err = weir_sleep((weir_duration){(int64_t)weir_random_below(jitter_ns)});

    if (err == 0) {
        end = ask(check);
        if (weir_cancelled() == 0)
            count(check, &end);
    }
    free(check);
    return 0;
}

/* Copies what a check needs. Returns: false: there is no instance in that place, or it
 * can not be told. */
static bool prepare(struct check *check, weir_backend *b, int number)
{
    struct weir__backend_shared *s = b->member.shared;
    const struct weir__instance *instance = &s->common->instances[number];
    bool is_here;

    *check = (struct check){.backend = b, .number = number};
    if (!weir__backend_try_lock(s))
        return false;
    is_here = instance->presence == WEIR__INSTANCE_HERE;
    check->generation = instance->generation;
    (void)snprintf(check->address, sizeof check->address, "%s", instance->address);
    check->origin = s->settings.urls[weir__instance_url(instance)].origin;
    weir__backend_unlock(s);
    return is_here;
}

static void begin_check(weir_scope *scope, weir_backend *b, weir_client *client, int number)
{
    struct check *check = malloc(sizeof *check);

    if (check == NULL || !prepare(check, b, number)) {
        free(check);
        return;
    }
    check->client = client;
    if (weir_spawn(scope, "health check", run_check, check) < 0)
        free(check);
}

/* Checks all instances once. A client of its own, so that each check makes a connection. */
static void check_all(weir_backend *b)
{
    const weir_client_options options = {.connections_per_origin = 2,
                                         .origins = WEIR__INSTANCES_MAX + 1,
                                         .connect_timeout = weir__backend_options(b)->health.timeout,
                                         .tls = weir__backend_options(b)->tls,
                                         .quiet = true};
    weir_client *client;
    weir_scope checks;

    if (weir_client_open(&options, &client) < 0)
        return;
    weir_scope_open(&checks, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < WEIR__INSTANCES_MAX; i++)
        begin_check(&checks, b, client, i);
    (void)weir_scope_close(&checks);
    weir_client_close(client);
}

static int check_health(void *arg)
{
    weir_backend *b = arg;
    const weir_duration every = weir__backend_options(b)->health.every;
    int err = 0;

    while (err == 0) {
        weir_instant next = weir_after(every);
        check_all(b);
        err = weir_sleep_until(next);
    }
    return err;
}

/* --- keeping --- */

struct follower {
    weir_backend *backend;
    int url;
};

static int follow(void *arg)
{
    const struct follower *f = arg;

    return weir__backend_follow(f->backend, f->url);
}

static void keep_in(weir_scope *scope, weir_backend *b)
{
    struct follower followers[WEIR__BACKEND_URLS_MAX];
    const struct weir__backend_settings *settings = &b->member.shared->settings;

    for (int i = 0; i < settings->url_count; i++) {
        followers[i] = (struct follower){b, i};
        if (settings->urls[i].host != NULL)
            (void)weir_spawn(scope, "following a name", follow, &followers[i]);
    }
    if (settings->options.health.path != NULL)
        (void)weir_spawn(scope, "health checks", check_health, b);
    (void)weir_scope_close(scope);
}

static int keep(void *arg)
{
    weir_backend *b = arg;
    weir_scope scope;

    weir_task_set_name("backend %s", weir__backend_options(b)->name);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    b->keeping = &scope;
    if (b->closing)
        weir_scope_cancel(&scope);
    keep_in(&scope, b);
    b->keeping = NULL;
    weir__backend_disclaim(&b->member, true);
    b->keeps = false;
    weir_event_set(&b->kept);
    return 0;
}

void weir__backend_keep(weir_backend *b)
{
    if (!weir__backend_claim(&b->member))
        return;
    weir_event_reset(&b->kept);
    b->keeps = true;
    if (weir_post(b->member.loop->runtime, b->member.loop->index, "backend", keep, b) == 0)
        return;
    b->keeps = false; /* the runtime ends, or has no memory */
    weir__backend_disclaim(&b->member, false);
}

void weir__backend_keep_no_more(weir_backend *b)
{
    weir_scope shield;

    b->closing = true;
    if (b->keeping != NULL)
        weir_scope_cancel(b->keeping);
    weir__scope_open_long_shield(&shield, weir_never());
    while (b->keeps && weir_event_wait(&b->kept) == 0)
        ;
    (void)weir_scope_close(&shield);
}
