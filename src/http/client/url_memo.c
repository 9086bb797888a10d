/* SPDX-License-Identifier: MIT */
#include "http/client/url_memo.h"

#include <stdint.h>
#include <string.h>

#include "http/message/url.h"

/* The place of a text. Callers mostly keep the texts of their origins, so that its address tells them apart;
 * whether it is the same text is decided by its bytes. */
static struct weir__url_memo *place_of(struct weir__url_memo *memos, const char *text)
{
    uintptr_t address = (uintptr_t)text;

    return &memos[(address >> 4 ^ address >> 8) % WEIR__URL_MEMOS];
}

const char *weir__url_memo_read(struct weir__url_memo *memos, const char *text, weir_url *out)
{
    struct weir__url_memo *memo = place_of(memos, text);
    const char *wrong;
    size_t length, at;

    if (memo->text[0] != '\0' && strcmp(memo->text, text) == 0) {
        *out = memo->url;
        return NULL;
    }
    length = strlen(text);
    if (length >= sizeof memo->text)
        return weir__url_read((weir_bytes){text, length}, out, &at);
    memcpy(memo->text, text, length + 1);
    wrong = weir__url_read((weir_bytes){memo->text, length}, &memo->url, &at);
    if (wrong != NULL)
        memo->text[0] = '\0';
    else
        *out = memo->url;
    return wrong;
}
