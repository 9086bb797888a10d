/* SPDX-License-Identifier: MIT */
#include "metrics/totals.h"

#include <errno.h>
#include <string.h>

#include <weir/version.h>

#include "metrics/snapshot.h"

static const char magic[] = "weir totals 1"; /* with its NUL; then the version of the program, with its NUL */

enum { ROW_END = 0xff, VARINT_BYTES_MAX = 10 };

const struct totals_shape totals_shapes[TOTALS_PARTS] = {
    [TOTALS_GATEWAY] = {0, GATEWAY_UNSERVED + WEIR_UNSERVED_WAYS, GATEWAY_VALUES, 0, false},
    [TOTALS_ROUTE] = {1, ROUTE_NUMBERS, 1, 3, true},
    [TOTALS_BREAKDOWN] = {1, BREAKDOWN_NUMBERS, 0, 0, true},
    [TOTALS_OUTCOME] = {2, 1, 2, 0, false},
    [TOTALS_EXEMPLARS] = {1, 0, BUCKETS *EXEMPLAR_VALUES, 0, false},
    [TOTALS_GATHER] = {1, 1, 0, 0, false},
    [TOTALS_CALL] = {2, GATHER_ENDS, 0, 0, false},
    [TOTALS_ORIGIN] = {1, ORIGIN_NUMBERS, ORIGIN_VALUES, 1, true},
    [TOTALS_LOOP] = {1, LOOP_TOTALS, LOOP_VALUES, 0, true},
    [TOTALS_POOL] = {1, POOL_NUMBERS, POOL_VALUES, 0, true},
    [TOTALS_POOL_QUEUE] = {1, 0, 0, 0, true},
    [TOTALS_CLIENT] = {1, WEIR_UNSERVED_WAYS, 1, 0, false},
    [TOTALS_STALLS] = {2, STALLS_NUMBERS, 0, 0, false},
    [TOTALS_WORST_STALL] = {0, 0, WORST_VALUES, WORST_TEXTS, false},
    [TOTALS_GUARD_CALL] = {1, 1, 0, 0, false},
    [TOTALS_TLS] = {2, TLS_NUMBERS, 1, 0, false},
    [TOTALS_CERTIFICATE] = {3, 0, CERTIFICATE_VALUES, CERTIFICATE_TEXTS, false},
    [TOTALS_BACKEND] = {1, BACKEND_NUMBERS, BACKEND_VALUES, 0, false},
    [TOTALS_INSTANCE] = {2, INSTANCE_NUMBERS, INSTANCE_VALUES, INSTANCE_TEXTS, false},
    [TOTALS_ATTEMPTS] = {1, ATTEMPTS_NUMBERS, ATTEMPTS_VALUES, 0, false},
    [TOTALS_APP] = {1, APP_NUMBERS, APP_VALUES, 0, true},
    [TOTALS_APP_WAIT] = {1, 0, 0, 0, true},
};

_Static_assert((int)WINDOW_NUMBERS_MAX <= (int)TOTALS_NUMBERS_MAX, "a row has room for what a series has");
_Static_assert((int)BUCKETS *(int)EXEMPLAR_VALUES <= (int)TOTALS_VALUES_MAX, "and for all exemplars");
_Static_assert((int)LOOP_NUMBERS == (int)LOOP_NUMBER_STARTED, "numbers of a loop without a window follow");

/* --- writing --- */

static void byte(struct text_out *out, unsigned value)
{
    const char c = (char)value;

    text_out_bytes(out, &c, 1);
}

static void varint(struct text_out *out, uint64_t value)
{
    char bytes[VARINT_BYTES_MAX];
    size_t count = 0;

    do {
        bytes[count] = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
        count++;
    } while (value > 0);
    text_out_bytes(out, bytes, count);
}

static void text(struct text_out *out, const char *value)
{
    text_out_bytes(out, value, strnlen(value, TOTALS_TEXT_BYTES_MAX));
    byte(out, 0);
}

