/* SPDX-License-Identifier: MIT */
/* Jobs: functions that run on a pool, and kinds of jobs that are known by name.
 *
 * Threading: a job runs on a worker's thread, once, from beginning to end. It may call blocking functions,
 * but no function marked "task": a job does not wait on a loop. Functions marked "job" are called by the
 * job itself, on the thread it runs on. What a job is given (arg, input) is lent to it until it returns;
 * meanwhile its caller waits, and no other task may use it.
 *
 * A job is never killed. weir_job_cancelled() reports when its caller has left or has no time left, or when
 * it has used more CPU time than it may. A long job asks now and then, and returns.
 *
 * Under simulation a job runs on the loop's own stack and takes a virtual time drawn from the seed, or the
 * time given to weir_job_takes().
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

/* Reports whether the job should end: because the caller's scope was cancelled or its deadline has passed
 * (for a job within a job, also those of the outer job's caller), or because it has used the CPU time that
 * it may use (weir_pool_options.cpu). The CPU time is counted on each thread from the first call there.
 * Returns: 0: continue; -WEIR_ECANCELED, -WEIR_EDEADLINE, -WEIR_ECPU.
 * Where:   job. Costs a load from memory and, for a job with a limit, a reading of a clock: cheap enough
 *          for a tight loop.
 */
int weir_job_cancelled(const weir_job *job);

/* Returns the deadline of the job's caller.
 * Returns: an instant, weir_never() if there is none.
 * Where:   job.
 */
weir_instant weir_job_deadline(const weir_job *job);

/* Publishes how far the job has come, in units of its own, in weir_offload_options.progress. total 0:
 * unknown.
 * Where:   job. Costs two stores: cheap enough for a tight loop.
 */
void weir_job_progress(weir_job *job, uint64_t done, uint64_t total);

/* Sets how long the job takes under simulation, from its start to its end, instead of a time drawn from the
 * seed. Elsewhere it does nothing.
 * Returns: true under simulation: work whose only purpose is to take time can be left out.
 * Where:   job.
 */
bool weir_job_takes(weir_job *job, weir_duration d);

/* --- kinds of jobs: a form that threads share, and later worker processes, other languages and other hosts
 *
 * A kind has a name and a version, takes parameters and bytes, and produces bytes. Nothing in it points
 * into the caller's memory, so it does not matter where it runs. Its input may come in pieces (for a body
 * larger than memory); each piece is then a job of its own, so no worker is occupied while the next piece
 * is awaited.
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

/* A kind of job; immutable once registered. */
typedef struct weir_job_kind {
    const char *name; /* "thumbnail": letters, digits, '-', '_', '.' */
    int version;      /* >= 1: of its parameters, input and output. A changed format is a new version. */
    bool whole;       /* takes its input in one piece: piece() is called once, with last */
    size_t input_bytes_max; /* of a whole kind: larger input is refused with -WEIR_ETOOLARGE; 0: 64 MiB */
    size_t
        state_bytes; /* of memory that lives from begin to end, cleared before begin, aligned like malloc's */

    /* Reads the parameters, in a format that the kind chooses (JSON, text). NULL: the kind has none, and
     * given parameters are refused with -EINVAL. Returns 0, or a negative code; after a negative code end()
     * is not called. */
    int (*begin)(weir_job *job, void *state, weir_bytes params);
    /* Takes the next bytes of the input (lent), perhaps none; last: no more follow. Writes its output with
     * weir_job_write(). Returns 0, or a negative code, after which only end() is called. */
    int (*piece)(weir_job *job, void *state, weir_bytes piece, bool last);
    /* Frees what begin() and piece() allocated. Always called after a begin() that returned 0, also if the
     * caller has left. It may run without a worker, on a loop, so it must be quick. May be NULL. */
    void (*end)(void *state);
    unsigned char reserved[32]; /* for later versions; zero */
} weir_job_kind;

/* Appends bytes to the output of a job of a kind.
 * Owns:    data is copied.
 * Returns: 0; -WEIR_ETOOLARGE the caller's maximum is reached; -ENOMEM. The kind returns the code in turn.
 * Where:   job of a kind.
 */
int weir_job_write(weir_job *job, const void *data, size_t bytes) WEIR_CHECKED;

/* Appends text, formatted as by printf().
 * Returns: as weir_job_write().
 * Where:   job of a kind.
 */
