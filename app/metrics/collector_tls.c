/* SPDX-License-Identifier: MIT */
#include "metrics/collector_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/tls.h>

#include "config/backend.h"

/* --- certificates --- */

static void close_certificates(struct snapshot_tls *tls)
{
    for (size_t i = 0; i < tls->certificate_count; i++) {
        free(tls->certificates[i].cert);
        free(tls->certificates[i].names);
        free(tls->certificates[i].key);
        free(tls->certificates[i].failed);
    }
    free(tls->certificates);
    tls->certificates = NULL;
    tls->certificate_count = 0;
}

/* Takes one over; without memory it is left out. */
static void take_certificate(void *arg, const weir_tls_certificate_info *info)
{
    struct snapshot_tls *tls = arg;
    struct snapshot_certificate *more =
        realloc(tls->certificates, (tls->certificate_count + 1) * sizeof *more);
    struct snapshot_certificate *one;

    if (more == NULL)
        return;
    tls->certificates = more;
    one = &more[tls->certificate_count++];
    *one = (struct snapshot_certificate){
        .cert = strdup(info->cert),
        .names = strdup(info->names),
        .key = strdup(info->key),
        .failed = info->failed != NULL ? strdup(info->failed) : NULL,
        .not_before_s = info->not_before_s,
        .not_after_s = info->not_after_s,
    };
    if (one->cert != NULL && one->names != NULL && one->key != NULL)
        return;
    free(one->cert);
    free(one->names);
    free(one->key);
    free(one->failed);
    tls->certificate_count--;
}

void collect_certificates(struct snapshot *s, const struct gateway_status *status)
{
    for (size_t i = 0; i < s->tls_count && i < status->context_count; i++) {
        close_certificates(&s->tls[i]);
        weir_tls_certificates_each(status->contexts[i].tls, take_certificate, &s->tls[i]);
    }
}

/* --- contexts --- */

static char *name_of(const struct snapshot *s, const struct gateway_status *status,
                     const struct gateway_context *context)
{
    const char *address;

    if (context->side == GATEWAY_TLS_BACKEND)
        return strdup(s->config->backends[context->number].options.name);
    if (context->side != GATEWAY_TLS_LISTENER)
        return strdup("");
    address = status->server != NULL ? weir_server_address(status->server, context->number) : NULL;
    return strdup(address != NULL ? address : s->config->listen[context->number].text);
}

static int open_one(struct snapshot *s, const struct gateway_status *status, size_t i)
{
    struct snapshot_tls *tls = &s->tls[i];

    tls->side = status->contexts[i].side;
    tls->name = name_of(s, status, &status->contexts[i]);
    return tls->name != NULL ? series_open_plain(&tls->handshakes, TLS_NUMBERS) : -ENOMEM;
}

static void close_one(struct snapshot_tls *tls)
{
    close_certificates(tls);
    series_close(&tls->handshakes);
    free(tls->name);
}

/* The contexts are known once the gateway runs, and stay the same. */
static int open_all(struct snapshot *s, const struct gateway_status *status)
{
    int err = 0;

    if (s->tls != NULL || status->context_count == 0)
        return 0;
    s->tls = calloc(status->context_count, sizeof *s->tls);
    while (s->tls != NULL && err == 0 && s->tls_count < status->context_count) {
        err = open_one(s, status, s->tls_count);
        s->tls_count++;
    }
    if (err < 0)
        close_tls(s);
    return s->tls != NULL ? 0 : -ENOMEM;
}

void close_tls(struct snapshot *s)
{
    while (s->tls_count > 0)
        close_one(&s->tls[--s->tls_count]);
    free(s->tls);
    s->tls = NULL;
}

void take_tls(struct snapshot_tls *tls, const weir_tls_stats *stats)
{
    uint64_t numbers[TLS_NUMBERS] = {[TLS_HANDSHAKES] = stats->handshakes, [TLS_RESUMED] = stats->resumed};

    memcpy(numbers + TLS_FAILED, stats->failures, sizeof stats->failures);
    tls->in_progress = stats->in_progress;
    series_update(&tls->handshakes, NULL, numbers);
}

void collect_tls(struct snapshot *s, const struct gateway_status *status)
{
    if (open_all(s, status) < 0)
        return;
    for (size_t i = 0; i < s->tls_count && i < status->context_count; i++) {
        weir_tls_stats stats;
        weir_tls_stats_get(status->contexts[i].tls, &stats);
        take_tls(&s->tls[i], &stats);
    }
}
