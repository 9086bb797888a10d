/* SPDX-License-Identifier: MIT */
/* The admin address of a supervisor: what changes something there, and another configuration. */
#include "app/admin/many_rig.h"

static int what_changes_something_must_be_meant(void *arg)
{
    const weir_header meant = {"X-Weir-Action", "1"};
    const weir_header foreign[] = {{"X-Weir-Action", "1"}, {"Host", "evil.example"}};
    static const char *const paths[] = {"/reload", "/drain"};
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};

    (void)arg;
    begin(&w, &scope, 1);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ask_with(&w, (weir_fetch_options){.url = paths[i]}, &reply), 405);
        assert_int_equal(ask_with(&w, (weir_fetch_options){.url = paths[i], .method = "POST"}, &reply), 403);
        assert_int_equal(
            ask_with(&w,
                     (weir_fetch_options){
                         .url = paths[i], .method = "POST", .headers = foreign, .header_count = 2},
                     &reply),
            403);
    }
    assert_true(w.reloads == 0 && w.drains == 0);
    assert_int_equal(ask_with(&w,
                              (weir_fetch_options){
                                  .url = "/reload", .method = "POST", .headers = &meant, .header_count = 1},
                              &reply),
                     200);
    assert_string_equal(reply.body, "reloaded: 2 routes\n");
    w.reload_result = -WEIR_ECONFIG;
    assert_int_equal(ask_with(&w,
                              (weir_fetch_options){
                                  .url = "/reload", .method = "POST", .headers = &meant, .header_count = 1},
                              &reply),
                     422);
    assert_string_equal(reply.body, "gateway.yaml:3:4: unknown key 'rout'\n");
    w.reload_result = -WEIR_ECLOSED; /* it drains */
    assert_int_equal(ask_with(&w,
                              (weir_fetch_options){
                                  .url = "/reload", .method = "POST", .headers = &meant, .header_count = 1},
                              &reply),
                     409);
    assert_string_equal(reply.body, "gateway.yaml:3:4: unknown key 'rout'\n"); /* in its words */
    assert_int_equal(
        ask_with(
            &w, (weir_fetch_options){.url = "/drain", .method = "POST", .headers = &meant, .header_count = 1},
            &reply),
        200);
    assert_true(w.reloads == 3 && w.drains == 1);
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

/* Asks for a reload that takes longer than its client stays. */
static void reload_and_leave(struct world *w)
{
    const weir_header meant = {"X-Weir-Action", "1"};
    weir_reply reply = {0};
    weir_scope leaving;

    weir_scope_open(&leaving, weir_after_ms(300), 0);
    assert_true(weir_fetch(w->client,
                           &(weir_fetch_options){.url = "http://localhost/reload",
                                                 .address = w->admin,
                                                 .method = "POST",
                                                 .headers = &meant,
                                                 .header_count = 1},
                           &reply) < 0);
    (void)weir_scope_close(&leaving);
}

/* The client leaves; what it asked for is done. */
static int a_reload_is_not_cancelled(void *arg)
{
    struct world w;
    weir_scope scope;

    (void)arg;
    begin(&w, &scope, 1);
    w.slow_reload = true;
    reload_and_leave(&w);
    while (w.reloads == 0)
        assert_int_equal(weir_sleep(weir_ms(20)), 0);
    end(&w, &scope);
    return 0;
}

/* The configuration is freed behind closing: nothing may use it any more. */
static int closing_waits_for_what_cannot_be_cancelled(void *arg)
{
    struct world w;
    weir_scope scope;

    (void)arg;
    begin(&w, &scope, 1);
    w.stubborn_reload = true;
    reload_and_leave(&w);
    admin_of_many_close(w.many);
    w.many = NULL;
    assert_int_equal(w.reloads, 1); /* it is over */
    end(&w, &scope);
    return 0;
}

/* Clients that ask and leave have no more than so many reloads wait. */
static int reloads_that_wait_are_limited(void *arg)
{
    enum { ASKED = 20, WAIT_AT_MOST = 16 };
    const weir_header meant = {"X-Weir-Action", "1"};
    struct world w;
    weir_scope scope;
    int refused = 0;

    (void)arg;
    begin(&w, &scope, 1);
    w.slow_reload = true;
    for (int i = 0; i < ASKED; i++) {
        weir_reply reply = {0};
        weir_scope leaving;
        weir_scope_open(&leaving, weir_after_ms(50), 0);
        if (weir_fetch(w.client,
                       &(weir_fetch_options){.url = "http://localhost/reload",
                                             .address = w.admin,
                                             .method = "POST",
                                             .headers = &meant,
                                             .header_count = 1},
                       &reply) == 0)
            refused += reply.status == 503;
        (void)weir_scope_close(&leaving);
        weir_reply_free(&reply);
    }
    assert_int_equal(refused, ASKED - WAIT_AT_MOST);
    while (w.reloads < WAIT_AT_MOST)
        assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    end(&w, &scope);
    return 0;
}

static int another_configuration_may_have_another_address(void *arg)
{
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};
    char before[64];

    (void)arg;
    begin(&w, &scope, 1);
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 1\n");
    strcpy(before, w.admin);
    parse(&w.other, w.fakes[0].is.address, "  - {path: /b, respond: {body: a}}\n"); /* it is taken */
    assert_true(admin_of_many_configure(w.many, &w.other) < 0);
    has(ask(&w, "/stats", &reply), "\"route\":\"/a\""); /* all is as before */
    config_free(&w.other);
    snprintf(w.admin, sizeof w.admin, "unix:%s/other", w.folder);
    parse(&w.other, w.admin, "  - {path: /b, respond: {body: a}}\n");
    assert_int_equal(admin_of_many_configure(w.many, &w.other), 0);
    has(ask(&w, "/stats", &reply), "\"route\":\"/b\"");
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 1\n");
    weir_reply_free(&reply);
    assert_true(weir_fetch(w.client,
                           &(weir_fetch_options){.url = "http://localhost/healthz", .address = before},
                           &reply) < 0 ||
                reply.status == 200); /* it may still drain */
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

/* --- the table --- */

TEST(what_changes_something_must_be_meant)
TEST(a_reload_is_not_cancelled)
TEST(closing_waits_for_what_cannot_be_cancelled)
TEST(reloads_that_wait_are_limited)
TEST(another_configuration_may_have_another_address)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_changes_something_must_be_meant),
        cmocka_unit_test(test_a_reload_is_not_cancelled),
        cmocka_unit_test(test_closing_waits_for_what_cannot_be_cancelled),
        cmocka_unit_test(test_reloads_that_wait_are_limited),
        cmocka_unit_test(test_another_configuration_may_have_another_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
