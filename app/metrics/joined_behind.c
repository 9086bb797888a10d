/* SPDX-License-Identifier: MIT */
/* What stands behind the gateway: origins, backends, and TLS to and from everyone. */
#include <stdlib.h>
#include <string.h>

#include "config/backend.h"
#include "metrics/joined_parts.h"

/* --- origins --- */

static void take_origin(struct snapshot_origin *origin, const struct totals_row *read)
{
    origin->known = true;
    origin->failing = origin->failing || read->values[ORIGIN_VALUE_FAILING] != 0;
    origin->in_use += (int)read->values[ORIGIN_VALUE_IN_USE];
    origin->idle += (int)read->values[ORIGIN_VALUE_IDLE];
    origin->waiting += (int)read->values[ORIGIN_VALUE_WAITING];
    if (read->texts[0] != NULL &&
        (origin->last_error == NULL || read->values[ORIGIN_VALUE_LAST_ERROR_NS] > origin->last_error_at.ns)) {
        origin->last_error = read->texts[0];
        origin->last_error_at.ns = read->values[ORIGIN_VALUE_LAST_ERROR_NS];
    }
}

static int by_name(const void *a, const void *b)
{
    const struct snapshot_origin *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static bool room_for_origins(struct snapshot *s, size_t count)
{
    s->origin_items = joined_room(s->origin_items, count, sizeof *s->origin_items);
    s->origins = joined_room(s->origins, count, sizeof(struct snapshot_origin *));
    s->failing_first = joined_room(s->failing_first, count, sizeof(struct snapshot_origin *));
    return s->origin_items != NULL && s->origins != NULL && s->failing_first != NULL;
}

void joined_origins(struct snapshot *s, const struct sums *sums, bool with_gone)
{
    struct totals_row read;

    s->origin_count = 0;
    if (!room_for_origins(s, joined_count(sums, TOTALS_ORIGIN, with_gone)))
        return;
    for (const struct sum_row *row = sums_first(sums, TOTALS_ORIGIN); row != NULL; row = sums_next(row)) {
        struct snapshot_origin *origin = &s->origin_items[s->origin_count];
        if (!joined_lists(row, with_gone))
            continue;
        *origin = (struct snapshot_origin){.name = (char *)(uintptr_t)row->keys[0], .requests = *row->series};
        for (size_t place = 0; sums_each_living(sums, row, &place, &read);)
            take_origin(origin, &read);
        s->origins[s->origin_count++] = origin;
    }
    if (s->origin_count > 1)
        qsort(s->origins, s->origin_count, sizeof(struct snapshot_origin *), by_name);
}

/* --- backends --- */

void joined_want_backends(struct sums *sums, const struct config *config)
{
    for (size_t i = 0; i < config->backend_count; i++) {
        const char *name = config->backends[i].options.name;
        (void)sums_want(sums, TOTALS_BACKEND, (const char *const[]){name, NULL});
        joined_want_attempts(sums, name);
    }
}

static void take_error(struct snapshot_instance *i, const struct totals_row *read)
{
    if (read->texts[INSTANCE_LAST_CHECK] != NULL)
        i->last_check = read->texts[INSTANCE_LAST_CHECK];
    if (read->texts[INSTANCE_LAST_ERROR] != NULL &&
        (i->last_error == NULL || read->values[INSTANCE_VALUE_LAST_ERROR_NS] > i->last_error_at.ns)) {
        i->last_error = read->texts[INSTANCE_LAST_ERROR];
        i->last_error_at.ns = read->values[INSTANCE_VALUE_LAST_ERROR_NS];
    }
}

/* Of several states the one that is worst for requests; of equal ones the older. */
static int badness(enum weir_instance_state state)
{
    return state == WEIR_INSTANCE_DOWN      ? 3
           : state == WEIR_INSTANCE_EJECTED ? 2
           : state == WEIR_INSTANCE_UP      ? 1
                                            : 0;
}

static void take_instance(struct snapshot_instance *i, const struct totals_row *read)
{
    const enum weir_instance_state state = (enum weir_instance_state)read->values[INSTANCE_VALUE_STATE];
    const weir_instant since = {read->values[INSTANCE_VALUE_SINCE_NS]};
    const int worse = badness(state) - badness(i->state);

    if (!i->known || worse > 0 || (worse == 0 && since.ns < i->since.ns)) {
        i->state = state;
        i->since = since;
    }
    i->known = true;
    i->in_use += (int)read->values[INSTANCE_VALUE_IN_USE];
    take_error(i, read);
}

static size_t count_instances(const struct sums *sums, const char *backend)
{
    size_t count = 0;

    for (const struct sum_row *row = sums_first(sums, TOTALS_INSTANCE); row != NULL; row = sums_next(row))
        count += row->lives && strcmp(row->keys[0], backend) == 0;
    return count;
}

static void fill_instances(struct snapshot_backend *b, const struct sums *sums)
{
    struct totals_row read;

    b->instances = joined_room(NULL, count_instances(sums, b->options->name), sizeof *b->instances);
    for (const struct sum_row *row = sums_first(sums, TOTALS_INSTANCE); row != NULL && b->instances != NULL;
         row = sums_next(row)) {
        struct snapshot_instance *instance = &b->instances[b->instance_count];
        if (!row->lives || strcmp(row->keys[0], b->options->name) != 0)
            continue;
        *instance =
            (struct snapshot_instance){.address = (char *)(uintptr_t)row->keys[1], .requests = *row->series};
        for (size_t place = 0; sums_each_apart(sums, row, &place, &read);)
            take_instance(instance, &read);
        b->instance_count++;
    }
}

static void take_backend_row(struct snapshot_backend *b, const struct totals_row *read)
{
    b->in_use += (int)read->values[BACKEND_VALUE_IN_USE];
    b->limit += (int)read->values[BACKEND_VALUE_LIMIT];
    b->waiting += (int)read->values[BACKEND_VALUE_WAITING];
    b->connections += (int)read->values[BACKEND_VALUE_CONNECTIONS];
    b->panics = b->panics || read->values[BACKEND_VALUE_PANICS] != 0;
    if (read->values[BACKEND_VALUE_OPEN] == 0)
        return;
    if (!b->open || read->values[BACKEND_VALUE_OPEN_SINCE_NS] < b->open_since.ns)
        b->open_since.ns = read->values[BACKEND_VALUE_OPEN_SINCE_NS];
    b->open = true;
}

/* Returns: the options of a backend; NULL: it is not in the configuration. */
static const weir_backend_options *options_of(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->backend_count; i++)
        if (strcmp(config->backends[i].options.name, name) == 0)
            return &config->backends[i].options;
    return NULL;
}

