/* SPDX-License-Identifier: MIT */
/* Reading a configuration file into a struct config.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_LOAD_H
#define APP_CONFIG_LOAD_H

#include <stddef.h>

#include "config/config.h"
#include "config/route_kind.h"

/* Reads, checks and completes a configuration file, whose routes may be of these kinds.
 * Owns:    *config owns everything in it until config_free(), but the kinds, which are lent until then;
 *          faults->file keeps pointing at path.
 * Returns: 0 with *config; -WEIR_ECONFIG with faults, also when the file cannot be read; -ENOMEM. On failure
 *          *config is empty and need not be freed.
 * Where:   any thread, before the loops: it reads a file and blocks.
 */
WEIR_CHECKED int config_load(struct config *config, const char *path, const struct route_kinds *kinds,
                             struct config_faults *faults);

/* Reads the bytes of a file, as config_load() does.
 * Owns:    the caller frees *bytes. path as for config_load().
 * Returns: 0; -WEIR_ECONFIG with a fault; -ENOMEM.
 */
WEIR_CHECKED int config_read(const char *path, char **bytes, size_t *length, struct config_faults *faults);

/* As config_load(), from bytes in memory; the faults use the name given to config_faults_open(). */
WEIR_CHECKED int config_parse(struct config *config, const void *bytes, size_t length,
                              const struct route_kinds *kinds, struct config_faults *faults);

#endif
