/* SPDX-License-Identifier: MIT */
/* The admin address of a supervisor, over gateway processes that are servers of this test: some answer well,
 * others half, garbage, too much, or nothing. */
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

static void write_totals(struct text_out *out, const struct fake *f)
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

static int wait_for_ever(void)
{
    return weir_sleep(weir_seconds(3600));
}

static int answer_half(weir_response *res, const struct text_out *out)
{
    int err = weir_respond_begin(res, 200, "application/octet-stream", (int64_t)out->text.len);

    if (err == 0)
        err = weir_respond_write(res, out->text.data, out->text.len / 2);
    return err < 0 ? err : wait_for_ever();
}

static int answer_too_much(weir_response *res)
{
    char *much = calloc(1, TOTALS_BYTES_MAX + 1000);
    int err;

    assert_non_null(much);
    err = weir_respond_bytes(res, 200, "application/octet-stream", much, TOTALS_BYTES_MAX + 1000);
    free(much);
    return err;
}

static int answer_totals(weir_request *req, weir_response *res, void *state)
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

static int answer_page(weir_request *req, weir_response *res, void *state)
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

static void *setup(void *arg, weir_server *server)
{
    (void)server;
    return arg;
}

static void start_fake(struct world *w, size_t i)
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

static size_t list_processes(void *arg, struct admin_process *out, size_t room)
{
    const struct world *w = arg;
    size_t count = 0;

    for (size_t i = 0; i < w->count && count < room; i++)
        if (w->fakes[i].listed)
            out[count++] = w->fakes[i].is;
    return count;
}

static int reload(void *arg, struct text_out *out)
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

static void drain(void *arg)
{
    ((struct world *)arg)->drains++;
}

static void status(void *arg, struct text_out *out)
{
    (void)arg;
    text_out_add(out, "\"state\":\"serving\",\"generation\":1,\"apps\":[]");
}

static void parse(struct config *config, const char *admin, const char *routes)
{
    struct config_faults faults;
    char text[512];
    const int n = snprintf(text, sizeof text, "listen: 127.0.0.1:0\nadmin: %s\nroutes:\n%s", admin, routes);

    config_faults_open(&faults, "test.yaml");
    assert_int_equal(config_parse(config, text, (size_t)n, &route_kinds, &faults), 0);
}

static void begin(struct world *w, weir_scope *scope, size_t fakes)
{
    const struct admin_supervisor supervisor = {
        .processes = list_processes, .reload = reload, .drain = drain, .status = status, .arg = w};

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

static void end(struct world *w, weir_scope *scope)
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

static int ask_with(struct world *w, weir_fetch_options options, weir_reply *reply)
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

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in: %s", part, text);
}

/* --- totals --- */

static int sixteen_are_added_up(void *arg)
{
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};

    (void)arg;
    begin(&w, &scope, FAKES_MAX);
    ask(&w, "/metrics", &reply);
    has(reply.body, "weir_request_seconds_count{route=\"/a\"} 136\n");
    has(reply.body, "weir_exchanges 32\n");
    has(reply.body, "weir_tasks{loop=\"0\",process=\"16\"} 7\n");
    has(reply.body, "weir_processes{state=\"ready\"} 16\n");
    has(reply.body, "weir_processes_silent 0\n");
    w.fakes[3].requests += 10;
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 146\n"); /* of this moment */
    has(ask(&w, "/stats", &reply), "\"exchanges\":32");
    has(reply.body, "{\"loop\":0,\"process\":1,");
    has(ask(&w, "/advice", &reply), "\"loops\":16");
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

