/* SPDX-License-Identifier: MIT */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/text_fault.h"

enum {
    NAME_CHARS_MAX = 253,
    LABEL_CHARS_MAX = 63,
    PORT_DIGITS_MAX = 5,
    UNIX_PATH_BYTES = sizeof((struct sockaddr_un *)0)->sun_path, /* with its NUL */
};

_Static_assert(UNIX_PATH_BYTES == 108, "a fault names this number");

/* What is wrong is a sentence that ends with what was expected. */
#define SENTENCE "the address is not valid: expected "
#define EXPECTED(text) (SENTENCE text)

static const char any_address[] = SENTENCE "HOST:PORT, [IPV6]:PORT or unix:PATH";

/* --- hosts --- */

enum { LABEL = 1, DIGIT = 2 };

/* Characters of a label. A URL is read for every request, so this is a table. */
static const uint8_t classes[256] = {
    ['-'] = LABEL, ['0' ... '9'] = LABEL | DIGIT, ['A' ... 'Z'] = LABEL, ['_'] = LABEL, ['a' ... 'z'] = LABEL,
};

static int class_of(char c)
{
    return classes[(unsigned char)c];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_ipv6(weir_bytes host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (host.len >= sizeof text || memchr(host.data, '\0', host.len) != NULL)
        return false;
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* Reads a number of at most 255 without leading zeros. Returns: its length; 0: there is none. */
static size_t octet_length(const char *text, size_t left)
{
    unsigned value = 0;
    size_t n = 0;

    while (n < left && n < 3 && is_digit(text[n]))
        value = value * 10 + (unsigned)(text[n++] - '0');
    return value > 255 || (n > 1 && text[0] == '0') ? 0 : n;
}

static bool is_ipv4(weir_bytes host)
{
    size_t at = 0;

    for (int i = 0; i < 4; i++) {
        size_t n = octet_length(host.data + at, host.len - at);
        at += n;
        if (n == 0 || (i < 3 && (at == host.len || host.data[at++] != '.')))
            return false;
    }
    return at == host.len;
}

enum weir_host_type weir_host_type_of(weir_bytes host)
{
    size_t i = 0;

    if (host.len == 0 || weir_host_without_dot(host).len > NAME_CHARS_MAX)
        return WEIR_HOST_INVALID;
    for (;;) {
        const size_t label = i;
        int common = LABEL | DIGIT;
        while (i < host.len && class_of(host.data[i]) != 0)
            common &= class_of(host.data[i++]);
        if (i < host.len && host.data[i] == ':')
            return is_ipv6(host) ? WEIR_HOST_IPV6 : WEIR_HOST_INVALID;
        if (i == label || i - label > LABEL_CHARS_MAX || host.data[label] == '-' || host.data[i - 1] == '-')
            return WEIR_HOST_INVALID;
        if (i == host.len && (common & DIGIT) == 0)
            return WEIR_HOST_NAME;
        if (i == host.len)
            return is_ipv4(host) ? WEIR_HOST_IPV4 : WEIR_HOST_INVALID;
        if (host.data[i++] != '.')
            return WEIR_HOST_INVALID;
        if (i == host.len)
            return (common & DIGIT) == 0 ? WEIR_HOST_NAME : WEIR_HOST_INVALID;
    }
}

/* --- addresses --- */

int weir_port_parse(weir_bytes text, uint16_t *out)
{
    unsigned value = 0;

    if (text.len == 0 || text.len > PORT_DIGITS_MAX)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return -EINVAL;
        value = value * 10 + (unsigned)(text.data[i] - '0');
    }
    if (value > UINT16_MAX)
        return -EINVAL;
    *out = (uint16_t)value;
    return 0;
}

static const char *read_unix(weir_bytes path, weir_address *out)
{
    bool valid = path.len > 0 && path.len < UNIX_PATH_BYTES && memchr(path.data, '\0', path.len) == NULL;

    if (!valid)
        return EXPECTED("unix:PATH with a path of 1 to 107 bytes");
    *out = (weir_address){.host = {"", 0}, .path = path};
    return NULL;
}

static const char *read_tcp(weir_bytes text, weir_address *out, size_t *at)
{
    const char *colon = text.len > 0 ? memrchr(text.data, ':', text.len) : NULL;
    weir_bytes host = {text.data, 0};
    enum weir_host_type type;
    uint16_t port;
    bool bracketed;

    if (colon == NULL || (text.data[0] == '[' && colon[-1] != ']'))
        return any_address;
    host.len = (size_t)(colon - text.data);
    if (weir_port_parse((weir_bytes){colon + 1, text.len - host.len - 1}, &port) < 0) {
        *at = host.len + 1;
        return EXPECTED("a port from 0 to 65535 after the last colon");
    }
    bracketed = host.len >= 2 && host.data[0] == '[';
    if (bracketed)
        host = (weir_bytes){host.data + 1, host.len - 2};
    else if (memchr(host.data, ':', host.len) != NULL)
        return EXPECTED("an IPv6 address in brackets, [IPV6]:PORT");
    type = weir_host_type_of(host);
    if (type == WEIR_HOST_INVALID || bracketed != (type == WEIR_HOST_IPV6))
        return any_address;
    *out = (weir_address){.host_type = type, .host = host, .port = port, .path = {"", 0}};
    return NULL;
}

const char *weir__address_read(weir_bytes text, weir_address *out, size_t *at)
{
    static const char prefix[] = "unix:";
    const size_t skipped = sizeof prefix - 1;

    *at = 0;
    if (text.len < skipped || memcmp(text.data, prefix, skipped) != 0)
        return read_tcp(text, out, at);
    *at = skipped;
    return read_unix((weir_bytes){text.data + skipped, text.len - skipped}, out);
}

int weir_address_parse(weir_bytes text, weir_address *out, weir_text_fault *fault)
{
    size_t at;
    const char *wrong = weir__address_read(text, out, &at);

    return wrong == NULL ? 0 : weir__text_fault(fault, at, wrong + sizeof SENTENCE - 1);
}

int weir_address_format(const weir_address *address, char *out, size_t room)
{
    const weir_bytes host = address->host, path = address->path;
    int written;

    if (path.len > 0)
        written = snprintf(out, room, "unix:%.*s", (int)path.len, path.data);
    else
        written = snprintf(out, room, address->host_type == WEIR_HOST_IPV6 ? "[%.*s]:%u" : "%.*s:%u",
                           (int)host.len, host.data, address->port);
    if (written >= 0 && (size_t)written < room)
        return written;
    if (room > 0)
        out[0] = '\0';
    return -WEIR_ETOOLARGE;
}
