/* SPDX-License-Identifier: MIT */
/* The place of an address as text, for a program that is about to end. */
#ifndef WEIR__SYMBOLS_PLACE_H
#define WEIR__SYMBOLS_PLACE_H

#include <stddef.h>

struct weir_runtime;

/* Writes "main.c:40 (main)", or "" if the address has no name. The thread may have a small stack: the name is
 * found on another thread, which this one waits for, perhaps a second. Any thread. */
void weir__symbols_describe_place(struct weir_runtime *runtime, const void *address, char *out, size_t room);

#endif
