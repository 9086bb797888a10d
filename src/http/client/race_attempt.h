/* SPDX-License-Identifier: MIT */
/* One attempt of a race (race.h), and what a race consists of. Threading: as state.h. */
#ifndef WEIR__HTTP_CLIENT_RACE_ATTEMPT_H
#define WEIR__HTTP_CLIENT_RACE_ATTEMPT_H

#include "core/scope.h"
#include "http/client/backend/acquire.h"
#include "http/client/fetch_parts.h"

struct weir__race;

struct weir__attempt {
    struct weir__fetch_watch watch;
    struct weir__race *race;
    struct weir__fetch *f;
    struct weir__origin *origin; /* NULL: it has no place */
    enum weir_attempt_kind kind;
    unsigned char number; /* from 1 */
    bool connected;       /* it has had a connection */
    bool stop;            /* its task need not wait any longer for its head */
    bool sampled;         /* how long it took has been learned, or is left to be */
    int64_t began_ns;
    int sent; /* of weir__fetch_send() */
    int err;  /* how it ended; 0: its head is here */
};

/* A second attempt, which has its fetch until that is taken. */
struct weir__second {
    struct weir__attempt attempt;
    struct weir__fetch fetch;
    struct weir__client_connection *given; /* a kept one; NULL: a new one is to be made */
    struct weir__scope *scope;             /* of its task, while that works on it; else NULL */
    char head[WEIR__FETCH_HEAD_ROOM];
};

struct weir__race {
    /* Filled by the caller. The fetch has begun (weir__fetch_init()), and has no place yet. */
    const weir_fetch_options *options;
    const void *body;
    size_t body_bytes;
    struct weir__fetch *f;
    struct weir__fetch_room room; /* for the head of f */

    /* The result: what f has now. */
    struct weir__origin *origin; /* NULL: none, or its end is counted */
    int sent;                    /* of weir__fetch_send() */
    weir_attempts_made made;

    /* Inside. */
    weir_backend *backend;
    struct weir__loop *loop;
    struct weir__scope scope;     /* of the first attempt and the hedge */
    struct weir__timeout timeout; /* until the hedge is due */
    int64_t after_ns;
    int64_t began_ns, over_ns;  /* of the first attempt */
    struct weir__attempt first; /* what f has: the first attempt, later each retry */
    struct weir__second *hedge;
    struct weir__attempt *won; /* has had a good head; NULL: none yet */
    bool informed;             /* an informational head has come */
    bool hedged;               /* there has been a hedge */
    struct weir__backend_tried tried;
    const char *charged_name; /* of the caller's attribution; or NULL */
};

/* Finds a place for a second attempt, and pays for it. Does not wait. NULL: there is to be none. */
struct weir__second *weir__race_place(struct weir__race *r, enum weir_attempt_kind kind);

/* Makes an attempt that has its place: connects, sends, and waits until there is a head or something else
 * ends that. Waits. Returns: 0; < 0. */
int weir__race_attempt(struct weir__attempt *a, struct weir__client_connection *given,
                       struct weir__fetch_room room, bool writes_head) WEIR_CHECKED;

/* Spawns the task of a hedge. Returns: 0; < 0: the attempt is over, and freed. */
int weir__race_spawn(struct weir__second *s) WEIR_CHECKED;

/* Makes a retry, in the running task. */
void weir__race_retry(struct weir__second *s);

/* Learns from a first attempt that has no head; see the top. */
void weir__race_learn(struct weir__attempt *a);

/* Gives back what is held for nothing: the place of a failed attempt, or of a whole answer. How it ended is
 * counted for its origin. */
void weir__race_vacate(struct weir__attempt *a);

/* Ends an attempt that is not taken, or that has failed: counts how it ended, and gives its place back. */
void weir__race_drop(struct weir__attempt *a);

/* Makes f of the race that of a second attempt, and frees the second attempt. What f was has been dropped. */
void weir__race_take(struct weir__second *s);

static inline bool weir__attempt_has_lost(const struct weir__attempt *a)
{
    return a->race->won != NULL && a->race->won != a;
}

/* Whether the answer that an attempt has is good: its status is below 500, and not 429. */
static inline bool weir__attempt_is_good(const struct weir__attempt *a)
{
    const int status = a->f->reply.status;

    return a->f->head_done && status < 500 && status != 429;
}

#endif
