/* SPDX-License-Identifier: MIT */
/* The totals of a gateway process as bytes, which its supervisor asks for and adds up to those of all
 * processes (sums.h). They are rows, each of one part (a route, an origin …) and one key: numbers that only
 * grow, present values, texts, and for some parts a meter. A part has the same number of each in every row.
 *
 * Threading: functions from bytes to data and back; any thread.
 */
#ifndef APP_METRICS_TOTALS_H
#define APP_METRICS_TOTALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/meter.h>

#include "text/text_out.h"

struct snapshot;
struct snapshot_route;

enum totals_part {
    TOTALS_GATEWAY,   /* the process */
    TOTALS_ROUTE,     /* by its name */
    TOTALS_BREAKDOWN, /* by the name of its route */
    TOTALS_OUTCOME,   /* by route, and method and status */
    TOTALS_EXEMPLARS, /* by route */
    TOTALS_GATHER,    /* by route */
    TOTALS_CALL,      /* by route and call */
    TOTALS_ORIGIN,    /* by name */
    TOTALS_LOOP,      /* by number */
    TOTALS_POOL,      /* by name */
    TOTALS_POOL_QUEUE,
    TOTALS_CLIENT,      /* by address */
    TOTALS_STALLS,      /* by route and type */
    TOTALS_WORST_STALL, /* the process */
    TOTALS_GUARD_CALL,  /* by function */
    TOTALS_TLS,         /* by side and name */
    TOTALS_CERTIFICATE, /* by side, name and file */
    TOTALS_BACKEND,     /* by name */
    TOTALS_INSTANCE,    /* by backend and address */
    TOTALS_ATTEMPTS,    /* by the name of a backend; of an application "app NAME" */
    TOTALS_APP,         /* by name */
    TOTALS_APP_WAIT,    /* by name */
    TOTALS_PARTS
};

enum {
    TOTALS_KEYS_MAX = 3,
    TOTALS_NUMBERS_MAX = 40,
    TOTALS_VALUES_MAX = 80,
    TOTALS_TEXTS_MAX = 4,
    TOTALS_TEXT_BYTES_MAX = 2048, /* of one key or text: a longer one is cut */
    TOTALS_ROWS_MAX = 16384,      /* further ones are left out */
    TOTALS_BYTES_MAX = 4 << 20
};

/* How many of each a row has. */
struct totals_shape {
    unsigned char keys, numbers, values, texts;
    bool meter;
};

extern const struct totals_shape totals_shapes[TOTALS_PARTS];

