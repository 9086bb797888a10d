/* SPDX-License-Identifier: MIT */
/* The memory of a configuration: taken in pieces while it is built, freed at once.
 *
 * Threading: not shared while it grows.
 */
#ifndef APP_CONFIG_ARENA_H
#define APP_CONFIG_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct config_memory;

/* Returns: NULL when there is no memory. */
struct config_memory *config_memory_open(void);

/* Frees all that was taken. NULL is allowed. */
void config_memory_free(struct config_memory *memory);

/* Takes zeroed bytes, aligned for any type.
 * Owns:    the bytes live until config_memory_free().
 * Returns: NULL when there is no memory; from then on every take is NULL and config_memory_failed() is true.
 */
void *config_take(struct config_memory *memory, size_t bytes);

/* Takes a copy of length characters, ended by NUL.
 * Returns: as config_take(). */
char *config_take_text(struct config_memory *memory, const char *text, size_t length);

/* Reports whether there was no memory for a take. */
bool config_memory_failed(const struct config_memory *memory);

#endif
