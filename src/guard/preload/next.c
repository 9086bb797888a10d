/* SPDX-License-Identifier: MIT */
/* Searches the symbol tables of the loaded objects. */
#include "guard/preload/next.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The linker collects all DECLARE_NEXT() of the library between these. */
extern const struct weir__next __start_weir_next[] __attribute__((visibility("hidden")));
extern const struct weir__next __stop_weir_next[] __attribute__((visibility("hidden")));

/* The dynamic symbols of one loaded object. */
struct object {
    const ElfW(Sym) * symbols;
    const char *names;
    const ElfW(Half) * versions;
    const uint32_t *hash; /* DT_GNU_HASH */
    ElfW(Addr) base;
};

static bool has(const struct dl_phdr_info *info, const void *address)
{
    ElfW(Addr) at = (ElfW(Addr))address - info->dlpi_addr;

    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && at >= part->p_vaddr && at < part->p_vaddr + part->p_memsz)
            return true;
    }
    return false;
}

/* The address of an entry. In most objects, but not in all, the dynamic linker has replaced offsets by
 * addresses. */
static const void *address_of(const struct dl_phdr_info *info, const ElfW(Dyn) * entry)
{
    ElfW(Addr) at = entry->d_un.d_ptr;

    return (const void *)(at >= info->dlpi_addr ? at : at + info->dlpi_addr);
}

static bool open_object(const struct dl_phdr_info *info, struct object *o)
{
    const ElfW(Dyn) *entry = NULL;

    *o = (struct object){.base = info->dlpi_addr};
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            entry = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    for (; entry != NULL && entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_SYMTAB)
            o->symbols = address_of(info, entry);
        else if (entry->d_tag == DT_STRTAB)
            o->names = address_of(info, entry);
        else if (entry->d_tag == DT_VERSYM)
            o->versions = address_of(info, entry);
        else if (entry->d_tag == DT_GNU_HASH)
            o->hash = address_of(info, entry);
    }
    return o->symbols != NULL && o->names != NULL && o->hash != NULL;
}

static uint32_t hash_of(const char *name)
{
    uint32_t hash = 5381;

    for (; *name != '\0'; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

/* Whether a symbol is the default version of the function, not one that is kept for old programs. */
static bool is_wanted(const struct object *o, uint32_t i, const char *name)
{
    const ElfW(Sym) *symbol = &o->symbols[i];
    bool hidden = o->versions != NULL && (o->versions[i] & 0x8000) != 0;

    return symbol->st_shndx != SHN_UNDEF && (symbol->st_info & 0xf) == STT_FUNC && !hidden &&
           strcmp(o->names + symbol->st_name, name) == 0;
}

static void *find_in(const struct object *o, const char *name)
{
    uint32_t buckets = o->hash[0], first = o->hash[1], bloom_words = o->hash[2];
    const uint32_t *bucket = o->hash + 4 + bloom_words * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    const uint32_t *chain = bucket + buckets;
    uint32_t hash = hash_of(name);
    uint32_t i = buckets > 0 ? bucket[hash % buckets] : 0;

    if (i < first)
        return NULL;
    for (;; i++) {
        uint32_t here = chain[i - first]; /* the lowest bit marks the end of the chain */
        if ((here | 1) == (hash | 1) && is_wanted(o, i, name))
            return (void *)(o->base + o->symbols[i].st_value);
        if ((here & 1) != 0)
            return NULL;
    }
}

struct search {
    const struct weir__next *from, *to;
    bool before; /* this library has not been visited yet, so the objects are not next to it */
};

/* Called for each object, in the order in which the dynamic linker searches them. */
static int visit(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    struct search *search = arg;
    struct object object;

    (void)bytes;
    if (has(info, (const void *)__start_weir_next)) {
        search->before = false;
        return 0;
    }
    if (search->before || !open_object(info, &object))
        return 0;
    for (const struct weir__next *next = search->from; next < search->to; next++) {
        void **where = next->where;
        if (__atomic_load_n(where, __ATOMIC_RELAXED) == NULL)
            __atomic_store_n(where, find_in(&object, next->name), __ATOMIC_RELAXED);
    }
    return 0;
}

/* The second pass is for a library loaded by dlopen(), and so behind the C library. */
static void find(const struct weir__next *from, const struct weir__next *to)
{
    struct search search = {from, to, true};

    (void)dl_iterate_phdr(visit, &search);
    search.before = false;
    (void)dl_iterate_phdr(visit, &search);
}

static void say(const char *text)
{
    (void)!syscall(SYS_write, STDERR_FILENO, text, strlen(text));
}

void *weir__next_find(const struct weir__next *next)
{
    void **where = next->where;

    find(next, next + 1);
    if (*where == NULL) {
        say("libweir-guard: no library has ");
        say(next->name);
        say("\n");
        abort();
    }
    return *where;
}

void weir__next_find_all(void)
{
    find(__start_weir_next, __stop_weir_next);
}
