/* SPDX-License-Identifier: MIT */
/* The two ends of a pump: what it takes from any source, and gives to any sink.
 *
 * Threading: the task that pumps.
 *
 *     pump.c         the functions of <weir/http_pump.h>
 *     pump_source.c  requests, answers and streams as sources
 *     pump_file.c    files as sources
 *     pump_sink.c    responses, requests and streams as sinks
 */
#ifndef WEIR__HTTP_PUMP_PARTS_H
#define WEIR__HTTP_PUMP_PARTS_H

#include <sys/uio.h>

#include <weir/http_pump.h>

#include "net/splice.h"

enum { WEIR__PUMP_RUNS_MAX = 32 }; /* of one write */

/* --- pump_file.c --- */

/* What is left of a file: bytes in `piece`, then `left` more. */
struct weir__pump_file {
    struct weir__splice_file part; /* the next bytes */
    uint64_t left;
    char *piece;
    size_t piece_at, piece_len, piece_room;
    bool untold; /* the system doesn't tell what is in memory: all is read by jobs, or copied */
};

/* Returns: 0; -EINVAL. */
int weir__pump_file_open(struct weir__pump_file *f, const weir_body_file *from) WEIR_CHECKED;
void weir__pump_file_close(struct weir__pump_file *f);
uint64_t weir__pump_file_length(const struct weir__pump_file *f);

/* As those of weir__pump_source. */
int weir__pump_file_take(struct weir__pump_file *f, struct iovec *runs, uint64_t most) WEIR_CHECKED;
int weir__pump_file_await(struct weir__pump_file *f) WEIR_CHECKED;
ssize_t weir__pump_file_splice(struct weir__pump_file *f, struct weir__splice *splice,
                               uint64_t most) WEIR_CHECKED;

/* --- pump_source.c --- */

struct weir__pump_source {
    weir_body_source is;
    int64_t idle_ns;
    char *piece; /* of a stream: bytes that were read; NULL: none */
    size_t piece_at, piece_len;
    bool stream_ended;
    struct weir__pump_file file;
    bool (*passes_trailer)(void *arg, const char *name); /* NULL: all pass */
    void *arg;
};

/* Checks what a caller has given. Returns: 0; -EINVAL. */
int weir__pump_source_open(struct weir__pump_source *s, const weir_body_source *from, int64_t idle_ns,
                           const char *function) WEIR_CHECKED;

/* Gives back to a stream what was not taken. Returns: 0; -ENOMEM some of that is lost. */
int weir__pump_source_close(struct weir__pump_source *s) WEIR_CHECKED;

/* Whether nothing is left. */
bool weir__pump_source_ended(const struct weir__pump_source *s);

/* How much is left; -1: unknown. Of an answer without a body what it announces. */
int64_t weir__pump_source_length(const struct weir__pump_source *s);

/* Whether it is an answer that announces chunks, perhaps without a body. */
bool weir__pump_source_is_chunked(const struct weir__pump_source *s);

/* Takes runs of the body that are here, at most `most` bytes. They stay where they are until
 * weir__pump_source_used(). Returns: their number; 0; < 0 the source failed. Does not wait. */
int weir__pump_source_take(struct weir__pump_source *s, struct iovec *runs, size_t count,
                           uint64_t most) WEIR_CHECKED;

/* The runs are used. splices: weir__pump_source_splice() follows. */
void weir__pump_source_used(struct weir__pump_source *s, bool splices);

/* Waits until more may be taken, or the source has ended. Returns: 0; < 0. Waits. */
int weir__pump_source_await(struct weir__pump_source *s) WEIR_CHECKED;

/* Takes bytes into a pipe, or names those of a file. Returns: > 0; 0 the end; -EAGAIN not now, take() does
 * it; < 0. Waits. */
ssize_t weir__pump_source_splice(struct weir__pump_source *s, struct weir__splice *splice,
                                 uint64_t most) WEIR_CHECKED;

/* Adds the trailers of a source that has ended to a response, as far as they are allowed there. */
int weir__pump_source_trailers(const struct weir__pump_source *s, weir_response *res) WEIR_CHECKED;

/* Whether there are any. */
bool weir__pump_source_has_trailers(const struct weir__pump_source *s);

/* --- pump_sink.c --- */

struct weir__pump_sink {
    weir_body_sink is;
    int64_t idle_ns;
    bool ends; /* of a response: its end is sent with the last bytes */
};

/* Checks what a caller has given. Returns: 0; -EINVAL. */
int weir__pump_sink_open(struct weir__pump_sink *k, const weir_body_sink *to, int64_t idle_ns,
                         const char *function) WEIR_CHECKED;

/* Sends runs; last: nothing follows. Returns: 0; 1 no more is needed; < 0. Waits. */
int weir__pump_sink_write(struct weir__pump_sink *k, const struct iovec *runs, size_t count,
                          bool last) WEIR_CHECKED;

/* Whether it can send from a pipe. */
bool weir__pump_sink_can_splice(const struct weir__pump_sink *k);

/* Sends what is in a pipe. Returns: as weir__pump_sink_write(). Waits. */
int weir__pump_sink_splice(struct weir__pump_sink *k, struct weir__splice *splice) WEIR_CHECKED;

#endif
