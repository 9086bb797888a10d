/* SPDX-License-Identifier: MIT */
#include "http/server/routing.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>

#include "base/reserved.h"
#include "http/message/headers.h"
#include "http/message/target.h"
#include "http/server/refusals.h"

/* --- the routes of a server --- */

static const char *const method_names[WEIR__METHOD_COUNT] = {
    [WEIR__HTTP_GET] = "GET",         [WEIR__HTTP_HEAD] = "HEAD",
    [WEIR__HTTP_POST] = "POST",       [WEIR__HTTP_PUT] = "PUT",
    [WEIR__HTTP_DELETE] = "DELETE",   [WEIR__HTTP_PATCH] = "PATCH",
    [WEIR__HTTP_OPTIONS] = "OPTIONS", [WEIR__HTTP_CONNECT] = "CONNECT",
    [WEIR__HTTP_TRACE] = "TRACE",     [WEIR__HTTP_OTHER_METHOD] = "OTHER",
};

static unsigned methods_of(const weir_route *route)
{
    weir_bytes rest = weir_bytes_of(route->methods), word;
    unsigned methods =
        route->methods == NULL ? ~(1u << WEIR__HTTP_CONNECT) : 0; /* a tunnel is asked for by name */

    while (weir__http_method_next(&rest, &word))
        methods |= 1u << weir__http_method_of(word);
    return methods & 1u << WEIR__HTTP_GET ? methods | 1u << WEIR__HTTP_HEAD : methods;
}

void weir__routes_free(struct weir_server *server)
{
    for (size_t i = 0; server->routes != NULL && i < server->route_count; i++)
        for (size_t m = 0; m < WEIR__METHOD_COUNT; m++)
            free(server->routes[i].task_names[m]);
    free(server->routes);
}

static int refuse_route(const weir_route *route, const char *what, const char *text,
                        const weir_text_fault *fault)
{
    weir_log(WEIR_LOG_ERROR, "a route is not valid", WEIR_KV("path", route->path), WEIR_KV(what, text),
             WEIR_KV_INT("offset", fault->at), WEIR_KV("expected", fault->expected));
    return -WEIR_ECONFIG;
}

static int compile_host(struct weir__route *route, const weir_route *given)
{
    weir_text_fault fault;
    weir_bytes host = weir_bytes_of(given->host);

    if (weir_route_host_check(host, &fault) < 0)
        return refuse_route(given, "host", given->host, &fault);
    if (host.data[0] == '*') {
        host.data++;
        host.len--;
    }
    if (host.data[host.len - 1] == '.')
        host.len--; /* the root of all names may be written */
    route->host = host;
    return 0;
}

static bool is_scheme(const char *text)
{
    return strcmp(text, "http") == 0 || strcmp(text, "https") == 0;
}

static int compile_route(struct weir__route *route, const weir_route *given)
{
    weir_text_fault fault;

    route->scheme = given->scheme;
    route->given = given;
    route->name = given->name != NULL ? given->name : given->path;
    if (given->path == NULL || given->handler == NULL ||
        (given->scheme != NULL && !is_scheme(given->scheme)) ||
        !weir__reserved_is_zero(given->reserved, sizeof given->reserved))
        return -EINVAL;
    if (given->host != NULL && compile_host(route, given) < 0)
        return -WEIR_ECONFIG;
    if (weir__http_pattern_compile(weir_bytes_of(given->path), &route->pattern, &fault) < 0)
        return refuse_route(given, "path", given->path, &fault);
    if (given->methods != NULL && weir_methods_check(weir_bytes_of(given->methods), &fault) < 0)
        return refuse_route(given, "methods", given->methods, &fault);
    route->methods = methods_of(given);
    for (size_t m = 0; m < WEIR__METHOD_COUNT; m++)
        if (asprintf(&route->task_names[m], "%s %s", method_names[m], route->name) < 0) {
            route->task_names[m] = NULL;
            return -ENOMEM;
        }
    return 0;
}

int weir__routes_compile(struct weir_server *server, const weir_route *routes, size_t count)
{
    server->route_count = count;
    server->routes = calloc(count != 0 ? count : 1, sizeof *server->routes);
    if (server->routes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int err = compile_route(&server->routes[i], &routes[i]);
        if (err < 0)
            return err;
        server->routes_name_hosts = server->routes_name_hosts || routes[i].host != NULL;
        server->routes_take_preflights = server->routes_take_preflights || routes[i].preflights;
    }
    return 0;
}

/* --- the route of a request --- */

/* Methods without a meaning to Weir share a bit: they are compared by name. */
static bool names_method(const weir_route *route, weir_bytes method)
{
    weir_bytes rest = weir_bytes_of(route->methods), word;

    while (weir__http_method_next(&rest, &word))
        if (weir_bytes_equal(word, method))
            return true;
    return route->methods == NULL;
}

