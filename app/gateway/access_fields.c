/* SPDX-License-Identifier: MIT */
#include "gateway/access_fields.h"

#include <stdbool.h>
#include <string.h>

#include "text/hidden.h"

static const char ellipsis[] = "\xe2\x80\xa6";

static bool is_hidden(const char *const *hide, const char *name)
{
    for (; hide != NULL && *hide != NULL; hide++)
        if (strcmp(*hide, name) == 0)
            return true;
    return false;
}

/* The bytes of a value that are shown before an ellipsis: no character of UTF-8 is cut. */
static size_t cut_of(const char *value)
{
    const size_t most = ACCESS_FIELD_BYTES - (sizeof ellipsis - 1);
    size_t n = most;

    while (n > most - 3 && ((unsigned char)value[n] & 0xc0) == 0x80)
        n--;
    return n;
}

/* Puts a value into text, cut. Returns: the bytes shown. */
static weir_bytes copy(const char *value, char text[ACCESS_FIELD_BYTES])
{
    const size_t length = strlen(value);
    const bool fits = length <= ACCESS_FIELD_BYTES;
    const size_t n = fits ? length : cut_of(value);

    memcpy(text, value, n);
    if (!fits)
        memcpy(text + n, ellipsis, sizeof ellipsis - 1);
    return (weir_bytes){text, fits ? n : n + sizeof ellipsis - 1};
}

/* noinline: the buffer is on the stack only meanwhile. */
__attribute__((noinline)) static weir_bytes copy_hidden(const char *const *hide, const char *value,
                                                        char text[ACCESS_FIELD_BYTES])
{
    char shown[HIDDEN_TARGET_BYTES];

    return copy(hidden_target(hide, value, shown), text);
}

weir_kv access_field_pair(const char *const *hide, const char *name, const char *value,
                          char text[ACCESS_FIELD_BYTES])
{
    if (is_hidden(hide, name))
        return WEIR_KV(name, "***");
    return WEIR_KV_BYTES(name, hide != NULL ? copy_hidden(hide, value, text) : copy(value, text));
}

/* Returns: NULL: the request does not have it. */
static const char *value_of(const weir_request *request, const char *name)
{
    const char *host = strcmp(name, "host") == 0 ? weir_request_authority(request) : "";

    return host[0] != '\0' ? host : weir_request_header_joined(request, name);
}

void access_fields_fill(struct access_fields *out, const struct config_access_log *settings,
                        const weir_request *request)
{
    out->count = 0;
    for (const char *const *name = settings->fields; *name != NULL; name++) {
        const char *value = value_of(request, *name);

        if (value != NULL) {
            out->pairs[out->count] = access_field_pair(settings->hide, *name, value, out->texts[out->count]);
            out->count++;
        }
    }
}
