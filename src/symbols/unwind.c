/* SPDX-License-Identifier: MIT */
/* Stacks from copies of stacks: by unwind tables, which every library has, and which end exactly at the base
 * of a task; by frame pointers, which all our own code has, where there are none.
 *
 * Of a thread asleep in a system call only two registers are known. The tables get out of libc's wrapper with
 * those; the caller's frame pointer is then found by trying: it is the address of the first frame record
 * above from which the chain of records reaches the base.
 */
#include <string.h>
#include <ucontext.h>

#include "base/guard_exempt.h"
#include "symbols/symbols_inside.h"

enum { THREAD = 1, CALL_BYTES_MAX = 7, GUESSES_MAX = 64 };

/* --- registers --- */

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
enum { REGISTERS = 17 };
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
enum { REGISTERS = 32 };
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

/* --- the copy --- */

static bool read_word(const struct weir__stack_copy *stack, uintptr_t address, uintptr_t *out)
{
    if (address % sizeof *out != 0 || address < stack->low ||
        address - stack->low + sizeof *out > stack->count)
        return false;
    memcpy(out, (const char *)stack->bytes + (address - stack->low), sizeof *out);
    return true;
}

/* Whether a call ends before this address, and into which function it goes; 0: that can't be seen. */
static bool is_after_call(struct weir__symbols *s, uintptr_t address, uintptr_t *callee)
{
    unsigned char code[CALL_BYTES_MAX];

    *callee = 0;
    if (address < 4096 || weir__symbols_module(s, address) == NULL ||
        !weir__peek(&s->peek, (const void *)(address - sizeof code), code, sizeof code))
        return false;
#if defined(__x86_64__)
    if (code[2] == 0xe8) { /* call rel32 */
        int32_t distance;
        memcpy(&distance, code + 3, sizeof distance);
        *callee = address + (uintptr_t)(intptr_t)distance;
        return true;
    }
    for (int at = 0; at <= 5; at++) /* call r/m: ff /2, from two bytes to seven */
        if (code[at] == 0xff && (code[at + 1] >> 3 & 7) == 2)
            return true;
    return false;
#else
    uint32_t instruction;
    memcpy(&instruction, code + sizeof code - 4, sizeof instruction);
    if (instruction >> 26 == 0x25) { /* bl */
        *callee = address - 4 + (uintptr_t)(((intptr_t)(int32_t)(instruction << 6)) >> 4);
        return true;
    }
    return (instruction & 0xfffffc1fu) == 0xd63f0000u; /* blr */
#endif
}

/* Follows frame records from fp on. A chain is whole when it ends with a record that has no caller's.
 * Returns: how many return addresses. */
static size_t follow_records(struct weir__symbols *s, const struct weir__stack_copy *stack, uintptr_t fp,
                             uintptr_t *out, size_t room, bool *whole)
{
    size_t n = 0;

    *whole = false;
    while (n < room) {
        uintptr_t next, address, callee;
        if (!read_word(stack, fp, &next) || !read_word(stack, fp + sizeof next, &address) ||
            !is_after_call(s, address, &callee))
            break;
        out[n++] = address;
        *whole = next == 0;
        if (next <= fp)
            break;
        fp = next;
    }
    return n;
}

/* --- by tables --- */

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
    bool first = *thread_arg == NULL;

    (void)dwfl;
    *thread_arg = arg;
    return first ? THREAD : 0;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
    (void)dwfl;
    *thread_arg = arg;
    return tid == THREAD;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *out, void *arg)
{
    struct weir__symbols *s = arg;
    uintptr_t word;

    (void)dwfl;
    s->missed = !read_word(s->stack, address, &word);
    if (!s->missed)
        *out = word;
    return !s->missed;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
    const struct weir__symbols *s = arg;

    if (!dwfl_thread_state_registers(thread, 0, REGISTERS, s->registers->general))
        return false;
    dwfl_thread_state_register_pc(thread, s->registers->pc);
    return true;
}

static const Dwfl_Thread_Callbacks thread_callbacks = {.next_thread = next_thread,
                                                       .get_thread = get_thread,
                                                       .memory_read = read_memory,
                                                       .set_initial_registers = set_registers};

struct frames {
    uintptr_t *out;
    size_t count, room;
};

static int take_frame(Dwfl_Frame *state, void *arg)
{
    struct frames *f = arg;
    Dwarf_Addr pc;

    if (!dwfl_frame_pc(state, &pc, NULL))
        return DWARF_CB_ABORT;
    if (f->count == f->room)
        return DWARF_CB_ABORT;
    f->out[f->count++] = pc;
    return DWARF_CB_OK;
}

