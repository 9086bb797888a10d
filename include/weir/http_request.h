/* SPDX-License-Identifier: MIT */
/* Requests of an HTTP server: what a handler reads of the request that it answers.
 *
 * Threading: a request belongs to the task of its handler and to the tasks of the handler's scope, all on one
 * loop. Every function here is for those tasks, until the handler returns. A call from another loop, another
 * thread or a job ends the program with a sentence that says so. So does a call after the handler has
 * returned, until the memory serves another request, which may be soon: what is needed longer is copied.
 * AddressSanitizer reports every such call. Texts that are returned are NUL-terminated and valid until the
 * handler returns.
 */
#ifndef WEIR_HTTP_REQUEST_H
#define WEIR_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/http_client.h>
#include <weir/stream.h>
#include <weir/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_request weir_request;
typedef struct weir_response weir_response;
typedef struct weir_server weir_server;
struct weir_tls_info;

/* Versions of HTTP, in tenths. */
enum weir_http_version { WEIR_HTTP_1_0 = 10, WEIR_HTTP_1_1 = 11 };

/* Returns the method: "GET", "POST" …
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_method(const weir_request *req);

/* Returns path and query as the client wrote them.
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_target(const weir_request *req);

/* Returns the path, with dot segments resolved and unreserved characters decoded.
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_path(const weir_request *req);

/* Returns the path as the client wrote it, but with dot segments resolved ("." and "..", their dots escaped
 * or not): for passing the request on. It has as many segments as weir_request_path().
 * Returns: never NULL; "" if the target is "*", or memory is exhausted.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_path_written(const weir_request *req);

/* Returns the query: what follows the "?".
 * Returns: never NULL; "" if there is none.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_query(const weir_request *req);

/* Finds a parameter of the route's path, exactly as the client wrote it ("{id}"); "*" names what a final
 * star matched.
 * Returns: NULL if the route has no such parameter.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_param(const weir_request *req, const char *name);

/* Finds the value of a header. If the header occurs several times, the first value.
 * Returns: NULL if the request has no such header.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_header(const weir_request *req, const char *name);

/* Finds the value of a header that is a list. If the header occurs several times, all values joined by ", "
 * (RFC 9110, 5.3). Use this for every list: code that reads only a part of a list can be deceived.
 * Returns: NULL if the request has no such header, or memory is exhausted.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_header_joined(const weir_request *req, const char *name);

/* Reads header number i, in the order in which they arrived.
 * Returns: false if i is beyond the last.
 * Where:   task of its loop. Does not wait.
 */
bool weir_request_header_at(const weir_request *req, size_t i, weir_bytes *name, weir_bytes *value);

/* Returns all headers as texts, in the order in which they arrived.
 * Returns: an array of *count headers; NULL and 0 if there are none, or memory is exhausted.
 * Where:   task of its loop. Does not wait.
 */
const weir_header *weir_request_headers(weir_request *req, size_t *count);

/* Finds the value of a trailer: a header that comes after a chunked body. If it occurs several times, the
 * first value. A trailer is not checked against the headers, and must not take the place of one.
 * Returns: NULL if there is no such trailer, the body has not been read to its end, or memory is exhausted.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_trailer(const weir_request *req, const char *name);

/* Returns all trailers, in the order in which they arrived, but for those whose names are not allowed behind
 * a body. As for weir_request_trailer(), they are not checked against the headers.
 * Returns: an array of *count trailers; NULL and 0 if there are none, the body has not been read to its end,
 * or memory is exhausted.
 * Where:   task of its loop. Does not wait.
 */
const weir_header *weir_request_trailers(weir_request *req, size_t *count);

/* Returns the version of HTTP that the request is in.
 * Returns: one of the enum; a later version is a greater number.
 * Where:   task of its loop. Does not wait.
 */
enum weir_http_version weir_request_version(const weir_request *req);