int weir_job_printf(weir_job *job, const char *format, ...) WEIR_CHECKED
    __attribute__((format(printf, 2, 3)));

/* Describes in words why the job fails, for its caller. The text is cut to the size of a weir_job_fault.
 * Returns: err, so that a kind can write `return weir_job_fail(job, -EINVAL, "…")`.
 * Where:   job of a kind.
 */
int weir_job_fail(weir_job *job, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Registers a kind with this runtime. Registering the same kind again does nothing, so every loop's setup
 * may do it.
 * Owns:    kind is lent until weir_run() or weir_serve() returns.
 * Returns: 0; -EINVAL its name, version or piece is missing or wrong; -EEXIST another kind has this name
 *          and version; -WEIR_EBUSY there are 128 kinds already.
 * Where:   task. Does not wait.
 */
int weir_job_kind_register(const weir_job_kind *kind) WEIR_CHECKED;

/* Finds a kind: "thumbnail" means its highest version, "thumbnail/1" that version.
 * Returns: NULL if there is none.
 * Where:   task, job.
 */
const weir_job_kind *weir_job_kind_find(const char *name);

/* The input of a job of a kind: parameters, and bytes or a file. All zero: nothing. */
typedef struct weir_job_input {
    weir_bytes params;
    weir_bytes bytes;
    const int *file; /* not NULL: an open descriptor of a seekable file, read instead of bytes from offset 0
                        on; the worker reads it. */
} weir_job_input;

/* The reason why a job of a kind failed, in words; "" if the kind gave none. */
typedef struct weir_job_fault {
    char text[160];
} weir_job_fault;

struct weir_offload_options;

/* Runs one job of a kind and waits for it.
 * Owns:    everything is lent until the function returns. out is initialised by the caller; its maximum
 *          limits the output, which is appended. After a failure out is unchanged. fault may be NULL.
 * Returns: 0; -ENOENT no kind has this name; -WEIR_ETOOLARGE input or output over its maximum; the codes
 *          with which a job of weir_offload() never ran; the errors of read(2) on the file; otherwise the
 *          code with which the kind failed.
 * Cancel:  as weir_offload().
 * Where:   task. Waits.
 */
int weir_job_run(weir_pool *pool, const char *kind, const weir_job_input *in, weir_buffer *out,
                 weir_job_fault *fault) WEIR_CHECKED;

/* Like weir_job_run(), with options; NULL: none.
 * Owns:    as weir_job_run().
 * Returns: as weir_job_run().
 * Cancel:  as weir_offload().
 * Where:   task. Waits.
 */
int weir_job_run_with(weir_pool *pool, const char *kind, const weir_job_input *in, weir_buffer *out,
                      weir_job_fault *fault, const struct weir_offload_options *options) WEIR_CHECKED;

/* A job of a kind whose input comes piece by piece. */
typedef struct weir_job_stream weir_job_stream;

/* Prepares a streamed job; nothing runs yet. A kind that takes its input whole cannot be streamed.
 * Owns:    the caller closes *out. kind is looked up; params are copied. options, with everything in them,
 *          are lent until the stream is closed.
 * Returns: 0; -ENOENT; -EINVAL the kind takes its input whole; -ENOMEM.
 * Where:   task. Does not wait.
 */
int weir_job_stream_open(weir_pool *pool, const char *kind, weir_bytes params,
                         const struct weir_offload_options *options, weir_job_stream **out) WEIR_CHECKED;

/* Passes the next piece to the kind and waits until the kind has processed it. The first piece may be
 * refused, as the options say; later pieces wait for their turn, since a job that has begun should end.
 * Owns:    piece is lent until the function returns; output is appended to out. fault may be NULL; its text
 *          is as that of weir_job_run().
 * Returns: as weir_job_run(). After a failure, or after last, only weir_job_stream_close() may be called.
 * Cancel:  as weir_offload().
 * Where:   task; one at a time. Waits.
 */
int weir_job_stream_feed(weir_job_stream *stream, weir_bytes piece, bool last, weir_buffer *out,
                         weir_job_fault *fault) WEIR_CHECKED;

/* Ends a streamed job, at any point. NULL does nothing.
 * Where:   task. Does not wait.
 */
void weir_job_stream_close(weir_job_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
