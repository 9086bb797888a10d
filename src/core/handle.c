/* SPDX-License-Identifier: MIT */
/* Handles: opening, closing, and the report of what was left open. */
#include "core/handle.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <weir/log.h>

#include "core/loop.h"
#include "core/runtime.h"

enum { PLACES_MAX = 3, PLACE_BYTES = 160, PLACES_BYTES = PLACES_MAX * (PLACE_BYTES + 2) };

static struct weir__handle *handle_of(struct weir__list *node)
{
    return weir__container_of(node, struct weir__handle, node);
}

void weir__handles_init(struct weir__handles *handles)
{
    weir__list_init(&handles->open);
    weir__list_init(&handles->closed);
    weir__list_init(&handles->ending);
}

void weir__handle_open(struct weir__handle *h, const struct weir__handle_type *type, const void *opened_at)
{
    h->loop = weir__loop_current();
    h->type = type;
    h->opened_at = opened_at;
    weir__list_push_back(&h->loop->handles.open, &h->node);
}

void weir__handle_close(struct weir__handle *h)
{
    weir__list_remove(&h->node);
    h->loop = NULL;
}

void weir__handle_free(struct weir__handle *h)
{
    struct weir__handles *handles = &weir__loop_current()->handles;
    struct weir__handle *oldest;

    weir__list_push_back(&handles->closed, &h->node);
    if (++handles->closed_count <= WEIR__HANDLES_KEPT)
        return;
    handles->closed_count--;
    oldest = handle_of(weir__list_pop_front(&handles->closed));
    oldest->type->free(oldest);
}

/* --- at the end of a loop --- */

/* Appends the name of a place to a list of names. */
static void append_place(struct weir_runtime *r, const void *place, char *names)
{
    size_t used = strlen(names);
    char name[PLACE_BYTES] = "";

    if (r->name_place != NULL)
        r->name_place(r, place, name, sizeof name);
    if (name[0] != '\0')
        (void)snprintf(names + used, PLACES_BYTES - used, "%s%s", used > 0 ? ", " : "", name);
}

/* Logs how many handles of a type are open, with the first different places that opened them. */
static void report(struct weir__loop *loop, const struct weir__handle_type *type)
{
    const void *places[PLACES_MAX];
    char names[PLACES_BYTES] = "", message[64];
    int place_count = 0, count = 0;

    weir__list_each (node, &loop->handles.open) {
        struct weir__handle *h = handle_of(node);
        bool is_new = place_count < PLACES_MAX;

        if (h->type != type)
            continue;
        count++;
        for (int i = 0; i < place_count; i++)
            is_new = is_new && places[i] != h->opened_at;
        if (!is_new)
            continue;
        places[place_count++] = h->opened_at;
        append_place(loop->runtime, h->opened_at, names);
    }
    (void)snprintf(message, sizeof message, "%s left open at the end of weir_run()", type->many);
    weir_log(WEIR_LOG_WARN, message, WEIR_KV_INT("count", count),
             names[0] != '\0' ? WEIR_KV("opened_at", names) : weir_kv_none());
}

static void end_type(struct weir__loop *loop, const struct weir__handle_type *type)
{
    weir__list_each_safe (node, &loop->handles.open) {
        struct weir__handle *h = handle_of(node);

        if (h->type != type)
            continue;
        weir__handle_close(h);
        if (!type->end(h))
            weir__list_push_back(&loop->handles.ending, &h->node);
    }
}

void weir__handles_end(struct weir__loop *loop)
{
    while (!weir__list_is_empty(&loop->handles.open)) {
        const struct weir__handle_type *type = handle_of(loop->handles.open.next)->type;

        report(loop, type);
        end_type(loop, type);
    }
}

bool weir__handles_are_ending(struct weir__loop *loop)
{
    weir__list_each_safe (node, &loop->handles.ending) {
        struct weir__handle *h = handle_of(node);

        weir__list_remove(node);
        if (!h->type->end(h))
            weir__list_push_front(&loop->handles.ending, node);
    }
    return !weir__list_is_empty(&loop->handles.ending);
}

void weir__handles_forget(struct weir__loop *loop)
{
    struct weir__list *node;

    while ((node = weir__list_pop_front(&loop->handles.closed)) != NULL)
        handle_of(node)->type->free(handle_of(node));
    loop->handles.closed_count = 0;
}
