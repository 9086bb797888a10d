/* SPDX-License-Identifier: MIT */
/* Clients ask a server for more than its pools can do, in each form of offloading, with and without timeouts
 * and deadlines; some leave. Each seed is another run, in virtual time. In all of them each request gets
 * exactly one right answer or one refusal, clients and pools count the same, and nothing is left in the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "core/scope.h"
#include "io/sim/sim.h"
#include "pool/job.h"
#include "pool/pool.h"
#include "support/left.h"
#include "support/run.h"

#if defined(__SANITIZE_THREAD__)
enum { SEEDS = 20 }; /* each task is a fiber of TSan's, which is slow to make */
#else
enum { SEEDS = 60 };
#endif
enum { CLIENTS = 16, REQUESTS = 12, POOLS = 3, SHARES = 2, INDICES = 40, FATES = WEIR_JOB_RAN + 1 };

/* How a handler offloads its work. */
enum form { PLAIN, EACH, KIND, NESTED, RACE, FORMS };

struct world {
    uint64_t seed;
    bool clients_suffer; /* the network has faults */
    weir_event listening;
    weir_pool *pools[POOLS];
    int sent, right, busy, late, left, broken; /* as counted by the clients */
    int exchanges;
    uint64_t fates[POOLS][FATES]; /* as counted by the callers of the pools */
    int nested_refused;
    uint64_t digest; /* of all answers and their times */
};

