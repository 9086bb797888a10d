/* SPDX-License-Identifier: MIT */
/* gather: asks several backends at once and answers with all of their answers. */
#include "routes/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <weir/random.h>
#include <weir/scope.h>
#include <weir/task.h>
#include <weir/text.h>
#include <weir/trace.h>

#include "http/body_coding.h"
#include "routes/discard.h"
#include "routes/gather_answer.h"
#include "routes/gather_note.h"
#include "routes/gather_request.h"
#include "config/route_kind.h"

/* --- settings --- */

enum { NAME_MAX_BYTES = 64, FORWARD_MAX = 64, DESCRIBING_MAX = 5 };

static const char *const require_names[] = {"all", "any", "none", NULL};

/* What is read before it can be checked against the rest. */
struct draft {
    struct gather_settings settings;
    const struct tree_node *calls;
};

struct call_draft {
    struct gather_call call;
    const struct tree_node *url;
};

static void read_headers(struct config_reader *reader, const struct tree_node *node, void *member)
{
    headers_read(reader, node, "calls.headers", member);
}

static void read_name(struct config_reader *reader, const struct tree_node *node, void *member)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    bool valid = node->type == TREE_SCALAR && node->length > 0 && node->length <= NAME_MAX_BYTES &&
                 strspn(node->text, allowed) == node->length;

    if (valid)
        *(const char **)member = node->text;
    else
        fault_value(reader, node, "calls.name", "1 to 64 letters, digits, '_', '-' or '.'");
}

static bool is_in(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static void read_forward(struct config_reader *reader, const struct tree_node *node, void *member)
{
    struct gather_settings *settings = member;
    const char **names;

    if (!node_is_list(reader, node, "gather.forward"))
        return;
    if (node->count > FORWARD_MAX) {
        config_fault(reader->faults, node->place, "gather.forward has %zu entries, expected at most %d",
                     node->count, FORWARD_MAX);
        return;
    }
    names = config_take(reader->memory, (node->count + 1) * sizeof *names);
    if (names == NULL)
        return;
    settings->forward = names;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
        if (!node_is_text(reader, item, "gather.forward") ||
            !header_name_check(reader, item->place, "gather.forward", item->text))
            continue;
        if (is_in(names, settings->forward_count, item->text))
            config_fault(reader->faults, item->place,
                         "gather.forward has '%s' twice, expected each header once", item->text);
        else
            names[settings->forward_count++] = item->text;
    }
}

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key gather_keys[] = {
    {"deadline", SCHEMA_DURATION, AT(settings.deadline), .fallback = "1s", .min = SCHEMA_MS(1)},
    {"require", SCHEMA_CHOICE, AT(settings.require), .fallback = "any", .choices = require_names},
    {"forward", SCHEMA_CUSTOM, AT(settings), .read = read_forward},
    {"detail", SCHEMA_BOOL, AT(settings.detail), .fallback = "false"},
    {"calls", SCHEMA_CUSTOM, AT(calls), .read = schema_keep_node, .required = "a list of {name: …, url: …}"},
};
#undef AT
static const struct schema gather_schema = {.name = "gather", SCHEMA_KEYS(gather_keys)};

#define AT(member) .offset = offsetof(struct call_draft, member)
static const struct schema_key call_keys[] = {
    {"name", SCHEMA_CUSTOM, AT(call.name), .read = read_name,
     .required = "a name for its part of the answer"},
    {"url", SCHEMA_CUSTOM, AT(url), .read = schema_keep_node, .required = "http://HOST[:PORT]/PATH"},
    {"method", SCHEMA_CHOICE, AT(call.method), .fallback = "GET", .choices = config_method_names},
    {"deadline", SCHEMA_DURATION, AT(call.deadline), .min = SCHEMA_MS(1)},
    {"headers", SCHEMA_CUSTOM, AT(call.headers), .read = read_headers},
};
#undef AT
static const struct schema call_schema = {.name = "calls", SCHEMA_KEYS(call_keys)};

static bool call_sets(const struct gather_call *call, const char *name)
{
    for (size_t i = 0; i < call->headers.count; i++)
        if (strcasecmp(call->headers.header[i].name, name) == 0)
            return true;
    return false;
}

