/* SPDX-License-Identifier: MIT */
/* A pipeline over channels: one task makes numbers, several square them, one adds them up. The channels are
 * bounded, so a slow stage slows down the stages before it, and no queue grows.
 *
 *     05_pipeline
 */
#include <stdio.h>
#include <weir.h>

/* [stages] */
struct pipeline {
    weir_channel *numbers, *squares;
    int workers;
};

static int make(void *arg)
{
    struct pipeline *p = arg;
    int err = 0;

    for (long n = 1; n <= 100 && err == 0; n++)
        err = weir_channel_send(p->numbers, &n); /* waits while the queue is full */
    weir_channel_end(p->numbers);
    return err;
}

static int square(void *arg)
{
    struct pipeline *p = arg;
    long n;
    int err;

    while ((err = weir_channel_receive(p->numbers, &n)) == 0) {
        err = weir_sleep(weir_us((int64_t)weir_random_below(500))); /* stands for a call to a backend */
        n *= n;
        if (err < 0 || (err = weir_channel_send(p->squares, &n)) < 0)
            break;
    }
    if (--p->workers == 0) /* no lock: between two waits no other task of the loop runs */
        weir_channel_end(p->squares);
    return err == -WEIR_ECLOSED ? 0 : err;
}

static int add(void *arg)
{
    struct pipeline *p = arg;
    long n, sum = 0;
    int err;

    while ((err = weir_channel_receive(p->squares, &n)) == 0)
        sum += n;
    printf("sum of the squares of 1 to 100: %ld\n", sum);
    return err == -WEIR_ECLOSED ? 0 : err;
}
/* [/stages] */

/* [pipeline] */
static int run(void *arg)
{
    struct pipeline p = {.workers = 4};
    weir_scope scope;
    int err;

    (void)arg;
    if (weir_channel_open(sizeof(long), 8, &p.numbers) < 0 ||
        weir_channel_open(sizeof(long), 8, &p.squares) < 0)
        return -1;
    weir_scope_open(&scope, weir_after_ms(5000), 0); /* a failing stage cancels the others */
    weir_spawn(&scope, "make", make, &p);
    for (int i = 0; i < 4; i++)
        weir_spawn(&scope, "square", square, &p);
    weir_spawn(&scope, "add", add, &p);
    err = weir_scope_close(&scope);
    weir_channel_close(p.numbers);
    weir_channel_close(p.squares);
    return err;
}
/* [/pipeline] */

int main(void)
{
    return weir_run(NULL, run, NULL) < 0;
}
