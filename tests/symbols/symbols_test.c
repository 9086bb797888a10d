/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/peek.h"
#include "symbols/symbols.h"
#include "core/task.h"
#include "support/run.h"

enum { COPY_MAX = 256 << 10, FRAMES = 64 };

struct rig {
    struct weir__symbols *symbols;
    uintptr_t addresses[FRAMES];
    size_t count;
    bool complete;
    weir_frame frames[2 * FRAMES];
    size_t frame_count;
    /* taken by the task, unwound after it: libdw needs more stack than a task has */
    struct weir__registers registers;
    uintptr_t low;
    size_t copied;
};

static char copy[COPY_MAX];

static void open_rig(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    assert_int_equal(weir__symbols_open(&rig->symbols), 0);
}

static void name_all(struct rig *rig)
{
    rig->frame_count = 0;
    for (size_t i = 0; i < rig->count; i++)
        rig->frame_count += weir__symbols_name(rig->symbols, rig->addresses[i], i > 0,
                                               rig->frames + rig->frame_count, 2 * FRAMES - rig->frame_count);
}

static size_t place_of(const struct rig *rig, const char *function)
{
    for (size_t i = 0; i < rig->frame_count; i++)
        if (strcmp(rig->frames[i].function, function) == 0)
            return i;
    for (size_t i = 0; i < rig->frame_count; i++)
        printf("#   %s %s:%d\n", rig->frames[i].function, rig->frames[i].file, rig->frames[i].line);
    fail_msg("%s is not on the stack", function);
    return 0;
}

static void take_stack(struct rig *rig, uintptr_t end)
{
    struct weir__peek peek;

    rig->low = rig->registers.general[WEIR__REGISTER_SP] & ~UINT64_C(7);
    rig->copied = end - rig->low;
    assert_true(rig->copied <= sizeof copy);
    assert_int_equal(weir__peek_open(&peek), 0);
    assert_true(weir__peek(&peek, (const void *)rig->low, copy, rig->copied));
    weir__peek_close(&peek);
}

static void unwind(struct rig *rig)
{
    struct weir__stack_copy stack = {.bytes = copy, .low = rig->low, .count = rig->copied};

    rig->count =
        weir__symbols_unwind(rig->symbols, &rig->registers, &stack, rig->addresses, FRAMES, &rig->complete);
    name_all(rig);
}

/* --- names --- */

static volatile int sink;

__attribute__((noinline)) static uintptr_t where_it_returns_to(void)
{
    sink++;
    return (uintptr_t)__builtin_return_address(0);
}

__attribute__((always_inline)) static inline uintptr_t inlined_place(void)
{
    uintptr_t place = where_it_returns_to();

    sink++;
    return place;
}

__attribute__((noinline)) static uintptr_t place_with_inlined(int *line)
{
    uintptr_t place;

    *line = __LINE__ + 1;
    place = inlined_place();

    sink++;
    return place;
}

static void a_place_has_function_file_and_line(void **state)
{
    struct rig rig;
    int line;
    uintptr_t place = place_with_inlined(&line);

    (void)state;
    open_rig(&rig);
    rig.frame_count = weir__symbols_name(rig.symbols, place, true, rig.frames, 2 * FRAMES);
    assert_true(rig.frame_count >= 2);
    assert_string_equal(rig.frames[0].function, "inlined_place");
    assert_true(rig.frames[0].is_inlined);
    assert_string_equal(rig.frames[1].function, "place_with_inlined");
    assert_false(rig.frames[1].is_inlined);
    assert_string_equal(rig.frames[1].file, "symbols_test.c");
    assert_int_equal(rig.frames[1].line, line);
    weir__symbols_close(rig.symbols);
}

/* Like a function of a program without -g: code of no unit, between two parts of one. */
__attribute__((cold, noinline, used)) static void part_that_lies_before(void)
{
    sink++;
}