/* Returns the scheme by which the client reached the server: "https" on a connection with TLS, otherwise
 * "http".
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_scheme(const weir_request *req);

/* Tells what was agreed with the client in the handshake of TLS: version, cipher, the subject of its
 * certificate …: see <weir/tls.h>.
 * Owns:    texts are valid until the handler returns.
 * Returns: 0; -ENOTCONN the request came without TLS, or its connection was given to another protocol:
 *          weir_stream_tls_info() tells it of the stream.
 * Where:   task of its loop. Does not wait.
 */
int weir_request_tls_info(const weir_request *req, struct weir_tls_info *info) WEIR_CHECKED;

/* Returns the host that the request is for, as the client wrote it, with the port if there is one: of the
 * request target, if that is a whole URL or of CONNECT; otherwise the header Host.
 * Returns: never NULL; "" if an HTTP/1.0 client named none.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_authority(const weir_request *req);

/* Returns the address of the client: behind a listener with proxy_protocol the one in the header.
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_peer(const weir_request *req);

/* Copies the IP address of the same client, as IPv6 has it, in network order: that of IPv4 is
 * ::ffff:192.0.2.1. Far cheaper than reading the text: for what counts or compares addresses at each request.
 * Returns: false: it has none, as that of a Unix socket; out is then not to be read.
 * Where:   task of its loop. Does not wait.
 */
bool weir_request_peer_ip(const weir_request *req, unsigned char out[16]);

/* Returns the address of this machine that the client is connected to; "unix" for a Unix socket.
 * Returns: never NULL; "?" if it is unknown.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_local(const weir_request *req);

/* Returns the trace that the request belongs to: the one in its traceparent header, or a new one with span
 * 0 if there is no valid header. The same at each call.
 * Returns: never NULL; valid as long as the handler runs.
 * Where:   task of its loop. Does not wait.
 */
const weir_trace *weir_request_trace(const weir_request *req);

/* Returns the trace state to be passed on with the trace: the tracestate headers as one value, cut after a
 * whole member to WEIR_TRACE_STATE_MAX bytes.
 * Returns: NULL if there is none, or the trace began here.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_trace_state(const weir_request *req);

/* Returns the server that takes the request: for weir_server_scope().
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
weir_server *weir_request_server(const weir_request *req);

/* Returns the route's own data.
 * Returns: weir_route.data.
 * Where:   task of its loop. Does not wait.
 */
void *weir_request_data(const weir_request *req);

/* Returns the data of a route that has the host, the scheme and the path of a request, but not its method: of
 * the first of them that takes preflights, or else of the first. For on_refusal (<weir/http_server.h>),
 * before a 405.
 * Returns: weir_route.data; NULL if a route takes the request, or none has its path.
 * Where:   task of its loop. Does not wait.
 */
void *weir_request_path_data(const weir_request *req);

/* Returns the data of the route that a request would reach with another path. For a handler to which several
 * paths are one thing, as "/a/b", "/a//b" and "/%61/b" are to one that opens files: rules of another route,
 * such as who may ask, hold for the thing in whatever spelling.
 * Takes:   path: in normal form, as of weir_request_path().
 * Returns: weir_route.data; NULL if no route takes that.
 * Where:   task of its loop. Does not wait.
 */
void *weir_request_data_at(const weir_request *req, const char *path);

/* Attaches a pointer that on_exchange finds in the record.
 * Owns:    note is lent until on_exchange has returned; weir_request_alloc() gives such memory.
 * Returns: nothing.
 * Where:   task of its loop. Does not wait.
 */
void weir_request_note(weir_request *req, const void *note);

/* Names the client, as a handler has found it out: for the handlers that it calls, and for on_exchange.
 * Owns:    user is lent until on_exchange has returned; NULL: it is not known.
 * Returns: nothing.
 * Where:   task of its loop. Does not wait.
 */
void weir_request_set_user(weir_request *req, const char *user);

/* Returns the name given to weir_request_set_user().
 * Returns: NULL: none was given.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_user(const weir_request *req);

/* Allocates memory that is valid until on_exchange has returned.
 * Returns: NULL if memory is exhausted, or the exchange has used its 64 MiB.
 * Where:   task of its loop. Does not wait.
 */
void *weir_request_alloc(weir_request *req, size_t bytes);

