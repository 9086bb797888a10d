/* SPDX-License-Identifier: MIT */
/* Where the time of an exchange went: exact splits, in virtual time. */
#include <netinet/in.h>

#include "core/loop.h"
#include "core/account/activity.h"
#include "http/server/state.h"
#include "http/server/charges.h"
#include "http/server/handlers.h"
#include "http/server/server_rig.h"
#include "io/sim/sim.h"

enum { LATENCY_MS = 1, TICK_NS = 1 << 16 }; /* a timer fires up to TICK_NS late */

static char answer[1 << 16];
static const char a[] = "a", b[] = "b", c[] = "c";

/* --- running --- */

static int in_virtual_time(void *arg)
{
    struct memory_options memory = memory_usual();
    struct weir__sim_options calm = weir__sim_calm();

    memory.delay_min_ns = memory.delay_max_ns = LATENCY_MS * INT64_C(1000000);
    memory.inline_per_million = 1000000;
    memory.short_per_million = 0;
    if (memory_is_here())
        memory_configure(&memory);
    calm.latency_min_ns = calm.latency_max_ns = LATENCY_MS * INT64_C(1000000);
    calm.inline_per_million = 1000000; /* every operation that may end at once does */
    weir__sim_configure(weir__loop_current()->io, &calm);
    return rig_main(arg);
}

static void simulate(struct rig *rig)
{
    weir_options options = {.io = WEIR_IO_SIM};

    assert_int_equal(weir_run(&options, in_virtual_time, rig), 0);
    assert_int_equal(memory_run(&options, in_virtual_time, rig), 0);
}

static int64_t took_of(const struct rig *rig, enum weir_charge_category kind, const char *name)
{
    const weir_charge *charge = find(rig, kind, name);

    return charge != NULL ? charge->took.ns : 0;
}

/* Checks for so many milliseconds, with the lateness of up to n timers. */
static void assert_ms(int64_t ns, int64_t ms, int n)
{
    assert_in_range(ns, ms * 1000000, ms * 1000000 + (int64_t)n * TICK_NS);
}

static void await_record(struct rig *rig, int records)
{
    while (rig->records == records) {
        weir_event_reset(&rig->recorded);
        assert_int_equal(weir_event_wait(&rig->recorded), 0);
    }
}

/* Asks on a connection of its own; when it returns, the last record is of this exchange. */
static void ask(struct rig *rig, const char *request)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, request);
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    weir_stream_close(s);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

/* --- one task --- */

static int eat(weir_request *req, weir_response *res, void *state)
{
    weir_bytes body;
    int err = weir_request_read_body(req, &body, SIZE_MAX);

    (void)state;
    return err < 0 ? err : weir_respond_text(res, 200, "eaten");
}

static const char poured[1 << 20];

static int pour(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    return weir_respond_bytes(res, 200, NULL, poured, sizeof poured);
}

static int be_slow(struct rig *rig)
{
    static char piece[65536];
    weir_stream *s;
    size_t got = 0;
    int records;

    ask(rig, GET("/nap"));
    assert_ms(share_of(rig, WEIR_CHARGE_TIMER, NULL), 30, 1);
    assert_int_equal(share_of(rig, WEIR_CHARGE_TIMER, NULL), rig->last.took.ns);

    s = rig_connect(rig);
    rig_send(s, "POST /eat HTTP/1.1\r\nHost: a\r\n");
    assert_int_equal(weir_sleep(weir_ms(50)), 0);
    rig_send(s, "Content-Length: 4\r\n\r\nab");
    assert_int_equal(weir_sleep(weir_ms(70)), 0);
    rig_send(s, "cd");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_ms(share_of(rig, WEIR_CHARGE_HEAD, NULL), 50, 1);
    assert_ms(share_of(rig, WEIR_CHARGE_BODY, NULL), 70, 1);
    assert_int_equal(share_of(rig, WEIR_CHARGE_HEAD, NULL) + share_of(rig, WEIR_CHARGE_BODY, NULL),
                     rig->last.took.ns);
    weir_stream_close(s);

    s = rig_connect(rig);
    records = rig->records;
    rig_send(s, GET("/pour"));
    assert_int_equal(weir_sleep(weir_ms(90)), 0);
    while (got < sizeof poured) {
        ssize_t n = weir_read(s, piece, sizeof piece);
        assert_true(n > 0);
        got += (size_t)n;
    }
    await_record(rig, records);
    assert_in_range(share_of(rig, WEIR_CHARGE_SEND, NULL), 80000000, 200000000);
    assert_int_equal(share_of(rig, WEIR_CHARGE_SEND, NULL), rig->last.took.ns);
    weir_stream_close(s);
    return 0;
}

