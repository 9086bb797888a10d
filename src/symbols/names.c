/* SPDX-License-Identifier: MIT */
/* Names of addresses, by the debug information and the symbols of the program and its libraries. */
#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/modules.h"
#include "symbols/symbols_inside.h"

enum { MODULES_LOOKED_FOR_MAX = 64 };

/* The number of texts is that of the functions and files of the program, so it needs no maximum of its own.
 */
static const char *keep(struct weir__symbols *s, const char *text)
{
    const char *kept = weir__intern_keep(&s->texts, text);

    return kept != NULL ? kept : "?";
}

/* --- modules --- */

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = dwfl_build_id_find_debuginfo, /* on this machine; other finders ask a server */
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
    /* The module may have been loaded since. The tries are limited, because code of no file is never found.
     */
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

/* The compilation unit with the address. The index of units attributes what lies between two units, such as
 * code without debug information, to the first; and compilers other than gcc may leave the index out. */
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

/* Takes the place where an inlined function was called. */
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

/* Takes one frame for each function around the address. frame[0] has its line already. */
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

/* The name without debug information: the symbol, or file and offset. */
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

bool weir__symbols_module_is_system(Dwfl_Module *module)
{
    const char *path =
        module == NULL ? NULL : dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

    return path != NULL && (strncmp(path, "/lib", 4) == 0 || strncmp(path, "/usr/lib", 8) == 0 ||
                            path[0] == '['); /* [vdso]: code of the kernel */
}

/* For libraries of the system the symbols suffice: their debug information is large and packed, and of little
 * use outside of them. */
size_t weir__symbols_find(struct weir__symbols *s, uintptr_t address, weir_frame *frame, size_t room)
{
    Dwfl_Module *module = weir__symbols_module(s, address);
    Dwarf_Addr bias = 0;

    Dwarf_Die *unit =
        module != NULL && !weir__symbols_module_is_system(module) ? unit_of(module, address, &bias) : NULL;
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
