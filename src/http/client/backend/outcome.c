/* SPDX-License-Identifier: MIT */
#include "http/client/backend/outcome.h"

#include <errno.h>
#include <string.h>

#include <weir/log.h>

#include "http/client/backend/instances.h"
#include "http/client/backend/state.h"
#include "http/message/writer.h"

enum meaning { GOOD, FAILED, SAYS_NOTHING };

/* This process lacks something: that says nothing of the instance. */
static bool is_shortage(int err)
{
    return err == -ENOMEM || err == -ENOBUFS || err == -EMFILE || err == -ENFILE;
}

/* What the code of a request, or the status of its answer, says of the instance. */
static enum meaning meaning_of(int err, int status)
{
    if (is_shortage(err))
        return SAYS_NOTHING;
    switch (-err) {
    case 0:
        return status >= 500 && status != 501 ? FAILED : GOOD;
    case WEIR_ECANCELED:
    case WEIR_EBUSY:
    case WEIR_ETOOLARGE:
    case WEIR_ECONFIG: /* no authorities to check servers by */
    case EINVAL:
    case EDEADLK:
        return SAYS_NOTHING;
    default:
        return FAILED;
    }
}

const char *weir__backend_error_text(int error, const char *why)
{
    const char *reason;

    if (error == 0 || why != NULL)
        return error == 0 ? NULL : why;
    if (error < 0)
        return weir_error_text(error);
    reason = weir__http_reason(error);
    return reason[0] != '\0' ? reason : "status 500 or above";
}

/* The address is read for the log alone: the instance may be another one by then. */
static void copy_address(struct weir__backend_shared *s, const struct weir__instance *instance,
                         char address[static WEIR__INSTANCE_ADDRESS_BYTES])
{
    address[0] = '\0';
    if (!weir__backend_try_lock(s))
        return;
    memcpy(address, instance->address, WEIR__INSTANCE_ADDRESS_BYTES);
    weir__backend_unlock(s);
}

/* --- ejection. Failures are counted without a lock; under it instances are ejected and return, which is rare
 * --- */

static bool change(struct weir__instance *instance, uint64_t *from, uint64_t to)
{
    return atomic_compare_exchange_strong_explicit(&instance->eject, from, to, memory_order_relaxed,
                                                   memory_order_relaxed);
}

/* The end of an ejection is kept in whole milliseconds, rounded down: rounded up again, the duration is the
 * one that is configured. */
static weir_duration left_of(uint64_t state, int64_t now_ns)
{
    const int64_t ms_ns = 1000000, left_ns = weir__eject_until(state) - now_ns;

    return (weir_duration){(left_ns + ms_ns - 1) / ms_ns * ms_ns};
}

static void log_ejected(struct weir__backend_shared *s, struct weir__instance *instance, uint64_t state,
                        int64_t now_ns, const char *words)
{
    char address[WEIR__INSTANCE_ADDRESS_BYTES];

    copy_address(s, instance, address);
    weir_log(WEIR_LOG_WARN, "an instance is ejected", WEIR_KV("backend", s->settings.options.name),
             WEIR_KV("instance", address), WEIR_KV_DURATION("for", left_of(state, now_ns)),
             WEIR_KV_INT("failures", s->settings.eject.after), WEIR_KV("error", words));
}

static bool may_eject(const struct weir__backend_shared *s)
{
    return atomic_load_explicit(&s->common->ejected, memory_order_relaxed) <
           weir__eject_at_most(&s->settings.eject,
                               atomic_load_explicit(&s->common->here, memory_order_relaxed));
}

/* Ejects an instance, if as many may be. */
static void eject(struct weir__backend_shared *s, struct weir__instance *instance, int64_t now_ns,
                  const char *words)
{
    uint64_t was = atomic_load_explicit(&instance->eject, memory_order_relaxed), is;
    bool may;

    if (!weir__backend_try_lock(s))
        return; /* until its next failure */
    weir__instances_count(s->common);
    may = may_eject(s);
    atomic_store(&s->common->changes, true);
    do
        is = weir__eject_failed(was, &s->settings.eject, now_ns, may);
    while (!change(instance, &was, is));
    weir__instances_count(s->common);
    atomic_store(&s->common->changes, false);
    weir__backend_unlock(s);
    if (weir__eject_is_ejected(was) || !weir__eject_is_ejected(is))
        return;
    weir__instance_count(&instance->ejections);
    atomic_store_explicit(&instance->since_ns, now_ns, memory_order_relaxed);
    log_ejected(s, instance, is, now_ns, words);
}

