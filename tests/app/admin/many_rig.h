/* SPDX-License-Identifier: MIT */
/* The admin address of a supervisor, over gateway processes that are servers of the test: some answer well,
 * others half, garbage, too much, or nothing. */
#ifndef TESTS_APP_ADMIN_MANY_RIG_H
#define TESTS_APP_ADMIN_MANY_RIG_H

#include "admin/admin_of_many.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/last_totals.h"
#include "config/load.h"
#include "metrics/cells_left.h"
#include "metrics/request_counts.h"
#include "metrics/totals.h"
#include "routes/table.h"
#include "support/run.h"

enum { FAKES_MAX = 16 };

enum way { WELL, SILENT, HALF, GARBAGE, TOO_MUCH, OTHER_VERSION, REFUSES };

/* A gateway process. */
struct fake {
    struct admin_process is;
    weir_server *server;
    enum way way;
    bool listed;
    uint64_t requests; /* that it has counted */
    const char *stalls, *guard, *tasks, *folded;
    int asked; /* for its totals */
};

struct world {
    char folder[32], admin[64];
    struct config config, other;
    struct fake fakes[FAKES_MAX];
    size_t count;
    struct admin_of_many *many;
    weir_client *client;
    int reload_result, reloads, drains;
    bool slow_reload;
    bool stubborn_reload; /* takes long, and cannot be cancelled */
};

/* --- gateway processes --- */

static inline void write_totals(struct text_out *out, const struct fake *f)
{
    struct totals_writer w;
    weir_meter meter = {0};
    struct totals_row row = {.part = TOTALS_GATEWAY, .values = {[GATEWAY_RUNS] = 1, [GATEWAY_EXCHANGES] = 2}};

    text_out_init(out, TOTALS_BYTES_MAX);
    totals_begin(&w, out);
    totals_add(&w, &row, NULL);
    weir_meter_record_many(&meter, weir_ms(5), f->requests);
    row = (struct totals_row){.part = TOTALS_ROUTE, .keys = {"/a"}};
    totals_add(&w, &row, &meter);
    row = (struct totals_row){.part = TOTALS_BREAKDOWN, .keys = {"/a"}};
    totals_add(&w, &row, NULL);
    row = (struct totals_row){.part = TOTALS_LOOP, .keys = {"0"}, .numbers = {1000, 500}, .values = {7}};
    totals_add(&w, &row, NULL);
    totals_end(&w);
}

static inline int wait_for_ever(void)
{
    return weir_sleep(weir_seconds(3600));
}

static inline int answer_half(weir_response *res, const struct text_out *out)
{
    int err = weir_respond_begin(res, 200, "application/octet-stream", (int64_t)out->text.len);

    if (err == 0)
        err = weir_respond_write(res, out->text.data, out->text.len / 2);
    return err < 0 ? err : wait_for_ever();
}

static inline int answer_too_much(weir_response *res)
{
    char *much = calloc(1, TOTALS_BYTES_MAX + 1000);
    int err;

    assert_non_null(much);
    err = weir_respond_bytes(res, 200, "application/octet-stream", much, TOTALS_BYTES_MAX + 1000);
    free(much);
    return err;
}

static inline int answer_totals(weir_request *req, weir_response *res, void *state)
{
    struct fake *f = state;
    struct text_out out;
    int err;

    (void)req;
    f->asked++;
    write_totals(&out, f);
    if (f->way == OTHER_VERSION)
        out.text.data[strlen("weir totals ")] = '9';
    err = f->way == SILENT     ? wait_for_ever()
          : f->way == HALF     ? answer_half(res, &out)
          : f->way == GARBAGE  ? weir_respond_text(res, 200, "<html>a page of another</html>")
          : f->way == REFUSES  ? weir_respond_text(res, 503, "busy")
          : f->way == TOO_MUCH ? answer_too_much(res)
                               : weir_respond_buffer(res, 200, "application/octet-stream", &out.text);
    weir_buffer_free(&out.text);
    return err;
}

static inline int answer_page(weir_request *req, weir_response *res, void *state)
{
    const struct fake *f = state;
    const char *path = weir_request_path(req);

    if (f->way == SILENT)
        return wait_for_ever();
    if (strcmp(path, "/tasks") == 0) {
        char text[512];
        int n = snprintf(text, sizeof text, "{\"loops\":[%s", f->tasks);
        n += snprintf(text + n, sizeof text - (size_t)n, ",\"query\":\"%s\"}],\"truncated\":false}\n",
                      weir_request_query(req));
        return weir_respond_bytes(res, 200, "application/json", text, (size_t)n);
    }
    return weir_respond_text(res, 200,
                             strcmp(path, "/stalls") == 0  ? f->stalls
                             : strcmp(path, "/guard") == 0 ? f->guard
                                                           : f->folded);
}

static inline void *setup(void *arg, weir_server *server)
{
    (void)server;
    return arg;
}