static bool add_backend(struct snapshot *s, const struct sums *sums, const struct sum_row *row,
                        const weir_backend_options *options)
{
    struct snapshot_backend *b = &s->backends[s->backend_count];
    weir_backend_options *own = options == NULL ? calloc(1, sizeof *own) : NULL;
    struct totals_row read;

    if (options == NULL && own == NULL)
        return false;
    if (own != NULL)
        own->name = row->keys[0];
    *b = (struct snapshot_backend){
        .options = own != NULL ? own : options, .requests = *row->series, .own_options = own};
    b->attempts = joined_attempts(sums, b->options->name);
    for (size_t place = 0; sums_each_apart(sums, row, &place, &read);)
        take_backend_row(b, &read);
    if (b->limit == 0)
        b->limit = b->options->limit; /* no process has reported it yet */
    fill_instances(b, sums);
    b->panics = b->panics && snapshot_backend_up(b) == 0;
    s->backend_count++;
    return true;
}

static void free_backends(struct snapshot *s)
{
    for (size_t i = 0; i < s->backend_count; i++) {
        free(s->backends[i].instances);
        free(s->backends[i].own_options);
    }
    s->backend_count = 0;
}

void joined_backends(struct snapshot *s, const struct sums *sums, bool with_gone)
{
    const struct config *config = s->config;

    free_backends(s);
    s->backends =
        joined_room(s->backends, joined_count(sums, TOTALS_BACKEND, with_gone), sizeof *s->backends);
    if (s->backends == NULL)
        return;
    for (size_t i = 0; i < config->backend_count; i++) {
        const weir_backend_options *options = &config->backends[i].options;
        const struct sum_row *row =
            sums_find(sums, TOTALS_BACKEND, (const char *const[]){options->name, NULL});
        if (row != NULL && joined_lists(row, with_gone))
            (void)add_backend(s, sums, row, options);
    }
    for (const struct sum_row *row = sums_first(sums, TOTALS_BACKEND); row != NULL; row = sums_next(row))
        if (joined_lists(row, with_gone) && options_of(config, row->keys[0]) == NULL)
            (void)add_backend(s, sums, row, NULL);
}

