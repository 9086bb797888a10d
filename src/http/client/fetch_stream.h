/* SPDX-License-Identifier: MIT */
/* A request and its answer in pieces: what its files share. Threading: as state.h. */
#ifndef WEIR__HTTP_CLIENT_FETCH_STREAM_H
#define WEIR__HTTP_CLIENT_FETCH_STREAM_H

#include "core/account/attribution.h"
#include "core/misuse.h"
#include "http/client/fetch_parts.h"

struct weir__splice;

enum { WEIR__FETCH_RUNS_MAX = 32 }; /* of one write */

struct weir_fetch_stream {
    struct weir__handle handle;
    struct weir__fetch f;
    struct weir__origin *origin;
    const char *name; /* of the backend, in the ledger of the exchange that opened the stream */

    /* The request. */
    bool chunked;
    bool repeatable; /* there is no body */
    bool sent;       /* all of it */
    bool writing;    /* a task writes */
    int lost;        /* why the request did not get through */
    int given_up;    /* the rest is not sent: 1 it is not needed, or an error; 0: it is not given up */
    uint64_t left;   /* of the body, unless chunked */
    const weir_header *trailers;
    size_t trailer_count;
    weir_buffer added; /* lines of trailers: weir_fetch_trailer_add() */

    /* The answer. */
    bool reading;   /* a task reads */
    bool head_read; /* by weir_fetch_head() */
    bool broke;     /* reading the body failed, and that is counted */
    int cause; /* of the latest cancelled wait for the head: how the exchange ended, if it is closed then */
    int interims_read;

    char head[WEIR__FETCH_STREAM_HEAD_ROOM]; /* of the request, if it is that small */
};

_Static_assert(sizeof(weir_fetch_stream) <= 1032, "what malloc() has at hand ends there");

/* --- fetch_stream_read.c --- */

/* Takes the next run of payload out of the bytes that are here, where it lies. run empty: none is here, or
 * the body has ended. Returns: 0; -WEIR_EPROTOCOL; -ENOMEM. */
int weir__fetch_take_run(struct weir__fetch *f, size_t most, weir_bytes *run) WEIR_CHECKED;

/* The body was read to its end (0), or reading it failed. */
void weir__fetch_stream_read_ended(weir_fetch_stream *s, ssize_t n);

/* Checks the caller of a function that reads the body. */
void weir__fetch_stream_check_answer(const weir_fetch_stream *s, const char *function);

/* --- fetch_stream_write.c: the request as a sink --- */

/* As weir_fetch_write(), of several pieces, at most WEIR__FETCH_RUNS_MAX; -WEIR_EIDLE. */
int weir__fetch_stream_write_runs(weir_fetch_stream *s, const struct iovec *runs, size_t count,
                                  int64_t idle_ns) WEIR_CHECKED;

bool weir__fetch_stream_can_splice(const weir_fetch_stream *s);

/* Sends all that is in a pipe. Returns: as weir_fetch_write(); -WEIR_EIDLE. */
int weir__fetch_stream_splice_out(weir_fetch_stream *s, struct weir__splice *splice,
                                  int64_t idle_ns) WEIR_CHECKED;

/* Ends the body. Returns: as weir_fetch_end(). */
int weir__fetch_stream_end(weir_fetch_stream *s) WEIR_CHECKED;

static inline struct weir__attribution weir__fetch_stream_charge(const weir_fetch_stream *s)
{
    return weir__attribution_on(weir__task_current(), WEIR_CHARGE_BACKEND, s->name);
}

static inline void weir__fetch_stream_charge_back(struct weir__attribution before)
{
    weir__attribution_back(weir__task_current(), before);
}

/* Checks the caller of a function that writes, or reads. */
static inline void weir__fetch_stream_check_writer(const weir_fetch_stream *s, const char *function)
{
    weir__check_loop(s->handle.loop, function, "a fetch stream");
    if (s->writing)
        weir__misuse(function, "while another task writes the same request", "let one task write");
}

static inline void weir__fetch_stream_check_reader(const weir_fetch_stream *s, const char *function)
{
    weir__check_loop(s->handle.loop, function, "a fetch stream");
    if (s->reading)
        weir__misuse(function, "while another task reads the same answer", "let one task read");
}

#endif
