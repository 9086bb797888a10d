/* SPDX-License-Identifier: MIT */
/* Unwinds copied stacks: by unwind tables, which every library has, and which end exactly at the base of a
 * task; without tables by frame pointers, which all our own code has.
 *
 * Of a thread that sleeps in a system call only two registers are known. They are enough for the tables to
 * get out of libc's wrapper. The caller's frame pointer is then found by trying: it is the address of the
 * first frame record above from which the chain of records reaches the base.
 */
#include <string.h>

#include "base/guard_exempt.h"
#include "symbols/symbols_inside.h"

enum { THREAD = 1, CALL_BYTES_MAX = 7, GUESSES_MAX = 64 };

#if defined(__x86_64__)
enum { REGISTERS = 17 };
#else
enum { REGISTERS = 32 };
#endif

/* --- the copy --- */

static bool read_word(const struct weir__stack_copy *stack, uintptr_t address, uintptr_t *out)
{
    if (address % sizeof *out != 0 || address < stack->low ||
        address - stack->low + sizeof *out > stack->count)
        return false;
    memcpy(out, (const char *)stack->bytes + (address - stack->low), sizeof *out);
    return true;
}

/* Whether there is a call right before this address. callee: the function it calls; 0: unknown. */
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

/* Follows the chain of frame records from fp on. It is whole when its last record has no caller.
 * Returns: the number of return addresses. */
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
    /* A read outside the copy also ends the unwinding without an error, hence `missed`. */
    *whole = s->attached && dwfl_getthread_frames(s->dwfl, THREAD, take_frame, &f) == 0 && !s->missed;
    return f.count;
}

/* --- by guessing the frame pointer --- */

static uintptr_t start_of(struct weir__symbols *s, uintptr_t address)
{
    Dwfl_Module *module = weir__symbols_module(s, address);
    GElf_Off offset = 0;
    GElf_Sym symbol;

    if (module == NULL || dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL) == NULL)
        return 0;
    return address - offset;
}

/* How well a frame record suits a function. */
enum fit { NO_FIT, MAY_FIT, IS_CALLER };

/* Rates the frame record at fp for the function at pc. */
static enum fit fit_of(struct weir__symbols *s, const struct weir__stack_copy *stack, uintptr_t fp,
                       uintptr_t pc)
{
    uintptr_t rest[WEIR__UNWIND_MAX], callee;
    bool whole;

    if (follow_records(s, stack, fp, rest, WEIR__UNWIND_MAX, &whole) == 0)
        return NO_FIT;
    (void)is_after_call(s, rest[0], &callee);
    if (callee != 0 && start_of(s, pc) == callee)
        return IS_CALLER; /* also with a chain that is not whole: below main() there are no records */
    if (!whole)
        return NO_FIT;
    /* The call may go through a pointer or a linkage table. */
    return callee == 0 || start_of(s, callee) != callee ||
                   weir__symbols_module(s, callee) != weir__symbols_module(s, pc)
               ? MAY_FIT
               : NO_FIT;
}

/* Unwinds by the tables with one frame pointer after another, until the base is reached. Stale records of
 * earlier calls may lead there, too, so a record whose caller calls this very function is tried before
 * others. */
static size_t guess(struct weir__symbols *s, const struct weir__registers *r,
                    const struct weir__stack_copy *stack, uintptr_t *out, size_t room, bool *whole)
{
    struct weir__registers tried = *r;
    size_t count = follow_tables(s, &tried, stack, out, room, whole);
    uintptr_t pc = count > 1 ? out[count - 1] : r->pc; /* the function whose frame pointer is wanted */
    uintptr_t low = (r->general[WEIR__REGISTER_SP] + sizeof low - 1) & ~(sizeof low - 1);
    uintptr_t end = stack->low + stack->count;

    for (enum fit wanted = IS_CALLER; wanted > NO_FIT; wanted--) {
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

/* --- all together --- */

size_t weir__symbols_unwind(struct weir__symbols *s, const struct weir__registers *r,
                            const struct weir__stack_copy *stack, uintptr_t *out, size_t room, bool *complete)
{
    size_t count;

    *complete = false;
    if (room == 0)
        return 0;
    weir__guard_exempt_begin(); /* it reads files */
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
