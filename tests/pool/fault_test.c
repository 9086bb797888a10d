/* SPDX-License-Identifier: MIT */
/* Every allocation on the way of a job, and every thread that is begun for one, fails once: the 1st, the 2nd,
 * … until none is reached any more. Each call says so or does without; whatever it was, the same is done in
 * full right after it. Leaks are ASan's to find. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/run.h"

enum { AT_ONCE = 8, INDICES = 1000, WORDS_BYTES = 100000 };

/* One run through everything. */
struct run {
    bool disturbed;
    int refused;
    int words; /* an open file */
};

/* Only what is said of memory and threads may go wrong, and that only when something was withheld. */
static bool went(struct run *run, int err)
{
    if (err >= 0)
        return true;
    if (!run->disturbed || (err != -ENOMEM && err != -EAGAIN))
        fail_msg("%s", weir_error_text(err));
    run->refused++;
    return false;
}

/* --- jobs --- */

static int add_one(weir_job *job, void *arg)
{
    (void)job;
    ++*(int *)arg;
    return 0;
}

static int add_range(weir_job *job, size_t begin, size_t end, void *arg)
{
    (void)job;
    atomic_fetch_add((atomic_size_t *)arg, end - begin);
    return 0;
}

/* A job within a job runs on its caller's worker when no other worker is free. */
static int nested(weir_job *job, void *arg)
{
    int *n = arg, err = weir_offload(weir_pool_blocking(), "inner", add_one, n);

    if (err == -WEIR_EBUSY || err == -EAGAIN)
        err = add_one(job, n);
    return err;
}

static void offload_one(struct run *run, weir_pool *pool, int (*fn)(weir_job *job, void *arg))
{
    int n = 0;

    if (went(run, weir_offload(pool, "one", fn, &n)))
        assert_int_equal(n, 1);
    else
        assert_int_equal(n, 0); /* it never ran */
}

static void offload_each(struct run *run, weir_pool *pool)
{
    atomic_size_t n = 0;

    if (went(run, weir_offload_each(pool, "each", add_range, INDICES, &n)))
        assert_int_equal(atomic_load(&n), INDICES);
    else
        assert_int_equal(atomic_load(&n), 0);
}

/* --- several callers --- */

struct caller {
    weir_pool *pool;
    int n, err;
};

static int call(void *arg)
{
    struct caller *c = arg;

    c->err = weir_offload(c->pool, "call", add_one, &c->n);
    return 0;
}

static void offload_at_once(struct run *run, weir_pool *pool)
{
    struct caller callers[AT_ONCE];
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < AT_ONCE; i++) {
        callers[i] = (struct caller){.pool = pool};
        if (!went(run, weir_spawn(&scope, "caller", call, &callers[i])))
            callers[i].err = -ENOMEM;
    }
    (void)weir_scope_close(&scope);
    for (int i = 0; i < AT_ONCE; i++) {
        assert_int_equal(callers[i].n, callers[i].err == 0);
        (void)went(run, callers[i].err);
    }
}

/* --- kinds --- */

/* Counts bytes in memory of its own, beyond what a worker's stack has for a state. */
struct count {
    char room[10000];
    size_t *bytes;
};

static int count_begin(weir_job *job, void *state, weir_bytes params)
{
    struct count *c = state;

    (void)job, (void)params;
    c->bytes = calloc(1, sizeof *c->bytes);
    return c->bytes != NULL ? 0 : -ENOMEM;
}

static int count_piece(weir_job *job, void *state, weir_bytes piece, bool last)
{
    struct count *c = state;

    *c->bytes += piece.len;
    return last ? weir_job_printf(job, "%zu", *c->bytes) : 0;
}

static void count_end(void *state)
{
    free(((struct count *)state)->bytes);
}

static const weir_job_kind kinds[] = {
    {.name = "count",
     .version = 1,
     .state_bytes = sizeof(struct count),
     .begin = count_begin,
     .piece = count_piece,
     .end = count_end},
    {.name = "count-whole",
     .version = 1,
     .whole = true,
     .state_bytes = sizeof(struct count),
     .begin = count_begin,
     .piece = count_piece,
     .end = count_end},
};

static void check_count(struct run *run, int err, const weir_buffer *out, int expected)
{
    if (went(run, err))
        assert_int_equal(atoi(out->data), expected);
    else
        assert_int_equal(out->len, 0);
}

static void run_kind(struct run *run, weir_pool *pool, const char *kind, bool from_file)
{
    weir_job_input in = {.bytes = {"0123456789", 10}, .file = from_file ? &run->words : NULL};
    weir_buffer out;

    weir_buffer_init(&out, 100);
    check_count(run, weir_job_run(pool, kind, &in, &out, NULL), &out, from_file ? WORDS_BYTES : 10);
    weir_buffer_free(&out);
}