/* What one has told before stays, and the others are asked all the same. */
static int one_that_misbehaves_changes_nothing(void *arg)
{
    static const enum way ways[] = {SILENT, HALF, GARBAGE, TOO_MUCH, OTHER_VERSION, REFUSES};
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};

    (void)arg;
    begin(&w, &scope, 3);
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 6\n");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        char expected[96];
        w.fakes[1].way = ways[i];
        w.fakes[1].requests++; /* not told */
        w.fakes[2].requests++;
        snprintf(expected, sizeof expected, "weir_request_seconds_count{route=\"/a\"} %zu\n", 7 + 2 * i);
        has(ask(&w, "/metrics", &reply), expected);
        has(reply.body, "weir_processes_silent 1\n");
        has(ask(&w, "/processes", &reply), "\"pid\":1001,\"generation\":1,\"state\":\"ready\"");
        assert_null(strstr(strstr(reply.body, "\"pid\":1001"), "\"silent_s\":null,\"pid\":1001"));
        w.fakes[1].way = WELL;
        snprintf(expected, sizeof expected, "weir_request_seconds_count{route=\"/a\"} %zu\n", 8 + 2 * i);
        has(ask(&w, "/metrics", &reply), expected);
        has(reply.body, "weir_processes_silent 0\n");
    }
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

static int what_has_ended_keeps_its_counts(void *arg)
{
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};
    struct text_out last;

    (void)arg;
    begin(&w, &scope, 3);
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 6\n");
    w.fakes[0].requests = 100;
    admin_of_many_retire(w.many, &w.fakes[0].is); /* told in time */
    w.fakes[0].listed = false;
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 105\n");
    w.fakes[1].requests = 50; /* left behind: by this process, so under its number */
    w.fakes[1].is.pid = getpid();
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 155\n"); /* a new one */
    w.fakes[1].requests = 60;
    write_totals(&last, &w.fakes[1]);
    last_totals_leave(w.fakes[1].is.address, weir_buffer_bytes(&last.text));
    weir_buffer_free(&last.text);
    w.fakes[1].listed = false;
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 165\n");
    has(reply.body, "weir_tasks{loop=\"0\",process=\"3\"} 7\n"); /* alone, and still by its number */
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 165\n");
    w.fakes[2].is.draining = true;
    w.fakes[2].is.ready = false;
    assert_int_equal(ask_with(&w, (weir_fetch_options){.url = "/readyz"}, &reply), 503);
    assert_int_equal(ask_with(&w, (weir_fetch_options){.url = "/healthz"}, &reply), 200);
    has(ask(&w, "/metrics", &reply), "weir_ready 0\n");
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

/* Counts in the memory of a process, as if it was then killed. Returns: the memory. */
static int counted_in(const struct config *config, int times)
{
    const int memory = cells_left_make();
    const weir_exchange_record record = {.method = "GET",
                                         .target = "/a",
                                         .route = "/a",
                                         .data = (void *)(uintptr_t)&config->routes[0],
                                         .status = 200,
                                         .complete = true,
                                         .took = weir_ms(5)};
    struct request_counts_loop *loop;
    struct request_counts *counts;

    assert_true(memory >= 0);
    assert_int_equal(request_counts_open(config, &counts), 0);
    assert_int_equal(request_counts_share(counts, memory), 0);
    assert_non_null(loop = request_counts_loop_open(counts));
    for (int i = 0; i < times; i++)
        request_counts_add(loop, &record);
    request_counts_free(counts);
    return memory;
}

