/* SPDX-License-Identifier: MIT */
/* Traces across services: the traceparent header of W3C Trace Context, levels 1 and 2.
 *
 * Threading: pure functions over the caller's memory.
 *
 * One trace is all that one request from outside leads to, in every service. Each call that is made for it
 * carries the trace's id and the id of the caller's own step (its span).
 */
#ifndef WEIR_TRACE_H
#define WEIR_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/buffer.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WEIR_TRACE_SAMPLED = 1,       /* flag: the caller may have recorded it */
    WEIR_TRACE_RANDOM = 2,        /* flag: the id is random (level 2) */
    WEIR_TRACE_ID_BYTES = 33,     /* room for the text of an id, NUL included */
    WEIR_TRACE_PARENT_BYTES = 56, /* room for a traceparent, NUL included */
    WEIR_TRACE_STATE_MAX = 512,   /* of a tracestate, so much is passed on */
};

typedef struct weir_trace {
    uint64_t id_high, id_low; /* not both 0 */
    uint64_t span;            /* the caller's; 0: the trace begins here */
    unsigned flags;
} weir_trace;

/* Reads the value of a traceparent header, strictly: lower-case hex, no id of all zeros, nothing behind the
 * flags in version 00. Of later versions what version 00 has is read.
 * Owns:    the text is lent.
 * Returns: true with *trace; false when it must be taken for absent, *trace is as it was.
 * Where:   any thread.
 */
bool weir_trace_parse(weir_bytes text, weir_trace *trace);

/* The id as 32 hex digits, for logs.
 * Owns:    the text goes to out.
 * Returns: out.
 * Where:   any thread.
 */
char *weir_trace_format_id(const weir_trace *trace, char out[WEIR_TRACE_ID_BYTES]);

/* The traceparent for a call that is made for this trace, of version 00; span: that of the call, not 0 (a
 * weir_random_u64()).
 * Owns:    the text goes to out.
 * Returns: out.
 * Where:   any thread.
 */
char *weir_trace_format(const weir_trace *trace, uint64_t span, char out[WEIR_TRACE_PARENT_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
