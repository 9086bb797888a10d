/* SPDX-License-Identifier: MIT */
#include "http/message/scan.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A block of 16 positions looks at 19 bytes: the last position may be the start of CR LF CR LF. */
enum { BLOCK = 16, AHEAD = 3, SEEN = BLOCK + AHEAD };

typedef uint8_t lanes __attribute__((vector_size(BLOCK)));

struct found {
    size_t end; /* position of CR LF CR LF, or NONE */
    size_t bad; /* position of the first fault, or NONE */
};

static const size_t NONE = SIZE_MAX;

/* Whether the byte c, followed by n, can't stand in a head. An LF is checked with the byte before it. */
static bool pair_is_bad(unsigned char c, unsigned char n)
{
    if ((c == '\r') != (n == '\n'))
        return true;
    if (c == '\n')
        return n == ' ' || n == '\t';
    return (c < 0x20 && c != '\t' && c != '\r') || c == 0x7f;
}

static bool ends_at(const char *p)
{
    return p[0] == '\r' && p[1] == '\n' && p[2] == '\r' && p[3] == '\n';
}

static inline lanes load(const char *p)
{
    lanes v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* The first lane that is set, or NONE. */
static inline size_t first_lane(lanes v)
{
    uint64_t half[2];

    memcpy(half, &v, sizeof half);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (half[0] != 0)
        return (size_t)__builtin_ctzll(half[0]) / 8;
    if (half[1] != 0)
        return 8 + (size_t)__builtin_ctzll(half[1]) / 8;
#else
    if (half[0] != 0)
        return (size_t)__builtin_clzll(half[0]) / 8;
    if (half[1] != 0)
        return 8 + (size_t)__builtin_clzll(half[1]) / 8;
#endif
    return NONE;
}

static inline struct found look_at_block(const char *p)
{
    lanes c = load(p), n = load(p + 1);
    lanes is_cr = (lanes)(c == '\r'), is_lf = (lanes)(c == '\n'), then_lf = (lanes)(n == '\n');
    lanes control = (lanes)(c < 0x20) & (lanes)(c != '\t') & ~is_cr & ~is_lf;
    lanes folded = is_lf & ((lanes)(n == ' ') | (lanes)(n == '\t'));
    lanes bad = (is_cr ^ then_lf) | control | (lanes)(c == 0x7f) | folded;
    lanes end = is_cr & then_lf & (lanes)(load(p + 2) == '\r') & (lanes)(load(p + 3) == '\n');

    if (first_lane(end | bad) == NONE) /* nearly always */
        return (struct found){NONE, NONE};
    return (struct found){first_lane(end), first_lane(bad)};
}

/* Searches a short remainder byte by byte: every pair from `from` on, and every end that is there whole. */
static struct found look_at_tail(const char *data, size_t from, size_t len)
{
    for (size_t i = from; i + 1 < len; i++) {
        if (i + AHEAD < len && ends_at(data + i))
            return (struct found){i, NONE};
        if (pair_is_bad((unsigned char)data[i], (unsigned char)data[i + 1]))
            return (struct found){NONE, i};
    }
    return (struct found){NONE, NONE};
}

static struct found look(const char *data, size_t from, size_t len)
{
    size_t i = from;

    while (len - i >= SEEN) {
        struct found f = look_at_block(data + i);
        if (f.end != NONE || f.bad != NONE) {
            f.end = f.end == NONE ? NONE : i + f.end;
            f.bad = f.bad == NONE ? NONE : i + f.bad;
            return f;
        }
        i += BLOCK;
    }
    /* What is left is shorter than a block. A block that overlaps the last one is cheaper than bytes one by
     * one. */
    if (len >= SEEN && len - i > AHEAD) {
        size_t last = len - SEEN;
        struct found f = look_at_block(data + last);
        if (f.end != NONE || f.bad != NONE) {
            f.end = f.end == NONE ? NONE : last + f.end;
            f.bad = f.bad == NONE ? NONE : last + f.bad;
            return f;
        }
        i = len - AHEAD;
    }
    return look_at_tail(data, i, len);
}

static const char *what_is_wrong(unsigned char c, unsigned char n)
{
    if (c == '\0')
        return "a NUL byte in the head; it holds text alone";
    if (c == '\r')
        return "a bare CR in the head; lines end in CR LF";
    if (n == '\n' && c != '\r')
        return "a bare LF in the head; lines end in CR LF";
    if (c == '\n')
        return "a line that starts with a space: folded lines are not allowed, nor spaces before a name";
    return "a control character in the head; it holds text alone";
}

int weir__http_scan_head(const char *data, size_t len, struct weir__http_scan *scan, const char **wrong)
{
    struct found f;

    assert(len <= INT_MAX && scan->at <= len);
    if (len == 0)
        return 0;
    if (data[0] == '\n') {
        *wrong = what_is_wrong('x', '\n');
        return -WEIR_EPROTOCOL;
    }
    f = look(data, scan->at, len);
    if (f.bad < f.end) {
        *wrong = what_is_wrong((unsigned char)data[f.bad], (unsigned char)data[f.bad + 1]);
        return -WEIR_EPROTOCOL;
    }
    if (f.end != NONE)
        return (int)(f.end + 4);
    scan->at = len > AHEAD ? len - AHEAD : 0;
    return 0;
}
