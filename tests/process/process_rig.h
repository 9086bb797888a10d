/* SPDX-License-Identifier: MIT */
/* Processes for tests: shell scripts, and a text that collects what they say. */
#ifndef TESTS_PROCESS_RIG_H
#define TESTS_PROCESS_RIG_H

#include <stdio.h>
#include <string.h>

#include "support/run.h"

struct said {
    char text[8192]; /* "out hello|err oh|", of each line 500 bytes at most */
    size_t lines, bytes;
};

static inline void note_line(void *arg, bool is_error, const char *line, size_t length)
{
    struct said *said = arg;
    size_t used = strlen(said->text);

    assert_int_equal(line[length], '\0');
    said->lines++;
    said->bytes += length;
    (void)snprintf(said->text + used, sizeof said->text - used, "%s %.*s|", is_error ? "err" : "out",
                   length < 500 ? (int)length : 500, line);
}

static inline void assert_said(const struct said *said, const char *text)
{
    if (strstr(said->text, text) == NULL)
        fail_msg("no \"%s\" in \"%s\"", text, said->text);
}

/* Options of a shell script. argv is lent. */
static inline weir_process_options sh(const char *argv[4], const char *script, struct said *said)
{
    argv[0] = "sh";
    argv[1] = "-c";
    argv[2] = script;
    argv[3] = NULL;
    return (weir_process_options){.argv = argv, .line = said != NULL ? note_line : NULL, .arg = said};
}

/* Whether a process that is not a child of this one is there. */
static inline bool is_alive(pid_t pid)
{
    char path[64], line[256] = "", state = 'X';
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    if (fgets(line, sizeof line, file) != NULL && strrchr(line, ')') != NULL)
        state = strrchr(line, ')')[2];
    fclose(file);
    return state != 'Z' && state != 'X';
}

/* Runs on the real kernel, by both interfaces. */
static inline void run_really(int (*fn)(void *arg), void *arg)
{
    static const enum weir_io both[] = {WEIR_IO_URING, WEIR_IO_EPOLL};

    for (size_t i = 0; i < 2; i++) {
        weir_options options = {.io = both[i]};

        if (io_is_here(both[i]))
            assert_int_equal(weir_run(&options, fn, arg), 0);
    }
}

#endif