/* What one call and the rest of the gather say against each other. */
static void check_call(struct config_reader *reader, const struct tree_node *node,
                       const struct gather_settings *settings, const struct gather_call *call)
{
    if (call->deadline.ns > settings->deadline.ns) {
        char whole[WEIR_DURATION_TEXT_MAX];
        const struct tree_node *deadline = tree_find(node, "deadline");
        config_fault(reader->faults, deadline->place,
                     "calls.deadline is '%s', expected at most the %s of the whole", deadline->text,
                     weir_format_duration(whole, sizeof whole, settings->deadline));
    }
    for (size_t i = 0; call->name != NULL && i < settings->call_count; i++) {
        const char *other = settings->calls[i].name;
        if (other != NULL && strcmp(other, call->name) == 0)
            config_fault(reader->faults, tree_find(node, "name")->place,
                         "calls.name is '%s' a second time, expected a name of its own", call->name);
    }
}

static void read_call(struct config_reader *reader, const struct tree_node *node,
                      const struct config_route *route, struct gather_settings *settings,
                      struct gather_call *out)
{
    struct call_draft draft = {0};

    if (!schema_read(reader, &call_schema, node, &draft))
        return;
    if (draft.url != NULL)
        url_read(reader, draft.url, "calls.url", route->path, &draft.call.url);
    draft.call.method_text = config_method_names[draft.call.method];
    draft.call.sets_coding = call_sets(&draft.call, "accept-encoding");
    check_call(reader, node, settings, &draft.call);
    *out = draft.call;
    settings->call_count++;
}

static void read_calls(struct config_reader *reader, const struct tree_node *node,
                       const struct config_route *route, struct gather_settings *settings)
{
    struct gather_call *calls;

    if (!node_is_list(reader, node, "gather.calls"))
        return;
    if (node->count == 0 || node->count > GATHER_CALLS_MAX) {
        config_fault(reader->faults, node->place, "gather.calls has %zu entries, expected 1 to %d",
                     node->count, GATHER_CALLS_MAX);
        return;
    }
    calls = config_take(reader->memory, node->count * sizeof *calls);
    if (calls == NULL)
        return;
    settings->calls = calls;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next)
        read_call(reader, item, route, settings, &calls[settings->call_count]);
}

static const void *configure(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route)
{
    struct draft draft = {0};
    struct gather_settings *settings;

    if (!schema_read(reader, &gather_schema, node, &draft))
        return NULL;
    if (draft.calls != NULL)
        read_calls(reader, draft.calls, route, &draft.settings);
    settings = config_take(reader->memory, sizeof *settings);
    if (settings != NULL)
        *settings = draft.settings;
    return settings;
}

/* --- what it needs --- */

static void backends(const void *arg, void (*each)(void *arg, const char *origin, struct config_place place),
                     void *each_arg)
{
    const struct gather_settings *settings = arg;

    for (size_t i = 0; i < settings->call_count; i++)
        each(each_arg, settings->calls[i].url.origin, settings->calls[i].url.place);
}

/* A call is a task, an answer and a connection of which the kernel has a part, too. */
static uint64_t exchange_bytes(const void *arg)
{
    const struct gather_settings *settings = arg;

    return settings->call_count * (9 << 10);
}

/* --- answering --- */

/* What open() makes on each loop. */
struct gather_state {
    const struct gather_settings *settings;
    uint64_t reply_bytes_max;
    weir_client *client;
};

/* One call of one request. */
struct call {
    const struct gather_call *settings;
    weir_request *req;
    char traceparent[WEIR_TRACE_PARENT_BYTES];
    weir_client *client;
    weir_fetch_options options;
    weir_reply reply;
    int err;
    weir_buffer *decoded; /* the body without its content coding; NULL: it had none */
    bool lent;            /* a part of the answer points to the reply */
    size_t part;          /* this one */
};

/* One request while it is answered; lies in the request's memory. */
struct gathering {
    const struct gather_state *state;
    weir_request *req;
    weir_buffer urls; /* one behind the other, each ended by NUL */
    weir_header *forwarded;
    size_t forwarded_count;
    weir_header describing[DESCRIBING_MAX]; /* the body, when there is one */
    size_t describing_count;
    weir_bytes body; /* of the request; read only for calls that take one */
    struct gather_note *note;
    bool url_too_long;
    struct call calls[];
};

