/* SPDX-License-Identifier: MIT */
/* Versions of files, and the memory and descriptors that they hold together.
 *
 * Threading: as a cache.
 */
#ifndef APP_FILES_FILE_VERSIONS_H
#define APP_FILES_FILE_VERSIONS_H

#include <stdbool.h>

#include "files/cached_file.h"
#include "files/file_load.h"

struct file_version {
    struct cached_file file; /* first: what a caller holds */
    struct stat about;
    bool settled;   /* as of struct file_load */
    unsigned users; /* answers, and the name that it belongs to; the last frees it */
};

/* What all versions hold, also those that belong to no name any more. */
struct file_holdings {
    const struct file_calls *calls;
    uint64_t content_bytes;
    size_t descriptors; /* open ones, those in `closing` included */
    int *closing;       /* to be closed by the next job */
    size_t closing_count, closing_room;
};

/* Makes a version of what was loaded, with one user. Returns: NULL: no memory; what was loaded is dropped. */
struct file_version *file_version_of(struct file_holdings *holdings, struct file_load *load);

void file_version_release(struct file_holdings *holdings, struct file_version *version);

/* Gives a load descriptors to close, and takes back those that it has not closed. */
void file_holdings_lend(struct file_holdings *holdings, struct file_load *load);
void file_holdings_take_back(struct file_holdings *holdings, struct file_load *load);

#endif
