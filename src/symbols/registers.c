/* SPDX-License-Identifier: MIT */
/* The registers of a thread or task, by their DWARF numbers. */
#include <string.h>
#include <ucontext.h>

#include "symbols/symbols.h"

#if defined(__x86_64__)
void weir__registers_of_signal(struct weir__registers *r, const void *ucontext)
{
    static const int dwarf_order[16] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                        REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                        REG_R12, REG_R13, REG_R14, REG_R15};
    const ucontext_t *u = ucontext;

    for (size_t i = 0; i < 16; i++)
        r->general[i] = (uint64_t)u->uc_mcontext.gregs[dwarf_order[i]];
    r->pc = (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
    r->general[16] = r->pc;
    r->complete = true;
}

void weir__registers_of_parked(struct weir__registers *r, uintptr_t sp, const void *saved)
{
    static const int pushed[6] = {15, 14, 13, 12, 3, 6}; /* see switch_x86_64.S */
    uint64_t words[7];

    memcpy(words, saved, sizeof words);
    memset(r, 0, sizeof *r);
    for (size_t i = 0; i < 6; i++)
        r->general[pushed[i]] = words[i];
    r->pc = words[6];
    r->general[16] = r->pc;
    r->general[WEIR__REGISTER_SP] = sp + sizeof words;
    r->complete = true;
}
#else
void weir__registers_of_signal(struct weir__registers *r, const void *ucontext)
{
    const ucontext_t *u = ucontext;

    for (size_t i = 0; i < 31; i++)
        r->general[i] = u->uc_mcontext.regs[i];
    r->general[31] = u->uc_mcontext.sp;
    r->pc = u->uc_mcontext.pc;
    r->complete = true;
}

void weir__registers_of_parked(struct weir__registers *r, uintptr_t sp, const void *saved)
{
    memset(r, 0, sizeof *r);
    memcpy(&r->general[19], saved, 12 * sizeof r->general[0]); /* x19 to x30, see switch_aarch64.S */
    r->pc = r->general[30];
    r->general[WEIR__REGISTER_SP] = sp + WEIR__SAVED_BYTES;
    r->complete = true;
}
#endif

void weir__registers_of_sleeper(struct weir__registers *r, uintptr_t sp, uintptr_t pc)
{
    memset(r, 0, sizeof *r);
    r->general[WEIR__REGISTER_SP] = sp;
    r->pc = pc;
#if defined(__x86_64__)
    r->general[16] = pc;
#endif
}
