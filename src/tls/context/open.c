/* SPDX-License-Identifier: MIT */
#include "tls/context/open.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/address.h>
#include <weir/pool.h>

#include "base/reserved.h"
#include "core/runtime.h"
#include "core/task.h"
#include "tls/context/recheck.h"
#include "tls/context/runtime.h"

enum { CERTIFICATES_MAX = 1000, RECHECK_S = 10 };

static const int64_t s_ns = 1000000000;

/* --- making --- */

/* What both sides have in common. */
struct common {
    bool is_server;
    const weir_tls_certificate *certificates;
    size_t certificate_count;
    const char *ca;
    enum weir_tls_version min;
    const char *const *alpn;
    size_t alpn_count;
    weir_duration recheck;
};

static int invalid(struct weir__tls_fault *fault, const char *what)
{
    return weir__tls_fault(fault, -EINVAL, "%s", what);
}

static int check(const struct common *o, struct weir__tls_fault *fault)
{
    if (o->certificate_count > CERTIFICATES_MAX || (o->certificate_count > 0 && o->certificates == NULL))
        return invalid(fault, "at most 1000 certificates were expected");
    for (size_t i = 0; i < o->certificate_count; i++)
        if (o->certificates[i].cert == NULL || o->certificates[i].key == NULL)
            return invalid(fault, "a certificate needs a key, and a key a certificate");
    if (o->min != 0 && o->min != WEIR_TLS_1_2 && o->min != WEIR_TLS_1_3)
        return invalid(fault, "TLS 1.2 or 1.3 was expected as the lowest version");
    if (o->recheck.ns < 0)
        return invalid(fault, "recheck is negative");
    return 0;
}

static bool copy(const char *text, char **out)
{
    *out = text != NULL ? strdup(text) : NULL;
    return text == NULL || *out != NULL;
}

static int copy_texts(weir_tls *tls, const struct common *o)
{
    tls->pairs = calloc(o->certificate_count + 1, sizeof *tls->pairs);
    tls->counts = aligned_alloc(_Alignof(struct weir__tls_counts),
                                (size_t)tls->runtime->loop_count * sizeof *tls->counts);
    if (tls->pairs == NULL || tls->counts == NULL)
        return -ENOMEM;
    memset(tls->counts, 0, (size_t)tls->runtime->loop_count * sizeof *tls->counts);
    tls->pair_count = o->certificate_count;
    for (size_t i = 0; i < tls->pair_count; i++)
        if (!copy(o->certificates[i].cert, &tls->pairs[i].cert) ||
            !copy(o->certificates[i].key, &tls->pairs[i].key))
            return -ENOMEM;
    return copy(o->ca, &tls->ca.path) ? 0 : -ENOMEM;
}

/* Makes a context that holds nothing of its files yet. */
static int make(weir_runtime *runtime, const struct common *o, const void *opened_at, weir_tls **out,
                struct weir__tls_fault *fault)
{
    int err = check(o, fault);
    weir_tls *tls;

    if (err < 0)
        return err;
    tls = calloc(1, sizeof *tls);
    if (tls == NULL)
        return weir__tls_fault(fault, -ENOMEM, "TLS: no memory");
    atomic_init(&tls->holds, 1);
    tls->is_server = o->is_server;
    tls->min = o->min;
    tls->runtime = runtime;
    tls->opened_at = opened_at;
    tls->recheck_ns = o->recheck.ns > 0 ? o->recheck.ns : RECHECK_S * s_ns;
    if (tls->recheck_ns > INT64_MAX / 4) /* never; twice as long is computed with */
        tls->recheck_ns = INT64_MAX / 4;
    weir__list_init(&tls->node);
    weir__list_init(&tls->waiters);
    (void)pthread_mutex_init(&tls->lock, NULL);
    err = copy_texts(tls, o);
    if (err < 0)
        (void)weir__tls_fault(fault, err, "TLS: no memory");
    else {
        err = weir__alpn_init(&tls->alpn, o->alpn, o->alpn_count);
        if (err < 0)
            (void)weir__tls_fault(fault, err, "a protocol of 1 to 255 bytes was expected");
    }
    if (err < 0)
        weir__tls_free(tls);
    else
        *out = tls;
    return err;
}

/* Names the files that tickets are for, in one text. Returns: NULL: no memory. */
static char *name_files(const weir_tls *tls)
{
    const char *ca = tls->ca.path != NULL ? tls->ca.path : "";
    size_t bytes = strlen(ca) + 2;
    char *text, *at;

    for (size_t i = 0; i < tls->pair_count; i++)
        bytes += strlen(tls->pairs[i].cert) + 1;
    text = at = malloc(bytes);
    for (size_t i = 0; text != NULL && i < tls->pair_count; i++)
        at += sprintf(at, "%s\n", tls->pairs[i].cert);
    if (text != NULL)
        (void)sprintf(at, "\n%s", ca);
    return text;
}

static int open_tickets(weir_tls *tls, struct weir__tls_fault *fault)
{
    char *files = name_files(tls);
    int err = files != NULL ? weir__tls_ticket_keys(tls->runtime, files, &tls->tickets) : -ENOMEM;

    free(files);
    return err < 0 ? weir__tls_fault(fault, err, "TLS: no memory") : 0;
}

