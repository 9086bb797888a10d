/* SPDX-License-Identifier: MIT */
#include "text/hidden.h"

#include <stdbool.h>
#include <string.h>

struct writer {
    char *out;
    size_t used;
};

static void put(struct writer *w, const char *text, size_t n)
{
    const size_t left = HIDDEN_TARGET_BYTES - 1 - w->used;

    n = n < left ? n : left;
    memcpy(w->out + w->used, text, n);
    w->used += n;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes one character of an encoded name, in lower case. */
static char take(const char **at, const char *end)
{
    const char *p = *at;
    char c = *p++;

    if (c == '%' && end - p >= 2 && hex(p[0]) >= 0 && hex(p[1]) >= 0) {
        c = (char)(hex(p[0]) << 4 | hex(p[1]));
        p += 2;
    } else if (c == '+') {
        c = ' ';
    }
    *at = p;
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Also of an entry, "token[]" or "token[a]": servers read it as a part of the parameter. */
static bool is_name(const char *at, const char *end, const char *name)
{
    while (at < end && *name != '\0')
        if (take(&at, end) != *name++)
            return false;
    return *name == '\0' && (at == end || take(&at, end) == '[');
}

static bool is_hidden(const char *const *names, const char *at, const char *end)
{
    for (; *names != NULL; names++)
        if (is_name(at, end, *names))
            return true;
    return false;
}

const char *hidden_target(const char *const *names, const char *target, char out[HIDDEN_TARGET_BYTES])
{
    const char *at = names != NULL ? strpbrk(target, "?;") : NULL;
    const char *query = names != NULL ? strchr(target, '?') : NULL;
    struct writer w = {.out = out};
    bool any = false;

    if (at == NULL)
        return target;
    put(&w, target, (size_t)(at - target));
    while (*at != '\0') { /* at the separator before a parameter */
        const char *end = at + 1 + strcspn(at + 1, "=&;?");
        bool hides = *end == '=' && is_hidden(names, at + 1, end);
        put(&w, at, (size_t)(end - at) + (hides ? 1 : 0));
        at = end;
        if (hides) {
            put(&w, "***", 3);
            at += strcspn(at, query != NULL && at < query ? "?" : "&");
            any = true;
        } else if (*end == '=') {
            at += strcspn(at, "&;?");
            put(&w, end, (size_t)(at - end));
        }
    }
    out[w.used] = '\0';
    return any ? out : target;
}
