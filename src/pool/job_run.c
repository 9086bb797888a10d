/* SPDX-License-Identifier: MIT */
#include "pool/job_run.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool/job.h"
#include "pool/job_kind.h"
#include "pool/offload.h"

enum { INPUT_BYTES_MAX = 64 << 20, FILE_PIECE_BYTES = 256 << 10, STATE_ON_STACK_BYTES = 4096 };

/* --- what a kind may say --- */

int weir_job_write(weir_job *job, const void *data, size_t bytes)
{
    return weir_buffer_append(job->output->out, data, bytes);
}

int weir_job_printf(weir_job *job, const char *format, ...)
{
    va_list args;
    int err;

    va_start(args, format);
    err = weir_buffer_vprintf(job->output->out, format, args);
    va_end(args);
    return err;
}

int weir_job_fail(weir_job *job, int err, const char *format, ...)
{
    weir_job_fault *fault = job->output->fault;
    va_list args;

    if (fault == NULL)
        return err;
    va_start(args, format);
    (void)vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return err;
}

/* --- shared with streams of pieces --- */

int weir__job_begin(weir_job *job, const weir_job_kind *kind, void *state, weir_bytes params)
{
    if (kind->begin != NULL)
        return kind->begin(job, state, params);
    return params.len == 0 ? 0 : weir_job_fail(job, -EINVAL, "%s takes no parameters", kind->name);
}

int weir__job_offload(weir_pool *pool, const char *name, int (*fn)(weir_job *job, void *arg), void *arg,
                      struct weir__output *output, const weir_offload_options *options)
{
    weir_job job = {.pool = pool, .name = name, .fn = fn, .arg = arg, .output = output};
    size_t before = output->out->len;
    int err;

    if (output->fault != NULL)
        output->fault->text[0] = '\0';
    err = weir__offload(&job, options);
    if (err < 0)
        weir_buffer_truncate(output->out, before);
    return err;
}

/* --- one job, from its input to its end --- */

struct whole_run {
    const weir_job_kind *kind;
    const weir_job_input *in;
};

static size_t input_max(const weir_job_kind *kind)
{
    return kind->input_bytes_max > 0 ? kind->input_bytes_max : INPUT_BYTES_MAX;
}

static int too_large(weir_job *job, const weir_job_kind *kind)
{
    return weir_job_fail(job, -WEIR_ETOOLARGE, "the input of %s is larger than %zu bytes", kind->name,
                         input_max(kind));
}

/* Returns: the bytes read, fewer only at the end of the file; a negative code. */
static ssize_t read_at(int fd, void *data, size_t bytes, off_t at)
{
    size_t n = 0;

    while (n < bytes) {
        ssize_t got = pread(fd, (char *)data + n, bytes - n, at + (off_t)n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

static int feed_file_whole(weir_job *job, const weir_job_kind *kind, void *state, int fd)
{
    struct stat about;
    ssize_t n;
    char *data;
    int err;

    if (fstat(fd, &about) < 0)
        return -errno;
    if ((uint64_t)about.st_size > input_max(kind))
        return too_large(job, kind);
    data = malloc((size_t)about.st_size + 1); /* one more shows that the file has grown */
    if (data == NULL)
        return -ENOMEM;
    n = read_at(fd, data, (size_t)about.st_size + 1, 0);
    if (n < 0)
        err = (int)n;
    else if ((size_t)n > input_max(kind))
        err = too_large(job, kind);
    else
        err = kind->piece(job, state, (weir_bytes){data, (size_t)n}, true);
    free(data);
    return err;
}

static int feed_file(weir_job *job, const weir_job_kind *kind, void *state, int fd)
{
    char *data = malloc(FILE_PIECE_BYTES);
    ssize_t n = FILE_PIECE_BYTES;
    int err = data != NULL ? 0 : -ENOMEM;

    for (off_t at = 0; err == 0 && n == FILE_PIECE_BYTES; at += n) {
        err = weir_job_cancelled(job);
        n = err == 0 ? read_at(fd, data, FILE_PIECE_BYTES, at) : 0;
        if (n < 0)
            err = (int)n;
        if (err == 0)
            err = kind->piece(job, state, (weir_bytes){data, (size_t)n}, n < FILE_PIECE_BYTES);
    }
    free(data);
    return err;
}

static int feed(weir_job *job, const struct whole_run *run, void *state)
{
    const weir_job_kind *kind = run->kind;
    const weir_job_input *in = run->in;

    if (in->file != NULL && kind->whole)
        return feed_file_whole(job, kind, state, *in->file);
    if (in->file != NULL)
        return feed_file(job, kind, state, *in->file);
    if (kind->whole && in->bytes.len > input_max(kind))
        return too_large(job, kind);
    return kind->piece(job, state, in->bytes, true);
}

static int run_with_state(weir_job *job, const struct whole_run *run, void *state)
{
    int err = weir__job_begin(job, run->kind, state, run->in->params);

    if (err < 0)
        return err;
    err = feed(job, run, state);
    if (run->kind->end != NULL)
        run->kind->end(state);
    return err < 0 ? err : 0;
}

static int run_whole(weir_job *job, void *arg)
{
    const struct whole_run *run = arg;

    _Alignas(max_align_t) char here[STATE_ON_STACK_BYTES];
    void *state;
    int err;

    if (run->kind->state_bytes <= sizeof here) {
        memset(here, 0, run->kind->state_bytes);
        return run_with_state(job, run, here);
    }
    state = calloc(1, run->kind->state_bytes);
    if (state == NULL)
        return -ENOMEM;
    err = run_with_state(job, run, state);
    free(state);
    return err;
}

static int run_kind(weir_pool *pool, const char *kind, const weir_job_input *in, weir_buffer *out,
                    weir_job_fault *fault, const weir_offload_options *options, const char *function)
{
    struct whole_run run = {.kind = weir__job_kind_find(kind, function), .in = in};
    struct weir__output output = {out, fault};

    if (run.kind == NULL)
        return -ENOENT;
    return weir__job_offload(pool, run.kind->name, run_whole, &run, &output, options);
}

int weir_job_run_with(weir_pool *pool, const char *kind, const weir_job_input *in, weir_buffer *out,
                      weir_job_fault *fault, const weir_offload_options *options)
{
    return run_kind(pool, kind, in, out, fault, options, __func__);
}

int weir_job_run(weir_pool *pool, const char *kind, const weir_job_input *in, weir_buffer *out,
                 weir_job_fault *fault)
{
    return run_kind(pool, kind, in, out, fault, NULL, __func__);
}
