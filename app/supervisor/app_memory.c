/* SPDX-License-Identifier: MIT */
#include "supervisor/app_memory.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/proc_file.h"

enum { PATH_BYTES = 256, TEXT_BYTES = 4096 };

/* --- descendants --- */

struct family {
    const char *root;
    pid_t pids[APP_MEMORY_PROCESSES_MAX];
    size_t count;
};

static void add_children_of_thread(struct family *f, pid_t pid, const char *thread)
{
    char path[PATH_BYTES], text[TEXT_BYTES];

    (void)snprintf(path, sizeof path, "%s/proc/%d/task/%.10s/children", f->root, pid, thread);
    (void)proc_file_read(path, text, sizeof text);
    for (char *at = text, *end; f->count < APP_MEMORY_PROCESSES_MAX; at = end) {
        const long child = strtol(at, &end, 10);
        if (end == at || *end == '\0') /* the last number may be cut */
            break;
        f->pids[f->count++] = (pid_t)child;
    }
}

/* Each thread has its own children. */
static void add_children(struct family *f, pid_t pid)
{
    char path[PATH_BYTES];
    DIR *threads;

    (void)snprintf(path, sizeof path, "%s/proc/%d/task", f->root, pid);
    threads = opendir(path);
    for (const struct dirent *each; threads != NULL && (each = readdir(threads)) != NULL;)
        if (each->d_name[0] != '.')
            add_children_of_thread(f, pid, each->d_name);
    if (threads != NULL)
        (void)closedir(threads);
}

/* --- memory --- */

static bool read_of(const struct family *f, pid_t pid, const char *file, char text[TEXT_BYTES])
{
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof path, "%s/proc/%d/%s", f->root, pid, file);
    return proc_file_read(path, text, TEXT_BYTES) > 0;
}

static uint64_t resident(const struct family *f, pid_t pid)
{
    char text[TEXT_BYTES];
    unsigned long long pages = 0;

    if (!read_of(f, pid, "statm", text) || sscanf(text, "%*u %llu", &pages) != 1)
        return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Returns: the process's part of what it has, with shared pages divided among those that share them; what is
 * resident where the kernel does not tell. */
static uint64_t proportional(const struct family *f, pid_t pid)
{
    char text[TEXT_BYTES];
    unsigned long long kib = 0;
    const char *line = read_of(f, pid, "smaps_rollup", text) ? strstr(text, "\nPss:") : NULL;

    return line != NULL && sscanf(line, "\nPss: %llu", &kib) == 1 ? kib * 1024 : resident(f, pid);
}

static uint64_t sum(const struct family *f, uint64_t (*of)(const struct family *f, pid_t pid))
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < f->count; i++)
        bytes += of(f, f->pids[i]);
    return bytes;
}

uint64_t app_memory_below(pid_t pid, uint64_t limit, const char *root)
{
    struct family f = {.root = root};
    uint64_t bytes;

    add_children(&f, pid);
    for (size_t i = 0; i < f.count; i++)
        add_children(&f, f.pids[i]);
    bytes = sum(&f, resident);
    return bytes > limit && f.count > 1 ? sum(&f, proportional) : bytes;
}
