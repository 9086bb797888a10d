/* SPDX-License-Identifier: MIT */
#include "files/file_unsent.h"

#include <errno.h>
#include <stddef.h>

#include <weir/error.h>
#include <weir/log.h>

static const int64_t pause_ns = 1000000000;

static const char *words_of(int err)
{
    switch (err) {
    case -EACCES:
    case -EPERM:
        return "the gateway's user may not read it, or not search a folder before it";
    case -EXDEV:
        return "a symbolic link leads out of the root, or is absolute";
    case -ELOOP:
        return "too many symbolic links, or folders";
    case -ENXIO:
        return "it is neither a file nor a folder";
    case -EIO:
    case -ESTALE:
    case -ENOTCONN: /* of network file systems, and of those of programs */
        return "its disk cannot read it";
    case -WEIR_ETRUNCATED:
        return "it became shorter while it was sent";
    default: /* such as a path that is too long, or goes on behind a file */
        return NULL;
    }
}

void file_unsent_say(struct file_unsent *unsent, const char *path, int err, int64_t now_ns)
{
    const char *why = words_of(err);

    if (why == NULL)
        return;
    if (unsent->said_ns != 0 && now_ns - unsent->said_ns < pause_ns) {
        unsent->more++;
        return;
    }
    weir_log(WEIR_LOG_WARN, "a file is not sent", WEIR_KV("path", path), WEIR_KV("why", why),
             WEIR_KV_INT("more", unsent->more));
    *unsent = (struct file_unsent){.said_ns = now_ns};
}
