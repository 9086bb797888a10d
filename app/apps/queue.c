/* SPDX-License-Identifier: MIT */
#include "apps/queue.h"

#include <errno.h>
#include <string.h>

#include <weir/charge.h>
#include <weir/scope.h>
#include <weir/sync.h>
#include <weir/task.h>

/* A request that waits: on the stack of its task. */
struct app_waiter {
    struct app_waiter *next, *before;
    weir_event event; /* it has a place, or has become the first */
    weir_instant since;
    struct app_place place;
};

/* --- the queue --- */

static weir_shared *shared_of(const struct app_queue *queue)
{
    return queue->here->gate->shared;
}

static void publish(struct app_queue *queue)
{
    app_here_publish(queue->here, queue->loop, queue->first != NULL ? queue->first->since.ns : 0);
}

static void enter(struct app_queue *queue, struct app_waiter *w)
{
    w->before = queue->last;
    *(queue->last != NULL ? &queue->last->next : &queue->first) = w;
    queue->last = w;
    if (queue->first == w)
        publish(queue);
}

static void leave(struct app_queue *queue, struct app_waiter *w)
{
    const bool was_first = queue->first == w;

    *(w->before != NULL ? &w->before->next : &queue->first) = w->next;
    *(w->next != NULL ? &w->next->before : &queue->last) = w->before;
    weir_shared_count_add(shared_of(queue), &queue->here->block->waiting, -1);
    if (!was_first)
        return;
    publish(queue);
    if (queue->first != NULL)
        weir_event_set(&queue->first->event); /* it looks for a place itself from now on */
}

/* --- places --- */

static bool take_but(struct app_queue *queue, uint32_t except, weir_instant now, struct app_place *out)
{
    struct app_here *here = queue->here;
    struct app_choice choice;

    if (!app_choose_and_take(shared_of(queue), here->block, here->avoided, except, now, &choice))
        return false;
    *out = (struct app_place){.taken = true, .entry = choice.entry, .serial = choice.serial, .since = now};
    atomic_fetch_add(&here->block->processes[choice.entry].requests, 1);
    return true;
}

static bool take_now(struct app_queue *queue, weir_instant now, struct app_place *out)
{
    return take_but(queue, 0, now, out);
}

static struct app_choice look_but(struct app_queue *queue, uint32_t except, weir_instant now)
{
    return app_choose(shared_of(queue), queue->here->block, queue->here->avoided, except, now);
}

static struct app_choice look(struct app_queue *queue, weir_instant now)
{
    return look_but(queue, 0, now);
}

static bool is_awaited(struct app_queue *queue)
{
    return weir_shared_count_sum(shared_of(queue), &queue->here->block->waiting) > 0;
}

/* Gives free places to the requests that wait longest: here, or elsewhere by telling them. */
static void hand_on(struct app_queue *queue)
{
    struct app_longest longest;

    for (;;) {
        const weir_instant now = weir_now();
        struct app_waiter *w = queue->first;

        if (!app_here_longest(queue->here, now, &longest))
            return;
        if (longest.loop != queue->loop) {
            if (look(queue, now).entry >= 0)
                app_here_wake(queue->here, &longest);
            return;
        }
        if (w == NULL || !take_now(queue, now, &w->place))
            return;
        leave(queue, w);
        weir_event_set(&w->event);
    }
}

/* Another loop, or another gateway process, says that a place is free. */
int app_queue_look(void *arg)
{
    struct app_slot *slot = arg;

    atomic_store(&slot->woken, false);
    if (slot->queue != NULL)
        hand_on(slot->queue);
    return 0;
}

void app_place_falls_behind(struct app_queue *queue, struct app_place *place, bool behind)
{
    if (!place->taken || place->behind == behind)
        return;
    place->behind = behind;
    weir_shared_count_add(shared_of(queue), &queue->here->block->behind[place->entry], behind ? 1 : -1);
}

static void give_back(struct app_queue *queue, struct app_place *place)
{
    app_place_falls_behind(queue, place, false);
    place->taken = false;
    weir_shared_count_add(shared_of(queue), &queue->here->block->in_flight[place->entry], -1);
    hand_on(queue);
}

bool app_place_try(struct app_queue *queue, uint32_t first_serial, struct app_place *out)
{
    const weir_instant now = weir_now();
    const uint32_t except = look_but(queue, first_serial, now).ready > 0 ? first_serial : 0;

    *out = (struct app_place){.taken = false};
    return !is_awaited(queue) && take_but(queue, except, now, out);
}

void app_place_reuse(struct app_queue *queue, struct app_place *place, struct app_place *out)
{
    *out = *place;
    out->since = weir_now();
    place->taken = false;
    atomic_fetch_add(&queue->here->block->processes[out->entry].requests, 1);
}

void app_place_undo(struct app_queue *queue, struct app_place *place)
{
    atomic_fetch_sub(&queue->here->block->processes[place->entry].requests, 1);
    give_back(queue, place);
}

void app_place_give(struct app_queue *queue, struct app_place *place, enum app_outcome outcome)
{
    struct app_block *block = queue->here->block;
    const weir_instant now = weir_now();
    const weir_duration took = weir_between(place->since, now);

    if (!place->taken)
        return;
    atomic_store(&block->processes[place->entry].ended_ns, now.ns);
    if (outcome == APP_FAILED) {
        atomic_fetch_add(&block->processes[place->entry].failures, 1);
        atomic_fetch_add(&queue->slot->counts.failed, 1);
    }
    if (outcome == APP_SERVED)
        atomic_store(&block->service_ns, app_service_follow(atomic_load(&block->service_ns), took.ns));
    if (outcome != APP_UNMEASURED)
        weir_meter_record(&queue->slot->counts.served, took);
    give_back(queue, place);
}

