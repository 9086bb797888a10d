/* SPDX-License-Identifier: MIT */
/* How the calls of one gather ended: what it leaves for metrics and the access log.
 *
 * Threading: pure functions; a note belongs to the task of its request, then to on_exchange.
 */
#ifndef APP_ROUTES_GATHER_NOTE_H
#define APP_ROUTES_GATHER_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routes/gather_settings.h"

enum gather_end {
    GATHER_OK,
    GATHER_STATUS, /* it was answered, with 500 or above */
    GATHER_DEADLINE,
    GATHER_DNS,
    GATHER_CONNECT,
    GATHER_CLOSED,
    GATHER_BAD_RESPONSE,
    GATHER_TOO_LARGE,
    GATHER_BUSY,
    GATHER_CANCELLED, /* the client left */
    GATHER_ENDS
};

struct gather_call_end {
    uint8_t end;     /* enum gather_end */
    uint16_t status; /* of the answer; 0: there was none */
};

struct gather_note {
    const struct gather_settings *settings;
    size_t succeeded;
    bool answered;                 /* the client was; what is below is of calls, as in settings */
    struct gather_call_end ends[]; /* settings->call_count */
};

enum { GATHER_FAILED_BYTES = 512 };

/* From a code, as the calls have it. */
enum gather_end gather_end_of(int err);

/* As an answer says it: "deadline exceeded"; of GATHER_STATUS "status". */
const char *gather_end_text(enum gather_end end);
/* The same for a label: "deadline_exceeded", "ok". */
const char *gather_end_label(enum gather_end end);

/* Which calls failed and why: "reviews connect failed, stock status 503"; what there is no room for is
 * counted: "and 7 more".
 * Returns: text.
 */
const char *gather_failed(char text[GATHER_FAILED_BYTES], const struct gather_note *note);

#endif
