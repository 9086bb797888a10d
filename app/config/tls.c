/* SPDX-License-Identifier: MIT */
#include "config/tls.h"

#include <string.h>

#include <weir/address.h>

#include "config/schema.h"
#include "config/value.h"

/* --- values --- */

static void read_file(struct config_reader *reader, const struct tree_node *node, const char *what,
                      struct config_tls_file *out)
{
    const char *path = NULL;

    value_read_text(reader, node, what, false, &path);
    out->place = node->place;
    if (path != NULL)
        out->path = path_beside_file(reader, path);
}

/* Reads "1.2" as text, and 1.2 as a number, which are the same here. */
static void read_min(struct config_reader *reader, const struct tree_node *node, const char *what,
                     enum weir_tls_version *out)
{
    if (node->type == TREE_SCALAR && strcmp(node->text, "1.2") == 0)
        *out = WEIR_TLS_1_2;
    else if (node->type == TREE_SCALAR && strcmp(node->text, "1.3") == 0)
        *out = WEIR_TLS_1_3;
    else
        fault_value(reader, node, what, "1.2 or 1.3, the oldest version that is spoken");
}

/* A key needs its certificate, and the other way round. */
static bool is_whole(struct config_reader *reader, const struct config_tls_pair *pair, const char *what)
{
    const bool cert = pair->cert.path != NULL;

    if (cert == (pair->key.path != NULL))
        return true;
    config_fault(reader->faults, cert ? pair->cert.place : pair->key.place,
                 "%s has '%s' without '%s', expected both: a certificate, and its private key", what,
                 cert ? "cert" : "key", cert ? "key" : "cert");
    return false;
}

/* --- certificates of a listener --- */

static void read_listener_cert(struct config_reader *reader, const struct tree_node *node, void *member)
{
    read_file(reader, node, "tls.certificates.cert", member);
}

static void read_listener_key(struct config_reader *reader, const struct tree_node *node, void *member)
{
    read_file(reader, node, "tls.certificates.key", member);
}

static const struct schema_key pair_keys[] = {
    {"cert", SCHEMA_CUSTOM, offsetof(struct config_tls_pair, cert), .read = read_listener_cert,
     .required = "a PEM file with the certificate and its chain"},
    {"key", SCHEMA_CUSTOM, offsetof(struct config_tls_pair, key), .read = read_listener_key,
     .required = "a PEM file with the private key"},
};
static const struct schema pair_schema = {.name = "tls.certificates", SCHEMA_KEYS(pair_keys)};

static void read_certificates(struct config_reader *reader, const struct tree_node *node,
                              struct config_tls_server *tls)
{
    struct config_tls_pair *pairs;
    weir_tls_certificate *certificates;
    size_t n = 0;

    if (!node_is_list(reader, node, "tls.certificates"))
        return;
    if (node->count == 0 || node->count > CONFIG_CERTIFICATES_MAX) {
        config_fault(reader->faults, node->place, "tls.certificates has %zu entries, expected 1 to %d",
                     node->count, CONFIG_CERTIFICATES_MAX);
        return;
    }
    pairs = config_take(reader->memory, node->count * sizeof *pairs);
    certificates = config_take(reader->memory, node->count * sizeof *certificates);
    if (pairs == NULL || certificates == NULL)
        return;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
        if (!schema_read(reader, &pair_schema, item, &pairs[n]) || pairs[n].cert.path == NULL ||
            pairs[n].key.path == NULL)
            continue;
        certificates[n] = (weir_tls_certificate){pairs[n].cert.path, pairs[n].key.path};
        n++;
    }
    tls->pairs = pairs;
    tls->options.certificates = certificates;
    tls->options.certificate_count = n;
}

/* --- tls: of a listener --- */

/* The only protocols that are spoken here: clients that offer "h2" beside them are content. */
static const char *const protocols[] = {"http/1.1", "http/1.0"};

struct server_draft {
    struct config_tls_server tls;
    const struct tree_node *certificates;
};

static void read_server_min(struct config_reader *reader, const struct tree_node *node, void *member)
{
    read_min(reader, node, "tls.min", member);
}

static void read_client_ca(struct config_reader *reader, const struct tree_node *node, void *member)
{
    read_file(reader, node, "tls.client_ca", member);
}

#define AT(member) .offset = offsetof(struct server_draft, member)
static const struct schema_key server_keys[] = {
    {"certificates", SCHEMA_CUSTOM, AT(certificates), .read = schema_keep_node,
     .required = "a list of {cert: FILE, key: FILE}"},
    {"client_ca", SCHEMA_CUSTOM, AT(tls.client_ca), .read = read_client_ca},
    {"min", SCHEMA_CUSTOM, AT(tls.options.min), .read = read_server_min},
    {"recheck", SCHEMA_DURATION, AT(tls.options.recheck), .fallback = "10s", .min = SCHEMA_MS(10),
     .max = SCHEMA_MS(INT64_C(24) * 3600 * 1000)},
};
#undef AT
static const struct schema server_schema = {.name = "tls", SCHEMA_KEYS(server_keys)};

const struct config_tls_server *tls_server_read(struct config_reader *reader, const struct tree_node *node)
{
    struct config_tls_server *tls = config_take(reader->memory, sizeof *tls);
    struct server_draft draft = {.tls.place = node->place};

    if (tls == NULL || !schema_read(reader, &server_schema, node, &draft))
        return NULL;
    *tls = draft.tls;
    tls->options.client_ca = tls->client_ca.path;
    tls->options.alpn = protocols;
    tls->options.alpn_count = sizeof protocols / sizeof *protocols;
    if (draft.certificates != NULL)
        read_certificates(reader, draft.certificates, tls);
    return tls->options.certificate_count > 0 ? tls : NULL;
}