/* --- backends --- */

static void *open_client(void *arg, weir_server *server)
{
    struct rig *rig = arg;
    weir_client *client = NULL;

    (void)server;
    assert_int_equal(weir_client_open(rig->data, &client), 0); /* with the options of the test */
    return client;
}

static void close_client(void *client)
{
    weir_client_close(client);
}

static int backend(weir_request *req, weir_response *res, void *state)
{
    int err = weir_sleep(weir_ms(atoi(weir_request_param(req, "ms"))));

    (void)state;
    return err < 0 ? err : weir_respond_text(res, 200, "ok");
}

struct call {
    struct rig *rig;
    weir_client *client;
    const char *name;
    int ms;
};

static int call_one(void *arg)
{
    const struct call *call = arg;
    char url[WEIR_ADDRESS_BYTES + 32];
    weir_fetch_options options = {.url = url, .name = call->name};
    weir_reply reply;

    (void)snprintf(url, sizeof url, "http://%s/backend/%d", call->rig->address, call->ms);
    assert_int_equal(weir_fetch(call->client, &options, &reply), 0);
    return 0;
}

static int gather(weir_request *req, weir_response *res, void *client)
{
    struct rig *rig = weir_request_data(req);
    struct call calls[] = {{rig, client, a, 10}, {rig, client, b, 20}, {rig, client, c, 40}};
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weir_spawn(&scope, "call", call_one, &calls[i]), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    return weir_respond_text(res, 200, "gathered");
}

static int64_t backend_share(const struct rig *rig, const char *name)
{
    return share_of(rig, WEIR_CHARGE_BACKEND, name);
}

static int ask_for_gathers(struct rig *rig)
{
    int64_t ta, tb, tc;

    ask(rig, GET("/gather"));
    /* Connecting takes there and back; three connect at once, so each is charged a third. */
    assert_int_equal(took_of(rig, WEIR_CHARGE_CONNECT, a), 2 * LATENCY_MS * 1000000);
    assert_in_range(share_of(rig, WEIR_CHARGE_CONNECT, a) * 3, 1999990, 2000000);
    assert_int_equal(share_of(rig, WEIR_CHARGE_CONNECT, a), share_of(rig, WEIR_CHARGE_CONNECT, c));

    ask(rig, GET("/gather")); /* on the kept connections */
    assert_null(find(rig, WEIR_CHARGE_CONNECT, a));
    ta = took_of(rig, WEIR_CHARGE_BACKEND, a);
    tb = took_of(rig, WEIR_CHARGE_BACKEND, b);
    tc = took_of(rig, WEIR_CHARGE_BACKEND, c);
    assert_ms(ta, 10 + 2 * LATENCY_MS, 1);
    assert_ms(tb, 20 + 2 * LATENCY_MS, 1);
    assert_ms(tc, 40 + 2 * LATENCY_MS, 1);
    assert_in_range(backend_share(rig, a), ta / 3 - 1, ta / 3 + 1);
    assert_in_range(backend_share(rig, b), ta / 3 + (tb - ta) / 2 - 2, ta / 3 + (tb - ta) / 2 + 2);
    assert_in_range(backend_share(rig, c), ta / 3 + (tb - ta) / 2 + tc - tb - 3,
                    ta / 3 + (tb - ta) / 2 + tc - tb + 3);
    assert_int_equal(rig->last.took.ns, tc);  /* the exchange waited for nothing else */
    assert_in_range(rig->charge_count, 3, 4); /* those, and perhaps a remainder that can't be divided */
    return 0;
}

