/* SPDX-License-Identifier: MIT */
/* TLS of a snapshot: the contexts of listeners and backends, each with its certificates.
 *
 * Threading: as snapshot.h.
 */
#ifndef APP_METRICS_SNAPSHOT_TLS_H
#define APP_METRICS_SNAPSHOT_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/tls.h>

#include "metrics/gateway_status.h"
#include "metrics/series.h"

/* The numbers of a context. */
enum snapshot_tls_number {
    TLS_HANDSHAKES, /* that succeeded */
    TLS_RESUMED,    /* of those */
    TLS_FAILED,     /* then as enum weir_tls_failure */
    TLS_NUMBERS = TLS_FAILED + WEIR_TLS_FAILURES
};
_Static_assert((int)TLS_NUMBERS <= (int)WINDOW_NUMBERS_MAX, "a series has room for every reason");

/* Fields are as in weir_tls_certificate_info. */
struct snapshot_certificate {
    char *cert, *names, *key;
    char *failed; /* or NULL */
    int64_t not_before_s, not_after_s;
};

struct snapshot_tls {
    enum gateway_tls_side side;
    char *name; /* the address of a listener, as bound; the name of a backend; "": of all other https URLs */
    int in_progress;
    struct series handshakes; /* by enum snapshot_tls_number; no durations */
    struct snapshot_certificate *certificates;
    size_t certificate_count;
};

/* Of numbers: handshakes and connections that failed, whatever the reason. */
uint64_t snapshot_tls_failed(const uint64_t *numbers);

/* "listener", "backend", "others" */
const char *snapshot_tls_side_name(enum gateway_tls_side side);

#endif
