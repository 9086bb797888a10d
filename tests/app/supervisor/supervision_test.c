/* SPDX-License-Identifier: MIT */
/* The supervisor under simulation, with processes that start late, crash at any point, hang, ignore signals,
 * never get ready, and talk nonsense. Whatever they do: a generation never has more processes than it should,
 * an old one is not drained before the new one is ready, each reload has an outcome, and everything ends
 * after SIGTERM. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/handed.h"
#include "supervisor/reload.h"
#include "supervisor/state.h"
#include "supervisor/supervisor.h"
#include "support/run.h"

enum { GENERATIONS = 512, DRAIN_S = 4, RELOADS = 12 };

/* What a simulated gateway process does. */
enum manner {
    GOOD,
    LATE,
    CRASHES_AT_START,
    CRASHES_LATER,
    EXITS_AT_START,
    SAYS_FAULT,
    NEVER_READY,
    HANGS,         /* and ignores SIGTERM */
    HANGS_AT_LAST, /* is ready, and then ignores SIGTERM */
    NONSENSE,
    MANNERS
};

struct world {
    char file[32];
    int processes;
    unsigned manners; /* a bit for each that occurs; GOOD always does */
    struct supervisor *supervisor;
    int ready[GENERATIONS]; /* that have been, by generation */
    bool was_in_force[GENERATIONS];
    unsigned outcomes, refused, crashed;
    bool asked; /* SIGTERM was sent */
    weir_instant asked_at, last_end;
    int living;
};

/* --- invariants --- */

static void look(struct world *w)
{
    const struct processes *all;

    if (w->supervisor == NULL)
        return;
    all = &w->supervisor->processes;
    for (const struct generation *g = all->newest; g != NULL; g = g->next) {
        int alive = 0;
        for (size_t i = 0; i < g->started; i++) {
            const struct gateway_process *p = &g->processes[i];
            alive += p->state == PROCESS_STARTING || p->state == PROCESS_READY;
            assert_null(strstr(p->last_end, "SIGUSR1")); /* one that starts does not get it */
            if (p->state == PROCESS_STARTING)            /* not for ever */
                assert_true(weir_between(p->since, weir_now()).ns <=
                            weir_seconds(PROCESS_READY_WITHIN_S + 1).ns);
        }
        assert_true(alive <= w->processes);
        assert_true(g->number < GENERATIONS);
    }
    if (all->in_force != NULL && !w->was_in_force[all->in_force->number]) {
        w->was_in_force[all->in_force->number] = true;
        assert_true(w->ready[all->in_force->number] >= w->processes);
    }
    if (all->in_force != NULL)
        assert_false(all->in_force->leaves);
    assert_true(all->ending || processes_draining(all) <= GENERATIONS_DRAINING_MAX);
}

/* A process that was ready is told to drain: then all of a newer generation have been ready, or it was given
 * up, or all drain. */
static void may_drain(struct world *w, unsigned generation)
{
    const struct processes *all = &w->supervisor->processes;

    look(w);
    if (!w->was_in_force[generation] || all->ending)
        return;
    assert_non_null(all->in_force);
    assert_true(all->in_force->number > generation);
}

/* --- a simulated gateway process --- */

static weir_duration up_to_ms(int64_t ms)
{
    return (weir_duration){(int64_t)weir_random_below((uint64_t)ms * 1000000 + 1)};
}

static enum manner draw(const struct world *w)
{
    enum manner manner = (enum manner)weir_random_below(MANNERS * 2);

    return manner < MANNERS && (w->manners & (1u << manner)) != 0 ? manner : GOOD;
}

/* Serves until it is asked to end, and drains. */
static int serve_until_asked(struct world *w, weir_simulated_process *self, unsigned generation)
{
    weir_scope scope;
    int number;

    do {
        number = weir_simulated_process_signal(self);
        look(w);
    } while (number == SIGUSR1);
    if (number != SIGTERM)
        return 0; /* it was killed */
    may_drain(w, generation);
    weir_scope_open(&scope, weir_after(up_to_ms(DRAIN_S * 1000)), 0);
    do
        number = weir_simulated_process_signal(self);
    while (number == SIGUSR1);                   /* to open its log again */
    assert_true(number < 0 || number == SIGINT); /* which ends it at once */
    (void)weir_scope_close(&scope);
    return 0;
}

