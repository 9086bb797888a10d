/* SPDX-License-Identifier: MIT */
#include "http/client/backend/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/resolver.h>
#include <weir/task.h>

#include "http/client/backend/table.h"

/* Beside each other, because both are too large for the stack of a task. */
struct addresses {
    weir_resolved resolved;
    char text[WEIR_RESOLVED_MAX][WEIR__INSTANCE_ADDRESS_BYTES];
};

static void set(weir_backend *b, int url, struct addresses *a)
{
    const uint16_t port = b->member.shared->settings.urls[url].port;

    for (size_t i = 0; i < a->resolved.count; i++) {
        const char *ip = a->resolved.addresses[i];
        (void)snprintf(a->text[i], sizeof a->text[i], strchr(ip, ':') != NULL ? "[%s]:%u" : "%s:%u", ip,
                       port);
    }
    weir__backend_set_addresses(b->member.shared, url, (const char(*)[WEIR__INSTANCE_ADDRESS_BYTES])a->text,
                                (int)a->resolved.count, weir__loop_now_ns(b->member.loop));
}

static int look_up_one(weir_backend *b, int url, struct addresses *a, const char **why)
{
    int err = weir_resolve(b->member.shared->settings.urls[url].host, &a->resolved);

    if (err == 0 && a->resolved.count > 0)
        set(b, url, a);
    if (err == -WEIR_EDNS)
        *why = a->resolved.why;
    return err;
}

int weir__backend_look_up(weir_backend *b, const char **why)
{
    const struct weir__backend_settings *settings = &b->member.shared->settings;
    struct addresses *a = malloc(sizeof *a);
    int failure = 0;

    if (a == NULL)
        return -ENOMEM;
    for (int i = 0; i < settings->url_count && failure != -ENOMEM && weir_cancelled() == 0; i++) {
        int err = settings->urls[i].host != NULL ? look_up_one(b, i, a, why) : 0;
        failure = err < 0 ? err : failure;
    }
    free(a);
    return weir_cancelled() < 0 ? weir_cancelled() : failure;
}

static bool is_cancel(int err)
{
    return err == -WEIR_ECANCELED || err == -WEIR_EDEADLINE || err == -EDEADLK;
}

int weir__backend_follow(weir_backend *b, int url)
{
    const char *host = b->member.shared->settings.urls[url].host;
    struct addresses *a = calloc(1, sizeof *a);
    const char *why;
    int err = a != NULL ? look_up_one(b, url, a, &why) : -ENOMEM;

    while (a != NULL && !is_cancel(err)) {
        if (err < 0 && err != -WEIR_EDNS && weir_sleep(weir_seconds(1)) < 0) /* want of memory, or of room */
            break;
        err = weir_resolve_change(host, &a->resolved);
        if (err == 0 && a->resolved.count > 0)
            set(b, url, a);
    }
    free(a);
    return err;
}
