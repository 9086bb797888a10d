/* SPDX-License-Identifier: MIT */
/* A file as the cache has it.
 *
 * Threading: as a cache.
 */
#ifndef APP_FILES_CACHED_FILE_H
#define APP_FILES_CACHED_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <weir/http_response.h>

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
    /* The caller's, for all requests that get this version: */
    const char *type;          /* NULL until it is set */
    weir_header_block *fields; /* of an answer with content; NULL until they are made. Freed with the file */
    const char *fields_coding; /* what they were made for */
    bool fields_of_fallback;
};

#endif
