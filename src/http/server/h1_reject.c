/* SPDX-License-Identifier: MIT */
/* Responses without an exchange: canned, and sent without a task. */
#include <errno.h>
#include <stdlib.h>

#include "http/server/h1.h"
#include "tls/transport/start_tls.h"

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

#define PLAIN_BODY "this port speaks TLS: use https://\n"
static const char plain_text[] = "HTTP/1.1 400 Bad Request\r\n"
                                 "content-type: text/plain; charset=utf-8\r\n"
                                 "content-length: 35\r\n"
                                 "connection: close\r\n\r\n" PLAIN_BODY;
_Static_assert(sizeof PLAIN_BODY - 1 == 35, "the content-length above");

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

static void answer(struct weir__connection *c, const char *text, size_t bytes)
{
    struct weir__output_send *s = calloc(1, sizeof *s);

    if (s == NULL) {
        weir__h1_drop(c, true);
        return;
    }
    weir__h1_linger(c);
    s->send.data = text;
    s->send.bytes = bytes;
    s->sent = sent;
    if (weir__output_send(&c->output, weir__connection_stream(c), s) < 0) {
        free(s);
        weir__h1_drop(c, true);
    }
}

void weir__h1_reject(struct weir__connection *c)
{
    weir__server_count(&c->home->rejected_count);
    weir__unserved_ends(weir__connection_unserved(c), WEIR_UNSERVED_MEMORY);
    answer(c, no_memory_text, sizeof no_memory_text - 1);
}

void weir__h1_reject_plain(struct weir__connection *c)
{
    answer(c, plain_text, sizeof plain_text - 1);
}

/* At once, and without waiting for what the client may still send: else it would have a place all the same.
 */
void weir__h1_reject_client(struct weir__connection *c)
{
    weir__unserved_ends(weir__connection_unserved(c), WEIR_UNSERVED_CLIENT_LIMIT);
    if (!weir__tls_is_on(weir__connection_stream(c)))
        (void)weir__h1_send_now(c, too_many_text, sizeof too_many_text - 1);
    weir__h1_drop(c, false);
}
