/* SPDX-License-Identifier: MIT */
#include "routes/gather_reply.h"

#include <errno.h>

#include "routes/gather_answer.h"
#include "routes/gather_fetch.h"
#include "routes/gather_note.h"

static int hold(void *client, size_t bytes)
{
    return weir_client_hold(client, bytes);
}

/* Adds the outcome of a call. Its reply is kept only when a part of the answer points to it. */
static int add_call(struct gathering *g, size_t i, struct gather_answer *answer, struct gather_tally *tally)
{
    struct gather_fetch *call = &g->calls[i];
    const struct gather_outcome outcome = {
        .err = call->err,
        .status = call->reply.status,
        .type = call->err ? NULL : weir_reply_header(&call->reply, "content-type"),
        .body = call->decoded != NULL      ? weir_buffer_bytes(call->decoded)
                : call->reply.body != NULL ? (weir_bytes){call->reply.body, call->reply.body_bytes}
                                           : (weir_bytes){"", 0},
        .detail = g->state->settings->detail,
        .why = call->reply.why,
    };
    int err = gather_add(answer, call->settings->name, &outcome, tally, &g->note->ends[i]);

    gather_note_reply(g->note, i, &call->reply);
    call->lent = gather_lends(answer, outcome.body);
    if (call->lent)
        call->part = answer->part_count - 1;
    else
        gather_fetch_free(call);
    return err;
}

static int write_answer(struct gathering *g, struct gather_answer *answer, struct gather_tally *tally)
{
    const size_t count = g->state->settings->call_count;
    int err = weir_buffer_append_byte(&answer->text, '{');

    for (size_t i = 0; i < count && err == 0; i++) {
        if (i > 0)
            err = weir_buffer_append_byte(&answer->text, ',');
        if (err == 0)
            err = add_call(g, i, answer, tally);
    }
    return err ? err : weir_buffer_append_byte(&answer->text, '}');
}

/* A part of the answer that is freed when it has been sent. */
struct let_go {
    struct gathering *g;
    struct gather_part *part;
    struct gather_fetch
        *call; /* the call whose reply the part points to; NULL: the part has memory of its own */
};

static void let_go(void *arg)
{
    struct let_go *sent = arg;
    size_t held = gather_part_free(sent->part);

    if (held > 0)
        weir_client_unhold(sent->g->state->client, held);
    if (sent->call != NULL)
        gather_fetch_free(sent->call);
}

/* Sends text and parts by turns. */
static int send_parts(struct gathering *g, weir_response *res, int status, struct gather_answer *answer)
{
    const size_t count = answer->part_count;
    weir_response_piece *pieces = weir_request_alloc(g->req, (2 * count + 1) * sizeof *pieces);
    struct let_go *sent = weir_request_alloc(g->req, count * sizeof *sent);
    size_t at = 0, n = 0;

    if (pieces == NULL || sent == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct gather_part *part = &answer->parts[i];
        sent[i] = (struct let_go){.g = g, .part = part};
        pieces[n++] = (weir_response_piece){.data = answer->text.data + at, .bytes = part->at - at};
        pieces[n++] = (weir_response_piece){part->body.data, part->body.len, let_go, &sent[i]};
        at = part->at;
    }
    for (size_t i = 0; i < g->state->settings->call_count; i++)
        if (g->calls[i].lent)
            sent[g->calls[i].part].call = &g->calls[i];
    pieces[n++] = (weir_response_piece){.data = answer->text.data + at, .bytes = answer->text.len - at};
    return weir_respond_pieces(res, status, "application/json", pieces, n);
}

static int send_answer(struct gathering *g, weir_response *res, struct gather_answer *answer,
                       const struct gather_tally *tally)
{
    const int status = gather_status((enum gather_require)g->state->settings->require, tally);
    char partial[GATHER_PARTIAL_BYTES];
    int err =
        gather_partial(partial, tally) != NULL ? weir_response_header_add(res, "x-weir-partial", partial) : 0;

    if (err < 0)
        return err;
    return answer->part_count > 0 ? send_parts(g, res, status, answer)
                                  : weir_respond_buffer(res, status, "application/json", &answer->text);
}

/* Reports whether any body is large enough to be sent from where it lies. Most answers have none. */
static bool needs_parts(const struct gathering *g)
{
    for (size_t i = 0; i < g->state->settings->call_count; i++)
        if (g->calls[i].reply.body_bytes > GATHER_COPIED_BYTES_MAX || g->calls[i].decoded != NULL)
            return true;
    return false;
}

int gather_reply(struct gathering *g, weir_response *res)
{
    const size_t count = g->state->settings->call_count;
    struct gather_answer answer = {.hold = hold, .hold_arg = g->state->client};
    struct gather_tally tally = {0};
    int err;

    if (needs_parts(g)) {
        answer.parts = weir_request_alloc(g->req, count * sizeof answer.parts[0]);
        if (answer.parts == NULL)
            return -ENOMEM;
    }
    weir_buffer_init(&answer.text, GATHER_ANSWER_BYTES_MAX);
    err = write_answer(g, &answer, &tally);
    g->note->succeeded = tally.succeeded;
    g->note->answered = err == 0;
    if (err == 0)
        err = send_answer(g, res, &answer, &tally);
    for (size_t i = 0; i < answer.part_count; i++) /* those that were not sent */
        let_go(&(struct let_go){.g = g, .part = &answer.parts[i]});
    weir_buffer_free(&answer.text);
    return err;
}

void gather_reply_skip(struct gathering *g)
{
    for (size_t i = 0; i < g->state->settings->call_count; i++) {
        const struct gather_fetch *call = &g->calls[i];

        gather_note_reply(g->note, i, &call->reply);
        g->note->ends[i].end =
            call->err == 0 && call->reply.status >= 500 ? GATHER_STATUS : (uint8_t)gather_end_of(call->err);
    }
}
