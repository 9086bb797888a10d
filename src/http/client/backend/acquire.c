/* SPDX-License-Identifier: MIT */
#include "http/client/backend/acquire.h"

#include <errno.h>

#include <weir/log.h>

#include "core/account/activity.h"
#include "core/misuse.h"
#include "http/client/backend/balance.h"
#include "http/client/backend/lookup.h"
#include "http/client/backend/outcome.h"
#include "http/client/backend/table.h"
#include "http/client/connection.h"
#include "http/client/origin.h"

/* --- refusing --- */

static int refuse(weir_backend *b, struct weir__fetch *f, enum weir_backend_refusal refusal)
{
    static const struct {
        int err;
        const char *why, *reason;
    } refusals[WEIR_BACKEND_REFUSALS] = {
        [WEIR_BACKEND_BUSY] = {-WEIR_EBUSY, "too many requests wait for a connection to the backend",
                               "backend_busy"},
        [WEIR_BACKEND_LIMITED] = {-WEIR_ELIMITED,
                                  "as many requests to the backend are in progress as there may be",
                                  "backend_limited"},
        [WEIR_BACKEND_OPEN] = {-WEIR_EOPEN, "too many requests to the backend have failed", "backend_open"},
        [WEIR_BACKEND_NO_INSTANCE] = {-WEIR_EDNS, NULL, NULL},
    };
    struct weir__activity *activity = weir__task_current()->activity;

    weir__instance_count(&weir__backend_common(b)->refused[refusal]);
    if (refusals[refusal].why != NULL)
        f->why = refusals[refusal].why;
    if (activity != NULL && refusals[refusal].reason != NULL) {
        activity->busy_why = refusals[refusal].why;
        activity->busy_reason = refusals[refusal].reason;
        activity->busy_for_ns =
            weir__breaker_refuses_for(&weir__backend_common(b)->breaker, weir__loop_now_ns(b->member.loop));
    }
    return refusals[refusal].err;
}

/* --- admission --- */

/* Of this and what follows the parts that every request comes by are inlined: requests that may have second
 * attempts come by another function than those that may not. */

/* 0: there is none. */
static int limit_of(const weir_backend *b)
{
    const struct weir__auto_limit_settings *settings = &b->member.shared->settings.auto_limit;

    return settings->max > 0 ? weir__auto_limit_now(&weir__backend_common(b)->auto_limit, settings)
                             : weir__backend_options(b)->limit;
}

static __attribute__((noinline)) bool take_limited(weir_backend *b)
{
    struct weir__backend_common *common = weir__backend_common(b);

    return weir__backend_take_one(common, &common->counts.in_use, b->member.process, limit_of(b));
}

/* Counts a request as one in progress, unless there are as many as there may be. */
static inline __attribute__((always_inline)) bool take_limit(weir_backend *b)
{
    if (weir__backend_options(b)->limit > 0)
        return take_limited(b);
    weir__backend_add_one(&weir__backend_common(b)->counts.in_use, b->member.process);
    return true;
}

/* Enters by the limit and the breaker. */
static inline __attribute__((always_inline)) int enter(weir_backend *b, struct weir__fetch *f)
{
    struct weir__backend_common *common = weir__backend_common(b);
    enum weir__breaker_verdict verdict;

    weir__instance_count(&common->requests);
    if (!take_limit(b))
        return refuse(b, f, WEIR_BACKEND_LIMITED);
    verdict = weir__breaker_is_closed(&common->breaker)
                  ? WEIR__BREAKER_PASSES
                  : weir__breaker_admit(&common->breaker, weir__loop_now_ns(b->member.loop));
    if (verdict == WEIR__BREAKER_REFUSES) {
        weir__backend_give_one(&common->counts.in_use, b->member.process);
        return refuse(b, f, WEIR_BACKEND_OPEN);
    }
    b->in_use++;
    f->use = (struct weir__backend_use){.backend = b, .is_probe = verdict == WEIR__BREAKER_PROBES};
    return 0;
}

