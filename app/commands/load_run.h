/* SPDX-License-Identifier: MIT */
/* A run of open-loop load: each request has its time to start, whether or not earlier requests were answered,
 * and its latency counts from that time.
 *
 * Threading: load_run lends the calling thread to a runtime with one loop.
 */
#ifndef APP_COMMANDS_LOAD_RUN_H
#define APP_COMMANDS_LOAD_RUN_H

#include <weir/http_client.h>

#include "commands/load_stats.h"

enum { LOAD_URL_BYTES_MAX = 64 << 10 };

struct load_target {
    struct load_plan plan;
    const char *const *urls; /* in turn; {n} stands for the number of the request, from 0 */
    size_t url_count;
    weir_duration timeout; /* of one request */
    const char *method;
    const weir_header *headers;
    size_t header_count;
    weir_bytes body;
    const char *ca; /* a file of authorities; NULL: those of the system */
    bool insecure;  /* servers are not checked */
    bool progress;  /* shows the progress on stderr, in a line that is rewritten */
};

/* Runs the load. SIGINT and SIGTERM end it early.
 * Returns: 0 with stats, whatever the answers; the errors of weir_run(), weir_client_open() and
 *          weir_tls_client_open(): stats->refused says which, if more is known than the code tells.
 */
WEIR_CHECKED int load_run(const struct load_target *target, struct load_stats *stats);

/* Writes the URL of a request: a template with {n} filled in.
 * Returns: 0, -WEIR_ETOOLARGE, -ENOMEM.
 */
WEIR_CHECKED int load_url(weir_buffer *out, const char *url, uint64_t number);

#endif
