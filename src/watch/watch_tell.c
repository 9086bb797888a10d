/* SPDX-License-Identifier: MIT */
/* Reports a stall to the table of places, the hook and the log. */
#include <stdlib.h>

#include "base/clock.h"
#include "watch/stall_report.h"
#include "watch/watch_inside.h"

enum { LINES_IN_WINDOW = 20 };
/* The log line says how long the stall was, so it is written at its end, but no later than this. */
static const int64_t log_after_ns = 100000000;
static const int64_t window_ns = 10000000000, interval_ns = 1000000000, interval_most_ns = 600000000000;

/* --- the log --- */

/* Whether there is room for a line in the present window. */
static bool may_log(struct weir__watch *w, int64_t wall_ns)
{
    bool may;

    pthread_mutex_lock(&w->log_lock);
    if (wall_ns - w->log_window_ns > window_ns || wall_ns < w->log_window_ns) {
        w->log_window_ns = wall_ns;
        w->logged = 0;
    }
    may = w->logged < LINES_IN_WINDOW;
    pthread_mutex_unlock(&w->log_lock);
    return may;
}

static void count_line(struct weir__watch *w)
{
    pthread_mutex_lock(&w->log_lock);
    w->logged++;
    pthread_mutex_unlock(&w->log_lock);
}

static void log_now(struct weir__watch *w, struct weir__watched *x)
{
    int64_t wall_ns = weir__clock_wall_ns();
    struct weir__stall stall;

    if (!may_log(w, wall_ns) || !weir__stalls_take_for_log(w->runtime->stalls, x->key, wall_ns, interval_ns,
                                                           interval_most_ns, &stall))
        return;
    x->log_due = false;
    count_line(w);
    weir__stall_report(&w->runtime->logger, &stall);
}

/* --- a new stall --- */

static void report(struct weir__watch *w, struct weir__watched *x, struct weir__stall *s)
{
    const weir_options *o = &w->runtime->options;

    (void)weir__stalls_add(w->runtime->stalls, s);
    x->reported = true;
    x->key = s->key;
    x->held_ns = s->shown.held.ns;
    x->log_due = true;
    if (o->on_stall != NULL)
        o->on_stall(o->on_stall_arg, weir__stall_show(s));
    if (o->stall_then == WEIR_STALL_ABORT && s->shown.type <= WEIR_STALL_BLOCKED) {
        weir__stall_report(&w->runtime->logger, s);
        abort();
    }
}

void weir__watch_tell(struct weir__watch *w, struct weir__watched *x, enum weir_stall_type kind,
                      const struct weir__thread_probe *probe)
{
    struct weir__stall *s = calloc(1, sizeof *s);

    if (s != NULL && weir__watch_describe(w, x, kind, probe, s))
        report(w, x, s);
    free(s);
}

/* --- one that has been reported --- */

void weir__watch_goes_on(struct weir__watch *w, struct weir__watched *x, int64_t held_ns)
{
    x->held_ns = held_ns;
    weir__stalls_lasts(w->runtime->stalls, x->key, held_ns, true);
    if (x->log_due && held_ns >= w->after_ns + log_after_ns)
        log_now(w, x);
}

/* How long the stall was in the end: by the loop's own record if there is one, else at the latest look. */
static int64_t held_in_the_end(const struct weir__watch *w, const struct weir__watched *x)
{
    struct weir__slices slices;
    const struct weir__slice *slice;

    if (!x->exact || !weir__peek(&w->peek, &x->loop->slices, &slices, sizeof slices))
        return x->held_ns;
    for (unsigned i = 0; (slice = weir__slice_latest(&slices, i)) != NULL; i++)
        if (slice->began == x->began_ticks && slice->ended > slice->began && !slice->several)
            return weir__clock_ticks_ns(slice->ended - slice->began);
    return x->held_ns;
}

void weir__watch_ended(struct weir__watch *w, struct weir__watched *x)
{
    x->reported = false;
    weir__stalls_lasts(w->runtime->stalls, x->key, held_in_the_end(w, x), false);
    if (x->log_due)
        log_now(w, x);
}
