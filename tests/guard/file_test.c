/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "guard/sins.h"

ssize_t __pread_chk(int fd, void *data, size_t bytes, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void *data, size_t bytes, off_t offset, size_t room);

static char byte;
static const struct iovec piece = {&byte, 1};

/* Defines a function that makes a call on a file on a disk. */
#define ON_FILE(name, call)                                                                                  \
    static void name(void)                                                                                   \
    {                                                                                                        \
        int fd = disk_file();                                                                                \
        assert_true((call) >= 0);                                                                            \
        close(fd);                                                                                           \
    }

ON_FILE(reads, read(fd, &byte, 1))
ON_FILE(reads_pieces, readv(fd, &piece, 1))
ON_FILE(reads_at, pread(fd, &byte, 1, 0))
ON_FILE(reads_at64, pread64(fd, &byte, 1, 0))
ON_FILE(reads_at_checked, __pread_chk(fd, &byte, 1, 0, 1))
ON_FILE(reads_at64_checked, __pread64_chk(fd, &byte, 1, 0, 1))
ON_FILE(reads_pieces_at, preadv(fd, &piece, 1, 0))
ON_FILE(reads_pieces_at64, preadv64(fd, &piece, 1, 0))
ON_FILE(reads_with_flags, preadv2(fd, &piece, 1, 0, 0))
ON_FILE(reads_with_flags64, preadv64v2(fd, &piece, 1, 0, 0))
ON_FILE(reads_cached, preadv2(fd, &piece, 1, 0, RWF_NOWAIT) + 1)
ON_FILE(writes, write(fd, "x", 1))
ON_FILE(writes_pieces, writev(fd, &piece, 1))
ON_FILE(writes_at, pwrite(fd, "x", 1, 0))
ON_FILE(writes_at64, pwrite64(fd, "x", 1, 0))
ON_FILE(writes_pieces_at, pwritev(fd, &piece, 1, 0))
ON_FILE(writes_pieces_at64, pwritev64(fd, &piece, 1, 0))
ON_FILE(writes_with_flags, pwritev2(fd, &piece, 1, 0, 0))
ON_FILE(writes_with_flags64, pwritev64v2(fd, &piece, 1, 0, 0))

