/* SPDX-License-Identifier: MIT */
#include "names/resolver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/address.h>

#include "core/runtime.h"
#include "core/wait_queue.h"
#include "names/lookup.h"

enum {
    TTL_LEAST_S = 1,
    TTL_MOST_S = 3600,
    NEGATIVE_TTL_S = 5,   /* without a SOA */
    HALF_TTL_MOST_S = 30, /* of addresses, while the other family cannot be learnt */
    STALE_S = 3600,
    FAILURE_KEPT_S = 1,
    ASK_AGAIN_S = 5,
    RENEW_PART = 5, /* a name is asked for again in the last fifth of its time */
    LOOK_AFTER_S = 1,
    LOOK_FIRST_AFTER_S = 5, /* files that were looked at so long ago are looked at before they are used */
};

static const int64_t s_ns = 1000000000;

/* --- the settings --- */

/* The files have been looked at: on the loop. */
static void take_news(struct weir__message *message)
{
    struct weir__resolver *r = weir__container_of(message, struct weir__resolver, looked);

    r->is_looking = false;
    if (r->news != NULL) {
        weir__settings_drop(r->settings);
        r->settings = r->news;
        r->looked_ns = weir__loop_now_ns(r->loop);
        r->look_at_ns = r->looked_ns + LOOK_AFTER_S * s_ns;
    }
    r->news = NULL;
    while (weir__queue_serve(&r->look_waiters, NULL, NULL, 0, false) != NULL)
        ;
}

/* The same, on the thread that has looked. */
static void files_looked_at(struct weir__settings_asker *asker, struct weir__name_settings *settings)
{
    struct weir__resolver *r = weir__container_of(asker, struct weir__resolver, asker);

    r->news = settings;
    weir__loop_post(r->loop, &r->looked);
}

int weir__resolver_look(struct weir__resolver *r)
{
    int64_t now_ns = r->loop->now_ns;
    bool is_usable = r->settings != NULL && now_ns - r->looked_ns < LOOK_FIRST_AFTER_S * s_ns;
    int err = 0;

    if (r->names->is_simulated)
        return 0;
    if (!r->is_looking && now_ns >= r->look_at_ns) {
        err = weir__settings_ask(r->names, &r->asker);
        r->is_looking = err == 0;
    }
    return is_usable ? 0 : err < 0 ? err : 1;
}

/* --- the resolver --- */

static int open_resolver(struct weir__loop *loop, struct weir__resolver **out)
{
    struct weir__resolver *r = calloc(1, sizeof *r);

    if (r == NULL)
        return -ENOMEM;
    r->loop = loop;
    r->names = loop->runtime->names;
    r->source = r->names->source;
    r->look_at_ns = r->names->is_simulated ? INT64_MAX : INT64_MIN;
    if (r->names->is_simulated)
        r->settings = weir__settings_simulated(r->names);
    if ((r->names->is_simulated && r->settings == NULL) ||
        weir__name_table_init(&r->table, (size_t)r->names->options.cache_names) < 0) {
        weir__settings_drop(r->settings);
        free(r);
        return -ENOMEM;
    }
    weir__lookups_init(r);
    weir__list_init(&r->look_waiters);
    r->asker.looked = files_looked_at;
    r->looked.deliver = take_news;
    loop->resolver = *out = r;
    return 0;
}

int weir__resolver_here(struct weir__resolver **out)
{
    struct weir__loop *loop = weir__loop_current();

    *out = loop->resolver;
    return *out != NULL ? 0 : open_resolver(loop, out);
}

static void cancel_all(struct weir__list *lookups)
{
    while (!weir__list_is_empty(lookups))
        weir__lookup_cancel(weir__container_of(lookups->next, struct weir__lookup, node));
}

void weir__resolver_end(struct weir__loop *loop)
{
    struct weir__resolver *r = loop->resolver;

    if (r == NULL)
        return;
    cancel_all(&r->queued);
    cancel_all(&r->in_flight);
    weir__timeout_cancel(loop, &r->starter);
    r->source->end(r);
}

void weir__resolver_free(struct weir__resolver *r)
{
    if (r == NULL)
        return;
    weir__settings_drop(r->news);
    weir__settings_drop(r->settings);
    weir__name_table_free(&r->table);
    free(r);
}

