/* SPDX-License-Identifier: MIT */
#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char files_root[] = "/tmp/weir-files-XXXXXX";

void files_put(const char *path, const char *text)
{
    char full[512];
    FILE *file;

    (void)snprintf(full, sizeof full, "%s%s", files_root, path);
    for (char *at = full + strlen(files_root) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        (void)mkdir(full, 0700);
        *at = '/';
    }
    file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int remove_one(const char *path, const struct stat *about, int flag, struct FTW *at)
{
    (void)about, (void)flag, (void)at;
    return remove(path);
}

int files_begin(void **state)
{
    (void)state;
    strcpy(files_root, "/tmp/weir-files-XXXXXX");
    return mkdtemp(files_root) == NULL;
}

int files_end(void **state)
{
    (void)state;
    return nftw(files_root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
