/* SPDX-License-Identifier: MIT */
/* Random programs of tasks and scopes under simulation, one for each seed, checked against the contracts of
 * the core. */
#include <errno.h>
#include <stdlib.h>

#include "core/loop.h"
#include "core/scope.h"
#include "core/task.h"
#include "io/sim/sim.h"
#include "support/left.h"
#include "support/run.h"

#ifdef __SANITIZE_THREAD__
enum { SEEDS = 160 }; /* a runtime takes 25 ms there */
#else
enum { SEEDS = 1000 };
#endif
enum { DEPTH = 4, PERMITS = 2 };

struct program {
    uint64_t seed;
    weir_semaphore semaphore;
    weir_mutex mutex;
    weir_event event;
    weir_channel *channel;
    int holders; /* of the semaphore */
    int owners;  /* of the mutex */
    uint64_t sent, received;
    uint64_t tasks, waits, cancels, deadlines;
    uint64_t hash;
};

/* The counts of the scope of a node's children. */
struct crew {
    struct program *p;
    int depth;
    int started, ended;
};

#define CHECK(p, truth)                                                                                      \
    do {                                                                                                     \
        if (!(truth))                                                                                        \
            fail_msg("seed %llu, %s:%d: %s", (unsigned long long)(p)->seed, __FILE__, __LINE__, #truth);     \
    } while (0)

static int node(void *arg);

static uint64_t draw(uint64_t n)
{
    return weir_random_below(n);
}

static bool chance(uint64_t percent)
{
    return draw(100) < percent;
}

/* Checks the result of each wait against the state of the scope, now and at the next wait. */
static int judged(struct program *p, int result)
{
    weir__sim_note(weir__loop_current()->io, (uint64_t)result);
    p->waits++;
    if (result == -WEIR_ECANCELED || result == -WEIR_EDEADLINE) {
        CHECK(p, weir_cancelled() == result);
        CHECK(p, weir_yield() == result);
        p->cancels += result == -WEIR_ECANCELED;
        p->deadlines += result == -WEIR_EDEADLINE;
    } else {
        CHECK(p, result >= 0 || result == -WEIR_ECLOSED);
    }
    return result;
}

static int do_sleep(struct program *p)
{
    weir_instant until = weir_after(weir_us((int64_t)draw(3000)));
    int err = judged(p, weir_sleep_until(until));

    CHECK(p, err < 0 || weir_now().ns >= until.ns);
    return err;
}

static int do_semaphore(struct program *p)
{
    int err = judged(p, weir_semaphore_acquire(&p->semaphore));

    if (err < 0)
        return err;
    CHECK(p, ++p->holders <= PERMITS);
    err = do_sleep(p);
    p->holders--;
    weir_semaphore_release(&p->semaphore);
    return err;
}

static int do_mutex(struct program *p)
{
    int err = judged(p, weir_mutex_lock(&p->mutex));

    if (err < 0)
        return err;
    CHECK(p, ++p->owners == 1);
    err = do_sleep(p);
    p->owners--;
    weir_mutex_unlock(&p->mutex);
    return err;
}

static int do_channel(struct program *p)
{
    uint64_t item = 1 + p->sent;
    int err;

    if (chance(50)) {
        err = judged(p, weir_channel_send(p->channel, &item));
        p->sent += err == 0;
    } else {
        err = judged(p, weir_channel_receive(p->channel, &item));
        p->received += err == 0;
    }
    return err;
}

static int do_event(struct program *p)
{
    switch (draw(3)) {
    case 0:
        weir_event_set(&p->event);
        return 0;
    case 1:
        weir_event_reset(&p->event);
        return 0;
    default:
        return judged(p, weir_event_wait(&p->event));
    }
}

static int do_select(struct program *p)
{
    uint64_t out = 7, in;
    weir_case cases[] = {weir_on_receive(p->channel, &in), weir_on_acquire(&p->semaphore),
                         weir_on_event(&p->event), weir_on_send(p->channel, &out)};
    int index = judged(p, weir_select(cases, 1 + draw(4), NULL));

    p->received += index == 0;
    p->sent += index == 3;
    if (index == 1)
        weir_semaphore_release(&p->semaphore);
    return index < 0 ? index : 0;
}

static int act(struct program *p)
{
    switch (draw(7)) {
    case 0:
        return judged(p, weir_yield());
    case 1:
        return do_semaphore(p);
    case 2:
        return do_mutex(p);
    case 3:
        return do_channel(p);
    case 4:
        return do_event(p);
    case 5:
        return do_select(p);
    default:
        return do_sleep(p);
    }
}

static void check_closed(struct program *p, const weir_scope *scope, const struct crew *crew, int result,
                         unsigned flags)
{
    int cause = weir_scope_cause(scope);

    CHECK(p, crew->started == crew->ended);
    CHECK(p, result <= 0);
    CHECK(p, cause == 0 || result < 0);
    CHECK(p, (flags & WEIR_COLLECT) == 0 || result == cause);
    CHECK(p, !weir_scope_expired(scope) || cause == -WEIR_EDEADLINE);
    CHECK(p, !weir_scope_expired(scope) || weir_now().ns >= weir_scope_deadline(scope).ns);
}

/* A scope with children, always with a deadline, so that nothing waits for ever. */
static int run_crew(struct program *p, int depth)
{
    struct crew crew = {.p = p, .depth = depth - 1};
    unsigned flags = (chance(40) ? WEIR_COLLECT : 0) | (chance(10) ? WEIR_SHIELD : 0);
    int64_t outer_ns = weir_deadline().ns;
    weir_scope scope;
    int children = depth == 0 ? 0 : (int)draw(4);
    int err = 0;

    weir_scope_open(&scope, weir_after(weir_us((int64_t)draw(20000) - 100)), flags);
    CHECK(p, (flags & WEIR_SHIELD) != 0 || weir_scope_deadline(&scope).ns <= outer_ns);
    for (int i = 0; i < children; i++)
        crew.started += weir_spawn(&scope, "node", node, &crew) == 0;
    for (uint64_t i = draw(4); i > 0 && err == 0; i--)
        err = act(p);
    if (chance(15))
        weir_scope_cancel(&scope);
    err = weir_scope_close(&scope);
    check_closed(p, &scope, &crew, err, flags);
    return weir_cancelled();
}

static int node(void *arg)
{
    struct crew *crew = arg;
    struct program *p = crew->p;
    int err = 0;

    p->tasks++;
    for (uint64_t i = 1 + draw(4); i > 0 && err == 0; i--)
        err = chance(30) ? run_crew(p, crew->depth) : act(p);
    if (err == 0 && chance(5))
        err = -EIO;
    crew->ended++;
    return err;
}

static void check_nothing_left(struct program *p)
{
    struct weir__loop *loop = weir__loop_current();
    uint64_t left = 0;
    uint64_t item;
    weir_case one = weir_on_receive(p->channel, &item);
    bool closed;

    CHECK(p, loop->stacks.count - loop->stacks.idle_count == 1);
    CHECK(p, loop->wheel.count == 0);
    CHECK(p, only_first_task_is_left(loop));
    CHECK(p, p->holders == 0 && p->semaphore.permits == PERMITS);
    CHECK(p, p->owners == 0 && p->mutex.owner == NULL);
    weir_channel_end(p->channel);
    while (weir_select(&one, 1, &closed) == 0 && !closed)
        left++;
    CHECK(p, p->sent == p->received + left);
}

static int first(void *arg)
{
    struct program *p = arg;

    weir_semaphore_init(&p->semaphore, PERMITS);
    weir_mutex_init(&p->mutex);
    weir_event_init(&p->event);
    assert_int_equal(weir_channel_open(sizeof(uint64_t), 1 + draw(3), &p->channel), 0);
    for (int i = 0; i < 5; i++)
        (void)run_crew(p, DEPTH);
    check_nothing_left(p);
    weir_channel_close(p->channel);
    p->hash = weir__sim_stats(weir__loop_current()->io).trace_hash;
    return 0;
}

static struct program run_seed(uint64_t seed)
{
    struct program p = {.seed = seed};

    run_simulated(seed, first, &p);
    return p;
}

static void random_programs_keep_the_promises(void **state)
{
    const uint64_t seeds = seed_count(SEEDS);
    struct program sum = {0};

    (void)state;

    for (uint64_t seed = seed_first(); seed <= seed_last(SEEDS); seed++) {
        struct program p = run_seed(seed);
        sum.tasks += p.tasks;
        sum.waits += p.waits;
        sum.cancels += p.cancels;
        sum.deadlines += p.deadlines;
    }
    if (seed_is_alone())
        return;
    /* Each of these happens often. */
    assert_true(sum.tasks > 5 * seeds && sum.waits > 20 * seeds);
    assert_true(sum.cancels > seeds && sum.deadlines > seeds);
}

static void a_seed_is_the_same_program_each_time(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++) {
        struct program a = run_seed(seed), b = run_seed(seed), other = run_seed(seed + 1000);
        assert_true(a.hash == b.hash && a.waits == b.waits);
        assert_true(a.hash != other.hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_programs_keep_the_promises),
        cmocka_unit_test(a_seed_is_the_same_program_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
