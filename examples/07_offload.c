/* SPDX-License-Identifier: MIT */
/* 07_offload [ADDRESS]: /primes/{n} counts the primes below n, on a pool, so that /ping never waits for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weir.h>

/* [job] */
struct sieve {
    long below, count;
};

static int count_primes(weir_job *job, void *arg) /* on a worker; arg is lent to it until it returns */
{
    struct sieve *s = arg;

    for (long n = 2; n < s->below; n++) {
        long divisor = 2;
        while (divisor * divisor <= n && n % divisor != 0)
            divisor++;
        s->count += divisor * divisor > n;
        if (n % 1024 == 0 && weir_job_cancelled(job) < 0) /* the result is no longer wanted */
            return weir_job_cancelled(job);
    }
    return 0;
}
/* [/job] */

/* [handler] */
static int primes(weir_request *req, weir_response *res, void *state)
{
    struct sieve s = {.below = atol(weir_request_param(req, "n"))};
    char text[64];
    int err = weir_offload(weir_pool_compute(), "primes", count_primes, &s); /* the loop is free meanwhile */

    (void)state;
    if (err < 0)
        return weir_respond_error(res, err); /* full: 503 with Retry-After; too late: 504 */
    snprintf(text, sizeof text, "%ld\n", s.count);
    return weir_respond_text(res, 200, text);
}
/* [/handler] */

static int ping(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    return weir_respond_text(res, 200, "pong\n");
}

int main(int argc, char **argv)
{
    weir_server_options options = {.listen = argc > 1 ? argv[1] : "127.0.0.1:8080"};
    const weir_route routes[] = {{.path = "/primes/{n}", .handler = primes},
                                 {.path = "/ping", .handler = ping}};

    return weir_serve(&options, routes, 2) < 0;
}
