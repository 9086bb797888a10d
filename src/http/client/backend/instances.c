/* SPDX-License-Identifier: MIT */
#include "http/client/backend/instances.h"

#include <string.h>

static struct weir__instance *find(struct weir__backend_common *common, const char *address,
                                   enum weir__instance_presence presence)
{
    for (int i = 0; i < WEIR__INSTANCES_MAX; i++) {
        struct weir__instance *instance = &common->instances[i];
        if (instance->presence == presence && strcmp(instance->address, address) == 0)
            return instance;
    }
    return NULL;
}

static bool is_listed(const char *address, const char (*addresses)[WEIR__INSTANCE_ADDRESS_BYTES], int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(addresses[i], address) == 0)
            return true;
    return false;
}

static void leave(struct weir__backend_common *common, struct weir__instance *instance, int64_t now_ns)
{
    instance->presence = WEIR__INSTANCE_GONE;
    instance->gone_at = atomic_load_explicit(&common->version, memory_order_relaxed);
    atomic_store_explicit(&instance->since_ns, now_ns, memory_order_relaxed);
    atomic_store_explicit(&instance->eject, 0, memory_order_relaxed);
}

/* A loop that has not seen the latest version yet may still be about to use an instance that is gone. So its
 * place is not taken in the version that follows. */
static bool is_free(struct weir__backend_common *common, struct weir__instance *instance)
{
    return instance->presence == WEIR__INSTANCE_FREE ||
           (instance->presence == WEIR__INSTANCE_GONE &&
            weir__backend_sum(common, weir__instance_in_use(common, instance)) == 0 &&
            atomic_load_explicit(&common->version, memory_order_relaxed) > instance->gone_at + 1);
}

static struct weir__instance *free_place(struct weir__backend_common *common)
{
    for (enum weir__instance_presence presence = WEIR__INSTANCE_FREE; presence <= WEIR__INSTANCE_GONE;
         presence += WEIR__INSTANCE_GONE - WEIR__INSTANCE_FREE)
        for (int i = 0; i < WEIR__INSTANCES_MAX; i++)
            if (common->instances[i].presence == presence && is_free(common, &common->instances[i]))
                return &common->instances[i];
    return NULL;
}

static void enter(struct weir__instance *instance, int url, int64_t now_ns)
{
    instance->urls = UINT64_C(1) << url;
    instance->generation++;
    atomic_store_explicit(&instance->health, 0, memory_order_relaxed);
    atomic_store_explicit(&instance->eject, 0, memory_order_relaxed);
    atomic_store_explicit(&instance->last_check, 0, memory_order_relaxed);
    atomic_store_explicit(&instance->since_ns, now_ns, memory_order_relaxed);
    instance->presence = WEIR__INSTANCE_HERE; /* last: see weir__instances_mend() */
}

/* Returns: whether there was room. */
static bool add(struct weir__backend_common *common, int url, const char *address, int64_t now_ns)
{
    struct weir__instance *instance = find(common, address, WEIR__INSTANCE_GONE);

    if (instance == NULL) {
        instance = free_place(common);
        if (instance == NULL)
            return false;
        strcpy(instance->address, address);
        atomic_store_explicit(&instance->last_error, 0, memory_order_relaxed);
        atomic_store_explicit(&instance->requests, 0, memory_order_relaxed);
        atomic_store_explicit(&instance->failures, 0, memory_order_relaxed);
        atomic_store_explicit(&instance->ejections, 0, memory_order_relaxed);
    }
    enter(instance, url, now_ns);
    return true;
}

/* Sets which URLs have an instance. The first of them says what it is asked for: when that is another one,
 * loops shall know the instance anew. Returns: whether it is. */
static bool set_urls(struct weir__instance *instance, uint64_t urls)
{
    bool is_other = __builtin_ctzll(urls) != weir__instance_url(instance);

    instance->urls = urls;
    if (is_other)
        instance->generation++;
    return is_other;
}

/* Takes the URL off those instances that it has no more. Returns: whether loops must know. */
static bool take_off(struct weir__backend_common *common, int url,
                     const char (*addresses)[WEIR__INSTANCE_ADDRESS_BYTES], int count, int64_t now_ns)
{
    const uint64_t bit = UINT64_C(1) << url;
    bool changed = false;

    for (int i = 0; i < WEIR__INSTANCES_MAX; i++) {
        struct weir__instance *instance = &common->instances[i];
        if (instance->presence != WEIR__INSTANCE_HERE || (instance->urls & bit) == 0 ||
            is_listed(instance->address, addresses, count))
            continue;
        if (instance->urls != bit) {
            changed |= set_urls(instance, instance->urls & ~bit);
            continue;
        }
        instance->urls = 0;
        leave(common, instance, now_ns);
        changed = true;
    }
    return changed;
}

/* --- the whole --- */

void weir__instances_count(struct weir__backend_common *common)
{
    int here = 0, ejected = 0;

    for (int i = 0; i < WEIR__INSTANCES_MAX; i++) {
        struct weir__instance *instance = &common->instances[i];
        bool is_here = instance->presence == WEIR__INSTANCE_HERE;
        here += is_here;
        ejected +=
            is_here && weir__eject_is_ejected(atomic_load_explicit(&instance->eject, memory_order_relaxed));
    }
    atomic_store_explicit(&common->here, here, memory_order_relaxed);
    atomic_store_explicit(&common->ejected, ejected, memory_order_relaxed);
}

void weir__instances_mend(struct weir__backend_common *common)
{
    weir__instances_count(common);
    atomic_fetch_add_explicit(&common->version, 1, memory_order_release);
    atomic_store(&common->changes, false);
}

bool weir__instances_set(struct weir__backend_common *common, int url,
                         const char (*addresses)[WEIR__INSTANCE_ADDRESS_BYTES], int count, int64_t now_ns,
                         int *left_out)
{
    bool changed;

    atomic_store(&common->changes, true);
    changed = take_off(common, url, addresses, count, now_ns);
    *left_out = 0;
    for (int i = 0; i < count; i++) {
        struct weir__instance *here = find(common, addresses[i], WEIR__INSTANCE_HERE);
        if (here != NULL)
            changed |= set_urls(here, here->urls | UINT64_C(1) << url);
        else if (add(common, url, addresses[i], now_ns))
            changed = true;
        else
            ++*left_out;
    }
    if (changed) {
        weir__instances_count(common);
        atomic_fetch_add_explicit(&common->version, 1, memory_order_release);
    }
    atomic_store(&common->changes, false);
    return changed;
}
