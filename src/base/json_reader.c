/* SPDX-License-Identifier: MIT */
#include <weir/json.h>

#include <errno.h>

#include "base/json_grammar.h"

/* What stands at a reader's place. */
enum state {
    VALUE,   /* a value, which must be there */
    ENTERED, /* the first element or member, or the end, of what was entered last */
    BEHIND,  /* a comma, or the end of the innermost array or object; at depth 0 the end of the text */
};

static int fail(weir_json_reader *r)
{
    if (r->err == 0)
        r->err = -EINVAL;
    return r->err;
}

static bool take(weir_json_reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

void weir_json_reader_init(weir_json_reader *r, weir_bytes text, size_t max_depth)
{
    *r = (weir_json_reader){
        .start = text.data,
        .at = text.data,
        .end = text.data + text.len,
        .max_depth = max_depth < WEIR_JSON_DEPTH_MAX ? max_depth : WEIR_JSON_DEPTH_MAX,
        .state = VALUE,
    };
}

static enum weir_json_type type_of(char first)
{
    switch (first) {
    case '{':
        return WEIR_JSON_OBJECT;
    case '[':
        return WEIR_JSON_ARRAY;
    case '"':
        return WEIR_JSON_STRING;
    case 't':
    case 'f':
        return WEIR_JSON_BOOL;
    case 'n':
        return WEIR_JSON_NULL;
    default:
        return WEIR_JSON_NUMBER;
    }
}

/* Makes ready for a value. Returns: 0, or an error. */
static int begin(weir_json_reader *r)
{
    if (r->err != 0)
        return r->err;
    if (r->state != VALUE)
        return fail(r);
    weir__json_skip_space(r);
    return 0;
}

int weir_json_read(weir_json_reader *r, weir_json_value *value)
{
    int err = begin(r);
    const char *from = r->at;

    if (err < 0)
        return err;
    value->type = from < r->end ? type_of(*from) : WEIR_JSON_NULL;
    if (from < r->end && (*from == '{' || *from == '[')) {
        r->at++;
        if (!weir__json_enter(r, *from == '{'))
            return fail(r);
        r->state = ENTERED;
    } else {
        if (!weir__json_take_scalar(r))
            return fail(r);
        r->state = BEHIND;
    }
    value->text = (weir_bytes){from, (size_t)(r->at - from)};
    return 0;
}

int weir_json_skip(weir_json_reader *r, weir_bytes *text)
{
    int err = begin(r);
    const char *from = r->at;

    if (err < 0)
        return err;
    if (!weir__json_take_whole(r))
        return fail(r);
    r->state = BEHIND;
    if (text != NULL)
        *text = (weir_bytes){from, (size_t)(r->at - from)};
    return 0;
}

/* Goes to the next element or member. Returns: 1 it is there; 0 the array or object has been left; an error.
 */
static int next(weir_json_reader *r, bool object)
{
    bool goes_on = true;
    int err = r->err;

    if (err == 0 && (r->depth == 0 || weir__json_in_object(r) != object))
        err = fail(r);
    if (err == 0 && r->state == VALUE)
        err = weir_json_skip(r, NULL);
    if (err < 0)
        return err;
    weir__json_skip_space(r);
    if (take(r, object ? '}' : ']'))
        goes_on = false;
    else if (r->state == BEHIND && !take(r, ','))
        return fail(r);
    r->state = goes_on ? VALUE : BEHIND;
    r->depth -= !goes_on;
    return goes_on;
}

int weir_json_next_element(weir_json_reader *r)
{
    return next(r, false);
}

int weir_json_next_member(weir_json_reader *r, weir_bytes *key)
{
    int there = next(r, true);

    return there <= 0 || weir__json_take_key(r, key) ? there : fail(r);
}

int weir_json_leave(weir_json_reader *r)
{
    weir_bytes key;
    int there;

    if (r->err == 0 && r->depth == 0)
        return fail(r);
    do
        there = r->err == 0 && weir__json_in_object(r) ? weir_json_next_member(r, &key)
                                                       : weir_json_next_element(r);
    while (there > 0);
    return there;
}

int weir_json_end(weir_json_reader *r)
{
    if (r->err == 0 && r->depth == 0 && r->state == VALUE)
        (void)!weir_json_skip(r, NULL);
    while (r->err == 0 && r->depth > 0)
        (void)!weir_json_leave(r);
    if (r->err != 0)
        return r->err;
    weir__json_skip_space(r);
    return r->at == r->end ? 0 : fail(r);
}

size_t weir_json_offset(const weir_json_reader *r)
{
    return (size_t)(r->at - r->start);
}

/* --- checking --- */

int weir_json_check(const char *p, size_t n, size_t max_depth, size_t *fault_at)
{
    weir_json_reader r;
    int err;

    weir_json_reader_init(&r, (weir_bytes){p, n}, max_depth);
    err = weir_json_end(&r);
    if (fault_at != NULL)
        *fault_at = weir_json_offset(&r);
    return err;
}

bool weir_json_is_valid(const char *p, size_t n, size_t max_depth)
{
    return weir_json_check(p, n, max_depth, NULL) == 0;
}
