/* SPDX-License-Identifier: MIT */
#include "outliers/outlier_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_NAME_BYTES = OUTLIER_ID_BYTES + 24, PARTS = 64, STALE_S = 60, FILES_MAX = 1 << 20 };
static const char prefix[] = "outlier-", suffix[] = ".json", unfinished[] = ".new";

void outlier_folder_open(struct outlier_folder *folder, const char *path, uint64_t bytes_max, int writers)
{
    const uint64_t slack = bytes_max / PARTS;

    *folder = (struct outlier_folder){.path = path, .slack_bytes = slack};
    folder->bytes_max = bytes_max - slack * (uint64_t)(writers < PARTS / 2 ? writers : PARTS / 2);
}

/* --- looking --- */

struct file {
    char id[OUTLIER_ID_BYTES];
    uint64_t bytes;
};

struct files {
    struct file *items;
    size_t count, room;
    uint64_t bytes;
};

/* Returns: false: the name is that of no outlier; unfinished ones have their own suffix. */
static bool read_name(const char *name, const char *end, char id[OUTLIER_ID_BYTES])
{
    const size_t before = sizeof prefix - 1, after = strlen(end), length = strlen(name);

    if (length <= before + after || length - before - after >= OUTLIER_ID_BYTES ||
        strncmp(name, prefix, before) != 0 || strcmp(name + length - after, end) != 0)
        return false;
    (void)snprintf(id, OUTLIER_ID_BYTES, "%.*s", (int)(length - before - after), name + before);
    return outlier_id_is_valid(id);
}

static int keep(struct files *files, const char *id, uint64_t bytes)
{
    if (files->count == files->room) {
        const size_t room = files->room > 0 ? 2 * files->room : 1024;
        struct file *more = room <= FILES_MAX ? realloc(files->items, room * sizeof *more) : NULL;
        if (more == NULL)
            return -ENOMEM;
        files->items = more;
        files->room = room;
    }
    (void)snprintf(files->items[files->count].id, OUTLIER_ID_BYTES, "%s", id);
    files->items[files->count++].bytes = bytes;
    files->bytes += bytes;
    return 0;
}

/* A process may have ended while it wrote. */
static bool is_stale(const struct stat *is)
{
    return is->st_mtime + STALE_S < time(NULL);
}

static int look_at(int dir, const char *name, struct files *files)
{
    char id[OUTLIER_ID_BYTES];
    struct stat is;
    const bool finished = read_name(name, suffix, id);

    if ((!finished && !read_name(name, unfinished, id)) || fstatat(dir, name, &is, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(is.st_mode))
        return 0;
    if (finished)
        return keep(files, id, (uint64_t)is.st_size);
    if (is_stale(&is))
        (void)unlinkat(dir, name, 0);
    return 0;
}

static int list(int dir, struct files *files)
{
    const int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *reading = copy >= 0 ? fdopendir(copy) : NULL;
    const struct dirent *entry;
    int err = 0;

    if (reading == NULL) {
        err = -errno;
        if (copy >= 0)
            (void)close(copy);
        return err;
    }
    while (err == 0 && (entry = readdir(reading)) != NULL)
        err = look_at(dir, entry->d_name, files);
    (void)closedir(reading);
    return err;
}

static int older_first(const void *a, const void *b)
{
    const struct file *x = a, *y = b;

    return strcmp(x->id, y->id); /* an id begins with its time */
}

/* Removes the oldest files, until the others and these bytes have room. */
static int make_room(const struct outlier_folder *folder, int dir, uint64_t bytes)
{
    struct files files = {0};
    char name[FILE_NAME_BYTES];
    int err = list(dir, &files);

    if (err == 0 && files.bytes + bytes > folder->bytes_max)
        qsort(files.items, files.count, sizeof *files.items, older_first);
    for (size_t i = 0; err == 0 && i < files.count && files.bytes + bytes > folder->bytes_max; i++) {
        (void)snprintf(name, sizeof name, "%s%s%s", prefix, files.items[i].id, suffix);
        if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
            files.bytes -= files.items[i].bytes;
        else
            err = -errno;
    }
    free(files.items);
    return err;
}

/* --- writing --- */

static int write_all(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        const ssize_t n = write(fd, data, bytes);
        if (n < 0 && errno != EINTR)
            return -errno;
        data += n > 0 ? n : 0;
        bytes -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* The bytes are on the disk before the file has its name: after a loss of power, too, it is whole. */
static int write_new(int dir, const char *name, const struct outlier *o)
{
    const int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    int err;

    if (fd < 0)
        return -errno;
    err = write_all(fd, o->text.text.data, o->text.text.len);
    if (err == 0 && fdatasync(fd) < 0)
        err = -errno;
    if (close(fd) < 0 && err == 0)
        err = -errno;
    return err;
}

static int write_file(int dir, const struct outlier *o)
{
    char made[FILE_NAME_BYTES], name[FILE_NAME_BYTES];
    int err;

    (void)snprintf(made, sizeof made, "%s%s%s", prefix, o->id, unfinished);
    (void)snprintf(name, sizeof name, "%s%s%s", prefix, o->id, suffix);
    err = write_new(dir, made, o);
    if (err == 0 && renameat(dir, made, dir, name) < 0)
        err = -errno;
    if (err < 0 && err != -EEXIST)
        (void)unlinkat(dir, made, 0);
    return err;
}

int outlier_folder_write(struct outlier_folder *folder, const struct outlier *o)
{
    const uint64_t bytes = o->text.text.len;
    const int dir = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = 0;

    if (dir < 0)
        return -errno;
    if (!folder->looked || folder->written_bytes + bytes > folder->slack_bytes) {
        err = make_room(folder, dir, bytes);
        folder->looked = err == 0;
        folder->written_bytes = 0;
    }
    if (err == 0)
        err = write_file(dir, o);
    if (err == 0)
        folder->written_bytes += bytes;
    (void)close(dir);
    return err;
}