static int say_ready(struct world *w, weir_simulated_process *self, unsigned generation)
{
    int err = weir_simulated_process_print(self, false, "ready");

    if (err == 0)
        w->ready[generation]++;
    return err;
}

static int hang(weir_simulated_process *self)
{
    weir_simulated_process_ignore(self, SIGTERM);
    (void)!weir_sleep(weir_seconds(1000000));
    return 0;
}

static int behave(struct world *w, weir_simulated_process *self, unsigned generation)
{
    const enum manner manner = draw(w);

    if (manner == HANGS)
        return hang(self);
    if (weir_sleep(up_to_ms(manner == LATE ? 50000 : 300)) < 0)
        return 0;
    if (manner == CRASHES_AT_START) {
        w->crashed++;
        return -SIGSEGV;
    }
    if (manner == EXITS_AT_START)
        return 3;
    if (manner == SAYS_FAULT) {
        (void)!weir_simulated_process_print(self, false, "fault x.yaml:1:1: it has one");
        return 1;
    }
    if (manner == NEVER_READY)
        return weir_sleep(weir_seconds(1000000)) < 0 ? 0 : 1;
    if (manner == NONSENSE && weir_simulated_process_print(self, false, "\x01\x02 gibberish") < 0)
        return 0;
    if (say_ready(w, self, generation) < 0)
        return 0;
    if (manner == HANGS_AT_LAST || manner == CRASHES_LATER)
        weir_simulated_process_ignore(self, SIGUSR1);
    if (manner == HANGS_AT_LAST)
        return hang(self);
    if (manner == CRASHES_LATER) {
        w->crashed++;
        return weir_sleep(up_to_ms(20000)) < 0 ? 0 : -SIGABRT;
    }
    return serve_until_asked(w, self, generation);
}

static int simulate(void *arg, weir_simulated_process *self)
{
    const char *const *argv = weir_simulated_process_options(self)->argv;
    struct world *w = arg;
    struct handed handed;
    int argc = 0, result;

    while (argv[argc] != NULL)
        argc++;
    assert_int_equal(handed_read(argc - 2, (char **)(uintptr_t)(argv + 2), &handed), 0);
    assert_string_equal(handed.file, w->file);
    assert_true(handed.member > 0 && handed.number <= w->processes);
    look(w);
    w->living++;
    result = behave(w, self, handed.generation);
    w->living--;
    w->last_end = weir_now();
    return result;
}

/* --- what happens to it --- */

static int reload_one(void *arg)
{
    struct world *w = arg;
    struct text_out said;
    int err;

    text_out_init(&said, 64 << 10);
    err = reload_now(w->supervisor, &said);
    assert_true(err == 0 || err == -WEIR_ECONFIG || err == -WEIR_ECLOSED);
    assert_true(said.text.len > 0);
    w->outcomes++;
    w->refused += err == -WEIR_ECONFIG;
    weir_buffer_free(&said.text);
    look(w);
    return 0;
}

/* Signals the supervisor, unless it has ended because its first configuration is faulty. */
static void send(const struct world *w, int number)
{
    if (w->supervisor->heeding != NULL)
        assert_int_equal(raise(number), 0);
}

static int live(void *arg, struct supervisor *supervisor)
{
    struct world *w = arg;
    weir_scope reloads;

    w->supervisor = supervisor;
    weir_scope_open(&reloads, weir_never(), 0);
    for (int i = 0; i < RELOADS; i++) {
        assert_int_equal(weir_sleep(up_to_ms(weir_random_below(3) == 0 ? 60000 : 400)), 0);
        look(w);
        if (weir_random_below(4) == 0)
            send(w, SIGHUP);
        else if (weir_random_below(5) == 0)
            send(w, SIGUSR1);
        assert_int_equal(weir_spawn(&reloads, "caller", reload_one, w), 0);
    }
    if (weir_random_below(2) == 0)
        assert_int_equal(weir_sleep(up_to_ms(120000)), 0);
    w->asked = true;
    w->asked_at = weir_now();
    send(w, SIGTERM);
    if (weir_random_below(3) == 0) {
        assert_int_equal(weir_sleep(up_to_ms(1000)), 0);
        send(w, SIGINT);
    }
    assert_int_equal(weir_scope_close(&reloads), 0); /* each has an outcome */
    return 0;
}