static void eject_failed(struct weir__backend_shared *s, struct weir__instance *instance, int64_t now_ns,
                         const char *words)
{
    uint64_t was = atomic_load_explicit(&instance->eject, memory_order_relaxed);

    while (!weir__eject_is_due(was, &s->settings.eject))
        if (change(instance, &was, weir__eject_failed(was, &s->settings.eject, now_ns, false)))
            return;
    eject(s, instance, now_ns, words);
}

/* While all is well nothing is written. */
static void eject_answered(struct weir__instance *instance)
{
    uint64_t was = atomic_load_explicit(&instance->eject, memory_order_relaxed);

    while (weir__eject_answered(was) != was)
        if (change(instance, &was, weir__eject_answered(was)))
            return;
}

/* Returns: whether it was this call that did so. */
static bool end_it(struct weir__backend_shared *s, struct weir__instance *instance, int64_t now_ns)
{
    uint64_t was = atomic_load_explicit(&instance->eject, memory_order_relaxed);
    bool ended = false;

    if (!weir__backend_try_lock(s))
        return false;
    atomic_store(&s->common->changes, true);
    while (!ended && weir__eject_look(was, now_ns) != was)
        ended = change(instance, &was, weir__eject_look(was, now_ns));
    weir__instances_count(s->common);
    atomic_store(&s->common->changes, false);
    weir__backend_unlock(s);
    return ended;
}

static void end_ejection(struct weir__backend_shared *s, struct weir__instance *instance, int64_t now_ns)
{
    uint64_t state = atomic_load_explicit(&instance->eject, memory_order_relaxed);
    char address[WEIR__INSTANCE_ADDRESS_BYTES];

    if (weir__eject_look(state, now_ns) == state || !end_it(s, instance, now_ns))
        return;
    atomic_store_explicit(&instance->since_ns, now_ns, memory_order_relaxed);
    copy_address(s, instance, address);
    weir_log(WEIR_LOG_INFO, "an instance returns from ejection", WEIR_KV("backend", s->settings.options.name),
             WEIR_KV("instance", address));
}

void weir__backend_end_ejections(struct weir__backend_shared *s, const uint8_t *here, int count,
                                 int64_t now_ns)
{
    for (int i = 0; i < count; i++)
        end_ejection(s, &s->common->instances[here[i]], now_ns);
}

/* --- the breaker --- */

static void log_breaker(struct weir__backend_shared *s, enum weir__breaker_news news, int64_t now_ns)
{
    struct weir__breaker *b = &s->common->breaker;
    const char *name = s->settings.options.name;
    const int64_t opened_ns = atomic_load_explicit(&b->opened_ns, memory_order_relaxed);

    switch (news) {
    case WEIR__BREAKER_OPENS:
        weir_log(WEIR_LOG_WARN, "the breaker of a backend opens", WEIR_KV("backend", name),
                 WEIR_KV_DURATION("for", (weir_duration){weir__breaker_refuses_for(b, now_ns)}));
        break;
    case WEIR__BREAKER_REOPENS:
        weir_log(WEIR_LOG_INFO, "the breaker of a backend stays open", WEIR_KV("backend", name),
                 WEIR_KV_DURATION("for", (weir_duration){weir__breaker_refuses_for(b, now_ns)}));
        break;
    case WEIR__BREAKER_CLOSES:
        weir_log(WEIR_LOG_INFO, "the breaker of a backend closes", WEIR_KV("backend", name),
                 WEIR_KV_DURATION("after", (weir_duration){now_ns - opened_ns}));
        break;
    case WEIR__BREAKER_STAYS:
        break;
    }
}

static void count_breaker(struct weir__backend_shared *s, bool is_probe, bool failed, int64_t now_ns)
{
    enum weir__breaker_news news =
        weir__breaker_count(&s->common->breaker, &s->settings.breaker, now_ns, is_probe, failed);

    if (news != WEIR__BREAKER_STAYS)
        log_breaker(s, news, now_ns);
}

/* --- requests --- */

static void count_failure(struct weir__backend_shared *s, struct weir__instance *instance, int error,
                          const char *why, int64_t now_ns)
{
    weir__instance_count(&instance->failures);
    weir__backend_word(&s->error_words[weir__backend_number(s, instance)], error, why);
    atomic_store_explicit(&instance->last_error, error, memory_order_relaxed);
    atomic_store_explicit(&instance->last_error_ns, now_ns, memory_order_relaxed);
    eject_failed(s, instance, now_ns, weir__backend_error_text(error, why));
}

