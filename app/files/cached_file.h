/* SPDX-License-Identifier: MIT */
/* A file as the cache has it.
 *
 * Threading: as a cache.
 */
#ifndef APP_FILES_CACHED_FILE_H
#define APP_FILES_CACHED_FILE_H

#include <stdint.h>
#include <time.h>

#include "http/conditional.h"

enum { FILE_ETAG_BYTES = 48 };

/* A version of a file. */
struct cached_file {
    uint64_t bytes;
    struct timespec modified;
    char etag[FILE_ETAG_BYTES]; /* strong, with its quotes; the same for a copy with the same time */
    char last_modified[HTTP_DATE_BYTES];
    const char *content; /* NULL: it is read from fd */
    int fd;              /* -1: there is content */
    const char *type;    /* the caller's: NULL until it is set, for all requests that get this version */
};

#endif