__asm__(".pushsection .text.exit.bare, \"ax\", @progbits\n"
        ".skip 64, 0x90\n"
        ".globl bare_function\n"
        ".type bare_function, @function\n"
        "bare_function:\n"
        ".skip 64, 0x90\n"
        ".size bare_function, .-bare_function\n"
        ".popsection\n");
extern const char bare_function[];

static void code_without_debug_information_has_no_line_of_another_s(void **state)
{
    struct rig rig;
    weir_frame frames[4];

    (void)state;
    open_rig(&rig);
    for (uintptr_t at = 1; at < 64; at++) {
        assert_int_equal(weir__symbols_name(rig.symbols, (uintptr_t)bare_function + at, false, frames, 4), 1);
        assert_string_equal(frames[0].function, "bare_function");
        assert_null(frames[0].file);
        assert_int_equal(frames[0].line, 0);
    }
    weir__symbols_close(rig.symbols);
}

static void what_has_no_name_is_still_a_frame(void **state)
{
    struct rig rig;
    weir_frame frame;

    (void)state;
    open_rig(&rig);
    for (uintptr_t nowhere = 0; nowhere < 100000; nowhere += 1000) {
        assert_int_equal(weir__symbols_name(rig.symbols, nowhere, false, &frame, 1), 1);
        assert_string_equal(frame.function, "?");
    }
    assert_int_equal(weir__symbols_name(rig.symbols, (uintptr_t)&write, false, &frame, 1), 1);
    assert_non_null(strstr(frame.function, "write")); /* libc's symbols are there without debug information */
    assert_int_equal(weir__symbols_name(rig.symbols, (uintptr_t)&write, false, &frame, 0), 0);
    weir__symbols_close(rig.symbols);
}

static void names_last_though_more_are_asked_for_than_are_kept(void **state)
{
    struct rig rig;
    weir_frame first, again, other;

    (void)state;
    open_rig(&rig);
    (void)weir__symbols_name(rig.symbols, (uintptr_t)&what_has_no_name_is_still_a_frame, false, &first, 1);
    for (uintptr_t i = 0; i < 20000; i++)
        (void)weir__symbols_name(rig.symbols, i, false, &other, 1);
    (void)weir__symbols_name(rig.symbols, (uintptr_t)&what_has_no_name_is_still_a_frame, false, &again, 1);
    assert_string_equal(first.function, "what_has_no_name_is_still_a_frame");
    assert_ptr_equal(first.function, again.function);
    weir__symbols_close(rig.symbols);
}

/* --- stacks of tasks that are parked --- */

struct parked {
    struct weir__task *task;
    weir_event event;
};

__attribute__((noinline)) static void innermost(struct parked *p)
{
    p->task = weir__task_current();
    if (weir_event_wait(&p->event) < 0)
        sink++;
    sink++;
}

static int by_way_of_libc(const void *a, const void *b, void *arg)
{
    (void)a, (void)b;
    innermost(arg);
    return 0;
}

__attribute__((noinline)) static int outermost(void *arg)
{
    int two[2] = {1, 2};

    qsort_r(two, 2, sizeof *two, by_way_of_libc, arg);
    return sink;
}

static int park_and_look(void *arg)
{
    struct rig *rig = arg;
    struct parked p = {0};
    weir_scope scope;

    weir_event_init(&p.event);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    weir_spawn(&scope, "parked", outermost, &p);
    assert_int_equal(weir_yield(), 0);
    weir__registers_of_parked(&rig->registers, (uintptr_t)p.task->sp, p.task->sp);
    take_stack(rig, (uintptr_t)p.task);
    weir_event_set(&p.event);
    (void)weir_scope_close(&scope);
    return 0;
}

static void the_stack_of_a_parked_task_is_whole(void **state)
{
    struct rig rig;

    (void)state;
    open_rig(&rig);
    run_simulated(1, park_and_look, &rig);
    unwind(&rig);
    assert_true(rig.complete);
    assert_true(place_of(&rig, "innermost") < place_of(&rig, "by_way_of_libc"));
    assert_true(place_of(&rig, "by_way_of_libc") < place_of(&rig, "outermost"));
    assert_true(place_of(&rig, "outermost") < place_of(&rig, "weir__task_main"));
    assert_string_equal(rig.frames[place_of(&rig, "by_way_of_libc")].file, "symbols_test.c");
    weir__symbols_close(rig.symbols);
}

