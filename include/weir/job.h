/* SPDX-License-Identifier: MIT */
/* Jobs: what a function sees that runs on a pool, and kinds of job that are known by name.
 *
 * Threading: a job runs on a worker's thread, once, from beginning to end. It may call blocking functions,
 * but nothing that is marked "task": a job does not wait on a loop. Functions marked "job" are called by the
 * job itself, on the thread it runs on. What it is given (arg, input) is lent to it until it returns;
 * meanwhile the task that asked for it waits, and others leave it alone.
 *
 * A job is never killed. When its caller has left or is out of time, or it has used more of the CPU than it
 * may, weir_job_cancelled() says so; a job that is long asks now and then and returns.
 *
 * Under simulation a job runs on the loop's own stack and takes a virtual time drawn from the seed, or what
 * it says with weir_job_takes().
 */
#ifndef WEIR_JOB_H
#define WEIR_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_job weir_job;
typedef struct weir_pool weir_pool;

/* Why it should end: the caller's scope was cancelled, or its deadline has passed; of a job within a job,
 * also that of the outer one; or it has used the CPU time that it may (weir_pool_options.cpu), counted on
 * each thread from the first time that it asks there.
 * Returns: 0: go on; -WEIR_ECANCELED, -WEIR_EDEADLINE, -WEIR_ECPU.
 * Where:   job. A load from memory, and of a job with a limit a look at a clock: may stand in a tight loop.
 */
int weir_job_cancelled(const weir_job *job);

/* When its caller will be out of time.
 * Returns: an instant, weir_never() when there is none.
 * Where:   job.
 */
weir_instant weir_job_deadline(const weir_job *job);

/* Says how far it has come, in units of its own. Whoever gave weir_offload_options.progress reads it there.
 * total 0: not known.
 * Where:   job. Two stores: may stand in a tight loop.
 */
void weir_job_progress(weir_job *job, uint64_t done, uint64_t total);

/* Under simulation: this job takes so long, from its start to its end, rather than a time drawn from the
 * seed. Elsewhere it does nothing.
 * Returns: true under simulation: what is only there to take time can be left out.
 * Where:   job.
 */
bool weir_job_takes(weir_job *job, weir_duration d);

/* --- kinds of job: the form that threads, and later worker processes, other languages and other hosts share.
 *
 * A kind has a name and a version, takes parameters and bytes, and gives bytes: nothing in it points into the
 * caller's memory, so where it runs does not matter. Its input may come in pieces (a body larger than
 * memory); each piece is then a job of its own, and no worker is held while the next one is awaited.
 *
 *     static int count(weir_job *job, void *state, weir_bytes piece, bool last)
 *     {
 *         uint64_t *lines = state;
 *         for (size_t i = 0; i < piece.len; i++)
 *             *lines += piece.data[i] == '\n';
 *         return last ? weir_job_printf(job, "%llu\n", (unsigned long long)*lines) : 0;
 *     }
 *
 *     static const weir_job_kind count_lines = {
 *         .name = "count-lines", .version = 1, .state_bytes = sizeof(uint64_t), .piece = count};
 *
 *     weir_job_kind_register(&count_lines);
 *     …
 *     weir_buffer out;
 *     weir_job_fault fault;
 *     weir_job_input in = {.bytes = body};
 *     weir_buffer_init(&out, 64);
 *     err = weir_job_run(weir_pool_compute(), "count-lines", &in, &out, &fault);
 */

/* One kind; immutable once registered. */
typedef struct weir_job_kind {
    const char *name;       /* "thumbnail": letters, digits, '-', '_', '.' */
    int version;            /* >= 1: of its parameters, input and output. Another form is another version. */
    bool whole;             /* wants its input in one piece: piece() is called once, with last */
    size_t input_bytes_max; /* of a whole kind: larger input is refused with -WEIR_ETOOLARGE; 0: 64 MiB */
    size_t
        state_bytes; /* of memory that lives from begin to end, cleared before begin, aligned as malloc's */

    /* Reads the parameters, in a form of the kind's choice (JSON, text). NULL: it has none, and any that are
     * given are refused with -EINVAL. Returns 0, or a negative code, and end() is not called. */
    int (*begin)(weir_job *job, void *state, weir_bytes params);
    /* Takes the next bytes of the input (lent), perhaps none; last: there are no more. What comes out is
     * given to weir_job_write(). Returns 0, or a negative code, after which only end() follows. */
    int (*piece)(weir_job *job, void *state, weir_bytes piece, bool last);
    /* Frees what begin and piece took. Always follows a begin that returned 0, also when the caller has left.
     * It may run without a worker, on a loop: it must be quick. May be NULL. */
    void (*end)(void *state);
} weir_job_kind;

