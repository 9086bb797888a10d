/* SPDX-License-Identifier: MIT */
/* The time limit of making a connection, and the charge of that time. For what keeps connections in a pool:
 *
 *     weir__connect_limit_begin(&limit, timeout);
 *     err = connect …
 *     err = weir__connect_limit_end(&limit, err);
 *
 * Threading: the task that connects.
 */
#ifndef WEIR__CONNECT_LIMIT_H
#define WEIR__CONNECT_LIMIT_H

#include <errno.h>

#include <weir/scope.h>

#include "core/account/attribution.h"
#include "core/task.h"

struct weir__connect_limit {
    weir_scope scope;
    struct weir__attribution before;
};

static inline void weir__connect_limit_begin(struct weir__connect_limit *limit, weir_duration timeout)
{
    struct weir__task *self = weir__task_current();

    limit->before = weir__attribution_on(self, WEIR_CHARGE_CONNECT, self->attribution.name);
    weir_scope_open(&limit->scope, weir_after(timeout), 0);
}

/* Returns: err; -ETIMEDOUT if it was this limit that ended the attempt. */
static inline int weir__connect_limit_end(struct weir__connect_limit *limit, int err)
{
    (void)weir_scope_close(&limit->scope);
    weir__attribution_back(weir__task_current(), limit->before);
    return err == -WEIR_EDEADLINE && weir_scope_expired(&limit->scope) ? -ETIMEDOUT : err;
}

#endif
