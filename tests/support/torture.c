/* SPDX-License-Identifier: MIT */
#include "support/torture.h"

#include <dirent.h>
#include <string.h>

#include "base/sanitizer.h"
#include "core/loop.h"
#include "core/runtime.h"
#include "core/scope.h"
#include "core/task.h"
#include "io/sim/sim.h"
#include "support/left.h"
#include "support/memory.h"

enum { WAITS_MAX = 20000 };

/* Under TSan, where a run takes many times as long, the first waits are struck, and one of a few behind them:
 * other ones in each way. What is wrong after a cancel shows in the other builds at every wait. */
#ifdef WITH_TSAN
enum { WAITS_STEP = 4, WAITS_WITHOUT_STEP = 16 };
#else
enum { WAITS_STEP = 1, WAITS_WITHOUT_STEP = 1 };
#endif

/* A cancel that is delivered a turn later; stored in the world's task, which outlives it. */
struct torture_strike {
    struct weir__message message;
    weir_scope scope;
    bool open, posted, delivered;
};

static const char *way_name(enum torture_way way)
{
    return way == TORTURE_BEGIN ? "as it began" : way == TORTURE_PARKED ? "as it parked" : "a turn later";
}

#define FAIL(t, ...)                                                                                         \
    do {                                                                                                     \
        print_error("torture on %s, wait %llu struck %s: ", (t)->in_memory ? "memory" : io_name((t)->io),    \
                    (unsigned long long)(t)->strike_at, way_name((t)->way));                                 \
        fail_msg(__VA_ARGS__);                                                                               \
    } while (0)

/* --- striking --- */

static bool is_within(const struct weir__scope *s, const struct weir__scope *outer)
{
    while (s != NULL && s != outer)
        s = s->parent;
    return s != NULL;
}

static void strike(struct torture *t)
{
    if (!t->strike->open)
        return;
    t->disturbed = true;
    weir_scope_cancel(&t->strike->scope);
}

static void deliver(struct weir__message *message)
{
    struct torture *t = weir__loop_current()->on_wait_arg;

    t->strike->delivered = true;
    strike(t);
    (void)message;
}

static void on_wait(struct weir__task *task, bool parked)
{
    struct torture *t = task->loop->on_wait_arg;

    if (!t->strike->open || !is_within(task->scope, weir__scope_of(&t->strike->scope)))
        return;
    /* A wait that parks is cancelled there or later; each begin and each park is counted. */
    if (parked != (t->way != TORTURE_BEGIN) || ++t->waits != t->strike_at)
        return;
    if (t->way != TORTURE_LATER) {
        strike(t);
        return;
    }
    t->strike->posted = true;
    t->strike->message.deliver = deliver;
    weir__loop_post(task->loop, &t->strike->message);
}

int torture_victim(struct torture *t, int (*fn)(void *arg), void *arg)
{
    struct torture_strike *s = t->strike;

    assert_false(t->victim_ran);
    t->victim_ran = true;
    weir_scope_open(&s->scope, weir_never(), WEIR_COLLECT);
    s->open = true;
    t->victim_result = fn(arg);
    (void)weir_scope_close(&s->scope);
    s->open = false;
    return t->victim_result;
}

/* --- one run --- */

static int count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

/* Checks that the loop has only the world's own task left when the world has returned. */
static void check_nothing_left(struct torture *t)
{
    struct weir__loop *loop = weir__loop_current();
    size_t stacks = loop->stacks.count - loop->stacks.idle_count;

    if (stacks != 1)
        FAIL(t, "%zu tasks are left", stacks - 1);
    if (!only_first_task_is_left(loop))
        FAIL(t, "a task or a scope is left");
    if (loop->wheel.count != 0)
        FAIL(t, "%zu timers are left", loop->wheel.count);
    if (t->io == WEIR_IO_SIM) {
        struct weir__sim_stats stats = weir__sim_stats(loop->io);
        if (stats.open_files != 0 || stats.pending_ops != 0 || stats.lent != 0)
            FAIL(t, "%u files, %u operations and %u lent buffers are left", stats.open_files,
                 stats.pending_ops, stats.lent);
    }
}

static void check_result(struct torture *t)
{
    int result = t->victim_result;
    bool fine = result >= 0 || (t->disturbed && (result == -WEIR_ECANCELED || result == t->also_fine));

    if (!t->victim_ran)
        FAIL(t, "the world did not run its victim");
    if (!fine)
        FAIL(t, "the victim returned %d, %s", result, weir_error_text(result));
}

static int run_world(void *arg)
{
    struct torture *t = arg;
    struct torture_strike s = {0};
    struct weir__loop *loop = weir__loop_current();

    t->strike = &s;
    loop->on_wait_arg = t;
    loop->on_wait = on_wait;
    (void)t->world(t);
    while (s.posted && !s.delivered) /* the cancel is on our stack */
        (void)weir_yield();
    loop->on_wait = NULL;
    check_result(t);
    check_nothing_left(t);
    return 0;
}

/* Returns: true if the wait to be cancelled was reached. */
static bool run_once(struct torture *t)
{
    weir_options options = {.io = t->io, .seed = 1 + t->strike_at};
    int descriptors = count_descriptors();
    int result;

    t->also_fine = 0;
    t->disturbed = t->victim_ran = false;
    t->waits = 0;
    result = t->in_memory ? memory_run(&options, run_world, t) : weir_run(&options, run_world, t);
    if (result != 0)
        FAIL(t, "the run returned %d, %s", result, weir_error_text(result));
    if (count_descriptors() != descriptors)
        FAIL(t, "%d descriptors more than before", count_descriptors() - descriptors);
    return t->strike_at != 0 && t->waits >= t->strike_at;
}

/* --- all runs --- */

void torture_only(int (*world)(struct torture *t), void *arg, enum weir_io io, uint64_t at,
                  enum torture_way way)
{
    struct torture t = {.arg = arg, .world = world, .io = io, .strike_at = at, .way = way};

    (void)run_once(&t);
}

static uint64_t next_wait(uint64_t last, enum torture_way way)
{
    if (last < WAITS_WITHOUT_STEP)
        return last + 1;
    return last == WAITS_WITHOUT_STEP ? last + 1 + way % WAITS_STEP : last + WAITS_STEP;
}

/* Returns: how many waits there were to be struck, in all ways. */
static int torture_on(struct torture on)
{
    struct torture undisturbed = on;
    int waits = 1;

    (void)run_once(&undisturbed);
    for (enum torture_way way = TORTURE_BEGIN; way < TORTURE_WAYS; way++) {
        struct torture t = on;
        t.way = way;
        for (t.strike_at = 1; run_once(&t); t.strike_at = next_wait(t.strike_at, way))
            if (t.strike_at > WAITS_MAX)
                FAIL(&t, "it has no end: torture something shorter");
        waits += (int)t.strike_at;
    }
    return waits;
}

int torture(int (*world)(struct torture *t), void *arg)
{
    static const enum weir_io all[] = {WEIR_IO_SIM, WEIR_IO_URING, WEIR_IO_EPOLL};
    int waits = 0;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (io_is_here(all[i]))
            waits += torture_on((struct torture){.arg = arg, .world = world, .io = all[i]});
    return waits;
}

int torture_all_transports(int (*world)(struct torture *t), void *arg)
{
    return torture(world, arg) +
           torture_on((struct torture){.arg = arg, .world = world, .io = WEIR_IO_SIM, .in_memory = true});
}