static inline void start_fake(struct world *w, size_t i)
{
    static const weir_route routes[] = {{.path = "/totals", .handler = answer_totals},
                                        {.path = "/*", .handler = answer_page}};
    struct fake *f = &w->fakes[i];

    *f = (struct fake){
        .is = {.pid = (pid_t)(1000 + i),
               .number = (int)i + 1,
               .member = (int)i,
               .generation = 1,
               .ready = true},
        .listed = true,
        .requests = i + 1,
        .stalls = "[]",
        .guard = "[]",
        .tasks = "{\"loop\":0",
        .folded = "",
    };
    snprintf(f->is.address, sizeof f->is.address, "unix:%s/gateway-%zu.sock", w->folder, i);
    assert_int_equal(
        weir_server_open(
            &(weir_server_options){.listen = f->is.address, .setup = setup, .drain = weir_ms(1), .arg = f},
            routes, 2, &f->server),
        0);
}

/* --- the supervisor --- */

static inline size_t list_processes(void *arg, struct admin_process *out, size_t room)
{
    const struct world *w = arg;
    size_t count = 0;

    for (size_t i = 0; i < w->count && count < room; i++)
        if (w->fakes[i].listed)
            out[count++] = w->fakes[i].is;
    return count;
}

static inline int reload(void *arg, struct text_out *out)
{
    struct world *w = arg;

    if (w->slow_reload)
        (void)weir_sleep(weir_seconds(5));
    if (w->stubborn_reload) {
        weir_scope scope;
        weir_scope_open(&scope, weir_never(), WEIR_SHIELD);
        (void)weir_sleep(weir_seconds(60));
        (void)weir_scope_close(&scope);
    }
    w->reloads++;
    text_out_add(out,
                 w->reload_result == 0 ? "reloaded: 2 routes\n" : "gateway.yaml:3:4: unknown key 'rout'\n");
    return w->reload_result;
}

static inline uint64_t restarts(void *arg)
{
    (void)arg;
    return 0;
}

static inline void drain(void *arg)
{
    ((struct world *)arg)->drains++;
}

static inline void status(void *arg, struct text_out *out)
{
    (void)arg;
    text_out_add(out, "\"state\":\"serving\",\"generation\":1,\"apps\":[]");
}

static inline void parse(struct config *config, const char *admin, const char *routes)
{
    struct config_faults faults;
    char text[512];
    const int n = snprintf(text, sizeof text, "listen: 127.0.0.1:0\nadmin: %s\nroutes:\n%s", admin, routes);

    config_faults_open(&faults, "test.yaml");
    assert_int_equal(config_parse(config, text, (size_t)n, &route_kinds, &faults), 0);
}

static inline void begin(struct world *w, weir_scope *scope, size_t fakes)
{
    const struct admin_supervisor supervisor = {.processes = list_processes,
                                                .restarts = restarts,
                                                .reload = reload,
                                                .drain = drain,
                                                .status = status,
                                                .arg = w};

    *w = (struct world){.count = fakes};
    strcpy(w->folder, "/tmp/weir-test-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->admin, sizeof w->admin, "unix:%s/admin", w->folder);
    parse(&w->config, w->admin, "  - {path: /a, respond: {body: a}}\n");
    for (size_t i = 0; i < fakes; i++)
        start_fake(w, i);
    assert_int_equal(weir_client_open(NULL, &w->client), 0);
    weir_scope_open(scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(admin_of_many_open(scope, &w->config, &supervisor, &w->many), 0);
}

static inline void end(struct world *w, weir_scope *scope)
{
    admin_of_many_close(w->many);
    (void)weir_scope_close(scope);
    weir_client_close(w->client);
    for (size_t i = 0; i < w->count; i++) {
        weir_server_stop(w->fakes[i].server);
        weir_server_close(w->fakes[i].server);
    }
    config_free(&w->config);
    config_free(&w->other);
    (void)rmdir(w->folder);
}

/* --- asking --- */

static inline int ask_with(struct world *w, weir_fetch_options options, weir_reply *reply)
{
    char url[256];

    weir_reply_free(reply);
    snprintf(url, sizeof url, "http://localhost%s", options.url);
    options.url = url;
    options.address = w->admin;
    assert_int_equal(weir_fetch(w->client, &options, reply), 0);
    return reply->status;
}

static const char *ask(struct world *w, const char *path, weir_reply *reply)
{
    assert_int_equal(ask_with(w, (weir_fetch_options){.url = path}, reply), 200);
    return reply->body;
}

static inline void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in: %s", part, text);
}

/* Asks for metrics until all processes have told theirs in time, which a busy machine may keep them from. */
static inline const char *ask_until_all_told(struct world *w, weir_reply *reply)
{
    while (strstr(ask(w, "/metrics", reply), "\nweir_processes_silent 0\n") == NULL)
        ;
    return reply->body;
}

/* --- running --- */

/* A test that runs under simulation, by seeds. */
#define TEST(name)                                                                                           \
    static void test_##name(void **state)                                                                    \
    {                                                                                                        \
        (void)state;                                                                                         \
        for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++)                                     \
            run_simulated(seed, name, NULL);                                                                 \
    }

#endif
