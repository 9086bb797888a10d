/* SPDX-License-Identifier: MIT */
/* Faults in the log: a line for each line of a text.
 *
 * Threading: any thread.
 */
#ifndef APP_SUPERVISOR_LOG_LINES_H
#define APP_SUPERVISOR_LOG_LINES_H

#include "text/text_out.h"

void log_lines(const char *message, const struct text_out *said);

#endif