#define CHECK(w, truth)                                                                                      \
    do {                                                                                                     \
        if (!(truth))                                                                                        \
            fail_msg("seed %" PRIu64 "%s, %s:%d: %s", (w)->seed,                                             \
                     (w)->clients_suffer ? " (clients suffer)" : "", __FILE__, __LINE__, #truth);            \
    } while (0)

static unsigned draw(unsigned below)
{
    return (unsigned)weir_random_below(below);
}

static bool chance(unsigned percent)
{
    return draw(100) < percent;
}

/* --- what is asked for --- */

struct question {
    unsigned id, pool, form, when_full, deadline_ms; /* deadline 0: none */
};

static uint32_t right_answer(unsigned id)
{
    return (id + 1) * UINT32_C(2654435761);
}

static struct question draw_question(unsigned id)
{
    return (struct question){.id = id,
                             .pool = draw(POOLS),
                             .form = draw(FORMS),
                             .when_full = draw(WEIR_WAIT_UNTIL + 1),
                             .deadline_ms = chance(30) ? 1 + draw(80) : 0};
}

/* --- jobs --- */

struct work {
    struct world *w;
    unsigned id;
    int takes_ms; /* < 0: as the seed decides */
    int runs;
    uint32_t answer;
};

static int compute(weir_job *job, void *arg)
{
    struct work *work = arg;

    if (work->takes_ms >= 0)
        (void)weir_job_takes(job, weir_ms(work->takes_ms));
    work->runs++;
    work->answer = right_answer(work->id);
    return 0;
}

/* Offloads to its own pool, and computes on its own if no worker is free. */
static int compute_nested(weir_job *job, void *arg)
{
    struct work *work = arg;
    struct work inner = {.w = work->w, .id = work->id, .takes_ms = work->takes_ms};
    int err = weir_offload(job->pool, "inner", compute, &inner);

    CHECK(work->w, (err == 0 && inner.runs == 1) || (err == -WEIR_ENESTED && inner.runs == 0));
    work->w->nested_refused += err != 0;
    if (err == 0)
        for (unsigned i = 0; i < POOLS; i++)
            work->w->fates[i][WEIR_JOB_RAN] += work->w->pools[i] == job->pool;
    work->runs++;
    work->answer = right_answer(work->id);
    return 0;
}

/* Computes the part of the answer for an index. */
static int compute_each(weir_job *job, size_t begin, size_t end, void *arg)
{
    struct work *work = arg;
    uint32_t all = right_answer(work->id);

    (void)job;
    for (size_t i = begin; i < end; i++)
        work->answer += i == 0 ? all - (INDICES - 1) : 1;
    work->runs = 1;
    return 0;
}

static int answer_piece(weir_job *job, void *state, weir_bytes piece, bool last)
{
    (void)state;
    assert_true(last);
    return weir_job_printf(job, "%" PRIu32, right_answer((unsigned)strtoul(piece.data, NULL, 10)));
}

static const weir_job_kind answer_kind = {
    .name = "answer", .version = 1, .whole = true, .piece = answer_piece};

static int run_kind(weir_pool *pool, struct work *work, const weir_offload_options *options)
{
    char id[16];
    weir_job_input in;
    weir_buffer out;
    int err;

    (void)snprintf(id, sizeof id, "%u", work->id);
    in = (weir_job_input){.bytes = weir_bytes_of(id)};
    weir_buffer_init(&out, 64);
    err = weir_job_run_with(pool, "answer", &in, &out, NULL, options);
    work->runs = out.len > 0;
    if (out.len > 0)
        work->answer = (uint32_t)strtoul(out.data, NULL, 10);
    weir_buffer_free(&out);
    return err;
}

/* --- offloading one, and what must hold of it whatever became of it --- */

static void check_fate(struct world *w, const struct question *q, const struct work *work,
                       const weir_job_report *report, int err)
{
    bool by_scope = err == -WEIR_ECANCELED || err == -WEIR_EDEADLINE;

    switch (report->fate) {
    case WEIR_JOB_REFUSED:
        CHECK(w, work->runs == 0 && (by_scope || err == -WEIR_EBUSY || err == -WEIR_ELATE));
        CHECK(w, q->when_full == WEIR_REFUSE || by_scope);
        if (by_scope) /* before it called the pool */
            return;
        break;
    case WEIR_JOB_DROPPED:
        CHECK(w, work->runs == 0 && (err == -WEIR_EBUSY || err == -WEIR_EDEADLINE));
        CHECK(w, err == -WEIR_EDEADLINE || q->when_full != WEIR_WAIT);
        break;
    case WEIR_JOB_CANCELLED:
        CHECK(w, work->runs == 0 && err == -WEIR_ECANCELED);
        break;
    case WEIR_JOB_RAN:
        if (err == 0)
            CHECK(w, work->runs == 1 && work->answer == right_answer(work->id));
        else
            CHECK(w, q->form == EACH && by_scope && report->done < INDICES);
        break;
    }
    w->fates[q->pool][report->fate]++;
}

static int offload(struct world *w, const struct question *q, uint32_t *answer)
{
    weir_pool *pool = w->pools[q->pool];
    struct work work = {.w = w, .id = q->id, .takes_ms = chance(20) ? (int)draw(60) : -1};
    weir_job_report report;
    weir_offload_options options = {.when_full = (enum weir_when_full)q->when_full,
                                    .until = weir_after_ms(1 + (int64_t)draw(50)),
                                    .share = (int)(q->id % pool->share_count),
                                    .report = &report};
    int err;

    switch (q->form) {
    case EACH:
        err = weir_offload_each_with(pool, "each", compute_each, INDICES, &work, &options);
        break;
    case KIND:
        err = run_kind(pool, &work, &options);
        break;
    default:
        err = weir_offload_with(pool, "job", q->form == NESTED ? compute_nested : compute, &work, &options);
    }
    check_fate(w, q, &work, &report, err);
    *answer = work.answer;
    return err;
}

/* --- two at once; the first that is done has the other cancelled --- */

struct race {
    struct world *w;
    const struct question *q;
    weir_scope scope;
    uint32_t answer;
    int result;
};

static int run_in_race(void *arg)
{
    struct race *race = arg;
    uint32_t answer;
    int err = offload(race->w, race->q, &answer);

    if (err < 0) {
        race->result = race->result == 0 ? 0 : err;
        return 0;
    }
    race->answer = answer;
    race->result = 0;
    weir_scope_cancel(&race->scope);
    return 0;
}

static int run_race(struct world *w, const struct question *q, uint32_t *answer)
{
    struct race race = {.w = w, .q = q, .result = -ENOMEM};

    weir_scope_open(&race.scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 2; i++)
        CHECK(w, weir_spawn(&race.scope, "racer", run_in_race, &race) == 0);
    (void)weir_scope_close(&race.scope);
    *answer = race.answer;
    return race.result;
}

/* --- the server --- */

static unsigned param(const weir_request *req, const char *name)
{
    return (unsigned)strtoul(weir_request_param(req, name), NULL, 10);
}

static int handle(weir_request *req, weir_response *res, void *state)
{
    const struct question q = {param(req, "id"), param(req, "pool"), param(req, "form"), param(req, "when"),
                               param(req, "deadline")};
    struct world *w = weir_request_data(req);
    uint32_t answer = 0;
    char text[40];
    weir_scope scope;
    int err;

    (void)state;
    weir_scope_open(&scope, q.deadline_ms > 0 ? weir_after_ms(q.deadline_ms) : weir_never(), WEIR_COLLECT);
    err = q.form == RACE ? run_race(w, &q, &answer) : offload(w, &q, &answer);
    (void)weir_scope_close(&scope);
    if (err < 0)
        return weir_respond_error(res, err);
    (void)snprintf(text, sizeof text, "%u:%" PRIu32, q.id, answer);
    return weir_respond_text(res, 200, text);
}

static void listening(void *arg, weir_server *server)
{
    (void)server;
    weir_event_set(&((struct world *)arg)->listening);
}

static void count_exchange(void *arg, const weir_exchange_record *record)
{
    struct world *w = arg;
    weir_charge charges[WEIR_CHARGES_MAX];
    int64_t sum_ns = 0;

    for (size_t i = weir_exchange_charges(record, charges); i-- > 0;)
        sum_ns += charges[i].share.ns;
    CHECK(w, sum_ns == record->took.ns);
    w->exchanges++;
}

static int serve(void *arg)
{
    weir_server_options options = {.listen = "127.0.0.1:8080",
                                   .drain = weir_seconds(1),
                                   .on_listening = listening,
                                   .on_exchange = count_exchange,
                                   .arg = arg};
    const weir_route route = {
        .path = "/{id}/{pool}/{form}/{when}/{deadline}", .handler = handle, .data = arg};

    return weir_server_run(&options, &route, 1);
}

/* --- clients --- */

struct client {
    struct world *world;
    unsigned index;
    weir_client *http;
};

static bool says(const weir_reply *reply, const char *text)
{
    return memmem(reply->body, reply->body_bytes, text, strlen(text)) != NULL;
}

static void check_refusal(struct world *w, const struct question *q, const weir_reply *reply)
{
    const char *retry_after = weir_reply_header(reply, "retry-after");

    if (reply->status == 503) {
        w->busy++;
        CHECK(w, says(reply, "\"busy\"") && says(reply, "pool") && says(reply, "try again later"));
        CHECK(w, retry_after != NULL && strtol(retry_after, NULL, 10) >= 1);
        CHECK(w, q->when_full != WEIR_WAIT); /* a call that waits does so until its deadline */
    } else {
        w->late++;
        CHECK(w, reply->status == 504 && says(reply, "\"deadline\"") && retry_after == NULL);
        CHECK(w, q->deadline_ms > 0);
    }
}

static void check_reply(struct world *w, const struct question *q, const weir_reply *reply)
{
    char expected[40];
    int n = snprintf(expected, sizeof expected, "%u:%" PRIu32, q->id, right_answer(q->id));

    w->digest =
        (w->digest ^ (uint64_t)weir_now().ns ^ q->id) * UINT64_C(1099511628211) + (uint64_t)reply->status;
    if (reply->status != 200) {
        check_refusal(w, q, reply);
        return;
    }
    w->right++;
    CHECK(w, reply->body_bytes == (size_t)n && memcmp(reply->body, expected, (size_t)n) == 0);
}

/* Asks; some lose timeouts before there can be an answer. */
static void ask(struct client *c, unsigned number)
{
    struct world *w = c->world;
    struct question q = draw_question(c->index * REQUESTS + number);
    bool leaves = chance(15);
    char url[96];
    weir_reply reply;
    weir_scope scope;
    int err;

    (void)snprintf(url, sizeof url, "http://127.0.0.1:8080/%u/%u/%u/%u/%u", q.id, q.pool, q.form, q.when_full,
                   q.deadline_ms);
    weir_scope_open(&scope, weir_after_ms(leaves ? (int64_t)draw(30) : 60000), 0);
    w->sent++;
    err = weir_get(c->http, url, &reply);
    (void)weir_scope_close(&scope);
    if (err == 0) {
        check_reply(w, &q, &reply);
        weir_reply_free(&reply);
    } else if (leaves && err == -WEIR_EDEADLINE) {
        w->left++;
    } else {
        CHECK(w, w->clients_suffer);
        w->broken++;
    }
}

static int client(void *arg)
{
    struct client *c = arg;

    for (unsigned i = 0; i < REQUESTS; i++) {
        ask(c, i);
        if (chance(30))
            CHECK(c->world, weir_sleep(weir_ms(draw(20))) == 0);
    }
    return 0;
}

static void run_clients(struct world *w)
{
    struct client clients[CLIENTS];
    weir_scope scope;
    weir_client *http;

    CHECK(w, weir_client_open(NULL, &http) == 0);
    weir_scope_open(&scope, weir_never(), 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.world = w, .index = i, .http = http};
        CHECK(w, weir_spawn(&scope, "client", client, &clients[i]) == 0);
    }
    CHECK(w, weir_scope_close(&scope) == 0);
    weir_client_close(http);
}

