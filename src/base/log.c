/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own_calls.h"

static bool wants_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    return isatty(fd) && !(no_colour && no_colour[0] != '\0');
}

void weir__logger_init(struct weir__logger *l, int fd, enum weir_log_level level, bool json)
{
    int saved = errno; /* isatty() sets it for what is no terminal */
    l->fd = fd;
    l->level = level;
    l->json = json;
    l->colour = !json && wants_colour(fd);
    l->local_time = !json && isatty(fd);
    l->local_offset_s = l->local_time ? weir__clock_local_offset_s(weir__clock_wall_ns()) : 0;
    l->wall_ns = weir__clock_wall_ns;
    errno = saved;
}

/* A log that can't be written has nowhere to say so. */
static void write_out(const struct weir__logger *l, const char *text, size_t length)
{
    int saved = errno;
    ssize_t r;
    weir__own_calls_begin();
    do {
        r = write(l->fd, text, length);
    } while (r < 0 && errno == EINTR);
    weir__own_calls_end();
    errno = saved;
}

void weir__logger_write(const struct weir__logger *l, enum weir_log_level level, const char *message,
                        const weir_kv *kvs, size_t n)
{
    char line[WEIR_LOG_LINE_MAX];
    if (level < l->level)
        return;
    write_out(l, line, weir__logger_render(l, line, sizeof line, level, message, kvs, n));
}

void weir__logger_write_lines(const struct weir__logger *l, enum weir_log_level level, const char *message,
                              const char *more)
{
    char text[WEIR_LOG_LINE_MAX];
    size_t most = strlen(more);
    if (level < l->level)
        return;
    size_t length = weir__logger_render(l, text, sizeof text / 2, level, message, NULL, 0);
    if (most > sizeof text - length)
        most = sizeof text - length;
    memcpy(text + length, more, most);
    write_out(l, text, length + most);
}

bool weir_log_is_on(enum weir_log_level level)
{
    const struct weir__logger *l = weir__logger_current();
    return l && level >= l->level;
}

void weir_log_write(enum weir_log_level level, const char *message, const weir_kv *kvs, size_t n)
{
    const struct weir__logger *l = weir__logger_current();
    if (l)
        weir__logger_write(l, level, message, kvs, n);
}
