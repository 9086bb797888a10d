/* SPDX-License-Identifier: MIT */
/* The line of the access log for an exchange that has ended.
 *
 * Threading: any loop.
 */
#ifndef APP_GATEWAY_ACCESS_LOG_H
#define APP_GATEWAY_ACCESS_LOG_H

#include <weir/charge.h>
#include <weir/http_server.h>
#include <weir/log.h>
#include <weir/trace.h>

#include "gateway/access_fields.h"
#include "routes/gather_note.h"
#include "routes/proxy_note.h"

enum {
    ACCESS_LOG_PAIRS = 24 + ACCESS_LOG_FIELDS_MAX,
    ACCESS_LOG_PARTS = WEIR_CHARGES_MAX + 1,
    ACCESS_LOG_LABELS_BYTES = 1024,
    ACCESS_LOG_HELD_BYTES = 160,
    ACCESS_LOG_PARTIAL_BYTES = 48,
};

/* The pairs of a line, with texts made for it. It must not be moved once filled. */
struct access_log_line {
    size_t count;
    weir_kv pairs[ACCESS_LOG_PAIRS];
    char trace[WEIR_TRACE_ID_BYTES];
    weir_kv_part spent[ACCESS_LOG_PARTS];
    char labels[ACCESS_LOG_LABELS_BYTES];
    char held_by[ACCESS_LOG_HELD_BYTES];
    char partial[ACCESS_LOG_PARTIAL_BYTES];
    char failed[GATHER_FAILED_BYTES];
    char attempts[GATHER_FAILED_BYTES];
};

/* The facts of a line that are not in the record. */
struct access_log_more {
    const char *peer;
    const char *client;      /* as trusted proxies tell it; NULL: it is the peer, left out */
    const char *user;        /* NULL: left out */
    const weir_trace *trace; /* NULL: left out */
    const weir_charge *charges;
    size_t charge_count;                /* 0: left out */
    const char *target;                 /* as it is shown; NULL: that of the record */
    int sample;                         /* percent: the line stands for those that have none; 0: for itself */
    const struct access_fields *fields; /* NULL: none */
};

/* Fills a line, which borrows from its arguments. "ended" stands in the line of an exchange that did not end
 * as it should. "spent" has the charges of its time, the largest first, and those below a thousandth together
 * as "rest". "attempts" has the second attempts of its requests to backends. "held_by" is the task that held
 * the loop longest while the request was ready to run. "sample" is the share of such requests that has a
 * line, 0.1 of 10 %. Headers of the request are last, so that they are what a line that is too long lacks.
 */
void access_log_fill(struct access_log_line *line, const weir_exchange_record *record,
                     const struct access_log_more *more);

#endif