/* Reads the files of a context, which is then complete. Frees it if that fails. */
static int complete(weir_tls *tls, weir_tls **out, struct weir__tls_fault *fault)
{
    struct weir__tls_runtime *r = tls->runtime->tls;
    int err = tls->is_server ? open_tickets(tls, fault) : 0;

    if (err == 0)
        err = weir__tls_read_all(tls, fault);
    if (err < 0) {
        weir__tls_free(tls);
        return err;
    }
    atomic_store(&tls->looked_ns, weir_now().ns);
    (void)pthread_mutex_lock(&r->lock);
    weir__list_push_back(&r->contexts, &tls->node);
    (void)pthread_mutex_unlock(&r->lock);
    *out = tls;
    return 0;
}

int weir__tls_server_make(weir_runtime *runtime, const weir_tls_server_options *o, const void *opened_at,
                          weir_tls **out, struct weir__tls_fault *fault)
{
    struct common common = {.is_server = true,
                            .certificates = o->certificates,
                            .certificate_count = o->certificate_count,
                            .ca = o->client_ca,
                            .min = o->min,
                            .alpn = o->alpn,
                            .alpn_count = o->alpn_count,
                            .recheck = o->recheck};
    weir_tls *tls;
    int err;

    if (!weir__reserved_is_zero(o->reserved, sizeof o->reserved))
        return invalid(fault, "options of a later version");
    if (o->certificate_count == 0)
        return invalid(fault, "a server needs a certificate");
    err = make(runtime, &common, opened_at, &tls, fault);
    return err < 0 ? err : complete(tls, out, fault);
}

int weir__tls_client_make(weir_runtime *runtime, const weir_tls_client_options *o, const void *opened_at,
                          weir_tls **out, struct weir__tls_fault *fault)
{
    struct weir_tls_certificate own = {o->cert, o->key};
    struct common common = {.certificates = &own,
                            .certificate_count = o->cert != NULL || o->key != NULL,
                            .ca = o->ca,
                            .min = o->min,
                            .alpn = o->alpn,
                            .alpn_count = o->alpn_count,
                            .recheck = o->recheck};
    weir_tls *tls;
    int err;

    if (!weir__reserved_is_zero(o->reserved, sizeof o->reserved))
        return invalid(fault, "options of a later version");
    if (o->server_name != NULL &&
        weir_host_type_of(weir_host_without_dot((weir_bytes){o->server_name, strlen(o->server_name)})) ==
            WEIR_HOST_INVALID)
        return invalid(fault, "server_name is neither a name nor an address");
    if (o->unverified && o->ca != NULL)
        return invalid(fault, "ca together with unverified: one of them was expected");
    err = make(runtime, &common, opened_at, &tls, fault);
    if (err < 0)
        return err;
    tls->is_unverified = o->unverified;
    if (!copy(o->server_name, &tls->server_name)) {
        weir__tls_free(tls);
        return weir__tls_fault(fault, -ENOMEM, "TLS: no memory");
    }
    return complete(tls, out, fault);
}

/* --- on the blocking pool --- */

struct opening {
    weir_runtime *runtime;
    const weir_tls_server_options *server; /* or NULL */
    const weir_tls_client_options *client;
    const void *opened_at;
    weir_tls *tls;
    struct weir__tls_fault fault;
};

static int open_job(weir_job *job, void *arg)
{
    struct opening *o = arg;

    (void)job;
    o->tls = NULL;
    return o->server != NULL ? weir__tls_server_make(o->runtime, o->server, o->opened_at, &o->tls, &o->fault)
                             : weir__tls_client_make(o->runtime, o->client, o->opened_at, &o->tls, &o->fault);
}

const char *weir__tls_open_why(weir_runtime *runtime, int err, const struct weir__tls_fault *fault)
{
    const char *why = NULL;

    if (err == 0)
        return NULL;
    if (fault->text[0] != '\0')
        why = weir__sentence_keep(&runtime->sentences, "%s", fault->text);
    return why != NULL ? why : weir_error_text(err);
}

static int open_context(struct opening *o, const char *name, const char **why, weir_tls **out)
{
    const weir_offload_options waits = {.when_full = WEIR_WAIT}; /* also on a machine that is busy */
    int err = weir_offload_with(weir_pool_blocking(), name, open_job, o, &waits);

    if (err == 0)
        *out = o->tls;
    if (why != NULL)
        *why = weir__tls_open_why(o->runtime, err, &o->fault);
    return err;
}

int weir__tls_server_open(const weir_tls_server_options *options, const void *opened_at, const char **why,
                          weir_tls **out)
{
    struct opening o = {.runtime = weir_runtime_here(), .server = options, .opened_at = opened_at};

    return open_context(&o, "weir_tls_server_open", why, out);
}

int weir_tls_client_open(const weir_tls_client_options *options, const char **why, weir_tls **out)
{
    static const weir_tls_client_options none = {0};
    struct opening o = {.runtime = weir_runtime_here(),
                        .client = options != NULL ? options : &none,
                        .opened_at = __builtin_return_address(0)};

    return open_context(&o, "weir_tls_client_open", why, out);
}
