/* SPDX-License-Identifier: MIT */
#include "http/plain_path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/moved.h"

/* Reports whether patterns of routes have a character as it is (weir_pattern_check()). */
static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~!$&'()+,;=:@", c) != NULL);
}

/* The character at the start of a text, in which '%' has two digits behind it. Returns: its length. */
static size_t read_char(const char *text, char *out)
{
    char digits[3] = {0};

    *out = *text;
    if (*text != '%')
        return 1;
    memcpy(digits, text + 1, 2);
    *out = (char)strtoul(digits, NULL, 16);
    return 3;
}

void plain_path_write(const char *path, char *out)
{
    while (*path != '\0') {
        char c;

        if (path[0] == '/' && path[1] == '/') {
            path++;
            continue;
        }
        if (*path == '/') {
            *out++ = *path++;
            continue;
        }
        path += read_char(path, &c);
        if (is_plain(c))
            *out++ = c;
        else
            out += sprintf(out, "%%%02X", (unsigned char)c);
    }
    *out = '\0';
}

/* Most targets are plain. */
static bool may_be_other(const char *target)
{
    const size_t plain = strcspn(target, "?%\"*<>[\\]^`{|}");

    return (target[plain] != '\0' && target[plain] != '?') || memmem(target, plain, "//", 2) != NULL;
}

int plain_path_lead(weir_request *req, weir_response *res)
{
    const char *path;
    char *plain;
    int err;

    if (!may_be_other(weir_request_target(req)))
        return 0;
    path = weir_request_path(req);
    plain = weir_request_alloc(req, 3 * strlen(path) + 1);
    if (plain == NULL)
        return -ENOMEM;
    plain_path_write(path, plain);
    if (strcmp(path, plain) == 0 || weir_request_data_at(req, plain) == weir_request_data(req))
        return 0;
    err = moved_to(req, res, plain, "");
    return err < 0 ? err : 1;
}
