/* SPDX-License-Identifier: MIT */
#include "commands/load_run.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/log.h>
#include <weir/runtime.h>
#include <weir/scope.h>
#include <weir/task.h>
#include <weir/tls.h>

#include "commands/interrupt.h"
#include "commands/load_report.h"

enum { PROGRESS_BYTES = 256, REPLY_BYTES_MAX = 256 << 20 };

struct run {
    const struct load_target *target;
    struct load_stats *stats;
    weir_client *client;
    weir_instant start;
    uint64_t next; /* request to be sent */
    weir_scope workers;
};

int load_url(weir_buffer *out, const char *url, uint64_t number)
{
    static const char mark[] = "{n}";
    int err = 0;

    weir_buffer_clear(out);
    for (const char *at; err == 0 && (at = strstr(url, mark)); url = at + strlen(mark)) {
        err = weir_buffer_append(out, url, (size_t)(at - url));
        if (err == 0)
            err = weir_buffer_printf(out, "%llu", (unsigned long long)number);
    }
    return err ? err : weir_buffer_append_text(out, url);
}

static weir_instant time_of(const struct run *run, uint64_t number)
{
    return weir_add(run->start, (weir_duration){(int64_t)((double)number * 1e9 / run->target->plan.rate)});
}

static int fetch(struct run *run, weir_buffer *url, uint64_t number, weir_reply *reply)
{
    const struct load_target *t = run->target;
    int err = load_url(url, t->urls[number % t->url_count], number);
    weir_fetch_options options;
    weir_scope scope;

    if (err)
        return err;
    options = (weir_fetch_options){
        .method = t->method,
        .url = url->data,
        .headers = t->headers,
        .header_count = t->header_count,
        .body = t->body.data,
        .body_bytes = t->body.len,
    };
    weir_scope_open(&scope, weir_after(t->timeout), 0);
    err = weir_fetch(run->client, &options, reply);
    (void)weir_scope_close(&scope);
    return err;
}

static void send_one(struct run *run, weir_buffer *url, uint64_t number, weir_instant intended)
{
    weir_reply reply = {0};
    int err;

    run->stats->sent++;
    weir_histogram_record(&run->stats->late, weir_between(intended, weir_now()));
    err = fetch(run, url, number, &reply);
    if (err == 0)
        load_stats_answer(run->stats, reply.status, reply.body_bytes, weir_between(intended, weir_now()));
    else if (err == -WEIR_ECANCELED)
        run->stats->unfinished++;
    else
        load_stats_error(run->stats, err, reply.why);
    weir_reply_free(&reply);
}

/* A worker sends on one connection at a time: it takes the next request and sends it at its time, or at once
 * when that has passed while all workers were busy.
 */
static int work(void *arg)
{
    struct run *run = arg;
    const weir_instant end = weir_add(run->start, run->target->plan.length);
    weir_buffer url;
    int err = 0;

    weir_buffer_init(&url, LOAD_URL_BYTES_MAX);
    while (err == 0 && run->next < run->stats->planned && weir_now().ns < end.ns) {
        uint64_t number = run->next++;
        weir_instant intended = time_of(run, number);
        if (intended.ns > weir_now().ns)
            err = weir_sleep_until(intended);
        if (err == 0)
            send_one(run, &url, number, intended);
        if (err == 0)
            err = weir_cancelled();
    }
    weir_buffer_free(&url);
    return 0;
}

/* Opens stderr anew, without blocking: a terminal that is stopped (Ctrl-S) must not hold up the load. The
 * flags of stderr itself are shared with other programs. */
static int open_terminal(void)
{
    return open("/proc/self/fd/2", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

/* Writes to the terminal. Text for which it has no room is not shown. */
static void show(int terminal, weir_bytes text)
{
    (void)!write(terminal, text.data, text.len);
}

static int show_progress(void *arg)
{
    const struct run *run = arg;
    weir_buffer line;
    const int terminal = open_terminal();

    if (terminal < 0)
        return 0;
    weir_buffer_init(&line, PROGRESS_BYTES);
    while (weir_sleep(weir_ms(500)) == 0) {
        weir_buffer_clear(&line);
        if (weir_buffer_append_text(&line, "\r") == 0 &&
            load_report_progress(run->stats, weir_between(run->start, weir_now()), &line) == 0 &&
            weir_buffer_append_text(&line, "\033[K") == 0)
            show(terminal, weir_buffer_bytes(&line));
    }
    show(terminal, weir_bytes_of("\r\033[K"));
    weir_buffer_free(&line);
    close(terminal);
    return 0;
}

static void run_workers(struct run *run)
{
    const uint64_t most = (uint64_t)run->target->plan.connections;
    const uint64_t count = run->stats->planned < most ? run->stats->planned : most;

    weir_scope_open(&run->workers, weir_never(), WEIR_COLLECT);
    for (uint64_t i = 0; i < count; i++)
        weir_spawn(&run->workers, "load", work, run);
    (void)weir_scope_close(&run->workers);
}

/* *out NULL: that of the runtime is used. */
static int open_tls(struct run *run, weir_tls **out)
{
    const char *const http[] = {"http/1.1"};
    const weir_tls_client_options options = {
        .ca = run->target->ca, .unverified = run->target->insecure, .alpn = http, .alpn_count = 1};
    const char *why;
    int err;

    *out = NULL;
    if (run->target->ca == NULL && !run->target->insecure)
        return 0;
    err = weir_tls_client_open(&options, &why, out);
    if (err < 0 && why != NULL)
        (void)snprintf(run->stats->refused, sizeof run->stats->refused, "%s", why);
    return err;
}

static int open_client(struct run *run)
{
    const int connections = run->target->plan.connections;
    weir_client_options options = {
        .connections_per_origin = connections,
        .waiting_per_origin = connections,
        .connect_timeout = run->target->timeout,
        .reply_bytes = REPLY_BYTES_MAX,
    };
    int err = open_tls(run, &options.tls);

    if (err == 0)
        err = weir_client_open(&options, &run->client);
    weir_tls_close(options.tls); /* the client holds it */
    return err;
}

static int run_all(void *arg)
{
    struct run *run = arg;
    int err = open_client(run);
    weir_scope beside;

    if (err)
        return err;
    weir_scope_open(&beside, weir_never(), WEIR_COLLECT);
    weir_spawn(&beside, "signals", interrupt_cancels, &run->workers);
    if (run->target->progress)
        weir_spawn(&beside, "progress", show_progress, run);
    run->start = weir_now();
    run_workers(run);
    run->stats->took = weir_between(run->start, weir_now());
    weir_scope_cancel(&beside);
    (void)weir_scope_close(&beside);
    weir_client_close(run->client);
    return 0;
}

int load_run(const struct load_target *target, struct load_stats *stats)
{
    struct run run = {.target = target, .stats = stats};
    double planned = target->plan.rate * (double)target->plan.length.ns / 1e9;
    weir_options options;

    load_stats_init(stats);
    stats->planned = planned < 1 ? 1 : (uint64_t)(planned + 0.5);
    /* Failures and late requests are in the report, and need no log lines. */
    options = (weir_options){.stall_after = weir_ms(-1), .log_level = WEIR_LOG_ERROR};
    return weir_run(&options, run_all, &run);
}