static bool takes_body(const struct gather_call *call)
{
    return call->method == CONFIG_POST || call->method == CONFIG_PUT || call->method == CONFIG_PATCH;
}

static const char *param_of(const void *req, const char *name)
{
    return weir_request_param(req, name);
}

static char *copy_text(weir_request *req, weir_bytes text)
{
    char *copy = weir_request_alloc(req, text.len + 1);

    if (copy != NULL) {
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
    }
    return copy;
}

static int collect_headers(struct gathering *g)
{
    const struct gather_settings *settings = g->state->settings;
    const weir_bytes connection = weir_bytes_of(weir_request_header_joined(g->req, "connection"));
    size_t count = 0;
    weir_bytes name, value;

    for (size_t i = 0; weir_request_header_at(g->req, i, &name, &value); i++)
        count += gather_forwards(settings->forward, settings->forward_count, connection, name);
    if (count == 0)
        return 0;
    g->forwarded = weir_request_alloc(g->req, count * sizeof *g->forwarded);
    if (g->forwarded == NULL)
        return -ENOMEM;
    for (size_t i = 0; weir_request_header_at(g->req, i, &name, &value); i++) {
        weir_header *header;

        if (!gather_forwards(settings->forward, settings->forward_count, connection, name))
            continue;
        header = &g->forwarded[g->forwarded_count];
        *header = (weir_header){copy_text(g->req, name), copy_text(g->req, value)};
        if (header->name == NULL || header->value == NULL)
            return -ENOMEM;
        g->forwarded_count++;
    }
    return 0;
}

static size_t add_trace(struct gathering *g, struct call *call, weir_header *headers)
{
    const char *state = weir_request_trace_state(g->req);
    size_t n = 0;

    if (call_sets(call->settings, "traceparent"))
        return 0;
    /* Each call is a step of its own; its id is odd, and so not 0. */
    headers[n++] = (weir_header){"traceparent", weir_trace_format(weir_request_trace(g->req),
                                                                  weir_random_u64() | 1, call->traceparent)};
    if (state != NULL && !call_sets(call->settings, "tracestate"))
        headers[n++] = (weir_header){"tracestate", state};
    return n;
}

static bool describes_body(const struct gathering *g, const char *name)
{
    for (size_t i = 0; i < g->describing_count; i++)
        if (strcasecmp(g->describing[i].name, name) == 0)
            return true;
    return false;
}

/* What is said of the body goes with it, or nobody could tell what it is. */
static void collect_describing(struct gathering *g)
{
    static const char *const names[DESCRIBING_MAX] = {"content-type", "content-encoding", "content-language",
                                                      "content-digest", "repr-digest"};

    for (size_t i = 0; i < DESCRIBING_MAX; i++) {
        const char *value = weir_request_header_joined(g->req, names[i]);
        if (value != NULL)
            g->describing[g->describing_count++] = (weir_header){names[i], value};
    }
}

/* The call's own headers, what is passed on and not overruled by them, the trace, and what describes a body.
 */
static int prepare_headers(struct gathering *g, struct call *call)
{
    const struct gather_call *settings = call->settings;
    const size_t describing = call->options.body_bytes ? g->describing_count : 0;
    size_t most = settings->headers.count + g->forwarded_count + 2 + describing, n = 0;
    weir_header *headers = weir_request_alloc(g->req, most * sizeof *headers);
    bool says_coding = settings->sets_coding;

    if (headers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < settings->headers.count; i++)
        headers[n++] = settings->headers.header[i];
    for (size_t i = 0; i < g->forwarded_count; i++) {
        const char *name = g->forwarded[i].name;
        if ((describing && describes_body(g, name)) || call_sets(settings, name))
            continue;
        headers[n++] = g->forwarded[i];
        says_coding = says_coding || strcasecmp(name, "accept-encoding") == 0;
    }
    n += add_trace(g, call, headers + n);
    for (size_t i = 0; i < describing; i++)
        if (!call_sets(settings, g->describing[i].name))
            headers[n++] = g->describing[i];
    call->options.headers = headers;
    call->options.header_count = n;
    call->options.identity = !says_coding;
    return 0;
}