static bool takes_method(const struct weir__route *route, enum weir__http_method method, weir_bytes text)
{
    return (route->methods & 1u << method) != 0 &&
           (method != WEIR__HTTP_OTHER_METHOD || names_method(route->given, text));
}

static bool has_word(const char *list, weir_bytes word)
{
    for (const char *at = list; (at = memmem(at, strlen(at), word.data, word.len)) != NULL; at += word.len)
        if ((at == list || at[-1] == ' ') && (at[word.len] == '\0' || at[word.len] == ','))
            return true;
    return false;
}

static void add_word(struct weir__exchange *x, const char **list, weir_bytes word)
{
    if (*list == NULL)
        *list = weir__arena_memdup(&x->memory, word.data, word.len);
    else if (!has_word(*list, word))
        *list = weir__arena_printf(&x->memory, "%s, %.*s", *list, (int)word.len, word.data);
}

/* The methods that any route may take. Not CONNECT, a tunnel; nor TRACE, which echoes what proxies added. */
static const char every_method[] = "GET HEAD POST PUT DELETE PATCH OPTIONS";

static void add_methods(struct weir__exchange *x, const weir_route *route, const char **allow)
{
    weir_bytes rest = weir_bytes_of(route->methods != NULL ? route->methods : every_method), word;

    while (weir__http_method_next(&rest, &word)) {
        add_word(x, allow, word);
        if (weir_bytes_equal(word, WEIR__HTTP_TEXT("GET")))
            add_word(x, allow, WEIR__HTTP_TEXT("HEAD"));
    }
}

static bool takes_host(const struct weir__route *route, weir_bytes host)
{
    size_t n = route->host.len;

    if (n == 0)
        return true;
    if (*route->host.data == '.' && host.len > n) { /* below it */
        host.data += host.len - n;
        host.len = n;
    }
    return weir_bytes_equal_nocase(route->host, host);
}

static bool takes_scheme(const struct weir__route *route, const weir_request *req)
{
    return route->scheme == NULL || strcmp(route->scheme, req->secure ? "https" : "http") == 0;
}

/* The host that routes are compared with; empty: none names one. */
static weir_bytes host_of(const struct weir_server *server, const weir_request *req)
{
    weir_bytes host = {0};

    if (server->routes_name_hosts)
        host = weir__http_host_without_port(req->authority);
    if (host.len > 0 && host.data[host.len - 1] == '.')
        host.len--; /* the root of all names may be written */
    return host;
}

static bool is_of_server(const struct weir_server *server, const struct weir__route *route, weir_bytes host,
                         const weir_request *req)
{
    return (!server->routes_name_hosts || takes_host(route, host)) && takes_scheme(route, req);
}

/* Reports whether host, scheme and path of a route match, and finds its parameters. */
static bool fits(const struct weir_server *server, const struct weir__route *route, weir_bytes host,
                 weir_request *req)
{
    return is_of_server(server, route, host, req) &&
           weir__http_pattern_match(&route->pattern, req->path, req->raw_path, &req->params);
}

/* Finds the first route whose host, scheme, path and methods match, and its parameters. Returns: NULL: there
 * is none; *allow names the methods of routes with this path (in the exchange's arena), NULL if there are
 * none. */
static const struct weir__route *match(struct weir__exchange *x, const char **allow)
{
    const struct weir_server *server = x->home->server;
    weir_request *req = &x->request;
    const weir_bytes host = host_of(server, req);

    *allow = NULL;
    for (size_t i = 0; i < server->route_count; i++) {
        const struct weir__route *route = &server->routes[i];
        if (!fits(server, route, host, req))
            continue;
        if (takes_method(route, req->head.method, req->head.method_text)) {
            req->path_route = NULL;
            return route;
        }
        add_methods(x, route->given, allow);
        if (req->path_route == NULL || (route->given->preflights && !req->path_route->given->preflights))
            req->path_route = route;
    }
    return NULL;
}

const struct weir__route *weir__route_at(const struct weir__exchange *x, weir_bytes normal)
{
    const struct weir_server *server = x->home->server;
    const weir_request *req = &x->request;
    const weir_bytes host = host_of(server, req), method = weir_bytes_of(req->method);

    for (size_t i = 0; i < server->route_count; i++) {
        const struct weir__route *route = &server->routes[i];
        if (is_of_server(server, route, host, req) &&
            weir__http_pattern_match(&route->pattern, normal, normal, NULL) &&
            takes_method(route, req->head.method, method))
            return route;
    }
    return NULL;
}