static void write_file(struct world *w, const char *more)
{
    FILE *file;
    int fd;

    strcpy(w->file, "/tmp/weir-test-XXXXXX");
    fd = mkstemp(w->file);
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    assert_non_null(file);
    (void)fprintf(file,
                  "listen: 127.0.0.1:0\nprocesses: %d\ndrain: %ds\n%s"
                  "routes: [{path: /a, respond: {body: a}}]\n",
                  w->processes, DRAIN_S, more);
    assert_int_equal(fclose(file), 0);
}

static void run_world(struct world *w, uint64_t seed)
{
    const struct supervisor_options options = {
        .file = w->file, .simulate = simulate, .beside = live, .arg = w, .seed = seed};
    int code;

    write_file(w, "log_level: error\n");
    code = supervisor_run(&options);
    assert_int_equal(unlink(w->file), 0);
    assert_int_equal(w->living, 0);
    assert_int_equal(w->outcomes, RELOADS);
    if (code != EXIT_SUCCESS)
        return; /* the first generation had a fault */
    assert_true(w->asked);
    if (w->last_end.ns > w->asked_at.ns)
        assert_true(weir_between(w->asked_at, w->last_end).ns <=
                    weir_seconds(DRAIN_S).ns + weir_ms(PROCESS_DRAIN_MARGIN_MS + 1000).ns);
}

static void whatever_processes_do(void **state)
{
    unsigned refused = 0, crashed = 0, outcomes = 0;

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(60); seed++) {
        struct world w = {.processes = 1 + (int)(seed % 3), .manners = (unsigned)(seed * 2654435761u)};
        print_message("# seed %llu\n", (unsigned long long)seed);
        run_world(&w, seed);
        refused += w.refused;
        crashed += w.crashed;
        outcomes += w.outcomes;
    }
    if (!seed_is_alone())
        assert_true(refused > 0 && refused < outcomes && crashed > 0);
}

/* --- what stays behind --- */

enum { ROUNDS = 100, LONG_ROUNDS = 1000, GROWTH_BYTES = 4096 };

struct long_life {
    struct world world;
    int rounds, crashes;
    size_t settled, last; /* bytes of the heap that are used */
};

static size_t heap_in_use(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 0; /* they have a heap of their own */
#else
    return mallinfo2().uordblks;
#endif
}

/* Is ready, and crashes when it is told to by SIGUSR1. */
static int crash_when_told(void *arg, weir_simulated_process *self)
{
    struct long_life *life = arg;

    if (weir_simulated_process_print(self, false, "ready") < 0)
        return 0;
    if (weir_simulated_process_signal(self) != SIGUSR1)
        return 0;
    life->crashes++;
    return -SIGKILL;
}

static int live_long(void *arg, struct supervisor *supervisor)
{
    struct long_life *life = arg;
    struct text_out said;

    for (int i = 0; i < life->rounds; i++) {
        assert_int_equal(raise(SIGUSR1), 0);
        assert_int_equal(weir_sleep(weir_seconds(70)), 0); /* a quiet minute */
        text_out_init(&said, 64 << 10);
        assert_int_equal(reload_now(supervisor, &said), 0);
        weir_buffer_free(&said.text);
        assert_int_equal(weir_sleep(weir_seconds(10)), 0);
        if (i == life->rounds / 2) /* tables have their size by then */
            life->settled = heap_in_use();
    }
    life->last = heap_in_use();
    assert_int_equal(raise(SIGTERM), 0);
    return 0;
}

static void nothing_stays_behind(void **state)
{
    const bool soaking = getenv("WEIR_SEED_FROM") != NULL;
    struct long_life life = {.world = {.processes = 2}, .rounds = soaking ? LONG_ROUNDS : ROUNDS};
    const struct supervisor_options options = {.file = life.world.file,
                                               .simulate = crash_when_told,
                                               .beside = live_long,
                                               .arg = &life,
                                               .seed = seed_first()};

    (void)state;
    write_file(&life.world, "log_level: error\nstall: {after: 1m}\n");
    assert_int_equal(supervisor_run(&options), EXIT_SUCCESS);
    assert_int_equal(unlink(life.world.file), 0);
    assert_true(life.crashes >= life.rounds);
    assert_true(life.last <= life.settled + GROWTH_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_processes_do),
        cmocka_unit_test(nothing_stays_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