static int expand_urls(struct gathering *g)
{
    const struct gather_settings *settings = g->state->settings;
    int err = 0;
    const char *url;

    for (size_t i = 0; i < settings->call_count && err == 0; i++)
        err = gather_expand(&g->urls, &settings->calls[i].url, param_of, g->req);
    g->url_too_long = err == -WEIR_ETOOLARGE;
    url = g->urls.data; /* it grows no more */
    for (size_t i = 0; i < settings->call_count && err == 0; i++) {
        g->calls[i].options.url = url;
        url += strlen(url) + 1;
    }
    return err;
}

static int read_body(struct gathering *g)
{
    const struct gather_settings *settings = g->state->settings;

    for (size_t i = 0; i < settings->call_count; i++)
        if (takes_body(&settings->calls[i]))
            return weir_read_body(g->req, &g->body, SIZE_MAX);
    return request_discard_body(g->req);
}

/* Field by field: much of it is room that needs no clearing. Its URL is there already. */
static void make_call(struct gathering *g, const struct gather_call *settings, struct call *call)
{
    call->settings = settings;
    call->req = g->req;
    call->client = g->state->client;
    call->options = (weir_fetch_options){
        .url = call->options.url,
        .method = settings->method_text,
        .name = settings->name,
        .reply_bytes_max = g->state->reply_bytes_max,
    };
    if (takes_body(settings)) {
        call->options.body = g->body.data;
        call->options.body_bytes = g->body.len;
    }
    call->reply = (weir_reply){0};
    call->err = 0;
    call->decoded = NULL;
    call->lent = false;
}

static int prepare(struct gathering *g)
{
    const struct gather_settings *settings = g->state->settings;
    int err = read_body(g);

    if (err == 0 && g->body.len > 0)
        collect_describing(g);
    if (err == 0)
        err = collect_headers(g);
    if (err == 0)
        err = expand_urls(g);
    for (size_t i = 0; i < settings->call_count && err == 0; i++) {
        struct call *call = &g->calls[i];
        make_call(g, &settings->calls[i], call);
        err = prepare_headers(g, call);
    }
    return err;
}

static int fail(struct call *call, int err, const char *why)
{
    weir_reply_free(&call->reply);
    call->reply.why = why;
    return err;
}

/* Why a pool did not do its work, as a call has it. */
static int from_pool(int err)
{
    return err == -WEIR_ELATE ? -WEIR_EDEADLINE : err == -WEIR_ENESTED || err == -EAGAIN ? -WEIR_EBUSY : err;
}

/* A backend that codes its answer though it was asked not to, or because the client's wishes are passed on.
 */
static int undo_coding(struct call *call)
{
    const weir_bytes body = {call->reply.body, call->reply.body_bytes};
    struct codings codings;
    weir_buffer *plain = weir_request_alloc(call->req, sizeof *plain);
    int err;

    if (plain == NULL)
        return fail(call, -ENOMEM, NULL);
    weir_buffer_init(plain, (size_t)call->options.reply_bytes_max);
    body_coding_of_reply(&call->reply, &codings);
    if (codings.unknown)
        return fail(call, -WEIR_EPROTOCOL, "its content-encoding is not known");
    if (codings.count == 0)
        return 0;
    err = body_coding_undo(&codings, body, plain, weir_pool_compute(), NULL);
    if (err == -EBADMSG)
        return fail(call, -WEIR_EPROTOCOL, "its body is not what its content-encoding says");
    if (err == -WEIR_ETOOLARGE)
        return fail(call, err, "its body is too large without its content-encoding");
    if (err == 0)
        err = weir_client_hold(call->client, plain->cap);
    if (err < 0) {
        weir_buffer_free(plain);
        return fail(call, from_pool(err), NULL);
    }
    call->decoded = plain;
    return 0;
}

static int fetch(struct call *call)
{
    int err = weir_fetch(call->client, &call->options, &call->reply);

    return err == 0 && call->reply.coded ? undo_coding(call) : err;
}

