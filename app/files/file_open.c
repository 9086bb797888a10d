/* SPDX-License-Identifier: MIT */
#include "files/file_open.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#include <weir/log.h>

#include "http/rooted_open.h"

/* Of what a client alone can cause, a path that is too long or goes on behind a file, nothing is said. */
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
    default:
        return NULL;
    }
}

static void say(const char *path, const char *why)
{
    static _Atomic time_t said;
    static atomic_uint more;
    const time_t now = time(NULL);
    time_t was = atomic_load_explicit(&said, memory_order_relaxed);

    if (was == now || !atomic_compare_exchange_strong(&said, &was, now)) {
        (void)atomic_fetch_add(&more, 1);
        return;
    }
    weir_log(WEIR_LOG_WARN, "a file is not sent", WEIR_KV("path", path), WEIR_KV("why", why),
             WEIR_KV_INT("more", atomic_exchange(&more, 0)));
}

int file_open(int root, const char *path, struct stat *about)
{
    const int fd = rooted_open_why(root, path, about);
    const char *why = words_of(fd);

    if (why != NULL)
        say(path, why);
    return rooted_open_outcome(fd);
}