/* --- names that no server is asked for --- */

static bool ends_in(weir_bytes name, const char *end)
{
    size_t len = strlen(end), before = name.len - len;

    return name.len >= len && memcmp(name.data + before, end, len) == 0 &&
           (before == 0 || name.data[before - 1] == '.');
}

static int set_local(struct weir__name *n, const struct weir__ip *ips, size_t count)
{
    struct weir__ip six[WEIR_RESOLVED_MAX], four[WEIR_RESOLVED_MAX];
    size_t six_count = 0, four_count = 0;

    for (size_t i = 0; i < count; i++)
        if (ips[i].family == WEIR__IPV6)
            six[six_count++] = ips[i];
        else
            four[four_count++] = ips[i];
    return weir__name_set_ips(n, six, six_count, four, four_count);
}

/* Finds a name in the hosts file, or by what it is called. Returns: 1: found, with addresses or without; 0; <
 * 0. */
__attribute__((noinline)) static int find_local(struct weir__resolver *r, struct weir__name *n)
{
    struct weir__ip ips[WEIR_RESOLVED_MAX];
    weir_bytes name = weir_host_without_dot((weir_bytes){n->name, n->len});
    int count = weir__hosts_look_up(&r->settings->hosts, name.data, name.len, ips, WEIR_RESOLVED_MAX), err;
    const char *why = NULL;

    if (count == 0 && ends_in(name, "localhost")) {
        ips[count++] = weir__ip_loopback(WEIR__IPV6);
        ips[count++] = weir__ip_loopback(WEIR__IPV4);
    } else if (count == 0 && ends_in(name, "invalid")) {
        why = "no such name";
    } else if (count == 0) {
        return 0;
    }
    err = set_local(n, ips, (size_t)count);
    if (err < 0)
        return err;
    n->why = why;
    n->is_local = true;
    n->is_gone = count == 0;
    n->is_partial = n->failed = false;
    n->good_until_ns = n->renew_ns = n->stale_until_ns = INT64_MAX;
    n->generation = r->settings->generation;
    if (n->lookup != NULL)
        weir__lookup_cancel(n->lookup);
    weir__name_serve(n, true);
    return 1;
}

/* --- what is known --- */

/* The settings have changed since a name was found: what DNS said remains as an old answer. */
static int find_anew(struct weir__resolver *r, struct weir__name *n)
{
    int found = find_local(r, n);

    if (found != 0)
        return found;
    if (n->is_local || n->why != NULL) {
        weir__name_clear_ips(n);
        n->why = NULL;
        n->is_local = false;
        n->stale_until_ns = 0;
    }
    if (!n->is_partial) {
        n->good_until_ns = n->renew_ns = 0;
        n->ask_again_ns = 0;
        n->failed = false;
    }
    n->generation = r->settings->generation;
    return 0;
}

static enum weir__known known(struct weir__name *n, struct weir__found *out, bool is_pending, bool is_stale)
{
    *out = (struct weir__found){n, is_pending, is_stale};
    return n->count > 0 ? WEIR__KNOWN : WEIR__KNOWN_NONE;
}

static enum weir__known examine_old(struct weir__resolver *r, struct weir__name *n, int64_t now_ns,
                                    struct weir__found *out, int *err)
{
    bool has_old = n->count > 0 && now_ns < n->stale_until_ns;

    if (has_old && n->lookup != NULL && n->lookup->is_stale_now)
        return known(n, out, false, true);
    if (n->lookup == NULL && (!has_old || now_ns >= n->ask_again_ns)) {
        *err = weir__lookup_begin(r, n, has_old && n->failed);
        if (*err < 0 && !has_old)
            return WEIR__KNOWN_NEVER;
    }
    return has_old && n->failed ? known(n, out, false, true) : WEIR__KNOWN_LATER;
}

static void ask_ahead(struct weir__resolver *r, struct weir__name *n)
{
    int err = weir__lookup_begin(r, n, true);

    (void)err; /* without memory it is asked for when its time is over */
}

enum weir__known weir__name_examine(struct weir__resolver *r, struct weir__name *n, enum weir__want want,
                                    struct weir__found *out, int *err)
{
    int64_t now_ns = r->loop->now_ns;

