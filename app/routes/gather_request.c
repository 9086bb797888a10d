/* SPDX-License-Identifier: MIT */
#include "routes/gather_request.h"

#include <errno.h>
#include <string.h>

#include <weir/http_text.h>

#include "http/client_deadline.h"
#include "http/url_text.h"

enum { PARAM_NAME_BYTES = 128 };

static int append_param(weir_buffer *out, const struct url_part *part, gather_param *param, const void *of)
{
    char name[PARAM_NAME_BYTES];
    const char *value;

    if (part->length >= sizeof name)
        return -EINVAL;
    memcpy(name, part->text, part->length);
    name[part->length] = '\0';
    value = param(of, name);
    return value != NULL ? url_text_append(out, value, part->in_query) : -EINVAL;
}

int gather_expand(weir_buffer *out, const struct url_template *url, gather_param *param, const void *of)
{
    const size_t start = out->len;
    int err = weir_buffer_append_text(out, url->origin);

    for (size_t i = 0; i < url->part_count && err == 0; i++) {
        const struct url_part *part = &url->parts[i];
        err = part->is_param ? append_param(out, part, param, of)
                             : weir_buffer_append(out, part->text, part->length);
    }
    if (err == 0 && out->len - start >= GATHER_URL_BYTES_MAX)
        err = -WEIR_ETOOLARGE;
    return err ? err : weir_buffer_append_byte(out, '\0');
}

bool gather_forwards(const char *const *forward, size_t forward_count, weir_bytes connection, weir_bytes name)
{
    static const char *const made_anew[] = {"traceparent", "tracestate", CLIENT_DEADLINE_HEADER};
    bool listed = weir_bytes_equal_nocase(name, weir_bytes_of("x-request-id"));

    for (size_t i = 0; i < forward_count && !listed; i++)
        listed = weir_bytes_equal_nocase(name, weir_bytes_of(forward[i]));
    for (size_t i = 0; i < sizeof made_anew / sizeof *made_anew && listed; i++)
        listed = !weir_bytes_equal_nocase(name, weir_bytes_of(made_anew[i]));
    return listed && !weir_header_is_hop_by_hop(name, connection);
}
