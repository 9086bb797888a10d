/* SPDX-License-Identifier: MIT */
/* Asks all gateway processes for a page at once.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_ADMIN_ASKING_H
#define APP_ADMIN_ASKING_H

#include <stddef.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/http_client.h>
#include <weir/time.h>

#include "admin/admin_supervisor.h"

enum { ASKING_MS = 200 };

/* A process that is asked, and what it answers. */
struct asked {
    const struct admin_process *process;
    int err;    /* 0: there is a whole answer, with status; -WEIR_EDEADLINE it did not come in time … */
    int status; /* of HTTP */
    weir_reply reply;
};

/* Asks every one, each for at most so long and so many bytes, and waits for all. The answers are the
 * caller's, to be freed by asking_free().
 * Returns: 0; the cause of a cancel, or -ENOMEM: some have not been asked. */
WEIR_CHECKED int asking_all(weir_client *client, struct asked *list, size_t count, const char *path,
                            weir_duration within, uint64_t bytes_max);

void asking_free(struct asked *list, size_t count);

#endif
