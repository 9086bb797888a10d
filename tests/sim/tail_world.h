/* SPDX-License-Identifier: MIT */
/* A simulated world of services with long tails, several instances of each, and pages that ask twelve of
 * them: as many each second as are due, whatever has become of those before. A test says how a page is asked.
 *
 * Threading: one loop, under simulation.
 */
#ifndef TEST_SIM_TAIL_WORLD_H
#define TEST_SIM_TAIL_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/sanitizer.h"
#include "core/loop.h"
#include "io/sim/sim.h"
#include "support/left.h"
#include "support/run.h"
#include "support/tail.h"

enum { INSTANCES_MAX = 3, FIRST_PORT = 7100, PORTS_EACH = 100, WARM_S = 15, MEASURED_MAX_S = 600 };

/* Sanitizers see memory, not figures: so few pages tell nothing of a percentile. That of threads has one
 * thread to look at here, and takes ten times as long: each task is a mapping of its own. */
#if defined(WITH_TSAN)
enum { PAGES_PER_SECOND = 8, FIGURES_COUNT = 0, TSAN_MEASURED_S = 10 };
#elif defined(WITH_ASAN)
enum { PAGES_PER_SECOND = 20, FIGURES_COUNT = 0 };
#else
enum { PAGES_PER_SECOND = 100, FIGURES_COUNT = 1 };
#endif

#define EXPECT(truth)                                                                                        \
    do {                                                                                                     \
        if (FIGURES_COUNT)                                                                                   \
            assert_true(truth);                                                                              \
    } while (0)

struct world;

struct instance {
    struct world *world;
    int service;
    char url[48];
    const char *address; /* in the URL */
    weir_event listening;
    weir_scope scope; /* of its server */
};

/* What a test says comes first. */
struct world {
    uint64_t seed;
    weir_hedge_options hedge;
    weir_retry_options retry;
    weir_backend_health health;
    int instances; /* of each service */
    int measured_s;
    weir_duration deadline; /* of a page */
    double slower;          /* after the warm-up */
    bool loses_one,
        stops_answering; /* the first instance of each, after the warm-up: refuses, or is silent */

    struct weir__random arrivals;
    struct instance all[TAIL_CALLS][INSTANCES_MAX];
    weir_instant measured_from;
    bool is_measured;
    /* Asks for a page: /item/NUMBER of each service. Returns: 0: all twelve calls were answered */
    int (*ask)(struct world *w, uint64_t number, void *arg);
    void *arg;
    uint64_t begun; /* pages */

    int64_t *took; /* of pages that were asked for since the warm-up */
    size_t pages;
    uint64_t first, second; /* attempts that came to services since then */
    int failed;             /* of those, that lacked a call */
    int failed_at[MEASURED_MAX_S];
};

static inline int item(weir_request *req, weir_response *res, void *state)
{
    const struct instance *i = weir_request_data(req);
    struct world *w = i->world;
    bool is_second = weir_request_header(req, "x-weir-attempt") != NULL;
    uint64_t page = strtoull(weir_request_param(req, "page"), NULL, 10);
    double ns =
        (double)tail_delay_ns(w->seed, page, i->service, is_second) * (w->is_measured ? w->slower : 1);
    int err;

    (void)state;
    w->first += w->is_measured && !is_second;
    w->second += w->is_measured && is_second;
    err = weir_sleep((weir_duration){(int64_t)ns});
    return err < 0 ? err : weir_respond_bytes(res, 200, "application/json", "{}", 2);
}

static inline int healthy(weir_request *req, weir_response *res, void *state)
{
    (void)req;
    (void)state;
    return weir_respond_text(res, 200, "ok");
}

static inline void instance_listens(void *arg, weir_server *server)
{
    struct instance *i = arg;

    (void)server;
    weir_event_set(&i->listening);
}

/* In a scope of its own, by which it can be ended alone. */
static inline int instance_run(void *arg)
{
    struct instance *i = arg;
    weir_server_options options = {
        .listen = i->address, .drain = {1}, .on_listening = instance_listens, .arg = i};
    weir_route routes[] = {{.path = "/item/{page}", .handler = item, .data = i},
                           {.path = "/healthz", .handler = healthy}};
    int err;

    weir_scope_open(&i->scope, weir_never(), 0);
    err = weir_server_run(&options, routes, 2);
    (void)weir_scope_close(&i->scope);
    return err;
}

static inline void instances_open(struct world *w, weir_scope *scope)
{
    for (int service = 0; service < TAIL_CALLS; service++)
        for (int number = 0; number < w->instances; number++) {
            struct instance *i = &w->all[service][number];
            *i = (struct instance){.world = w, .service = service};
            snprintf(i->url, sizeof i->url, "http://127.0.0.1:%d",
                     FIRST_PORT + number * PORTS_EACH + service);
            i->address = i->url + strlen("http://");
            weir_event_init(&i->listening);
            assert_int_equal(weir_spawn(scope, "instance", instance_run, i), 0);
            assert_int_equal(weir_event_wait(&i->listening), 0);
        }
}