/* --- the whole --- */

static void open_pools(struct world *w)
{
    static const weir_pool_share shares[SHARES] = {{.name = "/a", .percent = 40},
                                                   {.name = "/b", .percent = 20}};
    const weir_pool_options small = {.name = "small", .workers = 1, .queue = 2, .wait = weir_ms(20)};
    const weir_pool_options shared = {.name = "shared",
                                      .workers = 2,
                                      .queue = 6,
                                      .wait = weir_ms(60),
                                      .shares = shares,
                                      .share_count = SHARES};

    CHECK(w, weir_pool_open(&small, &w->pools[0]) == 0);
    CHECK(w, weir_pool_open(&shared, &w->pools[1]) == 0);
    w->pools[2] = weir_pool_blocking();
}

/* The counts of the callers and of the pool are equal, and no job is left. */
static void check_pool(struct world *w, unsigned index)
{
    struct weir_pool *pool = w->pools[index];
    const uint64_t *fates = w->fates[index];
    uint64_t refused = 0;
    weir_pool_stats s;

    weir_pool_stats_get(pool, &s, NULL, NULL);
    for (int i = 0; i < WEIR_REFUSALS; i++)
        refused += i == WEIR_REFUSED_NESTED ? 0 : s.refused[i];
    CHECK(w, s.ran == fates[WEIR_JOB_RAN] && s.dropped == fates[WEIR_JOB_DROPPED]);
    CHECK(w, s.cancelled == fates[WEIR_JOB_CANCELLED] && refused == fates[WEIR_JOB_REFUSED]);
    CHECK(w, s.taken == s.ran + s.dropped + s.cancelled && s.queued == 0 && s.running == 0);
    CHECK(w, atomic_load(&pool->places) == 0 && atomic_load(&pool->common) == 0);
    for (size_t i = 0; i < pool->share_count; i++)
        CHECK(w, atomic_load(&pool->shares[i].places) == 0 && weir__list_is_empty(&pool->shares[i].jobs));
    CHECK(w, atomic_load(&pool->inbox) == NULL && atomic_load(&pool->calls) == 0);
}