void weir__backend_leave(struct weir__fetch *f)
{
    struct weir__backend_use *use = &f->use;
    weir_backend *b = use->backend;

    if (b == NULL)
        return;
    if (use->instance != NULL)
        weir__backend_give_one(&weir__backend_common(b)->counts.of_instance[use->number], b->member.process);
    weir__backend_give_one(&weir__backend_common(b)->counts.in_use, b->member.process);
    if (use->is_probe && !use->is_counted)
        weir__breaker_forgo(&weir__backend_common(b)->breaker, weir__loop_now_ns(b->member.loop));
    b->in_use--;
    *use = (struct weir__backend_use){0};
}

/* --- an instance --- */

static void note_panic(weir_backend *b, bool panics)
{
    struct weir__backend_common *common = weir__backend_common(b);

    if (atomic_load_explicit(&common->panics, memory_order_relaxed) == panics ||
        atomic_exchange_explicit(&common->panics, panics, memory_order_relaxed) == panics)
        return;
    if (panics)
        weir_log(WEIR_LOG_WARN,
                 "all instances of a backend are down or ejected: requests are sent to all of them",
                 WEIR_KV("backend", weir__backend_name(b)));
    else
        weir_log(WEIR_LOG_INFO, "a backend has instances that are up again",
                 WEIR_KV("backend", weir__backend_name(b)));
}

static void find_candidates(weir_backend *b, struct weir__candidates *out)
{
    struct weir__backend_common *common = weir__backend_common(b);

    if (atomic_load_explicit(&common->ejected, memory_order_relaxed) > 0)
        weir__backend_end_ejections(b->member.shared, b->here, b->here_count,
                                    weir__loop_now_ns(b->member.loop));
    weir__balance_candidates(common, b->here, b->here_count, out);
    note_panic(b, out->panics);
}

static int choose(weir_backend *b, const char *key, const struct weir__candidates *c)
{
    struct weir__backend_common *common = weir__backend_common(b);

    switch (weir__backend_options(b)->balance) {
    case WEIR_BALANCE_ROUND_ROBIN:
        return weir__balance_round_robin(common, c, limit_of(b));
    case WEIR_BALANCE_HASH:
        if (key != NULL)
            return weir__balance_hash(b->hashes, c, key);
        break;
    case WEIR_BALANCE_LEAST:
        break;
    }
    return weir__balance_least(common, c, &b->member.loop->random);
}

/* Chooses an instance for a request. Returns: 0; -WEIR_EDNS there is none; -ENOMEM. */
static inline __attribute__((always_inline)) int choose_origin(weir_backend *b, const char *key,
                                                               struct weir__origin **out)
{
    struct weir__candidates candidates;
    int err;

    do {
        weir__backend_sync(b);
        if (b->here_count == 0)
            return -WEIR_EDNS;
        find_candidates(b, &candidates);
        err = weir__backend_origin(b, choose(b, key, &candidates), out);
    } while (err == -EAGAIN);
    return err;
}

/* Whether a request may have a connection that has come free, to whatever instance. */
static bool suits(weir_backend *b, const struct weir__origin *origin, const char *key)
{
    struct weir__candidates candidates;
    int number;

    weir__backend_sync(b);
    number = weir__backend_number_of(b, origin);
    if (number < 0)
        return false;
    find_candidates(b, &candidates);
    if (key != NULL && weir__backend_options(b)->balance == WEIR_BALANCE_HASH)
        return choose(b, key, &candidates) == number;
    return candidates.panics || weir__instance_is_used(&weir__backend_common(b)->instances[number]);
}

/* --- a connection --- */

