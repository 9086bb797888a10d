/* SPDX-License-Identifier: MIT */
/* Sentences about failures, whose readers may keep the pointer: each is kept once, as long as the store.
 *
 * Threading: any thread. A lock is held for moments.
 */
#ifndef WEIR__BASE_SENTENCES_H
#define WEIR__BASE_SENTENCES_H

#include <pthread.h>
#include <stdarg.h>

#include "base/intern.h"

enum { WEIR__SENTENCES_MAX = 1024, WEIR__SENTENCE_BYTES = 256 /* with the NUL; a longer one is cut */ };

struct weir__sentences {
    pthread_mutex_t lock;
    struct weir__intern texts;
};

static inline void weir__sentences_init(struct weir__sentences *s)
{
    *s = (struct weir__sentences){0};
    (void)pthread_mutex_init(&s->lock, NULL);
}

static inline void weir__sentences_free(struct weir__sentences *s)
{
    weir__intern_free(&s->texts);
    (void)pthread_mutex_destroy(&s->lock);
}

/* Keeps a sentence. Returns: NULL: no memory, or WEIR__SENTENCES_MAX others are kept: the peers that provoke
 * sentences must not fill the memory. Then the caller has a shorter one. */
const char *weir__sentence_keep(struct weir__sentences *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *weir__sentence_keep_args(struct weir__sentences *s, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

#endif
