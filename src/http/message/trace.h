/* SPDX-License-Identifier: MIT */
/* Traces of requests, beside <weir/trace.h>.
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef WEIR__HTTP_MESSAGE_TRACE_H
#define WEIR__HTTP_MESSAGE_TRACE_H

#include <stddef.h>

#include <weir/trace.h>

/* The number of bytes of a tracestate that are passed on: all, or as many whole members as fit into
 * WEIR_TRACE_STATE_MAX. The last members are left out (W3C Trace Context, 3.3.1.5). */
size_t weir__trace_state_cut(const char *text, size_t len);

#endif
