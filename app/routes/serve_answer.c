/* SPDX-License-Identifier: MIT */
#include "routes/serve_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <weir/scope.h>
#include <weir/task.h>

#include "routes/proxy_answer.h"
#include "routes/proxy_failure.h"
#include "routes/serve_attempts.h"
#include "routes/serve_stream.h"

/* --- what is known of it --- */

static bool has_body(const struct proxying *p)
{
    return strcmp(weir_request_method(p->req), "HEAD") != 0 && p->reply.status != 204 &&
           p->reply.status != 304;
}

/* The length of the body; -1: unknown. The client has checked the header. */
static int64_t length_of(const struct proxying *p)
{
    const char *length = weir_reply_header(&p->reply, "content-length");

    if (length == NULL || weir_reply_header(&p->reply, "transfer-encoding") != NULL)
        return -1;
    return strtoll(length, NULL, 10);
}

static bool is_event_stream(const struct proxying *p)
{
    static const char type[] = "text/event-stream";
    const char *given = weir_reply_header(&p->reply, "content-type");

    return given != NULL && strncasecmp(given, type, sizeof type - 1) == 0;
}

/* --- reading --- */

/* Reads the rest of the body, which has so many bytes, and its end. */
static int read_rest(struct serving *s, char *data, size_t bytes)
{
    size_t have = 0;
    ssize_t got = 1;

    while (got > 0 && have < bytes) {
        got = serving_read(s, data + have, bytes - have);
        have += got > 0 ? (size_t)got : 0;
    }
    if (got > 0 || bytes == 0) {
        char none;
        got = serving_read(s, &none, 1);
    }
    return got < 0 ? (int)got : have == bytes && got == 0 ? 0 : -WEIR_EPROTOCOL;
}

/* --- an answer of known length --- */

/* Passes on the beginning, as fast as the client takes it. */
static int pass_beginning(struct serving *s, uint64_t bytes, int64_t length)
{
    const weir_body_source app = {.fetch = s->p.fetch};
    const weir_body_sink client = {.response = s->p.res};
    const weir_body_pump_options options = {.bytes_max = bytes,
                                            .idle_timeout = s->p.state->settings->timeout};
    weir_body_pumped pumped;
    int err = weir_respond_begin(s->p.res, s->p.reply.status, NULL, length);

    s->p.began = true;
    if (err < 0)
        return err;
    app_place_falls_behind(s->state->queue, &s->place, true);
    err = weir_body_pump(&app, &client, &options, &pumped);
    app_place_falls_behind(s->state->queue, &s->place, false);
    return err < 0 && pumped.failed == WEIR_BODY_SOURCE ? proxy_failed(&s->p, err) : err;
}

static int pass_end(struct serving *s, int status, const char *data, size_t bytes, bool whole)
{
    int err = 0;

    if (whole)
        err = weir_respond_bytes(s->p.res, status, NULL, data, bytes);
    else if (bytes > 0)
        err = weir_respond_write(s->p.res, data, bytes);
    s->p.began = true;
    return err;
}

/* data has room for the last `held` bytes of the body. */
static int pass_measured(struct serving *s, const struct proxy_headers *made, int64_t length, char *data,
                         size_t held)
{
    const uint64_t before = (uint64_t)length - held;
    const int status = s->p.reply.status;
    int err = before > 0 ? pass_beginning(s, before, length) : 0;

    if (err < 0)
        return err;
    err = read_rest(s, data, held);
    if (err < 0) {
        if (!s->p.began)
            (void)proxy_answer_remove_headers(&s->p, made);
        return proxy_failed(&s->p, err);
    }
    serving_ends(s, 0);
    return pass_end(s, status, data, held, before == 0);
}

/* What is held counts among the answers that are. If they are too many the client takes it all as it comes.
 */
static int pass_held(struct serving *s, const struct proxy_headers *made, int64_t length)
{
    const uint64_t most = s->state->settings->app->answer_bytes;
    const size_t held = (uint64_t)length < most ? (size_t)length : (size_t)most;
    char *data;
    int err;

    if (weir_client_hold(s->state->holds, held) < 0)
        return pass_measured(s, made, length, NULL, 0);
    data = malloc(held + 1);
    err = data != NULL ? pass_measured(s, made, length, data, held) : -ENOMEM;
    free(data);
    weir_client_unhold(s->state->holds, held);
    return err;
}

/* --- the whole --- */

int serve_answer_pass(struct proxying *p)
{
    struct serving *s = (struct serving *)p;
    const uint64_t most = s->state->settings->app->answer_bytes;
    struct proxy_headers made;
    int64_t length;
    int err;

    if (s->state->queue->attempts != NULL)
        serve_attempts_heard(s);
    if (!has_body(p))
        return proxy_answer_pass(p);
    err = proxy_answer_begin(p, &made);
    if (err < 0)
        return err;
    length = length_of(p);
    if (length >= 0)
        return pass_held(s, &made, length);
    if (is_event_stream(p)) {
        s->outcome = APP_UNMEASURED;
        return serve_stream_pass(s, 0);
    }
    if (weir_client_hold(s->state->holds, most) < 0)
        return serve_stream_pass(s, 0);
    err = serve_stream_pass(s, most);
    weir_client_unhold(s->state->holds, most);
    return err;
}
