/* SPDX-License-Identifier: MIT */
#include "gateway/start_self.h"

#include <string.h>

#include <weir/url.h>

#include "config/backend.h"
#include "config/route_kind.h"

struct checking {
    const struct config *config;
    struct config_faults *warnings;
};

/* Reports whether a host means this machine, so that it reaches who listens on every address. */
static bool is_loopback(weir_bytes host)
{
    return (host.len > 4 && memcmp(host.data, "127.", 4) == 0) ||
           weir_bytes_equal(host, weir_bytes_of("::1")) || weir_host_is_localhost(host);
}

static bool is_every_address(weir_bytes host)
{
    return weir_bytes_equal(host, weir_bytes_of("0.0.0.0")) || weir_bytes_equal(host, weir_bytes_of("::"));
}

/* Of what is_loopback() says: localhost, as against a number. */
static bool is_name(weir_bytes host)
{
    return weir_host_type_of(host) == WEIR_HOST_NAME;
}

static bool leads_to(const struct config_address *listen, const weir_url *url)
{
    weir_bytes host = weir_bytes_of(listen->host != NULL ? listen->host : "");
    weir_bytes asked = weir_host_without_dot(url->host);

    if (listen->host == NULL || listen->port != url->port)
        return false;
    if (weir_bytes_equal_nocase(weir_host_without_dot(host), asked))
        return true;
    return is_loopback(asked) &&
           (is_every_address(host) || (is_loopback(host) && (is_name(asked) || is_name(host))));
}

static void check(void *arg, const char *origin, struct config_place place)
{
    static const char scheme[] = "unix:";
    const struct checking *c = arg;
    weir_url url;
    bool is_url = weir_url_parse(weir_bytes_of(origin), &url, NULL) == 0;

    for (size_t i = 0; i < c->config->listen_count; i++) {
        const struct config_address *listen = &c->config->listen[i];
        bool is_path = strncmp(origin, scheme, sizeof scheme - 1) == 0;
        bool leads = listen->path != NULL ? is_path && strcmp(listen->path, origin + sizeof scheme - 1) == 0
                                          : is_url && leads_to(listen, &url);
        if (leads)
            config_fault(
                c->warnings, place,
                "'%s' leads back to this gateway, which listens there (line %u); expected the address "
                "of a backend",
                origin, listen->place.line);
    }
}

void start_self_check(const struct config *config, struct config_faults *warnings)
{
    struct checking checking = {config, warnings};

    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        if (strcmp(route->kind->name, "proxy") == 0)
            route->kind->backends(route->settings, check, &checking);
    }
    for (size_t i = 0; i < config->backend_count; i++)
        for (size_t k = 0; k < config->backends[i].options.url_count; k++)
            check(&checking, config->backends[i].urls[k].text, config->backends[i].urls[k].place);
}
