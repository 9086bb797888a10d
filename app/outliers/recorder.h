/* SPDX-License-Identifier: MIT */
/* The recorder of outliers: decides which requests are kept, keeps the latest in memory, and writes each to
 * disk where that is asked for.
 *
 * A request is written down as JSON on its loop when it ends, ten a second at most; further ones are counted.
 * A thread of its own completes it a moment later, when the watch has decided what held the loop meanwhile,
 * and writes the file.
 *
 * Threading: recorder_take() belongs to the loops; it neither waits nor takes a lock. The lists may be read
 * by any thread, until recorder_close().
 */
#ifndef APP_OUTLIERS_RECORDER_H
#define APP_OUTLIERS_RECORDER_H

#include <stdbool.h>

#include <weir/error.h>
#include <weir/http_server.h>

#include "config/config.h"
#include "metrics/gateway_status.h"
#include "metrics/request_counts.h"
#include "text/text_out.h"

struct recorder;

enum {
    RECORDER_PER_SECOND = 10,    /* requests of a process */
    RECORDER_WAITING_MAX = 64,   /* for the thread; further ones are dropped */
    RECORDER_BYTES_MAX = 8 << 20 /* in memory */
};

/* Whether a configuration has a recorder: outliers are kept, and can be seen somewhere. */
bool recorder_is_wanted(const struct config *config);

/* Starts the thread.
 * Owns:    config and status are lent until recorder_close().
 * Returns: 0, *out NULL: the configuration wants none; -ENOMEM, -EAGAIN. */
WEIR_CHECKED int recorder_open(const struct config *config, struct gateway_status *status,
                               struct recorder **out);

/* Ends the thread, once it has written what it was given: waits for two seconds at most, and leaves a thread
 * to itself that a file system still holds then. NULL is nothing. */
void recorder_close(struct recorder *recorder);

/* Records a request, if it is an outlier and there is room: for request_outliers_to(). arg: the recorder. */
void recorder_take(void *arg, struct request_counts_loop *counts, const weir_exchange_record *record);

/* Writes what lists show as JSON, the latest first; recorder NULL: an empty list. */
void recorder_write_list(struct recorder *recorder, struct text_out *out);

/* Writes one. Returns: false: it is not there. */
bool recorder_write(struct recorder *recorder, const char *id, struct text_out *out);

#endif