static int memory_file(void)
{
    int fd = memfd_create("guard", MFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* It has no disk, so the call does not wait. */
static void uses_memory(void)
{
    int fd = memory_file();

    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(pread(fd, &byte, 1, 0), 1);
    close(fd);
}

static void files_are_caught_by_names_of_their_own(void **state)
{
    static const struct sin sins[] = {
        {"read:file", "weir_offload(weir_pool_blocking()", reads, uses_memory},
        {"readv:file", "weir_offload(weir_pool_blocking()", reads_pieces, NULL},
        {"pread:file", "weir_offload(weir_pool_blocking()", reads_at, NULL},
        {"preadv:file", "weir_offload(weir_pool_blocking()", reads_pieces_at, NULL},
        {"preadv2:file", "weir_offload(weir_pool_blocking()", reads_with_flags, reads_cached},
        {"write:file", "weir_offload(weir_pool_blocking()", writes, NULL},
        {"writev:file", "weir_offload(weir_pool_blocking()", writes_pieces, NULL},
        {"pwrite:file", "weir_offload(weir_pool_blocking()", writes_at, NULL},
        {"pwritev:file", "weir_offload(weir_pool_blocking()", writes_pieces_at, NULL},
        {"pwritev2:file", "weir_offload(weir_pool_blocking()", writes_with_flags, NULL},
    };

    (void)state;

    need_guard();
    check_sins(sins, sizeof sins / sizeof sins[0]);
}

static void other_forms_are_the_same_calls(void **state)
{
    static const struct {
        const char *call;
        void (*commit)(void);
    } forms[] = {
        {"pread:file", reads_at64},           {"pread:file", reads_at_checked},
        {"pread:file", reads_at64_checked},   {"preadv:file", reads_pieces_at64},
        {"preadv2:file", reads_with_flags64}, {"pwrite:file", writes_at64},
        {"pwritev:file", writes_pieces_at64}, {"pwritev2:file", writes_with_flags64},
    };
    (void)state;

    need_guard();
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        uint64_t before = weir_guard_call_count(forms[i].call), all = caught();
        in_task(forms[i].commit);
        assert_int_equal(weir_guard_call_count(forms[i].call), before + 1);
        assert_int_equal(caught(), all + 1);
    }
}

/* --- reaching the disk --- */

#define ON_MEMORY(name, call)                                                                                \
    static void name(void)                                                                                   \
    {                                                                                                        \
        int fd = memory_file();                                                                              \
        (void)(call);                                                                                        \
        close(fd);                                                                                           \
    }

ON_MEMORY(syncs_file, fsync(fd))
ON_MEMORY(syncs_data, fdatasync(fd))
ON_MEMORY(syncs_system, syncfs(fd))
ON_MEMORY(syncs_range, sync_file_range(fd, 0, 1, SYNC_FILE_RANGE_WRITE))

static void sync_memory_with(int flags)
{
    int fd = memory_file();
    void *memory;

    assert_int_equal(ftruncate(fd, 4096), 0);
    memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(memory != MAP_FAILED);
    assert_int_equal(msync(memory, 4096, flags), 0);
    munmap(memory, 4096);
    close(fd);
}

static void syncs_memory(void)
{
    sync_memory_with(MS_SYNC);
}

static void syncs_memory_later(void)
{
    sync_memory_with(MS_ASYNC);
}

static void reaching_the_disk_is_caught(void **state)
{
    static const struct sin sins[] = {
        {"fsync", "weir_offload(weir_pool_blocking()", syncs_file, NULL},
        {"fdatasync", "weir_offload(weir_pool_blocking()", syncs_data, NULL},
        {"sync", "weir_offload(weir_pool_blocking()", sync, NULL},
        {"syncfs", "weir_offload(weir_pool_blocking()", syncs_system, NULL},
        {"sync_file_range", "weir_offload(weir_pool_blocking()", syncs_range, NULL},
        {"msync", "weir_offload(weir_pool_blocking()", syncs_memory, syncs_memory_later},
    };

    (void)state;

    need_guard();
    check_sins(sins, sizeof sins / sizeof sins[0]);
}

/* --- locks on files --- */

static const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

ON_MEMORY(locks, flock(fd, LOCK_EX))
ON_MEMORY(locks_now, flock(fd, LOCK_EX | LOCK_NB) + flock(fd, LOCK_UN))
ON_MEMORY(locks_by_control, fcntl(fd, F_SETLKW, &whole))
ON_MEMORY(locks_by_control_now,
          fcntl(fd, F_SETLK, &whole) + fcntl(fd, F_GETFL) + fcntl(fd, F_SETFD, FD_CLOEXEC))
ON_MEMORY(locks_by_control64, fcntl64(fd, F_OFD_SETLKW, &whole))
ON_MEMORY(locks_as_posix, lockf(fd, F_LOCK, 1))
ON_MEMORY(locks_as_posix_now, lockf(fd, F_TLOCK, 1) + lockf(fd, F_ULOCK, 1))
ON_MEMORY(locks_as_posix64, lockf64(fd, F_LOCK, 1))

static void locks_on_files_are_caught(void **state)
{
    static const struct sin sins[] = {
        {"flock", "the form that does not wait", locks, locks_now},
        {"fcntl", "the form that does not wait", locks_by_control, locks_by_control_now},
        {"lockf", "the form that does not wait", locks_as_posix, locks_as_posix_now},
    };
    uint64_t before;

    (void)state;

    need_guard();
    check_sins(sins, sizeof sins / sizeof sins[0]);
    before = caught();
    in_task(locks_by_control64);
    in_task(locks_as_posix64);
    assert_int_equal(caught(), before + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_caught_by_names_of_their_own),
        cmocka_unit_test(other_forms_are_the_same_calls),
        cmocka_unit_test(reaching_the_disk_is_caught),
        cmocka_unit_test(locks_on_files_are_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
