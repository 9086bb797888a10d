/* SPDX-License-Identifier: MIT */
/* A table of names that were found, since the same addresses are asked for again and again. */
#include "symbols/symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/guard_exempt.h"
#include "symbols/symbols_inside.h"

enum { KNOWN_MAX = 8192, INLINED_MAX = 16 };

/* --- the table --- */

struct weir__known {
    uintptr_t address;
    size_t count;
    weir_frame frames[];
};

static void forget(struct weir__symbols *s)
{
    for (size_t i = 0; i < KNOWN_MAX; i++) {
        free(s->known[i]);
        s->known[i] = NULL;
    }
    s->known_count = 0;
}

static struct weir__known *look_up(struct weir__symbols *s, uintptr_t address)
{
    size_t at = (address * UINT64_C(0x9e3779b97f4a7c15)) >> 51; /* KNOWN_MAX is 2^13 */
    weir_frame frames[INLINED_MAX];
    size_t count;

    for (; s->known[at] != NULL; at = (at + 1) % KNOWN_MAX)
        if (s->known[at]->address == address)
            return s->known[at];
    count = weir__symbols_find(s, address, frames, INLINED_MAX);
    s->known[at] = malloc(sizeof **s->known + count * sizeof *frames);
    if (s->known[at] == NULL)
        return NULL;
    s->known[at]->address = address;
    s->known[at]->count = count;
    memcpy(s->known[at]->frames, frames, count * sizeof *frames);
    s->known_count++;
    return s->known[at];
}

/* --- asking --- */

size_t weir__symbols_name(struct weir__symbols *s, uintptr_t address, bool is_return, weir_frame *out,
                          size_t room)
{
    const struct weir__known *known;
    size_t n = 0;

    weir__guard_exempt_begin(); /* it reads files */
    pthread_mutex_lock(&s->lock);
    if (2 * s->known_count > KNOWN_MAX)
        forget(s);
    known = look_up(s, is_return ? address - 1 : address);
    for (; known != NULL && n < known->count && n < room; n++) {
        out[n] = known->frames[n];
        out[n].address = address;
    }
    pthread_mutex_unlock(&s->lock);
    weir__guard_exempt_end();
    if (n == 0 && room > 0)
        out[n++] = (weir_frame){.function = "?", .address = address};
    return n;
}

bool weir__symbols_is_system(struct weir__symbols *s, uintptr_t address)
{
    bool system;

    pthread_mutex_lock(&s->lock);
    system = weir__symbols_module_is_system(weir__symbols_module(s, address));
    pthread_mutex_unlock(&s->lock);
    return system;
}

/* --- opening and closing --- */

int weir__symbols_open(struct weir__symbols **out)
{
    struct weir__symbols *s = calloc(1, sizeof *s);

    *out = s;
    if (s == NULL)
        return -ENOMEM;
    s->known = calloc(KNOWN_MAX, sizeof(struct weir__known *));
    if (s->known == NULL || weir__peek_open(&s->peek) < 0) {
        free(s->known);
        free(s);
        *out = NULL;
        return -ENOMEM;
    }
    atomic_init(&s->users, 1);
    pthread_mutex_init(&s->lock, NULL);
    return 0;
}

struct weir__symbols *weir__symbols_share(struct weir__symbols *s)
{
    atomic_fetch_add(&s->users, 1);
    return s;
}

void weir__symbols_close(struct weir__symbols *s)
{
    if (s == NULL || atomic_fetch_sub(&s->users, 1) > 1)
        return;
    forget(s);
    weir__intern_free(&s->texts);
    free(s->known);
    if (s->dwfl != NULL)
        dwfl_end(s->dwfl);
    weir__peek_close(&s->peek);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
