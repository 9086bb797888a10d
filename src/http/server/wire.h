/* SPDX-License-Identifier: MIT */
/* The wire: how an exchange reaches its client, whatever the version of HTTP and whatever lies beneath.
 *
 * Threading: an exchange and its connection belong to one loop. The functions that wait are called by tasks
 * of the exchange; every other function is called by a task or from the loop's own stack.
 *
 * A connection makes an exchange with this table, and starts it when a request's head is complete
 * (weir__exchange_start() in exchange.h). From then on the exchange calls the table. The connection calls
 * weir__exchange_client_left() when the client is gone, and weir__exchange_abort() to break a response off:
 * either cancels the exchange. HTTP/1 implements the table in h1_*.c, with one exchange at a time on a
 * connection. A version with streams implements it with many. Every implementation promises:
 *
 * - Heads are fields. A request's head is `request.head`, whatever bytes it came in; one more byte may be
 *   written behind each of its spans. Its framing is WEIR__HTTP_LENGTH when the length of the body is known,
 *   WEIR__HTTP_CHUNKED when the body's end is yet to come, and WEIR__HTTP_NO_BODY. The fields of a response
 * are `response.headers`; weir__header_next() in response_headers.h reads them one at a time. The trailers
 * are `response.trailers`, in the same form; they are sent with the end of a body of unknown length.
 * - `request.body` tells how much of the body was taken, and whether it has ended. The exchange begins it;
 * the wire advances it, and fails when the body is longer than `request.body.max`.
 * - What is sent goes out in the order of the calls, through the output queue of the connection
 *   (output_queue.h). Several tasks of an exchange, and several exchanges, may send at a time: each waits for
 *   its turn, and no call fails because another one is under way.
 * - A send ends when the layer beneath has taken the bytes; only then may the caller change them. So the wait
 *   is the flow control, of TCP and of a stream alike. An exchange that waits for the credit of its stream
 * does not hold up others: it enters the output queue with what it may send, and not before.
 * - A client that is too slow, with its request's body or with the response, is cut off by
 *   weir__exchange_abort() or by an error of the wait. No call waits for a client for ever.
 * - The first failure to send is kept in `response.err`. From then on every send fails with it.
 * - The time that a task waits for the body is charged to WEIR_CHARGE_BODY, for a send to WEIR_CHARGE_SEND.
 * - The end or reset of an exchange leaves every other exchange of the connection as it is.
 */
#ifndef WEIR__HTTP_SERVER_WIRE_H
#define WEIR__HTTP_SERVER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <weir/buffer.h>
#include <weir/stream.h>

struct weir__exchange;
struct weir__splice;
struct weir_tls_info;

enum { WEIR__WIRE_PIECES_MAX = 60 };

/* The head of a response; its other fields are in `response.headers`. */
struct weir__wire_head {
    int status;
    const char *type; /* the value of content-type; NULL: there is none, or it is among the other fields */
    int64_t length;   /* of the body, also where none is sent (HEAD, 304); -1: unknown */
};

struct weir__wire {
    /* --- the body of the request --- */

    /* Takes the next payload of the body, at most `most` bytes. The payload lies in memory of the connection,
     * and stays there until the next call of one of the four functions behind this one.
     * Returns: enum weir__http_body_step: WEIR__HTTP_BODY_DATA with *payload set; WEIR__HTTP_BODY_MORE
     *          nothing is here, await_body() waits for more; WEIR__HTTP_BODY_END; -WEIR_ETOOLARGE,
     *          -WEIR_EPROTOCOL. Does not wait. */
    int (*take_body)(struct weir__exchange *x, size_t most, weir_bytes *payload);

    /* Waits until more of the body may be taken.
     * Returns: 0; -WEIR_ETRUNCATED the client has ended its side; -WEIR_ESLOW too little came for too long,
     *          `refusal.reason` says which limit; the cause of a cancel; why the connection broke.
     * Cancel:  ends the wait, nothing is lost. Waits. */
    int (*await_body)(struct weir__exchange *x);

