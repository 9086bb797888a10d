/* SPDX-License-Identifier: MIT */
/* JSON: what is said to be valid, jansson reads, and a reader finds the same in it; any bytes become a valid
 * string. */
#include <errno.h>
#include <string.h>

#include <jansson.h>
#include <weir.h>

#include "fuzz/fuzz.h"

static json_t *read_string(weir_bytes string)
{
    char *text = malloc(string.len);
    int n = weir_json_string_decode(string, text, string.len - 2);
    json_t *made;

    CHECK(text != NULL && n >= 0);
    CHECK(weir_json_string_equal(string, (weir_bytes){text, (size_t)n}));
    made = json_stringn(text, (size_t)n);
    free(text);
    return made;
}

static json_t *read_number(weir_bytes number)
{
    int64_t whole;
    double real;

    if (weir_json_int64(number, &whole) == 0)
        return json_integer(whole);
    return weir_json_double(number, &real) == 0 ? json_real(real) : NULL;
}

static json_t *read_value(weir_json_reader *r);

static json_t *read_object(weir_json_reader *r)
{
    json_t *made = json_object();
    weir_bytes key;

    while (weir_json_next_member(r, &key) > 0) {
        json_t *name = read_string(key);
        CHECK(json_object_setn_new(made, json_string_value(name), json_string_length(name), read_value(r)) ==
              0);
        json_decref(name);
    }
    return made;
}

static json_t *read_array(weir_json_reader *r)
{
    json_t *made = json_array();

    while (weir_json_next_element(r) > 0)
        CHECK(json_array_append_new(made, read_value(r)) == 0);
    return made;
}

static json_t *read_value(weir_json_reader *r)
{
    weir_json_value value;

    CHECK(weir_json_read(r, &value) == 0);
    switch (value.type) {
    case WEIR_JSON_NULL:
        return json_null();
    case WEIR_JSON_BOOL:
        return json_boolean(value.text.data[0] == 't');
    case WEIR_JSON_NUMBER:
        return read_number(value.text);
    case WEIR_JSON_STRING:
        return read_string(value.text);
    case WEIR_JSON_ARRAY:
        return read_array(r);
    default:
        return read_object(r);
    }
}

/* Reads with a reader what jansson has read into a tree. */
static void compare(weir_bytes text, const json_t *tree)
{
    weir_json_reader r;
    json_t *made;

    weir_json_reader_init(&r, text, 64);
    made = read_value(&r);
    CHECK(weir_json_end(&r) == 0 && weir_json_offset(&r) == text.len);
    CHECK(json_equal(made, tree));
    json_decref(made);
}

/* Goes through any text by the choices that its own bytes make: never beyond it, and with the verdict of
 * weir_json_check() in the end. */
static void wander(weir_bytes text)
{
    weir_json_reader r;
    weir_json_value value;
    weir_bytes key;
    bool out_of_order = false;
    int err, end;
    size_t at = 0;

    weir_json_reader_init(&r, text, 64);
    for (size_t i = 0; i < text.len && i < 64 && r.err == 0; i++) {
        size_t before = weir_json_offset(&r);
        switch (text.data[text.len - 1 - i] & 7) {
        case 0:
        case 1:
            err = weir_json_skip(&r, NULL);
            break;
        case 2:
            err = weir_json_leave(&r);
            break;
        case 3:
            err = weir_json_next_element(&r);
            break;
        case 4:
            err = weir_json_next_member(&r, &key);
            break;
        default:
            err = weir_json_read(&r, &value);
        }
        CHECK(weir_json_offset(&r) >= before && weir_json_offset(&r) <= text.len);
        out_of_order = out_of_order || err < 0;
    }
    err = weir_json_check(text.data, text.len, 64, &at);
    end = weir_json_end(&r);
    CHECK(out_of_order ? end < 0 : end == err && weir_json_offset(&r) == at);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *text = (const char *)bytes;
    weir_buffer out;
    json_t *tree;

    if (weir_json_is_valid(text, size, 64)) {
        json_error_t error;
        tree = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        /* jansson has its own limits for numbers, and for names with a NUL; everything else it must read */
        CHECK(tree != NULL || strstr(error.text, "too big") != NULL ||
              strstr(error.text, "overflow") != NULL || strstr(error.text, "NUL byte in object key") != NULL);
        if (tree != NULL && size <= 1000) /* the longest number that becomes a double */
            compare((weir_bytes){text, size}, tree);
        json_decref(tree);
    }
    wander((weir_bytes){text, size});
    weir_buffer_init(&out, 6 * size + 64);
    CHECK(weir_json_append_string(&out, text, size) == 0);
    CHECK(weir_json_is_valid(out.data, out.len, 1));
    weir_buffer_free(&out);
    return 0;
}
