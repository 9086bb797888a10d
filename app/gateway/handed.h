/* SPDX-License-Identifier: MIT */
/* What a gateway process gets from its supervisor, and how it talks to it. The supervisor executes this
 * program again, as "weir gateway-process …", with descriptors at fixed numbers and the rest as arguments.
 *
 * From the process to the supervisor, on the control socket, as lines:
 *     "ready"               all loops accept
 *     "cut NUMBER NUMBER"   so many exchanges, and connections, are cut off at the end of its drain
 *     "fault TEXT"          why it cannot serve, as 'weir check' writes it; any number, before it exits
 * The supervisor says all that it has to say by signals: SIGTERM drains, SIGINT after it ends at once. The
 * end of the control socket means that the supervisor is gone: the process ends at once.
 *
 * Threading: the main thread, before any loop.
 */
#ifndef APP_GATEWAY_HANDED_H
#define APP_GATEWAY_HANDED_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

enum {
    HANDED_CONTROL_FD = 3, /* a stream socket */
    HANDED_CONFIG_FD = 4,  /* the configuration in force, as text */
    HANDED_SHARED_FD = 5,  /* shared memory (<weir/shared.h>) */
    HANDED_COUNTS_FD = 6,  /* its own memory for what it counts (metrics/cells_left.h) */
    HANDED_LISTENER_FD = 7 /* the listeners, in the order of the configuration, and further ones after it */
};

/* The process's place among the others. */
struct handed {
    const char *file;    /* of the configuration: for messages */
    const char *folder;  /* private to the supervisor and its processes; for sockets */
    int member;          /* its number in the shared memory; no other living process has it */
    int number;          /* 1 … processes: for people */
    unsigned generation; /* of the configuration: grows by one with each reload */
    size_t listeners;
};

enum { HANDED_ARGUMENTS_MAX = 16 };

/* Writes the arguments of a gateway process, ended by NULL; the texts lie in text, of room bytes.
 * Returns: 0; -ENOSPC. */
WEIR_CHECKED int handed_write(const struct handed *handed, const char *argv[HANDED_ARGUMENTS_MAX], char *text,
                              size_t room);

/* Reads them back, from the arguments after "gateway-process". Returns: 0; -EINVAL. */
WEIR_CHECKED int handed_read(int argc, char **argv, struct handed *out);

/* Writes the path of the Unix socket of its admin pages: "FOLDER/gateway-MEMBER.sock".
 * Returns: out; NULL: it is too long. */
const char *handed_admin_path(char *out, size_t room, const char *folder, int member);

#endif
