/* SPDX-License-Identifier: MIT */
/* A file system that is made up, for the cache of files: what is asked of it is counted, and it changes and
 * fails as a test says. To be included by one file of a test.
 *
 * Threading: jobs of several workers take turns; a test changes it while no job runs, or at a read.
 */
#ifndef TEST_APP_FILES_FAKE_FILES_H
#define TEST_APP_FILES_FAKE_FILES_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files/file_load.h"
#include "support/run.h"

enum { ROOT = 7, OTHER_ROOT, FILES = 40, FDS = 200, FD_BASE = 1000 };

/* One file of the file system. Its content is its letter, again and again. */
struct fake {
    char path[16];
    struct stat about;
    char letter;
    int error; /* of opening it */
};

static struct {
    struct fake files[FILES];
    struct stat open[FDS]; /* st_nlink 0: the descriptor is free */
    char letters[FDS];
    int opens, reads, most_open, now_open;
    int emfile;                          /* so many opens fail with EMFILE */
    void (*reading)(struct fake *first); /* at each read */
    size_t read_most;
    int read_error;
} fs;

static struct fake *fake_find(const char *path)
{
    for (size_t i = 0; i < FILES; i++)
        if (strcmp(fs.files[i].path, path) == 0)
            return &fs.files[i];
    return NULL;
}

/* Adds or replaces a file, whose last change was long ago. */
static struct fake *fake_put(const char *path, off_t bytes, char letter)
{
    static ino_t next = 1;
    struct fake *f = fake_find(path);

    if (f == NULL)
        f = fake_find("");
    if (f == NULL)
        abort();
    memset(f, 0, sizeof *f);
    (void)snprintf(f->path, sizeof f->path, "%s", path);
    f->letter = letter;
    f->about.st_size = bytes;
    f->about.st_ino = next++;
    f->about.st_mtim = f->about.st_ctim = (struct timespec){1000000000 + (time_t)next, 5};
    f->about.st_nlink = 1;
    return f;
}

static int fake_open(int root, const char *path, struct stat *about)
{
    struct fake *f = fake_find(path);

    assert_true(root == ROOT || root == OTHER_ROOT);
    fs.opens++;
    if (fs.emfile > 0) {
        fs.emfile--;
        return -EMFILE;
    }
    if (f == NULL || f->error < 0)
        return f == NULL ? -ENOENT : f->error;
    for (int i = 0; i < FDS; i++)
        if (fs.open[i].st_nlink == 0) {
            fs.open[i] = *about = f->about;
            fs.letters[i] = f->letter;
            fs.now_open++;
            if (fs.now_open > fs.most_open)
                fs.most_open = fs.now_open;
            return FD_BASE + i;
        }
    fail_msg("too many descriptors");
    return -1;
}

/* The present state of an open file: of the file that has its number. */
static struct fake *fake_of(int fd)
{
    const struct stat *about = &fs.open[fd - FD_BASE];

    assert_true(about->st_nlink == 1);
    for (size_t i = 0; i < FILES; i++)
        if (fs.files[i].path[0] != '\0' && fs.files[i].about.st_ino == about->st_ino)
            return &fs.files[i];
    return NULL;
}

static int fake_stat(int fd, struct stat *about)
{
    const struct fake *f = fake_of(fd);

    *about = f != NULL ? f->about : fs.open[fd - FD_BASE]; /* removed, and open */
    return 0;
}

static ssize_t fake_read(int fd, void *data, size_t bytes, off_t offset)
{
    struct fake *f = fake_of(fd);
    off_t size = f != NULL ? f->about.st_size : fs.open[fd - FD_BASE].st_size;
    size_t n = offset >= size ? 0 : (size_t)(size - offset);

    fs.reads++;
    if (fs.read_error != 0) {
        errno = fs.read_error;
        return -1;
    }
    n = n < bytes ? n : bytes;
    if (fs.read_most > 0 && n > fs.read_most)
        n = fs.read_most;
    memset(data, f != NULL ? f->letter : fs.letters[fd - FD_BASE], n);
    if (fs.reading != NULL)
        fs.reading(f);
    return (ssize_t)n;
}

static int fake_close(int fd)
{
    assert_true(fs.open[fd - FD_BASE].st_nlink == 1);
    fs.open[fd - FD_BASE].st_nlink = 0;
    fs.now_open--;
    return 0;
}

/* Jobs of several workers, one at a time. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static int open_in_turn(int root, const char *path, struct stat *about)
{
    int fd;

    pthread_mutex_lock(&turn);
    fd = fake_open(root, path, about);
    pthread_mutex_unlock(&turn);
    return fd;
}

static int stat_in_turn(int fd, struct stat *about)
{
    pthread_mutex_lock(&turn);
    (void)fake_stat(fd, about);
    pthread_mutex_unlock(&turn);
    return 0;
}

static ssize_t read_in_turn(int fd, void *data, size_t bytes, off_t offset)
{
    ssize_t got;

    pthread_mutex_lock(&turn);
    got = fake_read(fd, data, bytes, offset);
    pthread_mutex_unlock(&turn);
    return got;
}

static int close_in_turn(int fd)
{
    pthread_mutex_lock(&turn);
    (void)fake_close(fd);
    pthread_mutex_unlock(&turn);
    return 0;
}

static bool has_changed_in_turn(int fd, const struct stat *was)
{
    struct stat is;

    (void)stat_in_turn(fd, &is);
    return is.st_size != was->st_size || is.st_ctim.tv_sec != was->st_ctim.tv_sec;
}

static const struct file_calls fake_calls = {open_in_turn, stat_in_turn, read_in_turn, close_in_turn,
                                             has_changed_in_turn};

#endif
