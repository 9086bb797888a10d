/* SPDX-License-Identifier: MIT */
#include "base/sentences.h"

#include <stdio.h>

const char *weir__sentence_keep_args(struct weir__sentences *s, const char *format, va_list args)
{
    char text[WEIR__SENTENCE_BYTES];
    const char *kept;

    (void)vsnprintf(text, sizeof text, format, args);
    (void)pthread_mutex_lock(&s->lock);
    kept = weir__intern_find(&s->texts, text);
    if (kept == NULL && s->texts.count < WEIR__SENTENCES_MAX)
        kept = weir__intern_keep(&s->texts, text);
    (void)pthread_mutex_unlock(&s->lock);
    return kept;
}

const char *weir__sentence_keep(struct weir__sentences *s, const char *format, ...)
{
    const char *kept;
    va_list args;

    va_start(args, format);
    kept = weir__sentence_keep_args(s, format, args);
    va_end(args);
    return kept;
}
