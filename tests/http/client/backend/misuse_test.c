/* SPDX-License-Identifier: MIT */
/* Mistakes with backends end the program with a sentence; a backend that is left open does not keep the
 * runtime from ending; a request's time is charged to the name of its backend. */
#include "cluster.h"

#include "support/child.h"
#include "support/mistake.h"

static const char *const somewhere[] = {"http://127.0.0.1:1"};
static const weir_backend_options simple = {.name = "orders", .urls = somewhere, .url_count = 1};

/* --- elsewhere --- */

static weir_backend *backend_of_loop_0;

static int fetch_on_another_loop(void *arg)
{
    weir_reply reply;

    (void)arg;
    return weir_fetch(client_open(NULL), &(weir_fetch_options){.backend = backend_of_loop_0, .url = "/"},
                      &reply);
}

static int close_on_another_loop(void *arg)
{
    (void)arg;
    weir_backend_close(backend_of_loop_0);
    return 0;
}

static int fetch_elsewhere(void *arg)
{
    (void)arg;
    assert_int_equal(weir_backend_open(&simple, &backend_of_loop_0), 0);
    return weir_loop_call(1, "there", fetch_on_another_loop, NULL);
}

static int close_elsewhere(void *arg)
{
    (void)arg;
    assert_int_equal(weir_backend_open(&simple, &backend_of_loop_0), 0);
    return weir_loop_call(1, "there", close_on_another_loop, NULL);
}

/* --- in use, and closed --- */

static int serve_nothing(struct backend *b, weir_stream *s, int number)
{
    (void)b;
    (void)s;
    (void)number;
    return weir_sleep(weir_seconds(3600));
}

static int close_a_busy_one(void *arg)
{
    static struct cluster c;
    struct asking asking = {.cluster = &c};
    weir_scope scope;

    (void)arg;
    cluster_open(&c, 1, serve_nothing, NULL);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "asking", ask_once, &asking), 0);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    weir_backend_close(c.backend);
    return 0;
}

static int use_a_closed_one(void *arg)
{
    weir_backend *backend;
    weir_client *client = client_open(NULL);
    weir_reply reply;

    (void)arg;
    assert_int_equal(weir_backend_open(&simple, &backend), 0);
    weir_backend_close(backend);
    return weir_fetch(client, &(weir_fetch_options){.backend = backend, .url = "/"}, &reply);
}

static void mistakes_end_in_a_sentence(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = fetch_elsewhere, .said = {"weir_fetch() ", "a backend of loop 0"}, .loops = 2},
        {.fn = close_elsewhere, .said = {"weir_backend_close() ", "a backend of loop 0"}, .loops = 2},
        {.fn = close_a_busy_one, .said = {"weir_backend_close() of a backend with requests in progress"}},
        {.fn = use_a_closed_one, .said = {"weir_fetch() ", "a backend that is closed"}},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

/* --- left open --- */

static int leave_open(void *arg)
{
    static struct cluster c;

    (void)arg;
    cluster_open(&c, 1, serve_ok, &(weir_backend_options){.health.path = "/"});
    assert_int_equal(ask(&c, "/", NULL), 0);
    weir_client_close(c.client);
    for (int i = 0; i < c.count; i++)
        weir_event_set(&c.tasks[i].end);
    (void)weir_scope_close(&c.scope);
    return 0;
}

static int run_leaving(void *arg)
{
    return weir_run(&(weir_options){.io = *(enum weir_io *)arg}, leave_open, NULL);
}

static void one_that_is_left_open_is_reported_and_does_not_keep_the_runtime(void **state)
{
    enum weir_io types[] = {WEIR_IO_EPOLL, WEIR_IO_SIM, WEIR_IO_URING};
    char said[4096];

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0] && io_is_here(types[i]); i++) {
        assert_int_equal(run_in_child(run_leaving, &types[i], said, sizeof said), 0);
        assert_non_null(strstr(said, "backends left open at the end of weir_run() count=1 opened_at="));
    }
}

/* --- charges --- */

struct charged {
    struct cluster cluster;
    bool found;
};

static int pass_on(weir_request *req, weir_response *res, void *state)
{
    struct charged *c = weir_request_data(req);
    int err = ask(&c->cluster, "/", NULL);

    (void)state;
    return err < 0 ? err : weir_respond_text(res, 200, "ok");
}

static void look_for_charge(void *arg, const weir_exchange_record *record)
{
    struct charged *c = arg;
    weir_charge charges[WEIR_CHARGES_MAX];
    size_t n = weir_exchange_charges(record, charges);

    for (size_t i = 0; i < n; i++)
        c->found = c->found || (charges[i].category == WEIR_CHARGE_BACKEND && charges[i].name != NULL &&
                                strcmp(charges[i].name, "orders") == 0);
}

static int charged(void *arg)
{
    static struct charged c;
    weir_route route = {.path = "/", .handler = pass_on, .data = &c};
    weir_server_options options = {.listen = "127.0.0.1:0", .on_exchange = look_for_charge, .arg = &c};
    weir_server *server;
    char url[64];

    (void)arg;
    c.found = false;
    cluster_open(&c.cluster, 2, serve_ok, NULL);
    assert_int_equal(weir_server_open(&options, &route, 1, &server), 0);
    (void)snprintf(url, sizeof url, "http://%s/", weir_server_address(server, 0));
    get_ok(c.cluster.client, url);
    weir_server_close(server);
    assert_true(c.found);
    cluster_close(&c.cluster);
    return 0;
}

static void time_is_charged_to_the_name_of_the_backend(void **state)
{
    (void)state;
    run_simulated(1, charged, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_end_in_a_sentence),
        cmocka_unit_test(one_that_is_left_open_is_reported_and_does_not_keep_the_runtime),
        cmocka_unit_test(time_is_charged_to_the_name_of_the_backend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
