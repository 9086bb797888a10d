/* SPDX-License-Identifier: MIT */
/* Traces across services: the traceparent header of W3C Trace Context, levels 1 and 2.
 *
 * Threading: pure functions over the caller's memory.
 *
 * A trace is everything that one request from outside causes, in all services. Each call that is made for
 * it carries the trace's id and the id of the caller's own step (its span).
 */
#ifndef WEIR_TRACE_H
#define WEIR_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WEIR_TRACE_SAMPLED = 1,       /* flag: the caller may have recorded it */
    WEIR_TRACE_RANDOM = 2,        /* flag: the id is random (level 2) */
    WEIR_TRACE_ID_BYTES = 33,     /* room for an id as text, with its NUL */
    WEIR_TRACE_PARENT_BYTES = 56, /* room for a traceparent, with its NUL */
    WEIR_TRACE_STATE_MAX = 512,   /* bytes of a tracestate that are passed on at most */
};

typedef struct weir_trace {
    uint64_t id_high, id_low; /* not both 0 */
    uint64_t span;            /* the caller's; 0: the trace begins here */
    unsigned flags;
} weir_trace;

/* Parses the value of a traceparent header, strictly: lower-case hex, no id of all zeros, nothing after the
 * flags in version 00. Of later versions, the part that version 00 defines is read.
 * Owns:    the text is lent; *out is written only on success.
 * Returns: 0; -EINVAL the header must be ignored.
 * Where:   any thread.
 */
int weir_trace_parse(weir_bytes text, weir_trace *out) WEIR_CHECKED;

/* Formats the id as 32 hex digits, for logs.
 * Owns:    the text is written to out.
 * Returns: out.
 * Where:   any thread.
 */
char *weir_trace_format_id(const weir_trace *trace, char out[WEIR_TRACE_ID_BYTES]);

/* Formats the traceparent, of version 00, for a call that is made for this trace. span is the call's own,
 * not 0 (a weir_random_u64()).
 * Owns:    the text is written to out.
 * Returns: out.
 * Where:   any thread.
 */
char *weir_trace_format(const weir_trace *trace, uint64_t span, char out[WEIR_TRACE_PARENT_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
