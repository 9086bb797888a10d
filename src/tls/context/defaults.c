/* SPDX-License-Identifier: MIT */
/* The client's context of a runtime: all defaults, and HTTP/1.1 as its protocol. */
#include <weir/pool.h>

#include "core/runtime.h"
#include "tls/context/open.h"
#include "tls/context/runtime.h"

struct making {
    weir_runtime *runtime;
    struct weir__tls_fault fault;
};

/* The first makes it; others, on other workers, wait for that. */
static int make_default(weir_job *job, void *arg)
{
    static const char *const http[] = {"http/1.1"};
    static const weir_tls_client_options options = {.alpn = http, .alpn_count = 1};
    struct making *m = arg;
    struct weir__tls_runtime *r = m->runtime->tls;
    weir_tls *tls;
    int err;

    (void)job;
    /* Read before, since that locks by itself. */
    if (atomic_load(&r->default_client) != NULL)
        return 0;
    err = weir__tls_client_make(m->runtime, &options, (const void *)(uintptr_t)make_default, &tls, &m->fault);
    if (err < 0)
        return err;
    (void)pthread_mutex_lock(&r->making);
    if (atomic_load(&r->default_client) == NULL) {
        atomic_store(&r->default_client, tls);
        tls = NULL;
    }
    (void)pthread_mutex_unlock(&r->making);
    weir_tls_close(tls);
    return 0;
}

int weir__tls_default_client(const char **why, weir_tls **out)
{
    const weir_offload_options waits = {.when_full = WEIR_WAIT};
    struct making m = {.runtime = weir_runtime_here()};
    struct weir__tls_runtime *r = m.runtime->tls;
    weir_tls *tls = atomic_load(&r->default_client);
    int err = 0;

    if (tls == NULL)
        err = weir_offload_with(weir_pool_blocking(), "default TLS client", make_default, &m, &waits);
    if (why != NULL)
        *why = weir__tls_open_why(m.runtime, err, &m.fault);
    if (err < 0)
        return err;
    *out = weir_tls_hold(atomic_load(&r->default_client));
    return 0;
}
