/* SPDX-License-Identifier: MIT */
/* Opening contexts. */
#ifndef WEIR__TLS_OPEN_H
#define WEIR__TLS_OPEN_H

#include "tls/context/context_record.h"
#include "tls/context/fault.h"

/* Make a context. Jobs of the blocking pool. Returns: as weir_tls_server_open(). */
int weir__tls_server_make(weir_runtime *runtime, const weir_tls_server_options *options,
                          const void *opened_at, weir_tls **out, struct weir__tls_fault *fault) WEIR_CHECKED;
int weir__tls_client_make(weir_runtime *runtime, const weir_tls_client_options *options,
                          const void *opened_at, weir_tls **out, struct weir__tls_fault *fault) WEIR_CHECKED;

/* As weir_tls_server_open(). opened_at: the caller of that. The layer of the context has no type yet. */
int weir__tls_server_open(const weir_tls_server_options *options, const void *opened_at, const char **why,
                          weir_tls **out) WEIR_CHECKED;

/* What the caller of a function that opens gets as *why: NULL after success, else a sentence that is kept. */
const char *weir__tls_open_why(weir_runtime *runtime, int err, const struct weir__tls_fault *fault);

#endif
