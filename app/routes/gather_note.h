/* SPDX-License-Identifier: MIT */
/* The note of a gather for metrics and the access log: how its calls ended.
 *
 * Threading: pure functions. A note belongs to the task of its request, then to on_exchange.
 */
#ifndef APP_ROUTES_GATHER_NOTE_H
#define APP_ROUTES_GATHER_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/http_client.h>

#include "routes/attempts_text.h"
#include "routes/gather_settings.h"
#include "routes/route_note.h"

enum gather_end {
    GATHER_OK,
    GATHER_STATUS, /* the answer's status is 500 or above */
    GATHER_DEADLINE,
    GATHER_DNS,
    GATHER_CONNECT,
    GATHER_TLS,
    GATHER_CLOSED,
    GATHER_BAD_RESPONSE,
    GATHER_TOO_LARGE,
    GATHER_BUSY,
    GATHER_OPEN,      /* the backend's circuit breaker */
    GATHER_LIMITED,   /* the backend's limit of requests in progress */
    GATHER_CANCELLED, /* the client left */
    GATHER_ENDS
};

struct gather_call_end {
    uint8_t end;                 /* enum gather_end */
    uint8_t instance;            /* weir_reply.instance */
    uint16_t status;             /* of the answer; 0: none */
    weir_duration took;          /* weir_reply.took */
    weir_attempts_made attempts; /* all zero unless there was a second one */
};

struct gather_note {
    struct route_note base;
    const struct gather_settings *settings;
    size_t succeeded;
    size_t tried_twice;            /* calls with second attempts */
    bool answered;                 /* the client has been answered */
    weir_instant began;            /* when the calls did */
    struct gather_call_end ends[]; /* of the calls, as in settings */
};

enum { GATHER_FAILED_BYTES = 512 }; /* of a list of calls */

/* The end of a call, by its error; 0: GATHER_OK. */
enum gather_end gather_end_of(int err);

/* The text of an end in answers, "deadline exceeded". */
const char *gather_end_text(enum gather_end end);

/* The label of an end in metrics, "deadline_exceeded". */
const char *gather_end_label(enum gather_end end);

/* Lists the failed calls: "reviews connect failed, stock status 503". Calls without room are counted: "and 7
 * more".
 * Returns: text.
 */
const char *gather_failed(char text[GATHER_FAILED_BYTES], const struct gather_note *note);

/* Lists the calls with second attempts, likewise: "orders hedge 41ms won, stock retry 3ms failed". */
const char *gather_attempts(char text[GATHER_FAILED_BYTES], const struct gather_note *note);

/* Notes what was tried for the call i, if it was more than once. */
static inline void gather_note_attempts(struct gather_note *note, size_t i, const weir_attempts_made *made)
{
    if (attempts_were_made(made)) {
        note->ends[i].attempts = *made;
        note->tried_twice++;
    }
}

/* Notes which instance was asked for the call i, how long that took, and what was tried. */
static inline void gather_note_reply(struct gather_note *note, size_t i, const weir_reply *reply)
{
    note->ends[i].instance = reply->instance;
    note->ends[i].took = reply->took;
    gather_note_attempts(note, i, &reply->attempts);
}

#endif
