/* SPDX-License-Identifier: MIT */
/* One request and its answer on a connection: the parts of which fetch.c and fetch_stream.c are made.
 *
 * Threading: as state.h. An answer is read where it comes in, on the loop's own stack; the task that asked is
 * woken once, when all of it is there.
 */
#ifndef WEIR__HTTP_CLIENT_FETCH_PARTS_H
#define WEIR__HTTP_CLIENT_FETCH_PARTS_H

#include <weir/url.h>

#include "http/client/state.h"

/* --- fetch_head.c: what is sent --- */

/* Whether the options say what can be sent. Returns: 0; -EINVAL, f->why says what is wrong. */
int weir__fetch_check(struct weir__fetch *f, const weir_fetch_options *options,
                      int64_t body_length) WEIR_CHECKED;

/* Memory that lives as long as a fetch, for the head of its request. */
struct weir__fetch_room {
    char *data;
    size_t bytes;
};

/* Writes the head of the request, and what goes behind the body of a whole request, into small when it fits,
 * else into memory of its own. label: of the origin.
 * body_length: what the head says of the body; -1: chunked. Returns: 0; -EINVAL; -ENOMEM. */
int weir__fetch_write_head(struct weir__fetch *f, const weir_fetch_options *options, const weir_url *url,
                           const char *label, int64_t body_length,
                           struct weir__fetch_room small) WEIR_CHECKED;

/* Frees the memory of the request's head. */
void weir__fetch_free_head(struct weir__fetch *f);

/* Writes the last chunk, with trailers. Returns: its length; -EINVAL a value is not allowed. */
int weir__fetch_write_tail(const weir_header *trailers, size_t count, char *out, size_t room) WEIR_CHECKED;

/* The room that takes. */
size_t weir__fetch_tail_bytes(const weir_header *trailers, size_t count);

/* --- fetch_request.c: sending --- */

/* Sends the head and the body behind it. Waits.
 * Returns: 0; 1 it was given up, because what came in makes it useless; as weir_write_pieces(). */
int weir__fetch_send(struct weir__fetch *f, const void *body, size_t body_bytes) WEIR_CHECKED;

/* Sends pieces, and reads what comes in meanwhile. idle_ns: it fails with -WEIR_EIDLE when the backend takes
 * nothing for so long; 0: no limit. Returns: as weir__fetch_send(). */
int weir__fetch_write(struct weir__fetch *f, struct iovec *pieces, size_t count,
                      int64_t idle_ns) WEIR_CHECKED;

/* A write begins, and has ended with err: what weir__fetch_write() does around one. Returns: as that. */
void weir__fetch_begin_write(struct weir__fetch *f, struct weir__stream_write *write);
int weir__fetch_end_write(struct weir__fetch *f, const struct weir__stream_write *write,
                          int err) WEIR_CHECKED;

/* Gives up what is still to be sent. */
void weir__fetch_stop_writing(struct weir__fetch *f);

/* Whether a request that failed with err was lost because its connection had been kept too long, and may be
 * sent once more: weir__origin_replace(), weir__fetch_restart(), weir__fetch_send(). */
bool weir__fetch_is_stale(const struct weir__fetch *f, int err);

/* Reports whether a request may be sent again: its method is idempotent (RFC 9110, 9.2.2), and the caller
 * allows it. */
bool weir__fetch_is_repeatable(const struct weir__fetch *f);

void weir__fetch_restart(struct weir__fetch *f);

/* The name by which the backend is charged in the ledger of what the running task works for: the caller's,
 * else its address. NULL: there is no such ledger. */
const char *weir__fetch_charge_name(const weir_fetch_options *options, const struct weir__origin *origin);

/* --- fetch_place.c --- */

/* As weir__fetch_charge_name(), for a request to options->backend, whose name it is unless the caller has
 * another. */
const char *weir__fetch_backend_charge_name(const weir_fetch_options *options);

/* Finds a place for a request to options->backend: checks the options, admits it, and gives it a connection
 * to an instance; its head is written as by weir__fetch_write_head(), for that instance. url: its authority
 * is filled in where only a path was given. *origin: as weir__backend_acquire(). Waits. weir__backend_leave()
 * follows in any case.
 * Returns: as weir__backend_acquire(); -EINVAL, -ENOMEM of the head. */
int weir__fetch_place(struct weir__fetch *f, const weir_fetch_options *options, weir_url *url,
                      int64_t body_length, struct weir__fetch_room small,
                      struct weir__origin **origin) WEIR_CHECKED;

/* The parts of which that is made, for those that do more in between. The first checks the options and writes
 * the head, as far as that does not depend on the instance; the second writes it for an instance, with what
 * is left of the deadline now. The first fills in the authority of url; both return as
 * weir__fetch_write_head(). */
int weir__fetch_check_place(struct weir__fetch *f, const weir_fetch_options *options, weir_url *url,
                            int64_t body_length, struct weir__fetch_room small) WEIR_CHECKED;
int weir__fetch_write_head_for(struct weir__fetch *f, const weir_fetch_options *options,
                               const struct weir__origin *origin, int64_t body_length,
                               struct weir__fetch_room small) WEIR_CHECKED;

/* Whether a head that was written before a wait tells more of the deadline than is left of it. */
static inline bool weir__fetch_head_is_old(const struct weir__fetch *f)
{
    enum { TOLD_NS = 1000000 }; /* what it tells in */

    return f->told_ns != 0 && weir__loop_now_ns(f->client->loop) - f->told_ns >= TOLD_NS;
}

/* Whether a head that was written for this authority names the instance. Most often both are the same memory.
 */
static inline bool weir__fetch_head_names(const struct weir__origin *origin, weir_bytes authority)
{
    return authority.data == origin->authority ||
           weir_bytes_equal(authority, weir_bytes_of(origin->authority));
}

/* Whether sending failed, but not by the connection: the request is not on its way, and no answer will come.
 */
bool weir__fetch_is_unsent(int sent);

/* Why there is no answer: sending failed (sent < 0), or reading did. A server that closes the connection
 * because TLS has failed makes both fail; then that is the reason. */
int weir__fetch_failure(const struct weir__fetch *f, int sent) WEIR_CHECKED;

/* Notes in words why the connection broke, when that was TLS. Returns: err. */
int weir__fetch_broke(struct weir__fetch *f, int err) WEIR_CHECKED;

/* --- fetch_wait.c --- */

/* Waits for news since the last wait. Asks for more of the answer when that has not been asked for.
 * Returns: 0; the cause of a cancel. */
int weir__fetch_wait(struct weir__fetch *f) WEIR_CHECKED;

/* --- fetch_answer.c: reading --- */

/* Begins a fetch without a connection. */
void weir__fetch_init(struct weir__fetch *f, weir_client *client, const weir_fetch_options *options,
                      bool streamed);

/* Frees what came of an answer that is not wanted. */
void weir__fetch_drop_reply(struct weir__fetch *f);

/* Gives back what the body of a whole answer does not need. */
void weir__fetch_trim_body(struct weir__fetch *f);

/* --- fetch_trailers.c --- */

/* Keeps a run of the lines behind the body. Returns: 0; -ENOMEM. */
int weir__fetch_keep_trailers(struct weir__fetch *f, weir_bytes lines) WEIR_CHECKED;

/* Makes fields of the lines, once the body has ended: f->reply.trailers. Returns: 0; -ENOMEM. */
int weir__fetch_end_trailers(struct weir__fetch *f) WEIR_CHECKED;

#endif
