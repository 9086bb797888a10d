/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/peek.h"

/* Two pages, of which the second is taken away. */
static char *page_before_nothing(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(memory, MAP_FAILED);
    assert_int_equal(munmap(memory + page, page), 0);
    return memory + page;
}

static void expect_reads(const struct weir__peek *p)
{
    char *end = page_before_nothing();
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char out[16] = "";

    memcpy(end - 4, "four", 4);
    assert_true(weir__peek(p, end - 4, out, 4));
    assert_memory_equal(out, "four", 4);
    assert_false(weir__peek(p, end - 4, out, 5));
    assert_false(weir__peek(p, end, out, 1));
    assert_false(weir__peek(p, NULL, out, 1));
    assert_false(weir__peek(p, (void *)UINTPTR_MAX, out, 8));
    munmap(end - page, page);
}

static void expect_texts(const struct weir__peek *p)
{
    char *end = page_before_nothing();
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char out[8];

    memcpy(end - 4, "end", 4);
    assert_true(weir__peek_text(p, end - 4, out, sizeof out));
    assert_string_equal(out, "end");
    memcpy(end - 8, "endless!", 8); /* has no NUL and room for none */
    assert_true(weir__peek_text(p, end - 8, out, sizeof out));
    assert_string_equal(out, "endless");
    assert_false(weir__peek_text(p, end - 4, out, sizeof out));
    assert_string_equal(out, "");
    assert_false(weir__peek_text(p, NULL, out, sizeof out));
    munmap(end - page, page);
}

static void by_the_system_call(void **state)
{
    struct weir__peek p;

    (void)state;
    assert_int_equal(weir__peek_open(&p), 0);
    expect_reads(&p);
    expect_texts(&p);
    weir__peek_close(&p);
}

/* As where the system call is forbidden. */
static void by_the_file(void **state)
{
    struct weir__peek p = {.memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC)};

    (void)state;
    if (p.memory < 0)
        skip();
    expect_reads(&p);
    expect_texts(&p);
    weir__peek_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_system_call),
        cmocka_unit_test(by_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
