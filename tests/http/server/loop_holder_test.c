/* SPDX-License-Identifier: MIT */
/* What held the loop while an exchange waited for it: in real time. */
#include <time.h>

#include "http/server/charges.h"
#include "http/server/handlers.h"
#include "http/server/server_rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

enum { BURN_MS = 40, NAP_AT_LEAST_MS = 25, TRIES = 50 };

static int64_t clock_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int burn(weir_request *req, weir_response *res, void *state)
{
    int64_t until_ns = clock_ns() + BURN_MS * INT64_C(1000000);

    (void)req, (void)state;
    while (clock_ns() < until_ns)
        continue;
    return weir_respond_text(res, 200, "hot");
}

static int quick(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    return weir_respond_text(res, 200, "here");
}

struct asker {
    weir_stream *stream;
    const char *request;
    int64_t waited_ns; /* for the loop, whether that had the CPU or not */
    int64_t timer_ns, took_ns;
    char held_by[64];
};

static int ask_and_note(void *arg)
{
    struct asker *asker = arg;
    char text[1024];

    rig_send(asker->stream, asker->request);
    assert_int_equal(rig_answer(asker->stream, text, sizeof text), 200);
    return 0;
}

/* Opens a connection that the server has taken: what two of them send at once comes in one turn. */
static weir_stream *connect_warm(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    char text[1024];

    rig_send(s, GET("/quick"));
    assert_int_equal(rig_answer(s, text, sizeof text), 200);
    return s;
}

static struct asker *noting; /* the record of its request */

static void note_record(struct rig *rig, const weir_exchange_record *record)
{
    if (noting == NULL || strstr(noting->request, record->target) == NULL)
        return;
    noting->waited_ns = share_of(rig, WEIR_CHARGE_QUEUE, NULL) + share_of(rig, WEIR_CHARGE_READY, NULL) +
                        share_of(rig, WEIR_CHARGE_STARVED, NULL) + share_of(rig, WEIR_CHARGE_THROTTLED, NULL);
    noting->timer_ns = share_of(rig, WEIR_CHARGE_TIMER, NULL);
    noting->took_ns = record->took.ns;
    (void)snprintf(noting->held_by, sizeof noting->held_by, "%s", rig->held_by);
}

/* Asks for both at once, and the second so much later. */
static struct asker ask_beside(struct rig *rig, const char *request, const char *other, int later_ms)
{
    struct asker first = {.stream = connect_warm(rig), .request = other};
    struct asker second = {.stream = connect_warm(rig), .request = request};
    struct asker *early = later_ms > 0 ? &second : &first, *late = later_ms > 0 ? &first : &second;
    weir_scope scope;

    noting = &second;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "asker", ask_and_note, early), 0);
    if (later_ms > 0)
        assert_int_equal(weir_sleep(weir_ms(later_ms)), 0);
    assert_int_equal(weir_spawn(&scope, "asker", ask_and_note, late), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    noting = NULL;
    weir_stream_close(first.stream);
    weir_stream_close(second.stream);
    return second;
}

static bool held_by_burn(const struct asker *got, int64_t at_least_ns)
{
    return got->waited_ns >= at_least_ns && strcmp(got->held_by, "GET /burn") == 0;
}

/* The handler that holds the loop is named, whichever way the other exchange waits for the loop. The machine
 * decides whether the two meet, and whether the handler holds the loop longest or something else that is kept
 * off the CPU: so they are sent until they meet. */
static int meet_the_holder(struct rig *rig)
{
    struct asker got = {0};
    int tries = 0;

    rig->noted = note_record;
    do /* both heads are there, and one is begun first */
        got = ask_beside(rig, GET("/quick"), GET("/burn"), 0);
    while (!held_by_burn(&got, BURN_MS * 500000) && ++tries < TRIES);
    assert_true(tries < TRIES);
    do /* a timer is due while the loop is held; the handler parks a moment after it has set its timer */
        got = ask_beside(rig, GET("/nap"), GET("/burn"), 10);
    while ((!held_by_burn(&got, BURN_MS * 250000) || got.timer_ns < NAP_AT_LEAST_MS * INT64_C(1000000)) &&
           ++tries < TRIES);
    assert_true(tries < TRIES);
    assert_true(got.timer_ns <= got.took_ns - got.waited_ns);
    return 0;
}

static const weir_route routes[] = {
    {.path = "/nap", .handler = nap},
    {.path = "/burn", .handler = burn},
    {.path = "/quick", .handler = quick},
};

static void run_in_real_time(struct rig *rig)
{
    static const enum weir_io kinds[] = {WEIR_IO_EPOLL, WEIR_IO_URING};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        weir_options options = {.io = kinds[i]};
        if (io_is_here(kinds[i]))
            assert_int_equal(weir_run(&options, rig_main, rig), 0);
    }
}

static void who_holds_the_loop_is_named(void **state)
{
    struct rig rig = {
        .routes = routes, .route_count = sizeof routes / sizeof *routes, .test = meet_the_holder};

    (void)state;
    run_in_real_time(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_holds_the_loop_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
