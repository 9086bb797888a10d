/* SPDX-License-Identifier: MIT */
#include "names/hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

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

/* Begins a line: reads its address. Returns: whether it has one. */
static bool next_line(const char **at, const char *end, const char **line_end, struct weir__ip *ip)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    const char *word;
    size_t len;

    *line_end = newline != NULL ? newline : end;
    return next_word(at, *line_end, &word, &len) && weir__ip_parse(word, len, ip) == 0;
}

static const char *behind(const char *line_end, const char *end)
{
    return line_end < end ? line_end + 1 : end;
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

int weir__hosts_find(const char *hosts, size_t len, const char *name, struct weir__ip *out, int most)
{
    const char *end = hosts + len, *line_end;
    size_t name_len = strlen(name);
    int count = 0;

    for (const char *at = hosts; at < end && count < most; at = behind(line_end, end))
        if (next_line(&at, end, &line_end, &out[count]) && line_names(at, line_end, name, name_len))
            count++;
    return count;
}

/* Returns: the bytes read. */
static size_t read_part(int fd, char *text, size_t room)
{
    size_t len = 0;
    ssize_t got;

    while (len < room && (got = read(fd, text + len, room - len)) > 0)
        len += (size_t)got;
    return len;
}

int weir__hosts_read(const char *path, const char *name, struct weir__ip *out, int most)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = malloc(WEIR__HOSTS_BYTES_MAX);
    int count = 0;

    if (fd >= 0 && text != NULL)
        count = weir__hosts_find(text, read_part(fd, text, WEIR__HOSTS_BYTES_MAX), name, out, most);
    free(text);
    if (fd >= 0)
        close(fd);
    return count;
}

/* --- an index --- */

struct weir__hosts_line {
    const char *name;
    uint32_t len, number;
    struct weir__ip ip;
};

static int compare_names(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = strncasecmp(a, b, a_len < b_len ? a_len : b_len);

    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare_lines(const void *a, const void *b)
{
    const struct weir__hosts_line *x = a, *y = b;
    int order = compare_names(x->name, x->len, y->name, y->len);

    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

static int append(struct weir__hosts *hosts, size_t *room, const struct weir__hosts_line *line)
{
    if (hosts->count == *room) {
        size_t larger = *room == 0 ? 64 : 2 * *room;
        void *lines = realloc(hosts->lines, larger * sizeof *line);
        if (lines == NULL)
            return -ENOMEM;
        hosts->lines = lines;
        *room = larger;
    }
    hosts->lines[hosts->count++] = *line;
    return 0;
}

int weir__hosts_index(const char *text, size_t len, struct weir__hosts *out)
{
    const char *end = text + len, *line_end, *word;
    size_t room = 0, word_len;

    *out = (struct weir__hosts){0};
    for (const char *at = text; at < end; at = behind(line_end, end)) {
        struct weir__hosts_line line = {0};
        if (!next_line(&at, end, &line_end, &line.ip))
            continue;
        while (next_word(&at, line_end, &word, &word_len)) {
            line.name = word;
            line.len = (uint32_t)word_len;
            line.number = (uint32_t)out->count;
            if (append(out, &room, &line) < 0) {
                weir__hosts_free(out);
                return -ENOMEM;
            }
        }
    }
    if (out->count > 0)
        qsort(out->lines, out->count, sizeof *out->lines, compare_lines);
    return 0;
}

void weir__hosts_free(struct weir__hosts *hosts)
{
    free(hosts->lines);
    *hosts = (struct weir__hosts){0};
}

int weir__hosts_look_up(const struct weir__hosts *hosts, const char *name, size_t len, struct weir__ip *out,
                        int most)
{
    size_t low = 0, high = hosts->count;
    int count = 0;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct weir__hosts_line *line = &hosts->lines[middle];
        if (compare_names(line->name, line->len, name, len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < hosts->count && count < most; low++) {
        const struct weir__hosts_line *line = &hosts->lines[low];
        if (compare_names(line->name, line->len, name, len) != 0)
            break;
        if (!weir__ip_is_in(out, (size_t)count, &line->ip))
            out[count++] = line->ip;
    }
    return count;
}
