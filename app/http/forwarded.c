/* SPDX-License-Identifier: MIT */
#include "http/forwarded.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <weir/http_text.h>

#include "http/forwarded_list.h"

/* --- texts --- */

/* A text that is written from its end, as the lists are read, into memory that is known to have room for it.
 * Runs for every request that is passed on, so that it copies and does not format. */
struct text {
    char *at;
};

static void put(struct text *t, weir_bytes bytes)
{
    t->at -= bytes.len;
    memcpy(t->at, bytes.data, bytes.len);
}

static void put_text(struct text *t, const char *text)
{
    put(t, weir_bytes_of(text));
}

static struct text begin_text(char *end)
{
    end[-1] = '\0';
    return (struct text){end - 1};
}

static void separate(struct text *t)
{
    if (*t->at != '\0')
        put_text(t, ", ");
}

/* A value of Forwarded: a token, or quoted. */
static void put_value(struct text *t, weir_bytes value)
{
    if (weir_token_is_valid(value)) {
        put(t, value);
        return;
    }
    put_text(t, "\"");
    for (size_t i = value.len; i-- > 0;) {
        put(t, (weir_bytes){&value.data[i], 1});
        if (value.data[i] == '"' || value.data[i] == '\\')
            put_text(t, "\\");
    }
    put_text(t, "\"");
}

/* --- what the peer tells --- */

/* A fact of the client, its host or its scheme. */
struct fact {
    weir_bytes value; /* without quotation marks; empty: it cannot be said in a header of its own */
    bool stands;      /* in its element of Forwarded, as the peer wrote it */
};

struct told {
    struct forwarded_list list; /* empty: no hop */
    const char *client;         /* where the element of the client begins; NULL: the client is the peer */
    size_t hops;
    struct fact host, scheme;
};

/* Returns: the last value of a name; NULL: there is none. */
static const char *find_last(const weir_header *headers, size_t count, const char *name)
{
    while (count-- > 0)
        if (strcasecmp(headers[count].name, name) == 0)
            return headers[count].value;
    return NULL;
}

/* Joins the lines of a header. Returns: 0; -ENOMEM. */
static int join(const weir_header *headers, size_t count, const char *name, const struct proxy_memory *memory,
                weir_bytes *out)
{
    size_t room = 0;
    char *text, *at;

    for (size_t i = 0; i < count; i++)
        if (strcasecmp(headers[i].name, name) == 0)
            room += strlen(headers[i].value) + 2;
    *out = (weir_bytes){"", 0};
    if (room == 0)
        return 0;
    text = at = memory->take(memory->arg, room);
    if (text == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(headers[i].name, name) != 0)
            continue;
        if (at > text)
            at = mempcpy(at, ", ", 2);
        at = mempcpy(at, headers[i].value, strlen(headers[i].value));
    }
    *out = (weir_bytes){text, (size_t)(at - text)};
    return 0;
}

/* What the last header of a name says, if it says something: one before may be the client's. */
static void read_header(const char *last, struct fact *out)
{
    weir_bytes value = forwarded_last_value(last != NULL ? last : "");

    if (value.len > 0)
        out->value = value;
}

/* A parameter of Forwarded. One with an escape, or what a list is made of, is in no header of its own. */
static void read_parameter(weir_bytes value, struct fact *out)
{
    if (value.data == NULL)
        return;
    if (value.len >= 2 && value.data[0] == '"')
        value = (weir_bytes){value.data + 1, value.len - 2};
    for (size_t i = 0; i < value.len; i++)
        if (strchr(", \t;\\", value.data[i]) != NULL)
            value.len = 0;
    *out = (struct fact){value, true};
}

/* Finds the client among the hops, and what its element says. */
static void find_client(struct told *told, const struct proxy_request *request)
{
    struct forwarded_list list = told->list;
    struct forwarded_hop hop, client = {.ip = {0}};

    for (bool found = false; forwarded_last(&list, &hop); told->hops++) {
        if (found)
            continue;
        client = hop;
        found =
            hop.address.len == 0 || !networks_have_address(request->proxies, request->proxy_count, hop.ip);
    }
    told->client = client.element.data;
    read_parameter(client.host, &told->host);
    read_parameter(client.scheme, &told->scheme);
}

