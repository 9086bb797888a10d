/* SPDX-License-Identifier: MIT */
/* The tables of places and sums. */
#include "watch/stall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *weir_stall_type_name(enum weir_stall_type kind)
{
    static const char *const texts[WEIR_STALL_TYPES] = {"computing", "blocked", "starved", "throttled"};

    return (unsigned)kind < WEIR_STALL_TYPES ? texts[kind] : "?";
}

void weir__stalls_init(struct weir__stalls *s)
{
    memset(s, 0, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
}

void weir__stalls_free(struct weir__stalls *s)
{
    for (size_t i = 0; i < WEIR__STALLS_KEPT; i++)
        free(s->places[i]);
    free(s->totals);
    pthread_mutex_destroy(&s->lock);
}

const weir_stall *weir__stall_show(struct weir__stall *stall)
{
    stall->shown.task = stall->task;
    stall->shown.route = stall->has_route ? stall->route : NULL;
    stall->shown.task_path = stall->scope;
    stall->shown.hint = stall->has_hint ? stall->hint : NULL;
    stall->shown.stack = stall->frames;
    return &stall->shown;
}

/* --- sums --- */

static bool is_of(const struct weir__stall_total *t, const struct weir__stall *seen)
{
    return t->kind == seen->shown.type && t->has_route == seen->has_route &&
           (!t->has_route || strcmp(t->route, seen->route) == 0);
}

/* The sum for a stall. When the table is full, further routes are summed up as "other". NULL: no memory. */
static struct weir__stall_total *total_of(struct weir__stalls *s, const struct weir__stall *seen)
{
    struct weir__stall_total *t;

    if (s->totals == NULL)
        s->totals = calloc(WEIR__STALL_TOTALS_MAX + WEIR_STALL_TYPES, sizeof *s->totals);
    if (s->totals == NULL)
        return NULL;
    for (size_t i = 0; i < s->total_count; i++)
        if (is_of(&s->totals[i], seen))
            return &s->totals[i];
    if (s->total_count == WEIR__STALL_TOTALS_MAX) {
        t = &s->totals[WEIR__STALL_TOTALS_MAX + seen->shown.type];
        memcpy(t->route, "other", sizeof "other");
        t->has_route = true;
    } else {
        t = &s->totals[s->total_count++];
        memcpy(t->route, seen->route, sizeof t->route);
        t->has_route = seen->has_route;
    }
    t->kind = seen->shown.type;
    return t;
}

int weir__stalls_total(struct weir__stalls *s, int (*fn)(void *arg, const weir_stall_total *total), void *arg)
{
    size_t all = WEIR__STALL_TOTALS_MAX + WEIR_STALL_TYPES;
    struct weir__stall_total *copy = malloc(all * sizeof *copy);
    int result = 0;

    if (copy == NULL)
        return -ENOMEM;
    pthread_mutex_lock(&s->lock);
    if (s->totals != NULL)
        memcpy(copy, s->totals, all * sizeof *copy);
    else
        all = 0;
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < all && result == 0; i++) {
        const weir_stall_total shown = {.type = copy[i].kind,
                                        .route = copy[i].has_route ? copy[i].route : NULL,
                                        .count = copy[i].count,
                                        .held = {copy[i].held_ns}};
        if (copy[i].count > 0)
            result = fn(arg, &shown);
    }
    free(copy);
    return result;
}

/* --- places --- */

/* The index of a place; WEIR__STALLS_KEPT: it is not there. */
static size_t find(const struct weir__stalls *s, uint64_t key)
{
    size_t at = 0;

    while (at < WEIR__STALLS_KEPT && (s->places[at] == NULL || s->places[at]->key != key))
        at++;
    return at;
}

/* The place of this key, moved to the front. A new place is all zero, and replaces the last if the table is
 * full. NULL: no memory. */
static struct weir__stall *to_front(struct weir__stalls *s, uint64_t key)
{
    size_t at = find(s, key);
    struct weir__stall *place;

