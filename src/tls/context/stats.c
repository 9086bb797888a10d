/* SPDX-License-Identifier: MIT */
/* Statistics of contexts. Each loop counts in a place of its own; a job counts in that of the first. */
#include "core/runtime.h"
#include "tls/context/context_record.h"

static struct weir__tls_counts *counts_here(weir_tls *tls)
{
    const struct weir__loop *loop = weir__loop_current();

    return &tls->counts[loop != NULL ? loop->index : 0];
}

static void count(_Atomic uint64_t *counter)
{
    (void)atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void weir__tls_began(weir_tls *tls)
{
    count(&counts_here(tls)->began);
}

void weir__tls_succeeded(weir_tls *tls, const SSL *ssl)
{
    struct weir__tls_counts *c = counts_here(tls);

    count(&c->ended);
    count(&c->succeeded);
    if (SSL_session_reused(ssl))
        count(&c->resumed);
}

void weir__tls_not_begun(weir_tls *tls)
{
    count(&counts_here(tls)->ended);
}

void weir__tls_failed(weir_tls *tls, enum weir_tls_failure failure, bool in_handshake)
{
    struct weir__tls_counts *c = counts_here(tls);

    if (in_handshake)
        count(&c->ended);
    count(&c->failures[(unsigned)failure < WEIR_TLS_FAILURES ? failure : WEIR_TLS_FAILED_OTHER]);
}

static uint64_t read_count(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void weir_tls_stats_get(const weir_tls *tls, weir_tls_stats *stats)
{
    uint64_t began = 0, ended = 0;

    *stats = (weir_tls_stats){0};
    for (int i = 0; i < tls->runtime->loop_count; i++) {
        const struct weir__tls_counts *c = &tls->counts[i];

        ended += read_count(&c->ended);
        began += read_count(&c->began);
        stats->handshakes += read_count(&c->succeeded);
        stats->resumed += read_count(&c->resumed);
        for (int f = 0; f < WEIR_TLS_FAILURES; f++)
            stats->failures[f] += read_count(&c->failures[f]);
    }
    stats->in_progress = began > ended ? (int)(began - ended) : 0;
}

const char *weir_tls_failure_name(enum weir_tls_failure failure)
{
    static const char *const names[WEIR_TLS_FAILURES] = {
        [WEIR_TLS_FAILED_VERSION] = "version", [WEIR_TLS_FAILED_CIPHER] = "cipher",
        [WEIR_TLS_FAILED_ALPN] = "alpn",       [WEIR_TLS_FAILED_EXPIRED] = "expired",
        [WEIR_TLS_FAILED_NAME] = "name",       [WEIR_TLS_FAILED_AUTHORITY] = "authority",
        [WEIR_TLS_FAILED_NONE] = "none",       [WEIR_TLS_FAILED_REFUSED] = "refused",
        [WEIR_TLS_FAILED_PLAIN] = "plain",     [WEIR_TLS_FAILED_GARBAGE] = "garbage",
        [WEIR_TLS_FAILED_LEFT] = "left",       [WEIR_TLS_FAILED_TIME] = "time",
        [WEIR_TLS_FAILED_OTHER] = "other",
    };

    return (unsigned)failure < WEIR_TLS_FAILURES ? names[failure] : "?";
}
