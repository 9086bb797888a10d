/* SPDX-License-Identifier: MIT */
/* A folder into which outliers are written, each as a whole file "outlier-ID.json". The oldest files are
 * removed so that all of them together take at most so many bytes. Other processes may write there, too;
 * files of other names are left alone.
 *
 * Threading: the recorder's thread. Blocks as long as the file system does.
 */
#ifndef APP_OUTLIERS_OUTLIER_FOLDER_H
#define APP_OUTLIERS_OUTLIER_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

#include "outliers/outlier.h"

struct outlier_folder {
    const char *path;       /* lent */
    uint64_t bytes_max;     /* of all files */
    uint64_t slack_bytes;   /* that this process may write between two looks at the folder */
    uint64_t written_bytes; /* since the latest look */
    bool looked;
};

/* writers: processes that write there. */
void outlier_folder_open(struct outlier_folder *folder, const char *path, uint64_t bytes_max, int writers);

/* Writes one. A file that cannot be written whole is not there.
 * Returns: 0; the errno of what failed, negative. */
WEIR_CHECKED int outlier_folder_write(struct outlier_folder *folder, const struct outlier *o);

#endif