/* Quick refusals tell nothing of how long answers take. */
static void follow_limit(const struct weir__backend_use *use, int err, int status, int64_t now_ns)
{
    struct weir__backend_shared *s = use->backend->member.shared;
    struct weir__auto_limit *limit = &s->common->auto_limit;
    const int in_use = weir__backend_sum(s->common, &s->common->counts.in_use);

    if (err == -WEIR_EDEADLINE || err == -WEIR_EIDLE || status == 503)
        weir__auto_limit_dropped(limit, &s->settings.auto_limit, in_use, now_ns);
    else if (err == 0 && (status < 500 || status == 501) && status != 429)
        weir__auto_limit_answered(limit, &s->settings.auto_limit,
                                  (int64_t)(weir__backend_time(now_ns) - use->began) << 10, in_use, now_ns);
}

static void count(struct weir__backend_use *use, int err, int status, const char *why)
{
    struct weir__backend_shared *s = use->backend->member.shared;
    enum meaning meaning = meaning_of(err, status);
    int64_t now_ns;

    if (meaning == SAYS_NOTHING)
        return;
    if (meaning == GOOD && s->settings.breaker.failed_percent == 0) {
        eject_answered(use->instance);
        return;
    }
    now_ns = weir__loop_now_ns(use->backend->member.loop);
    if (meaning == FAILED)
        count_failure(s, use->instance, err < 0 ? err : status, err < 0 ? why : NULL, now_ns);
    else
        eject_answered(use->instance);
    if (s->settings.breaker.failed_percent > 0)
        count_breaker(s, use->is_probe && !use->is_counted, meaning == FAILED, now_ns);
    use->is_counted = true;
}

static __attribute__((noinline)) void count_and_follow(struct weir__backend_use *use, int err, int status,
                                                       const char *why)
{
    if (use->backend->member.shared->settings.auto_limit.max > 0)
        follow_limit(use, err, status, weir__loop_now_ns(use->backend->member.loop));
    count(use, err, status, why);
}

void weir__backend_ended(struct weir__backend_use *use, int err, int status, const char *why)
{
    if (use->instance == NULL)
        return;
    if (use->began == 0)
        count(use, err, status, why);
    else
        count_and_follow(use, err, status, why);
}

void weir__backend_broke(struct weir__backend_use *use, int err, const char *why)
{
    if (use->backend != NULL && use->instance != NULL)
        count(use, err, 0, why);
}

/* --- pushback --- */

void weir__backend_note_pushback(const struct weir__backend_use *use, const weir_reply *reply)
{
    weir_backend *b = use->backend;
    const char *value;
    weir_duration period;

    if (b == NULL || !b->has_attempts || (reply->status != 429 && reply->status != 503))
        return;
    value = weir_reply_header(reply, "retry-after");
    if (value == NULL || weir_retry_after_parse(value, weir__clock_wall_ns() / 1000000000, &period) < 0)
        return;
    weir__attempts_pushback(weir__backend_attempts(b), period.ns, weir__loop_now_ns(b->member.loop));
}

/* --- health --- */

void weir__backend_checked(struct weir__backend_shared *s, struct weir__instance *instance,
                           const struct weir__backend_check_end *end, int64_t now_ns)
{
    const bool good = end->err == 0 && weir__health_is_good(end->status);
    const int error = good ? 0 : end->err < 0 ? end->err : end->status;
    uint32_t was = atomic_load_explicit(&instance->health, memory_order_relaxed),
             is = weir__health_checked(was, &s->settings.health, good);
    char address[WEIR__INSTANCE_ADDRESS_BYTES];

    if (is_shortage(end->err))
        return;
    weir__backend_word(&s->check_words[weir__backend_number(s, instance)], error, end->why);
    atomic_store_explicit(&instance->last_check, error, memory_order_relaxed);
    atomic_store_explicit(&instance->health, is, memory_order_relaxed);
    if (weir__health_is_down(was) == weir__health_is_down(is))
        return;
    copy_address(s, instance, address);
    if (weir__health_is_down(is))
        weir_log(WEIR_LOG_WARN, "an instance is down", WEIR_KV("backend", s->settings.options.name),
                 WEIR_KV("instance", address), WEIR_KV_INT("checks", s->settings.health.failed),
                 WEIR_KV("error", weir__backend_error_text(error, end->why)));
    else
        weir_log(
            WEIR_LOG_INFO, "an instance is up again", WEIR_KV("backend", s->settings.options.name),
            WEIR_KV("instance", address),
            WEIR_KV_DURATION("after", (weir_duration){now_ns - atomic_load_explicit(&instance->since_ns,
                                                                                    memory_order_relaxed)}));
    atomic_store_explicit(&instance->since_ns, now_ns, memory_order_relaxed);
}