    if (__builtin_expect(n->generation != r->settings->generation, 0)) {
        *err = find_anew(r, n);
        if (*err < 0)
            return WEIR__KNOWN_NEVER;
    }
    if (now_ns < n->good_until_ns) {
        if (__builtin_expect(now_ns >= n->renew_ns, 0) && n->lookup == NULL && now_ns >= n->ask_again_ns)
            ask_ahead(r, n);
        return known(n, out, false, false);
    }
    if (n->is_partial && n->lookup != NULL) {
        if (want == WEIR__WANT_FIRST && n->lookup->is_usable)
            return known(n, out, true, false);
        return WEIR__KNOWN_LATER;
    }
    return examine_old(r, n, now_ns, out, err);
}

/* --- results --- */

static int64_t clamped_ns(uint32_t ttl_s, uint32_t most_s)
{
    return (ttl_s < TTL_LEAST_S ? TTL_LEAST_S : ttl_s > most_s ? most_s : ttl_s) * s_ns;
}

static void keep(struct weir__resolver *r, struct weir__name *n, int64_t ttl_ns)
{
    n->good_until_ns = weir__loop_now_ns(r->loop) + ttl_ns;
    n->renew_ns = n->good_until_ns - ttl_ns / RENEW_PART;
    n->stale_until_ns = n->good_until_ns + STALE_S * s_ns;
    n->ask_again_ns = 0;
    n->failed = n->is_partial = n->is_local = n->is_gone = false;
}

static bool has_addresses(const struct weir__answer *a)
{
    return a != NULL && a->type == WEIR__ANSWER_ADDRESSES;
}

/* The time of addresses, when one family may be missing. */
static int64_t time_of(const struct weir__answer *four, const struct weir__answer *six)
{
    uint32_t ttl_s = UINT32_MAX;
    bool is_half =
        four == NULL || six == NULL || four->type == WEIR__ANSWER_FAILED || six->type == WEIR__ANSWER_FAILED;

    if (has_addresses(four))
        ttl_s = four->ttl_s;
    if (has_addresses(six) && six->ttl_s < ttl_s)
        ttl_s = six->ttl_s;
    return clamped_ns(ttl_s, is_half ? HALF_TTL_MOST_S : TTL_MOST_S);
}

void weir__name_take(struct weir__resolver *r, struct weir__name *n, const struct weir__answer *four,
                     const struct weir__answer *six, bool is_partial)
{
    int err =
        weir__name_set_ips(n, has_addresses(six) ? six->ips : NULL, has_addresses(six) ? six->count : 0,
                           has_addresses(four) ? four->ips : NULL, has_addresses(four) ? four->count : 0);

    n->why = NULL;
    if (err < 0) {
        weir__name_take_failure(r, n, weir_error_text(err));
        return;
    }
    if (is_partial) {
        n->good_until_ns = n->renew_ns = 0;
        n->is_partial = true;
        n->failed = false;
        return;
    }
    keep(r, n, time_of(four, six));
}

void weir__name_take_none(struct weir__resolver *r, struct weir__name *n, const char *why, bool has_ttl,
                          uint32_t ttl_s)
{
    weir__name_clear_ips(n);
    n->why = why;
    keep(r, n, has_ttl ? clamped_ns(ttl_s, TTL_MOST_S) : NEGATIVE_TTL_S * s_ns);
    n->is_gone = true;
}

void weir__name_take_failure(struct weir__resolver *r, struct weir__name *n, const char *why)
{
    int64_t now_ns = weir__loop_now_ns(r->loop);

    if (n->count > 0 && !n->is_partial) {
        n->failed = true;
        n->ask_again_ns = now_ns + ASK_AGAIN_S * s_ns;
        if (now_ns < n->stale_until_ns)
            return;
    }
    weir__name_clear_ips(n);
    n->why = why;
    keep(r, n, FAILURE_KEPT_S * s_ns);
}

void weir__name_serve(struct weir__name *n, bool all)
{
    weir__list_each_safe (node, &n->waiters) {
        struct weir__waiter *w = weir__container_of(node, struct weir__waiter, node);

        if (all || *(const enum weir__want *)w->item == WEIR__WANT_FIRST)
            weir__queue_serve_waiter(w, false);
    }
}
