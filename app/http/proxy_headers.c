/* SPDX-License-Identifier: MIT */
#include "http/proxy_headers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <weir/http_text.h>

#include "http/client_deadline.h"
#include "http/forwarded.h"

enum { ADDED_MAX = FORWARDED_HEADERS + 4 }; /* beside those: Via, TE, Host, the deadline */

/* What becomes of a header. */
enum header_class {
    PASSED,
    OF_CONNECTION, /* dropped */
    FRAMING,       /* written by client and server; Connection must not name it */
    REBUILT,       /* X-Forwarded-… and Forwarded: dropped, and made anew */
    BELIEVED,      /* other X-Forwarded-…: passed on for a trusted peer */
    VIA,
    DATE,
    EXPECT,
    DEADLINE, /* of a request: made anew */
    TE,
    UPGRADE,
    CONNECTION,
};

/* --- names --- */

/* Compares a name with one in lower case that is as long. */
static bool is(const char *name, const char *lower, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = name[i] == '_' ? '-' : name[i];
        if (c != lower[i] && (c < 'A' || c > 'Z' || c + 32 != lower[i]))
            return false;
    }
    return true;
}

#define IS(literal) is(name, literal, sizeof(literal) - 1)

static enum header_class class_by_start(const char *name, size_t length)
{
    if (length >= 6 && IS("proxy-"))
        return OF_CONNECTION;
    if (length >= 12 && IS("x-forwarded-"))
        return BELIEVED;
    return PASSED;
}

/* Runs for every header of every message; most differ in their length already. */
static enum header_class class_of(const char *name, size_t length)
{
    enum header_class class = PASSED;

    switch (length) {
    case 2:
        return IS("te") ? TE : PASSED;
    case 3:
        return IS("via") ? VIA : PASSED;
    case 4:
        return IS("host") ? FRAMING : IS("date") ? DATE : PASSED;
    case 6:
        class = IS("expect") ? EXPECT : PASSED;
        break;
    case 7:
        class = IS("upgrade") ? UPGRADE : IS("trailer") ? OF_CONNECTION : PASSED;
        break;
    case 9:
        class = IS("forwarded") ? REBUILT : PASSED;
        break;
    case 10:
        class = IS("connection") ? CONNECTION : IS("keep-alive") ? OF_CONNECTION : PASSED;
        break;
    case 14:
        class = IS("content-length") ? FRAMING : IS("http2-settings") ? OF_CONNECTION : PASSED;
        break;
    case 15:
        class = IS("x-forwarded-for") ? REBUILT : PASSED;
        break;
    case 16:
        class = IS("x-forwarded-host") ? REBUILT : PASSED;
        break;
    case 17:
        class = IS("transfer-encoding") ? FRAMING : IS("x-forwarded-proto") ? REBUILT : PASSED;
        break;
    case 18:
        class = IS(CLIENT_DEADLINE_HEADER) ? DEADLINE : PASSED;
        break;
    default:
        break;
    }
    return class == PASSED ? class_by_start(name, length) : class;
}

/* Compares a name with one that begins with a small letter. Most differ in their first letter already. */
static bool is_exactly(const char *name, const char *wanted)
{
    return (name[0] | 0x20) == wanted[0] && strcasecmp(name, wanted) == 0;
}

/* --- Connection --- */

static const char *add_names(struct proxy_named *named, const char *value)
{
    weir_bytes rest = weir_bytes_of(value), name;

    while (weir_list_next(&rest, ',', &name)) {
        enum header_class class = class_of(name.data, name.len);
        if (class == FRAMING || class == REBUILT || class == BELIEVED || class == VIA)
            return "Connection names a header that is not its connection's own";
        if (named->count == PROXY_NAMED_MAX)
            return "Connection names more than 32 headers";
        named->name[named->count++] = name;
    }
    return NULL;
}

/* Returns: what is wrong, or NULL. */
static const char *read_connection(const weir_header *headers, size_t count, struct proxy_named *named)
{
    const char *fault = NULL;

    named->count = 0;
    for (size_t i = 0; i < count && fault == NULL; i++)
        if (is_exactly(headers[i].name, "connection"))
            fault = add_names(named, headers[i].value);
    return fault;
}

static bool names(const struct proxy_named *named, weir_bytes name)
{
    for (size_t i = 0; i < named->count; i++)
        if (weir_bytes_equal_nocase(named->name[i], name))
            return true;
    return false;
}

/* --- Upgrade and TE --- */

/* Appends the protocols of a list, but h2c: HTTP/2 would pass by all that is checked here. */
static int add_protocols(weir_buffer *out, const char *value)
{
    weir_bytes rest = weir_bytes_of(value), protocol;
    int err = 0;

    while (err == 0 && weir_list_next(&rest, ',', &protocol)) {
        if (weir_bytes_equal_nocase(protocol, weir_bytes_of("h2c")))
            continue;
        if (out->len > 0)
            err = weir_buffer_append_text(out, ", ");
        if (err == 0)
            err = weir_buffer_append(out, protocol.data, protocol.len);
    }
    return err;
}

static char *take_text(const struct proxy_memory *memory, const weir_buffer *text)
{
    char *copy = memory->take(memory->arg, text->len + 1);

    if (copy == NULL)
        return NULL;
    if (text->len > 0)
        memcpy(copy, text->data, text->len);
    copy[text->len] = '\0';
    return copy;
}

