/* SPDX-License-Identifier: MIT */
/* The access log: which exchanges have a line, and where it goes.
 *
 * Threading: any loop; opened and closed by the thread that runs the gateway, and opened again by any thread
 * but a loop's.
 */
#ifndef APP_GATEWAY_ACCESS_OUTPUT_H
#define APP_GATEWAY_ACCESS_OUTPUT_H

#include <stdbool.h>

#include <weir/http_server.h>
#include <weir/log_file.h>
#include <weir/trace.h>

#include "config/config.h"

/* Reports whether an exchange has a line: one that failed (refused, broken off, or answered with 5xx), one
 * that is slow, and of the others the sample. The sample is chosen by the trace, so that gateways in front of
 * each other choose the same. sample: set to the percentage when the line stands for other exchanges, else to
 * 0.
 */
bool access_output_wants(const struct config_access_log *settings, const weir_exchange_record *record,
                         const weir_trace *trace, int *sample);

/* Opens the output that the configuration says.
 * Returns: 0, and *out is NULL when the lines are some of the log; errors as of weir_log_file_open(). */
WEIR_CHECKED int access_output_open(const struct config_access_log *settings, weir_log_file **out);

/* Opens the file again, and logs whether it could. NULL: there is none. */
void access_output_reopen(const struct config_access_log *settings, weir_log_file *file);

/* Writes the line of an exchange, if it has one. file NULL: to the log, at level info. */
void access_output_write(const struct config *config, weir_log_file *file,
                         const weir_exchange_record *record);

#endif
