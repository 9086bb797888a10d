/* What a host name stands for: a literal, or a line of the hosts file. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "net/address.h"

enum { HOSTS_BYTES_MAX = 16 << 10 };

static const char hosts_path[] = "/etc/hosts";

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line, up to a comment. */
static bool next_word(const char **at, const char *end, const char **word, size_t *len)
{
    while (*at < end && is_space(**at))
        (*at)++;
    *word = *at;
    while (*at < end && !is_space(**at) && **at != '#')
        (*at)++;
    *len = (size_t)(*at - *word);
    return *len > 0;
}

static bool line_names(const char *at, const char *end, const char *name, size_t name_len)
{
    const char *word;
    size_t len;

    while (next_word(&at, end, &word, &len))
        if (len == name_len && strncasecmp(word, name, len) == 0)
            return true;
    return false;
}

static int address_of_word(const char *word, size_t len, uint16_t port, struct weir__address *out)
{
    char host[WEIR__HOST_BYTES];

    if (len >= sizeof host)
        return -EINVAL;
    memcpy(host, word, len);
    host[len] = '\0';
    return weir__address_of_literal(host, port, out);
}

int weir__hosts_find(const char *hosts, size_t len, const char *name, uint16_t port,
                     struct weir__address out[WEIR__ADDRESSES_MAX])
{
    const char *end = hosts + len, *next;
    size_t name_len = strlen(name);
    int count = 0;

    for (const char *at = hosts; at < end && count < WEIR__ADDRESSES_MAX; at = next) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline != NULL ? newline : end;
        const char *word;
        size_t word_len;
        next = newline != NULL ? newline + 1 : end;
        if (next_word(&at, line_end, &word, &word_len) && line_names(at, line_end, name, name_len) &&
            address_of_word(word, word_len, port, &out[count]) == 0)
            count++;
    }
    return count;
}

/* Read in one go, a small local file: reading it costs less than asking whether it has changed would save. */
static int find_in_file(const char *name, uint16_t port, struct weir__address out[WEIR__ADDRESSES_MAX])
{
    char text[HOSTS_BYTES_MAX];
    int fd = open(hosts_path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t got = 0;

    if (fd < 0)
        return 0;
    do {
        len += (size_t)got;
        got = read(fd, text + len, sizeof text - len);
    } while (got > 0);
    close(fd);
    return weir__hosts_find(text, len, name, port, out);
}

static int find_localhost(uint16_t port, struct weir__address out[WEIR__ADDRESSES_MAX])
{
    return weir__address_of_literal("::1", port, &out[0]) == 0 &&
                   weir__address_of_literal("127.0.0.1", port, &out[1]) == 0
               ? 2
               : 0;
}

static bool take_next(const struct weir__address *from, int count, int *at, sa_family_t family,
                      struct weir__address *out)
{
    for (; *at < count; (*at)++)
        if (from[*at].any.sa_family == family) {
            *out = from[(*at)++];
            return true;
        }
    return false;
}

static void let_families_alternate(struct weir__address *list, int count)
{
    struct weir__address from[WEIR__ADDRESSES_MAX];
    int six = 0, four = 0, n = 0;

    memcpy(from, list, (size_t)count * sizeof *list);
    while (n < count) {
        if (take_next(from, count, &six, AF_INET6, &list[n]))
            n++;
        if (n < count && take_next(from, count, &four, AF_INET, &list[n]))
            n++;
    }
}

int weir__resolve(const struct weir__endpoint *endpoint, struct weir__address out[WEIR__ADDRESSES_MAX])
{
    int count;

    if (endpoint->is_unix) {
        out[0] = endpoint->unix_path;
        return 1;
    }
    if (weir__address_of_literal(endpoint->host, endpoint->port, &out[0]) == 0)
        return 1;
    count = find_in_file(endpoint->host, endpoint->port, out);
    if (count == 0 && strcasecmp(endpoint->host, "localhost") == 0)
        count = find_localhost(endpoint->port, out);
    if (count == 0)
        return -WEIR_EDNS;
    let_families_alternate(out, count);
    return count;
}
