/* SPDX-License-Identifier: MIT */
/* What findings rest on: what went wrong in the last minute, in numbers.
 *
 * Threading: functions from data to data; any thread.
 */
#ifndef APP_ADMIN_FINDINGS_INPUT_H
#define APP_ADMIN_FINDINGS_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "admin/advice_input.h"
#include "metrics/snapshot.h"

enum { FINDING_CLIENTS = 3, FINDING_NAMES_BYTES = 192 };

/* An origin, as all calls to it together saw it. */
struct finding_origin {
    const char *origin;               /* "http://127.0.0.1:8103" */
    char names[FINDING_NAMES_BYTES];  /* of the calls that ask it: "reviews, stars"; or "" */
    char routes[FINDING_NAMES_BYTES]; /* whose answers were partial meanwhile; or "" */
    uint64_t requests, errors;
    const char *reason;     /* of most errors, as weir_origin_error_name() */
    uint64_t of_reason;     /* so many of the errors */
    const char *last_error; /* in words; or NULL */
    uint64_t partial;       /* answers of those routes */
};

/* A backend with its instances. */
struct finding_backend {
    const struct snapshot_backend *backend;
    char routes[FINDING_NAMES_BYTES]; /* that send requests to it: "/page, /user/{id}" */
};

struct finding_refused {
    uint64_t requests, refused; /* refused: because there was too much to do */
    const char *reason;         /* of most of these, as weir_refusal_at() */
    uint64_t of_reason;
    const char *route; /* the one whose requests were refused most */
    uint64_t of_route;
};

struct finding_client {
    const char *address;
    int half_sent;
    uint64_t ended;
};

/* Connections on which no request came. */
struct finding_unserved {
    int connections, connections_max, per_client_max; /* per_client_max 0: any number */
    int fresh, half_sent;                             /* of the connections, now */
    uint64_t slow, silent; /* ended in the window: with half a head after head_timeout; without a byte */
    uint64_t left;         /* ended by the client */
    uint64_t over;         /* refused, because their client had as many as it may have */
    double head_timeout_s;
    struct finding_client clients[FINDING_CLIENTS]; /* the greatest first; address NULL: no more */
};

/* Shares are of the window. */
struct finding_host {
    double wanted_ms;                /* a second: for so long the loops wanted a CPU */
    double lacked_ms;                /* of that, they had none */
    double cpus;                     /* of the machine */
    double others_cpus, stolen_cpus; /* in use by other processes; given away by the hypervisor */
    double pressed_share;            /* of the time some task of the machine waited for a CPU; < 0: unknown */
    double quota_cpus;               /* of the cgroup; 0: none */
    const char *quota_cgroup;
    double periods, used_up;         /* a second: periods of the quota, and those in which it was used up */
    double stopped_share;            /* of the time */
    double starved_ms, throttled_ms; /* of a request, on average */
};

/* The task that held a loop longest, of those that did so themselves. */
struct finding_stall {
    const char *task, *cause, *place; /* place: "do_unit burn.c:57", or NULL */
    const char *route;                /* or NULL */
    double held_max_ms;
    uint64_t count;
};

struct findings_input {
    const struct advice_input *advice;
    const struct finding_origin *origins;
    size_t origin_count;
    const struct finding_backend *backends;
    size_t backend_count;
    const struct snapshot_tls *tls;
    size_t tls_count;
    int64_t now_s; /* of the wall clock */
    weir_instant now;
    struct finding_refused refused;
    struct finding_unserved unserved;
    struct finding_host host;
    struct finding_stall stall; /* task NULL: none in the window */
};

/* Takes it from a snapshot.
 * Owns:    advice and the snapshot are lent until findings_input_close().
 * Returns: 0; -ENOMEM.
 */
WEIR_CHECKED int findings_input_open(struct findings_input *in, const struct advice_input *advice,
                                     const struct snapshot *s);
void findings_input_close(struct findings_input *in);

#endif
