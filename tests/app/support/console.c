/* SPDX-License-Identifier: MIT */
#include "app/support/console.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/run.h"

enum { WORDS_MAX = 32 };

static const int streams[2] = {STDOUT_FILENO, STDERR_FILENO};

static char *contents(int fd)
{
    const off_t bytes = lseek(fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)bytes + 1);

    assert_non_null(text);
    assert_int_equal(pread(fd, text, (size_t)bytes, 0), bytes);
    return text;
}

void redirection_begin(struct redirection *r)
{
    (void)fflush(NULL);
    for (int i = 0; i < 2; i++) {
        r->before[i] = dup(streams[i]);
        r->files[i] = memfd_create("output", MFD_CLOEXEC);
        assert_true(r->before[i] >= 0 && r->files[i] >= 0);
        assert_int_equal(dup2(r->files[i], streams[i]), streams[i]);
    }
}

void redirection_end(struct redirection *r, char **out, char **err)
{
    (void)fflush(NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(dup2(r->before[i], streams[i]), streams[i]);
        (void)close(r->before[i]);
    }
    *out = contents(r->files[0]);
    *err = contents(r->files[1]);
    (void)close(r->files[0]);
    (void)close(r->files[1]);
}

/* Commands may write into their words, as they may into those of the process. */
static int copy_words(const char *const *words, char *copies[WORDS_MAX])
{
    int count = 0;

    for (; words[count] != NULL; count++) {
        assert_true(count < WORDS_MAX - 1);
        copies[count] = strdup(words[count]);
        assert_non_null(copies[count]);
    }
    copies[count] = NULL;
    return count;
}

void console_run(struct console *c, int (*command)(int argc, char **argv), const char *const *words)
{
    char *copies[WORDS_MAX];
    const int count = copy_words(words, copies);
    struct redirection r;
    int input;

    console_free(c);
    input = dup(STDIN_FILENO);
    assert_non_null(freopen("/dev/null", "r", stdin));
    redirection_begin(&r);
    c->code = command(count, copies);
    redirection_end(&r, &c->out, &c->err);
    if (input >= 0) {
        (void)dup2(input, STDIN_FILENO);
        (void)close(input);
    }
    for (int i = 0; i < count; i++)
        free(copies[i]);
}

void console_has(const char *written, const char *text)
{
    if (strstr(written, text) == NULL)
        fail_msg("'%s' is not in:\n%s", text, written);
}

void console_lacks(const char *written, const char *text)
{
    if (strstr(written, text) != NULL)
        fail_msg("'%s' is in:\n%s", text, written);
}

void console_free(struct console *c)
{
    free(c->out);
    free(c->err);
    *c = (struct console){0};
}
