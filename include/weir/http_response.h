/* SPDX-License-Identifier: MIT */
/* Responses of an HTTP server: what a handler answers.
 *
 * Threading: as a request (see <weir/http_request.h>): the task of the handler and the tasks of its scope,
 * until the handler returns.
 *
 * A handler adds headers, then answers once: whole (weir_respond_text() and the like), or as a stream
 * (weir_respond_begin(), weir_respond_write()).
 */
#ifndef WEIR_HTTP_RESPONSE_H
#define WEIR_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/http_client.h>
#include <weir/http_request.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- headers --- */

/* Adds a header. The headers that frame the message (Content-Length, Transfer-Encoding, Connection) and
 * Date are set by the server.
 * Owns:    both are copied.
 * Returns: 0; -EINVAL a character that is not allowed in a header, a header that the server sets, or more
 * than 64 KiB of headers; -WEIR_EBUSY the answer has begun; -ENOMEM.
 * Where:   task of its loop. Does not wait.
 */
int weir_response_header_add(weir_response *res, const char *name, const char *value);

/* Headers that many answers have: checked and written down once. */
typedef struct weir_header_block weir_header_block;

/* Makes a block of headers.
 * Owns:    headers are copied. The caller frees *out with weir_header_block_free().
 * Returns: 0; -EINVAL as weir_response_header_add(); -ENOMEM. *out is NULL then.
 * Where:   any thread. Does not wait.
 */
int weir_header_block_make(const weir_header *headers, size_t count, weir_header_block **out) WEIR_CHECKED;

/* Frees a block. Answers that it was added to keep their headers. NULL is harmless.
 * Where:   any thread. Does not wait.
 */
void weir_header_block_free(weir_header_block *block);

/* Adds all headers of a block, as weir_response_header_add() would, in a fraction of the time.
 * Owns:    block is copied.
 * Returns: 0; -EINVAL more than 64 KiB of headers; -WEIR_EBUSY the answer has begun; -ENOMEM.
 * Where:   task of its loop. Does not wait.
 */
int weir_response_header_block_add(weir_response *res, const weir_header_block *block);

/* Finds the value of a header that the answer has so far. If the header occurs several times, the first
 * value.
 * Returns: NULL if there is no such header, or memory is exhausted.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_response_header(weir_response *res, const char *name);

/* Finds the value of a header of the answer that is a list: all values, joined by ", ".
 * Returns: as weir_response_header().
 * Where:   task of its loop. Does not wait.
 */
const char *weir_response_header_joined(weir_response *res, const char *name);

/* Replaces all headers of this name by one; value NULL removes them.
 * Owns:    both are copied.
 * Returns: as weir_response_header_add().
 * Where:   task of its loop. Does not wait.
 */
int weir_response_header_set(weir_response *res, const char *name, const char *value);

/* Adds a trailer: a header that is sent after the body, for what is known only then. Trailers are sent with
 * bodies of unknown length on HTTP/1.1 (weir_respond_begin() with length -1), and dropped with others. They
 * may be added until the handler returns. Recipients may ignore them.
 * Owns:    both are copied.
 * Returns: 0; -EINVAL a character that is not allowed, or a name that is not allowed after a body
 *          (Content-Type, Set-Cookie …); -ENOTSUP the answer has begun, and has no place for trailers;
 * -ENOMEM.
 * Where:   task of its loop. Does not wait.
 */
int weir_response_trailer_add(weir_response *res, const char *name, const char *value);

/* Has the connection closed behind this answer, which says so (Connection: close). Without it the connection
 * is kept when the client wants that and its request has been read; at most 64 KiB of a body that the handler
 * has left unread are read and dropped for that, for at most a second.
 * Returns: 0; -WEIR_EBUSY the answer has begun.
 * Where:   task of its loop. Does not wait.
 */
int weir_response_close(weir_response *res);

/* --- answers --- */

/* Sends an informational answer before the answer proper: 102 (Processing), 103 (Early Hints, RFC 8297), or
 * another of 100 to 199. It has the given headers alone. A client of HTTP/1.0 is sent nothing. 100 (Continue)
 * is sent by the functions that read a body, unless weir_request_leave_continue() has been called; 101 by
 * weir_request_upgrade().
 * Owns:    headers are lent until the function returns.
 * Returns: 0; -EINVAL status, or a header as in weir_response_header_add(); -WEIR_EBUSY the answer has begun;
 *          -ENOMEM; -EPIPE, -ECONNRESET …
 * Cancel:  ends the wait, and breaks the answer off.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_informational(weir_response *res, int status, const weir_header *headers,
                               size_t header_count);

/* Answers with a text.
 * Returns: 0; -WEIR_EBUSY an answer has begun already; -EINVAL status; -EPIPE, -ECONNRESET …
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_text(weir_response *res, int status, const char *text);

/* Answers with bytes. type NULL: no Content-Type.
 * Owns:    data is lent until the function returns.
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_bytes(weir_response *res, int status, const char *type, const void *data, size_t bytes);

/* Answers with the contents of a buffer.
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_buffer(weir_response *res, int status, const char *type, const weir_buffer *body);

/* A part of an answer, sent from where it lies in memory. */
typedef struct weir_response_piece {
    const void *data;
    size_t bytes;
    void (*sent)(void *arg); /* called once, when data is no longer needed; must not wait. NULL: no call */
    void *arg;
} weir_response_piece;

