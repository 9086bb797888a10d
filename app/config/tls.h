/* SPDX-License-Identifier: MIT */
/* tls: of a listener or a backend: certificates, keys, authorities, versions. The files themselves are read
 * when the gateway starts, see gateway/tls_contexts.h.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_TLS_H
#define APP_CONFIG_TLS_H

#include <weir/tls.h>

#include "config/config.h"
#include "config/reader.h"

enum { CONFIG_CERTIFICATES_MAX = 1000 };

/* A file that a context needs. */
struct config_tls_file {
    const char *path; /* as the library opens it; NULL: not written */
    struct config_place place;
};

struct config_tls_pair {
    struct config_tls_file cert, key;
};

/* tls: of a listener. */
struct config_tls_server {
    weir_tls_server_options options;     /* complete, as the library takes them */
    const struct config_tls_pair *pairs; /* options.certificate_count of them */
    struct config_tls_file client_ca;
    struct config_place place;
};

/* tls: of a backend. */
struct config_tls_client {
    weir_tls_client_options options; /* complete, as the library takes them */
    struct config_tls_pair pair;
    struct config_tls_file ca;
    struct config_place place;
};

/* Read the value of a key "tls", with faults that call it what.
 * Owns:    the result lies in reader->memory.
 * Returns: NULL after a fault, or without memory.
 */
const struct config_tls_server *tls_server_read(struct config_reader *reader, const struct tree_node *node);
const struct config_tls_client *tls_client_read(struct config_reader *reader, const struct tree_node *node);

/* The place of the file that a sentence names, so that a fault points at it; otherwise that of "tls". */
struct config_place tls_server_place(const struct config_tls_server *tls, const char *sentence);
struct config_place tls_client_place(const struct config_tls_client *tls, const char *sentence);

#endif
