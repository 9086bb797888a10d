/* SPDX-License-Identifier: MIT */
/* Reports a stall in the log. Threading: any thread. */
#ifndef WEIR__WATCH_STALL_REPORT_H
#define WEIR__WATCH_STALL_REPORT_H

#include "base/log.h"
#include "watch/stall.h"

/* Writes which task held which loop, for how long, where, and what to use instead. One line; a few lines for
 * a person at a terminal. */
void weir__stall_report(const struct weir__logger *logger, const struct weir__stall *stall);

#endif
