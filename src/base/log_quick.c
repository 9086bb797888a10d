/* SPDX-License-Identifier: MIT */
#include "base/log_quick.h"

#include "base/log_number.h"
#include "base/log_plain.h"
#include "base/log_text.h"

/* Functions write at `at`, and return where their text ends; NULL: it is not plain, or may not fit. They are
 * inlined twice, for text and for JSON. */
#define QUICK static inline __attribute__((always_inline))

enum {
    KEY_MAX = 24,
    KEY_ROOM = KEY_MAX + 8,                          /* with what is around a key */
    PAIR_ROOM = KEY_ROOM + WEIR__LOG_NUMBER_MAX + 4, /* of a number; text has its length in addition */
};

QUICK char *quick_key(char *at, const char *key, bool json, bool in_ms)
{
    size_t i = 0;

    *at++ = json ? ',' : ' ';
    if (json)
        *at++ = '"';
    for (; i < KEY_MAX && weir__log_is_of(key[i], WEIR__LOG_BARE); i++)
        at[i] = key[i];
    if (key[i] != '\0')
        return NULL;
    at += i;
    if (json && in_ms) {
        memcpy(at, "_ms", 3);
        at += 3;
    }
    if (json)
        *at++ = '"';
    *at++ = json ? ':' : '=';
    return at;
}

QUICK char *quick_string(char *at, const char *end, weir_bytes s, bool json)
{
    if (s.len + 2 > (size_t)(end - at) || (s.len == 0 && !json))
        return NULL;
    if (json)
        *at++ = '"';
    if (!weir__log_copy(at, s.data, s.len, json ? WEIR__LOG_PLAIN : WEIR__LOG_BARE))
        return NULL;
    at += s.len;
    if (json)
        *at++ = '"';
    return at;
}

QUICK char *quick_part(char *at, const char *end, const weir_kv_part *part, bool json)
{
    const weir_bytes name = weir_bytes_of(part->name);

    if (name.len + PAIR_ROOM > (size_t)(end - at))
        return NULL;
    if (json)
        *at++ = '"';
    if (!weir__log_copy(at, name.data, name.len, WEIR__LOG_PLAIN))
        return NULL;
    at += name.len;
    if (json)
        *at++ = '"';
    *at++ = json ? ':' : ' ';
    return weir__log_write_duration(at, part->duration.ns, json);
}

QUICK char *quick_durations(char *at, const char *end, const weir_kv *kv, bool json)
{
    *at++ = json ? '{' : '"';
    for (size_t i = 0; i < kv->value.durations.count; i++) {
        if (i > 0)
            *at++ = ',';
        if (i > 0 && !json)
            *at++ = ' ';
        at = quick_part(at, end, &kv->value.durations.parts[i], json);
        if (at == NULL)
            return NULL;
    }
    *at++ = json ? '}' : '"';
    return at;
}

QUICK char *quick_pair(char *at, const char *end, const weir_kv *kv, bool json)
{
    const bool in_ms = kv->type == WEIR_KV_TYPE_DURATION || kv->type == WEIR_KV_TYPE_DURATIONS;

    if (end - at < PAIR_ROOM)
        return NULL;
    if (kv->type == WEIR_KV_TYPE_NONE)
        return at;
    at = quick_key(at, kv->key, json, in_ms);
    if (at == NULL)
        return NULL;
    if (kv->type == WEIR_KV_TYPE_BYTES)
        return quick_string(at, end, kv->value.bytes, json);
    if (kv->type == WEIR_KV_TYPE_INT)
        return weir__log_write_integer(at, kv->value.integer);
    if (kv->type == WEIR_KV_TYPE_DURATION)
        return weir__log_write_duration(at, kv->value.integer, json);
    return kv->type == WEIR_KV_TYPE_DURATIONS ? quick_durations(at, end, kv, json) : NULL;
}

QUICK size_t quick_pairs(struct weir__log_line *l, const weir_kv *kvs, size_t n, bool json)
{
    const char *end = l->out + l->room;
    char *at = l->out + l->len, *next;
    size_t i = 0;

    for (; i < n && (next = quick_pair(at, end, &kvs[i], json)) != NULL; i++)
        at = next;
    l->len = (size_t)(at - l->out);
    return i;
}

size_t weir__log_quick_pairs(struct weir__log_line *l, const weir_kv *kvs, size_t n)
{
    if (l->cut || l->colour || l->len > l->room)
        return 0;
    return l->json ? quick_pairs(l, kvs, n, true) : quick_pairs(l, kvs, n, false);
}
