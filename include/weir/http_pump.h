/* SPDX-License-Identifier: MIT */
/* Pumping bodies: from a request, the answer of a fetch, or a stream; to a response, the request of a fetch,
 * or a stream. For proxies, uploads and downloads of any size, in constant memory.
 *
 * Threading: as the source and the sink, which belong to one loop: the task that pumps is the one that reads
 * the source and the one that writes to the sink. Two tasks pump the two directions of a proxied exchange.
 *
 * Each piece is passed on as it comes. The first 64 KiB of a body are read and written; from there on the
 * kernel moves the bytes between the two sockets (splice), and they are not copied through the program. Bytes
 * that must be seen are read and written throughout, up to 64 KiB at a time: bodies that a filter changes,
 * small chunks, other transports than sockets, such as TLS. Where the system has no pipes left, bodies are
 * read and written too.
 */
#ifndef WEIR_HTTP_PUMP_H
#define WEIR_HTTP_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/http_client.h>
#include <weir/http_request.h>
#include <weir/http_response.h>
#include <weir/stream.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A part of a regular file. A loop never waits for a disk on its account: what is in memory is sent from
 * there, the rest is read first by jobs of the pool weir_pool_blocking(), while only the task waits. A job
 * waits for its turn however full the pool is, as long as the scope allows. Where the file system doesn't
 * tell what is in memory (FUSE, some network file systems), jobs read all of it.
 *
 * A file that ends before that part does is a source that has broken off: -WEIR_ETRUNCATED. The bytes are
 * those that stand in the file when they are sent; a file that grows does so unseen. */
typedef struct weir_body_file {
    int fd; /* open for reading; lent */
    uint64_t offset, bytes;
} weir_body_file;

/* Where a body comes from. Exactly one member is not NULL. */
typedef struct weir_body_source {
    weir_request *request;      /* what is left of its body */
    weir_fetch_stream *fetch;   /* what is left of the answer's body, after weir_fetch_head() */
    weir_stream *stream;        /* what it reads until its end */
    const weir_body_file *file; /* its length is known: weir_respond_pump() announces it */
} weir_body_source;

/* Where a body goes. Exactly one member is not NULL. */
typedef struct weir_body_sink {
    weir_response *response;  /* after weir_respond_begin() */
    weir_fetch_stream *fetch; /* the body of the request, after weir_fetch_open() */
    weir_stream *stream;
} weir_body_sink;

/* Options of a pump. A zero field means its default, given in brackets. */
typedef struct weir_body_pump_options {
    uint64_t bytes_max; /* pumps at most so many; what is left of the source can be read or pumped later
                           [no maximum] */
    /* A fetch, or a stream, that gives or takes nothing for so long fails with -WEIR_EIDLE, before twice this
     * time. The client of a server is under the limits of the server instead (weir_limits) [no limit] */
    weir_duration idle_timeout;
    /* weir_respond_pump(): whether a trailer of the source is added to the answer [all are, that
     * weir_response_trailer_add() allows]. Must not wait */
    bool (*passes_trailer)(void *arg, const char *name);
    void *arg;
    unsigned char reserved[32]; /* for later versions; zero */
} weir_body_pump_options;

/* The side at which a pump failed. */
enum weir_body_side {
    WEIR_BODY_NEITHER, /* it did not fail; or it was cancelled, the options were wrong, memory is exhausted */
    WEIR_BODY_SOURCE,  /* the source broke off, or sent what it must not send */
    WEIR_BODY_SINK,    /* the sink takes no more */
};

/* What a pump has done so far. Other tasks of the loop may read it while the pump works. */
typedef struct weir_body_pumped {
    uint64_t bytes;                /* of the body, that the sink has taken; after a failure it may be more */
    enum weir_body_side failed;    /* see there */
    enum weir_body_side waits_for; /* the side that is to give or take the next bytes */
    weir_instant since;            /* it waits for that side, or bytes have moved */
} weir_body_pumped;

/* Pumps a body, until the source ends. The end is not passed on: weir_fetch_end(), the return of the handler
 * or weir_stream_shutdown() does that, after trailers, if there are any.
 * Owns:    all is lent; meanwhile no other task reads the source or writes to the sink, except that other
 *          tasks may write to a response, whose pieces then stand between those of the pump. options may be
 *          NULL: all defaults. *pumped, if pumped is not NULL, is set in any case.
 * Returns: 0 the source has ended, or bytes_max bytes were pumped; 1 the sink is a fetch whose backend needs
 * no more, as weir_fetch_write(); -EINVAL not exactly one source and one sink, or the body is longer than was
 * announced of the sink: then at least one byte of the source is lost; -WEIR_EIDLE; else, with pumped->failed
 * = WEIR_BODY_SOURCE, as weir_request_read(), weir_fetch_read() or weir_read(); with WEIR_BODY_SINK, as
 * weir_respond_write(), weir_fetch_write() or weir_write(). After a failure the sink is broken, unless the
 * source failed. A file fails with -WEIR_ETRUNCATED, -EIO and other errors of read(2), or, when there is no
 * thread to read it, -WEIR_EBUSY or -ENOMEM; the sink is broken then as well, if it is a socket.
 * Cancel:  ends the wait. While it waits for the source no byte is lost, and both sides can go on.
 * A job that reads a file ends first.
 * Where:   task of its loop. Waits.
 */
int weir_body_pump(const weir_body_source *from, const weir_body_sink *to,
                   const weir_body_pump_options *options, weir_body_pumped *pumped) WEIR_CHECKED;

/* Answers with the body of a source: with a Content-Length if the source has one, else chunked. What is here
 * of the body already is sent with the head in one write; so is the end of the response, if all of the body
 * is here. Then the rest is pumped as by weir_body_pump(). When the source ends, those of its trailers are
 * added that weir_response_trailer_add() allows; the answer ends when the handler returns 0. If the source
 * breaks off, the handler must return the error, so that the answer is broken off, too. bytes_max is not
 * used.
 *
 * The first bytes of a file are waited for, and then are here. To HEAD nothing is read.
 *
 * A fault of the source in what is here already is found before anything is sent: the answer has not begun
 * then, and the handler can give another one.
 *
 * A response without a body (HEAD, 204, 304) announces the Content-Length of the fetch's answer, if it has
 * one; to HEAD, chunks if that does.
 * Owns:    as weir_body_pump(). type may be NULL: none, or the header Content-Type that was added.
 * Returns: 0; -WEIR_EBUSY an answer has begun already; -EINVAL status; as weir_body_pump().
 * Cancel:  as weir_body_pump(); the answer has begun, and is broken unless the handler goes on with it.
 * Where:   task of its loop. Waits.
 */
int weir_respond_pump(weir_response *res, int status, const char *type, const weir_body_source *from,
                      const weir_body_pump_options *options, weir_body_pumped *pumped) WEIR_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
