/* SPDX-License-Identifier: MIT */
#include "supervisor/slimming.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Drops the pages of code of one library. They are never written to, so that nothing is lost. */
static int drop_code(struct dl_phdr_info *info, size_t size, void *arg)
{
    const uintptr_t page = *(const uintptr_t *)arg;

    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const uintptr_t start = (info->dlpi_addr + part->p_vaddr) & ~(page - 1);
        const uintptr_t end = (info->dlpi_addr + part->p_vaddr + part->p_memsz + page - 1) & ~(page - 1);

        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0 && (part->p_flags & PF_W) == 0)
            (void)madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void slim_down(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    (void)malloc_trim(0);
    (void)dl_iterate_phdr(drop_code, &page);
}
