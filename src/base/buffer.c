/* SPDX-License-Identifier: MIT */
#include <weir/buffer.h>

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 240 /* with the NUL and malloc's own header a round number */

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

/* Eight bytes at once. The top bit of each byte of a sum says whether its low seven bits reach a letter. */
static uint64_t lower_8(uint64_t bytes)
{
    const uint64_t each = UINT64_C(0x0101010101010101), low = bytes & 0x7f * each;
    const uint64_t from_a = low + (0x80 - 'A') * each, beyond_z = low + (0x7f - 'Z') * each;

    return bytes | (((from_a ^ beyond_z) & ~bytes & 0x80 * each) >> 2);
}

static bool differ_8(const char *a, const char *b)
{
    uint64_t left, right;

    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return left != right && lower_8(left) != lower_8(right);
}

static bool differ(char a, char b)
{
    return a != b && lower((unsigned char)a) != lower((unsigned char)b); /* most are the same */
}

bool weir_bytes_equal_nocase(weir_bytes a, weir_bytes b)
{
    size_t i = 0;

    if (a.len != b.len)
        return false;
    for (; a.len - i >= 8; i += 8)
        if (differ_8(a.data + i, b.data + i))
            return false;
    if (i > 0)
        return !differ_8(a.data + a.len - 8, b.data + a.len - 8);
    while (i < a.len && !differ(a.data[i], b.data[i]))
        i++;
    return i == a.len;
}

void weir_buffer_init(weir_buffer *b, size_t max_bytes)
{
    b->data = (char *)""; /* never written to: cap is 0 */
    b->len = 0;
    b->cap = 0;
    b->max = max_bytes < SIZE_MAX ? max_bytes : SIZE_MAX - 1;
}

void weir_buffer_free(weir_buffer *b)
{
    if (b->cap > 0)
        free(b->data);
    weir_buffer_init(b, b->max);
}

static void set_len(weir_buffer *b, size_t len)
{
    b->len = len;
    if (b->cap > 0)
        b->data[len] = '\0';
}

/* Doubling, so that n single bytes cost O(n). */
static size_t grown_cap(const weir_buffer *b, size_t need)
{
    size_t cap = b->cap > 0 ? b->cap : FIRST_CAP;

    while (cap < need)
        cap = cap > b->max / 2 ? b->max : 2 * cap;
    return cap < b->max ? cap : b->max;
}

static int make_room(weir_buffer *b, size_t n)
{
    size_t cap;
    char *data;
    size_t need;

    if (n > b->max - b->len)
        return -WEIR_ETOOLARGE;
    need = b->len + n;
    if (need <= b->cap)
        return 0;
    cap = grown_cap(b, need);
    data = (char *)realloc(b->cap > 0 ? b->data : NULL, cap + 1);
    if (data == NULL)
        return -ENOMEM;
    b->data = data;
    b->cap = cap;
    set_len(b, b->len);
    return 0;
}

int weir_buffer_append(weir_buffer *b, const void *p, size_t n)
{
    int r;

    if (n == 0)
        return 0;
    r = make_room(b, n);
    if (r < 0)
        return r;
    memcpy(b->data + b->len, p, n);
    set_len(b, b->len + n);
    return 0;
}

int weir_buffer_append_text(weir_buffer *b, const char *text)
{
    return weir_buffer_append(b, text, strlen(text));
}

int weir_buffer_append_byte(weir_buffer *b, char c)
{
    return weir_buffer_append(b, &c, 1);
}

int weir_buffer_printf(weir_buffer *b, const char *format, ...)
{
    va_list args;
    int r;

    va_start(args, format);
    r = weir_buffer_vprintf(b, format, args);
    va_end(args);
    return r;
}

int weir_buffer_vprintf(weir_buffer *b, const char *format, va_list args)
{
    va_list again;
    size_t room = b->cap - b->len;
    int r;
    int n;

    va_copy(again, args);
    n = vsnprintf(room > 0 ? b->data + b->len : NULL, room > 0 ? room + 1 : 0, format, again);
    va_end(again);
    r = n < 0 ? -EINVAL : make_room(b, (size_t)n);
    if (r == 0 && (size_t)n > room)
        vsnprintf(b->data + b->len, (size_t)n + 1, format, args);
    set_len(b, r == 0 ? b->len + (size_t)n : b->len);
    return r;
}

char *weir_buffer_reserve(weir_buffer *b, size_t n)
{
    return make_room(b, n) < 0 ? NULL : b->data + b->len;
}

void weir_buffer_commit(weir_buffer *b, size_t n)
{
    assert(n <= b->cap - b->len && "weir_buffer_commit() of more than weir_buffer_reserve() was asked for");
    set_len(b, b->len + n);
}

void weir_buffer_consume(weir_buffer *b, size_t n)
{
    if (n >= b->len) {
        set_len(b, 0);
        return;
    }
    memmove(b->data, b->data + n, b->len - n);
    set_len(b, b->len - n);
}

void weir_buffer_truncate(weir_buffer *b, size_t len)
{
    if (len < b->len)
        set_len(b, len);
}

void weir_buffer_clear(weir_buffer *b)
{
    set_len(b, 0);
}