/* For the supervisor that is a failure, too: a process that takes no connection any more answers no request.
 */
void app_place_refused(struct app_queue *queue, struct app_place *place)
{
    if (!place->taken)
        return;
    atomic_fetch_add(&queue->here->block->processes[place->entry].failures, 1);
    app_avoid(&queue->here->avoided[place->entry], place->serial, weir_now());
    give_back(queue, place);
}

const char *app_place_address(const struct app_queue *queue, const struct app_place *place,
                              char out[WEIR_ADDRESS_BYTES])
{
    const size_t prefix = sizeof "unix:" - 1;

    memcpy(out, "unix:", prefix);
    return app_socket_path(out + prefix, queue->here->gate->folder, queue->here->app->name, place->serial) !=
                   NULL
               ? out
               : NULL;
}

/* --- waiting --- */

static bool is_broken(struct app_queue *queue, const struct app_choice *seen)
{
    return seen->ready == 0 && atomic_load(&queue->here->block->broken) != 0;
}

/* Decides whether a request may wait; if so it is counted among those that do. */
static enum app_refusal admit(struct app_queue *queue, weir_instant now, weir_instant until)
{
    struct app_here *here = queue->here;
    const struct app_choice seen = look(queue, now);
    const struct app_load load = app_here_load(here, seen.ready);
    const weir_duration wait = weir_between(now, until), left = weir_between(now, weir_deadline());
    enum app_refusal refusal;

    if (is_broken(queue, &seen))
        return APP_BROKEN;
    refusal = app_admit(&load, here->app->queue, wait, left);
    if (refusal == APP_ADMITTED &&
        !weir_shared_count_try(shared_of(queue), &here->block->waiting, here->app->queue))
        refusal = APP_FULL;
    return refusal;
}

/* Sleeps until there is news, or it is time to look again. Returns: 0; 1 it is time; < 0. */
static int sleep_until_news(struct app_queue *queue, struct app_waiter *w, weir_instant until)
{
    const weir_instant again = weir_after_ms(APP_LOOK_AGAIN_MS);
    weir_scope time;
    int err;

    weir_scope_open(&time, queue->first == w && again.ns < until.ns ? again : until, 0);
    err = weir_event_wait(&w->event);
    (void)weir_scope_close(&time);
    weir_event_reset(&w->event);
    return err == -WEIR_EDEADLINE && weir_scope_expired(&time) ? 1 : err;
}

/* What the first of a queue does itself. late: whatever the order, since a wake may have been lost.
 * Returns: APP_ADMITTED: it waits on, or has a place. */
static enum app_refusal look_itself(struct app_queue *queue, struct app_waiter *w, bool late,
                                    weir_instant until)
{
    const weir_instant now = weir_now();
    struct app_choice seen;

    if (!late)
        hand_on(queue);
    else if (take_now(queue, now, &w->place))
        leave(queue, w);
    if (w->place.taken)
        return APP_ADMITTED;
    seen = look(queue, now);
    if (is_broken(queue, &seen))
        return APP_BROKEN;
    return now.ns < until.ns ? APP_ADMITTED : seen.ready > 0 ? APP_WAITED : APP_UNREADY;
}

static enum app_refusal give_up(struct app_queue *queue, weir_instant until)
{
    const weir_instant now = weir_now();

    return now.ns < until.ns ? APP_ADMITTED : look(queue, now).ready > 0 ? APP_WAITED : APP_UNREADY;
}

/* Waits in the queue. Returns: 0 it has a place; -WEIR_EBUSY; < 0. */
static int wait_for_place(struct app_queue *queue, struct app_waiter *w, weir_instant until,
                          enum app_refusal *why)
{
    int news = 0;

    for (;;) {
        if (!w->place.taken)
            *why = queue->first == w ? look_itself(queue, w, news > 0, until) : give_up(queue, until);
        if (w->place.taken)
            return 0;
        if (*why != APP_ADMITTED)
            return -WEIR_EBUSY;
        news = sleep_until_news(queue, w, until);
        if (news < 0)
            return news;
    }
}

static int wait_in_queue(struct app_queue *queue, weir_instant now, weir_instant until, struct app_place *out,
                         enum app_refusal *why)
{
    struct app_waiter w = {.since = now};
    weir_charge_wait charge;
    int err;

    weir_event_init(&w.event);
    atomic_fetch_add(&queue->here->block->waited, 1);
    enter(queue, &w);
    weir_charge_begin(&charge, queue->waits_for);
    err = wait_for_place(queue, &w, until, why);
    weir_charge_end(&charge);
    if (!w.place.taken)
        leave(queue, &w);
    else if (err < 0)
        give_back(queue, &w.place);
    else
        weir_meter_record(&queue->slot->counts.waited, weir_between(now, weir_now()));
    *out = w.place;
    return err;
}

int app_place_take(struct app_queue *queue, weir_instant until, struct app_place *out, enum app_refusal *why)
{
    const weir_instant now = weir_now();
    int err = -WEIR_EBUSY;

    *out = (struct app_place){.taken = false};
    *why = APP_ADMITTED;
    if (!is_awaited(queue) && take_now(queue, now, out))
        return 0;
    *why = admit(queue, now, until);
    if (*why == APP_ADMITTED)
        err = wait_in_queue(queue, now, until, out, why);
    if (err == -WEIR_EBUSY)
        atomic_fetch_add(&queue->slot->counts.refused[*why], 1);
    return err;
}

weir_duration app_queue_retry_after(struct app_queue *queue)
{
    const struct app_load load = app_here_load(queue->here, look(queue, weir_now()).ready);

    return app_retry_after(&load);
}
