/* SPDX-License-Identifier: MIT */
#include "names/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    IN_FLIGHT_MAX = 64,   /* each has a socket, and what c-ares keeps: 75 KiB */
    FAMILY_DELAY_MS = 50, /* RFC 8305, 3 */
    FAMILY_GIVE_UP_MS = 1000,
    STALE_MS = 500,
};

static const int64_t ms_ns = 1000000;

static void ask_next(struct weir__lookup *l);

/* --- the end --- */

/* Takes a look-up out of everything and frees it. */
static void end(struct weir__lookup *l)
{
    struct weir__resolver *r = l->resolver;
    struct weir__loop *loop = r->loop;

    if (l->asked != NULL)
        r->source->stop(l);
    weir__timeout_cancel(loop, &l->whole);
    weir__timeout_cancel(loop, &l->other);
    weir__timeout_cancel(loop, &l->stale);
    weir__list_remove(&l->node);
    r->in_flight_count -= l->is_in_flight ? 1 : 0;
    l->name->lookup = NULL;
    free(l);
}

static void start(struct weir__lookup *l)
{
    struct weir__resolver *r = l->resolver;

    weir__list_push_back(&r->in_flight, &l->node);
    r->in_flight_count++;
    l->is_in_flight = true;
    ask_next(l);
}

/* Starts look-ups from the loop's own stack: c-ares needs much of it. */
static void start_queued(struct weir__timeout *starter)
{
    struct weir__resolver *r = weir__container_of(starter, struct weir__resolver, starter);
    struct weir__list *node;

    while (r->in_flight_count < IN_FLIGHT_MAX && (node = weir__list_pop_front(&r->queued)) != NULL)
        start(weir__container_of(node, struct weir__lookup, node));
}

static void start_soon(struct weir__resolver *r)
{
    if (weir__list_is_empty(&r->queued))
        weir__timeout_cancel(r->loop, &r->starter);
    else
        weir__timeout_set(r->loop, &r->starter, 0);
}

/* A result has been noted: all tasks that wait learn of it. */
static void finish(struct weir__lookup *l)
{
    struct weir__resolver *r = l->resolver;
    struct weir__name *n = l->name;

    end(l);
    weir__name_serve(n, true);
    start_soon(r);
}

void weir__lookup_cancel(struct weir__lookup *l)
{
    struct weir__resolver *r = l->resolver;

    end(l);
    start_soon(r);
}

void weir__lookups_init(struct weir__resolver *r)
{
    weir__list_init(&r->in_flight);
    weir__list_init(&r->queued);
    weir__timeout_init(&r->starter, start_queued);
}

static void finish_with_addresses(struct weir__lookup *l)
{
    const struct weir__answer *four = &l->answers[0], *six = &l->answers[1];

    weir__name_take(l->resolver, l->name, l->answered[0] ? four : NULL, l->answered[1] ? six : NULL, false);
    finish(l);
}

static void finish_without(struct weir__lookup *l)
{
    if (l->failure != NULL)
        weir__name_take_failure(l->resolver, l->name, l->failure);
    else
        weir__name_take_none(l->resolver, l->name, l->exists ? "the name has no address" : "no such name",
                             l->negative_has_ttl, l->negative_ttl_s);
    finish(l);
}

/* --- answers --- */

static bool has_addresses(const struct weir__lookup *l)
{
    return (l->answered[0] && l->answers[0].type == WEIR__ANSWER_ADDRESSES) ||
           (l->answered[1] && l->answers[1].type == WEIR__ANSWER_ADDRESSES);
}

static void note_negative(struct weir__lookup *l, const struct weir__answer *a)
{
    if (a->type == WEIR__ANSWER_FAILED) {
        l->failure = a->why;
        return;
    }
    l->exists |= a->type == WEIR__ANSWER_NO_ADDRESS;
    if (a->has_ttl && (!l->negative_has_ttl || a->ttl_s < l->negative_ttl_s))
        l->negative_ttl_s = a->ttl_s;
    l->negative_has_ttl |= a->has_ttl;
}

static void ask_next(struct weir__lookup *l)
{
    struct weir__resolver *r = l->resolver;
    char full[WEIR__NAME_BYTES];
    int err;

    l->answered[0] = l->answered[1] = false;
    if (weir__search_name(&r->settings->conf, l->name->name, l->name->len, l->candidate++, full) == 0) {
        finish_without(l);
        return;
    }
    err = r->source->ask(l, full);
    if (err < 0) {
        l->failure = weir_error_text(err);
        finish_without(l);
    }
}