/* The names of numbers and values, where the snapshot has none. */
enum totals_gateway_number {
    GATEWAY_LOG_DROPPED,
    GATEWAY_ACCESS_LOG_DROPPED,
    GATEWAY_ACCEPTED,
    GATEWAY_TURNED_AWAY,
    GATEWAY_CPU_US,
    GATEWAY_OUTLIERS_UNWRITTEN,
    GATEWAY_UNSERVED /* then as enum weir_unserved */
};
enum totals_gateway_value {
    GATEWAY_READY,
    GATEWAY_DRAINING,
    GATEWAY_RUNS,
    GATEWAY_CONNECTIONS,
    GATEWAY_EXCHANGES,
    GATEWAY_FRESH,
    GATEWAY_HALF_SENT,
    GATEWAY_STALLS_ERR,
    GATEWAY_HAS_STAT, /* then as struct process_stats */
    GATEWAY_VIRTUAL_BYTES,
    GATEWAY_RESIDENT_BYTES,
    GATEWAY_THREADS,
    GATEWAY_OPEN_FDS,
    GATEWAY_MAX_FDS,
    GATEWAY_VALUES
};
enum totals_exemplar_value { EXEMPLAR_HIGH, EXEMPLAR_LOW, EXEMPLAR_TOOK_NS, EXEMPLAR_AT_MS, EXEMPLAR_VALUES };
enum totals_origin_value {
    ORIGIN_VALUE_FAILING,
    ORIGIN_VALUE_IN_USE,
    ORIGIN_VALUE_IDLE,
    ORIGIN_VALUE_WAITING,
    ORIGIN_VALUE_LAST_ERROR_NS,
    ORIGIN_VALUES
};
enum totals_loop_number {
    LOOP_NUMBER_STARTED = 3, /* after enum snapshot_loop_number */
    LOOP_TOTALS
};
enum totals_loop_value { LOOP_VALUE_TASKS, LOOP_VALUE_READY, LOOP_VALUES };
enum totals_pool_value {
    POOL_VALUE_CLASS,
    POOL_VALUE_WORKERS,
    POOL_VALUE_WORKERS_MAX,
    POOL_VALUE_QUEUE_MAX,
    POOL_VALUE_QUEUED,
    POOL_VALUE_RUNNING,
    POOL_VALUES
};
enum totals_stalls_number { STALLS_COUNT, STALLS_HELD_NS, STALLS_NUMBERS };
enum totals_worst_value { WORST_HELD_NS, WORST_COUNT, WORST_VALUES };
enum totals_worst_text { WORST_TASK, WORST_ROUTE, WORST_PLACE, WORST_CAUSE, WORST_TEXTS };
enum totals_certificate_value { CERTIFICATE_NOT_BEFORE_S, CERTIFICATE_NOT_AFTER_S, CERTIFICATE_VALUES };
enum totals_certificate_text { CERTIFICATE_NAMES, CERTIFICATE_KEY, CERTIFICATE_FAILED, CERTIFICATE_TEXTS };
enum totals_backend_value {
    BACKEND_VALUE_IN_USE,
    BACKEND_VALUE_WAITING,
    BACKEND_VALUE_CONNECTIONS,
    BACKEND_VALUE_OPEN,
    BACKEND_VALUE_PANICS,
    BACKEND_VALUE_OPEN_SINCE_NS,
    BACKEND_VALUE_LIMIT,
    BACKEND_VALUES
};
enum totals_attempts_value {
    ATTEMPTS_VALUE_HEDGE_AFTER_NS,
    ATTEMPTS_VALUE_BUDGET_THOUSANDTHS,
    ATTEMPTS_VALUES
};
enum totals_instance_value {
    INSTANCE_VALUE_STATE,
    INSTANCE_VALUE_SINCE_NS,
    INSTANCE_VALUE_IN_USE,
    INSTANCE_VALUE_LAST_ERROR_NS,
    INSTANCE_VALUES
};
enum totals_instance_text { INSTANCE_LAST_ERROR, INSTANCE_LAST_CHECK, INSTANCE_TEXTS };

enum totals_app_value { APP_VALUE_IN_FLIGHT, APP_VALUE_WAITING, APP_VALUES };

/* A row. What a reader fills in points into the bytes that are read. */
struct totals_row {
    enum totals_part part;
    /* Not 0: what several processes have in common. Every one that reports this number has the same numbers
     * and values, which are not added up; what is counted anew has a new number */
    uint64_t common;
    const char *keys[TOTALS_KEYS_MAX];
    uint64_t numbers[TOTALS_NUMBERS_MAX];
    int64_t values[TOTALS_VALUES_MAX];
    const char *texts[TOTALS_TEXTS_MAX]; /* or NULL */
    /* of a reader */
    weir_bytes key;             /* all keys, each with its NUL */
    const unsigned char *meter; /* packed; NULL: the part has none */
};

/* --- writing --- */

struct totals_writer {
    struct text_out *out;
    size_t rows;
};

void totals_begin(struct totals_writer *w, struct text_out *out);
/* meter: NULL where the part has none. */
void totals_add(struct totals_writer *w, const struct totals_row *row, const weir_meter *meter);
void totals_end(struct totals_writer *w);

/* Adds the rows of a route. */
void totals_add_route(struct totals_writer *w, const struct snapshot_route *route);

/* Writes all of a snapshot. */
void totals_write(struct text_out *out, const struct snapshot *s);

/* --- reading --- */

/* Checks all of the bytes.
 * Returns: 0; -ENOTSUP they are of another version; -WEIR_ETRUNCATED; -WEIR_EPROTOCOL; -WEIR_ETOOLARGE. */
WEIR_CHECKED int totals_check(weir_bytes totals);

/* The offset of the first row, of bytes that have been checked; not 0. */
size_t totals_first(weir_bytes totals);

/* Reads the row at an offset, of bytes that have been checked; *next is the offset of the one behind it.
 * Returns: false: there is none. */
bool totals_read(weir_bytes totals, size_t at, struct totals_row *row, size_t *next);

/* Packs a meter. */
void totals_meter_pack(struct text_out *out, const weir_meter *meter);

/* Adds a packed meter to one, or counts its durations; NULL is an empty one. */
void totals_meter_add(const unsigned char *packed, weir_meter *sum);
uint64_t totals_meter_count(const unsigned char *packed);

#endif
