/* SPDX-License-Identifier: MIT */
#include "net/slots.h"

void weir__slots_init(struct weir__slots *s, int max, int loops, const struct weir__slots_common *common)
{
    s->common = common != NULL ? *common : (struct weir__slots_common){0};
    s->max = max;
    s->loops = loops;
    s->member_count = 0;
    atomic_init(&s->keep, 0);
    atomic_init(&s->free, max);
    atomic_init(&s->waiting, 0);
    atomic_init(&s->lock.word, 0);
    weir__list_init(&s->queue);
    weir__list_init(&s->members);
}

static void count_members(struct weir__slots *s, int more)
{
    s->member_count += more;
    atomic_store(&s->keep, s->max / (2 * (s->member_count > s->loops ? s->member_count : s->loops)));
}

void weir__slots_join(struct weir__slots *s, struct weir__slots_member *m,
                      const struct weir__slots_hooks *hooks)
{
    m->slots = s;
    m->hooks = hooks;
    m->queued = m->granted = 0;
    m->asked = m->notified = false;
    atomic_init(&m->held, 0);
    weir__list_init(&m->waiters);
    weir__lock_enter(&s->lock);
    weir__list_push_back(&s->members, &m->node);
    count_members(s, 1);
    weir__lock_leave(&s->lock);
}

bool weir__slots_leave(struct weir__slots_member *m)
{
    struct weir__slots *s = m->slots;
    bool left;

    weir__lock_enter(&s->lock);
    left = !m->notified;
    if (left) {
        weir__list_remove(&m->node);
        count_members(s, -1);
    }
    weir__lock_leave(&s->lock);
    return left;
}

/* --- taking --- */

static bool take_common(struct weir__slots_member *m)
{
    atomic_fetch_add(&m->held, 1); /* first: see the header */
    if (weir__slots_common_take(&m->slots->common, m->slots->max))
        return true;
    atomic_fetch_sub(&m->held, 1);
    return false;
}

static bool take_free(struct weir__slots_member *m)
{
    int n = atomic_load(&m->slots->free);

    if (m->slots->common.shared != NULL)
        return take_common(m);
    if (n <= 0)
        return false;
    atomic_fetch_add(&m->held, 1); /* first: see the header */
    while (n > 0)
        if (atomic_compare_exchange_weak(&m->slots->free, &n, n - 1))
            return true;
    atomic_fetch_sub(&m->held, 1);
    return false;
}

bool weir__slots_try(struct weir__slots_member *m)
{
    return !weir__slots_are_awaited(m) && take_free(m);
}

/* --- other processes --- */

static int count_waiting(const struct weir__slots *s)
{
    return atomic_load((atomic_int *)(uintptr_t)&s->waiting) & ~WEIR__SLOTS_OTHERS;
}

bool weir__slots_others_want(const struct weir__slots *s)
{
    return count_waiting(s) > 0 ||
           weir__slots_common_others(&s->common) > weir__slots_common_free(&s->common, s->max);
}

/* Whether a slot is to be left to another process, when so many are free without it. Under the lock. */
static bool yields(const struct weir__slots *s, int free)
{
    return s->common.shared != NULL && weir__slots_common_yields(&s->common, free);
}

static int count_free(const struct weir__slots *s)
{
    return s->common.shared != NULL ? weir__slots_common_free(&s->common, s->max) : 0;
}

/* Under the lock. */
static void put_back(struct weir__slots *s)
{
    if (s->common.shared != NULL)
        weir__slots_common_give(&s->common);
    else
        atomic_fetch_add(&s->free, 1);
}

/* --- under the lock --- */

static void notify(struct weir__slots_member *m)
{
    if (!m->notified) {
        m->notified = true;
        m->hooks->notify(m);
    }
}

/* Asks all members but one for idle connections. */
static void ask_to_spare(struct weir__slots *s, const struct weir__slots_member *but)
{
    weir__list_each (node, &s->members) {
        struct weir__slots_member *m = weir__container_of(node, struct weir__slots_member, node);
        if (m == but || atomic_load(&m->held) <= weir__slots_keep(s))
            continue;
        m->asked = true;
        notify(m);
    }
}

/* The same, of other processes, too. */
static void ask(const struct weir__slots_member *m)
{
    ask_to_spare(m->slots, m);
    if (m->slots->common.shared != NULL)
        weir__slots_common_ask(&m->slots->common);
}

/* Counts a waiter that comes into the queue, or leaves it. */
static void count_queued(struct weir__slots *s, int more)
{
    atomic_fetch_add(&s->waiting, more);
    if (s->common.shared != NULL)
        weir__slots_common_queue(&s->common, more);
}

static struct weir__slots_waiter *first_of_queue(struct weir__slots *s)
{
    return weir__list_is_empty(&s->queue)
               ? NULL
               : weir__container_of(s->queue.next, struct weir__slots_waiter, queued);
}

static void leave_queue(struct weir__slots_waiter *w)
{
    if (weir__list_is_empty(&w->queued))
        return;
    weir__list_remove(&w->queued);
    w->member->queued--;
    count_queued(w->member->slots, -1);
}

/* The first waiter of a member that is in the queue. */
static struct weir__slots_waiter *first_queued(struct weir__slots_member *m)
{
    weir__list_each (node, &m->waiters) {
        struct weir__slots_waiter *w = weir__container_of(node, struct weir__slots_waiter, node);
        if (!weir__list_is_empty(&w->queued))
            return w;
    }
    return NULL;
}

