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

/* --- lists of calls --- */

enum { ITEM_BYTES = 64 + ATTEMPTS_TEXT_BYTES + 8, MORE_BYTES = 40 };

/* Describes a call in a list. Returns: as snprintf(); 0: it is not in the list. */
typedef int describe_call(char item[ITEM_BYTES], const char *name, const struct gather_call_end *end);

static int describe_failed(char item[ITEM_BYTES], const char *name, const struct gather_call_end *end)
{
    if (end->end == GATHER_OK)
        return 0;
    return end->end == GATHER_STATUS
               ? snprintf(item, ITEM_BYTES, "%s status %u", name, end->status)
               : snprintf(item, ITEM_BYTES, "%s %s", name, gather_end_text((enum gather_end)end->end));
}

static int describe_attempts(char item[ITEM_BYTES], const char *name, const struct gather_call_end *end)
{
    char text[ATTEMPTS_TEXT_BYTES];

    return attempts_were_made(&end->attempts)
               ? snprintf(item, ITEM_BYTES, "%s %s", name, attempts_text(text, &end->attempts))
               : 0;
}

/* Lists the calls that describe() describes. There are so many; those without room are counted. */
static const char *list_calls(char text[GATHER_FAILED_BYTES], const struct gather_note *note, size_t count,
                              describe_call *describe)
{
    char item[ITEM_BYTES];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < note->settings->call_count && count > 0; i++) {
        const int length = describe(item, note->settings->calls[i].name, &note->ends[i]);
        const char *comma = used > 0 ? ", " : "";

        if (length == 0)
            continue;
        if (used + (size_t)length + 2 >= GATHER_FAILED_BYTES - MORE_BYTES) {
            (void)snprintf(text + used, MORE_BYTES, "%sand %zu more", comma, count);
            break;
        }
        used += (size_t)snprintf(text + used, GATHER_FAILED_BYTES - used, "%s%s", comma, item);
        count--;
    }
    return text;
}

const char *gather_failed(char text[GATHER_FAILED_BYTES], const struct gather_note *note)
{
    return list_calls(text, note, note->settings->call_count - note->succeeded, describe_failed);
}

const char *gather_attempts(char text[GATHER_FAILED_BYTES], const struct gather_note *note)
{
    return list_calls(text, note, note->tried_twice, describe_attempts);
}
