/* SPDX-License-Identifier: MIT */
/* The header rules of a proxy, over any head of a request or response that the readers take: nothing that
 * belongs to one connection is passed on, what is passed on stands there as it came and in its order, and
 * what a stranger says of itself is not believed, and X-Forwarded-For and Forwarded tell the same client. */
#include <string.h>
#include <strings.h>

#include <weir/http_text.h>

#include "fuzz/fuzz.h"
#include "http/client_address.h"
#include "http/message/head.h"
#include "http/proxy_headers.h"
#include "support/pieces.h"

enum { FIELDS = 64, TEXT_BYTES = 1 << 16 };

static void *take(void *arg, size_t bytes)
{
    void *piece = pieces_take(arg, bytes);

    CHECK(piece != NULL);
    return piece;
}

/* Copies fields to texts. */
static size_t copy(const struct weir__http_field *fields, size_t count, char *text, weir_header *headers)
{
    for (size_t i = 0; i < count; i++) {
        headers[i].name = memcpy(text, fields[i].name.data, fields[i].name.len);
        text[fields[i].name.len] = '\0';
        text += fields[i].name.len + 1;
        headers[i].value = text;
        if (fields[i].value.len > 0)
            memcpy(text, fields[i].value.data, fields[i].value.len);
        text[fields[i].value.len] = '\0';
        text += fields[i].value.len + 1;
    }
    return count;
}

static bool is(const weir_header *header, const char *name)
{
    return strcasecmp(header->name, name) == 0;
}

static bool is_rebuilt(const weir_header *header)
{
    return strncasecmp(header->name, "x-forwarded-", 12) == 0 || is(header, "forwarded");
}

/* A header that is passed on is one of those given, behind the one before it. */
static void check_order(const weir_header *given, size_t count, const struct proxy_headers *made)
{
    size_t at = 0;

    for (size_t i = 0; i < made->count; i++) {
        bool ours = true;
        for (size_t j = 0; j < count; j++)
            ours = ours && given[j].name != made->header[i].name;
        if (ours)
            continue;
        while (at < count && given[at].name != made->header[i].name)
            at++;
        CHECK(at < count && given[at].value == made->header[i].value);
    }
}

static void check_made(const weir_header *given, size_t count, const struct proxy_headers *made)
{
    size_t vias = 0;

    for (size_t i = 0; i < made->count; i++) {
        const weir_header *h = &made->header[i];
        const weir_bytes name = weir_bytes_of(h->name);

        CHECK(weir_token_is_valid(name) && weir_header_value_is_valid(weir_bytes_of(h->value)));
        CHECK(!weir_header_is_hop_by_hop(name, (weir_bytes){"", 0}) ||
              (is(h, "te") && strcmp(h->value, "trailers") == 0));
        CHECK(!is(h, "content-length") && !is(h, "content_length") && !is(h, "transfer_encoding"));
        for (size_t j = 0; j < made->named.count; j++)
            CHECK(!weir_bytes_equal_nocase(made->named.name[j], name) || is(h, "te"));
        vias += is(h, "via");
    }
    CHECK(vias >= 1);
    check_order(given, count, made);
}

/* The proxies that are trusted: peers of Unix sockets, and 192.0.2.0/24. */
static const struct network trusted[] = {
    {.local = true}, {.address = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2}, .bits = 120}};

/* A gateway that trusts this one finds the same client, whichever header it reads. */
static void check_client(const struct proxy_headers *made)
{
    struct forwarded_headers both = {.elements = NULL}, elements;
    unsigned char one[16], other[16];
    bool known;

    for (size_t i = 0; i < made->count; i++)
        if (is(&made->header[i], "x-forwarded-for"))
            both.addresses = made->header[i].value;
        else if (is(&made->header[i], "x-forwarded-proto"))
            both.scheme = made->header[i].value;
        else if (is(&made->header[i], "forwarded"))
            both.elements = made->header[i].value;
    CHECK(both.elements != NULL && both.scheme != NULL);
    elements = (struct forwarded_headers){.elements = both.elements};
    known = client_address_in("unix", &both, trusted, 2, one);
    CHECK(client_address_in("unix", &elements, trusted, 2, other) == known);
    CHECK(!known || memcmp(one, other, sizeof one) == 0);
}

static void check_request(const weir_header *headers, size_t count, unsigned bits)
{
    struct pieces pieces = {.most = PIECES_MAX};
    const struct proxy_memory memory = {take, &pieces};
    const struct proxy_request request = {
        .peer = bits & 1 ? "[::1]:1" : "unix",
        .scheme = "http",
        .authority = "h",
        .version = bits & 2 ? WEIR_HTTP_1_0 : WEIR_HTTP_1_1,
        .proxies = trusted,
        .proxy_count = 2,
        .trusted = bits & 4,
        .has_body = bits & 8,
        .continues = bits & 16,
        .own_host = bits & 32,
    };
    struct proxy_headers made;

    if (proxy_request_headers(headers, count, &request, &memory, &made) == 0) {
        check_made(headers, count, &made);
        check_client(&made);
        for (size_t i = 0; i < made.count && !request.trusted; i++)
            for (size_t j = 0; j < count && is_rebuilt(&made.header[i]); j++)
                CHECK(made.header[i].name != headers[j].name);
        CHECK(made.upgrade == NULL ||
              (made.upgrade[0] != '\0' && !request.has_body && strcasecmp(made.upgrade, "h2c") != 0));
    }
    pieces_free(&pieces);
}

static void check_response(const weir_header *headers, size_t count)
{
    struct pieces pieces = {.most = PIECES_MAX};
    const struct proxy_memory memory = {take, &pieces};
    const weir_reply reply = {.headers = headers, .header_count = count, .version = 11};
    struct proxy_headers made;

    if (proxy_response_headers(&reply, &memory, &made) == 0)
        check_made(headers, count, &made);
    (void)proxy_switched_to(&reply, "websocket, foo");
    pieces_free(&pieces);
}

/* The first byte chooses the facts of a request. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char text[TEXT_BYTES];
    const struct weir__http_head_limits limits = {.head_bytes_max = TEXT_BYTES / 2,
                                                  .target_bytes_max = TEXT_BYTES / 2};
    struct weir__http_field fields[FIELDS];
    struct weir__http_request_head request = {.fields = fields, .field_max = FIELDS};
    struct weir__http_response_head response = {.fields = fields, .field_max = FIELDS, .upgrades = true};
    struct weir__http_scan scan = {0}, again = {0};
    struct weir__http_fault fault;
    weir_header headers[FIELDS];
    const char *data = (const char *)bytes + 1;

    if (size < 2)
        return 0;
    if (weir__http_request_head_parse(data, size - 1, &scan, &limits, &request, &fault) > 0)
        check_request(headers, copy(fields, request.field_count, text, headers), bytes[0]);
    else if (weir__http_response_head_parse(data, size - 1, &again, &limits, WEIR__HTTP_GET, &response,
                                            &fault) > 0)
        check_response(headers, copy(fields, response.field_count, text, headers));
    return 0;
}
