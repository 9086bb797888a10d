/* SPDX-License-Identifier: MIT */
#include "apps/block.h"

#include <stdio.h>
#include <string.h>

int app_block_open(weir_shared *shared, const char *app, struct app_block **out)
{
    char name[WEIR_SHARED_NAME_BYTES];
    void *block = NULL;
    int err;

    (void)snprintf(name, sizeof name, "app %s", app);
    err = weir_shared_block(shared, name, APP_BLOCK_COUNTS, sizeof(struct app_block), &block);
    *out = block;
    return err;
}

const char *app_socket_path(char out[APP_SOCKET_BYTES], const char *folder, const char *app, uint32_t serial)
{
    char number[16];
    const size_t number_bytes = (size_t)snprintf(number, sizeof number, ".%u/s", serial) + 1;
    const size_t folder_length = strlen(folder);
    size_t name_length = strlen(app);

    if (folder_length + 1 + number_bytes > APP_SOCKET_BYTES)
        return NULL;
    if (name_length > APP_SOCKET_BYTES - folder_length - 1 - number_bytes)
        name_length = APP_SOCKET_BYTES - folder_length - 1 - number_bytes;
    memcpy(out, folder, folder_length);
    out[folder_length] = '/';
    memcpy(out + folder_length + 1, app, name_length);
    memcpy(out + folder_length + 1 + name_length, number, number_bytes);
    return out;
}

bool app_block_is_broken(const struct app_block *block, char line[APP_LINE_BYTES])
{
    const uint32_t broken = atomic_load_explicit(&block->broken, memory_order_acquire);

    if (broken == 0 || broken > 2)
        return false;
    memcpy(line, block->last_line[broken - 1], APP_LINE_BYTES);
    line[APP_LINE_BYTES - 1] = '\0';
    return true;
}

/* The line that is in force is never written: readers may be copying it. */
void app_block_break(struct app_block *block, const char *line)
{
    const uint32_t before = atomic_load_explicit(&block->broken, memory_order_relaxed);
    const uint32_t index = before == 1 ? 1 : 0;

    if (line != NULL)
        (void)snprintf(block->last_line[index], APP_LINE_BYTES, "%s", line);
    atomic_store_explicit(&block->broken, line != NULL ? index + 1 : 0, memory_order_release);
}
