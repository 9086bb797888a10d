/* SPDX-License-Identifier: MIT */
#include "supervisor/children.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIST_BYTES = 64 * 1024 };

/* --- the kernel's list --- */

static bool each_listed(void (*fn)(void *arg, pid_t pid), void *arg)
{
    char text[LIST_BYTES];
    ssize_t n;
    int fd;

    (void)snprintf(text, sizeof text, "/proc/self/task/%d/children", getpid());
    fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    for (char *at = text, *end;; at = end) {
        const long pid = strtol(at, &end, 10);
        if (end == at || *end == '\0') /* a number that the end has cut is listed again */
            break;
        fn(arg, (pid_t)pid);
    }
    (void)close(fd);
    return true;
}

/* --- without it --- */

/* Reads the numbers of a process's parent and session. Returns: false: there is none. */
static bool read_stat(pid_t pid, int *parent, int *session)
{
    char path[32], text[512];
    const char *after;
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    after = strrchr(text, ')');
    return after != NULL && sscanf(after, ") %*c %d %*d %d", parent, session) == 2;
}

static void each_found(void (*fn)(void *arg, pid_t pid), void *arg)
{
    const pid_t self = getpid();
    DIR *all = opendir("/proc");

    for (const struct dirent *each; all != NULL && (each = readdir(all)) != NULL;) {
        const pid_t pid = (pid_t)atoi(each->d_name);
        int parent, session;
        if (pid > 0 && read_stat(pid, &parent, &session) && parent == self)
            fn(arg, pid);
    }
    if (all != NULL)
        (void)closedir(all);
}

bool children_each(void (*fn)(void *arg, pid_t pid), void *arg)
{
    if (each_listed(fn, arg))
        return true;
    each_found(fn, arg);
    return false;
}

pid_t children_session(pid_t pid)
{
    int parent, session;

    return read_stat(pid, &parent, &session) ? session : 0;
}
