/* SPDX-License-Identifier: MIT */
#include "http/client/backend/shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>

#include "core/runtime.h"
#include "http/client/backend/instances.h"

static const struct weir__registry_type shared_type = {"backend"}, seen_type = {"statistics of a backend"};

/* --- finding --- */

static struct weir__backend_shared *find(struct weir_runtime *runtime, const char *name)
{
    weir__registry_each (entry, &runtime->shared, &shared_type) {
        struct weir__backend_shared *s = weir__container_of(entry, struct weir__backend_shared, registered);
        if (strcmp(s->settings.options.name, name) == 0)
            return s;
    }
    return NULL;
}

/* The instances that need no look-up. Other processes may have set them already. */
static void set_fixed_addresses(struct weir__backend_shared *s, int64_t now_ns)
{
    char address[1][WEIR__INSTANCE_ADDRESS_BYTES];
    int left_out;

    weir__backend_lock(s);
    for (int i = 0; i < s->settings.url_count; i++) {
        if (s->settings.urls[i].host != NULL)
            continue;
        strcpy(address[0], s->settings.urls[i].connect_to); /* its length is checked */
        (void)weir__instances_set(s->common, i, address, 1, now_ns, &left_out);
    }
    weir__backend_unlock(s);
}

static void look(void *arg);

/* Finds what the backend has in common with that of other processes. */
static int join_others(struct weir__backend_shared *s, struct weir__loop *loop)
{
    int err = weir__backend_common_join(s->memory, &s->settings, weir__loop_now_ns(loop), &s->common);

    s->process = weir_shared_member(s->memory);
    if (err < 0 || loop->runtime->options.io == WEIR_IO_SIM)
        return err;
    err = weir_shared_listen(s->memory, &s->listener, look, s);
    s->listens = err == 0;
    if (err < 0)
        weir__backend_common_leave(s->memory, s->common);
    return err;
}

/* Takes the settings over. */
static int add(struct weir__loop *loop, struct weir__backend_settings *settings,
               struct weir__backend_shared **out)
{
    weir_shared *memory = loop->runtime->options.shared;
    struct weir__backend_shared *s = calloc(1, sizeof *s + (memory == NULL ? sizeof *s->common : 0));
    int err = 0;

    if (s == NULL)
        return -ENOMEM;
    s->settings = *settings;
    s->memory = memory;
    weir__list_init(&s->members);
    weir__list_init(&s->seen.node);
    if (memory != NULL) {
        err = join_others(s, loop);
    } else {
        s->common = (struct weir__backend_common *)(s + 1);
        atomic_store(&s->common->processes, 1);
        atomic_store(&s->common->version, 1); /* members begin with 0 */
    }
    if (err < 0) {
        free(s);
        return err;
    }
    *settings = (struct weir__backend_settings){0};
    set_fixed_addresses(s, weir__loop_now_ns(loop));
    weir__registry_add(&loop->runtime->shared, &s->registered, &shared_type);
    *out = s;
    return 0;
}

static int find_or_add(struct weir__loop *loop, struct weir__backend_settings *settings,
                       struct weir__backend_shared **out)
{
    struct weir__backend_shared *s = find(loop->runtime, settings->options.name);
    int err = 0;

    if (s != NULL && !weir__backend_settings_equal(&s->settings, settings))
        return -WEIR_ECONFIG;
    if (s == NULL)
        err = add(loop, settings, &s);
    if (err < 0)
        return err;
    s->users++;
    *out = s;
    return 0;
}

static void drop(struct weir__loop *loop, struct weir__backend_shared *s)
{
    struct weir_runtime *runtime = loop->runtime;

    if (!weir__registry_drop(&runtime->shared, &s->registered, &s->users))
        return;
    weir__registry_hide(&runtime->registry, &s->seen);
    if (s->listens)
        weir_shared_unlisten(s->memory, &s->listener);
    if (s->memory != NULL)
        weir__backend_common_leave(s->memory, s->common);
    weir__backend_settings_free(&s->settings);
    free(s);
}

/* --- members --- */

static bool needs_keeper(const struct weir__backend_shared *s)
{
    return s->settings.follows_names || s->settings.options.health.path != NULL;
}

static void deliver(struct weir__message *message)
{
    struct weir__backend_member *m = weir__container_of(message, struct weir__backend_member, message);

    weir__lock_enter(&m->shared->lock);
    m->notified = false;
    weir__lock_leave(&m->shared->lock);
    m->heed(m);
}

/* Under the lock. */
static void notify(struct weir__backend_member *m)
{
    if (m->notified)
        return;
    m->notified = true;
    weir__loop_post(m->loop, &m->message);
}

