/* SPDX-License-Identifier: MIT */
#include "http/client/reply.h"

#include <string.h>

#include "core/account/activity.h"
#include "core/misuse.h"

/* --- what answers hold --- */

static const char too_much_held[] = "answers of backends hold as much memory as they may";

bool weir__client_has_room(const weir_client *client, size_t bytes)
{
    size_t held = weir__account_sum(&client->loop->buffered);

    return held <= client->options.replies_bytes && bytes <= client->options.replies_bytes - held;
}

int weir_client_hold(weir_client *client, size_t bytes)
{
    const struct weir__task *self = weir__calling_task(__func__);

    weir__check_loop(client->handle.loop, __func__, "a client");
    if (weir__client_has_room(client, bytes)) {
        weir__account_take(&client->loop->buffered, bytes);
        return 0;
    }
    if (self->activity != NULL) {
        self->activity->busy_why = too_much_held;
        self->activity->busy_reason = "replies";
        self->activity->busy_for_ns = 1000000000;
    }
    return -WEIR_EBUSY;
}

void weir_client_unhold(weir_client *client, size_t bytes)
{
    weir__check_loop(client->handle.loop, __func__, "a client");
    weir__account_give(&client->loop->buffered, bytes);
}

/* --- answers --- */

/* The memory of an answer comes from its loop, and goes back there. */
static void check_memory(const struct weir__arena *memory, const char *function)
{
    weir__check_loop(weir__container_of(memory->cache, struct weir__loop, chunks), function, "an answer");
}

const char *weir_reply_header(const weir_reply *reply, const char *name)
{
    weir_bytes wanted = weir_bytes_of(name);

    for (size_t i = 0; i < reply->header_count; i++)
        if (weir_bytes_equal_nocase(weir_bytes_of(reply->headers[i].name), wanted))
            return reply->headers[i].value;
    return NULL;
}

const char *weir_reply_header_joined(weir_reply *reply, const char *name)
{
    const weir_bytes wanted = weir_bytes_of(name);
    const char *first = NULL;
    size_t found = 0, bytes = 0;
    char *text, *at;

    for (size_t i = 0; i < reply->header_count; i++)
        if (weir_bytes_equal_nocase(weir_bytes_of(reply->headers[i].name), wanted)) {
            first = first != NULL ? first : reply->headers[i].value;
            bytes += strlen(reply->headers[i].value) + 2;
            found++;
        }
    if (found <= 1)
        return first;
    check_memory(reply->memory, __func__);
    text = at = weir__arena_alloc(reply->memory, bytes);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < reply->header_count; i++)
        if (weir_bytes_equal_nocase(weir_bytes_of(reply->headers[i].name), wanted)) {
            at = stpcpy(at, at > text ? ", " : "");
            at = stpcpy(at, reply->headers[i].value);
        }
    return text;
}

void weir_reply_free(weir_reply *reply)
{
    if (reply->memory != NULL && !reply->lent) {
        check_memory(reply->memory, __func__);
        weir__arena_free(reply->memory);
    }
    *reply = (weir_reply){0};
}
