/* SPDX-License-Identifier: MIT */
/* A stall in the log. Threading: any thread. */
#ifndef WEIR__WATCH_STALL_REPORT_H
#define WEIR__WATCH_STALL_REPORT_H

#include "base/log.h"
#include "watch/stall.h"

/* One line, or for people at a terminal a few: who held which loop, for how long, where, and what to write
 * instead. */
void weir__stall_report(const struct weir__logger *logger, const struct weir__stall *stall);

#endif
