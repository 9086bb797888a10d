/* SPDX-License-Identifier: MIT */
/* Charges: the latency of an exchange, divided exactly among what it was spent on.
 *
 * Threading: pure functions over the caller's memory, but for weir_charge_begin() and weir_charge_end(),
 * which are for tasks.
 *
 * At each instant exactly one category is charged. While a task of the exchange runs, it is RUN. While a
 * task is ready and none runs, it is READY. While all tasks wait, the time is charged to what they wait
 * for, in equal parts if that is several things. So of two backends that are asked at once, the slower one
 * is charged alone for the time during which it alone delayed the answer. Waits of the tasks of one
 * exchange for each other (a lock, a channel) are charged only while no task waits for anything else.
 * Waiting for the tasks of a scope is never charged.
 */
#ifndef WEIR_CHARGE_H
#define WEIR_CHARGE_H

#include <stddef.h>
#include <stdint.h>

#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weir_charge_category {
    WEIR_CHARGE_OTHER,      /* everything else, and what could not be kept apart for lack of room */
    WEIR_CHARGE_HEAD,       /* the head was arriving */
    WEIR_CHARGE_QUEUE,      /* the head had arrived, and the exchange's task had not started */
    WEIR_CHARGE_RUN,        /* a task was running */
    WEIR_CHARGE_READY,      /* a task was ready to run, and the loop was busy */
    WEIR_CHARGE_STARVED,    /* a task was running or ready, but the kernel gave the loop no CPU */
    WEIR_CHARGE_THROTTLED,  /* the same, because a cgroup had used up its quota */
    WEIR_CHARGE_BODY,       /* the client was sending its body */
    WEIR_CHARGE_SEND,       /* the client took the answer too slowly */
    WEIR_CHARGE_BACKEND,    /* a backend was receiving the request or answering */
    WEIR_CHARGE_SLOT,       /* all connections to a backend were in use */
    WEIR_CHARGE_DNS,        /* the name of a backend was being looked up */
    WEIR_CHARGE_CONNECT,    /* a connection to a backend was being made */
    WEIR_CHARGE_TLS,        /* the TLS handshake with a backend, after that */
    WEIR_CHARGE_STREAM,     /* reading or writing a connection that the handler opened itself */
    WEIR_CHARGE_TIMER,      /* sleeping */
    WEIR_CHARGE_LOCK,       /* a mutex, semaphore, event or channel */
    WEIR_CHARGE_CALL,       /* a call on another loop */
    WEIR_CHARGE_POOL_QUEUE, /* a job waited for a worker of a pool */
    WEIR_CHARGE_POOL_RUN,   /* a worker ran a job */
    WEIR_CHARGE_CATEGORIES,
};

enum {
    WEIR_CHARGES_MAX = 40,       /* charges of one exchange at most */
    WEIR_CHARGE_LABEL_BYTES = 96 /* room for the text of weir_charge_label(); a longer text is cut */
};

typedef struct weir_charge {
    enum weir_charge_category category;
    const char *name;    /* of the backend, pool or loop; NULL if the category has none */
    weir_duration share; /* the part of the latency; the shares of an exchange add up to its latency */
    weir_duration took;  /* the sum of the waits themselves, although they may have overlapped */
    uint64_t waits;      /* the number of waits */
    /* QUEUE and READY: what held the loop longest meanwhile, if it held it for more than a millisecond;
     * otherwise NULL */
    const char *held_by;    /* the name of a task */
    const char *held_route; /* the route that the task worked for; NULL: no request */
    weir_duration held;
} weir_charge;

/* Names a category: "run", "ready", "backend" …: a token of lower-case letters and '_'.
 * Returns: a constant.
 * Where:   any thread.
 */
const char *weir_charge_category_name(enum weir_charge_category category);

/* Formats category and name for people: "run", the backend's name alone, "connect NAME".
 * Owns:    the text is written to out, or is the charge's own.
 * Returns: the text; it is valid as long as out and the charge are.
 * Where:   any thread.
 */
const char *weir_charge_label(const weir_charge *charge, char out[WEIR_CHARGE_LABEL_BYTES]);

/* --- naming the waits of a foreign library --- */

/* Storage for a charge in progress: on the stack of the task. */
typedef struct weir_charge_wait {
    unsigned char storage[48] __attribute__((aligned(16)));
} weir_charge_wait;

/* Charges the waits of the calling task to WEIR_CHARGE_BACKEND and this name, until weir_charge_end(). For
 * code that speaks to a service through descriptors (<weir/fd.h>) or streams of its own:
 *
 *     weir_charge_begin(&wait, "postgres");
 *     err = query(connection, text);                        // waits for the connection's descriptor
 *     weir_charge_end(&wait);
 *
 * The latency of the request then has a part "postgres", and the task tree (<weir/inspect.h>) shows
 * "postgres: …" as what the task waits for. Waits that name themselves keep their names: fetches, jobs,
 * look-ups, calls on other loops. Tasks spawned meanwhile inherit the charge. Charges nest; the innermost
 * counts.
 * Owns:    wait is the caller's storage, lent until the end. name is lent until the end, and until tasks
 *          spawned meanwhile have ended; the ledger keeps a copy.
 * Where:   task. Does not wait.
 */
void weir_charge_begin(weir_charge_wait *wait, const char *name);

/* Ends a charge; waits are charged as before the begin.
 * Where:   the task that began it, the innermost charge first. Does not wait.
 */
void weir_charge_end(weir_charge_wait *wait);

#ifdef __cplusplus
}
#endif
#endif