/* A backend without a name is called by its address; a wait for a connection is a charge of its own. */
static int queue_up(weir_request *req, weir_response *res, void *client)
{
    struct rig *rig = weir_request_data(req);
    struct call calls[] = {{rig, client, NULL, 20}, {rig, client, NULL, 20}};
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(weir_spawn(&scope, "call", call_one, &calls[i]), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    return weir_respond_text(res, 200, "both");
}

static const weir_charge *find_kind(const struct rig *rig, enum weir_charge_category kind)
{
    for (size_t i = 0; i < rig->charge_count; i++)
        if (rig->charges[i].category == kind)
            return &rig->charges[i];
    return NULL;
}

static int ask_for_one_connection(struct rig *rig)
{
    const weir_charge *answers, *slot;

    ask(rig, GET("/queue"));
    ask(rig, GET("/queue"));
    answers = find_kind(rig, WEIR_CHARGE_BACKEND);
    slot = find_kind(rig, WEIR_CHARGE_SLOT);
    assert_int_equal(answers->waits, 2);
    assert_int_equal(slot->waits, 1);
    assert_ms(slot->took.ns, 20 + 2 * LATENCY_MS, 1);
    /* While the first was answered both waited; then the second one alone. */
    assert_in_range(slot->share.ns, slot->took.ns / 2 - 1, slot->took.ns / 2 + 1);
    assert_int_equal(answers->took.ns, rig->last.took.ns);
    assert_in_range(answers->share.ns + slot->share.ns, rig->last.took.ns - 1, rig->last.took.ns);
    return 0;
}

/* --- waiting for each other, and for others --- */

struct pair {
    weir_mutex mutex;
    weir_event held;
};

static int hold(void *arg)
{
    struct pair *pair = arg;

    assert_int_equal(weir_mutex_lock(&pair->mutex), 0);
    weir_event_set(&pair->held);
    assert_int_equal(weir_sleep(weir_ms(25)), 0);
    weir_mutex_unlock(&pair->mutex);
    return 0;
}

/* The cause of a wait for a lock is charged, not the lock. */
static int contend(weir_request *req, weir_response *res, void *state)
{
    struct pair pair;
    weir_scope scope;

    (void)req, (void)state;
    weir_mutex_init(&pair.mutex);
    weir_event_init(&pair.held);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "holder", hold, &pair), 0);
    assert_int_equal(weir_event_wait(&pair.held), 0);
    assert_int_equal(weir_mutex_lock(&pair.mutex), 0);
    weir_mutex_unlock(&pair.mutex);
    (void)weir_scope_close(&scope);
    return weir_respond_text(res, 200, "locked");
}

static weir_event opened; /* by a task of no exchange */

static int open_later(void *arg)
{
    (void)arg;
    assert_int_equal(weir_sleep(weir_ms(15)), 0);
    weir_event_set(&opened);
    return 0;
}

static int await_event(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    assert_int_equal(weir_event_wait(&opened), 0);
    return weir_respond_text(res, 200, "open");
}

static int talk(weir_request *req, weir_response *res, void *state)
{
    struct rig *rig = weir_request_data(req);
    weir_stream *s = NULL;
    char byte;

    (void)state;
    assert_int_equal(weir_connect(rig->address, &s), 0);
    assert_int_equal(weir_write(s, GET("/nap"), strlen(GET("/nap"))), 0);
    assert_int_equal(weir_read(s, &byte, 1), 1);
    weir_stream_abort(s);
    return weir_respond_text(res, 200, "talked");
}

static const char postgres[] = "postgres", replica[] = "replica";

/* Names that are copied live as long as the exchange. */
static void keep_names(struct rig *rig, const weir_exchange_record *record)
{
    (void)record;
    for (size_t i = 0; i < rig->charge_count; i++) {
        weir_charge *charge = &rig->charges[i];
        if (charge->category == WEIR_CHARGE_BACKEND && charge->name != NULL)
            charge->name = strcmp(charge->name, postgres) == 0  ? postgres
                           : strcmp(charge->name, replica) == 0 ? replica
                                                                : charge->name;
    }
}

/* As code that speaks to a database does: its waits have the name of the database. */
static int query(weir_request *req, weir_response *res, void *state)
{
    weir_charge_wait outer, inner;
    char name[] = "postgres"; /* is copied */

    (void)req, (void)state;
    weir_charge_begin(&outer, name);
    assert_int_equal(weir_sleep(weir_ms(10)), 0);
    weir_charge_begin(&inner, replica);
    assert_int_equal(weir_sleep(weir_ms(6)), 0);
    weir_charge_end(&inner);
    assert_int_equal(weir_sleep(weir_ms(10)), 0);
    weir_charge_end(&outer);
    memset(name, 'x', sizeof name - 1);
    assert_int_equal(weir_sleep(weir_ms(3)), 0);
    return weir_respond_text(res, 200, "asked");
}

