/* SPDX-License-Identifier: MIT */
/* Errors of requests, by their type. Threading: pure functions. */
#ifndef WEIR__HTTP_CLIENT_ORIGIN_ERROR_H
#define WEIR__HTTP_CLIENT_ORIGIN_ERROR_H

#include <weir/http_client.h>

/* The type of an error. connected: the request had a connection. */
enum weir_origin_error weir__origin_error_of(int err, bool connected);

#endif
