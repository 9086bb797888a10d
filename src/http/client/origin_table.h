/* SPDX-License-Identifier: MIT */
/* The origins of a client. Threading: as state.h. */
#ifndef WEIR__HTTP_CLIENT_ORIGIN_TABLE_H
#define WEIR__HTTP_CLIENT_ORIGIN_TABLE_H

#include <weir/url.h>

#include "http/client/state.h"

/* Takes the URL of a request apart. The parts are valid until the next call. Returns: 0;
 * -EINVAL, and *why says what is wrong. */
int weir__client_url(weir_client *client, const weir_fetch_options *options, weir_url *url,
                     const char **why) WEIR_CHECKED;

/* The same of a request to a backend, where it may be a path: then url is the target alone. */
int weir__client_backend_url(weir_client *client, const weir_fetch_options *options, weir_url *url,
                             const char **why) WEIR_CHECKED;

/* Finds the origin of a URL that is asked at an address (NULL: its own), or adds it in the place of one that
 * is not in use.
 * Returns: 0; -EINVAL the address, see weir__client_address_fault(); -ENOMEM; -WEIR_EBUSY all origins are in
 * use. */
int weir__client_origin(weir_client *client, const weir_url *url, const char *address,
                        struct weir__origin **out) WEIR_CHECKED;

/* An instance of a backend. */
struct weir__client_instance {
    const char *authority; /* what Host says; lent */
    const char *address;   /* that is connected to */
    weir_bytes tls_name;   /* that the server's certificate must be for; empty: without TLS */
};

/* Adds an instance, which is found by its backend alone. slots are lent. Returns: 0; -ENOMEM. */
int weir__client_add_instance(weir_client *client, const struct weir__client_instance *instance,
                              struct weir__slot_share *slots, struct weir__origin **out) WEIR_CHECKED;

/* Frees the instances that are gone and not in use. */
void weir__client_free_gone(weir_client *client);

/* Returns: a sentence (static) about what is wrong with an address to connect to; NULL: nothing. */
const char *weir__client_address_fault(const char *address);

/* Closes the idle connections of all origins. */
void weir__client_drop_all_idle(weir_client *client);

/* Frees all origins, which have no connections any more. Returns: false: a message of another loop is still
 * to come; try again in the next turn. */
bool weir__client_free_origins(weir_client *client) __attribute__((warn_unused_result));

#endif
