/* SPDX-License-Identifier: MIT */
#include "net/hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { PIECE_BYTES = 4096 };

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
                     struct weir__address *out, int most)
{
    const char *end = hosts + len, *next;
    size_t name_len = strlen(name);
    int count = 0;

    for (const char *at = hosts; at < end && count < most; at = next) {
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

/* The length of the text up to the end of its last whole line, which may be searched. A line longer than a
 * piece is none of a hosts file; it is passed over, and its end is searched like a line. */
static size_t whole_lines(const char *text, size_t len, bool at_end)
{
    const char *newline = memrchr(text, '\n', len);

    if (at_end || (newline == NULL && len == PIECE_BYTES))
        return len;
    return newline != NULL ? (size_t)(newline + 1 - text) : 0;
}

static int search(int fd, const char *name, uint16_t port, struct weir__address *out)
{
    char text[PIECE_BYTES];
    size_t len = 0, total = 0;
    int count = 0;
    bool at_end = false;

    while (!at_end && count < WEIR__ADDRESSES_MAX) {
        ssize_t got = read(fd, text + len, sizeof text - len);
        size_t used;

        at_end = got <= 0 || total >= WEIR__HOSTS_BYTES_MAX;
        len += got > 0 ? (size_t)got : 0;
        total += got > 0 ? (size_t)got : 0;
        used = whole_lines(text, len, at_end);
        count += weir__hosts_find(text, used, name, port, out + count, WEIR__ADDRESSES_MAX - count);
        len -= used;
        memmove(text, text + used, len);
    }
    return count;
}

/* Reads the file every time: it is small and local, which costs less than to keep it and to ask whether it
 * changed. */
int weir__hosts_read(const char *path, const char *name, uint16_t port,
                     struct weir__address out[WEIR__ADDRESSES_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int count;

    if (fd < 0)
        return 0;
    count = search(fd, name, port, out);
    close(fd);
    return count;
}
