/* SPDX-License-Identifier: MIT */
#include "http/template.h"

#include <string.h>

#include <weir/tls.h>

static const char *host_of(weir_request *req)
{
    const char *authority = weir_request_authority(req);
    const char *port = strrchr(authority, ':'), *bracket = strrchr(authority, ']');
    size_t length =
        port != NULL && (bracket == NULL || port > bracket) ? (size_t)(port - authority) : strlen(authority);
    char *host;

    if (length > 0 && authority[length - 1] == '.')
        length--;
    host = length > 0 ? weir_request_alloc(req, length + 1) : NULL;
    if (host == NULL)
        return NULL;
    for (size_t i = 0; i < length; i++)
        host[i] = authority[i] >= 'A' && authority[i] <= 'Z' ? (char)(authority[i] | 0x20) : authority[i];
    host[length] = '\0';
    return host;
}

/* The subject of the client's certificate, which was verified; "" if it has none. */
static const char *client_cert_of(const weir_request *req)
{
    weir_tls_info info;

    return weir_request_tls_info(req, &info) == 0 ? info.peer : "";
}

const char *template_value(const struct template_part *part, weir_request *req)
{
    const char *path;

    switch (part->type) {
    case TEMPLATE_PARAM:
        return weir_request_param(req, part->text);
    case TEMPLATE_HOST:
        return host_of(req);
    case TEMPLATE_PATH:
        path = weir_request_path(req);
        return *path != '\0' ? path : NULL;
    case TEMPLATE_QUERY:
        return weir_request_query(req);
    case TEMPLATE_CLIENT_CERT:
        return client_cert_of(req);
    case TEMPLATE_USER:
        return weir_request_user(req);
    default:
        return part->text;
    }
}

size_t template_value_length(const struct template_part *part, const char *value)
{
    return part->type == TEMPLATE_TEXT ? part->length : strlen(value);
}

bool template_is_lacking(const struct config_template *text, const weir_request *req)
{
    for (size_t i = 0; i < text->count; i++) {
        const enum template_part_type type = text->parts[i].type;
        if ((type == TEMPLATE_HOST && *weir_request_authority(req) == '\0') ||
            (type == TEMPLATE_PATH && *weir_request_target(req) == '\0') ||
            (type == TEMPLATE_USER && weir_request_user(req) == NULL))
            return true;
    }
    return false;
}

const char *template_fill(const struct config_template *text, weir_request *req)
{
    const char **values = text->count > 0 ? weir_request_alloc(req, text->count * sizeof *values) : NULL;
    size_t length = 0, used = 0;
    char *out;

    if (text->count == 0)
        return "";
    if (text->count == 1 && text->parts[0].type == TEMPLATE_TEXT &&
        text->parts[0].text[text->parts[0].length] == '\0')
        return text->parts[0].text; /* all of a value */
    for (size_t i = 0; values != NULL && i < text->count; i++) {
        values[i] = template_value(&text->parts[i], req);
        if (values[i] == NULL)
            return NULL;
        length += template_value_length(&text->parts[i], values[i]);
    }
    out = values != NULL ? weir_request_alloc(req, length + 1) : NULL;
    for (size_t i = 0; out != NULL && i < text->count; i++) {
        const size_t bytes = template_value_length(&text->parts[i], values[i]);

        memcpy(out + used, values[i], bytes);
        used += bytes;
    }
    if (out != NULL)
        out[used] = '\0';
    return out;
}
