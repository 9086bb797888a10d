/* SPDX-License-Identifier: MIT */
#include "watch/thread_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES = 512 };

/* "running", "NUMBER ARG ARG ARG ARG ARG ARG SP PC", or "-1 SP PC". */
struct weir__thread_state weir__thread_state_read_syscall(const char *text)
{
    struct weir__thread_state state = {.status = WEIR__THREAD_UNKNOWN, .call = WEIR__CALL_UNKNOWN};
    uint64_t words[8];
    char *end;
    long call;
    int n = 0;

    if (strncmp(text, "running", 7) == 0) {
        state.status = WEIR__THREAD_RUNS;
        return state;
    }
    call = strtol(text, &end, 10);
    for (const char *at = end; end != text && n < 8; n++, at = end) {
        words[n] = strtoull(at, &end, 16);
        if (end == at)
            break;
    }
    if (n != 8 && n != 2)
        return state;
    state.status = WEIR__THREAD_SLEEPS;
    state.call = n == 8 ? call : WEIR__CALL_NONE;
    if (n == 8)
        memcpy(state.arg, words, sizeof state.arg);
    state.sp = words[n - 2];
    state.pc = words[n - 1];
    return state;
}

/* "TID (name) STATE …"; the name may hold anything. */
struct weir__thread_state weir__thread_state_read_stat(const char *text)
{
    const char *name_end = strrchr(text, ')');
    struct weir__thread_state state = {.status = WEIR__THREAD_UNKNOWN, .call = WEIR__CALL_UNKNOWN};

    if (name_end == NULL || name_end[1] != ' ')
        return state;
    if (name_end[2] == 'R')
        state.status = WEIR__THREAD_RUNS;
    else if (name_end[2] == 'S' || name_end[2] == 'D')
        state.status = WEIR__THREAD_SLEEPS;
    return state;
}

static int open_file(pid_t tid, const char *name)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/self/task/%d/%s", (int)tid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

void weir__thread_state_open(struct weir__thread_state_files *f, pid_t tid)
{
    f->syscall = open_file(tid, "syscall");
    f->stat = open_file(tid, "stat");
}

void weir__thread_state_close(struct weir__thread_state_files *f)
{
    if (f->syscall >= 0)
        close(f->syscall);
    if (f->stat >= 0)
        close(f->stat);
    f->syscall = f->stat = -1;
}

static const char *read_text(int fd, char text[TEXT_BYTES])
{
    ssize_t n = fd < 0 ? 0 : pread(fd, text, TEXT_BYTES - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

struct weir__thread_state weir__thread_state_look(const struct weir__thread_state_files *f)
{
    char text[TEXT_BYTES];
    struct weir__thread_state state = weir__thread_state_read_syscall(read_text(f->syscall, text));

    return state.status != WEIR__THREAD_UNKNOWN ? state
                                                : weir__thread_state_read_stat(read_text(f->stat, text));
}

bool weir__thread_state_is_same(const struct weir__thread_state *a, const struct weir__thread_state *b)
{
    return a->status == b->status && a->call == b->call && a->sp == b->sp && a->pc == b->pc &&
           memcmp(a->arg, b->arg, sizeof a->arg) == 0;
}
