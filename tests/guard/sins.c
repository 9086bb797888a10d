/* SPDX-License-Identifier: MIT */
#include "guard/sins.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <unistd.h>

void need_guard(void)
{
    const weir_guard_options options = {.mode = WEIR_GUARD_COUNT};

    unsetenv("WEIR_GUARD");
    assert_int_equal(weir_guard_configure(&options), 0);
    if (weir_guard_mode_get() == WEIR_GUARD_OFF) {
        print_message("the guard is not part of this build\n");
        skip();
    }
}

uint64_t caught(void)
{
    const char *name;
    uint64_t sum = 0;

    for (size_t i = 0; (name = weir_guard_call_name(i)) != NULL; i++)
        sum += weir_guard_call_count(name);
    return sum;
}

static int run_void(void *arg)
{
    (*(void (**)(void))arg)();
    return 0;
}

void in_task(void (*fn)(void))
{
    weir_options options = {.io = WEIR_IO_EPOLL};

    assert_int_equal(weir_run(&options, run_void, &fn), 0);
}

int disk_file(void)
{
    char path[] = "guard-XXXXXX";
    struct statfs fs;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(fstatfs(fd, &fs), 0);
    if (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC) {
        print_message("the working directory is on no disk\n");
        close(fd);
        skip();
    }
    return fd;
}

void make_pipe(int ends[2], int flags)
{
    int nonblocking;

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    nonblocking = fcntl(ends[0], F_GETFL) & ~O_NONBLOCK;
    assert_int_equal(fcntl(ends[0], F_SETFL, nonblocking | flags), 0);
    nonblocking = fcntl(ends[1], F_GETFL) & ~O_NONBLOCK;
    assert_int_equal(fcntl(ends[1], F_SETFL, nonblocking | flags), 0);
}

void make_sockets(int ends[2], int type)
{
    assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(send(ends[0], "x", 1, MSG_DONTWAIT), 1);
    assert_int_equal(send(ends[1], "x", 1, MSG_DONTWAIT), 1);
}

bool is_of_this_program(const weir_frame *frame)
{
    Dl_info found, ours;

    return dladdr((const void *)frame->address, &found) != 0 &&
           dladdr((const void *)(uintptr_t)need_guard, &ours) != 0 && found.dli_fbase == ours.dli_fbase;
}

struct search {
    const struct sin *sin;
    uint64_t count;
    int found;
};

static int look_at(void *arg, const weir_guard_finding *finding)
{
    struct search *search = arg;

    if (strcmp(finding->function, search->sin->call) != 0)
        return 0;
    if (strstr(finding->hint, search->sin->hint) == NULL)
        fail_msg("%s: the hint is %s", search->sin->call, finding->hint);
    assert_string_equal(finding->task, "main");
    assert_null(finding->route);
    assert_true(finding->stack_depth >= 1);
    assert_int_equal(finding->stack[0].address, finding->place.address);
    assert_true(is_of_this_program(&finding->place));
    assert_non_null(finding->place.file);
    assert_true(finding->place.line > 0);
    search->count += finding->count;
    search->found++;
    return 0;
}

/* The numbers of further calls, of all calls, and of places. */
static void expect(const struct sin *sin, uint64_t before, uint64_t more, uint64_t count)
{
    struct search search = {.sin = sin};

    if (caught() - before != more)
        fail_msg("%s: %d more are caught, not %d", sin->call, (int)(caught() - before), (int)more);
    assert_int_equal(weir_guard_call_count(sin->call), count);
    assert_int_equal(weir_guard_each(look_at, &search), 0);
    assert_int_equal(search.count, count);
    assert_int_equal(search.found, count > 0 ? 1 : 0);
}

void check_sins(const struct sin *sins, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct sin *sin = &sins[i];
        uint64_t before = caught();

        sin->commit();
        expect(sin, before, 0, 0);
        if (sin->innocent != NULL)
            in_task(sin->innocent);
        expect(sin, before, 0, 0);
        in_task(sin->commit);
        expect(sin, before, 1, 1);
        in_task(sin->commit);
        expect(sin, before, 2, 2);
    }
}
