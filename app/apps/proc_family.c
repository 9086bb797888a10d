/* SPDX-License-Identifier: MIT */
#include "apps/proc_family.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "text/proc_file.h"

enum { TEXT_BYTES = 1024, PATH_BYTES = 64 };

/* The descendants found so far: those before `next` have been read. */
struct walk {
    struct proc_family *out;
    struct stat self; /* this program's file */
    pid_t pids[PROC_FAMILY_PROCESSES_MAX];
    size_t count, next;
};

static bool read_text(const char *path, char text[TEXT_BYTES])
{
    return proc_file_read(path, text, TEXT_BYTES) > 0;
}

/* --- what a thread does --- */

/* Calls with a number of descriptors: a loop has several, a client library waits for its one. */
static enum proc_doing of_poll(unsigned long descriptors)
{
    return descriptors > 1 ? PROC_AWAITS : PROC_BLOCKED;
}

static enum proc_doing of_call(long call, unsigned long first, unsigned long second)
{
    switch (call) {
#ifdef SYS_poll
    case SYS_poll:
#endif
    case SYS_ppoll:
        return of_poll(second);
#ifdef SYS_select
    case SYS_select:
#endif
    case SYS_pselect6:
        return first > 0 ? PROC_AWAITS : PROC_BLOCKED;
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
#ifdef SYS_pause
    case SYS_pause:
#endif
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
    case SYS_io_uring_enter:
    case SYS_io_getevents:
    case SYS_accept:
    case SYS_accept4:
    case SYS_rt_sigtimedwait:
    case SYS_rt_sigsuspend:
    case SYS_wait4:
    case SYS_waitid:
        return PROC_AWAITS;
    case SYS_futex:
#ifdef SYS_futex_waitv
    case SYS_futex_waitv:
#endif
        return PROC_LOCKED;
    default:
        return PROC_BLOCKED;
    }
}

/* "running", "NUMBER ARG ARG ARG ARG ARG ARG SP PC", or "-1 SP PC": asleep outside a call, for memory say. */
enum proc_doing proc_doing_of_syscall(const char *text)
{
    unsigned long first, second;
    long call;
    int n;

    if (strncmp(text, "running", 7) == 0)
        return PROC_RUNS;
    n = sscanf(text, "%ld %lx %lx", &call, &first, &second);
    if (n < 3)
        return PROC_UNKNOWN;
    return call < 0 ? PROC_BLOCKED : of_call(call, first, second);
}

/* "TID (name) STATE …"; the name may hold anything. */
enum proc_doing proc_doing_of_stat(const char *text)
{
    const char *end = strrchr(text, ')');

    if (end == NULL || end[1] != ' ')
        return PROC_UNKNOWN;
    if (end[2] == 'R')
        return PROC_RUNS;
    if (end[2] == 'T' || end[2] == 't')
        return PROC_STOPPED;
    return end[2] == 'D' ? PROC_BLOCKED : PROC_UNKNOWN;
}

static bool read_thread(pid_t pid, pid_t tid, struct proc_thread *out)
{
    char path[PATH_BYTES], text[TEXT_BYTES];

    *out = (struct proc_thread){.pid = pid, .tid = tid};
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", (int)pid, (int)tid);
    if (!read_text(path, text) || sscanf(text, "%ld %ld", &out->cpu_ns, &out->delay_ns) != 2)
        return false;
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
    if (!read_text(path, text))
        return false;
    out->doing = proc_doing_of_stat(text);
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
    if (out->doing == PROC_UNKNOWN && read_text(path, text))
        out->doing = proc_doing_of_syscall(text);
    return true;
}

/* --- a process, and those below it --- */

static void add_children(struct walk *w, pid_t pid, pid_t tid)
{
    char path[PATH_BYTES], text[TEXT_BYTES], *end;

    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)tid);
    (void)read_text(path, text);
    for (char *at = text; w->count < PROC_FAMILY_PROCESSES_MAX; at = end) {
        long child = strtol(at, &end, 10);
        if (end == at || *end != ' ') /* the last number may be cut */
            return;
        w->pids[w->count++] = (pid_t)child;
    }
    w->out->whole = false;
}

/* A guardian is a process of ours above an application; it does nothing but wait. */
static bool is_this_program(const struct walk *w, pid_t pid)
{
    char path[PATH_BYTES];
    struct stat found;

    (void)snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    return stat(path, &found) == 0 && found.st_ino == w->self.st_ino && found.st_dev == w->self.st_dev;
}

static void add_thread(struct walk *w, pid_t pid, pid_t tid)
{
    if (w->out->count == PROC_FAMILY_THREADS_MAX)
        w->out->whole = false;
    else if (read_thread(pid, tid, &w->out->threads[w->out->count]))
        w->out->count++;
}

static void read_process(struct walk *w, pid_t pid)
{
    const bool ours = is_this_program(w, pid);
    char path[PATH_BYTES];
    struct dirent *entry;
    DIR *folder;

    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    folder = opendir(path);
    if (folder == NULL)
        return;
    while (w->out->whole && (entry = readdir(folder)) != NULL) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (tid <= 0)
            continue;
        if (!ours)
            add_thread(w, pid, tid);
        add_children(w, pid, tid);
    }
    (void)closedir(folder);
}

void proc_family_read(pid_t pid, struct proc_family *out)
{
    struct walk w = {.out = out, .pids = {pid}, .count = 1};
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    out->at_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    out->whole = true;
    out->count = 0;
    if (stat("/proc/self/exe", &w.self) < 0)
        w.self = (struct stat){0};
    while (w.next < w.count && out->whole)
        read_process(&w, w.pids[w.next++]);
}
