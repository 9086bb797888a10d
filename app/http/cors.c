/* SPDX-License-Identifier: MIT */
#include "http/cors.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <weir/http_text.h>

#include "http/vary.h"

#define ALLOW_ORIGIN "access-control-allow-origin"
#define ALLOW_CREDENTIALS "access-control-allow-credentials"
#define ALLOW_METHODS "access-control-allow-methods"
#define ALLOW_HEADERS "access-control-allow-headers"
#define EXPOSE_HEADERS "access-control-expose-headers"
#define MAX_AGE "access-control-max-age"

/* --- origins --- */

/* What stands for the star of a wildcard: names of a host, and no port or path. */
static bool are_names(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((text[i] < 'a' || text[i] > 'z') && (text[i] < '0' || text[i] > '9') &&
            strchr("-._", text[i]) == NULL)
            return false;
    return length > 0 && text[0] != '.' && text[length - 1] != '.';
}

static bool is_one_of(const struct config_origin *allowed, const char *origin)
{
    const size_t before = strlen(allowed->before), length = strlen(origin);
    size_t after;

    if (allowed->after == NULL)
        return strcmp(origin, allowed->before) == 0;
    after = strlen(allowed->after);
    return length > before + after && strncmp(origin, allowed->before, before) == 0 &&
           strcmp(origin + length - after, allowed->after) == 0 &&
           are_names(origin + before, length - before - after);
}

bool cors_allows(const struct config_cors *cors, const char *origin)
{
    for (size_t i = 0; i < cors->origin_count; i++)
        if (is_one_of(&cors->origins[i], origin))
            return true;
    return cors->any;
}

/* The origin of a request; two fields together are none that is allowed. */
static const char *origin_of(weir_request *req)
{
    return weir_request_header_joined(req, "origin");
}

static bool is_preflight(const weir_request *req)
{
    return strcmp(weir_request_method(req), "OPTIONS") == 0 && weir_request_header(req, "origin") != NULL &&
           weir_request_header(req, "access-control-request-method") != NULL;
}

/* --- answers --- */

struct answering {
    const struct config_cors *cors;
    const char *origin; /* allowed, or "*"; NULL: neither */
    bool preflight;
};

static int on_head(void *arg, weir_response *res, const weir_response_head *head)
{
    const struct answering *a = arg;
    const struct config_cors *cors = a->cors;
    const bool before = a->origin != NULL && a->preflight, proper = a->origin != NULL && !a->preflight;
    const weir_header headers[] = {
        {ALLOW_ORIGIN, a->origin},
        {ALLOW_CREDENTIALS, a->origin != NULL && cors->credentials ? "true" : NULL},
        {ALLOW_METHODS, before ? cors->methods : NULL},
        {ALLOW_HEADERS, before ? cors->headers : NULL},
        {MAX_AGE, before ? cors->max_age : NULL},
        {EXPOSE_HEADERS, proper ? cors->expose : NULL},
    };
    int err = cors->any ? 0 : vary_add(res, "Origin"); /* an answer for one origin is not for another */

    (void)head;
    for (size_t i = 0; i < sizeof headers / sizeof *headers && err == 0; i++)
        err = weir_response_header_set(res, headers[i].name, headers[i].value);
    return err;
}

int cors_answer(const struct config_cors *cors, weir_request *req, weir_response *res)
{
    static const weir_response_filter filter = {.head = on_head};
    struct answering *a = weir_request_alloc(req, sizeof *a);
    const char *origin = origin_of(req);

    if (a == NULL)
        return -ENOMEM;
    if (cors->any)
        origin = "*";
    else if (origin != NULL && !cors_allows(cors, origin))
        origin = NULL;
    *a = (struct answering){cors, origin, is_preflight(req)};
    return weir_response_filter_add(res, &filter, a);
}

/* --- admission --- */

static bool opens_websocket(weir_request *req)
{
    const char *upgrade = weir_request_header_joined(req, "upgrade");
    weir_bytes rest = weir_bytes_of(upgrade != NULL ? upgrade : ""), protocol;

    while (weir_list_next(&rest, ',', &protocol))
        if (weir_bytes_equal_nocase(protocol, weir_bytes_of("websocket")))
            return true;
    return false;
}

/* Reports whether a page is of the host that it asks. The scheme may be another: TLS may have ended in front.
 */
static bool is_own(const weir_request *req, const char *origin)
{
    const char *host = strstr(origin, "://");

    return host != NULL && strcasecmp(host + 3, weir_request_authority(req)) == 0;
}

static int answered(int err)
{
    return err < 0 ? err : 1;
}

int cors_preflight(const weir_request *req, weir_response *res)
{
    return is_preflight(req) ? answered(weir_respond_bytes(res, 204, NULL, NULL, 0)) : 0;
}

int cors_admit(const struct config_cors *cors, weir_request *req, weir_response *res)
{
    const char *origin;

    if (!opens_websocket(req) || weir_request_header(req, "origin") == NULL)
        return 0;
    origin = origin_of(req);
    if (origin == NULL)
        return -ENOMEM;
    if (cors_allows(cors, origin) || is_own(req, origin))
        return 0;
    return answered(weir_respond_refusal(res, "origin", 403, "origin_not_allowed",
                                         "this route takes no WebSockets of pages of this origin"));
}
