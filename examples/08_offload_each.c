/* SPDX-License-Identifier: MIT */
/* 08_offload_each: adds up a table on all CPUs, with one wait; then adds up the table's next version. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <weir.h>

/* [each] */
struct table {
    long row[1000000];
};

static weir_published table; /* a struct table; a published version never changes */

static int add_rows(weir_job *job, size_t begin, size_t end, void *sum) /* on several workers at once */
{
    const struct table *t = weir_published_get(&table); /* valid until the function returns */
    long part = 0;

    (void)job;
    for (size_t i = begin; i < end; i++)
        part += t->row[i];
    atomic_fetch_add((atomic_long *)sum, part);
    return 0;
}

static int add_up(void)
{
    atomic_long sum = 0;
    int err = weir_offload_each(weir_pool_compute(), "sum", add_rows, 1000000, &sum);

    printf("sum: %ld\n", atomic_load(&sum));
    return err;
}
/* [/each] */

/* [publish] */
static int make_table(weir_job *job, void *arg)
{
    struct table *t = *(struct table **)arg = malloc(sizeof *t);

    (void)job;
    for (size_t i = 0; t != NULL && i < 1000000; i++)
        t->row[i] = (long)i;
    return t != NULL ? 0 : -1;
}

static int run(void *arg)
{
    struct table *next = NULL;
    int err = weir_published_init(&table, calloc(1, sizeof *next), free);

    (void)arg;
    err = err < 0 ? err : add_up();
    err = err < 0 ? err : weir_offload(weir_pool_compute(), "make", make_table, &next);
    err = err < 0 ? err : weir_published_set(&table, next); /* then the old version is freed */
    return err < 0 ? err : add_up();
}
/* [/publish] */

int main(void)
{
    return weir_run(NULL, run, NULL) < 0;
}