/* Answers with several pieces, one after the other, without copying them into one. Each piece is released,
 * in order, as soon as it has been sent, so what a slow client has taken is held no longer. Pieces that
 * were not sent are released when the function returns, whatever its result.
 * Owns:    the array is lent until the function returns; what a piece points to, until its sent() is
 *          called.
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_pieces(weir_response *res, int status, const char *type, const weir_response_piece *pieces,
                        size_t count);

/* Answers {"error":{"code":…,"message":…}} with the status for a negative code: -WEIR_EBUSY, -WEIR_EOPEN
 * and -WEIR_ELIMITED 503 with Retry-After; -ENOMEM, -EAGAIN and -WEIR_ENESTED 503; -WEIR_EDEADLINE and
 * -WEIR_ELATE 504; -WEIR_ETOOLARGE 413; -WEIR_ESLOW 408; -EPROTONOSUPPORT 426; -WEIR_EPROTOCOL and
 * -WEIR_ETRUNCATED 400; -WEIR_ECPU 422; others 500. If a pool refused a job of this exchange, or a backend a
 * request, Retry-After is the time that the pool expects to be busy, or that the breaker stays open, and the
 * message has the reason.
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_error(weir_response *res, int err);

/* Answers in the form of weir_respond_error(), with a status, code and message of your own.
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_fault(weir_response *res, int status, const char *code, const char *message);

/* Refuses a request: answers 503 with the code "busy" in the form of weir_respond_error(), and with
 * Retry-After, in seconds, rounded up, at least one. The exchange is recorded as refused.
 * Takes:   reason: the name of one of weir_refusal_at().
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_busy(weir_response *res, const char *reason, weir_duration retry_after, const char *message);

/* As weir_respond_fault(), and the exchange is recorded as refused.
 * Takes:   reason: the name of one of weir_refusal_at().
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_refusal(weir_response *res, const char *reason, int status, const char *code,
                         const char *message);

/* Begins a streamed answer. length is in bytes, or -1 if unknown (the body is then chunked; for HTTP/1.0 it
 * ends with the connection). To HEAD, and with 304, the length is announced and no body is sent; a length of
 * 0 is not announced with 304, and an unknown one announces chunks to HEAD, as the answer to GET does.
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_begin(weir_response *res, int status, const char *type, int64_t length) WEIR_CHECKED;

/* Sends a piece of a streamed answer. The answer ends when the handler returns 0; if fewer bytes were sent
 * than announced, the connection is broken off. Several tasks of the handler's scope may write: pieces are
 * sent whole, in the order of the calls, and each call waits for its turn.
 * Owns:    data is lent until the function returns.
 * Returns: 0; -EINVAL more than announced, or no answer was begun; -EPIPE, -ECONNRESET …
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it: a slow client slows down the handler.
 */
int weir_respond_write(weir_response *res, const void *data, size_t bytes) WEIR_CHECKED;

/* --- filters: functions that change answers, for example compress them ---
 *
 * Filters stack. The filter that was added last is nearest to the handler and sees the answer first; the one
 * that was added first is nearest to the client. So filters nest as the wrappers do that add them before they
 * call the next handler: if compressing wraps caching, the cache holds what the handler wrote. */

/* An answer before its head is written, as the filters nearer to the handler left it. */
typedef struct weir_response_head {
    int status;
    const char *type; /* Content-Type; NULL: none */
    int64_t length;   /* of the body; -1: unknown */
    bool bodiless;    /* no body is sent: HEAD, 204, 304 */
    bool whole;       /* the complete body is known, and is: */
    weir_bytes body;
} weir_response_head;

/* A filter between a handler and its client. Its functions are called in the task that answers, may wait,
 * and must not answer or add filters themselves. */
typedef struct weir_response_filter {
    /* Called with every answer, also with the server's own about a failure, once; may change its headers.
     * Returns 1: the body goes through piece(), its length is the length of what comes out, and an answer
     * without a body announces no length. Returns 0: the answer goes on unchanged. A negative code becomes
     * the result of the handler's call; an answer about that failure goes through the filters that were not
     * called yet. */
    int (*head)(void *arg, weir_response *res, const weir_response_head *head);
    /* Takes the next bytes of the body (lent), perhaps none; last: no more follow. Sets *out to what is
     * sent instead, perhaps nothing yet; it stays valid until the next call. Returns 0; 1: call again, with
     * no bytes, for more output; a negative code, which breaks the answer off. A whole answer is passed in
     * one call; if that returns 0, the output goes on as a whole answer. May be NULL if head() never
     * returns 1.
     */
    int (*piece)(void *arg, weir_bytes in, bool last, weir_bytes *out);
    /* Called when the exchange has ended, whatever its result. May be NULL. Must not wait. */
    void (*end)(void *arg);
} weir_response_filter;

enum { WEIR_RESPONSE_FILTERS_MAX = 16 }; /* of one answer */

/* Passes the answer through a filter. Meant for wrappers that call the real handler.
 * Owns:    filter, and what arg points to, are lent until filter->end() or, without one, until the exchange
 *          ends: weir_request_alloc() gives such memory.
 * Returns: 0; -WEIR_EBUSY the answer has begun; -EINVAL filter->head is NULL, or more than
 *          WEIR_RESPONSE_FILTERS_MAX; -ENOMEM.
 * Where:   task of its loop. Does not wait.
 */
int weir_response_filter_add(weir_response *res, const weir_response_filter *filter, void *arg);

#ifdef __cplusplus
}
#endif
#endif