static void stream_kind(struct run *run, weir_pool *pool)
{
    weir_job_stream *stream;
    weir_buffer out;
    int err = 0;

    weir_buffer_init(&out, 100);
    if (went(run, weir_job_stream_open(pool, "count", weir_bytes_of("params"), NULL, &stream))) {
        for (int i = 0; i < 3 && err == 0; i++)
            err = weir_job_stream_feed(stream, weir_bytes_of("0123456789"), i == 2, &out, NULL);
        check_count(run, err, &out, 30);
        weir_job_stream_close(stream);
    }
    weir_buffer_free(&out);
}

/* --- published state --- */

static int make_version(struct run *run, int **out)
{
    *out = malloc(sizeof **out);
    return went(run, *out != NULL ? 0 : -ENOMEM) ? 0 : -1;
}

static int read_version(weir_job *job, void *p)
{
    (void)job;
    return *(const int *)weir_published_get(p);
}

static void publish(struct run *run, weir_pool *pool)
{
    weir_published p;
    int *value, expected = 1, got;

    if (make_version(run, &value) < 0)
        return;
    *value = 1;
    if (!went(run, weir_published_init(&p, value, free))) {
        free(value);
        return;
    }
    if (make_version(run, &value) == 0) {
        *value = 2;
        if (went(run, weir_published_set(&p, value)))
            expected = 2;
        else
            free(value); /* nothing has changed, and it is still ours */
    }
    got = weir_offload(pool, "read", read_version, &p);
    if (went(run, got))
        assert_int_equal(got, expected);
    weir_published_free(&p);
}

/* --- all of it --- */

static void go_through(struct run *run)
{
    const weir_pool_share shares[] = {{.name = "/a", .percent = 50}};
    const weir_pool_options options = {
        .name = "p", .workers = 3, .wait = weir_seconds(60), .shares = shares, .share_count = 1};
    weir_pool *pool;

    if (!went(run, weir_pool_open(&options, &pool))) {
        assert_null(weir_pool_find("p"));
        return;
    }
    offload_one(run, pool, add_one);
    offload_each(run, pool);
    offload_one(run, pool, nested);
    offload_at_once(run, pool);
    run_kind(run, pool, "count", false);
    run_kind(run, pool, "count", true);
    run_kind(run, pool, "count-whole", true);
    stream_kind(run, pool);
    publish(run, pool);
    weir_pool_close(pool);
}

static int open_words(void)
{
    static char words[WORDS_BYTES];
    FILE *file = tmpfile();
    int fd;

    assert_non_null(file);
    assert_int_equal(fwrite(words, 1, sizeof words, file), sizeof words);
    assert_int_equal(fflush(file), 0);
    fd = dup(fileno(file));
    assert_true(fd >= 0);
    (void)fclose(file);
    return fd;
}

static int each_once(void *arg)
{
    struct run run = {.words = open_words()};
    bool struck = true;
    int refused = 0;
    long n = 0;

    (void)arg;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        assert_int_equal(weir_job_kind_register(&kinds[i]), 0);
    while (struck) {
        run.disturbed = true;
        fault_at(++n);
        go_through(&run);
        struck = fault_end();
        refused += run.refused > 0;
        run = (struct run){.words = run.words};
        go_through(&run); /* as if nothing had happened */
    }
    /* All that is made anew each time has failed: the pool, its workers' places, a version, a state … */
    assert_true(n > 15 && refused > 12);
    (void)close(run.words);
    return 0;
}

/* The simulated kernel ends the program when it has no memory: it is there for tests. */
static const enum weir_io kernels[] = {WEIR_IO_URING, WEIR_IO_EPOLL};

static void what_can_not_be_had_is_said_and_nothing_else_suffers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (io_is_here(kernels[i])) {
            weir_options options = {.io = kernels[i]};
            assert_int_equal(weir_run(&options, each_once, NULL), 0);
        }
}

/* --- a runtime that can't have its own --- */

static int offload_in_compute(void *arg)
{
    int n = 0, err = weir_offload(weir_pool_compute(), "one", add_one, &n);

    ++*(int *)arg;
    return err;
}

static void begin_each_once(enum weir_io io)
{
    bool struck = true;

    for (long n = 1; struck; n++) {
        weir_options options = {.io = io, .loops = 2};
        int began = 0, err;
        fault_at(n);
        err = weir_run(&options, offload_in_compute, &began);
        struck = fault_end();
        if (err < 0 && (!struck || (err != -ENOMEM && err != -EAGAIN)))
            fail_msg("%s, allocation %ld: %s", io_name(io), n, weir_error_text(err));
        assert_true(began == 1 || err < 0);
    }
}

static void a_runtime_begins_whole_or_says_why_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (io_is_here(kernels[i]))
            begin_each_once(kernels[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_not_be_had_is_said_and_nothing_else_suffers),
        cmocka_unit_test(a_runtime_begins_whole_or_says_why_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
