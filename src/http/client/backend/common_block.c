/* SPDX-License-Identifier: MIT */
#include "http/client/backend/common_block.h"

#include <stddef.h>

#include "core/shared.h"
#include "http/client/backend/instances.h"

static void begin(void *block)
{
    struct weir__backend_common *c = block;

    atomic_store(&c->version, 1); /* members begin with 0 */
}

static void join(void *block, int process)
{
    struct weir__backend_common *c = block;

    if (atomic_load(&c->processes) <= process)
        atomic_store(&c->processes, process + 1);
}

static const struct weir__labelled_type backends = {
    .name = "backend",
    .counts = WEIR__BACKEND_COUNTS,
    .bytes = sizeof(struct weir__backend_common),
    .label_at = offsetof(struct weir__backend_common, label),
    .begin = begin,
    .join = join,
};

int weir__backend_common_join(weir_shared *memory, const struct weir__backend_settings *settings,
                              int64_t now_ns, struct weir__backend_common **out)
{
    void *block;
    int err = weir__labelled_join(memory, &backends, settings->options.name,
                                  weir__backend_settings_digest(settings), now_ns, &block);

    if (err == 0)
        *out = block;
    return err;
}

void weir__backend_common_leave(weir_shared *memory, struct weir__backend_common *c)
{
    weir__labelled_leave(memory, c);
}

static void mend(struct weir__backend_common *c)
{
    if (atomic_load(&c->changes))
        weir__instances_mend(c);
}

void weir__backend_common_enter(weir_shared *memory, struct weir__backend_common *c)
{
    weir__shared_enter(memory);
    mend(c);
}

bool weir__backend_common_try_enter(weir_shared *memory, struct weir__backend_common *c)
{
    if (!weir__shared_try_enter(memory))
        return false;
    mend(c);
    return true;
}
