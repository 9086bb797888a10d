/* SPDX-License-Identifier: MIT */
/* The requests of a loop that wait for a place of an application, in the order in which they came.
 *
 * A place that is given back goes to the request that waits longest, on whatever loop, in whatever gateway
 * process. The first of a loop looks for a place itself now and then, so that a wake that is lost, or given
 * to a gateway process that is stopped, costs milliseconds.
 *
 * Threading: tasks of its loop.
 */
#ifndef APP_APPS_QUEUE_H
#define APP_APPS_QUEUE_H

#include <weir/attempts.h>
#include <weir/http_client.h>
#include <weir/stream.h>
#include <weir/sync.h>

#include "apps/gate.h"

enum { APP_LOOK_AGAIN_MS = 5 };

/* A place in a process, for one request. */
struct app_place {
    bool taken, behind;
    int entry; /* of the block */
    uint32_t serial;
    weir_instant since;
};

enum app_outcome {
    APP_SERVED,
    APP_FAILED,    /* no whole answer came */
    APP_UNMEASURED /* how long it took says nothing about others: a tunnel, an event stream */
};

struct app_linger;

struct app_queue {
    struct app_here *here;
    struct app_slot *slot;
    int loop;
    weir_client *client;     /* with connections to its processes */
    weir_attempts *attempts; /* the rules of second attempts; NULL: there are none */
    char waits_for[16 + CONFIG_APP_NAME_BYTES];
    char name_of[WEIR_ATTEMPT_KINDS]
                [16 + CONFIG_APP_NAME_BYTES]; /* the time of an attempt is charged to it */
    struct app_waiter *first, *last;

    struct app_linger *lingering; /* requests of which nobody wants the answer: linger.h */
    int linger_count;
    bool closing;
    weir_event lingered;
};

/* Opens the queue of an application on this loop.
 * Owns:    here is lent. options: of the client.
 * Returns: 0; as weir_client_open(), weir_attempts_open(). */
WEIR_CHECKED int app_queue_open(struct app_here *here, const weir_client_options *options,
                                struct app_queue **out);
void app_queue_close(struct app_queue *queue); /* ends what lingers; NULL does nothing. Waits */

/* app_slot.look of a queue. */
int app_queue_look(void *slot);

/* Takes a place, or waits for one until then.
 * Returns: 0; -WEIR_EBUSY: *why says why there is none, and that is counted; -WEIR_ECANCELED,
 *          -WEIR_EDEADLINE.
 * Cancel:  leaves the queue at once, and has taken nothing. Waits. */
WEIR_CHECKED int app_place_take(struct app_queue *queue, weir_instant until, struct app_place *out,
                                enum app_refusal *why);

/* Takes a place for a second attempt, if one is free and no request waits: of another process than that with
 * the serial number, or of the same if there is no other. Returns: false: there is none. Does not wait. */
bool app_place_try(struct app_queue *queue, uint32_t first_serial, struct app_place *out);

/* Moves a place whose request is over to another request of the same process: out. */
void app_place_reuse(struct app_queue *queue, struct app_place *place, struct app_place *out);

/* Gives it back: nobody was asked. */
void app_place_undo(struct app_queue *queue, struct app_place *place);

/* Gives it back, once: for the request that waits longest. Nothing happens if it is not taken. */
void app_place_give(struct app_queue *queue, struct app_place *place, enum app_outcome outcome);

/* Says that the process may now wait for the client of its request, whose answer is longer than what is held
 * of one, or that it does no more: it is not held meanwhile. Nothing happens if the place is not taken, and
 * giving it back ends it. */
void app_place_falls_behind(struct app_queue *queue, struct app_place *place, bool behind);

/* Gives it back: the process takes no connection. Nothing was sent to it; it is avoided for a while. A
 * failure of the process. Nothing happens if it is not taken. */
void app_place_refused(struct app_queue *queue, struct app_place *place);

/* Writes the address of its process: "unix:PATH".
 * Returns: out; NULL: the path is too long. */
const char *app_place_address(const struct app_queue *queue, const struct app_place *place,
                              char out[WEIR_ADDRESS_BYTES]);

/* When a request that was refused may come again. */
weir_duration app_queue_retry_after(struct app_queue *queue);

#endif