static int read_upgrade(const weir_header *headers, size_t count, const struct proxy_memory *memory,
                        struct proxy_headers *out)
{
    weir_buffer protocols;
    int err = 0;

    if (!names(&out->named, weir_bytes_of("upgrade")))
        return 0;
    weir_buffer_init(&protocols, 1024);
    for (size_t i = 0; i < count && err == 0; i++)
        if (is_exactly(headers[i].name, "upgrade"))
            err = add_protocols(&protocols, headers[i].value);
    if (err == 0 && protocols.len > 0) {
        out->upgrade = take_text(memory, &protocols);
        err = out->upgrade == NULL ? -ENOMEM : 0;
    }
    weir_buffer_free(&protocols);
    return err == -WEIR_ETOOLARGE ? 0 : err; /* no one asks for so many */
}

/* Reports whether the client takes trailers: TE: trailers. */
static bool takes_trailers(const weir_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        weir_bytes rest = weir_bytes_of(headers[i].value), coding;
        if (!is_exactly(headers[i].name, "te"))
            continue;
        while (weir_list_next(&rest, ',', &coding))
            if (weir_bytes_equal_nocase(coding, weir_bytes_of("trailers")))
                return true;
    }
    return false;
}

/* --- requests --- */

static bool passes(const struct proxy_named *named, const weir_header *header,
                   const struct proxy_request *request)
{
    const weir_bytes name = weir_bytes_of(header->name);
    bool pass;

    switch (class_of(name.data, name.len)) {
    case PASSED:
    case VIA:
    case DATE:
        pass = true;
        break;
    case BELIEVED:
        pass = request->trusted;
        break;
    case EXPECT:
        pass = request->continues;
        break;
    default:
        pass = false;
    }
    return pass && !(named->count > 0 && names(named, name));
}

static int add_ours(const weir_header *headers, size_t count, const struct proxy_request *request,
                    const struct proxy_memory *memory, struct proxy_headers *out)
{
    int added;

    if (request->own_host && request->authority[0] != '\0')
        out->header[out->count++] = (weir_header){"host", request->authority};
    if (request->deadline != NULL)
        out->header[out->count++] = (weir_header){CLIENT_DEADLINE_HEADER, request->deadline};
    if (request->version >= WEIR_HTTP_1_1 && takes_trailers(headers, count))
        out->header[out->count++] = (weir_header){"te", "trailers"};
    out->header[out->count++] =
        (weir_header){"via", request->version == WEIR_HTTP_1_0 ? "1.0 weir" : "1.1 weir"};
    added = forwarded_add(headers, count, request, memory, &out->header[out->count]);
    if (added > 0)
        out->count += (size_t)added;
    return added < 0 ? added : 0;
}

int proxy_request_headers(const weir_header *headers, size_t count, const struct proxy_request *request,
                          const struct proxy_memory *memory, struct proxy_headers *out)
{
    int err = 0;

    out->count = 0;
    out->upgrade = NULL;
    out->fault = read_connection(headers, count, &out->named);
    if (out->fault != NULL)
        return -EINVAL;
    out->header = memory->take(memory->arg, (count + ADDED_MAX) * sizeof *out->header);
    if (out->header == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        if (passes(&out->named, &headers[i], request))
            out->header[out->count++] = headers[i];
    if (request->version >= WEIR_HTTP_1_1 && !request->has_body)
        err = read_upgrade(headers, count, memory, out);
    return err < 0 ? err : add_ours(headers, count, request, memory, out);
}

/* --- answers --- */

int proxy_response_headers(const weir_reply *reply, const struct proxy_memory *memory,
                           struct proxy_headers *out)
{
    out->count = 0;
    out->upgrade = NULL;
    out->fault = read_connection(reply->headers, reply->header_count, &out->named);
    if (out->fault != NULL)
        return -WEIR_EPROTOCOL;
    out->header = memory->take(memory->arg, (reply->header_count + 1) * sizeof *out->header);
    if (out->header == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < reply->header_count; i++) {
        const weir_bytes name = weir_bytes_of(reply->headers[i].name);
        enum header_class class = class_of(name.data, name.len);
        bool pass = class == PASSED || class == VIA || class == EXPECT || class == REBUILT ||
                    class == BELIEVED || class == DEADLINE;

        if (pass && !(out->named.count > 0 && names(&out->named, name)))
            out->header[out->count++] = reply->headers[i];
    }
    out->header[out->count++] = (weir_header){"via", reply->version == 10 ? "1.0 weir" : "1.1 weir"};
    return 0;
}

bool proxy_passes_trailer(const struct proxy_named *named, const char *name)
{
    const weir_bytes text = weir_bytes_of(name);

    return class_of(text.data, text.len) == PASSED && !names(named, text);
}

/* --- what an answer says --- */

static const char *only_value(const weir_reply *reply, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < reply->header_count; i++) {
        if (!is_exactly(reply->headers[i].name, name))
            continue;
        if (value != NULL)
            return NULL;
        value = reply->headers[i].value;
    }
    return value;
}

const char *proxy_switched_to(const weir_reply *reply, const char *upgrade)
{
    const char *protocol = only_value(reply, "upgrade");
    weir_bytes rest = weir_bytes_of(upgrade), asked;

    while (protocol != NULL && weir_list_next(&rest, ',', &asked))
        if (weir_bytes_equal_nocase(asked, weir_bytes_of(protocol)))
            return protocol;
    return NULL;
}
