/* SPDX-License-Identifier: MIT */
/* Where the time of an exchange went: its latency, split exactly.
 *
 * Threading: pure functions over the caller's memory.
 *
 * At each instant one thing is charged. While a task of the exchange runs, that is running. While one is
 * ready and none runs, it is waiting to be run. While all of them wait, it is what they wait for, in equal
 * parts when that is several things: so of two backends asked at once the slower one is charged alone for the
 * time it alone held up the answer. What tasks of one exchange wait for from each other (a lock, a channel)
 * is charged only while nobody waits for anything else, and waiting for the tasks of a scope never.
 */
#ifndef WEIR_CHARGE_H
#define WEIR_CHARGE_H

#include <stddef.h>
#include <stdint.h>

#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weir_charge_kind {
    WEIR_CHARGE_OTHER,      /* what is none of the below, and what there was no room to tell apart */
    WEIR_CHARGE_HEAD,       /* the head was coming in */
    WEIR_CHARGE_QUEUE,      /* the head was there, and the exchange's task had not begun */
    WEIR_CHARGE_RUN,        /* running */
    WEIR_CHARGE_READY,      /* waiting to be run */
    WEIR_CHARGE_STARVED,    /* running or waiting to be run, while the kernel gave the loop no CPU */
    WEIR_CHARGE_THROTTLED,  /* the same, because a cgroup had used up its quota */
    WEIR_CHARGE_BODY,       /* the client was sending its body */
    WEIR_CHARGE_SEND,       /* the client did not take the answer faster */
    WEIR_CHARGE_BACKEND,    /* a backend was sent the request, and answered */
    WEIR_CHARGE_SLOT,       /* all connections to a backend were in use */
    WEIR_CHARGE_DNS,        /* its name was looked up */
    WEIR_CHARGE_CONNECT,    /* it was connected to */
    WEIR_CHARGE_STREAM,     /* a connection of the handler's own */
    WEIR_CHARGE_TIMER,      /* sleeping */
    WEIR_CHARGE_LOCK,       /* a mutex, semaphore, event or channel */
    WEIR_CHARGE_CALL,       /* a call on another loop */
    WEIR_CHARGE_POOL_QUEUE, /* a job waited for a worker of a pool */
    WEIR_CHARGE_POOL_RUN,   /* a worker ran it */
    WEIR_CHARGE_KINDS,
};

enum {
    WEIR_CHARGES_MAX = 40,       /* of one exchange */
    WEIR_CHARGE_LABEL_BYTES = 96 /* room for the text of weir_charge_label(), cut to it */
};

typedef struct weir_charge {
    enum weir_charge_kind kind;
    const char *name;    /* of the backend, pool or loop; NULL when the kind has none */
    weir_duration share; /* what is charged; the shares of an exchange add up to its latency */
    weir_duration took;  /* the waits themselves, one added to the other, though they may have overlapped */
    uint64_t waits;      /* their number */
    /* QUEUE and READY: what held the loop longest meanwhile, when that was over a millisecond; else NULL */
    const char *held_by;    /* the name of a task */
    const char *held_route; /* what it worked for; NULL: for no request */
    weir_duration held;
} weir_charge;

/* The word for a kind: "run", "ready", "backend" …: a token of lower-case letters and '_'.
 * Returns: a constant.
 * Where:   any thread.
 */
const char *weir_charge_kind_name(enum weir_charge_kind kind);

/* Kind and name as people write them: "run", the backend's name alone, "connect NAME".
 * Owns:    the text goes to out, or is the charge's own.
 * Returns: the text; it lives as long as out and the charge.
 * Where:   any thread.
 */
const char *weir_charge_label(const weir_charge *charge, char out[WEIR_CHARGE_LABEL_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