static void check_nothing_left(struct world *w)
{
    struct weir__loop *loop = weir__loop_current();
    struct weir__sim_stats stats = weir__sim_stats(loop->io);

    CHECK(w, loop->stacks.count - loop->stacks.idle_count == 1); /* this task */
    CHECK(w, only_first_task_is_left(loop));
    CHECK(w, loop->wheel.count == 0);
    CHECK(w, stats.open_files == 0 && stats.pending_ops == 0 && stats.lent == 0);
}

static int whole_world(void *arg)
{
    struct world *w = arg;
    const struct weir__sim_options rough = weir__sim_rough(), calm = weir__sim_calm();
    weir_scope scope;

    weir__sim_configure(weir__loop_current()->io, w->clients_suffer ? &rough : &calm);
    open_pools(w);
    CHECK(w, weir_job_kind_register(&answer_kind) == 0);
    weir_event_init(&w->listening);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    CHECK(w, weir_spawn(&scope, "server", serve, w) == 0);
    CHECK(w, weir_event_wait(&w->listening) == 0);

    run_clients(w);

    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    CHECK(w, w->sent == CLIENTS * REQUESTS);
    CHECK(w, w->sent == w->right + w->busy + w->late + w->left + w->broken);
    if (!w->clients_suffer)
        CHECK(w, w->exchanges <= w->sent && w->exchanges >= w->right + w->busy + w->late);
    for (unsigned i = 0; i < POOLS; i++)
        check_pool(w, i);
    weir_pool_close(w->pools[0]);
    weir_pool_close(w->pools[1]);
    check_nothing_left(w);
    return 0;
}

