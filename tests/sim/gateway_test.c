/* SPDX-License-Identifier: MIT */
/* Clients, a gateway with a gather route, and misbehaving backends, in one process over a network with loss,
 * delays and resets. Each seed is another run. In all of them each request gets exactly one right answer, in
 * time, and nothing is left in the end. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/load.h"
#include "config/route_kind.h"
#include "core/loop.h"
#include "core/scope.h"
#include "io/sim/sim.h"
#include "routes/table.h"
#include "support/left.h"
#include "support/run.h"

#if defined(__SANITIZE_THREAD__)
enum { SEEDS = 20 }; /* each task is a fiber of TSan's, which is slow to make */
#else
enum { SEEDS = 40 };
#endif
enum { CLIENTS = 6, REQUESTS = 8, CALLS = 4, DEADLINE_MS = 300, GATEWAY_PORT = 8080, ROGUE = 3 };

static const char configuration[] =
    "listen: 127.0.0.1:8080\n"
    "routes:\n"
    "  - path: /page/{id}\n"
    "    gather:\n"
    "      deadline: 300ms\n"
    "      require: none\n"
    "      calls:\n"
    "        - {name: a, url: \"http://127.0.0.1:7100/item/{id}\"}\n"
    "        - {name: b, url: \"http://127.0.0.1:7101/item/{id}\", deadline: 100ms}\n"
    "        - {name: c, url: \"http://127.0.0.1:7102/item/{id}\"}\n"
    "        - {name: d, url: \"http://127.0.0.1:7103/item/{id}\"}\n";

static const char *const names[CALLS] = {"a", "b", "c", "d"};

struct world {
    uint64_t seed;
    bool clients_suffer; /* the network between clients and gateway has faults, too */
    struct config config;
    weir_event listening[CALLS + 1]; /* of the backends, and of the gateway */
    int sent, answered, broken, left;
    int exchanges, whole; /* as the gateway counts them: all, and those answered to the end */
    int outcomes[2];      /* calls that succeeded, calls that failed */
};