/* Returns the length of the whole body as the request announces it.
 * Returns: bytes; 0: there is no body; -1: unknown, the body is chunked.
 * Where:   task of its loop. Does not wait.
 */
int64_t weir_request_body_length(const weir_request *req);

/* Reports whether the body is known to be larger than the route accepts: its announced length, or what has
 * come of it.
 * Returns: true: reading it fails with -WEIR_ETOOLARGE, which a handler returns to have 413 answered.
 * Where:   task of its loop. Does not wait.
 */
bool weir_request_body_is_too_large(const weir_request *req);

/* Reports whether the client waits for 100 (Continue) before it sends the body: it asked for that (Expect:
 * 100-continue), and neither has 100 been sent to it nor any of the body come from it.
 * Returns: true if it waits.
 * Where:   task of its loop. Does not wait.
 */
bool weir_request_awaits_continue(const weir_request *req);

/* Leaves 100 (Continue) to the handler: the functions that read the body do not send it any more, and
 * weir_respond_informational() may. A client that is sent no 100 may send the body all the same, after a
 * while.
 * Returns: nothing.
 * Where:   task of its loop. Does not wait.
 */
void weir_request_leave_continue(weir_request *req);

/* Reads the whole body. Sends 100 Continue if the client waits for it.
 * Owns:    *body points to memory of the request and is valid as long as the handler runs.
 * Returns: 0; -WEIR_ETOOLARGE over max_bytes or the route's limit (413); -WEIR_ESLOW (408);
 *          -WEIR_ETRUNCATED, -WEIR_EPROTOCOL; -ENOMEM.
 * Cancel:  ends the wait; what was read of the body is lost.
 * Where:   task of its loop. Waits.
 */
int weir_request_read_body(weir_request *req, weir_bytes *body, size_t max_bytes) WEIR_CHECKED;

/* Reads the next piece of the body: for bodies larger than memory.
 * Owns:    data is lent.
 * Returns: > 0 bytes; 0 the end; < 0 as weir_request_read_body(). After an error, but a cancel, every further
 *          call returns the same.
 * Cancel:  ends the wait; no byte is lost, and the body can be read further.
 * Where:   task of its loop. Waits.
 */
ssize_t weir_request_read(weir_request *req, void *data, size_t bytes) WEIR_CHECKED;

/* Reads what is here of the body already: for handlers that pass a small body on in one piece.
 * Owns:    data is lent.
 * Returns: > 0 bytes; 0 the end, or bytes is 0; -EAGAIN nothing is here, weir_request_read() waits; else as
 *          weir_request_read().
 * Where:   task of its loop. Does not wait.
 */
ssize_t weir_request_read_now(weir_request *req, void *data, size_t bytes) WEIR_CHECKED;

/* Accepts another protocol on the connection, and hands the connection over. If the request names protocol in
 * its Upgrade header, the answer is 101 with the headers added so far. If the method is CONNECT, protocol is
 * NULL and the answer is 200. What the handler left of the body is read and dropped first. Filters do not see
 * this answer.
 *
 * The bytes that the client sent after its request are the first that the stream reads. The limits of HTTP
 * no longer apply to it: see weir_stream_set_options() for an idle timeout. The exchange goes on until the
 * handler returns: it counts as one in progress, is recorded with the status 101 or 200, and its scope is
 * cancelled when a drain has taken its time. A stream that lives longer belongs in a task of
 * weir_server_scope().
 *
 * Owns:    the caller owns *out and closes it.
 * Returns: 0; -EPROTONOSUPPORT the request does not ask for protocol: the header Upgrade is added, and
 *          weir_respond_error() answers 426; -WEIR_EBUSY an answer has begun; -EINVAL protocol is no token;
 *          as weir_request_read(); -EPIPE, -ECONNRESET, -ENOMEM …
 * Cancel:  ends the wait; the connection is broken off.
 * Where:   task of its loop. Waits.
 */
int weir_request_upgrade(weir_request *req, weir_response *res, const char *protocol,
                         weir_stream **out) WEIR_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
