/* SPDX-License-Identifier: MIT */
#include "core/peek.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096 }; /* no page is smaller */

/* --- by the kernel --- */

/* Called by its number: the sanitizers wrap the function, and would take its reads for accesses of the
 * program. */
static ssize_t read_process(const struct weir__peek *p, const void *from, void *to, size_t bytes)
{
    struct iovec here = {to, bytes}, there = {(void *)(uintptr_t)from, bytes};

    return syscall(SYS_process_vm_readv, p->process, &here, 1UL, &there, 1UL, 0UL);
}

int weir__peek_open(struct weir__peek *p)
{
    char probe, read;

    probe = 'x';
    *p = (struct weir__peek){.process = getpid(), .memory = -1};
    if (read_process(p, &probe, &read, 1) == 1)
        return 0;
    p->memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    return p->memory >= 0 ? 0 : -errno;
}

void weir__peek_close(struct weir__peek *p)
{
    if (p->memory >= 0)
        close(p->memory);
    p->memory = -1;
}

/* --- without it --- */

static const struct weir__span *span_of(const struct weir__peek *p, uintptr_t at)
{
    size_t low = 0, high = p->mapped_count;

    if (at >= p->near.low && at < p->near.high)
        return &p->near;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (at < p->mapped[middle].low)
            high = middle;
        else if (at >= p->mapped[middle].high)
            low = middle + 1;
        else
            return &p->mapped[middle];
    }
    return NULL;
}

void weir__peek_near(struct weir__peek *p, const void *at)
{
    const struct weir__span *span = span_of(p, (uintptr_t)at);

    p->near = span != NULL ? *span : (struct weir__span){0, 0};
}

/* Other threads write there meanwhile; the race is intended. */
__attribute__((no_sanitize("thread"), no_sanitize("address"))) static void copy(const void *from, void *to,
                                                                                size_t bytes)
{
    const volatile unsigned char *f = from;
    unsigned char *t = to;

    if (((uintptr_t)f | (uintptr_t)t) % sizeof(uint64_t) == 0) {
        for (; bytes >= sizeof(uint64_t); bytes -= sizeof(uint64_t)) {
            *(uint64_t *)(void *)t = *(const volatile uint64_t *)(const volatile void *)f;
            f += sizeof(uint64_t);
            t += sizeof(uint64_t);
        }
    }
    for (; bytes > 0; bytes--)
        *t++ = *f++;
}

/* Copies a part of a text. Returns: whether the end of the text was among the bytes; it is copied, too. */
__attribute__((no_sanitize("thread"), no_sanitize("address"))) static bool copy_text(const char *from,
                                                                                     char *to, size_t bytes)
{
    const volatile char *f = from;

    for (size_t i = 0; i < bytes; i++)
        if ((to[i] = f[i]) == '\0')
            return true;
    return false;
}

/* --- both --- */

static bool read_by_kernel(const struct weir__peek *p, const void *from, void *to, size_t bytes)
{
    ssize_t got;

    if (p->memory < 0)
        got = read_process(p, from, to, bytes);
    else
        got = pread(p->memory, to, bytes, (off_t)(uintptr_t)from);
    return got == (ssize_t)bytes;
}

bool weir__peek(const struct weir__peek *p, const void *from, void *to, size_t bytes)
{
    const struct weir__span *span = span_of(p, (uintptr_t)from);

    if (span == NULL || span->high - (uintptr_t)from < bytes)
        return read_by_kernel(p, from, to, bytes);
    copy(from, to, bytes);
    return true;
}

/* Reads up to the end of a page, or of what is mapped, at a time: what lies behind may not be there. */
bool weir__peek_text(const struct weir__peek *p, const char *from, char *to, size_t room)
{
    size_t at = 0;

    while (at < room - 1) {
        uintptr_t here = (uintptr_t)(from + at);
        const struct weir__span *span = span_of(p, here);
        size_t bytes = span != NULL ? span->high - here : PAGE - here % PAGE;
        if (bytes > room - 1 - at)
            bytes = room - 1 - at;
        if (span == NULL && !read_by_kernel(p, from + at, to + at, bytes)) {
            to[0] = '\0';
            return false;
        }
        if (span != NULL ? copy_text(from + at, to + at, bytes) : memchr(to + at, '\0', bytes) != NULL)
            return true;
        at += bytes;
    }
    to[at] = '\0';
    return true;
}