/* --- TLS --- */

static enum gateway_tls_side side_of(const char *name)
{
    return strcmp(name, "listener") == 0  ? GATEWAY_TLS_LISTENER
           : strcmp(name, "backend") == 0 ? GATEWAY_TLS_BACKEND
                                          : GATEWAY_TLS_OTHERS;
}

static bool is_of(const struct sum_row *certificate, const struct sum_row *tls)
{
    return certificate->lives && strcmp(certificate->keys[0], tls->keys[0]) == 0 &&
           strcmp(certificate->keys[1], tls->keys[1]) == 0;
}

/* Processes read the files at their own times: the certificate that expires first counts, and any fault. */
static void take_certificate(struct snapshot_certificate *c, const struct totals_row *read)
{
    if (c->names == NULL || read->values[CERTIFICATE_NOT_AFTER_S] < c->not_after_s) {
        c->names =
            (char *)(uintptr_t)(read->texts[CERTIFICATE_NAMES] != NULL ? read->texts[CERTIFICATE_NAMES] : "");
        c->key =
            (char *)(uintptr_t)(read->texts[CERTIFICATE_KEY] != NULL ? read->texts[CERTIFICATE_KEY] : "");
        c->not_before_s = read->values[CERTIFICATE_NOT_BEFORE_S];
        c->not_after_s = read->values[CERTIFICATE_NOT_AFTER_S];
    }
    if (read->texts[CERTIFICATE_FAILED] != NULL)
        c->failed = (char *)(uintptr_t)read->texts[CERTIFICATE_FAILED];
}

static void fill_certificates(struct snapshot_tls *tls, const struct sums *sums, const struct sum_row *of)
{
    struct totals_row read;
    size_t count = 0;

    for (const struct sum_row *row = sums_first(sums, TOTALS_CERTIFICATE); row != NULL; row = sums_next(row))
        count += is_of(row, of);
    tls->certificates = joined_room(NULL, count, sizeof *tls->certificates);
    for (const struct sum_row *row = sums_first(sums, TOTALS_CERTIFICATE);
         row != NULL && tls->certificates != NULL; row = sums_next(row)) {
        struct snapshot_certificate *c = &tls->certificates[tls->certificate_count];
        if (!is_of(row, of))
            continue;
        *c = (struct snapshot_certificate){.cert = (char *)(uintptr_t)row->keys[2]};
        for (size_t place = 0; sums_each_living(sums, row, &place, &read);)
            take_certificate(c, &read);
        tls->certificate_count++;
    }
}

static void free_tls(struct snapshot *s)
{
    for (size_t i = 0; i < s->tls_count; i++)
        free(s->tls[i].certificates);
    s->tls_count = 0;
}

void joined_tls(struct snapshot *s, const struct sums *sums, bool with_gone)
{
    struct totals_row read;

    free_tls(s);
    s->tls = joined_room(s->tls, joined_count(sums, TOTALS_TLS, with_gone), sizeof *s->tls);
    for (const struct sum_row *row = sums_first(sums, TOTALS_TLS); row != NULL && s->tls != NULL;
         row = sums_next(row)) {
        struct snapshot_tls *tls = &s->tls[s->tls_count];
        if (!joined_lists(row, with_gone))
            continue;
        *tls = (struct snapshot_tls){.side = side_of(row->keys[0]),
                                     .name = (char *)(uintptr_t)row->keys[1],
                                     .handshakes = *row->series};
        for (size_t place = 0; sums_each_living(sums, row, &place, &read);)
            tls->in_progress += (int)read.values[0];
        fill_certificates(tls, sums, row);
        s->tls_count++;
    }
}

/* --- freeing --- */

void joined_free(struct snapshot *s)
{
    free_backends(s);
    free_tls(s);
    free(s->origin_items);
    free(s->origins);
    free(s->failing_first);
    free(s->backends);
    free(s->tls);
    free(s->routes);
    free(s->gathers);
    free(s->gather_calls);
    free(s->loops);
    free(s->pools);
    free(s->apps);
}
