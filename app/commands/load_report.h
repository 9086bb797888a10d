/* SPDX-License-Identifier: MIT */
/* Reports of a load run: text for people, JSON for programs. No I/O.
 *
 * Threading: as load_stats.h.
 */
#ifndef APP_COMMANDS_LOAD_REPORT_H
#define APP_COMMANDS_LOAD_REPORT_H

#include <weir/buffer.h>
#include <weir/error.h>

#include "commands/load_stats.h"

/* Each adds to out.
 * Returns: 0, -WEIR_ETOOLARGE, -ENOMEM.
 */
WEIR_CHECKED int load_report_text(const struct load_stats *stats, const struct load_plan *plan,
                                  weir_buffer *out);

/* A JSON object and a newline. */
WEIR_CHECKED int load_report_json(const struct load_stats *stats, const struct load_plan *plan,
                                  weir_buffer *out);

/* A line on the progress of the run, without a line break. */
WEIR_CHECKED int load_report_progress(const struct load_stats *stats, weir_duration since, weir_buffer *out);

#endif
