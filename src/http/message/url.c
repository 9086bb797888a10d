/* SPDX-License-Identifier: MIT */
#include "http/message/url.h"

#include <string.h>

#include "base/text_fault.h"
#include "http/message/chars.h"
#include "http/message/percent.h"
#include "http/message/target.h"

/* What is wrong is a sentence that ends with what was expected. */
#define SENTENCE "the URL is not valid: expected "
#define EXPECTED(text) (SENTENCE text)

static int fault_of(weir_text_fault *fault, size_t at, const char *sentence)
{
    return weir__text_fault(fault, at, sentence + sizeof SENTENCE - 1);
}

/* --- the target --- */

/* Returns: the offset of the first byte that can't stand there; text.len: there is none. */
static size_t wrong_byte(weir_bytes text, const char **wrong)
{
    int common = WEIR__HTTP_TARGET;

    for (size_t i = 0; i < text.len; i++)
        common &= weir__http_chars[(unsigned char)text.data[i]];
    if (common != 0 && (text.len == 0 || memchr(text.data, '%', text.len) == NULL)) /* nearly always */
        return text.len;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!weir__http_char_is(c, WEIR__HTTP_TARGET)) {
            *wrong = c == '#' ? EXPECTED("no fragment, '#'") : EXPECTED("other characters written as '%XX'");
            return i;
        }
        if (c == '%' && weir__percent_byte(text, i) < 0) {
            *wrong = EXPECTED("two hexadecimal digits after '%'");
            return i;
        }
    }
    return text.len;
}

int weir_url_check_target(weir_bytes target, weir_text_fault *fault)
{
    const char *wrong = NULL;
    size_t at = wrong_byte(target, &wrong);

    return wrong == NULL ? 0 : fault_of(fault, at, wrong);
}

/* --- the authority --- */

/* Returns: what is wrong; NULL: nothing. */
static const char *read_authority(weir_url *out)
{
    static const char wrong[] = SENTENCE "a host and perhaps a port from 1 to 65535 after ://";
    weir_bytes text = out->authority;
    bool bracketed = text.len > 0 && text.data[0] == '[';
    const char *end = text.len > 0 ? memchr(text.data, bracketed ? ']' : ':', text.len) : NULL;
    size_t length = end != NULL ? (size_t)(end - text.data) : text.len;

    if (text.len > 0 && memchr(text.data, '@', text.len) != NULL)
        return EXPECTED("no user name before the host");
    if (bracketed && end == NULL)
        return wrong;
    out->host = (weir_bytes){text.data + bracketed, length - bracketed};
    out->host_type = weir_host_type_of(out->host);
    if (out->host_type == WEIR_HOST_INVALID || bracketed != (out->host_type == WEIR_HOST_IPV6))
        return wrong;
    length += bracketed;
    out->port = out->tls ? 443 : 80;
    if (length == text.len)
        return NULL;
    if (text.data[length] != ':' ||
        weir_port_parse((weir_bytes){text.data + length + 1, text.len - length - 1}, &out->port) < 0 ||
        out->port == 0)
        return wrong;
    return NULL;
}

/* --- the whole --- */

static size_t authority_length(const char *text, size_t left)
{
    size_t n = 0;

    while (n < left && text[n] != '/' && text[n] != '?' && text[n] != '#')
        n++;
    return n;
}

static void split_target(weir_url *out)
{
    const char *mark = memchr(out->target.data, '?', out->target.len);

    out->path = out->target;
    out->query = (weir_bytes){NULL, 0};
    if (mark == NULL)
        return;
    out->path.len = (size_t)(mark - out->target.data);
    out->query = (weir_bytes){mark + 1, out->target.len - out->path.len - 1};
}

const char *weir__url_read(weir_bytes url, weir_url *out, size_t *at)
{
    size_t scheme = weir__http_scheme_length(url, &out->tls);
    const char *wrong = NULL;

    *at = 0;
    if (scheme == 0)
        return EXPECTED("http://HOST[:PORT]/PATH");
    out->authority = (weir_bytes){url.data + scheme, authority_length(url.data + scheme, url.len - scheme)};
    out->origin = (weir_bytes){url.data, scheme + out->authority.len};
    out->target = (weir_bytes){url.data + out->origin.len, url.len - out->origin.len};
    *at = scheme;
    wrong = read_authority(out);
    if (wrong != NULL)
        return wrong;
    *at = out->origin.len + wrong_byte(out->target, &wrong);
    if (wrong != NULL)
        return wrong;
    if (out->target.len == 0)
        out->target = (weir_bytes){"/", 1};
    *at = out->origin.len;
    if (out->target.data[0] != '/')
        return EXPECTED("a path before the query, /?QUERY");
    split_target(out);
    return NULL;
}

int weir_url_parse(weir_bytes url, weir_url *out, weir_text_fault *fault)
{
    size_t at;
    const char *wrong = weir__url_read(url, out, &at);

    return wrong == NULL ? 0 : fault_of(fault, at, wrong);
}
