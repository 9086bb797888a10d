/* SPDX-License-Identifier: MIT */
#include "watch/stall_hint.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <weir/guard.h>

#include "guard/calls.h"

/* --- the frame of the program --- */

static bool begins_with(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_users(const weir_frame *frame, bool is_system)
{
    return !is_system && !begins_with(frame->function, "weir_");
}

size_t weir__stall_user_frame(const weir_frame *frames, const bool *is_system, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_users(&frames[i], is_system[i]))
            return i;
    for (size_t i = 0; i < count; i++)
        if (!is_system[i])
            return i;
    return 0;
}

/* --- the call that blocks --- */

/* The names of the guard, by number of the system call. */
static const struct {
    long number;
    const char *name;
} calls[] = {
    {SYS_accept, "accept"},
    {SYS_accept4, "accept4"},
    {SYS_clock_nanosleep, "clock_nanosleep"},
    {SYS_connect, "connect"},
    {SYS_copy_file_range, "copy_file_range:file"},
    {SYS_epoll_pwait, "epoll_pwait"},
    {SYS_epoll_pwait2, "epoll_pwait2"},
    {SYS_fcntl, "fcntl"},
    {SYS_fdatasync, "fdatasync"},
    {SYS_flock, "flock"},
    {SYS_fsync, "fsync"},
    {SYS_msync, "msync"},
    {SYS_mq_timedreceive, "mq_timedreceive"},
    {SYS_mq_timedsend, "mq_timedsend"},
    {SYS_msgrcv, "msgrcv"},
    {SYS_msgsnd, "msgsnd"},
    {SYS_nanosleep, "nanosleep"},
    {SYS_ppoll, "ppoll"},
    {SYS_pread64, "pread:file"},
    {SYS_preadv, "preadv:file"},
    {SYS_preadv2, "preadv2:file"},
    {SYS_pselect6, "pselect"},
    {SYS_pwrite64, "pwrite:file"},
    {SYS_pwritev, "pwritev:file"},
    {SYS_pwritev2, "pwritev2:file"},
    {SYS_read, "read"},
    {SYS_readv, "readv"},
    {SYS_recvfrom, "recv"},
    {SYS_recvmmsg, "recvmmsg"},
    {SYS_recvmsg, "recvmsg"},
    {SYS_rt_sigsuspend, "sigsuspend"},
    {SYS_rt_sigtimedwait, "sigtimedwait"},
    {SYS_semop, "semop"},
    {SYS_semtimedop, "semtimedop"},
    {SYS_sendfile, "sendfile"},
    {SYS_sendmmsg, "sendmmsg"},
    {SYS_sendmsg, "sendmsg"},
    {SYS_sendto, "send"},
    {SYS_splice, "splice"},
    {SYS_sync, "sync"},
    {SYS_sync_file_range, "sync_file_range"},
    {SYS_syncfs, "syncfs"},
    {SYS_tee, "tee"},
    {SYS_vmsplice, "vmsplice"},
    {SYS_wait4, "waitpid"},
    {SYS_waitid, "waitid"},
    {SYS_write, "write"},
    {SYS_writev, "writev"},
#ifdef SYS_poll
    {SYS_poll, "poll"},
    {SYS_select, "select"},
    {SYS_epoll_wait, "epoll_wait"},
    {SYS_pause, "pause"},
#endif
};

static const char *name_of_number(long number)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == number)
            return calls[i].name;
    return NULL;
}

/* Finds the call of the guard behind a symbol: "__clock_nanosleep@@GLIBC_2.17" is clock_nanosleep. Returns:
 * its number; -1: the guard does not know it. */
static int call_of(const char *function)
{
    static const char *const prefixes[] = {"__GI_", "__libc_", "__"};

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (begins_with(function, prefixes[i]))
            function += strlen(prefixes[i]);
    return weir__guard_call_find(function, strcspn(function, "@"));
}

/* The outermost known call inside the program's function: getaddrinfo rather than the poll in it. Without
 * symbols the number of the system call decides. */
static int call_that_blocks(const weir_frame *frames, size_t user_frame,
                            const struct weir__thread_state *state)
{
    const char *name;

    for (size_t i = user_frame; i-- > 0;)
        if (call_of(frames[i].function) >= 0)
            return call_of(frames[i].function);
    name = name_of_number(state->call);
    return name != NULL ? weir__guard_call_find(name, strlen(name)) : -1;
}

/* Reads and writes of regular files have a hint of their own. */
static int call_on_file(int call, const struct weir__thread_state *state)
{
    const char *name = weir_guard_call_name((size_t)call);
    char with_file[64];
    struct stat about;
    int file_call;

    if (state->call < 0 || fstat((int)state->arg[0], &about) < 0 || !S_ISREG(about.st_mode))
        return call;
    (void)snprintf(with_file, sizeof with_file, "%s:file", name);
    file_call = weir__guard_call_find(with_file, strlen(with_file));
    return file_call >= 0 ? file_call : call;
}

/* --- the hint --- */

static void hint_of_blocked(const weir_frame *frames, size_t user_frame,
                            const struct weir__thread_state *state, char *out, size_t room)
{
    const char *function = frames[user_frame].function;
    int call = call_that_blocks(frames, user_frame, state);

    if (call >= 0) {
        call = call_on_file(call, state);
        (void)snprintf(out, room, "instead of %.*s: %s",
                       (int)strcspn(weir_guard_call_name((size_t)call), ":"),
                       weir_guard_call_name((size_t)call), weir__guard_call_hint(call));
    } else if (state->call == WEIR__CALL_NONE) {
        (void)snprintf(out, room,
                       "memory that is not resident, of a file or swapped out: "
                       "weir_offload(weir_pool_blocking(), \"%s\", …)",
                       function);
    } else if (state->call == SYS_futex) {
        (void)snprintf(
            out, room,
            "it waits for another thread: weir_mutex, weir_event … between tasks, weir_offload() for "
            "what a thread does");
    } else {
        (void)snprintf(out, room, "weir_offload(weir_pool_blocking(), \"%s\", …)", function);
    }
}

bool weir__stall_hint(enum weir_stall_type kind, const weir_frame *frames, size_t count, size_t user_frame,
                      const struct weir__thread_state *state, char *out, size_t room)
{
    out[0] = '\0';
    if (kind == WEIR_STALL_STARVED)
        (void)snprintf(out, room, "more threads are ready than there are CPUs");
    else if (kind == WEIR_STALL_THROTTLED)
        (void)snprintf(out, room, "the cgroup's CPU quota was used up (cpu.max)");
    else if (count > 0 && kind == WEIR_STALL_COMPUTING)
        (void)snprintf(out, room, "weir_offload(weir_pool_compute(), \"%s\", …)",
                       frames[user_frame].function);
    else if (count > 0)
        hint_of_blocked(frames, user_frame, state, out, room);
    return out[0] != '\0';
}