/* Nothing passes to or from an instance any more, and no end learns of it. */
static inline void instance_silence(const struct instance *i)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    to.sin_port = htons((uint16_t)strtoul(strchr(i->address, ':') + 1, NULL, 10));
    weir__sim_partition(weir__loop_current()->io, (struct sockaddr *)&to, sizeof to, true);
}

static inline void lose_one_of_each(struct world *w)
{
    for (int service = 0; service < TAIL_CALLS; service++) {
        if (w->loses_one)
            weir_scope_cancel(&w->all[service][0].scope);
        if (w->stops_answering)
            instance_silence(&w->all[service][0]);
    }
}

/* --- pages --- */

struct page {
    struct world *world;
    uint64_t number;
};

static inline int page_run(void *arg)
{
    struct page page = *(struct page *)arg;
    struct world *w = page.world;
    weir_instant began = weir_now();
    int64_t since;
    int err;

    free(arg);
    err = w->ask(w, page.number, w->arg);
    since = weir_between(w->measured_from, began).ns;
    if (!w->is_measured || since < 0)
        return 0;
    w->took[w->pages++] = weir_between(began, weir_now()).ns;
    w->failed += err < 0;
    w->failed_at[since / weir_seconds(1).ns] += err < 0;
    return 0;
}

static inline void page_begin(struct world *w, weir_scope *scope)
{
    struct page *page = malloc(sizeof *page);

    assert_non_null(page);
    *page = (struct page){.world = w, .number = w->begun++};
    assert_int_equal(weir_spawn(scope, "page", page_run, page), 0);
}

/* Begins pages for so long, at random instants. */
static inline void pages_begin(struct world *w, weir_scope *scope, int seconds)
{
    weir_instant end = weir_after(weir_seconds(seconds)), next = weir_now();

    for (;;) {
        double gap = -log(1 - weir__random_double(&w->arrivals)) / PAGES_PER_SECOND;
        next = weir_add(next, (weir_duration){(int64_t)(gap * 1e9)});
        if (weir_between(next, end).ns < 0)
            return;
        assert_int_equal(weir_sleep_until(next), 0);
        page_begin(w, scope);
    }
}

/* Runs the load. Whoever answers pages is open already. */
static inline void world_measure(struct world *w)
{
    weir_scope scope;

    weir__random_seed(&w->arrivals, w->seed);
    w->took = calloc((size_t)(PAGES_PER_SECOND * w->measured_s) * 2, sizeof *w->took);
    assert_non_null(w->took);
    weir_scope_open(&scope, weir_never(), 0);
    pages_begin(w, &scope, WARM_S);
    w->measured_from = weir_now();
    w->is_measured = true;
    lose_one_of_each(w);
    pages_begin(w, &scope, w->measured_s);
    assert_int_equal(weir_scope_close(&scope), 0);
}

/* --- what came of it --- */

struct figures {
    double p99_ms, more; /* more: second attempts for each first one */
    int failed,
        failed_late; /* pages that lacked a call; late: asked for later than a second after the warm-up */
};

static inline void figures_add(struct figures *sum, struct world *w, double share)
{
    sum->p99_ms += (double)tail_quantile(w->took, w->pages, 0.99) / 1e6 * share;
    sum->more += (double)w->second / (double)w->first * share;
    sum->failed += w->failed;
    sum->failed_late += w->failed - w->failed_at[0];
}

/* How long is measured: longer with the fresh seeds of tools/soak, of which none is known to do well. */
static inline int measured_s(int seconds)
{
#ifdef WITH_TSAN
    seconds = seconds < TSAN_MEASURED_S ? seconds : TSAN_MEASURED_S;
#endif
    return getenv("WEIR_SEED_FROM") != NULL ? 5 * seconds : seconds;
}

/* Runs body in a simulation, with a world of each seed. Returns: the mean, and the sums of what failed. */
static inline struct figures figures_of(const struct world *world, int (*body)(void *world), uint64_t first,
                                        uint64_t last)
{
    struct figures sum = {0};
    struct world *w = malloc(sizeof *w);

    assert_non_null(w);
    for (uint64_t seed = first; seed <= last; seed++) {
        *w = *world;
        w->seed = seed;
        assert_int_equal(
            weir_run(&(weir_options){.io = WEIR_IO_SIM, .seed = seed, .log_level = WEIR_LOG_ERROR}, body, w),
            0);
        figures_add(&sum, w, 1 / (double)(last - first + 1));
        free(w->took);
    }
    free(w);
    printf("# p99 %.1f ms, %.2f %% more, %d failed, %d late\n", sum.p99_ms, 100 * sum.more, sum.failed,
           sum.failed_late);
    return sum;
}

#endif