/* The method that a preflight of CORS asks for. Returns: false: the request is none. */
static bool read_preflight(const struct weir__http_request_head *head, weir_bytes *method)
{
    const struct weir__http_field *asked;

    if (head->method != WEIR__HTTP_OPTIONS ||
        weir__http_field_find(head->fields, head->field_count, WEIR__HTTP_TEXT("origin")) == NULL)
        return false;
    asked = weir__http_field_find(head->fields, head->field_count,
                                  WEIR__HTTP_TEXT("access-control-request-method"));
    if (asked != NULL)
        *method = asked->value;
    return asked != NULL;
}

/* Finds the route that the request proper will reach after this preflight. Returns: NULL: the request is no
 * preflight, or that route takes none. */
static const struct weir__route *match_preflight(struct weir__exchange *x)
{
    const struct weir_server *server = x->home->server;
    weir_request *req = &x->request;
    const weir_bytes host = host_of(server, req);
    weir_bytes method;

    if (!read_preflight(&req->head, &method))
        return NULL;
    for (size_t i = 0; i < server->route_count; i++) {
        const struct weir__route *route = &server->routes[i];
        if (fits(server, route, host, req) && takes_method(route, weir__http_method_of(method), method))
            return route->given->preflights ? route : NULL;
    }
    return NULL;
}

/* "*" is the server as a whole: its methods are those of all routes. */
static void answer_about_server(struct weir__exchange *x)
{
    const struct weir_server *server = x->home->server;
    const char *allow = NULL;

    for (size_t i = 0; i < server->route_count; i++)
        add_methods(x, server->routes[i].given, &allow);
    add_word(x, &allow, WEIR__HTTP_TEXT("OPTIONS"));
    x->refusal = (struct weir__refusal){.status = 204, .allow = allow};
}

static bool offers_tunnels(const struct weir_server *server)
{
    for (size_t i = 0; i < server->route_count; i++)
        if (server->routes[i].methods & 1u << WEIR__HTTP_CONNECT)
            return true;
    return false;
}

/* An authority as the target asks for a tunnel, and a tunnel is asked for by an authority. */
static bool is_wrong_form(const struct weir__exchange *x, struct weir__http_target *target, int err,
                          struct weir__http_fault *fault)
{
    bool connects = x->request.head.method == WEIR__HTTP_CONNECT;
    bool authority = err < 0 && fault->status == 501;

    if (connects && authority && offers_tunnels(x->home->server)) {
        *target =
            (struct weir__http_target){.authority = x->request.head.target, .path = WEIR__HTTP_TEXT("/")};
        return false;
    }
    if (connects && err == 0)
        *fault = (struct weir__http_fault){
            .status = 400,
            .message = "CONNECT with a target that is not an authority: host:port was expected"};
    else if (!connects && authority)
        *fault = (struct weir__http_fault){.status = 400,
                                           .message = "the request target is neither a path nor an http URL"};
    return err < 0 || connects;
}

static int match_path(struct weir__exchange *x, const struct weir__http_target *target,
                      struct weir__http_fault *fault)
{
    weir_request *req = &x->request;
    const char *allow = NULL;
    char *room = weir__arena_alloc(&x->memory, target->path.len + 1);

    if (room == NULL)
        return -ENOMEM;
    if (weir__http_path_normalize(target->path, room, target->path.len, &req->path, fault) < 0) {
        weir__refuse_fault(x, fault);
        return 0;
    }
    req->query = target->query.data != NULL ? target->query.data : "";
    req->raw_path = target->path;
    if (x->home->server->routes_take_preflights)
        req->route = match_preflight(x);
    if (req->route == NULL)
        req->route = match(x, &allow);
    if (req->route == NULL && allow == NULL) {
        weir__refuse(x, 404, "not_found", "no route has this path", false);
    } else if (req->route == NULL) {
        weir__refuse(x, 405, "method_not_allowed", "this path has other methods, see Allow", false);
        x->refusal.allow = allow;
    } else if (weir__http_pattern_catches_dots(&req->route->pattern, req->path)) {
        weir__refuse(x, 400, "malformed", "the path holds '.' or '..' before ';', an escaped '/' or a '\\'",
                     false);
    }
    return 0;
}

int weir__exchange_find_route(struct weir__exchange *x)
{
    struct weir__http_target target;
    struct weir__http_fault fault = {0};
    int err = weir__http_target_parse(x->request.head.target, &target, &fault);

    x->request.query = "";
    x->request.authority = x->request.head.host;
    if (is_wrong_form(x, &target, err, &fault)) {
        weir__refuse_fault(x, &fault);
        return 0;
    }
    if (target.authority.len > 0)
        x->request.authority = target.authority;
    if (target.form != WEIR__HTTP_ASTERISK_FORM)
        return match_path(x, &target, &fault);
    answer_about_server(x);
    return 0;
}