/* Waits for a slot, perhaps with a connection. */
static int wait_for_slot(weir_backend *b, struct weir__fetch *f, struct weir__client_connection **given)
{
    struct weir__backend_common *common = weir__backend_common(b);
    void *connection = NULL;
    int err;

    if (!weir__backend_take_one(common, &common->counts.waiting, b->member.process,
                                weir__backend_options(b)->waiting_max))
        return refuse(b, f, WEIR_BACKEND_BUSY);
    err = weir__slot_share_wait(&b->slots, &connection);
    weir__backend_give_one(&common->counts.waiting, b->member.process);
    *given = connection;
    return err;
}

/* Takes a slot without waiting. *c: an idle connection to origin that f may have; or NULL. */
static inline __attribute__((always_inline)) bool try_slot(weir_backend *b, struct weir__origin *origin,
                                                           const struct weir__fetch *f,
                                                           struct weir__client_connection **c)
{
    struct weir__client_connection *oldest;

    *c = weir__origin_take_idle(origin, f);
    if (*c != NULL || weir__slot_share_try(&b->slots))
        return true;
    if (b->client.idle_count == 0)
        return false;
    oldest = weir__origin_oldest_idle(&b->client); /* for its slot */
    weir__client_leave_idle(oldest);
    weir__client_drop(oldest);
    return true;
}

static inline __attribute__((always_inline)) void begin(weir_backend *b, struct weir__fetch *f,
                                                        struct weir__origin *origin)
{
    struct weir__backend_common *common = weir__backend_common(b);
    const int number = weir__backend_number_of(b, origin);

    f->use.instance = &common->instances[number];
    f->use.number = (uint8_t)number;
    if (weir__backend_options(b)->limit > 0) /* perhaps one that follows */
        f->use.began = weir__backend_time(weir__loop_now_ns(b->member.loop));
    weir__backend_add_one(&common->counts.of_instance[number], b->member.process);
    weir__instance_count(&f->use.instance->requests);
    weir__origin_begin(origin);
}

/* Makes use of a slot that has been waited for. On failure it is given back. */
static int use_slot(weir_backend *b, const struct weir__fetch *f, const char *key,
                    struct weir__origin **origin, struct weir__client_connection **c)
{
    int err;

    if (*c != NULL && weir__origin_suits(*c, f) && suits(b, (*c)->origin, key)) {
        *origin = (*c)->origin;
        return 0;
    }
    if (*c != NULL)
        weir__client_drop(*c);
    *c = NULL;
    err = choose_origin(b, key, origin);
    if (err < 0)
        weir__slot_share_give(&b->slots);
    return err;
}

/* Takes a slot for a request, with its instance and perhaps a connection. */
static inline __attribute__((always_inline)) int take(weir_backend *b, struct weir__fetch *f, const char *key,
                                                      struct weir__origin **origin,
                                                      struct weir__client_connection **c)
{
    int err = choose_origin(b, key, origin);

    if (err < 0 || try_slot(b, *origin, f, c))
        return err;
    err = wait_for_slot(b, f, c);
    return err < 0 ? err : use_slot(b, f, key, origin, c);
}

static inline __attribute__((always_inline)) int place(weir_backend *b, struct weir__fetch *f,
                                                       const char *key, struct weir__origin **out,
                                                       struct weir__client_connection **c)
{
    int err;

    weir__backend_sync(b);
    if (b->here_count == 0) {
        err = weir__backend_look_up(b, &f->why);
        weir__backend_sync(b);
        if (b->here_count == 0 && err < 0 && err != weir_cancelled())
            (void)refuse(b, f, WEIR_BACKEND_NO_INSTANCE);
        if (b->here_count == 0)
            return err < 0 ? err : -WEIR_EDNS;
    }
    return take(b, f, key, out, c);
}

static inline __attribute__((always_inline)) int admit(weir_backend *b, struct weir__fetch *f,
                                                       const char *key, struct weir__origin **out,
                                                       struct weir__client_connection **c)
{
    struct weir__origin *origin;
    int err = enter(b, f);