    if (at == WEIR__STALLS_KEPT) {
        for (at = 0; at < WEIR__STALLS_KEPT - 1 && s->places[at] != NULL; at++)
            ;
        place = s->places[at] != NULL ? s->places[at] : malloc(sizeof *place);
        if (place == NULL)
            return NULL;
        memset(place, 0, sizeof *place);
    } else {
        place = s->places[at];
    }
    memmove(s->places + 1, s->places, at * sizeof s->places[0]);
    s->places[0] = place;
    return place;
}

static void take_over(struct weir__stall *seen, const struct weir__stall *before)
{
    seen->shown.count = before->shown.count + 1;
    if (before->shown.count > 0)
        seen->shown.first_ns = before->shown.first_ns;
    if (before->shown.held_max.ns > seen->shown.held_max.ns)
        seen->shown.held_max = before->shown.held_max;
    seen->logged_count = before->logged_count;
    seen->log_again_ns = before->log_again_ns;
    seen->log_interval_ns = before->log_interval_ns;
}

int weir__stalls_add(struct weir__stalls *s, struct weir__stall *seen)
{
    struct weir__stall_total *total;
    struct weir__stall *place;

    pthread_mutex_lock(&s->lock);
    total = total_of(s, seen);
    if (total != NULL)
        total->count++;
    place = to_front(s, seen->key);
    if (place != NULL) {
        take_over(seen, place);
        *place = *seen;
    }
    pthread_mutex_unlock(&s->lock);
    return place != NULL ? 0 : -ENOMEM;
}

void weir__stalls_lasts(struct weir__stalls *s, uint64_t key, int64_t held_ns, bool ongoing)
{
    size_t at;

    pthread_mutex_lock(&s->lock);
    at = find(s, key);
    if (at < WEIR__STALLS_KEPT) {
        struct weir__stall *place = s->places[at];
        struct weir__stall_total *total = ongoing ? NULL : total_of(s, place);
        place->shown.ongoing = ongoing;
        place->shown.held.ns = held_ns;
        if (place->shown.held_max.ns < held_ns)
            place->shown.held_max.ns = held_ns;
        if (total != NULL)
            total->held_ns += held_ns;
    }
    pthread_mutex_unlock(&s->lock);
}

bool weir__stalls_take_for_log(struct weir__stalls *s, uint64_t key, int64_t now_ns, int64_t interval_ns,
                               int64_t most_ns, struct weir__stall *out)
{
    bool due = false;
    size_t at;

    pthread_mutex_lock(&s->lock);
    at = find(s, key);
    if (at < WEIR__STALLS_KEPT) {
        struct weir__stall *place = s->places[at];
        due = place->shown.count > place->logged_count && now_ns >= place->log_again_ns;
        if (due) {
            bool anew = place->logged_count == 0 || now_ns - place->log_again_ns > most_ns;
            place->log_interval_ns = anew ? interval_ns : 2 * place->log_interval_ns;
            if (place->log_interval_ns > most_ns)
                place->log_interval_ns = most_ns;
            place->log_again_ns = now_ns + place->log_interval_ns;
            place->logged_count = place->shown.count;
            *out = *place;
        }
    }
    pthread_mutex_unlock(&s->lock);
    return due;
}

int weir__stalls_each(struct weir__stalls *s, int (*fn)(void *arg, const weir_stall *stall), void *arg)
{
    struct weir__stall *copy;
    size_t count = 0;
    int result = 0;

    pthread_mutex_lock(&s->lock);
    while (count < WEIR__STALLS_KEPT && s->places[count] != NULL)
        count++;
    copy = malloc((count > 0 ? count : 1) * sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++)
        copy[i] = *s->places[i];
    pthread_mutex_unlock(&s->lock);
    if (copy == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count && result == 0; i++)
        result = fn(arg, weir__stall_show(&copy[i]));
    free(copy);
    return result;
}
