/* SPDX-License-Identifier: MIT */
/* Kinds of job: found by name and version, fed whole, from a file or piece by piece. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool/job_kind.h"
#include "support/run.h"
#include "support/torture.h"

static const weir_offload_options patient = {.when_full = WEIR_WAIT};

/* --- a kind that counts lines; its state says how it was treated --- */

struct count {
    uint64_t lines, pieces;
    char *unit;
};

static int begun, ended;

static int count_begin(weir_job *job, void *state, weir_bytes params)
{
    struct count *c = state;

    if (c->lines != 0 || c->pieces != 0)
        return weir_job_fail(job, -EINVAL, "the state is not cleared");
    if (params.len > 10)
        return weir_job_fail(job, -EINVAL, "no unit is as long as %zu", params.len);
    c->unit = calloc(1, params.len + 1);
    begun++;
    if (c->unit == NULL)
        return -ENOMEM;
    if (params.len > 0)
        memcpy(c->unit, params.data, params.len);
    return 0;
}

static int count_piece(weir_job *job, void *state, weir_bytes piece, bool last)
{
    struct count *c = state;

    c->pieces++;
    for (size_t i = 0; i < piece.len; i++) {
        if (piece.data[i] == '!')
            return weir_job_fail(job, -EDOM, "an exclamation mark");
        c->lines += piece.data[i] == '\n';
    }
    return last ? weir_job_printf(job, "%llu%s", (unsigned long long)c->lines, c->unit) : 0;
}

static void count_end(void *state)
{
    free(((struct count *)state)->unit);
    ended++;
}

static const weir_job_kind count_1 = {.name = "count",
                                      .version = 1,
                                      .state_bytes = sizeof(struct count),
                                      .begin = count_begin,
                                      .piece = count_piece,
                                      .end = count_end};

/* --- a kind that wants all at once, and gives it back --- */

static int whole_piece(weir_job *job, void *state, weir_bytes piece, bool last)
{
    assert_true(last);
    assert_int_equal(((char *)state)[9999], 0);
    return weir_job_write(job, piece.data, piece.len);
}

static const weir_job_kind copy_1 = {.name = "copy",
                                     .version = 1,
                                     .whole = true,
                                     .input_bytes_max = 1000,
                                     .state_bytes = 10000,
                                     .piece = whole_piece};
static const weir_job_kind copy_3 = {.name = "copy", .version = 3, .whole = true, .piece = whole_piece};
static const weir_job_kind copy_3_again = {.name = "copy", .version = 3, .piece = whole_piece};
static const weir_job_kind nameless = {.version = 1, .piece = whole_piece};
static const weir_job_kind slashed = {.name = "a/b", .version = 1, .piece = whole_piece};

static int names(void *arg)
{
    (void)arg;
    assert_int_equal(weir_job_kind_register(&count_1), 0);
    assert_int_equal(weir_job_kind_register(&copy_1), 0);
    assert_int_equal(weir_job_kind_register(&copy_3), 0);
    assert_int_equal(weir_job_kind_register(&copy_1), 0);
    assert_int_equal(weir_job_kind_register(&copy_3_again), -EEXIST);
    assert_int_equal(weir_job_kind_register(&nameless), -EINVAL);
    assert_int_equal(weir_job_kind_register(&slashed), -EINVAL);
    assert_ptr_equal(weir_job_kind_find("count"), &count_1);
    assert_ptr_equal(weir_job_kind_find("copy"), &copy_3);
    assert_ptr_equal(weir_job_kind_find("copy/1"), &copy_1);
    assert_null(weir_job_kind_find("copy/2"));
    assert_null(weir_job_kind_find("cop"));
    assert_null(weir_job_kind_find("copyx"));
    return 0;
}

static void a_kind_is_found_by_its_name_and_version(void **state)
{
    (void)state;
    run_simulated(1, names, NULL);
}

static int no_room(void *arg)
{
    static weir_job_kind many[WEIR__JOB_KINDS_MAX + 1];
    static char name[WEIR__JOB_KINDS_MAX + 1][16];

    (void)arg;
    for (int i = 0; i <= WEIR__JOB_KINDS_MAX; i++) {
        (void)snprintf(name[i], sizeof name[i], "k%d", i);
        many[i] = (weir_job_kind){.name = name[i], .version = 1, .piece = whole_piece};
        assert_int_equal(weir_job_kind_register(&many[i]), i < WEIR__JOB_KINDS_MAX ? 0 : -WEIR_EBUSY);
    }
    return 0;
}

static void kinds_have_a_maximum(void **state)
{
    (void)state;
    run_simulated(1, no_room, NULL);
}

/* --- running --- */

