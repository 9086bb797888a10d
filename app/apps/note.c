/* SPDX-License-Identifier: MIT */
#include "apps/block.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { WORDS = APP_REQUEST_BYTES / 8 };

void app_process_note(struct app_process *process, const char *method, const char *path, size_t path_length)
{
    char text[APP_REQUEST_BYTES] = "";
    const char *query = memchr(path, '?', path_length);

    if (query != NULL)
        path_length = (size_t)(query - path);
    if (path_length >= sizeof text)
        path_length = sizeof text - 1;
    (void)snprintf(text, sizeof text, "%s %.*s", method, (int)path_length, path);
    for (size_t i = 0; i < WORDS; i++) {
        uint64_t word;
        memcpy(&word, text + 8 * i, sizeof word);
        atomic_store_explicit(&process->request[i], word, memory_order_relaxed);
    }
}

/* Another process has written it. */
static bool is_plain(char c)
{
    return c > ' ' && c < 0x7f;
}

const char *app_process_noted(const struct app_process *process, char out[APP_REQUEST_BYTES])
{
    for (size_t i = 0; i < WORDS; i++) {
        uint64_t word = atomic_load_explicit(&process->request[i], memory_order_relaxed);
        memcpy(out + 8 * i, &word, sizeof word);
    }
    out[APP_REQUEST_BYTES - 1] = '\0';
    for (char *c = out; *c != '\0'; c++)
        if (!is_plain(*c) && *c != ' ')
            *c = '?';
    return out;
}
