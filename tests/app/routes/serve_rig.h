/* SPDX-License-Identifier: MIT */
/* A serve route between clients and the processes of an application, all in one run. The processes are raw
 * servers at the Unix sockets that the supervisor would have given them.
 *
 * Threading: all of it is one loop's.
 */
#ifndef TEST_APP_ROUTES_SERVE_RIG_H
#define TEST_APP_ROUTES_SERVE_RIG_H

#include <sys/stat.h>
#include <unistd.h>

#include "app/routes/wanted.h"
#include "apps/queue.h"
#include "config/load.h"
#include "config/route_kind.h"
#include "http/client/client_rig.h"
#include "http/server/server_rig.h"
#include "routes/table.h"
#include "support/torture.h"

enum { PROCESSES_MAX = 3, LARGE_BYTES = 200000, HUGE_BYTES = 1 << 20, WORLD_ROOM = 2 << 20 };

struct world {
    struct rig rig;       /* first; the gateway */
    const char *settings; /* of the application, behind its command */
    const char *path;     /* of the route; NULL: all */
    const char *route;    /* the value of serve; NULL: shop */
    int processes;
    int (*test)(struct world *w);
    int (*answer)(struct world *w, int process, weir_stream *s); /* to a request; NULL: world_answer() */
    void (*noted)(struct rig *rig, const weir_exchange_record *record); /* with each exchange; or NULL */
    void *data;
    struct torture *torture;
    const char *request, *wanted; /* for a test that is tortured */

    struct config config;
    struct route_loop loop;
    void *state;
    struct backend process[PROCESSES_MAX];
    char folder[32];
    int fd;
    weir_shared *shared;
    struct app_gate *gate;
    struct app_queue *queue;
};

static inline struct app_block *world_block(struct world *w)
{
    return w->gate->apps[0].block;
}

static inline int world_in_flight(struct world *w)
{
    int sum = 0;

    for (int i = 0; i < PROCESSES_MAX; i++)
        sum += weir_shared_count_sum(w->shared, &world_block(w)->in_flight[i]);
    return sum;
}

static inline int world_waiting(struct world *w)
{
    return weir_shared_count_sum(w->shared, &world_block(w)->waiting);
}

/* --- what processes answer --- */

static inline int send_filled(weir_stream *s, size_t bytes)
{
    char piece[4096];
    int err = 0;

    memset(piece, 'x', sizeof piece);
    for (size_t sent = 0; err == 0 && sent < bytes; sent += sizeof piece)
        err = weir_write(s, piece, bytes - sent < sizeof piece ? bytes - sent : sizeof piece);
    return err;
}

