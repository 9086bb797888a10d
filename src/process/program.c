/* SPDX-License-Identifier: MIT */
#include "process/program.h"

#include <stdlib.h>
#include <string.h>

static size_t count_folders(const char *search)
{
    size_t count = 1;

    for (; *search != '\0'; search++)
        count += *search == ':';
    return count;
}

/* Writes "folder/program" at a place. Returns: the place behind it. */
static char *write_path(char *at, const char *folder, size_t length, const char *program)
{
    memcpy(at, folder, length);
    at += length;
    if (length > 0)
        *at++ = '/';
    return stpcpy(at, program) + 1;
}

char **weir__program_paths(const char *program, const char *search)
{
    size_t program_bytes = strlen(program) + 1, count, i = 0;
    char **paths, *at;

    if (strchr(program, '/') != NULL || *program == '\0')
        search = ""; /* only the program itself */
    count = count_folders(search);
    paths = malloc((count + 1) * sizeof *paths + strlen(search) + count * (program_bytes + 1));
    if (paths == NULL)
        return NULL;
    at = (char *)(paths + count + 1);
    for (;;) {
        size_t length = strcspn(search, ":");

        paths[i++] = at;
        at = write_path(at, search, length, program);
        if (search[length] == '\0')
            break;
        search += length + 1;
    }
    paths[i] = NULL;
    return paths;
}
