/* SPDX-License-Identifier: MIT */
#include "http/message/framing.h"

#include <string.h>

#include "http/message/chars.h"
#include "http/message/headers.h"

/* Compares a name that is as long as the literal. Setting the case bit maps no tchar but letters to a letter.
 */
#define IS(name, literal) (same_letters((name).data, (literal), sizeof(literal) - 1))

/* What differs in len bytes at `at`, len being 4 or 8. */
static inline uint64_t difference(const char *name, const char *lower, size_t at, size_t len)
{
    const uint64_t small = UINT64_MAX / 255 * 0x20;
    uint64_t a = 0, b = 0;

    memcpy(&a, name + at, len);
    memcpy(&b, lower + at, len);
    return (a | (len == 8 ? small : small & UINT32_MAX)) ^ b;
}

/* len: a constant, at least 4, so that this becomes two or three comparisons, of words that overlap. */
static inline __attribute__((always_inline)) bool same_letters(const char *name, const char *lower,
                                                               size_t len)
{
    const size_t word = len < 8 ? 4 : 8;
    uint64_t differs = difference(name, lower, len - word, word);

    for (size_t at = 0; at + word < len; at += word)
        differs |= difference(name, lower, at, word);
    return differs == 0;
}

static const char *add_host(struct weir__http_facts *facts, weir_bytes value)
{
    if (facts->host.data != NULL)
        return "more than one Host; there must be exactly one";
    if (!weir__http_is_host(value))
        return "Host is not a name or address with perhaps a port";
    facts->host = value;
    return NULL;
}

static const char *add_content_length(struct weir__http_facts *facts, weir_bytes value)
{
    int64_t bytes = 0;

    if (facts->content_length >= 0)
        return "more than one Content-Length; there may be one, even if they are equal";
    if (value.len == 0)
        return "Content-Length is empty; it is a decimal number";
    for (size_t i = 0; i < value.len; i++) {
        if (!weir__http_char_is(value.data[i], WEIR__HTTP_DIGIT))
            return "Content-Length is not a decimal number: digits alone, no sign, space or list";
        if (__builtin_mul_overflow(bytes, 10, &bytes) ||
            __builtin_add_overflow(bytes, value.data[i] - '0', &bytes))
            return "Content-Length is beyond 63 bits";
    }
    facts->content_length = bytes;
    return NULL;
}

/* Adds one coding of the list. Codings are applied in order, so chunked must come last and once. */
static const char *add_coding(struct weir__http_facts *facts, weir_bytes coding)
{
    size_t len = 0;
    weir_bytes name;
    bool chunked, bare;

    while (len < coding.len && weir__http_char_is(coding.data[len], WEIR__HTTP_TCHAR))
        len++;
    if (len == 0)
        return "Transfer-Encoding is not a list of codings";
    name = (weir_bytes){coding.data, len};
    chunked = len == 7 && IS(name, "chunked");
    bare = len == coding.len;
    if (!bare &&
        (chunked || !(coding.data[len] == ';' || coding.data[len] == ' ' || coding.data[len] == '\t')))
        return "Transfer-Encoding is not a list of codings; chunked has no parameters";
    if (facts->chunked_last)
        return "Transfer-Encoding goes on after chunked; chunked must be the last coding, once";
    facts->chunked_last = chunked;
    facts->coded_unknown = facts->coded_unknown || !chunked;
    return NULL;
}

static const char *add_transfer_encoding(struct weir__http_facts *facts, weir_bytes value)
{
    bool expected = true;
    weir_bytes rest, coding;

    facts->coded = true;
    if (value.len == 7 && !facts->coded_unknown && !facts->chunked_last && IS(value, "chunked")) {
        facts->chunked_last = true;
        return NULL;
    }
    /* weir_list_next() skips empty elements; other readers may not, so they are refused. */
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == ',' && expected)
            break;
        if (value.data[i] == ',')
            expected = true;
        else if (value.data[i] != ' ' && value.data[i] != '\t')
            expected = false;
    }
    if (expected)
        return "Transfer-Encoding is empty or has an empty element; chunked was expected";
    rest = value;
    while (weir_list_next(&rest, ',', &coding)) {
        const char *wrong = add_coding(facts, coding);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static void add_connection(struct weir__http_facts *facts, weir_bytes value)
{
    weir_bytes rest = value, option;

    while (weir_list_next(&rest, ',', &option)) {
        if (option.len == 5 && IS(option, "close"))
            facts->close = true;
        else if (option.len == 10 && IS(option, "keep-alive"))
            facts->keep_alive = true;
    }
}

static void add_expect(struct weir__http_facts *facts, weir_bytes value)
{
    weir_bytes rest = value, expected;

    while (weir_list_next(&rest, ',', &expected))
        if (expected.len == 12 && IS(expected, "100-continue"))
            facts->expect_continue = true;
}

const char *weir__http_facts_add(struct weir__http_facts *facts, weir_bytes name, weir_bytes value)
{
    switch (name.len) {
    case 4:
        if (IS(name, "host"))
            return add_host(facts, value);
        break;
    case 6:
        if (IS(name, "expect"))
            add_expect(facts, value);
        break;
    case 7:
        if (IS(name, "upgrade"))
            facts->upgrade = true;
        break;
    case 10:
        if (IS(name, "connection"))
            add_connection(facts, value);
        break;
    case 14:
        if (IS(name, "content-length"))
            return add_content_length(facts, value);
        break;
    case 17:
        if (IS(name, "transfer-encoding"))
            return add_transfer_encoding(facts, value);
        break;
    default:
        break;
    }
    return NULL;
}

int weir__http_facts_check(const struct weir__http_facts *facts, int minor, const char **wrong)
{
    if (!facts->coded)
        return 0;
    if (facts->content_length >= 0)
        *wrong = "Transfer-Encoding beside Content-Length; only one may say where the body ends";
    else if (minor == 0)
        *wrong = "Transfer-Encoding in HTTP/1.0, which does not know it";
    else if (!facts->chunked_last)
        *wrong = "the last transfer coding is not chunked, so the end of the body can't be known";
    else if (facts->coded_unknown) {
        *wrong = "a transfer coding that is not known; chunked alone is";
        return 501;
    } else {
        return 0;
    }
    return 400;
}