static int ask(void *arg)
{
    struct call *call = arg;
    weir_duration deadline = call->settings->deadline;
    weir_scope scope;

    if (deadline.ns == 0)
        return call->err = fetch(call);
    weir_scope_open(&scope, weir_after(deadline), 0);
    call->err = fetch(call);
    (void)weir_scope_close(&scope);
    return call->err;
}

static void free_reply(struct call *call)
{
    if (call->decoded != NULL) {
        weir_client_unhold(call->client, call->decoded->cap);
        weir_buffer_free(call->decoded);
        call->decoded = NULL;
    }
    if (call->reply.memory != NULL)
        weir_reply_free(&call->reply);
}

/* All at once; the last one by this task itself. */
static void ask_all(struct gathering *g)
{
    const size_t last = g->state->settings->call_count - 1;
    weir_scope scope;

    weir_scope_open(&scope, weir_after(g->state->settings->deadline), WEIR_COLLECT);
    for (size_t i = 0; i < last; i++) {
        int err = weir_spawn(&scope, g->calls[i].settings->name, ask, &g->calls[i]);
        if (err < 0)
            g->calls[i].err = err;
    }
    (void)ask(&g->calls[last]);
    (void)weir_scope_close(&scope);
}

/* --- the answer --- */

static int hold(void *client, size_t bytes)
{
    return weir_client_hold(client, bytes);
}

/* Adds how one call ended; its reply is kept only when the answer has a part of it. */
static int add_call(struct gathering *g, size_t i, struct gather_answer *answer, struct gather_tally *tally)
{
    struct call *call = &g->calls[i];
    const struct gather_outcome outcome = {
        .err = call->err,
        .status = call->reply.status,
        .type = call->err ? NULL : weir_reply_header_value(&call->reply, "content-type"),
        .body = call->decoded != NULL      ? weir_buffer_bytes(call->decoded)
                : call->reply.body != NULL ? (weir_bytes){call->reply.body, call->reply.body_bytes}
                                           : (weir_bytes){"", 0},
        .detail = g->state->settings->detail,
        .why = call->reply.why,
    };
    int err = gather_add(answer, call->settings->name, &outcome, tally, &g->note->ends[i]);

    call->lent = gather_lends(answer, outcome.body);
    if (call->lent)
        call->part = answer->part_count - 1;
    else
        free_reply(call);
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

/* A part of the answer has been sent. */
struct let_go {
    struct gathering *g;
    struct gather_part *part;
    struct call *call; /* whose reply it pointed to; NULL: it had its own */
};

static void let_go(void *arg)
{
    struct let_go *sent = arg;
    size_t held = gather_part_free(sent->part);

    if (held > 0)
        weir_client_unhold(sent->g->state->client, held);
    if (sent->call != NULL)
        free_reply(sent->call);
}

/* Text and parts by turns. */
static int send_parts(struct gathering *g, weir_response *res, int status, struct gather_answer *answer)
{
    const size_t count = answer->part_count;
    weir_reply_piece *pieces = weir_request_alloc(g->req, (2 * count + 1) * sizeof *pieces);
    struct let_go *sent = weir_request_alloc(g->req, count * sizeof *sent);
    size_t at = 0, n = 0;

    if (pieces == NULL || sent == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct gather_part *part = &answer->parts[i];
        sent[i] = (struct let_go){.g = g, .part = part};
        pieces[n++] = (weir_reply_piece){.data = answer->text.data + at, .bytes = part->at - at};
        pieces[n++] = (weir_reply_piece){part->body.data, part->body.len, let_go, &sent[i]};
        at = part->at;
    }
    for (size_t i = 0; i < g->state->settings->call_count; i++)
        if (g->calls[i].lent)
            sent[g->calls[i].part].call = &g->calls[i];
    pieces[n++] = (weir_reply_piece){.data = answer->text.data + at, .bytes = answer->text.len - at};
    return weir_reply_pieces(res, status, "application/json", pieces, n);
}

static int send_answer(struct gathering *g, weir_response *res, struct gather_answer *answer,
                       const struct gather_tally *tally)
{
    const int status = gather_status((enum gather_require)g->state->settings->require, tally);
    char partial[GATHER_PARTIAL_BYTES];
    int err = gather_partial(partial, tally) != NULL ? weir_reply_header(res, "x-weir-partial", partial) : 0;

    if (err < 0)
        return err;
    return answer->part_count > 0 ? send_parts(g, res, status, answer)
                                  : weir_reply_body(res, status, "application/json", &answer->text);
}

/* Most answers need none. */
static bool needs_parts(const struct gathering *g)
{
    for (size_t i = 0; i < g->state->settings->call_count; i++)
        if (g->calls[i].reply.body_bytes > GATHER_COPIED_BYTES_MAX || g->calls[i].decoded != NULL)
            return true;
    return false;
}

static int reply(struct gathering *g, weir_response *res)
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
    for (size_t i = 0; i < answer.part_count; i++) /* what was not sent */
        let_go(&(struct let_go){.g = g, .part = &answer.parts[i]});
    weir_buffer_free(&answer.text);
    return err;
}

