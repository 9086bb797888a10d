/* SPDX-License-Identifier: MIT */
/* Names for addresses. What has been found is kept, since the same places are asked for again and again. */
#include "symbols/symbols.h"

#include <dwarf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/guard_exempt.h"
#include "symbols/modules.h"
#include "symbols/symbols_inside.h"

enum { KNOWN_MAX = 8192, INLINED_MAX = 16, MODULES_LOOKED_FOR_MAX = 64 };

/* --- texts, each kept once --- */

static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

static bool grow_texts(struct weir__symbols *s)
{
    size_t room = s->text_room == 0 ? 256 : 2 * s->text_room;
    char **texts = calloc(room, sizeof *texts);

    if (texts == NULL)
        return false;
    for (size_t i = 0; i < s->text_room; i++) {
        if (s->texts[i] == NULL)
            continue;
        size_t at = hash_of(s->texts[i]) & (room - 1);
        while (texts[at] != NULL)
            at = (at + 1) & (room - 1);
        texts[at] = s->texts[i];
    }
    free(s->texts);
    s->texts = texts;
    s->text_room = room;
    return true;
}

/* There are as many as the program has functions and files: no more is ever kept. */
static const char *keep(struct weir__symbols *s, const char *text)
{
    size_t at;

    if (2 * (s->text_count + 1) > s->text_room && !grow_texts(s))
        return "?";
    at = hash_of(text) & (s->text_room - 1);
    while (s->texts[at] != NULL && strcmp(s->texts[at], text) != 0)
        at = (at + 1) & (s->text_room - 1);
    if (s->texts[at] == NULL) {
        s->texts[at] = strdup(text);
        if (s->texts[at] == NULL)
            return "?";
        s->text_count++;
    }
    return s->texts[at];
}

/* --- the program's modules --- */

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo =
        dwfl_build_id_find_debuginfo, /* by build-id on this machine; others would ask a server */
};

Dwfl_Module *weir__symbols_module(struct weir__symbols *s, uintptr_t address)
{
    Dwfl_Module *module;

    if (s->dwfl == NULL) {
        s->dwfl = dwfl_begin(&callbacks);
        if (s->dwfl == NULL || !weir__modules_report(s->dwfl))
            return NULL;
    }
    module = dwfl_addrmodule(s->dwfl, address);
    /* It may have been loaded since; but code that belongs to no file is looked for in vain each time. */
    if (module == NULL && s->looked_for < MODULES_LOOKED_FOR_MAX) {
        s->looked_for++;
        if (weir__modules_report(s->dwfl))
            module = dwfl_addrmodule(s->dwfl, address);
    }
    return module;
}

/* --- naming --- */

static const char *file_of(struct weir__symbols *s, const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;

    return path == NULL ? NULL : keep(s, slash != NULL ? slash + 1 : path);
}

/* The unit of code that has the address. The index that finds it takes what lies between two units for the
 * first one's, such as code without debug information; compilers other than gcc leave it out. */
static Dwarf_Die *unit_of(Dwfl_Module *module, Dwarf_Addr address, Dwarf_Addr *bias)
{
    Dwarf_Die *unit = dwfl_module_addrdie(module, address, bias);

    if (unit != NULL && dwarf_haspc(unit, address - *bias) > 0)
        return unit;
    unit = NULL;
    while ((unit = dwfl_module_nextcu(module, unit, bias)) != NULL)
        if (dwarf_haspc(unit, address - *bias) > 0)
            return unit;
    return NULL;
}

static void take_line(struct weir__symbols *s, Dwarf_Die *unit, Dwarf_Addr address, weir_frame *frame)
{
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);

    if (line == NULL)
        return;
    (void)dwarf_lineno(line, &frame->line);
    frame->file = file_of(s, dwarf_linesrc(line, NULL, NULL));
}

static const char *name_of(Dwarf_Die *scope)
{
    const char *name = dwarf_diename(scope);

    return name != NULL ? name : "?";
}

/* Where an inlined function was called. */
static void take_call_site(struct weir__symbols *s, Dwarf_Die *unit, Dwarf_Die *scope, weir_frame *frame)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    Dwarf_Files *files;
    size_t count;

    if (dwarf_formudata(dwarf_attr(scope, DW_AT_call_line, &attribute), &value) == 0)
        frame->line = (int)value;
    if (dwarf_formudata(dwarf_attr(scope, DW_AT_call_file, &attribute), &value) == 0 &&
        dwarf_getsrcfiles(unit, &files, &count) == 0)
        frame->file = file_of(s, dwarf_filesrc(files, value, NULL, NULL));
}

/* One frame for each function the address is in; frame[0] has its line already. */
static size_t take_functions(struct weir__symbols *s, Dwarf_Die *unit, Dwarf_Addr address, weir_frame *frame,
                             size_t room)
{
    Dwarf_Die *innermost = NULL, *scopes = NULL;
    int found = dwarf_getscopes(unit, address, &innermost);
    int count = found > 0 ? dwarf_getscopes_die(&innermost[0], &scopes) : 0;
    size_t n = 0;

    for (int i = 0; i < count && n < room; i++) {
        int tag = dwarf_tag(&scopes[i]);
        if (tag != DW_TAG_subprogram && tag != DW_TAG_inlined_subroutine)
            continue;
        frame[n].function = keep(s, name_of(&scopes[i]));
        frame[n].is_inlined = tag == DW_TAG_inlined_subroutine && n + 1 < room;
        n++;
        if (!frame[n - 1].is_inlined)
            break;
        frame[n] = (weir_frame){.function = "?", .address = frame[0].address};
        take_call_site(s, unit, &scopes[i], &frame[n]);
    }
    free(scopes);
    free(innermost);
    return n;
}

