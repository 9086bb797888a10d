/* SPDX-License-Identifier: MIT */
/* traceparent and tracestate, as bytes: no loop, no allocation. */
#include "http/message/trace.h"

#include <errno.h>
#include <string.h>

enum { VERSION_AT = 0, ID_AT = 3, SPAN_AT = 36, FLAGS_AT = 53, WHOLE = 55, KNOWN_FLAGS = 3 };

/* Reads hex digits, lower case alone. False: something else stands there. */
static bool read_hex(const char *text, size_t digits, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = text[i];
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

int weir_trace_parse(weir_bytes text, weir_trace *out)
{
    uint64_t version, high, low, span, flags;
    const char *t = text.data;

    if (text.len < WHOLE || t[ID_AT - 1] != '-' || t[SPAN_AT - 1] != '-' || t[FLAGS_AT - 1] != '-')
        return -EINVAL;
    if (!read_hex(t + VERSION_AT, 2, &version) || !read_hex(t + ID_AT, 16, &high) ||
        !read_hex(t + ID_AT + 16, 16, &low) || !read_hex(t + SPAN_AT, 16, &span) ||
        !read_hex(t + FLAGS_AT, 2, &flags))
        return -EINVAL;
    if (version == 0xff || (high == 0 && low == 0) || span == 0)
        return -EINVAL;
    if (text.len > WHOLE && (version == 0 || t[WHOLE] != '-'))
        return -EINVAL;
    *out = (weir_trace){
        .id_high = high,
        .id_low = low,
        .span = span,
        .flags = (unsigned)flags & (version == 0 ? KNOWN_FLAGS : WEIR_TRACE_SAMPLED),
    };
    return 0;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first digit is in the lowest byte");

/* Writes eight digits at once, the highest first, by spreading each half-byte to a byte of its own. */
static void write_hex_8(char *out, uint32_t value)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), halves = ones * 0x0f & UINT64_C(0x00ff00ff00ff00ff);
    uint64_t v = __builtin_bswap32(value);

    v = (v | v << 16) & UINT64_C(0x0000ffff0000ffff);
    v = (v | v << 8) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v >> 4 & halves) | (v & halves) << 8;
    v += ones * '0' + ((v + ones * 6) >> 4 & ones) * ('a' - '0' - 10);
    memcpy(out, &v, sizeof v);
}

static void write_hex_16(char *out, uint64_t value)
{
    write_hex_8(out, (uint32_t)(value >> 32));
    write_hex_8(out + 8, (uint32_t)value);
}

static void write_hex_2(char *out, unsigned value)
{
    char digits[8];

    write_hex_8(digits, value);
    memcpy(out, digits + 6, 2);
}

char *weir_trace_format_id(const weir_trace *trace, char out[WEIR_TRACE_ID_BYTES])
{
    write_hex_16(out, trace->id_high);
    write_hex_16(out + 16, trace->id_low);
    out[32] = '\0';
    return out;
}

char *weir_trace_format(const weir_trace *trace, uint64_t span, char out[WEIR_TRACE_PARENT_BYTES])
{
    memcpy(out, "00-", ID_AT);
    write_hex_16(out + ID_AT, trace->id_high);
    write_hex_16(out + ID_AT + 16, trace->id_low);
    out[SPAN_AT - 1] = out[FLAGS_AT - 1] = '-';
    write_hex_16(out + SPAN_AT, span);
    write_hex_2(out + FLAGS_AT, trace->flags);
    out[WHOLE] = '\0';
    return out;
}

size_t weir__trace_state_cut(const char *text, size_t len)
{
    if (len <= WEIR_TRACE_STATE_MAX)
        return len;
    len = WEIR_TRACE_STATE_MAX;
    while (len > 0 && text[len] != ',')
        len--;
    return len;
}
