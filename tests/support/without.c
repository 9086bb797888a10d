/* SPDX-License-Identifier: MIT */
/* Starts a program for which some system calls fail, as in a container or on an old kernel:
 *
 *   without CALL[=ERROR][,CALL[=ERROR]…] PROGRAM [ARGUMENT…]
 *
 * ERROR is EPERM (the default), ENOSYS, EACCES, EMFILE or ENFILE. Exit status: the program's; 77 if the
 * kernel has no filters; 2 after wrong usage. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/forbid.h"

struct named {
    const char *name;
    long number;
};

static const struct named calls[] = {
    {"io_uring_setup", SYS_io_uring_setup},
    {"openat2", SYS_openat2},
    {"epoll_pwait2", SYS_epoll_pwait2},
    {"memfd_create", SYS_memfd_create},
    {"pidfd_open", SYS_pidfd_open},
    {"pipe2", SYS_pipe2},
    {"process_vm_readv", SYS_process_vm_readv},
    {"statx", SYS_statx},
};

static const struct named errors[] = {
    {"EPERM", EPERM}, {"ENOSYS", ENOSYS}, {"EACCES", EACCES}, {"EMFILE", EMFILE}, {"ENFILE", ENFILE}};

static long find(const struct named *all, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].name, name) == 0)
            return all[i].number;
    fprintf(stderr, "without: no '%s' is known here; known:", name);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, " %s", all[i].name);
    fprintf(stderr, "\n");
    _exit(2);
}

static int forbid_named(char *word)
{
    char *equals = strchr(word, '=');

    if (equals != NULL)
        *equals = '\0';
    return forbid_call(
        find(calls, sizeof calls / sizeof *calls, word),
        (int)find(errors, sizeof errors / sizeof *errors, equals == NULL ? "EPERM" : equals + 1));
}

int main(int argc, char **argv)
{
    char *rest = NULL;

    if (argc < 3) {
        fprintf(stderr, "usage: without CALL[=ERROR][,…] PROGRAM [ARGUMENT…]\n");
        return 2;
    }
    for (char *word = strtok_r(argv[1], ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest))
        if (forbid_named(word) < 0) {
            perror("without: this kernel has no filters");
            return 77;
        }
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
