/* SPDX-License-Identifier: MIT */
#include "routes/kept_root.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/log.h>
#include <weir/pool.h>

#include "http/rooted_open.h"

int kept_root_open(struct kept_root *root, const char *path)
{
    *root = (struct kept_root){.path = path, .fd = rooted_open_root(path)};
    if (root->fd >= 0)
        return 0;
    weir_log(WEIR_LOG_ERROR, "the root of a route cannot be opened", WEIR_KV("root", path),
             WEIR_KV_ERROR("error", root->fd));
    return root->fd;
}

void kept_root_close(struct kept_root *root)
{
    (void)close(root->fd);
}

/* A job. Returns: 0 the folder is there; 1 another is in its place; -ENOENT it was removed; others. */
static int look(weir_job *job, void *arg)
{
    struct kept_root *root = arg;
    struct stat about;
    int fd, err = 0;

    (void)job;
    if (fstat(root->fd, &about) == 0 && about.st_nlink > 0)
        return 0;
    fd = rooted_open_root(root->path);
    if (fd < 0)
        return -ENOENT;
    if (dup3(fd, root->fd, O_CLOEXEC) < 0)
        err = -errno;
    (void)close(fd);
    return err < 0 ? err : 1;
}

bool kept_root_is_renewed(struct kept_root *root)
{
    const weir_instant now = weir_now();
    int found;

    if (now.ns < root->look_at.ns)
        return false;
    root->look_at = weir_add(now, weir_ms(KEPT_ROOT_LOOK_MS));
    found = weir_offload(weir_pool_blocking(), "looking at a root", look, root);
    if (found == -ENOENT && !root->gone)
        weir_log(WEIR_LOG_ERROR,
                 "the root of a route was removed: all its files are missing until it is there again",
                 WEIR_KV("root", root->path));
    if (found == 1)
        weir_log(WEIR_LOG_INFO, "the root of a route was made anew", WEIR_KV("root", root->path));
    if (found >= 0 || found == -ENOENT)
        root->gone = found < 0;
    return found == 1;
}
