/* SPDX-License-Identifier: MIT */
/* URLs that were parsed: requests with a target of their own (weir_fetch_options.target) mostly name one of a
 * few origins again and again.
 *
 * Threading: as state.h.
 */
#ifndef WEIR__HTTP_CLIENT_URL_MEMO_H
#define WEIR__HTTP_CLIENT_URL_MEMO_H

#include <weir/url.h>

enum {
    WEIR__URL_MEMOS = 8, /* a power of two */
    WEIR__URL_MEMO_BYTES = 64,
};

struct weir__url_memo {
    char text[WEIR__URL_MEMO_BYTES]; /* of a valid URL; empty: none */
    weir_url url;                    /* its parts lie in text */
};

/* memos: WEIR__URL_MEMOS of them. As weir__url_read(), but the parts of *out may lie in memos: they are valid
 * until the next call. A text that is longer than a memo is parsed each time. */
const char *weir__url_memo_read(struct weir__url_memo *memos, const char *text, weir_url *out);

#endif