static int what_was_killed_has_left_its_memory(void *arg)
{
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};
    struct admin_process never_listed;
    struct text_out last;

    (void)arg;
    begin(&w, &scope, 3);
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 6\n");
    w.fakes[0].listed = false; /* it had said 1 */
    admin_of_many_ended(w.many, &w.fakes[0].is, counted_in(&w.config, 11));
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 16\n");
    has(reply.body, "weir_requests_total{route=\"/a\",method=\"GET\",status=\"200\"} 11\n");
    never_listed = w.fakes[0].is;
    never_listed.pid = 4000;
    admin_of_many_ended(w.many, &never_listed, counted_in(&w.config, 7));
    never_listed.pid = 4001;
    admin_of_many_ended(w.many, &never_listed, counted_in(&w.config, 2));
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 25\n");
    never_listed.pid = getpid(); /* what it has left as it ended is all of it */
    w.fakes[1].requests = 40;
    write_totals(&last, &w.fakes[1]);
    last_totals_leave(never_listed.address, weir_buffer_bytes(&last.text));
    weir_buffer_free(&last.text);
    w.fakes[1].requests = 2;
    admin_of_many_ended(w.many, &never_listed, counted_in(&w.config, 5));
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 65\n");
    admin_of_many_ended(w.many, &never_listed, cells_left_make()); /* killed as it began */
    has(ask(&w, "/metrics", &reply), "weir_request_seconds_count{route=\"/a\"} 65\n");
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

/* --- lists --- */

static int lists_are_merged(void *arg)
{
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};

    (void)arg;
    begin(&w, &scope, 4);
    w.fakes[0].stalls = "[{\"task\":\"a\",\"kind\":\"computing\",\"last\":3},"
                        "{\"task\":\"d\",\"kind\":\"starved\",\"last\":9}]\n";
    w.fakes[1].stalls = "[{\"task\":\"b\",\"kind\":\"blocked\",\"stack\":[\"f } ] x.c:1\"],\"last\":5.5}]\n";
    w.fakes[2].stalls = "[{\"task\":\"lost"; /* all or nothing */
    w.fakes[3].way = SILENT;
    assert_string_equal(ask(&w, "/stalls", &reply),
                        "[{\"process\":2,\"task\":\"b\",\"kind\":\"blocked\",\"stack\":[\"f } ] "
                        "x.c:1\"],\"last\":5.5},"
                        "{\"process\":1,\"task\":\"a\",\"kind\":\"computing\",\"last\":3},"
                        "{\"process\":1,\"task\":\"d\",\"kind\":\"starved\",\"last\":9}]\n");
    assert_string_equal(weir_reply_header(&reply, "x-weir-silent"), "1002, 1003");
    w.fakes[0].guard = "[{\"function\":\"read\",\"count\":3}]";
    w.fakes[1].guard = "[{\"function\":\"usleep\",\"count\":30}]";
    assert_string_equal(ask(&w, "/guard", &reply), "[{\"process\":2,\"function\":\"usleep\",\"count\":30},"
                                                   "{\"process\":1,\"function\":\"read\",\"count\":3}]\n");
    w.fakes[0].folded = "/a;GET /a;f 3\n/a;GET /a;g 1\n";
    w.fakes[1].folded = "/a;GET /a;f 4";
    assert_string_equal(ask(&w, "/profile?seconds=0.1", &reply), "/a;GET /a;f 7\n/a;GET /a;g 1\n");
    has(ask(&w, "/profile?seconds=0.1&format=svg", &reply), "CPU time, 0.1 s");
    assert_int_equal(ask_with(&w, (weir_fetch_options){.url = "/profile?seconds=x"}, &reply), 400);
    w.fakes[1].listed = w.fakes[2].listed = w.fakes[3].listed = false; /* one is as it is */
    has(ask(&w, "/stalls", &reply), "[{\"task\":\"a\",");
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

static int tasks_are_listed_by_process(void *arg)
{
    struct world w;
    weir_scope scope;
    weir_reply reply = {0};

    (void)arg;
    begin(&w, &scope, 3);
    w.fakes[1].way = SILENT;
    has(ask(&w, "/metrics", &reply), "weir_processes_silent 1\n"); /* so that it is not waited for */
    assert_string_equal(
        ask(&w, "/tasks?limit=9", &reply),
        "{\"loops\":[{\"loop\":0,\"query\":\"limit=9&process=1\"},"
        "{\"loop\":0,\"query\":\"limit=9&process=3\"}],\"silent\":[1001],\"truncated\":false}\n");
    assert_int_equal(ask_with(&w, (weir_fetch_options){.url = "/tasks?limit=x"}, &reply), 400);
    w.fakes[1].listed = w.fakes[2].listed = false;
    assert_string_equal(ask(&w, "/tasks", &reply),
                        "{\"loops\":[{\"loop\":0,\"query\":\"\"}],\"truncated\":false}\n");
    w.fakes[0].listed = false;
    assert_int_equal(ask_with(&w, (weir_fetch_options){.url = "/tasks"}, &reply), 503);
    weir_reply_free(&reply);
    end(&w, &scope);
    return 0;
}

