/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static bool wants_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR");

    return isatty(fd) && !(no_colour != NULL && no_colour[0] != '\0');
}

void weir__logger_init(struct weir__logger *l, int fd, enum weir_log_level level, bool json)
{
    int saved = errno; /* isatty() sets errno for what is no terminal */

    l->level = weir__log_level(level);
    l->json = json;
    l->colour = !json && wants_colour(fd);
    l->local_time = !json && isatty(fd);
    l->local_offset_s = l->local_time ? weir__clock_local_offset_s(weir__clock_wall_ns()) : 0;
    l->wall_ns = weir__clock_wall_ns;
    l->writer = NULL;
    errno = saved;
}