/* How many slots a member may have while all are wanted: as many as any other that has or wants some. */
static int fair_share(const struct weir__slots_member *m)
{
    const int keep = weir__slots_keep(m->slots);
    int active = 0, share;

    weir__list_each (node, &m->slots->members) {
        struct weir__slots_member *each = weir__container_of(node, struct weir__slots_member, node);
        active += each->queued > 0 || atomic_load(&each->held) > 0;
    }
    share = m->slots->max / active;
    return share > keep ? share : keep;
}

/* --- queueing --- */

bool weir__slots_queue(struct weir__slots_member *m, struct weir__slots_waiter *w)
{
    struct weir__slots *s = m->slots;
    bool taken = false;

    w->member = m;
    w->given = NULL;
    weir__list_init(&w->node);
    weir__list_init(&w->queued);
    weir__lock_enter(&s->lock);
    count_queued(s, 1);
    if (weir__list_is_empty(&s->queue) && !yields(s, count_free(s) - 1))
        taken = take_free(m);
    if (taken) {
        count_queued(s, -1);
    } else {
        weir__list_push_back(&s->queue, &w->queued);
        m->queued++;
        if (count_waiting(s) == 1)
            ask(m);
    }
    weir__lock_leave(&s->lock);
    if (!taken)
        weir__list_push_back(&m->waiters, &w->node);
    return taken;
}

void weir__slots_unqueue(struct weir__slots_waiter *w)
{
    weir__lock_enter(&w->member->slots->lock);
    leave_queue(w);
    weir__lock_leave(&w->member->slots->lock);
    weir__list_remove(&w->node);
}

/* Serves the waiter of a member that came first. If a slot is on its way to that one, it will serve the
 * waiter that has left the queue instead. */
static void grant_first(struct weir__slots_member *m, void *connection)
{
    struct weir__slots_waiter *w = weir__container_of(m->waiters.next, struct weir__slots_waiter, node);

    weir__list_remove(&w->node);
    w->given = connection;
    m->hooks->grant(w);
}

/* --- giving --- */

void weir__slots_give(struct weir__slots_member *m)
{
    struct weir__slots *s = m->slots;
    struct weir__slots_waiter *w;
    bool own = false;

    weir__lock_enter(&s->lock);
    atomic_fetch_sub(&m->held, 1);
    w = yields(s, count_free(s)) ? NULL : first_of_queue(s);
    if (w == NULL) {
        put_back(s);
    } else {
        own = w->member == m;
        leave_queue(w);
        atomic_fetch_add(&w->member->held, 1);
        if (!own) {
            w->member->granted++;
            notify(w->member);
        }
    }
    weir__lock_leave(&s->lock);
    if (own)
        grant_first(m, NULL);
}

/* Whether a slot that is passed on by a member is due to another: one that the member may keep is not. Under
 * the lock. */
static bool is_due_elsewhere(const struct weir__slots_member *m, const struct weir__slots_waiter *w)
{
    struct weir__slots *s = m->slots;
    const int held = atomic_load((atomic_int *)(uintptr_t)&m->held);

    return (w != first_of_queue(s) && held > fair_share(m)) ||
           (held > weir__slots_keep(s) && yields(s, count_free(s)));
}

bool weir__slots_pass(struct weir__slots_member *m, void *connection)
{
    struct weir__slots *s = m->slots;
    struct weir__slots_waiter *w;

    weir__lock_enter(&s->lock);
    w = first_queued(m);
    if (w != NULL && is_due_elsewhere(m, w))
        w = NULL;
    if (w != NULL)
        leave_queue(w);
    weir__lock_leave(&s->lock);
    if (w != NULL)
        grant_first(m, connection);
    return w != NULL;
}

void weir__slots_heed(struct weir__slots_member *m)
{
    struct weir__slots *s = m->slots;
    struct weir__list ready;
    int granted, left = 0;
    bool asked;

    weir__list_init(&ready);
    weir__lock_enter(&s->lock);
    m->notified = false;
    granted = m->granted;
    m->granted = 0;
    asked = m->asked;
    m->asked = false;
    for (; granted > 0; granted--) {
        struct weir__slots_waiter *w;
        if (weir__list_is_empty(&m->waiters)) { /* it waits no longer */
            left++;
            continue;
        }
        w = weir__container_of(m->waiters.next, struct weir__slots_waiter, node);
        leave_queue(w);
        weir__list_remove(&w->node);
        weir__list_push_back(&ready, &w->node);
    }
    weir__lock_leave(&s->lock);
    while (!weir__list_is_empty(&ready)) {
        struct weir__slots_waiter *w =
            weir__container_of(weir__list_pop_front(&ready), struct weir__slots_waiter, node);
        m->hooks->grant(w); /* w->given is NULL */
    }
    for (; left > 0; left--)
        weir__slots_give(m);
    if (asked)
        m->hooks->spare(m);
}

/* Has the members of waiters take what is free, but for what is left to others. Under the lock. */
static void grant_free(struct weir__slots *s)
{
    struct weir__slots_waiter *w = first_of_queue(s);

    while (w != NULL && !yields(s, count_free(s) - 1) && take_free(w->member)) {
        leave_queue(w);
        w->member->granted++;
        notify(w->member);
        w = first_of_queue(s);
    }
}

void weir__slots_look(struct weir__slots *s, int64_t now_ns)
{
    int others;

    weir__lock_enter(&s->lock);
    weir__slots_common_look(&s->common, now_ns);
    others = weir__slots_common_others(&s->common);
    atomic_store(&s->waiting, count_waiting(s) + (others > 0 ? WEIR__SLOTS_OTHERS : 0));
    grant_free(s);
    if (others > 0 && count_free(s) > 0)
        weir__slots_common_ring_all(&s->common);
    if (count_waiting(s) + others > count_free(s))
        ask_to_spare(s, NULL); /* again and again: what a member may keep sinks as others begin */
    weir__lock_leave(&s->lock);
}