    /* Everything taken so far is used: the connection may receive more, or go behind the end of the body.
     * next_bytes: how many the caller is going to ask read_body() for; 0: it won't. Does not wait. */
    void (*release_body)(struct weir__exchange *x, size_t next_bytes);

    /* Receives payload straight into the caller's memory, where that saves a copy.
     * Returns: > 0 bytes; -EAGAIN it saves none, or not now: take_body() does it; else as await_body().
     * Cancel:  as await_body(). Waits. */
    ssize_t (*read_body)(struct weir__exchange *x, void *data, size_t bytes);

    /* Receives payload into a pipe, at most `most` bytes. release_body() with SIZE_MAX comes before.
     * Returns: as read_body(). A version that can't leaves it NULL.
     * Cancel:  as await_body(). Waits. */
    ssize_t (*splice_body)(struct weir__exchange *x, struct weir__splice *splice, uint64_t most);

    /* --- the response --- */

    /* Sends, in one operation where it can: the head, unless NULL; pieces of the body, at most
     * WEIR__WIRE_PIECES_MAX; the end of the body if `end`. Without a body (HEAD, 204, 304) count is 0. A send
     * of nothing but the end may follow the last piece.
     * Sets `response.status` and `response.began` once the head is made, before any byte is sent.
     * Returns: 0; `response.err`; -EINVAL, -ENOMEM the head could not be made, and nothing was sent.
     * Cancel:  how much was sent is unknown, so the response is broken. Waits. */
    int (*send)(struct weir__exchange *x, const struct weir__wire_head *head, const struct iovec *body,
                size_t count, bool end);

    /* Whether splice() works. */
    bool (*can_splice)(struct weir__exchange *x);

    /* Sends the next piece of the body, which is all that is in a pipe. NULL: can_splice is NULL, too.
     * Returns: as send(). After a failure the pipe is not empty.
     * Cancel:  as send(). Waits. */
    int (*splice)(struct weir__exchange *x, struct weir__splice *splice);

    /* Sends an informational head, before the response's own. fields: lines "name: value\r\n"; may be empty.
     * Returns: as send().
     * Cancel:  as send(). Waits. */
    int (*send_informational)(struct weir__exchange *x, int status, weir_bytes fields);

    /* Gives the connection to another protocol, once the body of the request has ended: sends the head of a
     * 101 that names it, or with NULL of a 200 to CONNECT, and makes a stream that begins with what was
     * received behind the request. Sets response.began and response.status. From then on the exchange calls
     * only end(), reset() and peer(), which know that the stream is another's. A version that has no such
     * thing leaves it NULL.
     * Returns: as send(); -ENOMEM.
     * Cancel:  as send(). Waits. */
    int (*take_over)(struct weir__exchange *x, const char *protocol, weir_stream **out);

    /* --- the end --- */

    /* The response is complete, the request's body is not: receives what is left of the body, or decides that
     * the connection does without. Waits. */
    void (*finish_request)(struct weir__exchange *x);

    /* The exchange is over, its response complete. The connection goes on, or ends in order. Frees x. */
    void (*end)(struct weir__exchange *x);

    /* The exchange is over, its response broken: the client must not take what it has for all. Frees x. */
    void (*reset)(struct weir__exchange *x);

    /* --- questions --- */

    /* Writes the client's address into text[WEIR_ADDRESS_BYTES]. Returns: text. */
    const char *(*peer)(struct weir__exchange *x, char *text);

    /* Writes its IP address, as weir_request_peer_ip(). Returns: false: it has none. */
    bool (*peer_ip)(struct weir__exchange *x, unsigned char out[16]);

    /* As peer(), of the address that the client is connected to. */
    const char *(*local)(struct weir__exchange *x, char *text);

    /* As weir_request_tls_info(). NULL: there is never TLS. */
    int (*tls_info)(struct weir__exchange *x, struct weir_tls_info *info);
};

#endif