/* --- tls: of a backend --- */

struct client_draft {
    struct config_tls_client tls;
    const struct tree_node *name, *server_name;
    bool verify;
};

static void read_backend_ca(struct config_reader *reader, const struct tree_node *node, void *member)
{
    read_file(reader, node, "backend.tls.ca", member);
}

static void read_backend_cert(struct config_reader *reader, const struct tree_node *node, void *member)
{
    read_file(reader, node, "backend.tls.cert", member);
}

static void read_backend_key(struct config_reader *reader, const struct tree_node *node, void *member)
{
    read_file(reader, node, "backend.tls.key", member);
}

static void read_backend_min(struct config_reader *reader, const struct tree_node *node, void *member)
{
    read_min(reader, node, "backend.tls.min", member);
}

#define AT(member) .offset = offsetof(struct client_draft, member)
static const struct schema_key client_keys[] = {
    {"ca", SCHEMA_CUSTOM, AT(tls.ca), .read = read_backend_ca},
    {"cert", SCHEMA_CUSTOM, AT(tls.pair.cert), .read = read_backend_cert},
    {"key", SCHEMA_CUSTOM, AT(tls.pair.key), .read = read_backend_key},
    {"name", SCHEMA_CUSTOM, AT(name), .read = schema_keep_node},
    {"server_name", SCHEMA_CUSTOM, AT(server_name), .read = schema_keep_node},
    {"verify", SCHEMA_BOOL, AT(verify), .fallback = "true"},
    {"min", SCHEMA_CUSTOM, AT(tls.options.min), .read = read_backend_min},
    {"recheck", SCHEMA_DURATION, AT(tls.options.recheck), .fallback = "10s", .min = SCHEMA_MS(10),
     .max = SCHEMA_MS(INT64_C(24) * 3600 * 1000)},
};
#undef AT
static const struct schema client_schema = {.name = "backend.tls", SCHEMA_KEYS(client_keys)};

/* A name or an address, as a certificate has it. */
static void read_name(struct config_reader *reader, const struct tree_node *node, const char **out)
{
    enum weir_host_type type;

    if (!node_is_text(reader, node, "backend.tls.name"))
        return;
    type = weir_host_type_of((weir_bytes){node->text, node->length});
    if (type == WEIR_HOST_INVALID)
        fault_value(reader, node, "backend.tls.name", "a host's name or address, without a port");
    else
        *out = node->text;
}

static void read_names(struct config_reader *reader, const struct client_draft *draft, const char **out)
{
    if (draft->name != NULL && draft->server_name != NULL)
        config_fault(reader->faults, draft->server_name->key_place,
                     "backend.tls has 'name' and 'server_name', which are the same; expected one of them");
    else if (draft->name != NULL)
        read_name(reader, draft->name, out);
    else if (draft->server_name != NULL)
        read_name(reader, draft->server_name, out);
}

const struct config_tls_client *tls_client_read(struct config_reader *reader, const struct tree_node *node)
{
    struct config_tls_client *tls = config_take(reader->memory, sizeof *tls);
    struct client_draft draft = {.tls.place = node->place};

    if (tls == NULL || !schema_read(reader, &client_schema, node, &draft))
        return NULL;
    *tls = draft.tls;
    if (!is_whole(reader, &tls->pair, "backend.tls"))
        return NULL;
    if (tls->ca.path != NULL && !draft.verify) {
        config_fault(reader->faults, tls->ca.place,
                     "backend.tls has 'ca' and 'verify: false', expected one of them");
        return NULL;
    }
    tls->options.ca = tls->ca.path;
    tls->options.cert = tls->pair.cert.path;
    tls->options.key = tls->pair.key.path;
    tls->options.unverified = !draft.verify;
    tls->options.alpn = protocols;
    tls->options.alpn_count = 1; /* the first: what the client speaks */
    read_names(reader, &draft, &tls->options.server_name);
    return tls;
}

/* --- places --- */

/* Whether a sentence has a path as a word of its own: "a.pem" is no part of "ca.pem". */
static bool names(const char *sentence, const struct config_tls_file *file)
{
    static const char around[] = " ,;:'()\"";
    const char *at = sentence != NULL && file->path != NULL ? strstr(sentence, file->path) : NULL;

    for (; at != NULL; at = strstr(at + 1, file->path)) {
        const char after = at[strlen(file->path)];
        if ((at == sentence || strchr(around, at[-1]) != NULL) && strchr(around, after) != NULL)
            return true;
    }
    return false;
}

struct config_place tls_server_place(const struct config_tls_server *tls, const char *sentence)
{
    for (size_t i = 0; i < tls->options.certificate_count; i++) {
        if (names(sentence, &tls->pairs[i].key))
            return tls->pairs[i].key.place;
        if (names(sentence, &tls->pairs[i].cert))
            return tls->pairs[i].cert.place;
    }
    return names(sentence, &tls->client_ca) ? tls->client_ca.place : tls->place;
}

struct config_place tls_client_place(const struct config_tls_client *tls, const char *sentence)
{
    if (names(sentence, &tls->pair.key))
        return tls->pair.key.place;
    if (names(sentence, &tls->pair.cert))
        return tls->pair.cert.place;
    return names(sentence, &tls->ca) ? tls->ca.place : tls->place;
}
