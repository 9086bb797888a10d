/* SPDX-License-Identifier: MIT */
/* 27_worker_pool [ADDRESS]: /fibonacci/{n} computes on a pool of two workers, slowly on purpose, within half
 * a second; at most 8 further requests wait for a worker. /pool shows how busy it is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <weir.h>

/* [job] */
struct fibonacci {
    long n;
    uint64_t result;
    weir_job *job;
};

static int add_up(struct fibonacci *f, long n)
{
    int err = 0;

    if (n < 2) {
        f->result += (uint64_t)n;
        return 0;
    }
    if (n > 20) /* below, it takes microseconds */
        err = weir_job_cancelled(f->job);
    if (err == 0)
        err = add_up(f, n - 1);
    return err < 0 ? err : add_up(f, n - 2);
}

static int compute(weir_job *job, void *arg) /* on a worker; arg is lent to it until it returns */
{
    struct fibonacci *f = arg;

    f->job = job;
    return add_up(f, f->n);
}
/* [/job] */

/* [handler] */
static int fibonacci(weir_request *req, weir_response *res, void *state)
{
    char *end;
    struct fibonacci f = {.n = strtol(weir_request_param(req, "n"), &end, 10)};
    weir_scope scope;
    char text[64];
    int err;

    (void)state;
    if (*end != '\0' || f.n < 0 || f.n > 90)
        return weir_respond_fault(res, 400, "bad_number", "a number is expected, from 0 to 90");
    weir_scope_open(&scope, weir_after_ms(500), 0);
    err = weir_offload(weir_pool_find("numbers"), "fibonacci", compute, &f);
    weir_scope_close(&scope);
    if (err < 0)
        return weir_respond_error(res, err); /* no place: 503 with Retry-After; half a second is over: 504 */
    snprintf(text, sizeof text, "%" PRIu64 "\n", f.result);
    return weir_respond_text(res, 200, text);
}
/* [/handler] */

static int pool(weir_request *req, weir_response *res, void *state)
{
    weir_pool_stats stats;
    char text[160];

    (void)req, (void)state;
    weir_pool_stats_get(weir_pool_find("numbers"), &stats, NULL, NULL);
    snprintf(text, sizeof text,
             "workers %d queued %d running %d ran %" PRIu64 " cancelled %" PRIu64 " full %" PRIu64 "\n",
             stats.workers, stats.queued, stats.running, stats.ran, stats.cancelled,
             stats.refused[WEIR_REFUSED_FULL]);
    return weir_respond_text(res, 200, text);
}

/* [main] */
int main(int argc, char **argv)
{
    static const weir_pool_options numbers = {.name = "numbers", .workers = 2, .queue = 8};
    static const weir_route routes[] = {{.path = "/fibonacci/{n}", .methods = "GET", .handler = fibonacci},
                                        {.path = "/pool", .methods = "GET", .handler = pool}};
    weir_server_options options = {.listen = argc > 1 ? argv[1] : "127.0.0.1:8080",
                                   .runtime = {.pools = &numbers, .pool_count = 1}};

    return weir_serve(&options, routes, 2) < 0;
}
/* [/main] */
