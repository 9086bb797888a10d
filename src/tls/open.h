/* SPDX-License-Identifier: MIT */
/* Opening contexts. */
#ifndef WEIR__TLS_OPEN_H
#define WEIR__TLS_OPEN_H

#include "tls/context_record.h"
#include "tls/fault.h"

/* Make a context. Jobs of the blocking pool. Returns: as weir_tls_server_open(). */
int weir__tls_server_make(weir_runtime *runtime, const weir_tls_server_options *options,
                          const void *opened_at, weir_tls **out, struct weir__tls_fault *fault) WEIR_CHECKED;
int weir__tls_client_make(weir_runtime *runtime, const weir_tls_client_options *options,
                          const void *opened_at, weir_tls **out, struct weir__tls_fault *fault) WEIR_CHECKED;

/* What the caller of a function that opens gets as *why: NULL after success, else a sentence that is kept. */
const char *weir__tls_open_why(weir_runtime *runtime, int err, const struct weir__tls_fault *fault);

/* Frees a context that is in no list, or was not opened as a whole. */
void weir__tls_free(weir_tls *tls);

#endif
