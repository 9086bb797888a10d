/* SPDX-License-Identifier: MIT */
/* The buffers that a loop lends to receiving operations. */
#include "io/buffers.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>

#include "base/sanitizer.h"

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size) ((void)(addr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size) ((void)(addr), (void)(size))
#endif

static const size_t all_bytes = (size_t)WEIR__IO_BUFFERS_COUNT * WEIR__IO_BUFFERS_BYTES;

int weir__io_buffers_open(struct weir__io_buffers *buffers)
{
    void *memory = mmap(NULL, all_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return -ENOMEM;
    buffers->memory = memory;
    buffers->free_count = 0;
    for (unsigned i = WEIR__IO_BUFFERS_COUNT; i-- > 0;)
        buffers->free[buffers->free_count++] = (uint16_t)i;
    ASAN_POISON_MEMORY_REGION(buffers->memory, all_bytes);
    return 0;
}

void weir__io_buffers_close(struct weir__io_buffers *buffers)
{
    ASAN_UNPOISON_MEMORY_REGION(buffers->memory, all_bytes);
    munmap(buffers->memory, all_bytes);
}

int weir__io_buffers_take(struct weir__io_buffers *buffers)
{
    return buffers->free_count == 0 ? -1 : buffers->free[--buffers->free_count];
}

void weir__io_buffers_put(struct weir__io_buffers *buffers, unsigned number)
{
    assert(buffers->free_count < WEIR__IO_BUFFERS_COUNT);
    ASAN_POISON_MEMORY_REGION(buffers->memory + (size_t)number * WEIR__IO_BUFFERS_BYTES,
                              WEIR__IO_BUFFERS_BYTES);
    buffers->free[buffers->free_count++] = (uint16_t)number;
}

char *weir__io_buffers_data(struct weir__io_buffers *buffers, unsigned number)
{
    char *data = buffers->memory + (size_t)number * WEIR__IO_BUFFERS_BYTES;

    ASAN_UNPOISON_MEMORY_REGION(data, WEIR__IO_BUFFERS_BYTES);
    return data;
}

unsigned weir__io_buffers_number(const struct weir__io_buffers *buffers, const char *data)
{
    size_t offset = (size_t)(data - buffers->memory);

    assert(data >= buffers->memory && offset < all_bytes && offset % WEIR__IO_BUFFERS_BYTES == 0);
    return (unsigned)(offset / WEIR__IO_BUFFERS_BYTES);
}
