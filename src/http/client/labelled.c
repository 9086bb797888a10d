/* SPDX-License-Identifier: MIT */
#include "http/client/labelled.h"

#include <stdio.h>
#include <string.h>

#include "core/shared.h"

/* What is known outlives its processes for so long: for the one that is started again. */
static const int64_t KEPT_NS = INT64_C(60) * 1000000000;

static struct weir__label *label_of(const struct weir__labelled_type *type, void *block)
{
    return (struct weir__label *)((char *)block + type->label_at);
}

static weir_shared_count *users_of(void *block)
{
    return block;
}

/* All zero, but for how often the block was used. */
static void begin_anew(const struct weir__labelled_type *type, void *block, const char *name, uint64_t digest)
{
    struct weir__label *label = label_of(type, block);
    const uint64_t serial = label->serial;

    memset(block, 0, type->bytes);
    label->serial = serial + ((uint64_t)1 << 32);
    (void)snprintf(label->name, sizeof label->name, "%s", name);
    label->digest = digest;
    if (type->begin != NULL)
        type->begin(block);
}

static bool is_of(const struct weir__label *label, const char *name, uint64_t digest)
{
    return label->digest == digest && strncmp(label->name, name, sizeof label->name - 1) == 0;
}

static bool is_used(weir_shared *memory, void *block)
{
    return weir_shared_count_sum(memory, users_of(block)) > 0;
}

/* Finds the block; or else one that no living process uses, perhaps a new one. Under the lock. */
static int find(weir_shared *memory, const struct weir__labelled_type *type, const char *name,
                uint64_t digest, void **out)
{
    void *unused = NULL;
    char block_name[32];
    int err;

    for (unsigned i = 0;; i++) {
        struct weir__label *label = NULL;
        void *block;
        (void)snprintf(block_name, sizeof block_name, "%s %u", type->name, i);
        err = weir__shared_block(memory, block_name, type->counts, type->bytes, &block);
        if (err < 0 && unused == NULL)
            return err;
        if (err == 0)
            label = label_of(type, block);
        if (label != NULL && is_of(label, name, digest)) {
            *out = block;
            return 0;
        }
        if (label != NULL && unused == NULL && !is_used(memory, block)) {
            label->serial = (label->serial >> 32 << 32) + i + 1;
            unused = block;
        }
        if (label == NULL || label->digest == 0)
            break;
    }
    *out = unused;
    return 0;
}

int weir__labelled_join(weir_shared *memory, const struct weir__labelled_type *type, const char *name,
                        uint64_t digest, int64_t now_ns, void **out)
{
    struct weir__label *label;
    void *block;
    int err;

    weir__shared_enter(memory);
    err = find(memory, type, name, digest, &block);
    if (err == 0) {
        label = label_of(type, block);
        if (!is_of(label, name, digest) ||
            (!is_used(memory, block) && now_ns - atomic_load(&label->alive_ns) > KEPT_NS))
            begin_anew(type, block, name, digest);
        if (type->join != NULL)
            type->join(block, weir_shared_member(memory));
        atomic_store(&label->alive_ns, now_ns);
        weir_shared_count_add(memory, users_of(block), 1);
        *out = block;
    }
    weir__shared_leave(memory);
    return err;
}

void weir__labelled_leave(weir_shared *memory, void *block)
{
    weir__shared_enter(memory);
    weir_shared_count_add(memory, users_of(block), -1);
    weir__shared_leave(memory);
}
