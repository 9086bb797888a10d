/* SPDX-License-Identifier: MIT */
/* What other threads read of backends. */
#include <stdlib.h>
#include <string.h>

#include "http/client/backend/outcome.h"
#include "http/client/backend/state.h"

/* What is lent to the caller. */
struct copy {
    weir_backend_stats stats;
    weir_instance_stats instances[WEIR__INSTANCES_MAX];
    char addresses[WEIR__INSTANCES_MAX][WEIR__INSTANCE_ADDRESS_BYTES];
};

static uint64_t look(const _Atomic uint64_t *n)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)n, memory_order_relaxed);
}

static int look_int(const atomic_int *n)
{
    return atomic_load_explicit((atomic_int *)(uintptr_t)n, memory_order_relaxed);
}

static int64_t look_ns(const _Atomic int64_t *n)
{
    return atomic_load_explicit((_Atomic int64_t *)(uintptr_t)n, memory_order_relaxed);
}

static enum weir_instance_state state_of(const struct weir__instance *i)
{
    const uint32_t health =
        atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)&i->health, memory_order_relaxed);

    if (i->presence == WEIR__INSTANCE_GONE)
        return WEIR_INSTANCE_GONE;
    if (weir__health_is_down(health))
        return weir__health_comes_back(health) ? WEIR_INSTANCE_PROBING : WEIR_INSTANCE_DOWN;
    return weir__eject_is_ejected(look(&i->eject)) ? WEIR_INSTANCE_EJECTED : WEIR_INSTANCE_UP;
}

static void copy_instance(struct copy *copy, const struct weir__backend_shared *s,
                          const struct weir__instance *i)
{
    const size_t n = copy->stats.instance_count++;
    const int error = look_int(&i->last_error), check = look_int(&i->last_check),
              number = weir__backend_number(s, i);

    memcpy(copy->addresses[n], i->address, sizeof i->address);
    copy->instances[n] = (weir_instance_stats){
        .address = copy->addresses[n],
        .state = state_of(i),
        .since = {look_ns(&i->since_ns)},
        .in_use = weir__backend_sum(s->common, &s->common->counts.of_instance[number]),
        .requests = look(&i->requests),
        .failures = look(&i->failures),
        .ejections = look(&i->ejections),
        .number = (unsigned char)(number + 1),
        .last_error = weir__backend_error_text(error, weir__backend_words_of(&s->error_words[number], error)),
        .last_error_at = {error != 0 ? look_ns(&i->last_error_ns) : 0},
        .last_check = weir__backend_error_text(check, weir__backend_words_of(&s->check_words[number], check)),
    };
}

static int count_connections(struct weir__backend_shared *s)
{
    int count = 0;

    if (s->memory != NULL)
        return weir__backend_sum(s->common, &s->common->counts.connections);
    weir__lock_enter(&s->lock);
    weir__list_each (node, &s->members)
        count +=
            look_int(&weir__backend_of_member(weir__container_of(node, struct weir__backend_member, node))
                          ->slots.member.held);
    weir__lock_leave(&s->lock);
    return count;
}

static void read_attempts(struct weir__backend_shared *s, weir_attempts_stats *out)
{
    struct weir__attempts_learned learned = {0};

    weir__attempts_read(&s->common->attempts, &s->settings.attempts, weir_now().ns, out);
    out->name = s->settings.options.name;
    out->shared_id = s->common->label.serial;
    weir__lock_enter(&s->lock);
    weir__list_each (node, &s->members)
        weir__attempts_read_learned(&weir__container_of(node, struct weir__backend_member, node)->attempts,
                                    &learned);
    weir__lock_leave(&s->lock);
    out->hedge_after.ns = learned.after_ns;
}

static int limit_of(const struct weir__backend_shared *s)
{
    return s->settings.auto_limit.max > 0
               ? weir__auto_limit_now(&s->common->auto_limit, &s->settings.auto_limit)
               : s->settings.options.limit;
}

static void read_backend(struct copy *copy, struct weir__backend_shared *s)
{
    const struct weir__backend_common *common = s->common;
    const weir_backend_options *o = &s->settings.options;

    copy->stats = (weir_backend_stats){
        .name = o->name,
        .instances = copy->instances,
        .in_use = weir__backend_sum(common, &common->counts.in_use),
        .limit = limit_of(s),
        .limit_is_auto = s->settings.auto_limit.max > 0,
        .waiting = weir__backend_sum(common, &common->counts.waiting),
        .waiting_max = o->waiting_max,
        .shared_id = common->label.serial,
        .connections_max = o->connections_max,
        .requests = look(&common->requests),
        .open = !weir__breaker_is_closed(&common->breaker),
        .open_since = {look_ns(&common->breaker.opened_ns)},
        .opened = look(&common->breaker.opened),
        .panics = atomic_load_explicit((atomic_bool *)(uintptr_t)&common->panics, memory_order_relaxed),
    };
    for (int i = 0; i < WEIR_BACKEND_REFUSALS; i++)
        copy->stats.refused[i] = look(&common->refused[i]);
    copy->stats.connections = count_connections(s);
    read_attempts(s, &copy->stats.attempts);
    if (!weir__backend_try_lock(s))
        return; /* without its instances */
    for (int i = 0; i < WEIR__INSTANCES_MAX; i++) {
        const struct weir__instance *instance = &common->instances[i];
        if (instance->presence == WEIR__INSTANCE_HERE ||
            (instance->presence == WEIR__INSTANCE_GONE &&
             weir__backend_sum(common, &common->counts.of_instance[i]) > 0))
            copy_instance(copy, s, instance);
    }
    weir__backend_unlock(s);
}

struct reading {
    struct copy *copy;
    void (*fn)(void *arg, const weir_backend_stats *stats);
    void *arg;
};

static void read_one(void *arg, struct weir__backend_shared *s)
{
    const struct reading *r = arg;

    read_backend(r->copy, s);
    r->fn(r->arg, &r->copy->stats);
}

void weir_backend_each(weir_runtime *runtime, void (*fn)(void *arg, const weir_backend_stats *stats),
                       void *arg)
{
    struct reading reading = {.copy = malloc(sizeof *reading.copy), .fn = fn, .arg = arg};

    if (reading.copy != NULL)
        weir__backend_shared_each(runtime, read_one, &reading);
    free(reading.copy);
}

const char *weir_instance_state_name(enum weir_instance_state state)
{
    switch (state) {
    case WEIR_INSTANCE_UP:
        return "up";
    case WEIR_INSTANCE_PROBING:
        return "probing";
    case WEIR_INSTANCE_EJECTED:
        return "ejected";
    case WEIR_INSTANCE_DOWN:
        return "down";
    case WEIR_INSTANCE_GONE:
        break;
    }
    return "gone";
}

const char *weir_backend_refusal_name(enum weir_backend_refusal refusal)
{
    static const char *const names[WEIR_BACKEND_REFUSALS] = {
        [WEIR_BACKEND_BUSY] = "busy",
        [WEIR_BACKEND_LIMITED] = "limited",
        [WEIR_BACKEND_OPEN] = "open",
        [WEIR_BACKEND_NO_INSTANCE] = "no_instance",
    };

    return (unsigned)refusal < WEIR_BACKEND_REFUSALS ? names[refusal] : "busy";
}