static int run_count(weir_bytes params, const char *text, weir_buffer *out, weir_job_fault *fault)
{
    weir_job_input in = {.params = params, .bytes = weir_bytes_of(text)};

    return weir_job_run_with(weir_pool_compute(), "count", &in, out, fault, &patient);
}

static int running(void *arg)
{
    weir_buffer out;
    weir_job_fault fault;
    weir_job_input in = {.bytes = {"0123456789", 10}};

    (void)arg;
    begun = ended = 0;
    assert_int_equal(weir_job_kind_register(&count_1), 0);
    assert_int_equal(weir_job_kind_register(&copy_1), 0);
    weir_buffer_init(&out, 12);
    assert_int_equal(weir_buffer_append_text(&out, "="), 0);
    assert_int_equal(run_count(weir_bytes_of(" lines"), "a\nb\n", &out, &fault), 0);
    assert_string_equal(out.data, "=2 lines");
    assert_string_equal(fault.text, "");
    assert_int_equal(run_count(weir_bytes_of(" many lines"), "a\nb\n", &out, &fault), -EINVAL);
    assert_string_equal(fault.text, "no unit is as long as 11");
    assert_int_equal(run_count(weir_bytes_of(""), "a\n!\n", &out, &fault), -EDOM);
    assert_string_equal(fault.text, "an exclamation mark");
    assert_int_equal(run_count(weir_bytes_of(""), "a\n!\n", &out, NULL), -EDOM);
    /* What a failed one had written is taken back. */
    assert_int_equal(run_count(weir_bytes_of(" lines"), "a\nb\n", &out, &fault), -WEIR_ETOOLARGE);
    assert_string_equal(out.data, "=2 lines");
    assert_int_equal(begun, 4);
    assert_int_equal(ended, begun);
    assert_int_equal(weir_job_run_with(weir_pool_blocking(), "copy/1", &in, &out, &fault, &patient),
                     -WEIR_ETOOLARGE); /* the room there is */
    weir_buffer_clear(&out);
    assert_int_equal(weir_job_run_with(weir_pool_blocking(), "copy/1", &in, &out, &fault, &patient), 0);
    assert_string_equal(out.data, "0123456789");
    in.params = weir_bytes_of("x");
    assert_int_equal(weir_job_run_with(weir_pool_blocking(), "copy", &in, &out, &fault, &patient), -EINVAL);
    assert_string_equal(fault.text, "copy takes no parameters");
    assert_int_equal(weir_job_run(weir_pool_compute(), "nothing", &in, &out, &fault), -ENOENT);
    weir_buffer_free(&out);
    return 0;
}

static void a_job_of_a_kind_gives_bytes_or_says_why_not(void **state)
{
    (void)state;
    run_everywhere(running, NULL);
}

/* --- from a file --- */

static int temporary(size_t bytes, char c)
{
    char path[] = "/tmp/weir-kind-XXXXXX", block[4096];
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    unlink(path);
    memset(block, c, sizeof block);
    for (size_t n; bytes > 0; bytes -= n) {
        n = bytes < sizeof block ? bytes : sizeof block;
        assert_int_equal(write(fd, block, n), n);
    }
    return fd;
}

static int count_file(size_t bytes, const char *wanted)
{
    int fd = temporary(bytes, '\n');
    weir_job_input in = {.file = &fd};
    weir_buffer out;
    int err;

    weir_buffer_init(&out, 100);
    err = weir_job_run_with(weir_pool_blocking(), "count", &in, &out, NULL, &patient);
    assert_int_equal(err, 0);
    assert_string_equal(out.data, wanted);
    weir_buffer_free(&out);
    close(fd);
    return err;
}

static int copy_file(size_t bytes)
{
    int fd = temporary(bytes, 'x');
    weir_job_input in = {.file = &fd};
    weir_job_fault fault;
    weir_buffer out;
    int err;

    weir_buffer_init(&out, 5000);
    err = weir_job_run_with(weir_pool_blocking(), "copy", &in, &out, &fault, &patient);
    assert_true(err == 0 ? out.len == bytes : out.len == 0);
    weir_buffer_free(&out);
    close(fd);
    return err;
}

