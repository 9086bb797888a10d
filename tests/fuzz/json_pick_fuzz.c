/* SPDX-License-Identifier: MIT */
/* Picking from JSON: of any valid document comes valid JSON, and what one pointer finds is what jansson's
 * tree has there. The bytes are a template, a line's end, and a document. */
#include <errno.h>
#include <string.h>

#include <weir/json.h>

#include "fuzz/fuzz.h"
#include "jobs/json_pick.h"

static const json_t *at_pointer(const json_t *tree, const char *pointer)
{
    while (tree != NULL && *pointer) {
        char key[JSON_POINTER_BYTES_MAX + 1];
        size_t n = 0;
        for (pointer++; *pointer && *pointer != '/'; pointer++)
            key[n++] = *pointer != '~' ? *pointer : *++pointer == '1' ? '/' : '~';
        key[n] = '\0';
        if (json_is_array(tree))
            tree = n > 0 && n < 9 && strspn(key, "0123456789") == n && (n == 1 || key[0] != '0')
                       ? json_array_get(tree, strtoul(key, NULL, 10))
                       : NULL;
        else
            tree = json_object_getn(tree, key, n);
    }
    return tree;
}

static void compare(const json_t *template_, weir_bytes document, const weir_buffer *out)
{
    json_error_t error;
    json_t *tree = json_loadb(document.data, document.len, JSON_DECODE_ANY, &error);
    json_t *picked = json_loadb(out->data, out->len, JSON_DECODE_ANY, &error);

    if (tree != NULL && picked != NULL) { /* jansson has its own limits for numbers, and takes no NUL */
        const json_t *wanted = at_pointer(tree, json_string_value(template_));
        CHECK(wanted != NULL ? json_equal(wanted, picked) : json_is_null(picked));
    }
    json_decref(picked);
    json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *text = (const char *)bytes, *end = size ? memchr(text, '\n', size) : NULL;
    char fault[JSON_PICK_FAULT_BYTES];
    struct json_pick *pick;
    weir_buffer out;
    weir_bytes document;
    json_t *template_;

    if (end == NULL)
        return 0;
    document = (weir_bytes){end + 1, size - (size_t)(end + 1 - text)};
    template_ = json_loadb(text, (size_t)(end - text), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (template_ == NULL)
        return 0;
    for (int missing = 0; missing < JSON_MISSINGS; missing++) {
        int err = json_pick_open(&pick, template_, (enum json_missing)missing, fault);
        CHECK(err == 0 || (err == -EINVAL && fault[0]));
        if (err < 0) {
            json_pick_close(pick);
            continue;
        }
        weir_buffer_init(&out, 1 << 20);
        err = json_pick_run(pick, document, 64, &out, fault, NULL, NULL);
        CHECK(weir_json_is_valid(document.data, document.len, 64) == (err != -EBADMSG && err != -E2BIG));
        if (err == -EBADMSG || err == -E2BIG) {
            CHECK(out.len == 0 && fault[0]);
            weir_buffer_free(&out);
            json_pick_close(pick);
            continue;
        }
        CHECK(err == 0 || err == -WEIR_ETOOLARGE || (err == -ENOENT && missing == JSON_MISSING_FAULT));
        CHECK(err < 0 || weir_json_is_valid(out.data, out.len, 64 + JSON_PICK_DEPTH_MAX));
        if (err == 0 && missing == JSON_MISSING_NULL && json_is_string(template_))
            compare(template_, document, &out);
        weir_buffer_free(&out);
        json_pick_close(pick);
    }
    json_decref(template_);
    return 0;
}