int weir__backend_join(struct weir__backend_member *m, struct weir__loop *loop,
                       const weir_backend_options *options)
{
    struct weir__backend_settings settings;
    int err = weir__backend_settings_read(&settings, options);

    if (err < 0)
        return err;
    weir__registry_enter(&loop->runtime->shared);
    err = find_or_add(loop, &settings, &m->shared);
    weir__registry_leave(&loop->runtime->shared);
    weir__backend_settings_free(&settings);
    if (err < 0)
        return err;
    /* For weir_backend_each(). The locks of the two registries are never held together. */
    weir__registry_show(&loop->runtime->registry, &m->shared->seen, &seen_type);
    m->common = m->shared->common;
    m->process = m->shared->process;
    m->loop = loop;
    m->message.deliver = deliver;
    weir__attempts_init(&m->attempts, &m->shared->settings.attempts, &m->common->attempts);
    weir__lock_enter(&m->shared->lock);
    weir__list_push_back(&m->shared->members, &m->node);
    weir__lock_leave(&m->shared->lock);
    return 0;
}

bool weir__backend_leave_shared(struct weir__backend_member *m)
{
    bool left;

    weir__lock_enter(&m->shared->lock);
    left = !m->notified;
    if (left)
        weir__list_remove(&m->node);
    weir__lock_leave(&m->shared->lock);
    if (left) {
        weir__attempts_end(&m->attempts);
        drop(m->loop, m->shared);
    }
    return left;
}

bool weir__backend_claim(struct weir__backend_member *m)
{
    struct weir__backend_shared *s = m->shared;
    bool claimed;

    if (!needs_keeper(s))
        return false;
    weir__lock_enter(&s->lock);
    claimed =
        s->keeper == NULL && weir__backend_take_one(s->common, &s->common->counts.keeper, s->process, 1);
    if (claimed)
        s->keeper = m;
    weir__lock_leave(&s->lock);
    return claimed;
}

/* Under the lock. */
static void notify_another(const struct weir__backend_member *m)
{
    weir__list_each (node, &m->shared->members) {
        struct weir__backend_member *other = weir__container_of(node, struct weir__backend_member, node);
        if (other != m) {
            notify(other); /* it claims */
            return;
        }
    }
}

void weir__backend_disclaim(struct weir__backend_member *m, bool pass_on)
{
    struct weir__backend_shared *s = m->shared;

    weir__lock_enter(&s->lock);
    if (s->keeper == m) {
        s->keeper = NULL;
        weir__backend_give_one(&s->common->counts.keeper, s->process);
        if (pass_on)
            notify_another(m);
    }
    weir__lock_leave(&s->lock);
    if (pass_on && s->memory != NULL)
        weir__shared_ring_others(s->memory);
}

/* --- other processes --- */

/* Under the lock. */
static void notify_all(struct weir__backend_shared *s)
{
    weir__list_each (node, &s->members)
        notify(weir__container_of(node, struct weir__backend_member, node));
}

/* Looks at what other processes have changed, or left undone because they have ended. Called when one of them
 * rings, and now and then; by the listener's thread. */
static void look(void *arg)
{
    struct weir__backend_shared *s = arg;
    uint64_t version = atomic_load(&s->common->version);

    atomic_store(&s->common->label.alive_ns, weir_now().ns);
    weir__lock_enter(&s->lock);
    if (version != s->seen_version ||
        (needs_keeper(s) && weir__backend_sum(s->common, &s->common->counts.keeper) == 0))
        notify_all(s);
    s->seen_version = version;
    weir__lock_leave(&s->lock);
}

/* --- addresses --- */

void weir__backend_set_addresses(struct weir__backend_shared *s, int url,
                                 const char (*addresses)[WEIR__INSTANCE_ADDRESS_BYTES], int count,
                                 int64_t now_ns)
{
    int left_out;
    bool changed;

    if (!weir__backend_try_lock(s))
        return; /* until they are looked up again */
    changed = weir__instances_set(s->common, url, addresses, count, now_ns, &left_out);
    weir__backend_unlock(s);
    if (changed) {
        weir__lock_enter(&s->lock);
        notify_all(s);
        weir__lock_leave(&s->lock);
    }
    if (changed && s->memory != NULL)
        weir__shared_ring_others(s->memory);
    if (changed && left_out > 0)
        weir_log(WEIR_LOG_WARN, "a backend has more addresses than can be used",
                 WEIR_KV("backend", s->settings.options.name), WEIR_KV_INT("left_out", left_out));
}

/* --- statistics --- */

void weir__backend_shared_each(struct weir_runtime *runtime,
                               void (*fn)(void *arg, struct weir__backend_shared *s), void *arg)
{
    weir__registry_enter(&runtime->registry);
    weir__registry_each (entry, &runtime->registry, &seen_type)
        fn(arg, weir__container_of(entry, struct weir__backend_shared, seen));
    weir__registry_leave(&runtime->registry);
}