/* Adds bytes to the output of a job of a kind.
 * Owns:    data is copied.
 * Returns: 0; -WEIR_ETOOLARGE the caller's maximum is reached; -ENOMEM. The kind hands the code on.
 * Where:   job of a kind.
 */
int weir_job_write(weir_job *job, const void *data, size_t bytes) WEIR_CHECKED;

/* The same, formatted as printf would.
 * Returns: as weir_job_write().
 * Where:   job of a kind.
 */
int weir_job_printf(weir_job *job, const char *format, ...) WEIR_CHECKED
    __attribute__((format(printf, 2, 3)));

/* Says why the job fails, in words for whoever asked for it; the text is cut at the size of a weir_job_fault.
 * Returns: err, so that a kind can write `return weir_job_fail(job, -EINVAL, "…")`.
 * Where:   job of a kind.
 */
int weir_job_fail(weir_job *job, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Makes a kind known to this runtime. Again with the same kind is nothing, so every loop's setup may do it.
 * Owns:    kind is lent until weir_run() or weir_serve() returns.
 * Returns: 0; -EINVAL its name, version or piece is missing or wrong; -EEXIST another kind has this name and
 *          version; -WEIR_EBUSY there are 128 already.
 * Where:   task. Does not wait.
 */
int weir_job_kind_register(const weir_job_kind *kind) WEIR_CHECKED;

/* Finds a kind: "thumbnail" is the highest version there is, "thumbnail/1" that one.
 * Returns: NULL when there is none.
 * Where:   task, job.
 */
const weir_job_kind *weir_job_kind_find(const char *name);

/* What a job of a kind is given: parameters, and bytes or a file. All zero: nothing. */
typedef struct weir_job_input {
    weir_bytes params;
    weir_bytes bytes;
    const int *file; /* not NULL: an open descriptor to read instead of bytes, from its offset 0 on; a
                        seekable file. It is the worker that reads it. */
} weir_job_input;

/* Why a job of a kind failed, in words; "" when it says nothing. */
typedef struct weir_job_fault {
    char text[160];
} weir_job_fault;

struct weir_offload_options;

/* Runs one job of a kind and waits for it.
 * Owns:    everything is lent until this returns. out: initialised by the caller, its maximum bounds the
 *          output, which is appended; after a failure it is as it was. fault may be NULL.
 * Returns: 0; -ENOENT no kind has this name; -WEIR_ETOOLARGE input or output over its maximum; the codes of
 *          weir_offload() with which it never ran; the errors of read(2) on the file; else what the kind
 *          failed with.
 * Cancel:  as weir_offload().
 * Where:   task. Waits.
 */
int weir_job_run(weir_pool *pool, const char *kind, const weir_job_input *in, weir_buffer *out,
                 weir_job_fault *fault) WEIR_CHECKED;

/* The same with options; NULL: none.
 * Owns:    as weir_job_run().
 * Returns: as weir_job_run().
 * Cancel:  as weir_offload().
 * Where:   task. Waits.
 */
int weir_job_run_with(weir_pool *pool, const char *kind, const weir_job_input *in, weir_buffer *out,
                      weir_job_fault *fault, const struct weir_offload_options *options) WEIR_CHECKED;

/* A job of a kind whose input comes piece by piece. */
typedef struct weir_job_stream weir_job_stream;

/* Prepares one; nothing runs yet. A kind that is whole can't be streamed.
 * Owns:    the caller closes it. kind is looked up; params are copied. options, with all in it, are lent
 * until it is closed.
 * Returns: 0; -ENOENT; -EINVAL the kind wants its input whole; -ENOMEM.
 * Where:   task. Does not wait.
 */
int weir_job_stream_open(weir_pool *pool, const char *kind, weir_bytes params,
                         const struct weir_offload_options *options, weir_job_stream **out) WEIR_CHECKED;

/* Hands over the next piece and waits until the kind has taken it. The first may be refused as the options
 * say; later ones wait for their turn, since what has begun should end.
 * Owns:    piece is lent until this returns; what comes out is appended to out. The text of fault, which may
 *          be NULL, as of weir_job_run().
 * Returns: as weir_job_run(). After a failure, or after last, only weir_job_stream_close() may follow.
 * Cancel:  as weir_offload().
 * Where:   task; one at a time. Waits.
 */
int weir_job_stream_feed(weir_job_stream *stream, weir_bytes piece, bool last, weir_buffer *out,
                         weir_job_fault *fault) WEIR_CHECKED;

/* Ends it, wherever it is. NULL is nothing.
 * Where:   task. Does not wait.
 */
void weir_job_stream_close(weir_job_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
