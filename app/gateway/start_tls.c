/* SPDX-License-Identifier: MIT */
#include "gateway/start_tls.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/tls.h>

#include "config/backend.h"
#include "config/route_kind.h"
#include "config/tls.h"
#include "routes/redirect.h"
#include "text/certificates.h"

/* What is looked at: a certificate of a context, and the hosts of the routes. */
struct looking {
    const struct config *config;
    const struct config_tls_server *server; /* of the context; NULL: of a client */
    struct config_place otherwise;          /* where no file has a place */
    struct config_faults *warnings;
    bool all_hosts_are_named; /* see every_host_is_named() */
    bool *covered;            /* hosts of routes, by number */
};

/* --- certificates --- */

static void warn_of_time(const struct looking *l, const weir_tls_certificate_info *info,
                         struct config_place place)
{
    const int64_t now = (int64_t)time(NULL);
    const double left = certificate_days(info->not_after_s, now);
    char date[CERTIFICATE_DATE_BYTES];

    if (info->not_before_s > now)
        config_fault(l->warnings, place, "certificate of %s (%s) is not valid before %s", info->names,
                     info->cert, certificate_date(date, info->not_before_s));
    else if (left < 0)
        config_fault(l->warnings, place,
                     "certificate of %s (%s) expired %s, and its clients refuse it; expected a renewed one",
                     info->names, info->cert, certificate_date(date, info->not_after_s));
    else if (left < CERTIFICATE_SOON_DAYS)
        config_fault(l->warnings, place,
                     "certificate of %s (%s) expires %s, in %.0f days; expected a renewed one by now",
                     info->names, info->cert, certificate_date(date, info->not_after_s), left);
}

static bool is_of_tls(const struct config_route *route)
{
    return route->host != NULL && route->scheme != CONFIG_HTTP;
}

static void compare_with_hosts(struct looking *l, const weir_tls_certificate_info *info,
                               struct config_place place)
{
    bool is_used = false;

    for (size_t i = 0; i < l->config->route_count; i++) {
        const struct config_route *route = &l->config->routes[i];
        if (!is_of_tls(route) || !certificate_names_have(info->names, route->host))
            continue;
        is_used = l->covered[i] = true;
    }
    if (!is_used && l->all_hosts_are_named)
        config_fault(l->warnings, place, "certificate %s is for %s, and no route has such a host", info->cert,
                     info->names);
}

static void look_at(void *arg, const weir_tls_certificate_info *info)
{
    struct looking *l = arg;
    const struct config_place place =
        l->server != NULL ? tls_server_place(l->server, info->cert) : l->otherwise;

    warn_of_time(l, info, place);
    if (l->server != NULL)
        compare_with_hosts(l, info, place);
}

/* --- hosts of routes --- */

/* Reports whether all routes that TLS reaches name their host, and there are any. */
static bool every_host_is_named(const struct config *config)
{
    bool any = false;

    for (size_t i = 0; i < config->route_count; i++) {
        if (config->routes[i].scheme == CONFIG_HTTP)
            continue;
        if (config->routes[i].host == NULL)
            return false;
        any = true;
    }
    return any;
}

static bool was_warned_of(const struct config *config, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_of_tls(&config->routes[i]) && strcmp(config->routes[i].host, config->routes[n].host) == 0)
            return true;
    return false;
}

/* Warns of hosts that TLS cannot serve, once each. With plain listeners, these may be what they are for. */
static void warn_of_hosts(const struct looking *l)
{
    for (size_t i = 0; i < l->config->listen_count; i++)
        if (l->config->listen[i].tls == NULL)
            return;
    for (size_t i = 0; i < l->config->route_count; i++) {
        const struct config_route *route = &l->config->routes[i];
        if (is_of_tls(route) && !l->covered[i] && !was_warned_of(l->config, i))
            config_fault(l->warnings, route->place,
                         "host '%s' is in no certificate of a listener, so clients refuse it; expected a "
                         "certificate for it",
                         route->host);
    }
}

/* --- redirects --- */

static bool is_text(const struct template_part *part, const char *text)
{
    return part->type == TEMPLATE_TEXT && part->length == strlen(text) &&
           strncmp(part->text, text, part->length) == 0;
}

/* Reports whether a redirect leads from https to the same URL: "https://{host}{path}". */
static bool leads_to_itself(const struct config_route *route)
{
    const struct redirect_settings *redirect = route->settings;

    return strcmp(route->kind->name, "redirect") == 0 && route->scheme != CONFIG_HTTP &&
           redirect->origin.count == 2 && is_text(&redirect->origin.parts[0], "https://") &&
           redirect->origin.parts[1].type == TEMPLATE_HOST && redirect->target.count == 1 &&
           redirect->target.parts[0].type == TEMPLATE_PATH;
}

static void warn_of_circles(const struct looking *l)
{
    for (size_t i = 0; i < l->config->route_count; i++)
        if (leads_to_itself(&l->config->routes[i]))
            config_fault(l->warnings, l->config->routes[i].place,
                         "route '%s' leads clients that come by https to the URL that they have asked for; "
                         "expected 'scheme: http'",
                         l->config->routes[i].path);
}

/* --- the whole --- */

static void look_at_context(struct looking *l, const struct gateway_context *context)
{
    const struct config *config = l->config;
    const struct config_backend *backend = &config->backends[context->number];

    l->server = NULL;
    if (context->side == GATEWAY_TLS_LISTENER)
        l->server = config->listen[context->number].tls;
    else if (context->side == GATEWAY_TLS_BACKEND)
        l->otherwise = backend->tls != NULL ? backend->tls->pair.cert.place : backend->place;
    weir_tls_certificates_each(context->tls, look_at, l);
    if (context->side == GATEWAY_TLS_BACKEND && backend->tls != NULL && backend->tls->options.unverified)
        config_fault(l->warnings, backend->tls->place,
                     "backend '%s' is not verified: anybody on the way to it can read and change "
                     "everything; expected 'ca', the authority of its certificate, in place of "
                     "verify: false",
                     backend->options.name);
}

void start_tls_check(const struct config *config, const struct tls_contexts *contexts,
                     struct config_faults *warnings)
{
    struct looking l = {.config = config,
                        .warnings = warnings,
                        .all_hosts_are_named = every_host_is_named(config),
                        .covered = calloc(config->route_count + 1, sizeof(bool))};
    bool any = false;

    for (size_t i = 0; l.covered != NULL && i < contexts->count; i++) {
        look_at_context(&l, &contexts->items[i]);
        any = any || l.server != NULL;
    }
    if (l.covered != NULL && any) {
        warn_of_hosts(&l);
        warn_of_circles(&l);
    }
    free(l.covered);
}
