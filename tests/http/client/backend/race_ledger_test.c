/* SPDX-License-Identifier: MIT */
/* What the attempts of a request cost the exchange that made it: each has its own name, and waiting is not
 * taken for something else. */
#include "attempts_rig.h"

#include "http/server/server_rig.h"

static struct cluster cluster;

static struct {
    int64_t first, hedge, retry, ready, all;
} shares;

static int page(weir_request *req, weir_response *res, void *state)
{
    struct asked asked = ask_for(&cluster, "GET");

    (void)req, (void)state;
    assert_int_equal(asked.err, 0);
    return weir_respond_text(res, 200, asked.body);
}

static void note_shares(struct rig *rig, const weir_exchange_record *record)
{
    memset(&shares, 0, sizeof shares);
    shares.all = record->took.ns;
    for (size_t i = 0; i < rig->charge_count; i++) {
        const weir_charge *c = &rig->charges[i];
        if (c->category == WEIR_CHARGE_READY)
            shares.ready += c->share.ns;
        if (c->category != WEIR_CHARGE_BACKEND || c->name == NULL)
            continue;
        shares.first += strcmp(c->name, "orders") == 0 ? c->share.ns : 0;
        shares.hedge += strcmp(c->name, "orders (hedge)") == 0 ? c->share.ns : 0;
        shares.retry += strcmp(c->name, "orders (retry)") == 0 ? c->share.ns : 0;
    }
}

static void ask_page(struct rig *rig)
{
    static char text[4096];
    weir_stream *s = rig_connect(rig);

    rig_send(s, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(s, text, sizeof text), 200);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    weir_stream_close(s);
}

static int charged(struct rig *rig)
{
    weir_backend_options options = hedging();

    options.retry = (weir_retry_options){.on = WEIR_RETRY_502, .extra_percent = 100};
    cluster_open(&cluster, 2, serve_by_plan, &options);
    fill_budget(&cluster);
    plan[0] = (struct answer){.then = HANGS};
    plan[1] = (struct answer){.after_us = 40000, .text = ANSWER("b!")};
    ask_page(rig);
    assert_in_range(shares.all, 50000000, 60000000);
    assert_in_range(shares.first, 28000000, 36000000); /* 10 ms alone, and half of 40 */
    assert_in_range(shares.hedge, 18000000, 24000000);
    assert_true(shares.ready < 1000000);
    plan[0] = (struct answer){.after_us = 5000, .text = FAILED("502")};
    ask_page(rig);
    assert_in_range(shares.first, 5000000, 8000000);
    assert_in_range(shares.retry, 40000000, 45000000);
    until_at_rest(&cluster);
    cluster_close(&cluster);
    return 0;
}

static void each_attempt_is_charged_by_its_name(void **state)
{
    const weir_route routes[] = {{.path = "/page", .handler = page}};

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(5); seed++) {
        struct rig rig = {.routes = routes, .route_count = 1, .test = charged, .noted = note_shares};
        run_simulated(seed, rig_main, &rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_attempt_is_charged_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