/* Small numbers of either sign become small ones. */
static uint64_t folded(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

void totals_meter_pack(struct text_out *out, const weir_meter *meter)
{
    unsigned before = 0, used = 0;

    for (unsigned i = 0; i < WEIR_METER_BUCKETS; i++)
        used += meter->buckets[i] > 0;
    varint(out, meter->sum_ns);
    varint(out, used);
    for (unsigned i = 0; i < WEIR_METER_BUCKETS && used > 0; i++)
        if (meter->buckets[i] > 0) {
            varint(out, i - before);
            varint(out, meter->buckets[i]);
            before = i;
            used--;
        }
}

void totals_begin(struct totals_writer *w, struct text_out *out)
{
    *w = (struct totals_writer){.out = out};
    text_out_bytes(out, magic, sizeof magic);
    text(out, weir_version());
}

void totals_add(struct totals_writer *w, const struct totals_row *row, const weir_meter *meter)
{
    static const weir_meter empty;
    const struct totals_shape *shape = &totals_shapes[row->part];

    if (w->rows == TOTALS_ROWS_MAX)
        return;
    w->rows++;
    byte(w->out, row->part);
    varint(w->out, row->common);
    for (size_t i = 0; i < shape->keys; i++)
        text(w->out, row->keys[i]);
    for (size_t i = 0; i < shape->numbers; i++)
        varint(w->out, row->numbers[i]);
    for (size_t i = 0; i < shape->values; i++)
        varint(w->out, folded(row->values[i]));
    for (size_t i = 0; i < shape->texts; i++) {
        byte(w->out, row->texts[i] != NULL);
        if (row->texts[i] != NULL)
            text(w->out, row->texts[i]);
    }
    if (shape->meter)
        totals_meter_pack(w->out, meter != NULL ? meter : &empty);
}

void totals_end(struct totals_writer *w)
{
    byte(w->out, ROW_END);
    varint(w->out, w->rows);
}

/* --- reading: what is malformed sets at beyond end, and reads as 0 from there on --- */

struct cursor {
    const unsigned char *at, *end;
    bool broken;
};

static unsigned get_byte(struct cursor *c)
{
    if (c->at == c->end) {
        c->broken = true;
        return 0;
    }
    return *c->at++;
}

static uint64_t get_varint(struct cursor *c)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 7 * VARINT_BYTES_MAX; shift += 7) {
        const unsigned b = get_byte(c);
        if (shift == 63 && b > 1)
            c->broken = true;
        value |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80)
            return value;
    }
    c->broken = true;
    return 0;
}

static const char *get_text(struct cursor *c)
{
    const char *text = (const char *)c->at;
    const size_t left = (size_t)(c->end - c->at);
    const size_t length = strnlen(text, left < TOTALS_TEXT_BYTES_MAX + 1 ? left : TOTALS_TEXT_BYTES_MAX + 1);

    if (length == left || length > TOTALS_TEXT_BYTES_MAX) {
        c->broken = true;
        c->at = c->end;
        return "";
    }
    c->at += length + 1;
    return text;
}

static void get_keys(struct cursor *c, const struct totals_shape *shape, struct totals_row *row)
{
    row->key.data = (const char *)c->at;
    for (size_t i = 0; i < shape->keys; i++)
        row->keys[i] = get_text(c);
    row->key.len = (size_t)((const char *)c->at - row->key.data);
}

/* Skips a meter, of which every bucket must be one. */
static void pass_meter(struct cursor *c)
{
    uint64_t pairs, bucket = 0;

    (void)get_varint(c);
    pairs = get_varint(c);
    for (uint64_t i = 0; i < pairs && !c->broken; i++) {
        const uint64_t step = get_varint(c);
        bucket = step < WEIR_METER_BUCKETS ? bucket + step : WEIR_METER_BUCKETS;
        c->broken = c->broken || bucket >= WEIR_METER_BUCKETS || (i > 0 && step == 0);
        (void)get_varint(c);
    }
}

