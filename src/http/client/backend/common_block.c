/* SPDX-License-Identifier: MIT */
#include "http/client/backend/common_block.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/shared.h"
#include "http/client/backend/instances.h"

/* --- in shared memory: "backend 0", "backend 1", …, each for whatever backend a living process has open ---
 */

/* What is known of a backend outlives its processes for so long: for the one that is started again. */
static const int64_t KEPT_NS = INT64_C(60) * 1000000000;

/* All zero, but for how often the block was used. */
static void begin_anew(struct weir__backend_common *c, const char *name, uint64_t digest)
{
    uint64_t serial = c->serial;

    memset(c, 0, sizeof *c);
    c->serial = serial + ((uint64_t)1 << 32);
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    c->digest = digest;
    atomic_store(&c->version, 1); /* members begin with 0 */
}

static bool is_of(const struct weir__backend_common *c, const char *name, uint64_t digest)
{
    return c->digest == digest && strncmp(c->name, name, sizeof c->name - 1) == 0;
}

static bool is_used(weir_shared *memory, struct weir__backend_common *c)
{
    return weir_shared_count_sum(memory, &c->counts.users) > 0;
}

/* Finds the block of a backend; or else one that no living process uses, perhaps a new one. Under the lock.
 */
static int find(weir_shared *memory, const char *name, uint64_t digest, struct weir__backend_common **out)
{
    struct weir__backend_common *c, *unused = NULL;
    char block[32];
    int err;

    for (unsigned i = 0;; i++) {
        void *found;
        (void)snprintf(block, sizeof block, "backend %u", i);
        err = weir__shared_block(memory, block, WEIR__BACKEND_COUNTS, sizeof *c, &found);
        if (err < 0 && unused == NULL)
            return err;
        c = found;
        if (err == 0 && is_of(c, name, digest)) {
            *out = c;
            return 0;
        }
        if (err == 0 && unused == NULL && !is_used(memory, c)) {
            c->serial = (c->serial >> 32 << 32) + i + 1;
            unused = c;
        }
        if (err < 0 || c->digest == 0)
            break;
    }
    *out = unused;
    return 0;
}

int weir__backend_common_join(weir_shared *memory, const struct weir__backend_settings *settings,
                              int64_t now_ns, struct weir__backend_common **out)
{
    const char *name = settings->options.name;
    const uint64_t digest = weir__backend_settings_digest(settings);
    const int process = weir_shared_member(memory);
    struct weir__backend_common *c;
    int err;

    weir__shared_enter(memory);
    err = find(memory, name, digest, &c);
    if (err == 0) {
        if (!is_of(c, name, digest) || (!is_used(memory, c) && now_ns - atomic_load(&c->alive_ns) > KEPT_NS))
            begin_anew(c, name, digest);
        if (atomic_load(&c->processes) <= process)
            atomic_store(&c->processes, process + 1);
        atomic_store(&c->alive_ns, now_ns);
        weir_shared_count_add(memory, &c->counts.users, 1);
        *out = c;
    }
    weir__shared_leave(memory);
    return err;
}

void weir__backend_common_leave(weir_shared *memory, struct weir__backend_common *c)
{
    weir__shared_enter(memory);
    weir_shared_count_add(memory, &c->counts.users, -1);
    weir__shared_leave(memory);
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
