/* SPDX-License-Identifier: MIT */
/* 09_overload: sends a pool ten times the jobs that it can run, and counts the outcomes. */
#include <stdio.h>
#include <unistd.h>
#include <weir.h>

/* [overload] */
static int work(weir_job *job, void *arg)
{
    (void)job, (void)arg;
    return usleep(5000); /* stands for computing */
}

struct counts {
    weir_pool *pool;
    int answered, refused, late, failed;
};

static int ask(void *arg)
{
    struct counts *c = arg;
    weir_scope scope;
    int err;

    /* Every second caller needs its answer within 40 ms. */
    weir_scope_open(&scope, weir_random_below(2) ? weir_after_ms(40) : weir_never(), 0);
    err = weir_offload(c->pool, "work", work, NULL);
    weir_scope_close(&scope);
    if (err == -WEIR_EBUSY)
        c->refused++; /* no place, or too long a wait: known at once */
    else if (err == -WEIR_ELATE || err == -WEIR_EDEADLINE)
        c->late++; /* it would not end in time, and never ran */
    else
        err < 0 ? c->failed++ : c->answered++;
    return 0;
}
/* [/overload] */

static int run(void *arg)
{
    const weir_pool_options options = {.name = "small", .workers = 1, .queue = 16};
    struct counts c = {0};
    weir_scope scope;
    int err = weir_pool_open(&options, &c.pool);

    (void)arg;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 500 && err == 0; i++) { /* 2000 per second; the pool can run 200 */
        weir_spawn(&scope, "ask", ask, &c);
        err = weir_sleep(weir_us(500));
    }
    weir_scope_close(&scope);
    weir_pool_close(c.pool);
    printf("%d answered, %d refused, %d too late, %d failed\n", c.answered, c.refused, c.late, c.failed);
    return err;
}

int main(void)
{
    return weir_run(NULL, run, NULL) < 0;
}