static int files(void *arg)
{
    int nothing = -1;
    weir_job_input in = {.file = &nothing};
    weir_buffer out;

    (void)arg;
    assert_int_equal(weir_job_kind_register(&count_1), 0);
    assert_int_equal(weir_job_kind_register(&copy_1), 0);
    assert_int_equal(count_file(0, "0"), 0);
    assert_int_equal(count_file(1, "1"), 0);
    assert_int_equal(count_file(256 << 10, "262144"), 0);
    assert_int_equal(count_file(600000, "600000"), 0);
    assert_int_equal(copy_file(0), 0);
    assert_int_equal(copy_file(1000), 0);
    assert_int_equal(copy_file(1001), -WEIR_ETOOLARGE);
    weir_buffer_init(&out, 100);
    assert_int_equal(weir_job_run_with(weir_pool_blocking(), "copy", &in, &out, NULL, &patient), -EBADF);
    assert_int_equal(weir_job_run_with(weir_pool_blocking(), "count", &in, &out, NULL, &patient), -EBADF);
    weir_buffer_free(&out);
    return 0;
}

static void the_worker_reads_the_file(void **state)
{
    (void)state;
    run_everywhere(files, NULL);
}

/* --- piece by piece --- */

static int streaming(void *arg)
{
    weir_job_stream *stream;
    weir_job_fault fault;
    weir_buffer out;

    (void)arg;
    begun = ended = 0;
    weir_buffer_init(&out, 100);
    assert_int_equal(weir_job_kind_register(&count_1), 0);
    assert_int_equal(weir_job_kind_register(&copy_1), 0);
    assert_int_equal(weir_job_stream_open(weir_pool_compute(), "copy", weir_bytes_of(""), NULL, &stream),
                     -EINVAL);
    assert_int_equal(weir_job_stream_open(weir_pool_compute(), "none", weir_bytes_of(""), NULL, &stream),
                     -ENOENT);
    assert_int_equal(
        weir_job_stream_open(weir_pool_compute(), "count", weir_bytes_of("x"), &patient, &stream), 0);
    assert_int_equal(weir_job_stream_feed(stream, weir_bytes_of("a\nb"), false, &out, &fault), 0);
    assert_int_equal(out.len, 0);
    assert_int_equal(weir_job_stream_feed(stream, weir_bytes_of("\n\n"), false, &out, &fault), 0);
    assert_int_equal(weir_job_stream_feed(stream, weir_bytes_of(""), true, &out, &fault), 0);
    assert_string_equal(out.data, "3x");
    assert_int_equal(weir_job_stream_feed(stream, weir_bytes_of(""), true, &out, &fault), -WEIR_ECLOSED);
    weir_job_stream_close(stream);
    assert_int_equal(
        weir_job_stream_open(weir_pool_compute(), "count", weir_bytes_of("x"), &patient, &stream), 0);
    assert_int_equal(weir_job_stream_feed(stream, weir_bytes_of("a\n!b"), false, &out, &fault), -EDOM);
    assert_string_equal(fault.text, "an exclamation mark");
    weir_job_stream_close(stream);
    assert_int_equal(weir_job_stream_open(weir_pool_compute(), "count", weir_bytes_of("x"), NULL, &stream),
                     0);
    weir_job_stream_close(stream); /* nothing was fed: there is nothing to end */
    weir_job_stream_close(NULL);
    assert_int_equal(begun, 2);
    assert_int_equal(ended, 2);
    weir_buffer_free(&out);
    return 0;
}

static void input_may_come_in_pieces(void **state)
{
    (void)state;
    run_everywhere(streaming, NULL);
}

/* --- torture: whatever is cut short, what was begun is ended --- */

static int stream_some(void *arg)
{
    weir_job_stream *stream;
    weir_buffer out;
    int err;

    (void)arg;
    weir_buffer_init(&out, 100);
    err = weir_job_stream_open(weir_pool_compute(), "count", weir_bytes_of("x"), &patient, &stream);
    assert_int_equal(err, 0);
    for (int i = 0; i < 3 && err == 0; i++)
        err = weir_job_stream_feed(stream, weir_bytes_of("\n"), i == 2, &out, NULL);
    weir_job_stream_close(stream);
    assert_string_equal(err == 0 ? out.data : "3x", "3x");
    assert_true(err == 0 || out.len == 0);
    weir_buffer_free(&out);
    return err;
}

static int world(struct torture *t)
{
    int result;

    assert_int_equal(weir_job_kind_register(&count_1), 0);
    begun = ended = 0;
    result = torture_victim(t, stream_some, NULL);
    assert_int_equal(begun, ended);
    return result;
}

static void a_stream_can_be_cancelled_at_every_wait(void **state)
{
    (void)state;
    torture(world, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kind_is_found_by_its_name_and_version),
        cmocka_unit_test(kinds_have_a_maximum),
        cmocka_unit_test(a_job_of_a_kind_gives_bytes_or_says_why_not),
        cmocka_unit_test(the_worker_reads_the_file),
        cmocka_unit_test(input_may_come_in_pieces),
        cmocka_unit_test(a_stream_can_be_cancelled_at_every_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