/* Without debug information: the symbol, or where in which file. */
static const char *name_without_debug(struct weir__symbols *s, Dwfl_Module *module, Dwarf_Addr address)
{
    GElf_Off offset = 0;
    GElf_Sym symbol;
    char text[256];
    Dwarf_Addr start = 0;
    const char *file, *slash;
    const char *name =
        module != NULL ? dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL) : NULL;

    if (name != NULL) { /* "recv@@GLIBC_2.2.5" */
        snprintf(text, sizeof text, "%.*s", (int)strcspn(name, "@"), name);
        return keep(s, text);
    }
    file = module != NULL ? dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL) : NULL;
    if (file == NULL)
        return keep(s, "?");
    slash = strrchr(file, '/');
    snprintf(text, sizeof text, "%s+0x%llx", slash != NULL ? slash + 1 : file,
             (unsigned long long)(address - start));
    return keep(s, text);
}

/* The kernel's own page of code has no path. */
static bool is_system(Dwfl_Module *module)
{
    const char *path =
        module == NULL ? NULL : dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

    return path != NULL &&
           (strncmp(path, "/lib", 4) == 0 || strncmp(path, "/usr/lib", 8) == 0 || path[0] == '[');
}

/* Of the system's libraries the symbols are enough: their debug information is large, packed, and of no use
 * to who did not write them. */
static size_t find_names(struct weir__symbols *s, uintptr_t address, weir_frame *frame, size_t room)
{
    Dwfl_Module *module = weir__symbols_module(s, address);
    Dwarf_Addr bias = 0;
    Dwarf_Die *unit = module != NULL && !is_system(module) ? unit_of(module, address, &bias) : NULL;
    size_t n = 0;

    frame[0] = (weir_frame){.function = "?", .address = address};
    if (unit != NULL) {
        take_line(s, unit, address - bias, &frame[0]);
        n = take_functions(s, unit, address - bias, frame, room);
    }
    if (n > 0)
        return n;
    frame[0].function = name_without_debug(s, module, address);
    return 1;
}

/* --- what is known --- */

struct weir__known {
    uintptr_t address;
    size_t count;
    weir_frame frames[];
};

static void forget(struct weir__symbols *s)
{
    for (size_t i = 0; i < KNOWN_MAX; i++) {
        free(s->known[i]);
        s->known[i] = NULL;
    }
    s->known_count = 0;
}

static struct weir__known *look_up(struct weir__symbols *s, uintptr_t address)
{
    size_t at = (address * UINT64_C(0x9e3779b97f4a7c15)) >> 51; /* KNOWN_MAX is 2^13 */
    weir_frame frames[INLINED_MAX];
    size_t count;

    for (; s->known[at] != NULL; at = (at + 1) % KNOWN_MAX)
        if (s->known[at]->address == address)
            return s->known[at];
    count = find_names(s, address, frames, INLINED_MAX);
    s->known[at] = malloc(sizeof **s->known + count * sizeof *frames);
    if (s->known[at] == NULL)
        return NULL;
    s->known[at]->address = address;
    s->known[at]->count = count;
    memcpy(s->known[at]->frames, frames, count * sizeof *frames);
    s->known_count++;
    return s->known[at];
}

size_t weir__symbols_name(struct weir__symbols *s, uintptr_t address, bool is_return, weir_frame *out,
                          size_t room)
{
    const struct weir__known *known;
    size_t n = 0;

    weir__guard_exempt_begin(); /* files are read */
    pthread_mutex_lock(&s->lock);
    if (2 * s->known_count > KNOWN_MAX)
        forget(s);
    known = look_up(s, is_return ? address - 1 : address);
    for (; known != NULL && n < known->count && n < room; n++) {
        out[n] = known->frames[n];
        out[n].address = address;
    }
    pthread_mutex_unlock(&s->lock);
    weir__guard_exempt_end();
    if (n == 0 && room > 0)
        out[n++] = (weir_frame){.function = "?", .address = address};
    return n;
}

bool weir__symbols_is_system(struct weir__symbols *s, uintptr_t address)
{
    bool system;

    pthread_mutex_lock(&s->lock);
    system = is_system(weir__symbols_module(s, address));
    pthread_mutex_unlock(&s->lock);
    return system;
}

/* --- opening and closing --- */

int weir__symbols_open(struct weir__symbols **out)
{
    struct weir__symbols *s = calloc(1, sizeof *s);

    *out = s;
    if (s == NULL)
        return -ENOMEM;
    s->known = calloc(KNOWN_MAX, sizeof(struct weir__known *));
    if (s->known == NULL || weir__peek_open(&s->peek) < 0) {
        free(s->known);
        free(s);
        *out = NULL;
        return -ENOMEM;
    }
    atomic_init(&s->users, 1);
    pthread_mutex_init(&s->lock, NULL);
    return 0;
}

struct weir__symbols *weir__symbols_share(struct weir__symbols *s)
{
    atomic_fetch_add(&s->users, 1);
    return s;
}

void weir__symbols_close(struct weir__symbols *s)
{
    if (s == NULL || atomic_fetch_sub(&s->users, 1) > 1)
        return;
    forget(s);
    for (size_t i = 0; i < s->text_room; i++)
        free(s->texts[i]);
    free(s->texts);
    free(s->known);
    if (s->dwfl != NULL)
        dwfl_end(s->dwfl);
    weir__peek_close(&s->peek);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