static int compute(weir_job *job, void *arg)
{
    (void)job, (void)arg;
    return 0;
}

static int offload(void *arg)
{
    return weir_offload(arg, "compute", compute, NULL);
}

/* One worker and two jobs: one of them waits for the other. */
static int use_pool(weir_request *req, weir_response *res, void *state)
{
    weir_pool_options options = {.name = "narrow", .workers = 1};
    weir_pool *pool = NULL;
    weir_scope scope;

    (void)req, (void)state;
    assert_int_equal(weir_pool_open(&options, &pool), 0);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "job", offload, pool), 0);
    assert_int_equal(weir_spawn(&scope, "job", offload, pool), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    weir_pool_close(pool);
    return weir_respond_text(res, 200, "computed");
}

static int wait_for_others(struct rig *rig)
{
    const weir_charge *queue, *run;
    weir_scope scope;

    ask(rig, GET("/contend"));
    assert_ms(share_of(rig, WEIR_CHARGE_TIMER, NULL), 25, 1);
    assert_int_equal(share_of(rig, WEIR_CHARGE_LOCK, NULL), 0);
    assert_int_equal(took_of(rig, WEIR_CHARGE_LOCK, NULL), rig->last.took.ns);

    weir_event_init(&opened);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "opener", open_later, NULL), 0);
    ask(rig, GET("/await"));
    (void)weir_scope_close(&scope);
    assert_in_range(share_of(rig, WEIR_CHARGE_LOCK, NULL), 10000000, 15100000);
    assert_int_equal(share_of(rig, WEIR_CHARGE_LOCK, NULL), rig->last.took.ns);

    ask(rig, GET("/talk"));
    assert_int_equal(share_of(rig, WEIR_CHARGE_CONNECT, NULL), 2 * LATENCY_MS * 1000000);
    assert_ms(share_of(rig, WEIR_CHARGE_STREAM, NULL), 30 + 2 * LATENCY_MS, 1);

    ask(rig, GET("/pool"));
    queue = find_kind(rig, WEIR_CHARGE_POOL_QUEUE);
    run = find_kind(rig, WEIR_CHARGE_POOL_RUN);
    assert_int_equal(run->waits, 2);
    assert_true(queue->share.ns > 0 && run->share.ns > 0);
    if (!memory_is_here()) /* the seed decides how long workers take to wake */
        assert_true(run->share.ns > queue->share.ns);
    assert_in_range(queue->took.ns + run->took.ns, rig->last.took.ns, 2 * rig->last.took.ns);

    ask(rig, GET("/query"));
    assert_ms(share_of(rig, WEIR_CHARGE_BACKEND, postgres), 20, 2);
    assert_ms(share_of(rig, WEIR_CHARGE_BACKEND, replica), 6, 1);
    assert_ms(share_of(rig, WEIR_CHARGE_TIMER, NULL), 3, 1);
    return 0;
}

/* --- what is no part of it, and an end to all of it --- */

static weir_scope background;

static int outlive(void *arg)
{
    weir_client *client = arg;
    weir_reply reply;

    assert_int_equal(weir_sleep(weir_ms(50)), 0);
    assert_true(weir_get(client, "http://127.0.0.1:1/", &reply) < 0); /* nothing listens there */
    return 0;
}

static int leave_behind(weir_request *req, weir_response *res, void *client)
{
    (void)req;
    assert_int_equal(weir_spawn(&background, "left behind", outlive, client), 0);
    return weir_respond_text(res, 200, "done");
}

#if defined(__SANITIZE_THREAD__)
enum { WAITS = 20000 };
#else
enum { WAITS = 1000000 };
#endif

static int wait_often(weir_request *req, weir_response *res, void *state)
{
    struct weir__exchange *x = weir__exchange_of_request(req);
    size_t used = 0;
    weir_event never;

    (void)state;
    weir_event_init(&never);
    for (int i = 0; i < WAITS; i++) {
        weir_scope scope;
        int err;
        if (i == 100)
            used = x->memory.used;
        weir_scope_open(&scope, weir_after((weir_duration){1}), 0);
        err = i % 2 == 0 ? weir_event_wait(&never) : weir_sleep(weir_seconds(1));
        assert_int_equal(err, -WEIR_EDEADLINE);
        (void)weir_scope_close(&scope);
    }
    assert_int_equal(x->memory.used, used);
    return weir_respond_text(res, 200, "at last");
}

