/* SPDX-License-Identifier: MIT */
#include "names/hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "names/words.h"

/* Begins a line: reads its address. What follows a # is a comment. Returns: whether it has an address. */
static bool read_address(weir_bytes *line, struct weir__ip *ip)
{
    const char *comment = line->len > 0 ? memchr(line->data, '#', line->len) : NULL;
    weir_bytes word;

    if (comment != NULL)
        line->len = (size_t)(comment - line->data);
    return weir__words_next(line, &word) && weir__ip_parse(word.data, word.len, ip) == 0;
}

static bool line_names(weir_bytes line, weir_bytes name)
{
    weir_bytes word;

    while (weir__words_next(&line, &word))
        if (weir_bytes_equal_nocase(word, name))
            return true;
    return false;
}

int weir__hosts_find(const char *hosts, size_t len, const char *name, struct weir__ip *out, int most)
{
    weir_bytes rest = {hosts, len}, line;
    int count = 0;

    while (count < most && weir__words_line(&rest, &line))
        if (read_address(&line, &out[count]) && line_names(line, weir_bytes_of(name)))
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
    weir_bytes rest = {text, len}, line, word;
    size_t room = 0;

    *out = (struct weir__hosts){0};
    while (weir__words_line(&rest, &line)) {
        struct weir__hosts_line entry = {0};
        if (!read_address(&line, &entry.ip))
            continue;
        while (weir__words_next(&line, &word)) {
            entry.name = word.data;
            entry.len = (uint32_t)word.len;
            entry.number = (uint32_t)out->count;
            if (append(out, &room, &entry) < 0) {
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