static inline int send_measured(weir_stream *s, size_t bytes)
{
    char head[80];

    (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\ncontent-length: %zu\r\n\r\n", bytes);
    return send_text(s, head) < 0 ? -EPIPE : send_filled(s, bytes);
}

static inline int send_chunked(weir_stream *s, const char *type, int chunks, weir_duration pause)
{
    char head[120], piece[5000];
    int err;

    memset(piece, 'x', sizeof piece);
    (void)snprintf(head, sizeof head,
                   "HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n", type);
    err = send_text(s, head);
    for (int i = 0; err == 0 && i < chunks; i++) {
        err = send_text(s, "1388\r\n");
        if (err == 0)
            err = weir_write(s, piece, sizeof piece);
        if (err == 0)
            err = send_text(s, "\r\n");
        if (err == 0 && pause.ns > 0)
            err = weir_sleep(pause);
    }
    return err == 0 ? send_text(s, "0\r\nx-sum: 1\r\n\r\n") : err;
}

/* Reads the rest of a body of 5 bytes, or as much as the request announces, and echoes its length. */
static inline int take_body(struct backend *b, weir_stream *s)
{
    const char *length = strcasestr(b->request, "content-length: ");
    size_t want = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
    size_t have = strlen(strstr(b->request, "\r\n\r\n") + 4);
    char piece[4096];

    while (have < want) {
        ssize_t n = weir_read(s, piece, sizeof piece);
        if (n <= 0)
            return -ECONNRESET;
        have += (size_t)n;
    }
    return send_text(s, OK_ANSWER);
}

static inline int talk(weir_stream *s)
{
    char data[16];
    ssize_t n;

    if (send_text(s, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n") < 0)
        return -EPIPE;
    while ((n = weir_read(s, data, sizeof data)) > 0)
        if (weir_write(s, data, (size_t)n) < 0)
            break;
    return -ECONNRESET;
}

static inline int show_head(struct backend *b, weir_stream *s)
{
    char head[80];

    (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\ncontent-length: %zu\r\n\r\n", strlen(b->request));
    return send_text(s, head) < 0 ? -EPIPE : send_text(s, b->request);
}

/* Answers one request. Returns: < 0: the connection is to be closed. */
static inline int world_answer(struct backend *b, weir_stream *s)
{
    const char *path = strchr(b->request, ' ') + 1;

    if (strncmp(path, "/large ", 7) == 0)
        return send_measured(s, LARGE_BYTES);
    if (strncmp(path, "/huge ", 6) == 0)
        return send_measured(s, HUGE_BYTES);
    if (strncmp(path, "/chunked ", 9) == 0)
        return send_chunked(s, "text/plain", LARGE_BYTES / 5000, weir_ms(0));
    if (strncmp(path, "/events ", 8) == 0)
        return send_chunked(s, "text/event-stream", 5, weir_seconds(1));
    if (strncmp(path, "/slow ", 6) == 0)
        return weir_sleep(weir_ms(100)) < 0 ? -ECONNRESET : send_text(s, OK_ANSWER);
    if (strncmp(path, "/body ", 6) == 0)
        return take_body(b, s);
    if (strncmp(path, "/chat ", 6) == 0)
        return talk(s);
    if (strncmp(path, "/head ", 6) == 0)
        return show_head(b, s);
    if (strncmp(path, "/die ", 5) == 0)
        return -ECONNRESET;
    if (strncmp(path, "/die-in-body ", 13) == 0)
        return (void)send_text(s, "HTTP/1.1 200 OK\r\nx-own: 1\r\ncontent-length: 100\r\n\r\nabc"),
               -ECONNRESET;
    if (strncmp(path, "/die-in-chunks ", 15) == 0)
        return (void)send_text(s, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"),
               -ECONNRESET;
    return send_text(s, OK_ANSWER);
}

static inline int world_serve(struct backend *b, weir_stream *s, int number)
{
    struct world *w = b->arg;
    int err = 0;

    (void)number;
    while (err >= 0 && read_request(b, s) > 0)
        err = w->answer != NULL ? w->answer(w, (int)(b - w->process), s) : world_answer(b, s);
    return 0;
}

/* --- clients --- */

/* Sends a request; the answer is left to be read. */
static inline weir_stream *world_send(struct world *w, const char *request)
{
    weir_stream *s = rig_connect(&w->rig);

    rig_send(s, request);
    return s;
}

/* Reads an answer to the end of the connection. */
static inline char *world_read(weir_stream *s)
{
    char *text = calloc(1, WORLD_ROOM);
    size_t len = 0;
    ssize_t n;

    while ((n = weir_read(s, text + len, WORLD_ROOM - 1 - len)) > 0)
        len += (size_t)n;
    weir_stream_close(s);
    return text;
}

/* Asks, and checks that what is wanted is in the answer. */
static inline void world_ask(struct world *w, const char *target, const char *wanted)
{
    char request[256];
    char *text;

    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n",
                   target);
    text = world_read(world_send(w, request));
    if (strcasestr(text, wanted) == NULL)
        fail_msg("no '%s' in the answer to %s: %s", wanted, target, text);
    free(text);
}

/* Waits until as many requests have a place. */
static inline void world_await(struct world *w, int in_flight)
{
    while (world_in_flight(w) != in_flight)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
}

/* --- the gateway --- */

static inline void *world_open_gateway(void *arg, weir_server *server)
{
    struct world *w = arg;
    const weir_client_options none = {0};

    (void)server;
    assert_int_equal(app_queue_open(&w->gate->apps[0], &none, &w->queue), 0);
    w->loop = (struct route_loop){.config = &w->config, .apps = &w->queue};
    assert_int_equal(weir_client_open(NULL, &w->loop.client), 0);
    assert_int_equal(w->config.routes[0].kind->open(&w->config.routes[0], &w->loop, &w->state), 0);
    return w;
}

static inline void world_close_gateway(void *state)
{
    struct world *w = state;

    assert_int_equal(world_waiting(w), 0);
    w->config.routes[0].kind->close(w->state);
    weir_client_close(w->loop.client);
    app_queue_close(w->queue);
    assert_int_equal(world_in_flight(w), 0);
}

static inline int world_handle(weir_request *req, weir_response *res, void *state)
{
    struct world *w = state;

    return w->config.routes[0].kind->handle(req, res, w->state);
}

/* --- the whole --- */

/* Makes the process of an entry, which listens, and is ready. */
static inline void world_start(struct world *w, int i)
{
    char address[WEIR_ADDRESS_BYTES] = "unix:", *path = address + 5;

    assert_non_null(app_socket_path(path, w->folder, "shop", (uint32_t)i + 1));
    *strrchr(path, '/') = '\0';
    assert_int_equal(mkdir(path, 0700), 0);
    path[strlen(path)] = '/';
    backend_open_at(&w->process[i], address, world_serve, w);
    atomic_store(&world_block(w)->processes[i].serial, (uint32_t)i + 1);
    atomic_store(&world_block(w)->processes[i].state, APP_PROCESS_READY);
}

static inline void world_end(struct world *w, int i)
{
    char path[APP_SOCKET_BYTES];

    backend_close(&w->process[i]);
    assert_non_null(app_socket_path(path, w->folder, "shop", (uint32_t)i + 1));
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
}

static inline void world_configure(struct world *w)
{
    struct config_faults faults;
    char text[768];
    int length = snprintf(text, sizeof text,
                          "listen: 127.0.0.1:1\napps: {shop: {command: [x, '{socket}']%s}}\n"
                          "routes: [{path: '%s', serve: %s}]\n",
                          w->settings != NULL ? w->settings : "", w->path != NULL ? w->path : "/*",
                          w->route != NULL ? w->route : "shop");

    config_faults_open(&faults, "serve_test");
    if (config_parse(&w->config, text, (size_t)length, &route_kinds, &faults) < 0) {
        config_faults_print(&faults, true, stderr);
        fail();
    }
}

static inline int world_test(struct rig *rig)
{
    struct world *w = (struct world *)(void *)rig;

    return w->test(w);
}

static inline int world_main(void *arg)
{
    static const weir_route route = {.path = "/*", .handler = world_handle};
    struct world *w = arg;
    int result;

    (void)snprintf(w->folder, sizeof w->folder, "/tmp/weir-serve-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    world_configure(w);
    assert_int_equal(weir_shared_make(1 << 20, &w->fd), 0);
    assert_int_equal(weir_shared_open(w->fd, 0, &w->shared), 0);
    assert_int_equal(app_gate_open(&w->config, w->shared, w->folder, 1, &w->gate), 0);
    atomic_store(&world_block(w)->concurrency, (uint32_t)w->config.apps[0].concurrency);
    for (int i = 0; i < w->processes; i++)
        world_start(w, i);
    w->rig = (struct rig){.routes = &route,
                          .route_count = 1,
                          .unrecorded = w->noted == NULL,
                          .noted = w->noted,
                          .test = world_test};
    w->rig.options.setup = world_open_gateway;
    w->rig.options.teardown = world_close_gateway;
    w->rig.options.drain = weir_ms(1);
    result = rig_main(&w->rig);
    for (int i = w->processes; i-- > 0;)
        world_end(w, i);
    app_gate_close(w->gate);
    weir_shared_close(w->shared);
    (void)close(w->fd);
    config_free(&w->config);
    assert_int_equal(rmdir(w->folder), 0);
    return result;
}

/* Runs a test in virtual time, with so many processes. */
static inline void world_run(int processes, const char *settings, int (*test)(struct world *w))
{
    struct world w = {.processes = processes, .settings = settings, .test = test};

    run_simulated(1, world_main, &w);
}

/* --- clients that leave at every moment: torture(), of a world whose test is world_run_tortured() --- */

static inline int world_ask_tortured(void *arg)
{
    const struct world *w = arg;

    return ask_for_wanted(w->rig.address, w->request, w->wanted, WORLD_ROOM);
}

static inline int world_run_tortured(struct world *w)
{
    return torture_victim(w->torture, world_ask_tortured, w);
}

static inline int world_tortured(struct torture *t)
{
    struct world *w = t->arg;

    w->torture = t;
    t->also_fine = -ECONNRESET;
    return world_main(w);
}

#endif