static int see_the_ends(struct rig *rig)
{
    weir_scope_open(&background, weir_never(), WEIR_COLLECT);
    ask(rig, GET("/leave"));
    assert_int_equal(rig->last.took.ns, 0);
    (void)weir_scope_close(&background);

    ask(rig, GET("/often"));
    assert_int_equal(find(rig, WEIR_CHARGE_TIMER, NULL)->waits, WAITS / 2);
    assert_int_equal(find(rig, WEIR_CHARGE_LOCK, NULL)->waits, WAITS / 2);
    return 0;
}

/* --- telling clients, and not at all --- */

static int read_timing(struct rig *rig)
{
    const char *timing, *timer, *total;
    double timer_ms, total_ms;

    ask(rig, GET("/nap"));
    timing = strstr(answer, "\r\nserver-timing: ");
    assert_non_null(timing);
    timer = strstr(timing, "timer;dur=");
    total = strstr(timing, "total;dur=");
    assert_true(timer != NULL && total != NULL && timer < total);
    timer_ms = strtod(timer + 10, NULL);
    total_ms = strtod(total + 10, NULL);
    assert_true(timer_ms >= 30 && timer_ms < 30.1 && timer_ms <= total_ms && total_ms < 30.1);
    return 0;
}

static int be_told_nothing(struct rig *rig)
{
    ask(rig, GET("/nap"));
    assert_null(strstr(answer, "server-timing"));
    assert_ms(rig->last.took.ns, 30, 1);
    return 0;
}

/* --- the tests --- */

static void with_routes(int (*test)(struct rig *rig), struct rig rig)
{
    const weir_route routes[] = {
        {.path = "/nap", .handler = nap},
        {.path = "/eat", .handler = eat},
        {.path = "/pour", .handler = pour},
        {.path = "/gather", .handler = gather, .data = &rig},
        {.path = "/queue", .handler = queue_up, .data = &rig},
        {.path = "/backend/{ms}", .handler = backend},
        {.path = "/contend", .handler = contend},
        {.path = "/await", .handler = await_event},
        {.path = "/talk", .handler = talk, .data = &rig},
        {.path = "/query", .handler = query},
        {.path = "/pool", .handler = use_pool},
        {.path = "/leave", .handler = leave_behind},
        {.path = "/often", .handler = wait_often},
    };

    rig.routes = routes;
    rig.route_count = sizeof routes / sizeof *routes;
    rig.test = test;
    rig.options.setup = open_client;
    rig.options.teardown = close_client;
    simulate(&rig);
}

static void one_task_is_charged_for_its_wait(void **state)
{
    (void)state;
    with_routes(be_slow, (struct rig){0});
}

static void backends_share_what_they_hold_up(void **state)
{
    (void)state;
    with_routes(ask_for_gathers, (struct rig){0});
}

static void waiting_for_a_connection_is_told_apart(void **state)
{
    static weir_client_options one = {.connections_per_origin = 1};

    (void)state;
    with_routes(ask_for_one_connection, (struct rig){.data = &one});
}

static void other_waits_have_their_kinds(void **state)
{
    (void)state;
    with_routes(wait_for_others, (struct rig){.noted = keep_names});
}

static void tasks_of_others_and_endless_waits_are_harmless(void **state)
{
    (void)state;
    with_routes(see_the_ends, (struct rig){0});
}

static void clients_are_told_when_that_is_wanted(void **state)
{
    (void)state;
    with_routes(read_timing, (struct rig){.options.server_timing = true});
    with_routes(be_told_nothing, (struct rig){.options.ledger_off = true});
    with_routes(be_told_nothing, (struct rig){.options = {.ledger_off = true, .server_timing = true}});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_task_is_charged_for_its_wait),
        cmocka_unit_test(backends_share_what_they_hold_up),
        cmocka_unit_test(waiting_for_a_connection_is_told_apart),
        cmocka_unit_test(other_waits_have_their_kinds),
        cmocka_unit_test(tasks_of_others_and_endless_waits_are_harmless),
        cmocka_unit_test(clients_are_told_when_that_is_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