#define CHECK(w, truth)                                                                                      \
    do {                                                                                                     \
        if (!(truth))                                                                                        \
            fail_msg("seed %llu%s, %s:%d: %s", (unsigned long long)(w)->seed,                                \
                     (w)->clients_suffer ? " (clients suffer)" : "", __FILE__, __LINE__, #truth);            \
    } while (0)

static bool chance(unsigned percent)
{
    return weir_random_below(100) < percent;
}

/* --- backends --- */

struct backend {
    struct world *world;
    int index;
};

static void backend_listening(void *arg, weir_server *server)
{
    struct backend *b = arg;

    (void)server;
    weir_event_set(&b->world->listening[b->index]);
}

/* A backend whose answers are right, but that is slow, fails or is silent now and then. */
static int item(weir_request *req, weir_response *res, void *state)
{
    const struct backend *b = weir_request_data(req);
    char body[128];
    int err = weir_sleep(weir_us((int64_t)weir_random_below(chance(10) ? 2000000 : 50000)));

    (void)state;
    if (err < 0)
        return err;
    snprintf(body, sizeof body, "{\"backend\":\"%s\",\"id\":\"%s\"}", names[b->index],
             weir_request_param(req, "id"));
    if (chance(5))
        return weir_respond_fault(res, 500, "broken", "this backend is broken");
    if (chance(5)) { /* fewer bytes than announced, then a reset */
        err = weir_respond_begin(res, 200, "application/json", (int64_t)strlen(body));
        return err < 0 ? err : weir_respond_write(res, body, strlen(body) / 2);
    }
    if (chance(30)) { /* chunked */
        err = weir_respond_begin(res, 200, "application/json", -1);
        for (const char *at = body; err == 0 && *at != '\0'; at++)
            err = weir_respond_write(res, at, 1);
        return err;
    }
    return weir_respond_bytes(res, 200, "application/json", body, strlen(body));
}

static int honest_backend(void *arg)
{
    struct backend *b = arg;
    char address[32];
    weir_server_options options = {
        .listen = address, .drain = weir_seconds(1), .on_listening = backend_listening, .arg = b};
    weir_route route = {.path = "/item/{id}", .handler = item, .data = b};

    snprintf(address, sizeof address, "127.0.0.1:%d", 7100 + b->index);
    return weir_server_run(&options, &route, 1);
}

/* The answer of a rogue backend to a request with this id; now and then it is right. */
static int rogue_answer(char *out, size_t room, const char *id)
{
    char body[128], whole[512];
    int n = snprintf(body, sizeof body, "{\"backend\":\"d\",\"id\":\"%s\"}", id);

    snprintf(whole, sizeof whole,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", n, body);
    switch (weir_random_below(9)) {
    case 0: /* two answers, the second without a request */
        return snprintf(out, room,
                        "%sHTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n"
                        "{\"id\":\"x\"}",
                        whole);
    case 1: /* half an answer */
        return snprintf(out, room, "%.*s", (int)strlen(whole) - 7, whole);
    case 2:
        return snprintf(out, room, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
    case 3: /* two lengths */
        return snprintf(out, room, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}}");
    case 4: /* nothing at all */
        return 0;
    case 5:
        return snprintf(out, room, "HTTP/1.1 100 Continue\r\n\r\n%s", whole);
    default:
        return snprintf(out, room, "%s", whole);
    }
}

static int rogue_connection(void *arg)
{
    weir_stream *stream = arg;
    char in[2048], out[1024], id[64];
    size_t len = 0;
    ssize_t n;

    while ((n = weir_read(stream, in + len, sizeof in - len - 1)) > 0) {
        char *end;
        len += (size_t)n;
        in[len] = '\0';
        end = strstr(in, "\r\n\r\n");
        if (end == NULL)
            continue;
        if (sscanf(in, "GET /item/%63[^ ]", id) != 1 ||
            weir_sleep(weir_ms((int64_t)weir_random_below(30))) < 0)
            break;
        len = 0;
        n = rogue_answer(out, sizeof out, id);
        if ((n > 0 && weir_write(stream, out, (size_t)n) < 0) || chance(20))
            break;
    }
    if (chance(50))
        weir_stream_abort(stream);
    else
        weir_stream_close(stream);
    return 0;
}

static int rogue_backend(void *arg)
{
    struct backend *b = arg;
    weir_listener *listener;
    weir_stream *stream;
    weir_scope scope;
    int err = weir_listen("127.0.0.1:7103", &listener);

    CHECK(b->world, err == 0);
    weir_event_set(&b->world->listening[b->index]);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    while ((err = weir_accept(listener, &stream)) == 0 || err == -EMFILE)
        if (err == 0 && weir_spawn(&scope, "rogue", rogue_connection, stream) < 0)
            weir_stream_close(stream);
    weir_listener_close(listener);
    return weir_scope_close(&scope);
}

/* --- the gateway: as app/gateway/gateway.c, of one route, inside this runtime --- */

static void gateway_listening(void *arg, weir_server *server)
{
    struct world *w = arg;

    (void)server;
    weir_event_set(&w->listening[CALLS]);
}

static void gateway_exchange(void *arg, const weir_exchange_record *record)
{
    struct world *w = arg;
    weir_charge charges[WEIR_CHARGES_MAX];
    int64_t sum_ns = 0;

    for (size_t i = weir_exchange_charges(record, charges); i-- > 0;)
        sum_ns += charges[i].share.ns;
    CHECK(w, sum_ns == record->took.ns);
    w->exchanges++;
    w->whole += record->complete;
}

struct gateway_state {
    weir_client *client;
    struct route_loop loop;
    void *route;
};

static void *open_gateway(void *arg, weir_server *server)
{
    struct world *w = arg;
    struct gateway_state *g = calloc(1, sizeof *g);

    (void)server;
    CHECK(w, g != NULL && weir_client_open(NULL, &g->client) == 0);
    g->loop.client = g->client;
    CHECK(w, w->config.routes[0].kind->open(&w->config.routes[0], &g->loop, &g->route) == 0);
    return g;
}

static void close_gateway(void *state)
{
    struct gateway_state *g = state;

    free(g->route);
    weir_client_close(g->client);
    free(g);
}

static int gather(weir_request *req, weir_response *res, void *state)
{
    const struct config_route *route = weir_request_data(req);

    return route->kind->handle(req, res, ((struct gateway_state *)state)->route);
}

static int gateway(void *arg)
{
    struct world *w = arg;
    const struct config_route *route = &w->config.routes[0];
    weir_server_options options = {.listen = w->config.listen[0].text,
                                   .drain = weir_seconds(1),
                                   .setup = open_gateway,
                                   .teardown = close_gateway,
                                   .on_listening = gateway_listening,
                                   .on_exchange = gateway_exchange,
                                   .arg = w};
    weir_route routes[] = {{.path = route->path, .handler = gather, .data = (void *)(uintptr_t)route}};

    return weir_server_run(&options, routes, 1);
}

/* --- clients --- */

static bool is_known_error(const char *error)
{
    static const char *const known[] = {"deadline exceeded", "connect failed",  "connection closed",
                                        "bad response",      "reply too large", "busy"};

    for (size_t i = 0; error != NULL && i < sizeof known / sizeof *known; i++)
        if (strcmp(error, known[i]) == 0)
            return true;
    return false;
}

static bool is_text(const json_t *value, const char *expected)
{
    const char *text = json_string_value(value);

    return text != NULL && strcmp(text, expected) == 0;
}

/* The rogue's answer without a request. If it comes once the next request is on its way, HTTP/1.1 has no
 * means to tell it from that request's answer. */
static bool is_unasked(int index, json_t *body)
{
    return index == ROGUE && json_object_size(body) == 1 && is_text(json_object_get(body, "id"), "x");
}

/* Checks one member of the answer: what this backend answers to this id, or a failure in words. */
static bool check_call(struct world *w, int index, json_t *call, const char *id)
{
    const char *error = json_string_value(json_object_get(call, "error"));
    int status = (int)json_integer_value(json_object_get(call, "status"));
    json_t *body = json_object_get(call, "body");

    CHECK(w, (error != NULL) != (status != 0));
    if (error != NULL) {
        CHECK(w, is_known_error(error));
        return false;
    }
    CHECK(w, status == 200 || status == 500);
    if (status == 500)
        return false;
    if (is_unasked(index, body))
        return true;
    CHECK(w, is_text(json_object_get(body, "backend"), names[index]));
    CHECK(w, is_text(json_object_get(body, "id"), id));
    return true;
}

static void check_answer(struct world *w, const weir_reply *reply, const char *id)
{
    json_error_t fault;
    json_t *answer = json_loadb(reply->body, reply->body_bytes, JSON_REJECT_DUPLICATES, &fault);
    const char *partial = weir_reply_header(reply, "x-weir-partial");
    char expected[16];
    int good = 0, i = 0;
    const char *name;
    json_t *call;

    CHECK(w, reply->status == 200);
    CHECK(w, answer != NULL && json_object_size(answer) == CALLS);
    json_object_foreach(answer, name, call)
    {
        CHECK(w, strcmp(name, names[i]) == 0);
        good += check_call(w, i, call, id);
        i++;
    }
    snprintf(expected, sizeof expected, "%d/%d", good, CALLS);
    CHECK(w, good == CALLS ? partial == NULL : partial != NULL && strcmp(partial, expected) == 0);
    w->outcomes[0] += good;
    w->outcomes[1] += CALLS - good;
    json_decref(answer);
}

struct client {
    struct world *world;
    int index;
    weir_client *http;
};

/* Asks; some lose timeouts long before there can be an answer. */
static void ask(struct client *c, int number)
{
    struct world *w = c->world;
    bool leaves = chance(15);
    weir_instant start = weir_now();
    char id[32], url[64];
    weir_reply reply;
    weir_scope scope;
    int err;

    snprintf(id, sizeof id, "%d-%d", c->index, number);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/page/%s", GATEWAY_PORT, id);
    weir_scope_open(&scope, weir_after_ms(leaves ? (int64_t)weir_random_below(60) : 20000), 0);
    w->sent++;
    err = weir_get(c->http, url, &reply);
    (void)weir_scope_close(&scope);
    if (err == 0) {
        w->answered++;
        check_answer(w, &reply, id);
        weir_reply_free(&reply);
        CHECK(w, w->clients_suffer || weir_between(start, weir_now()).ns < weir_ms(DEADLINE_MS + 20).ns);
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

    for (int i = 0; i < REQUESTS; i++) {
        ask(c, i);
        CHECK(c->world, weir_sleep(weir_ms((int64_t)weir_random_below(200))) == 0);
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
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.world = w, .index = i, .http = http};
        CHECK(w, weir_spawn(&scope, "client", client, &clients[i]) == 0);
    }
    CHECK(w, weir_scope_close(&scope) == 0);
    weir_client_close(http);
}

/* --- the whole --- */

static void make_network(struct world *w)
{
    struct weir__io *io = weir__loop_current()->io;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(GATEWAY_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct weir__sim_options rough = weir__sim_rough(), calm = weir__sim_calm();

    if (!w->clients_suffer)
        rough.accept_emfile_per_million = 0;
    weir__sim_configure(io, &rough);
    if (!w->clients_suffer)
        weir__sim_configure_address(io, (struct sockaddr *)&to, sizeof to, &calm);
}

static void check_nothing_left(struct world *w)
{
    struct weir__loop *loop = weir__loop_current();
    struct weir__sim_stats stats = weir__sim_stats(loop->io);

    CHECK(w, loop->stacks.count - loop->stacks.idle_count == 1); /* this task */
    CHECK(w, only_first_task_is_left(loop));
    CHECK(w, loop->wheel.count == 0);
    CHECK(w, stats.open_files == 0);
    CHECK(w, stats.pending_ops == 0);
    CHECK(w, stats.lent == 0);
}

static int whole_world(void *arg)
{
    struct world *w = arg;
    struct backend backends[CALLS];
    weir_scope scope;

    make_network(w);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < CALLS; i++) {
        backends[i] = (struct backend){w, i};
        weir_event_init(&w->listening[i]);
        CHECK(w,
              weir_spawn(&scope, "backend", i == ROGUE ? rogue_backend : honest_backend, &backends[i]) == 0);
    }
    weir_event_init(&w->listening[CALLS]);
    CHECK(w, weir_spawn(&scope, "gateway", gateway, w) == 0);
    for (int i = 0; i <= CALLS; i++)
        CHECK(w, weir_event_wait(&w->listening[i]) == 0);

    run_clients(w);

    weir_scope_cancel(&scope);
    weir_scope_close(&scope);
    CHECK(w, w->sent == CLIENTS * REQUESTS && w->answered + w->broken + w->left == w->sent);
    CHECK(w, w->whole >= w->answered); /* an answer that the gateway has sent whole may be lost on its way */
    if (!w->clients_suffer)
        CHECK(w, w->exchanges <= w->sent && w->exchanges >= w->answered);
    check_nothing_left(w);
    return 0;
}

static void read_configuration(struct world *w)
{
    struct config_faults faults;

    config_faults_open(&faults, "gateway_test");
    assert_int_equal(config_parse(&w->config, configuration, strlen(configuration), &route_kinds, &faults),
                     0);
    assert_int_equal(w->config.route_count, 1);
}

static void run_seeds(bool clients_suffer)
{
    const int seeds = (int)seed_count(SEEDS);
    int succeeded = 0, failed = 0, left = 0;

    for (uint64_t seed = seed_first(); seed <= seed_last(SEEDS); seed++) {
        struct world w = {.seed = seed, .clients_suffer = clients_suffer};
        read_configuration(&w);
        run_simulated(seed, whole_world, &w);
        config_free(&w.config);
        succeeded += w.outcomes[0];
        failed += w.outcomes[1];
        left += w.left;
    }
    /* All seeds together must have met each of these. */
    if (!seed_is_alone()) {
        assert_true(succeeded > seeds * REQUESTS);
        assert_true(failed > seeds * REQUESTS);
        assert_true(left > seeds);
    }
}

static void test_backends_misbehave(void **state)
{
    (void)state;
    run_seeds(false);
}

static void test_clients_suffer_too(void **state)
{
    (void)state;
    run_seeds(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backends_misbehave),
        cmocka_unit_test(test_clients_suffer_too),
    };

    return cmocka_run_group_tests_name("gateway", tests, NULL, NULL);
}
