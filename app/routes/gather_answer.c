/* SPDX-License-Identifier: MIT */
#include "routes/gather_answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <weir/json.h>

#include "routes/gather_note.h"

const char *gather_error_text(int err)
{
    return gather_end_text(gather_end_of(err));
}

bool gather_succeeded(const struct gather_outcome *outcome)
{
    return outcome->err == 0 && outcome->status < 500;
}

/* application/json, text/json, and whatever/…+json, with any parameters. */
static bool is_json_type(const char *type)
{
    if (!type)
        return false;
    size_t length = strcspn(type, "; \t");
    const char *subtype = memchr(type, '/', length);
    if (!subtype)
        return false;
    subtype++;
    length -= (size_t)(subtype - type);
    return (length == 4 && strncasecmp(subtype, "json", 4) == 0) ||
           (length > 5 && strncasecmp(subtype + length - 5, "+json", 5) == 0);
}

/* The answer nests two objects around a body; who parses it must not have to follow deeper than the limit. */
static bool is_json(const struct gather_outcome *outcome)
{
    return is_json_type(outcome->type) &&
           weir_json_is_valid(outcome->body.data, outcome->body.len, WEIR_JSON_DEPTH_MAX - 2);
}

static int append_body(weir_buffer *out, const struct gather_outcome *outcome)
{
    weir_bytes body = outcome->body;
    if (is_json(outcome))
        return weir_buffer_append(out, body.data, body.len);
    if (weir_utf8_is_valid(body.data, body.len))
        return weir_json_append_string(out, body.data, body.len);
    int err = weir_buffer_append_text(out, "{\"base64\":\"");
    if (err == 0)
        err = weir_base64_append(out, body.data, body.len);
    return err == 0 ? weir_buffer_append_text(out, "\"}") : err;
}

static int append_answer(weir_buffer *out, const struct gather_outcome *outcome)
{
    int err = weir_buffer_printf(out, "{\"status\":%d,\"body\":", outcome->status);
    if (err == 0)
        err = append_body(out, outcome);
    return err == 0 ? weir_buffer_append_byte(out, '}') : err;
}

static int append_error(weir_buffer *out, const struct gather_outcome *outcome, int failure)
{
    const char *why = failure == outcome->err && outcome->why ? outcome->why : weir_error_text(failure);
    int err = weir_buffer_printf(out, "{\"error\":\"%s\"", gather_error_text(failure));
    if (err == 0 && outcome->detail)
        err = weir_buffer_append_text(out, ",\"detail\":");
    if (err == 0 && outcome->detail)
        err = weir_json_append_string(out, why, strlen(why));
    return err == 0 ? weir_buffer_append_byte(out, '}') : err;
}

static void count(struct gather_tally *tally, const struct gather_outcome *outcome, int err)
{
    tally->calls++;
    tally->succeeded += err == 0 && gather_succeeded(outcome);
    tally->late += err == -WEIR_EDEADLINE;
}

static struct gather_call_end end_of(const struct gather_outcome *outcome, int err)
{
    struct gather_call_end end = {(uint8_t)gather_end_of(err), (uint16_t)outcome->status};
    if (err == 0 && !gather_succeeded(outcome))
        end.end = GATHER_STATUS;
    return end;
}

int gather_add(weir_buffer *out, const char *name, const struct gather_outcome *outcome,
               struct gather_tally *tally, struct gather_call_end *end)
{
    int err = weir_buffer_printf(out, "\"%s\":", name);
    if (err)
        return err;
    size_t before = out->len;
    int failure = outcome->err;
    if (failure == 0) {
        failure = append_answer(out, outcome);
        if (failure)
            weir_buffer_truncate(out, before);
    }
    count(tally, outcome, failure);
    *end = end_of(outcome, failure);
    return failure ? append_error(out, outcome, failure) : 0;
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