/* One family has come, with addresses. IPv4 waits a moment for IPv6. */
static void take_first(struct weir__lookup *l, uint8_t family)
{
    int64_t delay_ms = family == WEIR__IPV6 ? FAMILY_GIVE_UP_MS : FAMILY_DELAY_MS;

    weir__name_take(l->resolver, l->name, l->answered[0] ? &l->answers[0] : NULL,
                    l->answered[1] ? &l->answers[1] : NULL, true);
    weir__timeout_cancel(l->resolver->loop, &l->stale);
    weir__timeout_set(l->resolver->loop, &l->other, weir__loop_now_ns(l->resolver->loop) + delay_ms * ms_ns);
    l->is_usable = family == WEIR__IPV6;
    if (l->is_usable)
        weir__name_serve(l->name, false);
}

bool weir__lookup_answered(struct weir__lookup *l, uint8_t family, const struct weir__answer *answer)
{
    int of = family == WEIR__IPV4 ? 0 : 1;

    l->answered[of] = true;
    l->answers[of] = *answer;
    if (!l->answered[0] || !l->answered[1]) {
        if (answer->type == WEIR__ANSWER_ADDRESSES)
            take_first(l, family);
        return true;
    }
    if (has_addresses(l)) {
        finish_with_addresses(l);
        return false;
    }
    note_negative(l, &l->answers[0]);
    note_negative(l, &l->answers[1]);
    l->resolver->source->stop(l);
    ask_next(l);
    return false;
}

/* --- times --- */

const char *weir__lookup_silence(const struct weir__resolver *r)
{
    const struct weir__resolv_conf *conf = &r->settings->conf;
    char server[WEIR__NAME_SERVER_BYTES], more[32] = "";

    if (conf->server_count > 1)
        (void)snprintf(more, sizeof more, " and %d more", conf->server_count - 1);
    return weir__names_words(r->names, "no answer from %s%s within %g s",
                             weir__name_server_format(&conf->servers[0], server), more,
                             (double)r->settings->whole_ns / 1e9);
}

static void whole_is_over(struct weir__timeout *t)
{
    struct weir__lookup *l = weir__container_of(t, struct weir__lookup, whole);

    if (has_addresses(l)) {
        finish_with_addresses(l);
        return;
    }
    l->failure = l->is_in_flight ? weir__lookup_silence(l->resolver) : "too many look-ups at once";
    finish_without(l);
}

static void other_is_late(struct weir__timeout *t)
{
    struct weir__lookup *l = weir__container_of(t, struct weir__lookup, other);

    if (l->is_usable) { /* it had its time */
        finish_with_addresses(l);
        return;
    }
    l->is_usable = true;
    weir__timeout_set(l->resolver->loop, &l->other,
                      weir__loop_now_ns(l->resolver->loop) + FAMILY_GIVE_UP_MS * ms_ns);
    weir__name_serve(l->name, false);
}

static void stale_is_due(struct weir__timeout *t)
{
    struct weir__lookup *l = weir__container_of(t, struct weir__lookup, stale);

    l->is_stale_now = true;
    l->is_ahead = true;
    weir__name_serve(l->name, true);
}

int weir__lookup_begin(struct weir__resolver *r, struct weir__name *n, bool ahead)
{
    struct weir__lookup *l = malloc(sizeof *l);
    int64_t now_ns = weir__loop_now_ns(r->loop);

    if (l == NULL)
        return -ENOMEM;
    memset(l, 0, offsetof(struct weir__lookup, answers));
    l->resolver = r;
    l->name = n;
    l->is_ahead = ahead;
    weir__timeout_init(&l->whole, whole_is_over);
    weir__timeout_init(&l->other, other_is_late);
    weir__timeout_init(&l->stale, stale_is_due);
    n->lookup = l;
    weir__timeout_set(r->loop, &l->whole, now_ns + r->settings->whole_ns);
    if (n->count > 0)
        weir__timeout_set(r->loop, &l->stale, now_ns + STALE_MS * ms_ns);
    weir__list_push_back(&r->queued, &l->node);
    start_soon(r);
    return 0;
}
