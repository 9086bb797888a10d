/* SPDX-License-Identifier: MIT */
#include "routes/gather_note.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weir/error.h>

static const struct {
    const char *text, *label;
} ends[GATHER_ENDS] = {
    [GATHER_OK] = {"ok", "ok"},
    [GATHER_STATUS] = {"status", "status"},
    [GATHER_DEADLINE] = {"deadline exceeded", "deadline_exceeded"},
    [GATHER_DNS] = {"dns failed", "dns_failed"},
    [GATHER_CONNECT] = {"connect failed", "connect_failed"},
    [GATHER_TLS] = {"tls failed", "tls_failed"},
    [GATHER_CLOSED] = {"connection closed", "connection_closed"},
    [GATHER_BAD_RESPONSE] = {"bad response", "bad_response"},
    [GATHER_TOO_LARGE] = {"reply too large", "reply_too_large"},
    [GATHER_BUSY] = {"busy", "busy"},
    [GATHER_OPEN] = {"open", "open"},
    [GATHER_LIMITED] = {"limited", "limited"},
    [GATHER_CANCELLED] = {"connection closed", "cancelled"},
};

enum gather_end gather_end_of(int err)
{
    switch (-err) {
    case 0:
        return GATHER_OK;
    case WEIR_EDEADLINE:
        return GATHER_DEADLINE;
    case WEIR_EDNS:
        return GATHER_DNS;
    case WEIR_ETLS:
    case WEIR_ECONFIG: /* there are no authorities to check servers by */
        return GATHER_TLS;
    case WEIR_EPROTOCOL:
        return GATHER_BAD_RESPONSE;
    case WEIR_ETOOLARGE:
        return GATHER_TOO_LARGE;
    case WEIR_EBUSY:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
        return GATHER_BUSY;
    case WEIR_EOPEN:
        return GATHER_OPEN;
    case WEIR_ELIMITED:
        return GATHER_LIMITED;
    case WEIR_ECANCELED:
        return GATHER_CANCELLED;
    case WEIR_ETRUNCATED:
    case WEIR_ECLOSED:
    case ECONNRESET:
    case EPIPE:
        return GATHER_CLOSED;
    default:
        return GATHER_CONNECT;
    }
}

const char *gather_end_text(enum gather_end end)
{
    return ends[end].text;
}

const char *gather_end_label(enum gather_end end)
{
    return ends[end].label;
}

static int add_failed(char *at, size_t room, const char *name, const struct gather_call_end *end, bool first)
{
    const char *comma = first ? "" : ", ";

    return end->end == GATHER_STATUS
               ? snprintf(at, room, "%s%s status %u", comma, name, end->status)
               : snprintf(at, room, "%s%s %s", comma, name, gather_end_text((enum gather_end)end->end));
}

const char *gather_failed(char text[GATHER_FAILED_BYTES], const struct gather_note *note)
{
    enum { MORE_BYTES = 24 };
    unsigned left = (unsigned)(note->settings->call_count - note->succeeded);
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < note->settings->call_count && left > 0; i++) {
        const size_t room = GATHER_FAILED_BYTES - MORE_BYTES - used;
        size_t n;
        if (note->ends[i].end == GATHER_OK)
            continue;
        n = (size_t)add_failed(text + used, room, note->settings->calls[i].name, &note->ends[i], !used);
        if (n >= room) {
            (void)snprintf(text + used, MORE_BYTES, "%sand %u more", used ? ", " : "", left);
            break;
        }
        used += n;
        left--;
    }
    return text;
}
