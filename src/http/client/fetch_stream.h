/* SPDX-License-Identifier: MIT */
/* A request and its answer in pieces: what its files share. Threading: as state.h. */
#ifndef WEIR__HTTP_CLIENT_FETCH_STREAM_H
#define WEIR__HTTP_CLIENT_FETCH_STREAM_H

#include "core/account/attribution.h"
#include "core/misuse.h"
#include "http/client/fetch_parts.h"

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
};

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