/* The client has left: nothing is made of how the calls ended. */
static void note_unanswered(struct gathering *g)
{
    for (size_t i = 0; i < g->state->settings->call_count; i++) {
        const struct call *call = &g->calls[i];
        g->note->ends[i].end =
            call->err == 0 && call->reply.status >= 500 ? GATHER_STATUS : (uint8_t)gather_end_of(call->err);
    }
}

static int make_note(struct gathering *g)
{
    const struct gather_settings *settings = g->state->settings;
    const size_t bytes = sizeof *g->note + settings->call_count * sizeof g->note->ends[0];

    g->note = weir_request_alloc(g->req, bytes);
    if (g->note == NULL)
        return -ENOMEM;
    memset(g->note, 0, bytes);
    g->note->settings = settings;
    return 0;
}

static int handle(weir_request *req, weir_response *res, void *state)
{
    const struct gather_state *gather = state;
    const size_t count = gather->settings->call_count;
    struct gathering *g = weir_request_alloc(req, sizeof *g + count * sizeof g->calls[0]);
    int err;

    if (g == NULL)
        return -ENOMEM;
    memset(g, 0, sizeof *g);
    g->state = gather;
    g->req = req;
    weir_buffer_init(&g->urls, count * GATHER_URL_BYTES_MAX);
    err = weir_client_hold(gather->client, 0); /* is there room for any answer? */
    if (err < 0)
        return err;
    err = make_note(g);
    if (err == 0)
        err = prepare(g);
    if (err == -EINVAL)
        err = weir_reply_fault(res, 400, "malformed", "a path parameter holds what may not stand in a URL");
    else if (g->url_too_long)
        err = weir_reply_fault(res, 414, "target_too_long",
                               "a path parameter makes the URL of a call too long");
    else if (err == 0) {
        ask_all(g);
        weir_request_note(req, g->note);
        err = weir_cancelled(); /* the client has left, or the drain is over: there is nobody to answer */
        if (err == 0)
            err = reply(g, res);
        else
            note_unanswered(g);
        for (size_t i = 0; i < count; i++)
            free_reply(&g->calls[i]);
    }
    weir_buffer_free(&g->urls);
    return err;
}

static int open_state(const struct config_route *route, weir_client *client, void **state)
{
    int err = body_coding_open();
    struct gather_state *made = err == 0 ? malloc(sizeof *made) : NULL;

    if (made == NULL)
        return err < 0 ? err : -ENOMEM;
    *made = (struct gather_state){route->settings, route->limits.reply_bytes, client};
    *state = made;
    return 0;
}

/* One that only reads is not asked to change anything; what the calls of another do is their matter. */
static unsigned methods_for(const void *arg)
{
    const struct gather_settings *settings = arg;

    for (size_t i = 0; i < settings->call_count; i++)
        if (settings->calls[i].method != CONFIG_GET && settings->calls[i].method != CONFIG_HEAD)
            return 0;
    return 1u << CONFIG_GET;
}

const struct route_kind route_gather = {
    .name = "gather",
    .configure = configure,
    .methods_for = methods_for,
    .backends = backends,
    .exchange_bytes = exchange_bytes,
    .handle = handle,
    .open = open_state,
    .close = free,
};
