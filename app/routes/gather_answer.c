/* SPDX-License-Identifier: MIT */
#include "routes/gather_answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <weir/json.h>

#include "routes/gather_note.h"

/* Reports whether a call succeeded: a whole answer with a status below 500. */
static bool has_succeeded(const struct gather_outcome *outcome)
{
    return outcome->err == 0 && outcome->status < 500;
}

/* Reports whether a type is application/json, text/json or …/…+json, with any parameters. */
static bool is_json_type(const char *type)
{
    const char *subtype;
    size_t length;

    if (type == NULL)
        return false;
    length = strcspn(type, "; \t");
    subtype = memchr(type, '/', length);
    if (subtype == NULL)
        return false;
    subtype++;
    length -= (size_t)(subtype - type);
    return (length == 4 && strncasecmp(subtype, "json", 4) == 0) ||
           (length > 5 && strncasecmp(subtype + length - 5, "+json", 5) == 0);
}

/* Reports whether a body is embedded as JSON. The answer nests it in two objects, and must not be nested
 * deeper than the limit as a whole. */
static bool is_json(const struct gather_outcome *outcome)
{
    return is_json_type(outcome->type) &&
           weir_json_is_valid(outcome->body.data, outcome->body.len, WEIR_JSON_DEPTH_MAX - 2);
}

/* Appends a body that is not JSON: UTF-8 as a string, other bytes in base64. */
static int append_made(weir_buffer *out, weir_bytes body)
{
    int err;

    if (weir_utf8_is_valid(body.data, body.len))
        return weir_json_append_string(out, body.data, body.len);
    err = weir_buffer_append_text(out, "{\"base64\":\"");
    if (err == 0)
        err = weir_base64_append(out, body.data, body.len);
    return err == 0 ? weir_buffer_append_text(out, "\"}") : err;
}

static struct gather_part *new_part(struct gather_answer *answer)
{
    struct gather_part *part = &answer->parts[answer->part_count++];

    *part = (struct gather_part){.at = answer->text.len};
    weir_buffer_init(&part->own, answer->text.max);
    return part;
}

static int fill_part(struct gather_answer *answer, struct gather_part *part, weir_bytes body)
{
    if (body.len > answer->text.max - answer->text.len)
        return -WEIR_ETOOLARGE;
    part->body = body;
    answer->text.max -= body.len; /* a part takes room of the whole answer */
    return 0;
}

static int add_part(struct gather_answer *answer, weir_bytes body)
{
    return fill_part(answer, new_part(answer), body);
}

/* Adds a body that is converted. The reserve is an estimate: a converted body is usually little longer. */
static int add_made_part(struct gather_answer *answer, weir_bytes body)
{
    struct gather_part *part = new_part(answer);
    const size_t wanted = body.len + body.len / 2;
    int err = answer->hold != NULL ? answer->hold(answer->hold_arg, wanted) : 0;

    if (err < 0)
        return err;
    part->held = wanted;
    err = append_made(&part->own, body);
    return err < 0 ? err : fill_part(answer, part, weir_buffer_bytes(&part->own));
}

/* Empties the parts of a call that failed after all. They stay, since their reserve is still to be released.
 */
static void empty_parts(struct gather_answer *answer, size_t from, size_t at)
{
    for (size_t i = from; i < answer->part_count; i++) {
        struct gather_part *part = &answer->parts[i];
        answer->text.max += part->body.len;
        part->body = (weir_bytes){0};
        part->at = at;
        weir_buffer_free(&part->own);
    }
}

static int append_body(struct gather_answer *answer, const struct gather_outcome *outcome)
{
    const bool small = outcome->body.len <= GATHER_COPIED_BYTES_MAX;
    weir_bytes body = outcome->body;

    if (is_json(outcome))
        return small ? weir_buffer_append(&answer->text, body.data, body.len) : add_part(answer, body);
    return small ? append_made(&answer->text, body) : add_made_part(answer, body);
}

static int append_answer(struct gather_answer *answer, const struct gather_outcome *outcome)
{
    int err = weir_buffer_printf(&answer->text, "{\"status\":%d,\"body\":", outcome->status);

    if (err == 0)
        err = append_body(answer, outcome);
    return err == 0 ? weir_buffer_append_byte(&answer->text, '}') : err;
}

static int append_error(weir_buffer *out, const struct gather_outcome *outcome, int failure)
{
    const char *why =
        failure == outcome->err && outcome->why != NULL ? outcome->why : weir_error_text(failure);
    int err = weir_buffer_printf(out, "{\"error\":\"%s\"", gather_end_text(gather_end_of(failure)));

    if (err == 0 && outcome->detail)
        err = weir_buffer_append_text(out, ",\"detail\":");
    if (err == 0 && outcome->detail)
        err = weir_json_append_string(out, why, strlen(why));
    return err == 0 ? weir_buffer_append_byte(out, '}') : err;
}

static void count(struct gather_tally *tally, const struct gather_outcome *outcome, int err)
{
    tally->calls++;
    tally->succeeded += err == 0 && has_succeeded(outcome);
    tally->late += err == -WEIR_EDEADLINE;
}

/* Its attempts are noted by others. */
static void note_end(struct gather_call_end *end, const struct gather_outcome *outcome, int err)
{
    end->end = err == 0 && !has_succeeded(outcome) ? GATHER_STATUS : (uint8_t)gather_end_of(err);
    end->status = (uint16_t)outcome->status;
}

int gather_add(struct gather_answer *answer, const char *name, const struct gather_outcome *outcome,
               struct gather_tally *tally, struct gather_call_end *end)
{
    int err = weir_buffer_printf(&answer->text, "\"%s\":", name), failure = outcome->err;
    const size_t before = answer->text.len, parts = answer->part_count;

    if (err)
        return err;
    if (failure == 0) {
        failure = append_answer(answer, outcome);
        if (failure) {
            weir_buffer_truncate(&answer->text, before);
            empty_parts(answer, parts, before);
        }
    }
    count(tally, outcome, failure);
    note_end(end, outcome, failure);
    return failure ? append_error(&answer->text, outcome, failure) : 0;
}

bool gather_lends(const struct gather_answer *answer, weir_bytes body)
{
    return answer->part_count > 0 && answer->parts[answer->part_count - 1].body.data == body.data &&
           body.len > 0;
}

size_t gather_part_free(struct gather_part *part)
{
    size_t held = part->held;

    weir_buffer_free(&part->own);
    part->held = 0;
    return held;
}

int gather_status(enum gather_require require, const struct gather_tally *tally)
{
    size_t wanted = require == GATHER_ALL ? tally->calls : require == GATHER_ANY ? 1 : 0;

    if (tally->succeeded >= wanted)
        return 200;
    return tally->late == tally->calls - tally->succeeded ? 504 : 502;
}

const char *gather_partial(char text[GATHER_PARTIAL_BYTES], const struct gather_tally *tally)
{
    if (tally->succeeded == tally->calls)
        return NULL;
    snprintf(text, GATHER_PARTIAL_BYTES, "%zu/%zu", tally->succeeded, tally->calls);
    return text;
}