/* --- stacks of tasks that run --- */

static struct rig *interrupted_rig;
static uintptr_t interrupted_end;

static void interrupt(int number, siginfo_t *info, void *context)
{
    struct rig *rig = interrupted_rig;

    (void)number, (void)info;
    weir__registers_of_signal(&rig->registers, context);
    take_stack(rig, interrupted_end);
}

static int interrupted_in_libc(const void *a, const void *b)
{
    (void)a, (void)b;
    sink += raise(SIGUSR1);
    return 0;
}

__attribute__((noinline)) static int computes(void)
{
    int two[2] = {1, 2};

    qsort(two, 2, sizeof *two, interrupted_in_libc);
    return two[0] + sink;
}

static int run_and_look(void *arg)
{
    struct sigaction action = {.sa_sigaction = interrupt, .sa_flags = SA_SIGINFO | SA_ONSTACK}, before;

    interrupted_rig = arg;
    interrupted_end = (uintptr_t)weir__task_current();
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    sink += computes();
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    return 0;
}

static void the_stack_of_one_who_was_interrupted_in_libc_is_whole(void **state)
{
    struct rig rig;

    (void)state;
    open_rig(&rig);
    run_simulated(1, run_and_look, &rig);
    unwind(&rig);
    assert_true(rig.complete);
    assert_true(place_of(&rig, "interrupted_in_libc") > 0);
    assert_true(place_of(&rig, "interrupted_in_libc") < place_of(&rig, "computes"));
    assert_true(place_of(&rig, "computes") < place_of(&rig, "weir__task_main"));
    weir__symbols_close(rig.symbols);
}

/* --- stacks of threads asleep in the kernel --- */

struct sleeper {
    int pipe[2];
    atomic_int tid;
    uintptr_t end;
};

__attribute__((noinline)) static int sleep_in_read(struct sleeper *s)
{
    char stale[2048], byte;
    int n;

    memset(stale, (int)(intptr_t)s, sizeof stale);
    atomic_store(&s->tid, (int)syscall(SYS_gettid));
    n = (int)read(s->pipe[0], &byte, 1);
    return n + stale[5];
}

static int blocked_task(void *arg)
{
    struct sleeper *s = arg;

    s->end = (uintptr_t)weir__task_current();
    return sleep_in_read(s) < -300;
}

static void *run_blocked(void *arg)
{
    weir_options options = {.io = WEIR_IO_EPOLL};

    return (void *)(intptr_t)weir_run(&options, blocked_task, arg);
}

/* "0 0x3 0x7f… … SP PC" if it sleeps in a system call, else "running". */
static bool where_it_sleeps(int tid, long call, uintptr_t *sp, uintptr_t *pc)
{
    char path[64], text[256] = "";
    int fd;
    ssize_t n;
    long number = -1;

    unsigned long long a[8];

    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", tid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0 || sscanf(text, "%ld %llx %llx %llx %llx %llx %llx %llx %llx", &number, &a[0], &a[1], &a[2],
                         &a[3], &a[4], &a[5], &a[6], &a[7]) != 9)
        return false;
    *sp = a[6];
    *pc = a[7];
    return number == call;
}