static size_t follow_tables(struct weir__symbols *s, const struct weir__registers *r,
                            const struct weir__stack_copy *stack, uintptr_t *out, size_t room, bool *whole)
{
    struct frames f = {.out = out, .room = room};

    *whole = false;
    if (weir__symbols_module(s, r->pc) == NULL)
        return 0;
    if (!s->attached)
        s->attached = dwfl_attach_state(s->dwfl, NULL, THREAD, &thread_callbacks, s);
    s->registers = r;
    s->stack = stack;
    s->missed = false;
    /* What lies outside the copy ends a stack, too, without an error. */
    *whole = s->attached && dwfl_getthread_frames(s->dwfl, THREAD, take_frame, &f) == 0 && !s->missed;
    return f.count;
}

/* --- both --- */

static uintptr_t start_of(struct weir__symbols *s, uintptr_t address)
{
    Dwfl_Module *module = weir__symbols_module(s, address);
    GElf_Off offset = 0;
    GElf_Sym symbol;

    if (module == NULL || dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL) == NULL)
        return 0;
    return address - offset;
}

/* How well a frame record at fp suits the function that has pc. */
enum fit { NOT_AT_ALL, MAYBE, CALLED_IT };

static enum fit fit_of(struct weir__symbols *s, const struct weir__stack_copy *stack, uintptr_t fp,
                       uintptr_t pc)
{
    uintptr_t rest[WEIR__UNWIND_MAX], callee;
    bool whole;

    if (follow_records(s, stack, fp, rest, WEIR__UNWIND_MAX, &whole) == 0)
        return NOT_AT_ALL;
    (void)is_after_call(s, rest[0], &callee);
    if (callee != 0 && start_of(s, pc) == callee)
        return CALLED_IT; /* whether or not there are records all the way, which below main() there are not */
    if (!whole)
        return NOT_AT_ALL;
    /* It was called by a pointer, or by way of a linkage table. */
    return callee == 0 || start_of(s, callee) != callee ||
                   weir__symbols_module(s, callee) != weir__symbols_module(s, pc)
               ? MAYBE
               : NOT_AT_ALL;
}

/* The tables, with one frame pointer after another until the base is reached. What earlier calls have left
 * lying about leads there, too: so a record whose caller calls this very function goes before those that only
 * may. */
static size_t guess(struct weir__symbols *s, const struct weir__registers *r,
                    const struct weir__stack_copy *stack, uintptr_t *out, size_t room, bool *whole)
{
    struct weir__registers tried = *r;
    size_t count = follow_tables(s, &tried, stack, out, room, whole);
    uintptr_t pc = count > 1 ? out[count - 1] : r->pc; /* the function whose frame pointer is wanted */
    uintptr_t low = (r->general[WEIR__REGISTER_SP] + sizeof low - 1) & ~(sizeof low - 1);
    uintptr_t end = stack->low + stack->count;

    for (enum fit wanted = CALLED_IT; wanted > NOT_AT_ALL; wanted--) {
        int guesses = 0;
        for (uintptr_t fp = low; !*whole && fp < end && guesses < GUESSES_MAX; fp += sizeof fp) {
            if (fit_of(s, stack, fp, pc) != wanted)
                continue;
            guesses++;
            tried.general[WEIR__REGISTER_FP] = fp;
            count = follow_tables(s, &tried, stack, out, room, whole);
        }
    }
    return count;
}

size_t weir__symbols_unwind(struct weir__symbols *s, const struct weir__registers *r,
                            const struct weir__stack_copy *stack, uintptr_t *out, size_t room, bool *complete)
{
    size_t count;

    *complete = false;
    if (room == 0)
        return 0;
    weir__guard_exempt_begin(); /* files are read */
    pthread_mutex_lock(&s->lock);
    count = r->complete ? follow_tables(s, r, stack, out, room, complete)
                        : guess(s, r, stack, out, room, complete);
    if (!*complete) {
        uintptr_t by_records[WEIR__UNWIND_MAX];
        size_t most = room - 1 < WEIR__UNWIND_MAX ? room - 1 : WEIR__UNWIND_MAX;
        size_t records = follow_records(s, stack, r->general[WEIR__REGISTER_FP], by_records, most, complete);
        if (*complete || records + 1 > count) {
            out[0] = r->pc;
            memcpy(out + 1, by_records, records * sizeof *out);
            count = records + 1;
        }
    }
    pthread_mutex_unlock(&s->lock);
    weir__guard_exempt_end();
    return count;
}
