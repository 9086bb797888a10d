/* SPDX-License-Identifier: MIT */
/* The key "access_log" of a configuration: which requests are logged, where and how.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_ACCESS_LOG_H
#define APP_CONFIG_ACCESS_LOG_H

#include <stdbool.h>

#include <weir/time.h>

#include "config/fault.h"
#include "config/reader.h"

struct config_access_log {
    bool on;
    bool apart;       /* it has an output of its own; otherwise its lines are some of the log */
    const char *path; /* NULL: stderr */
    struct config_place path_place;
    int format;              /* enum config_log */
    int sample;              /* percent of the requests that are neither slow nor failed */
    weir_duration slow;      /* requests that take as long are always logged; 0: none is for that */
    const char *const *hide; /* names in lower case, whose values are not shown; NULL: none; ended by NULL */
    const char *const *fields; /* headers of requests in lower case, at most ACCESS_LOG_FIELDS_MAX, whose
                                  values are shown; NULL: none; ended by NULL */
};

/* Reads the value of the key, a bool or a map; node NULL: all defaults. log: the format of the log. */
void access_log_read(struct config_reader *reader, const struct tree_node *node, int log,
                     struct config_access_log *out);

#endif