/* Returns: false: there is no further row, or it is malformed. */
static bool get_row(struct cursor *c, struct totals_row *row)
{
    const unsigned part = get_byte(c);
    const struct totals_shape *shape;

    if (part >= TOTALS_PARTS) {
        c->broken = c->broken || part != ROW_END;
        return false;
    }
    shape = &totals_shapes[part];
    row->part = (enum totals_part)part;
    row->common = get_varint(c);
    get_keys(c, shape, row);
    for (size_t i = 0; i < shape->numbers; i++)
        row->numbers[i] = get_varint(c);
    for (size_t i = 0; i < shape->values; i++) {
        const uint64_t value = get_varint(c);
        row->values[i] = (int64_t)(value >> 1 ^ (0 - (value & 1)));
    }
    for (size_t i = 0; i < shape->texts; i++)
        row->texts[i] = get_byte(c) > 0 ? get_text(c) : NULL;
    row->meter = shape->meter ? c->at : NULL;
    if (shape->meter)
        pass_meter(c);
    return !c->broken;
}

/* Returns: the length of the head; 0 there is none; < 0 of another version. */
static ssize_t head_of(weir_bytes totals)
{
    struct cursor c = {(const unsigned char *)totals.data, (const unsigned char *)totals.data + totals.len,
                       false};
    const size_t same = strlen("weir totals ");

    if (totals.len < sizeof magic || memcmp(totals.data, magic, same) != 0)
        return 0;
    if (strcmp(get_text(&c), magic) != 0 || strcmp(get_text(&c), weir_version()) != 0)
        return c.broken ? 0 : -ENOTSUP;
    return (const char *)c.at - totals.data;
}

int totals_check(weir_bytes totals)
{
    const ssize_t head = head_of(totals);
    struct cursor c = {(const unsigned char *)totals.data + (head > 0 ? head : 0),
                       (const unsigned char *)totals.data + totals.len, false};
    struct totals_row row;
    size_t rows = 0;

    if (totals.len > TOTALS_BYTES_MAX)
        return -WEIR_ETOOLARGE;
    if (head <= 0)
        return head < 0 ? (int)head : -WEIR_EPROTOCOL;
    while (get_row(&c, &row))
        rows++;
    if (c.broken)
        return c.at == c.end ? -WEIR_ETRUNCATED : -WEIR_EPROTOCOL;
    if (rows > TOTALS_ROWS_MAX || get_varint(&c) != rows || c.broken || c.at != c.end)
        return -WEIR_EPROTOCOL;
    return 0;
}

size_t totals_first(weir_bytes totals)
{
    return (size_t)head_of(totals);
}

bool totals_read(weir_bytes totals, size_t at, struct totals_row *row, size_t *next)
{
    struct cursor c = {(const unsigned char *)totals.data + at,
                       (const unsigned char *)totals.data + totals.len, false};
    const bool found = get_row(&c, row);

    *next = (size_t)((const char *)c.at - totals.data);
    return found;
}

/* --- packed meters --- */

/* No end is needed: the meter has been checked. */
static uint64_t next_varint(const unsigned char **at)
{
    uint64_t value = 0;
    unsigned shift = 0;

    for (;; shift += 7) {
        const unsigned b = *(*at)++;
        value |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80)
            return value;
    }
}

void totals_meter_add(const unsigned char *packed, weir_meter *sum)
{
    const unsigned char *at = packed;
    uint64_t pairs, bucket = 0;

    if (at == NULL)
        return;
    sum->sum_ns += next_varint(&at);
    pairs = next_varint(&at);
    for (; pairs > 0; pairs--) {
        bucket += next_varint(&at);
        sum->buckets[bucket] += next_varint(&at);
    }
}

uint64_t totals_meter_count(const unsigned char *packed)
{
    const unsigned char *at = packed;
    uint64_t pairs, count = 0;

    if (at == NULL)
        return 0;
    (void)next_varint(&at);
    pairs = next_varint(&at);
    for (; pairs > 0; pairs--) {
        (void)next_varint(&at);
        count += next_varint(&at);
    }
    return count;
}
