/* SPDX-License-Identifier: MIT */
#include "http/client/attempts/shared.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/reserved.h"
#include "core/runtime.h"

/* In shared memory: "attempts 0", "attempts 1", … */
struct weir__attempts_block {
    weir_shared_count users;
    struct weir__label label;
    struct weir__attempts_common common;
};

static const struct weir__labelled_type blocks = {
    .name = "attempts",
    .counts = 1,
    .bytes = sizeof(struct weir__attempts_block),
    .label_at = offsetof(struct weir__attempts_block, label),
};

static const struct weir__registry_type shared_type = {"attempts"}, seen_type = {"statistics of attempts"};

static const int64_t SAY_ALIVE_NS = 1000000000;

/* --- making --- */

static struct weir__attempts_shared *find(struct weir_runtime *runtime, const char *name)
{
    weir__registry_each (entry, &runtime->shared, &shared_type) {
        struct weir__attempts_shared *s = weir__container_of(entry, struct weir__attempts_shared, registered);
        if (strcmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}

static int join_others(struct weir__attempts_shared *s, weir_shared *memory, int64_t now_ns)
{
    const uint64_t digest =
        weir__attempts_settings_digest(&s->settings, weir__hash_text(WEIR__HASH, s->name));
    void *block;
    int err = weir__labelled_join(memory, &blocks, s->name, digest != 0 ? digest : 1, now_ns, &block);

    if (err < 0)
        return err;
    s->block = block;
    s->common = &s->block->common;
    return 0;
}

static void free_shared(struct weir__attempts_shared *s)
{
    free(s->name);
    free(s);
}

static int add(struct weir__loop *loop, const char *name, const struct weir__attempts_settings *settings,
               struct weir__attempts_shared **out)
{
    struct weir_runtime *runtime = loop->runtime;
    struct weir__attempts_shared *s = calloc(1, sizeof *s);
    int err = 0;

    if (s == NULL)
        return -ENOMEM;
    s->settings = *settings;
    s->common = &s->own;
    weir__list_init(&s->members);
    weir__list_init(&s->seen.node);
    s->name = strdup(name);
    if (s->name == NULL)
        err = -ENOMEM;
    else if (runtime->options.shared != NULL)
        err = join_others(s, runtime->options.shared, weir__loop_now_ns(loop));
    if (err < 0) {
        free_shared(s);
        return err;
    }
    weir__registry_add(&runtime->shared, &s->registered, &shared_type);
    *out = s;
    return 0;
}

static int find_or_add(struct weir__loop *loop, const char *name,
                       const struct weir__attempts_settings *settings, struct weir__attempts_shared **out)
{
    struct weir__attempts_shared *s = find(loop->runtime, name);
    int err = 0;

    if (s != NULL && !weir__attempts_settings_equal(&s->settings, settings))
        return -WEIR_ECONFIG;
    if (s == NULL)
        err = add(loop, name, settings, &s);
    if (err < 0)
        return err;
    s->users++;
    *out = s;
    return 0;
}

static void drop(struct weir__loop *loop, struct weir__attempts_shared *s)
{
    struct weir_runtime *runtime = loop->runtime;

    if (!weir__registry_drop(&runtime->shared, &s->registered, &s->users))
        return;
    weir__registry_hide(&runtime->registry, &s->seen);
    if (s->block != NULL) {
        atomic_store(&s->block->label.alive_ns, weir__loop_now_ns(loop));
        weir__labelled_leave(runtime->options.shared, s->block);
    }
    free_shared(s);
}

/* --- members --- */

int weir__attempts_join(weir_attempts *a, struct weir__loop *loop, const weir_attempts_options *options)
{
    struct weir__attempts_settings settings;
    int err = weir__attempts_settings_read(&settings, &options->hedge, &options->retry);

    if (err < 0 || options->name == NULL || options->name[0] == '\0' ||
        !weir__reserved_is_zero(options->reserved, sizeof options->reserved))
        return -EINVAL;
    weir__registry_enter(&loop->runtime->shared);
    err = find_or_add(loop, options->name, &settings, &a->shared);
    weir__registry_leave(&loop->runtime->shared);
    if (err < 0)
        return err;
    /* For weir_attempts_each(). The locks of the two registries are never held together. */
    weir__registry_show(&loop->runtime->registry, &a->shared->seen, &seen_type);
    weir__attempts_init(&a->rules, &a->shared->settings, a->shared->common);
    weir__lock_enter(&a->shared->lock);
    weir__list_push_back(&a->shared->members, &a->node);
    weir__lock_leave(&a->shared->lock);
    return 0;
}

void weir__attempts_leave(weir_attempts *a, struct weir__loop *loop)
{
    weir__lock_enter(&a->shared->lock);
    weir__list_remove(&a->node);
    weir__lock_leave(&a->shared->lock);
    weir__attempts_end(&a->rules);
    drop(loop, a->shared);
}

void weir__attempts_say_alive(weir_attempts *a, int64_t now_ns)
{
    if (a->shared->block == NULL || (now_ns - a->told_ns < SAY_ALIVE_NS && now_ns >= a->told_ns))
        return;
    a->told_ns = now_ns;
    atomic_store_explicit(&a->shared->block->label.alive_ns, now_ns, memory_order_relaxed);
}

/* --- statistics --- */

static void read_one(struct weir__attempts_shared *s, weir_attempts_stats *out)
{
    struct weir__attempts_learned learned = {0};

    weir__attempts_read(s->common, &s->settings, weir_now().ns, out);
    out->name = s->name;
    out->shared_id = s->block != NULL ? s->block->label.serial : 0;
    weir__lock_enter(&s->lock);
    weir__list_each (node, &s->members)
        weir__attempts_read_learned(&weir__container_of(node, weir_attempts, node)->rules, &learned);
    weir__lock_leave(&s->lock);
    out->hedge_after.ns = learned.after_ns;
}

void weir_attempts_each(weir_runtime *runtime, void (*fn)(void *arg, const weir_attempts_stats *stats),
                        void *arg)
{
    weir__registry_enter(&runtime->registry);
    weir__registry_each (entry, &runtime->registry, &seen_type) {
        weir_attempts_stats stats;
        read_one(weir__container_of(entry, struct weir__attempts_shared, seen), &stats);
        fn(arg, &stats);
    }
    weir__registry_leave(&runtime->registry);
}
