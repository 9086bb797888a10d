/* SPDX-License-Identifier: MIT */
#include "supervisor/children.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/proc_file.h"

enum { LIST_BYTES = 64 * 1024, EXITING = 0x4 /* PF_EXITING of the kernel */ };

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

/* Reads the numbers of a process's parent and session, and whether it ends: a zombie does, and one that has
 * no memory any more, whose children are still its own. Returns: false: there is none. */
static bool read_stat(pid_t pid, int *parent, int *session, bool *ends)
{
    unsigned flags = 0;
    char state = 0;
    char path[32], text[512];
    const char *after;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    (void)proc_file_read(path, text, sizeof text);
    after = strrchr(text, ')');
    if (after == NULL || sscanf(after, ") %c %d %*d %d %*d %*d %u", &state, parent, session, &flags) != 4)
        return false;
    *ends = state == 'Z' || state == 'X' || (flags & EXITING) != 0;
    return true;
}

static void each_found(void (*fn)(void *arg, pid_t pid), void *arg)
{
    const pid_t self = getpid();
    DIR *all = opendir("/proc");

    for (const struct dirent *each; all != NULL && (each = readdir(all)) != NULL;) {
        const pid_t pid = (pid_t)atoi(each->d_name);
        int parent, session;
        bool ends;
        if (pid > 0 && read_stat(pid, &parent, &session, &ends) && parent == self)
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
    bool ends;

    return read_stat(pid, &parent, &session, &ends) && !ends ? session : 0;
}
