/* SPDX-License-Identifier: MIT */
#include "gateway/tls_contexts.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "config/backend.h"
#include "config/route_kind.h"
#include "config/tls.h"

/* --- what is needed --- */

/* The first https URL that a route names itself. */
struct https_url {
    const char *origin; /* NULL: there is none */
    struct config_place place;
};

static void find_https(void *arg, const char *origin, struct config_place place)
{
    struct https_url *first = arg;

    if (first->origin == NULL && strncasecmp(origin, "https:", sizeof "https:" - 1) == 0)
        *first = (struct https_url){origin, place};
}

static struct https_url https_of_routes(const struct config *config)
{
    struct https_url first = {0};

    for (size_t i = 0; i < config->route_count; i++)
        if (config->routes[i].kind->backends != NULL)
            config->routes[i].kind->backends(config->routes[i].settings, find_https, &first);
    return first;
}

/* --- opening --- */

/* Takes over the result of opening one context.
 * Returns: 0, also after a fault; -WEIR_ECANCELED … when there is no use in going on. */
static int take(struct tls_contexts *contexts, struct config_faults *faults, struct config_place place,
                const char *why, int err)
{
    if (err == 0)
        contexts->count++;
    else if (err == -WEIR_ECANCELED || err == -WEIR_EDEADLINE || err == -ENOMEM)
        return err;
    else
        config_fault(faults, place, "TLS cannot be used: %s", why != NULL ? why : weir_error_text(err));
    return 0;
}

static int open_listener(struct tls_contexts *contexts, const struct config *config, size_t i,
                         struct config_faults *faults)
{
    const struct config_tls_server *tls = config->listen[i].tls;
    struct gateway_context *context = &contexts->items[contexts->count];
    const char *why = NULL;
    int err;

    if (tls == NULL)
        return 0;
    *context = (struct gateway_context){.side = GATEWAY_TLS_LISTENER, .number = i};
    err = weir_tls_server_open(&tls->options, &why, &context->tls);
    return take(contexts, faults, tls_server_place(tls, why), why, err);
}

static int open_backend(struct tls_contexts *contexts, const struct config *config, size_t i,
                        struct config_faults *faults)
{
    const struct config_backend *backend = &config->backends[i];
    const struct config_tls_client *tls = backend->tls;
    struct gateway_context *context = &contexts->items[contexts->count];
    const char *why = NULL;
    int err;

    if (!backend->https)
        return 0;
    *context = (struct gateway_context){.side = GATEWAY_TLS_BACKEND, .number = i};
    err = weir_tls_client_open(tls != NULL ? &tls->options : NULL, &why, &context->tls);
    return take(contexts, faults, tls != NULL ? tls_client_place(tls, why) : backend->place, why, err);
}

static int open_others(struct tls_contexts *contexts, const struct config *config,
                       struct config_faults *faults)
{
    struct gateway_context *context = &contexts->items[contexts->count];
    const struct https_url first = https_of_routes(config);
    const char *why = NULL;
    int err;

    if (first.origin == NULL)
        return 0;
    *context = (struct gateway_context){.side = GATEWAY_TLS_OTHERS};
    err = weir_tls_client_open(NULL, &why, &context->tls);
    return take(contexts, faults, first.place, why, err);
}

int tls_contexts_open(const struct config *config, struct config_faults *faults, struct tls_contexts *out)
{
    const size_t before = faults->count;
    int err = 0;

    *out = (struct tls_contexts){
        .items = calloc(config->listen_count + config->backend_count + 1, sizeof *out->items)};
    if (out->items == NULL)
        return -ENOMEM;
    for (size_t i = 0; err == 0 && i < config->listen_count; i++)
        err = open_listener(out, config, i, faults);
    for (size_t i = 0; err == 0 && i < config->backend_count; i++)
        err = open_backend(out, config, i, faults);
    if (err == 0)
        err = open_others(out, config, faults);
    return err == 0 && faults->count > before ? -WEIR_ECONFIG : err;
}

void tls_contexts_close(struct tls_contexts *contexts)
{
    while (contexts->count > 0)
        weir_tls_close(contexts->items[--contexts->count].tls);
    free(contexts->items);
    contexts->items = NULL;
}

weir_tls *tls_contexts_find(const struct tls_contexts *contexts, enum gateway_tls_side side, size_t number)
{
    for (size_t i = 0; i < contexts->count; i++)
        if (contexts->items[i].side == side && contexts->items[i].number == number)
            return contexts->items[i].tls;
    return NULL;
}