static int read_told(const weir_header *headers, size_t count, const struct proxy_request *request,
                     const struct proxy_memory *memory, struct told *out)
{
    static const char addresses[] = "x-forwarded-for";
    struct forwarded_headers last;
    int err;

    *out = (struct told){.list = {{"", 0}, false},
                         .host.value = weir_bytes_of(request->authority),
                         .scheme.value = weir_bytes_of(request->scheme)};
    if (!request->trusted)
        return 0;
    last = (struct forwarded_headers){
        .addresses = find_last(headers, count, addresses),
        .scheme = find_last(headers, count, "x-forwarded-proto"),
        .host = find_last(headers, count, "x-forwarded-host"),
    };
    out->list = forwarded_choose(&last);
    err = join(headers, count, out->list.is_forwarded ? "forwarded" : addresses, memory, &out->list.text);
    if (err < 0)
        return err;
    read_header(last.host, &out->host);
    read_header(last.scheme, &out->scheme);
    find_client(out, request);
    return 0;
}

/* --- what is said --- */

/* The address without its port and brackets; empty if the peer has none. */
static weir_bytes address_of(const char *peer)
{
    return strchr(peer, ':') != NULL ? network_address_text(weir_bytes_of(peer)) : (weir_bytes){"", 0};
}

/* What the element of the client says of it beside its address. */
static void put_facts(struct text *t, const struct told *told)
{
    if (!told->scheme.stands) {
        put_value(t, told->scheme.value);
        put_text(t, ";proto=");
    }
    if (!told->host.stands && told->host.value.len > 0) {
        put_value(t, told->host.value);
        put_text(t, ";host=");
    }
}

/* A node without an address is a name made up for it (RFC 7239, 6.3), or unknown. */
static void put_for(struct text *t, weir_bytes node, weir_bytes address)
{
    const bool v6 = address.len > 0 && memchr(address.data, ':', address.len) != NULL;
    const bool named = node.len > 0 && node.data[0] == '_' && weir_token_is_valid(node);

    if (v6)
        put_text(t, "]\"");
    put(t, address.len > 0 ? address : named ? node : weir_bytes_of("unknown"));
    put_text(t, v6 ? "for=\"[" : "for=");
}

struct lists {
    struct text addresses, elements;
};

static void put_peer(struct lists *out, const struct told *told, weir_bytes address)
{
    put(&out->addresses, address);
    if (address.len == 0 && told->hops > 0)
        return; /* X-Forwarded-For has no word for it */
    if (told->client == NULL)
        put_facts(&out->elements, told);
    put_for(&out->elements, (weir_bytes){"", 0}, address);
}

static void put_hops(struct lists *out, const struct told *told)
{
    struct forwarded_list list = told->list;
    struct forwarded_hop hop;
    bool known = true; /* all that are behind it have addresses */

    while (forwarded_last(&list, &hop)) {
        separate(&out->elements);
        if (hop.element.data == told->client)
            put_facts(&out->elements, told);
        if (list.is_forwarded)
            put(&out->elements, hop.element);
        else
            put_for(&out->elements, hop.node, hop.address);
        known = known && (!list.is_forwarded || hop.address.len > 0);
        if (!known)
            continue;
        separate(&out->addresses);
        put(&out->addresses, list.is_forwarded ? hop.address : hop.element);
    }
}

static const char *end_text(char **at, weir_bytes value)
{
    const char *text = *at;

    *at = mempcpy(*at, value.data, value.len);
    *(*at)++ = '\0';
    return text;
}

int forwarded_add(const weir_header *headers, size_t count, const struct proxy_request *request,
                  const struct proxy_memory *memory, weir_header out[FORWARDED_HEADERS])
{
    const weir_bytes peer = address_of(request->peer);
    const char *host, *scheme;
    size_t facts, addresses, elements;
    struct told told;
    struct lists lists;
    char *at;
    int n = 0, err = read_told(headers, count, request, memory, &told);

    if (err < 0)
        return err;
    facts = told.host.value.len + told.scheme.value.len + 2;
    addresses = told.list.text.len + 2 * told.hops + peer.len + 4;
    elements = told.list.text.len + 16 * told.hops + peer.len + 2 * facts + 64;
    at = memory->take(memory->arg, facts + addresses + elements);
    if (at == NULL)
        return -ENOMEM;
    host = end_text(&at, told.host.value);
    scheme = end_text(&at, told.scheme.value);
    lists = (struct lists){begin_text(at + addresses), begin_text(at + addresses + elements)};
    put_peer(&lists, &told, peer);
    put_hops(&lists, &told);
    if (lists.addresses.at[0] != '\0')
        out[n++] = (weir_header){"x-forwarded-for", lists.addresses.at};
    if (scheme[0] != '\0')
        out[n++] = (weir_header){"x-forwarded-proto", scheme};
    if (host[0] != '\0')
        out[n++] = (weir_header){"x-forwarded-host", host};
    out[n++] = (weir_header){"forwarded", lists.elements.at};
    return n;
}
