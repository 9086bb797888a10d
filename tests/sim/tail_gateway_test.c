/* SPDX-License-Identifier: MIT */
/* The same pages by the gateway's gather, from a configuration: what hedging gains there, and what it costs.
 */
#include "tail_world.h"

#include <errno.h>

#include "config/load.h"
#include "gateway/loop_state.h"
#include "gateway/tls_contexts.h"
#include "routes/table.h"

enum { SEEDS = 1, GATEWAY_PORT = 8080, REPLIES_BYTES = 1 << 28 };

struct gateway {
    struct config config;
    struct gateway_status status;
    struct tls_contexts tls; /* none */
    weir_event listening;
    weir_client *client; /* of the gateway */
};

static void write_config(char *text, size_t room, const char *backend)
{
    FILE *out = fmemopen(text, room, "w");

    assert_non_null(out);
    fprintf(out, "listen: 127.0.0.1:%d\nbackends:\n", GATEWAY_PORT);
    for (int i = 0; i < TAIL_CALLS; i++)
        fprintf(out, "  b%d: {urls: [\"http://127.0.0.1:%d\", \"http://127.0.0.1:%d\"]%s}\n", i,
                FIRST_PORT + i, FIRST_PORT + PORTS_EACH + i, backend);
    fprintf(out, "routes:\n  - path: \"/page/{page}\"\n    gather:\n      deadline: 10s\n      calls:\n");
    for (int i = 0; i < TAIL_CALLS; i++)
        fprintf(out, "        - {name: c%d, backend: b%d, path: \"/item/{page}\"}\n", i, i);
    fclose(out);
}

static void read_config(struct gateway *g, const char *backend)
{
    static char text[8192];
    struct config_faults faults;

    write_config(text, sizeof text, backend);
    config_faults_open(&faults, "tail_gateway_test");
    assert_int_equal(config_parse(&g->config, text, strlen(text), &route_kinds, &faults), 0);
}

/* --- the gateway --- */

static void *open_loop(void *arg, weir_server *server)
{
    struct gateway *g = arg;

    gateway_status_runs(&g->status, weir_runtime_here(), server);
    return loop_state_open(&g->config, &g->status, &g->tls, NULL, NULL, NULL, REPLIES_BYTES);
}

static void gateway_listens(void *arg, weir_server *server)
{
    struct gateway *g = arg;

    (void)server;
    weir_event_set(&g->listening);
}

static int gateway_run(void *arg)
{
    struct gateway *g = arg;
    const struct config_route *route = &g->config.routes[0];
    weir_server_options options = {.listen = g->config.listen[0].text,
                                   .drain = weir_seconds(1),
                                   .setup = open_loop,
                                   .teardown = loop_state_close,
                                   .on_listening = gateway_listens,
                                   .arg = g};
    weir_route routes[] = {
        {.path = route->path, .handler = loop_state_answer, .data = (void *)(uintptr_t)route}};

    return weir_server_run(&options, routes, 1);
}

/* --- its client --- */

static int get_page(struct world *w, uint64_t number, void *arg)
{
    struct gateway *g = arg;
    char url[64];
    weir_reply reply;
    int err;

    (void)w;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/page/%llu", GATEWAY_PORT, (unsigned long long)number);
    err = weir_get(g->client, url, &reply);
    if (err < 0)
        return err;
    if (reply.status != 200 || weir_reply_header(&reply, "x-weir-partial") != NULL)
        err = -EIO;
    weir_reply_free(&reply);
    return err;
}

static int whole_world(void *arg)
{
    struct world *w = arg;
    struct gateway *g = w->arg;
    weir_client_options many = {.connections_per_origin = 4096};
    weir_scope scope;

    weir_event_init(&g->listening);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    instances_open(w, &scope);
    assert_int_equal(weir_spawn(&scope, "gateway", gateway_run, g), 0);
    assert_int_equal(weir_event_wait(&g->listening), 0);
    assert_int_equal(weir_client_open(&many, &g->client), 0);

    w->ask = get_page;
    world_measure(w);

    weir_client_close(g->client);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    assert_true(only_first_task_is_left(weir__loop_current()));
    return 0;
}

static struct figures figures_with(const char *backend)
{
    struct gateway g = {0};
    struct world w = {.instances = 2, .measured_s = measured_s(30), .slower = 1, .arg = &g};
    struct figures figures;

    gateway_status_init(&g.status);
    read_config(&g, backend);
    figures = figures_of(&w, whole_world, seed_first(), seed_last(SEEDS));
    config_free(&g.config);
    gateway_status_end(&g.status);
    return figures;
}

static void test_halves_the_tail_for_five_percent_more(void **state)
{
    struct figures without = figures_with("");
    struct figures with = figures_with(", hedge: {after: p95, extra: 5%}");

    (void)state;
    assert_true(without.more == 0 && without.failed == 0 && with.failed == 0);
    EXPECT(fabs(without.p99_ms * 1e6 / (double)tail_page_p99_ns() - 1) < 0.2);
    EXPECT(with.p99_ms * 1e6 <= 0.56 * (double)tail_page_p99_ns());
    EXPECT(with.more > 0.04 && with.more <= 0.053);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halves_the_tail_for_five_percent_more),
    };

    return cmocka_run_group_tests_name("tail of a gateway", tests, NULL, NULL);
}
