/* SPDX-License-Identifier: MIT */
/* Responses without an exchange: canned, and sent without a task. */
#include <errno.h>
#include <stdlib.h>

#include "http/server/h1.h"

#define CANNED_503(length)                                                                                   \
    "HTTP/1.1 503 Service Unavailable\r\n"                                                                   \
    "content-type: application/json\r\n"                                                                     \
    "content-length: " length "\r\n"                                                                         \
    "retry-after: 1\r\n"                                                                                     \
    "connection: close\r\n\r\n"

#define NO_MEMORY_BODY "{\"error\":{\"code\":\"busy\",\"message\":\"out of memory; try again later\"}}\n"
static const char no_memory_text[] = CANNED_503("69") NO_MEMORY_BODY;
_Static_assert(sizeof NO_MEMORY_BODY - 1 == 69, "the content-length above");

#define TOO_MANY_BODY                                                                                        \
    "{\"error\":{\"code\":\"busy\",\"message\":\"too many connections from your address\"}}\n"
static const char too_many_text[] = CANNED_503("77") TOO_MANY_BODY;
_Static_assert(sizeof TOO_MANY_BODY - 1 == 77, "the content-length above");

static void sent(struct weir__output_send *s, int result)
{
    struct weir__connection *c = weir__container_of(s->queue, struct weir__connection, output);

    free(s);
    if (result == -ECANCELED)
        return;
    if (weir__stream_shutdown(weir__connection_stream(c)) < 0)
        weir__h1_drop(c, true);
    else
        weir__h1_receive(c);
}

void weir__h1_reject(struct weir__connection *c)
{
    struct weir__output_send *s = calloc(1, sizeof *s);

    weir__server_count(&c->home->rejected_count);
    weir__unserved_ends(weir__connection_unserved(c), WEIR_UNSERVED_MEMORY);
    if (s == NULL) {
        weir__h1_drop(c, true);
        return;
    }
    weir__h1_linger(c);
    s->send.data = no_memory_text;
    s->send.bytes = sizeof no_memory_text - 1;
    s->sent = sent;
    if (weir__output_send(&c->output, weir__connection_stream(c), s) < 0) {
        free(s);
        weir__h1_drop(c, true);
    }
}

/* At once, and without waiting for what the client may still send: else it would have a place all the same.
 */
void weir__connection_reject_client(struct weir__server_loop *home, weir_stream *stream)
{
    struct weir__connection *c = weir__stream_extra(stream);

    weir__connection_open(home, c);
    weir__unserved_ends(weir__connection_unserved(c), WEIR_UNSERVED_CLIENT_LIMIT);
    (void)weir__h1_send_now(c, too_many_text, sizeof too_many_text - 1);
    weir__h1_drop(c, false);
}