static void the_stack_of_one_who_sleeps_in_the_kernel_is_whole(void **state)
{
    struct rig rig;
    struct sleeper s = {0};
    uintptr_t sp = 0, pc = 0;
    pthread_t thread;
    void *result;
    int tid;

    (void)state;
    open_rig(&rig);
    assert_int_equal(pipe2(s.pipe, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&thread, NULL, run_blocked, &s), 0);
    while ((tid = atomic_load(&s.tid)) == 0)
        sched_yield();
    while (!where_it_sleeps(tid, SYS_read, &sp, &pc))
        sched_yield();
    weir__registers_of_sleeper(&rig.registers, sp, pc);
    take_stack(&rig, s.end);
    assert_int_equal(write(s.pipe[1], "x", 1), 1);
    assert_int_equal(pthread_join(thread, &result), 0);
    unwind(&rig);
    assert_true(rig.complete);
    assert_true(place_of(&rig, "sleep_in_read") < place_of(&rig, "blocked_task"));
    assert_true(place_of(&rig, "blocked_task") < place_of(&rig, "weir__task_main"));
    close(s.pipe[0]);
    close(s.pipe[1]);
    weir__symbols_close(rig.symbols);
}

/* --- nonsense --- */

static uint64_t random_word(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *seed >> 11;
}

static void nonsense_is_no_stack_and_does_no_harm(void **state)
{
    struct rig rig;
    uint64_t seed = 7;
    static uint64_t words[512];
    uintptr_t low = 0x70000000;

    (void)state;
    open_rig(&rig);
    for (int round = 0; round < 300; round++) {
        struct weir__registers r = {.complete = round % 2 == 0};
        struct weir__stack_copy stack = {
            .bytes = words, .low = low, .count = random_word(&seed) % sizeof words};
        for (size_t i = 0; i < 512; i++) {
            uint64_t kind = random_word(&seed) % 3;
            words[i] = kind == 0   ? low + random_word(&seed) % sizeof words
                       : kind == 1 ? (uint64_t)(uintptr_t)&outermost + random_word(&seed) % 100
                                   : random_word(&seed);
        }
        for (size_t i = 0; i < WEIR__REGISTERS; i++)
            r.general[i] = low + random_word(&seed) % sizeof words;
        r.pc = (uintptr_t)&outermost + random_word(&seed) % 64;
        rig.count = weir__symbols_unwind(rig.symbols, &r, &stack, rig.addresses, FRAMES, &rig.complete);
        assert_true(rig.count <= FRAMES);
    }
    weir__symbols_close(rig.symbols);
}

/* --- a file that is mapped, and not only loaded --- */

static int find_libc(struct dl_phdr_info *info, size_t size, void *path)
{
    (void)size;
    if (strstr(info->dlpi_name, "/libc.so") == NULL)
        return 0;
    snprintf(path, PATH_MAX, "%s", info->dlpi_name);
    return 1;
}

/* libdw maps the files it reads. Such a mapping may look like the beginning of the library. */
static void a_library_begins_where_it_is_loaded(void **state)
{
    char path[PATH_MAX];
    struct rig rig;
    size_t bytes;
    void *mapped;
    int fd;

    (void)state;

    open_rig(&rig);
    assert_int_equal(dl_iterate_phdr(find_libc, path), 1);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    bytes = (size_t)lseek(fd, 0, SEEK_END);
    mapped = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(mapped != MAP_FAILED);
    rig.addresses[rig.count++] = (uintptr_t)getppid;
    name_all(&rig);
    assert_string_equal(rig.frames[0].function, "getppid");
    rig.count = 0;
    rig.addresses[rig.count++] = (uintptr_t)mapped + 8192; /* in no function */
    name_all(&rig);
    assert_string_equal(rig.frames[0].function, "?");
    weir__symbols_close(rig.symbols);
    munmap(mapped, bytes);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_has_function_file_and_line),
        cmocka_unit_test(code_without_debug_information_has_no_line_of_another_s),
        cmocka_unit_test(what_has_no_name_is_still_a_frame),
        cmocka_unit_test(names_last_though_more_are_asked_for_than_are_kept),
        cmocka_unit_test(the_stack_of_a_parked_task_is_whole),
        cmocka_unit_test(the_stack_of_one_who_was_interrupted_in_libc_is_whole),
        cmocka_unit_test(the_stack_of_one_who_sleeps_in_the_kernel_is_whole),
        cmocka_unit_test(nonsense_is_no_stack_and_does_no_harm),
        cmocka_unit_test(a_library_begins_where_it_is_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