static struct world run_seed(uint64_t seed, bool clients_suffer)
{
    struct world w = {.seed = seed, .clients_suffer = clients_suffer};

    run_simulated(seed, whole_world, &w);
    return w;
}

static void run_seeds(bool clients_suffer)
{
    const int seeds = (int)seed_count(SEEDS);
    uint64_t fates[FATES] = {0};
    int right = 0, busy = 0, late = 0, left = 0, nested_refused = 0;

    for (uint64_t seed = seed_first(); seed <= seed_last(SEEDS); seed++) {
        struct world w = run_seed(seed, clients_suffer);
        right += w.right, busy += w.busy, late += w.late, left += w.left;
        nested_refused += w.nested_refused;
        for (int i = 0; i < POOLS * FATES; i++)
            fates[i % FATES] += w.fates[i / FATES][i % FATES];
    }
    /* All seeds together must have met each of these. */
    if (!seed_is_alone()) {
        assert_true(right > seeds * CLIENTS && busy > seeds * CLIENTS && late > seeds && left > seeds);
        assert_true(nested_refused > seeds);
        for (int i = 0; i < FATES; i++)
            assert_true(fates[i] > (uint64_t)seeds);
    }
}

static void test_each_request_has_one_right_answer_or_one_honest_refusal(void **state)
{
    (void)state;
    run_seeds(false);
}

static void test_the_same_when_clients_suffer(void **state)
{
    (void)state;
    run_seeds(true);
}

static void test_a_seed_is_one_run(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++)
        assert_true(run_seed(seed, true).digest == run_seed(seed, true).digest);
    assert_true(run_seed(seed_first(), true).digest != run_seed(seed_first() + 1, true).digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_request_has_one_right_answer_or_one_honest_refusal),
        cmocka_unit_test(test_the_same_when_clients_suffer),
        cmocka_unit_test(test_a_seed_is_one_run),
    };

    return cmocka_run_group_tests_name("overload", tests, NULL, NULL);
}
