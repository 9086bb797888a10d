/* SPDX-License-Identifier: MIT */
#include "supervisor/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/log.h>

static const char prefix[] = "weir-", lock_name[] = "lock", unlocked_name[] = "lock.new";

enum { RANDOM_LETTERS = 6, DEPTH_MAX = 2 };

/* --- removing --- */

/* Removes what is in a folder, which is closed: `left` names at most, each of which is counted. The lock
 * stays: without it nobody would find the folder again. */
static void empty(int fd, int depth, int *left)
{
    DIR *entries = fdopendir(fd);
    const struct dirent *entry;

    if (entries == NULL) {
        (void)close(fd);
        return;
    }
    while (*left > 0 && (entry = readdir(entries)) != NULL) {
        int inner;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            (depth == 0 && strcmp(entry->d_name, lock_name) == 0))
            continue;
        --*left;
        if (unlinkat(dirfd(entries), entry->d_name, 0) == 0 || depth == DEPTH_MAX)
            continue;
        inner = openat(dirfd(entries), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0)
            empty(inner, depth + 1, left);
        (void)unlinkat(dirfd(entries), entry->d_name, AT_REMOVEDIR);
    }
    (void)closedir(entries);
}

/* Removes a folder; or a part of what is in it, if that is very much. */
static void remove_at(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int again = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    int left = FOLDER_NAMES;

    if (fd >= 0)
        empty(fd, 0, &left);
    if (again >= 0 && left > 0)
        (void)unlinkat(again, lock_name, 0);
    if (again >= 0)
        (void)close(again);
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

/* Reports whether a folder is that of a supervisor of this user, and of none that lives. */
static bool is_of_a_dead_one(int parent, const char *name)
{
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int lock = folder >= 0 ? openat(folder, lock_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) : -1;
    struct stat about;
    bool dead = lock >= 0 && fstat(folder, &about) == 0 && about.st_uid == geteuid() &&
                flock(lock, LOCK_EX | LOCK_NB) == 0;

    if (lock >= 0)
        (void)close(lock);
    if (folder >= 0)
        (void)close(folder);
    return dead;
}

static bool is_named_like_one(const char *name)
{
    return strncmp(name, prefix, strlen(prefix)) == 0 && strlen(name) == strlen(prefix) + RANDOM_LETTERS;
}

static void remove_those_of_the_dead(const char *parent, size_t length)
{
    char path[FOLDER_PATH_BYTES];
    const struct dirent *entry;
    DIR *entries;
    int removed = 0;

    (void)snprintf(path, sizeof path, "%.*s", (int)length, parent);
    entries = opendir(path);
    if (entries == NULL)
        return;
    for (int seen = 0; seen < FOLDER_LOOKED_AT && removed < FOLDER_REMOVED; seen++) {
        entry = readdir(entries);
        if (entry == NULL)
            break;
        if (!is_named_like_one(entry->d_name) || !is_of_a_dead_one(dirfd(entries), entry->d_name))
            continue;
        remove_at(dirfd(entries), entry->d_name);
        removed++;
    }
    (void)closedir(entries);
}

void folder_remove(struct folder *folder)
{
    if (folder->path[0] == '\0')
        return;
    remove_at(AT_FDCWD, folder->path);
    folder->path[0] = '\0';
    (void)close(folder->lock);
}

/* --- making --- */

/* Locks a file before it has its name: so a start that looks at the folder meanwhile finds it locked, or not
 * at all. */
static int lock(struct folder *f)
{
    char unlocked[FOLDER_PATH_BYTES + sizeof unlocked_name], locked[FOLDER_PATH_BYTES + sizeof lock_name];
    int err;

    (void)snprintf(unlocked, sizeof unlocked, "%s/%s", f->path, unlocked_name);
    (void)snprintf(locked, sizeof locked, "%s/%s", f->path, lock_name);
    f->lock = open(unlocked, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (f->lock < 0)
        return -errno;
    if (flock(f->lock, LOCK_EX | LOCK_NB) == 0 && rename(unlocked, locked) == 0)
        return 0;
    err = -errno;
    folder_remove(f);
    return err;
}

static int make_in(const char *parent, size_t length, struct folder *out)
{
    int written, err;

    if (parent == NULL || length == 0)
        return -ENOENT;
    written = snprintf(out->path, sizeof out->path, "%.*s/%sXXXXXX", (int)length, parent, prefix);
    if (written < 0 || written >= (int)sizeof out->path)
        return -ENAMETOOLONG;
    if (mkdtemp(out->path) == NULL)
        return -errno;
    err = lock(out);
    if (err == 0)
        remove_those_of_the_dead(parent, length);
    return err;
}

static int make_where_named(const char *variable, struct folder *out)
{
    const char *value = getenv(variable);

    /* systemd names several folders with colons between them */
    return make_in(value, value != NULL ? strcspn(value, ":") : 0, out);
}

int folder_make(struct folder *out)
{
    int err;

    *out = (struct folder){.lock = -1};
    if (make_where_named("RUNTIME_DIRECTORY", out) == 0 || make_where_named("XDG_RUNTIME_DIR", out) == 0)
        return 0;
    err = make_in("/tmp", strlen("/tmp"), out);
    if (err < 0)
        out->path[0] = '\0';
    return err;
}

int folder_restore(const char *path)
{
    struct folder again = {.lock = -1};
    struct stat about;

    if (mkdir(path, 0700) == 0) {
        weir_log(WEIR_LOG_WARN, "the folder for sockets was removed, and is made again",
                 WEIR_KV("folder", path));
        (void)snprintf(again.path, sizeof again.path, "%s", path);
        return lock(&again);
    }
    if (errno != EEXIST || lstat(path, &about) < 0)
        return -errno;
    return S_ISDIR(about.st_mode) && about.st_uid == geteuid() ? 0 : -EPERM;
}
