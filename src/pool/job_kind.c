/* SPDX-License-Identifier: MIT */
/* Kinds of job: known by name, given bytes, giving bytes. Here they run on threads, in the form in which they
 * can run elsewhere as well. */
#include <weir/job.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool/job_kind.h"
#include "pool/pool.h"
#include "core/runtime.h"
#include "core/task.h"

enum { INPUT_BYTES_MAX = 64 << 20, FILE_PIECE_BYTES = 256 << 10, STATE_ON_STACK_BYTES = 4096 };

/* --- the kinds of a runtime --- */

static bool is_well_formed(const weir_job_kind *kind)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

    return kind->name != NULL && *kind->name != '\0' && kind->name[strspn(kind->name, letters)] == '\0' &&
           kind->version >= 1 && kind->piece != NULL;
}

static struct weir__job_kinds *kinds_here(void)
{
    struct weir__worker *worker = weir__worker_here;

    return worker != NULL ? worker->pool->runtime->kinds : weir__task_current()->loop->runtime->kinds;
}

/* Several loops may do it at a time: each place is filled once, and all look at all before theirs. */
int weir_job_kind_register(const weir_job_kind *kind)
{
    struct weir__job_kinds *kinds = kinds_here();

    if (!is_well_formed(kind))
        return -EINVAL;
    for (int i = 0; i < WEIR__JOB_KINDS_MAX; i++) {
        const weir_job_kind *there = NULL;
        if (atomic_compare_exchange_strong(&kinds->kind[i], &there, kind) || there == kind)
            return 0;
        if (there->version == kind->version && strcmp(there->name, kind->name) == 0)
            return -EEXIST;
    }
    return -WEIR_EBUSY;
}

const weir_job_kind *weir_job_kind_find(const char *name)
{
    struct weir__job_kinds *kinds = kinds_here();
    const weir_job_kind *kind, *found = NULL;
    size_t length = strcspn(name, "/");
    int version = name[length] == '/' ? atoi(name + length + 1) : 0;

    for (int i = 0; i < WEIR__JOB_KINDS_MAX && (kind = atomic_load(&kinds->kind[i])) != NULL; i++)
        if (strncmp(kind->name, name, length) == 0 && kind->name[length] == '\0' &&
            (name[length] == '/' ? kind->version == version
                                 : found == NULL || kind->version > found->version))
            found = kind;
    return found;
}

/* --- what a kind may say --- */

/* Where what a job of a kind says goes; lies on the caller's stack. */
struct weir__output {
    weir_buffer *out;
    weir_job_fault *fault; /* or NULL */
};

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

/* --- one job, from its input to its end --- */

struct whole_run {
    const weir_job_kind *kind;
    const weir_job_input *in;
};

static int begin(weir_job *job, const weir_job_kind *kind, void *state, weir_bytes params)
{
    if (kind->begin != NULL)
        return kind->begin(job, state, params);
    return params.len == 0 ? 0 : weir_job_fail(job, -EINVAL, "%s takes no parameters", kind->name);
}

static size_t input_max(const weir_job_kind *kind)
{
    return kind->input_bytes_max > 0 ? kind->input_bytes_max : INPUT_BYTES_MAX;
}

static int too_large(weir_job *job, const weir_job_kind *kind)
{
    return weir_job_fail(job, -WEIR_ETOOLARGE, "the input of %s is larger than %zu bytes", kind->name,
                         input_max(kind));
}

/* Bytes that are there, 0 at the end. */
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
    data = malloc((size_t)about.st_size + 1); /* one more shows that it has grown */
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
    int err = begin(job, run->kind, state, run->in->params);

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

static int offload(weir_pool *pool, const char *name, int (*fn)(weir_job *job, void *arg), void *arg,
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

int weir_job_run_with(weir_pool *pool, const char *kind, const weir_job_input *in, weir_buffer *out,
                      weir_job_fault *fault, const weir_offload_options *options)
{
    struct whole_run run = {.kind = weir_job_kind_find(kind), .in = in};
    struct weir__output output = {out, fault};

    if (run.kind == NULL)
        return -ENOENT;
    return offload(pool, run.kind->name, run_whole, &run, &output, options);
}

int weir_job_run(weir_pool *pool, const char *kind, const weir_job_input *in, weir_buffer *out,
                 weir_job_fault *fault)
{
    return weir_job_run_with(pool, kind, in, out, fault, NULL);
}

/* --- piece by piece --- */

struct weir_job_stream {
    weir_pool *pool;
    const weir_job_kind *kind;
    weir_offload_options options;
    char *params;
    size_t params_bytes;
    bool begun, over;
    _Alignas(max_align_t) char state[];
};

struct piece_run {
    weir_job_stream *stream;
    weir_bytes piece;
    bool last;
};

int weir_job_stream_open(weir_pool *pool, const char *kind_name, weir_bytes params,
                         const weir_offload_options *options, weir_job_stream **out)
{
    const weir_job_kind *kind = weir_job_kind_find(kind_name);
    weir_job_stream *stream;

    if (kind == NULL)
        return -ENOENT;
    if (kind->whole)
        return -EINVAL;
    stream = calloc(1, sizeof *stream + kind->state_bytes);
    if (stream == NULL)
        return -ENOMEM;
    stream->pool = pool;
    stream->kind = kind;
    if (options != NULL)
        stream->options = *options;
    stream->params = malloc(params.len + 1);
    if (stream->params == NULL) {
        free(stream);
        return -ENOMEM;
    }
    if (params.len > 0)
        memcpy(stream->params, params.data, params.len);
    stream->params_bytes = params.len;
    *out = stream;
    return 0;
}

static int run_piece(weir_job *job, void *arg)
{
    const struct piece_run *run = arg;
    weir_job_stream *stream = run->stream;
    int err = 0;

    if (!stream->begun) {
        err = begin(job, stream->kind, stream->state, (weir_bytes){stream->params, stream->params_bytes});
        stream->begun = err == 0;
    }
    if (err == 0)
        err = stream->kind->piece(job, stream->state, run->piece, run->last);
    return err < 0 ? err : 0;
}

int weir_job_stream_feed(weir_job_stream *stream, weir_bytes piece, bool last, weir_buffer *out,
                         weir_job_fault *fault)
{
    struct piece_run run = {stream, piece, last};
    struct weir__output output = {out, fault};
    int err;

    if (stream->over)
        return -WEIR_ECLOSED;
    err = offload(stream->pool, stream->kind->name, run_piece, &run, &output, &stream->options);
    stream->options.when_full = WEIR_WAIT;
    stream->over = err < 0 || last;
    return err;
}

void weir_job_stream_close(weir_job_stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->begun && stream->kind->end != NULL)
        stream->kind->end(stream->state);
    free(stream->params);
    free(stream);
}
