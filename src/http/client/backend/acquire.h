/* SPDX-License-Identifier: MIT */
/* A request to a backend: admission, an instance, a connection; and leaving. Threading: as state.h. */
#ifndef WEIR__BACKEND_ACQUIRE_H
#define WEIR__BACKEND_ACQUIRE_H

#include <weir/backend.h>

#include "http/client/state.h"

/* Admits a fetch and gives it a connection to an instance, as f->kept says. key: by which the instance is
 * chosen; or NULL. *out: the instance, also after a failure if one was chosen; else NULL. Waits.
 * weir__backend_leave() follows in any case. Returns: 0, the connection belongs to f; as weir_fetch(). */
int weir__backend_acquire(weir_backend *b, struct weir__fetch *f, const char *key,
                          struct weir__origin **out) WEIR_CHECKED;

/* The part of it before weir__origin_connect(), which is to follow: admission, an instance, a slot, and
 * perhaps a connection (*c) with it. Waits. */
int weir__backend_take(weir_backend *b, struct weir__fetch *f, const char *key, struct weir__origin **out,
                       struct weir__client_connection **c) WEIR_CHECKED;

/* The instances that a request has been sent to. */
struct weir__backend_tried {
    int count;
    uint8_t numbers[4];
};

struct weir__backend_second {
    enum weir_attempt_kind kind;
    const char *key;
    const struct weir__backend_tried *tried;
    int64_t left_ns; /* of the deadline */
};

/* The same for a second attempt, without waiting, and paid: at another instance if there is one, else at the
 * same. Returns: 0; < 0: there is to be none, and the fetch holds nothing: that is counted. */
int weir__backend_take_second(weir_backend *b, struct weir__fetch *f,
                              const struct weir__backend_second *second, struct weir__origin **out,
                              struct weir__client_connection **c) WEIR_CHECKED;

/* A fetch is over, or its connection was taken over. Harmless when it has left. */
void weir__backend_leave(struct weir__fetch *f);

/* What Host says in a request whose URL is a path, as far as that does not depend on the instance. */
weir_bytes weir__backend_authority(const weir_backend *b);

/* Checks the caller of a function that uses b. */
void weir__backend_check(const weir_backend *b, const char *function);

/* Its name, for charges. */
const char *weir__backend_name(const weir_backend *b);

#endif