    *out = NULL;
    *c = NULL;
    if (err < 0)
        return err;
    f->asked = weir__heartbeat_ticks(&b->member.loop->heartbeat);
    err = place(b, f, key, &origin, c);
    if (err < 0) {
        f->asked = 0; /* it is no request of an instance */
        return err;
    }
    begin(b, f, origin);
    *out = origin;
    return 0;
}

int weir__backend_take(weir_backend *b, struct weir__fetch *f, const char *key, struct weir__origin **out,
                       struct weir__client_connection **c)
{
    return admit(b, f, key, out, c);
}

int weir__backend_acquire(weir_backend *b, struct weir__fetch *f, const char *key, struct weir__origin **out)
{
    struct weir__client_connection *c;
    int err = admit(b, f, key, out, &c);

    return err < 0 ? err : weir__origin_connect(*out, f, c);
}

/* --- a second attempt --- */

/* Leaves out the instances that have been tried, as long as others are left. */
static void exclude(struct weir__candidates *c, const struct weir__backend_tried *tried)
{
    for (int i = 0; i < tried->count; i++)
        for (int k = 0; k < c->count && c->count > 1; k++)
            if (c->numbers[k] == tried->numbers[i])
                c->numbers[k--] = c->numbers[--c->count];
}

static int choose_another(weir_backend *b, const char *key, const struct weir__backend_tried *tried,
                          struct weir__origin **out)
{
    struct weir__candidates candidates;

    weir__backend_sync(b);
    if (b->here_count == 0)
        return -WEIR_EDNS;
    find_candidates(b, &candidates);
    exclude(&candidates, tried);
    return weir__backend_origin(b, choose(b, key, &candidates), out);
}

/* A place for a second attempt, if there is one without waiting. */
static bool try_place(weir_backend *b, const struct weir__fetch *f, const struct weir__backend_second *second,
                      struct weir__origin **origin, struct weir__client_connection **c)
{
    struct weir__backend_common *common = weir__backend_common(b);

    if (!take_limit(b))
        return false;
    if (choose_another(b, second->key, second->tried, origin) == 0 && try_slot(b, *origin, f, c))
        return true;
    weir__backend_give_one(&common->counts.in_use, b->member.process);
    return false;
}

int weir__backend_take_second(weir_backend *b, struct weir__fetch *f,
                              const struct weir__backend_second *second, struct weir__origin **out,
                              struct weir__client_connection **c)
{
    struct weir__attempts *attempts = weir__backend_attempts(b);
    int err;

    *out = NULL;
    *c = NULL;
    if (!weir__breaker_is_closed(&weir__backend_common(b)->breaker)) {
        weir__attempts_deny(attempts, WEIR_ATTEMPT_OPEN);
        return -WEIR_EBUSY;
    }
    err =
        weir__attempts_pay(attempts, second->kind, second->left_ns, weir__loop_now_ns(b->member.loop), NULL);
    if (err < 0)
        return err;
    if (!try_place(b, f, second, out, c)) {
        weir__attempts_refund(attempts);
        weir__attempts_deny(attempts, WEIR_ATTEMPT_NO_ROOM);
        return -WEIR_EBUSY;
    }
    b->in_use++;
    f->use = (struct weir__backend_use){.backend = b};
    f->asked = weir__heartbeat_ticks(&b->member.loop->heartbeat);
    begin(b, f, *out);
    return 0;
}

/* --- what others need to know --- */

weir_bytes weir__backend_authority(const weir_backend *b)
{
    const weir_backend_options *o = weir__backend_options(b);

    return weir_bytes_of(o->host != NULL ? o->host : b->member.shared->settings.urls[0].authority);
}

void weir__backend_check(const weir_backend *b, const char *function)
{
    weir__check_loop(b->handle.loop, function, "a backend");
}

const char *weir__backend_name(const weir_backend *b)
{
    return weir__backend_options(b)->name;
}
