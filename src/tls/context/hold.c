/* SPDX-License-Identifier: MIT */
/* Contexts: holding and closing, and what is asked of them. */
#include <stdlib.h>

#include "core/runtime.h"
#include "tls/context/content.h"
#include "tls/context/context_record.h"
#include "tls/context/runtime.h"

weir_tls *weir_tls_hold(weir_tls *tls)
{
    (void)atomic_fetch_add_explicit(&tls->holds, 1, memory_order_relaxed);
    return tls;
}

void weir_tls_close(weir_tls *tls)
{
    struct weir__tls_runtime *r;

    if (tls == NULL || atomic_fetch_sub_explicit(&tls->holds, 1, memory_order_acq_rel) > 1)
        return;
    r = tls->runtime->tls;
    (void)pthread_mutex_lock(&r->lock);
    weir__list_remove(&tls->node);
    (void)pthread_mutex_unlock(&r->lock);
    weir__tls_free(tls);
}

static void free_pair(struct weir__tls_pair *p)
{
    weir__tls_certificate_drop(p->certificate);
    free(p->failed);
    free(p->cert);
    free(p->key);
}

void weir__tls_free(weir_tls *tls)
{
    weir__tls_content_drop(tls->content);
    weir__tls_ticket_keys_drop(tls->runtime->tls, tls->tickets);
    for (size_t i = 0; tls->pairs != NULL && i < tls->pair_count; i++)
        free_pair(&tls->pairs[i]);
    free(tls->pairs);
    weir__tls_authorities_drop(tls->ca.authorities);
    free(tls->ca.failed);
    free(tls->ca.path);
    weir__alpn_free(&tls->alpn);
    free(tls->server_name);
    free(tls->counts);
    (void)pthread_mutex_destroy(&tls->lock);
    free(tls);
}

struct weir__layer *weir__tls_layer(weir_tls *tls)
{
    return &tls->layer;
}

bool weir__tls_is_server(const weir_tls *tls)
{
    return tls->is_server;
}

bool weir__tls_is_slow(const weir_tls *tls)
{
    return atomic_load_explicit(&tls->is_slow, memory_order_relaxed);
}

void weir_tls_certificates_each(const weir_tls *tls,
                                void (*fn)(void *arg, const weir_tls_certificate_info *info), void *arg)
{
    pthread_mutex_t *lock = &((weir_tls *)(uintptr_t)tls)->lock;

    (void)pthread_mutex_lock(lock);
    for (size_t i = 0; i < tls->pair_count; i++) {
        const struct weir__tls_pair *p = &tls->pairs[i];
        const struct weir__tls_certificate *c = p->certificate;

        fn(arg, &(weir_tls_certificate_info){.cert = p->cert,
                                             .names = c->names,
                                             .key = c->key_words,
                                             .not_before_s = c->not_before_s,
                                             .not_after_s = c->not_after_s,
                                             .failed = p->failed});
    }
    (void)pthread_mutex_unlock(lock);
}