/* --- what is done --- */

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

/* The client leaves; what it asked for is done. */
static int a_reload_is_not_cancelled(void *arg)
{
    const weir_header meant = {"X-Weir-Action", "1"};
    struct world w;
    weir_scope scope, leaving;
    weir_reply reply = {0};

    (void)arg;
    begin(&w, &scope, 1);
    w.slow_reload = true;
    weir_scope_open(&leaving, weir_after_ms(300), 0);
    assert_true(weir_fetch(w.client,
                           &(weir_fetch_options){.url = "http://localhost/reload",
                                                 .address = w.admin,
                                                 .method = "POST",
                                                 .headers = &meant,
                                                 .header_count = 1},
                           &reply) < 0);
    (void)weir_scope_close(&leaving);
    while (w.reloads == 0)
        assert_int_equal(weir_sleep(weir_ms(20)), 0);
    end(&w, &scope);
    return 0;
}

/* The configuration is freed behind closing: nothing may use it any more. */
static int closing_waits_for_what_cannot_be_cancelled(void *arg)
{
    const weir_header meant = {"X-Weir-Action", "1"};
    struct world w;
    weir_scope scope, leaving;
    weir_reply reply = {0};

    (void)arg;
    begin(&w, &scope, 1);
    w.stubborn_reload = true;
    weir_scope_open(&leaving, weir_after_ms(300), 0);
    assert_true(weir_fetch(w.client,
                           &(weir_fetch_options){.url = "http://localhost/reload",
                                                 .address = w.admin,
                                                 .method = "POST",
                                                 .headers = &meant,
                                                 .header_count = 1},
                           &reply) < 0);
    (void)weir_scope_close(&leaving);
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

#define TEST(name)                                                                                           \
    static void test_##name(void **state)                                                                    \
    {                                                                                                        \
        (void)state;                                                                                         \
        for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++)                                     \
            run_simulated(seed, name, NULL);                                                                 \
    }

static void test_sixteen_are_added_up(void **state)
{
    (void)state;
    run_everywhere(sixteen_are_added_up, NULL);
}

TEST(one_that_misbehaves_changes_nothing)
TEST(what_has_ended_keeps_its_counts)
TEST(what_was_killed_has_left_its_memory)
TEST(lists_are_merged)
TEST(tasks_are_listed_by_process)
TEST(what_changes_something_must_be_meant)
TEST(a_reload_is_not_cancelled)
TEST(closing_waits_for_what_cannot_be_cancelled)
TEST(reloads_that_wait_are_limited)
TEST(another_configuration_may_have_another_address)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sixteen_are_added_up),
        cmocka_unit_test(test_one_that_misbehaves_changes_nothing),
        cmocka_unit_test(test_what_has_ended_keeps_its_counts),
        cmocka_unit_test(test_what_was_killed_has_left_its_memory),
        cmocka_unit_test(test_lists_are_merged),
        cmocka_unit_test(test_tasks_are_listed_by_process),
        cmocka_unit_test(test_what_changes_something_must_be_meant),
        cmocka_unit_test(test_a_reload_is_not_cancelled),
        cmocka_unit_test(test_closing_waits_for_what_cannot_be_cancelled),
        cmocka_unit_test(test_reloads_that_wait_are_limited),
        cmocka_unit_test(test_another_configuration_may_have_another_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
