/* SPDX-License-Identifier: MIT */
/* Runs a command of the program within the test: its exit code, and what it writes to standard output and
 * standard error. */
#ifndef TEST_APP_SUPPORT_CONSOLE_H
#define TEST_APP_SUPPORT_CONSOLE_H

struct console {
    int code;
    char *out, *err; /* ended by NUL */
};

/* Runs command with the words, ended by NULL; the first is the name of the command. Standard input is empty.
 * What an earlier run wrote is freed. */
void console_run(struct console *c, int (*command)(int argc, char **argv), const char *const *words);

#define RUN(c, command, ...) console_run(c, command, (const char *const[]){__VA_ARGS__, NULL})

/* Fails the test if text is not in what was written; the message has both. */
void console_has(const char *written, const char *text);
void console_lacks(const char *written, const char *text);

void console_free(struct console *c);

/* Redirects standard output and standard error into files, and back. For what does not run by console_run().
 */
struct redirection {
    int files[2], before[2];
};

void redirection_begin(struct redirection *r);

/* Returns: both texts, for the caller to free(). */
void redirection_end(struct redirection *r, char **out, char **err);

#endif
