/* SPDX-License-Identifier: MIT */
/* What is wrong now, by its name: backends that fail, requests that are refused, connections on which none
 * comes, a machine that has no CPU to give, tasks that hold a loop. The most important comes first.
 *
 * Threading: functions from numbers to text; any thread.
 */
#ifndef APP_ADMIN_FINDINGS_H
#define APP_ADMIN_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/advice.h"

enum { FINDING_CLIENTS = 3 };

/* A backend, as all calls to it together saw it. */
struct finding_origin {
    const char *origin; /* "http://127.0.0.1:8103" */
    const char *names;  /* of the calls that ask it: "reviews, stars"; or "" */
    const char *routes; /* whose answers were partial meanwhile; or "" */
    uint64_t requests, errors;
    const char *reason;     /* the main one, as weir_origin_error_name() */
    uint64_t of_reason;     /* so many of the errors */
    const char *last_error; /* in words; or NULL */
    uint64_t partial;       /* answers of those routes */
};

struct finding_refused {
    uint64_t requests, refused; /* for there was too much to do */
    const char *reason;         /* the main one of these, as weir_refusal_at() */
    uint64_t of_reason;
    const char *route; /* whose requests were refused most */
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
    int fresh, half_sent;                             /* of them, now */
    uint64_t slow, silent; /* ended in the window: with half a head after head_timeout; without a byte */
    uint64_t left;         /* by the client */
    uint64_t over;         /* turned away, since their client had as many as it may */
    uint64_t accepted;     /* in the window; 0: not known */
    double head_timeout_s;
    struct finding_client clients[FINDING_CLIENTS]; /* the greatest first; address NULL: no more */
};

/* Shares are of the window. */
struct finding_host {
    double wanted_ms;                /* that the loops wanted a CPU, a second */
    double lacked_ms;                /* of that, they had none */
    double cpus;                     /* that the machine has */
    double others_cpus, stolen_cpus; /* in use by other processes; given away by the hypervisor */
    double pressed_share;            /* of the time some task of the machine waited for a CPU; < 0: unknown */
    double quota_cpus;               /* of the cgroup; 0: none */
    const char *quota_cgroup;
    double periods, used_up;         /* a second: of the quota; those in which it was used up */
    double stopped_share;            /* of the time */
    double starved_ms, throttled_ms; /* of a request, on average */
};

/* The place that held a loop most, of those that are the program's own fault. */
struct finding_stall {
    const char *task, *kind, *place; /* place: "do_unit burn.c:57", or NULL */
    const char *route;               /* or NULL */
    double held_max_ms;
    uint64_t count;
};

struct findings_input {
    const struct advice_input *advice;
    const struct finding_origin *origins;
    size_t origin_count;
    struct finding_refused refused;
    struct finding_unserved unserved;
    struct finding_host host;
    struct finding_stall stall; /* task NULL: none in the window */
};

/* Writes [{"about":…,"name":…,"impact":…,"text":…,"numbers":{…}},…]. Owns: in is lent. */
void findings_write(struct text_out *out, const struct findings_input *in);

#endif
