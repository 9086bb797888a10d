/* SPDX-License-Identifier: MIT */
#include "tls/context/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>

#include "core/runtime.h"
#include "tls/context/context_record.h"

void weir__tls_runtime_init(struct weir__tls_runtime *r)
{
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_mutex_init(&r->making, NULL);
    weir__list_init(&r->contexts);
    weir__list_init(&r->ticket_keys);
}

static void close_left_open(struct weir__tls_runtime *r)
{
    weir_tls *tls = weir__container_of(r->contexts.next, weir_tls, node);
    char place[160] = "";

    if (tls->runtime->name_place != NULL)
        tls->runtime->name_place(tls->runtime, tls->opened_at, place, sizeof place);
    weir_log(WEIR_LOG_WARN, "TLS context left open at the end of weir_run()", WEIR_KV("opened_at", place));
    atomic_store(&tls->holds, 1);
    weir_tls_close(tls);
}

void weir__tls_runtime_free(struct weir__tls_runtime *r)
{
    weir_tls_close(atomic_exchange(&r->default_client, NULL));
    while (!weir__list_is_empty(&r->contexts))
        close_left_open(r);
    weir__tls_authorities_drop(r->system);
    (void)pthread_mutex_destroy(&r->making);
    (void)pthread_mutex_destroy(&r->lock);
}

/* --- authorities --- */

int weir__tls_system_authorities(struct weir__tls_runtime *r, struct weir__tls_authorities **out,
                                 struct weir__tls_fault *fault)
{
    int err = 0;

    (void)pthread_mutex_lock(&r->making);
    if (r->system == NULL)
        err = weir__tls_authorities_load_system(&r->system, fault);
    if (err == 0)
        *out = weir__tls_authorities_share(r->system);
    (void)pthread_mutex_unlock(&r->making);
    return err;
}

/* --- keys for tickets --- */

static struct weir__ticket_keys *find(struct weir__tls_runtime *r, const char *files)
{
    weir__list_each (node, &r->ticket_keys) {
        struct weir__ticket_keys *keys = weir__container_of(node, struct weir__ticket_keys, node);

        if (strcmp(keys->files, files) == 0)
            return keys;
    }
    return NULL;
}

int weir__tls_ticket_keys(struct weir_runtime *runtime, const char *files, struct weir__ticket_keys **out)
{
    struct weir__tls_runtime *r = runtime->tls;
    struct weir__ticket_keys *keys;
    int err = 0;

    (void)pthread_mutex_lock(&r->lock);
    keys = find(r, files);
    if (keys != NULL)
        keys->users++;
    else {
        err = weir__ticket_keys_open(files, runtime->options.shared, &keys);
        if (err == 0)
            weir__list_push_back(&r->ticket_keys, &keys->node);
    }
    (void)pthread_mutex_unlock(&r->lock);
    if (err == 0)
        *out = keys;
    return err;
}

void weir__tls_ticket_keys_drop(struct weir__tls_runtime *r, struct weir__ticket_keys *keys)
{
    bool was_last;

    if (keys == NULL)
        return;
    (void)pthread_mutex_lock(&r->lock);
    was_last = --keys->users == 0;
    if (was_last)
        weir__list_remove(&keys->node);
    (void)pthread_mutex_unlock(&r->lock);
    if (was_last)
        weir__ticket_keys_close(keys);
}
